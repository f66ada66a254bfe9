"""JSON and its lines: what is wrong is told where it is."""

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
        ("[]", []),
    ],
)
def test_records_come_with_the_line_where_they_begin(written, text: str, lines: list[int]) -> None:
    assert [record.line for record in read_records(written(text))] == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'{GOOD}\n{{"text": "Bo", "spans": [\n', "2: no JSON"),
        (f"{GOOD}\n{GOOD} {GOOD}\n", "2: there is more than one JSON value"),
        (f"[\n{GOOD}\n{GOOD}]", "2: no comma or ]"),
        (f"[\n{GOOD},\n", "2: no JSON"),
        (f"[{GOOD}]\n\nx", "3: there is more after the list"),
        (f"{GOOD}\n3\n", "2: a JSON object is wanted, such as {...}, not 3"),
        (f"{GOOD}\n" + '{"text": ' + "[" * 100_000, "2: no JSON that can be read"),
        (f'{GOOD}\n{{"text": 1{"0" * 5000}}}', "2: no JSON that can be read"),
        ('{"text": "a\\ud83d", "spans": []}', '1: "text" has half a surrogate pair, \\ud83d, at 1'),
        ('{"text": null, "spans": []}', '1: "text" is no text: null'),
        ('{"text": "Ada", "spans": 3}', '1: "spans" is no list: 3'),
        ('{"text": "Ada", "spans": [{"start": 0.0, "end": 3}]}', '1: "start" is no whole number: 0.0'),
        ('{"text": "Ada", "spans": [{"start": true, "end": 3}]}', '1: "start" is no whole number: true'),
        ('{"text": "Ada", "spans": [{"start": 0, "end": 3}]}', '1: "label" is no text: null'),
        ('{"text": "Ada", "spans": [{"start": 0, "end": 3, "label": ""}]}', "1: a label is empty"),
        (
            '{"text": "Ada", "spans": [{"start": 0, "end": 4, "label": "A"}]}',
            "1: the span 0-4 A is not within",
        ),
        (
            '{"text": "Ada", "spans": [{"start": 2, "end": 2, "label": "A"}]}',
            "1: the span 2-2 A is not within",
        ),
        ('{"text": "Ada", "spans": [{"start": -2, "end": 2, "label": "A"}]}', "1: the span -2-2 A is not"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(refusal, text: str, message: str) -> None:
    assert refusal(text, "prodigy").startswith(message)
