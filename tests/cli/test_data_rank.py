"""`rnner data rank`: the order in which to annotate texts, with suggestions."""

from __future__ import annotations

import json

import pytest

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents

KNOWN = "Ada Lovelace wrote to Charles Babbage ."
PLAIN = "It was a good year ."
ODD = "Hedy Turing of Oslo met Rand Shannon in Bell ."
TEXTS = f"{KNOWN}\n{PLAIN}\n{ODD}\n"


@pytest.fixture
def rank(rnner, trained, folder):
    """Rank with the trained model and return the outcome."""
    (folder / "texts.txt").write_text(TEXTS)

    def call(*arguments, stdin=None):
        return rnner("data", "rank", *arguments, "--model", trained, stdin=stdin)

    return call


def ranked(outcome):
    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_the_most_uncertain_text_comes_first_with_suggestions(rank):
    records = ranked(rank("texts.txt"))
    assert records[0]["text"] == ODD
    bits = {record["text"]: record["uncertainty"] for record in records}
    assert bits[ODD] > bits[KNOWN] and bits[ODD] > bits[PLAIN] >= 0
    (known,) = (record for record in records if record["text"] == KNOWN)
    found = [(entity["label"], entity["text"]) for entity in known["entities"]]
    assert found == [("PER", "Ada Lovelace"), ("PER", "Charles Babbage")]


def test_limit_writes_the_first_texts(rank, folder):
    all_records = ranked(rank("texts.txt"))
    outcome = rank("texts.txt", "--limit", 1, "--output", "first.jsonl")
    assert outcome.out == "" and "wrote first.jsonl: 1 of 3 texts" in outcome.err
    assert json.loads((folder / "first.jsonl").read_text()) == all_records[0]


def test_the_other_orders(rank):
    assert [record["text"] for record in ranked(rank("texts.txt", "--order", "file"))] == TEXTS.splitlines()
    first, again, other = (
        [record["text"] for record in ranked(rank("texts.txt", "--order", "random", "--seed", seed))]
        for seed in (1, 1, 2)
    )
    assert first == again != other and sorted(first) == sorted(TEXTS.splitlines())
    assert all("uncertainty" not in record for record in ranked(rank("texts.txt", "--order", "file")))


def test_records_keep_their_keys_and_words_stay_words(rank, folder):
    records = [{"id": 7, "text": KNOWN}, {"id": 8, "tokens": ODD.split(), "source": "letters"}]
    (folder / "texts.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    odd, known = ranked(rank("texts.jsonl"))
    assert (odd["id"], odd["source"], odd["tokens"]) == (8, "letters", ODD.split())
    assert (known["id"], known["text"]) == (7, KNOWN)
    columns = ranked(rank("test.conll"))
    assert columns[0]["tokens"] == columns[0]["text"].split()


def test_several_models_count_together(rnner, rank, trained, folder):
    once = ranked(rank("texts.txt"))
    twice = ranked(rank("texts.txt", "--model", trained))
    assert [record["text"] for record in twice] == [record["text"] for record in once]
    assert [it["uncertainty"] for it in twice] == pytest.approx([it["uncertainty"] for it in once])
    outcome = rank("texts.txt", "--model", "en")
    assert outcome.code == 0, outcome.err


def test_models_with_other_labels_are_refused(rank, folder, trained, one_line, rnner):
    notes = folder / "notes"
    arguments = ["--set", "data.scheme=binary", "--set", "training.epochs=1", "--quiet", "--threads", "1"]
    assert rnner("train", "--config", "tiny.yaml", "--output", notes, *arguments).code == 0
    one_line(rank("texts.txt", "--model", notes), 2, "(--model 1) has the labels", "NAME")


@pytest.mark.parametrize("form", ["doccano", "prodigy", "webanno", "spacy-json", "brat", "spacy"])
def test_suggestions_in_the_format_of_a_tool(rank, folder, form):
    out = folder / ("out.spacy" if form == "spacy" else "out")
    outcome = rank("texts.txt", "--format", form, "--output", out)
    assert outcome.code == 0, outcome.err
    assert detect_format(out) == form
    documents = read_documents(SourceFile(out), form)
    spans = {(own.text[start:end], label) for own in documents for start, end, label in own.spans}
    assert {("Ada Lovelace", "PER"), ("Charles Babbage", "PER")} <= spans


def test_label_studio_gets_predictions_not_annotations(rank):
    tasks = json.loads(rank("texts.txt", "--format", "labelstudio").out)
    assert next(task["data"]["text"] for task in tasks) == ODD
    assert all(task.keys() == {"id", "data", "predictions"} for task in tasks)
    (task,) = (task for task in tasks if task["data"]["text"] == KNOWN)
    values = [result["value"] for result in task["predictions"][0]["result"]]
    assert [(own["text"], own["labels"]) for own in values] == [
        ("Ada Lovelace", ["PER"]),
        ("Charles Babbage", ["PER"]),
    ]


def test_conll_can_be_corrected_and_trained_on(rank, folder):
    outcome = rank("texts.txt", "--output", "out.conll")
    assert outcome.code == 0, outcome.err
    documents = read_documents(SourceFile(folder / "out.conll"), "conll")
    assert documents[0].text == ODD
    assert [own.spans for own in documents if own.text == KNOWN] == [
        [CharSpan(0, 12, "PER"), CharSpan(22, 37, "PER")]
    ]


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--format", "lables"], ["--format lables: unknown format", "expected one of: jsonl, conll"]),
        (["--format", "brat"], ["--format brat is not text: add --output"]),
        (["--output", "out.json"], ["add --format: ", "labelstudio"]),
        (["--output", "out"], ["add --format: jsonl, conll"]),
        (["--output", "texts.txt", "--format", "jsonl"], ["is the input file"]),
        (["--input", "nothing"], ["--input nothing: unknown kind"]),
    ],
)
def test_options_that_do_not_fit_are_refused(rank, one_line, arguments, parts):
    one_line(rank("texts.txt", *arguments), 2, *parts)


def test_a_record_that_cannot_be_read_stops_there_or_is_skipped(rank, folder):
    (folder / "texts.jsonl").write_text(f'{{"text": "{KNOWN}"}}\n{{"txt": 1}}\n{{"text": "{ODD}"}}\n')
    stopped, skipped = rank("texts.jsonl"), rank("texts.jsonl", "--on-error", "skip")
    assert (stopped.code, len(stopped.out.splitlines())) == (1, 1)
    assert (skipped.code, len(skipped.out.splitlines())) == (1, 2)
    assert "texts.jsonl:2" in stopped.err and "1 of 3 records could not be read" in skipped.err


def test_texts_from_stdin(rank):
    records = ranked(rank("-", stdin=TEXTS.encode()))
    assert len(records) == 3
