"""JSON records: errors are reported with their line."""

import pytest

from rnner.data.formats.json_records import read_records

GOOD = '{"text": "Ada", "spans": []}'


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"{GOOD}\n{GOOD}\n", [1, 2]),
        (f"\n{GOOD}\r\n \n{GOOD}", [2, 4]),
        (f"[{GOOD}, {GOOD}]", [1, 1]),
        (f'\n[\n  {GOOD},\n  {{"text":\n"Bo"}}\n,{GOOD}\n]\n', [3, 4, 6]),
        (f"[{GOOD}]\n[{GOOD}]\n", [1, 2]),
        (f'{{\n "text": "Ada"}}\n{GOOD}\n', [1, 3]),
        (f'\n{{"version": 1, "documents": [{GOOD},\n{GOOD}]}}\n', [2, 2]),
        ("[]", []),
    ],
)
def test_records_have_their_first_line(written, text: str, lines: list[int]) -> None:
    assert [record.line for record in read_records(written(text))] == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{GOOD}\n{{"text": "Bo", "spans": [\n', "2: not valid JSON"),
        (f"{GOOD}\n{GOOD} {GOOD}\n", "2: not valid JSON: two values on one line"),
        (f"[\n{GOOD}\n{GOOD}]", "2: no comma or ]"),
        (f"[\n{GOOD},\n", "2: not valid JSON"),
        (f"[{GOOD}]\n\nx", "3: not valid JSON"),
        (f"{GOOD}\n3\n", "2: expected a JSON object {...}, found 3"),
        (f"{GOOD}\n" + '{"text": ' + "[" * 100_000, "2: this JSON cannot be read"),
        (f'{GOOD}\n{{"text": 1{"0" * 5000}}}', "2: this JSON cannot be read"),
        ('{"text": "a\\ud83d", "spans": []}', '1: "text" has a lone surrogate, \\ud83d, at position 1'),
        ('{"text": null, "spans": []}', '1: "text" is not a string: null'),
        ('{"text": "Ada", "spans": 3}', '1: "spans" is not a list: 3'),
        (
            '{"text": "Ada", "spans": [{"start": 0.0, "end": 3, "label": "A"}]}',
            '1: "start" is not a whole number: 0.0',
        ),
        (
            '{"text": "Ada", "spans": [{"start": true, "end": 3, "label": "A"}]}',
            '1: "start" is not a whole number: true',
        ),
        ('{"text": "Ada", "spans": [{"start": 0, "end": 3}]}', "1: a span has no 'label'; its keys are"),
        ('{"text": "Ada", "spans": [{"start": 0, "end": 3, "label": ""}]}', "1: a label is empty"),
        (
            '{"text": "Ada", "spans": [{"start": 0, "end": 4, "label": "A"}]}',
            "1: the span 0-4 A is outside the text",
        ),
        (
            '{"text": "Ada", "spans": [{"start": 2, "end": 2, "label": "A"}]}',
            "1: the span 2-2 A is outside the text",
        ),
        ('{"text": "Ada", "spans": [{"start": -2, "end": 2, "label": "A"}]}', "1: the span -2-2 A is"),
    ],
)
def test_invalid_records_are_reported_with_their_line(refusal, text: str, message: str) -> None:
    assert refusal(text, "prodigy").startswith(message)
