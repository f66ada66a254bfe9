"""A small run of scripts/fuzz_data.py on 100 corrupted files, and tests that it detects failures."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from rnner.data.corpus import resolve
from rnner.data.formats.column_layout import Layout

FILES = 100


@pytest.fixture(scope="module")
def corpora():
    return [resolve(f"sample:{part}").read_bytes().split(b"\n") for part in ("train", "dev", "test")]


def test_a_corrupted_file_gives_a_result_or_a_clear_error(script, corpora):
    fuzz, outcomes = script("fuzz_data"), Counter()
    for number in range(FILES):
        result = fuzz.try_file(number, corpora=corpora, seed=0, limit=20)
        assert result.failure is None, f"file {number}: {result.failure.problem}"
        outcomes.update(result.outcomes)
    done = {outcome.partition(":")[0] for outcome in outcomes if outcome.endswith(": done")}
    assert sum(outcome.startswith("convert to ") for outcome in done) > 10
    assert {"read conll", "predict", "convert predictions", "score: F1 1"} <= {*done, *outcomes}
    assert outcomes["read conll: error"] and outcomes["predict: error"]


def test_a_number_always_gives_the_same_file(script, corpora):
    mutations = script("mutations")
    one, same, other = (
        mutations.mutate(mutations.corpus_piece(corpora, d), d) for d in map(Random, (1, 1, 2))
    )
    assert one == same != other
    assert one.count(b"\n") < mutations.MOST_LINES


def test_the_samples_and_looks_are_read_without_an_error(script, corpora, tmp_path):
    samples, checks = script("fuzz_samples"), script("fuzz_checks")
    forms = Counter()
    for name, files in samples.SAMPLES.items():
        folder = tmp_path / name
        script("fuzz_data").write_files(folder, files)
        trial = checks.Trial(folder / next(iter(files)), Random(0))
        assert list(checks.problems(trial)) == [], name
        forms[trial.form] += 1
    assert forms.keys() >= set(checks.FORMATS) - {"dataset", "spacy"}
    piece = b"Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\n\n"
    assert all(script("fuzz_looks").dress(piece, Random(i)) for i in range(100))


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"Ada O\n\n \t\n# a\nB O\n", {1, 5}),
        (b"\xef\xbb\xbfAda\tO\r\n\r\n#\tO\n-DOCSTART- O\n\xff\tO\r", {1, 3, 5}),
    ],
)
def test_rows_are_lines_that_are_not_blank_comments_or_document_marks(script, data, rows):
    assert script("fuzz_checks").rows(data, Layout("\t")) == rows


def test_a_timeout_or_an_unexpected_exception_is_a_failure(script, corpora, monkeypatch):
    fuzz, checks = script("fuzz_data"), script("fuzz_checks")

    def endless(*ignored, **options):
        while True:
            pass

    monkeypatch.setattr(checks, "detect_format", endless)
    assert "more than 1 s" in fuzz.try_file(0, corpora=corpora, seed=0, limit=1).failure.problem
    monkeypatch.setattr(checks, "detect_format", lambda *ignored: [][0])
    assert "IndexError" in fuzz.try_file(0, corpora=corpora, seed=0, limit=20).failure.problem


@pytest.fixture
def problems(script, tmp_path):
    """Return the problems that a check finds in a file."""

    def call(check, name, text, form):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return list(check(script("fuzz_checks").Trial(path, Random(1), form)))

    return call


def test_a_lost_line_is_a_failure(script, problems, monkeypatch):
    checks = script("fuzz_checks")
    monkeypatch.setattr(checks, "rows", lambda *ignored: {1, 2, 3})
    assert "[3]" in problems(checks.column_problems, "a.conll", "Ada\tB-PER\nwrote\tO\n", "conll")[0]


@pytest.mark.parametrize(
    ("form", "name", "text"),
    [
        ("inline", "a.txt", "Ada/B-PER wrote/O\nRain/O fell/O\n"),
        (
            "tokens",
            "a.jsonl",
            '{"tokens": ["Ada"], "tags": ["B-PER"]}\n{"tokens": ["wrote"], "tags": ["O"]}\n',
        ),
        ("jsonl", "a.jsonl", '{"text": "Ada", "entities": []}\n{"text": "wrote", "entities": []}\n'),
        ("csv", "a.csv", "word,tag\nAda,B-PER\n\nwrote,O\n"),
    ],
)
def test_a_lost_record_is_a_failure(script, problems, monkeypatch, form, name, text):
    checks = script("fuzz_checks")
    assert problems(checks.reading_problems, name, text, form) == []
    read = checks.FORMATS[form].read
    lossy = replace(checks.FORMATS[form], parse=lambda source: list(read(source))[1:])
    monkeypatch.setitem(checks.FORMATS, form, lossy)
    assert "units" in problems(checks.reading_problems, name, text, form)[0]


def test_a_prediction_that_is_not_written_is_a_failure(script, problems, monkeypatch):
    checks = script("fuzz_checks")
    text = '{"text": "Ada wrote."}\n{"text": "Rain."}\n'
    assert problems(checks.prediction_problems, "a.jsonl", text, "") == []
    whole = checks._predict
    monkeypatch.setattr(
        checks, "_predict", lambda *given: replace(found := whole(*given), text=found.text.split("\n")[0])
    )
    assert problems(checks.prediction_problems, "a.jsonl", text, "") == ["2 records, but 1 predictions"]
