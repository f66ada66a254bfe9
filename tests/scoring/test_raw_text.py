"""Scores on raw text, with a model that knows some words by heart."""

import json
from types import SimpleNamespace

import pytest

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.decoding.decoder import ScoredSpan
from rnner.errors import DataError
from rnner.pipeline import Document
from rnner.scoring.raw_text import report, score_spans
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import tokenize


class Knows:
    """A pipeline that finds each of these words, and nothing else."""

    def __init__(self, names, scheme="bioes"):
        self.names, self.vocabulary = names, SimpleNamespace(scheme=scheme)
        self.labels = sorted(set(names.values()))

    def documents(self, texts):
        parts = [split_sentences(text, tokenize(text)) for text in texts]
        return [
            Document(text, rows, [self._spans([token.text for token in row]) for row in rows])
            for text, rows in zip(texts, parts, strict=True)
        ]

    def tag(self, sentences, documents):
        assert len(sentences) == len(documents)
        found = [self._spans(words) for words in sentences]
        return [[Entity(it.label, it.start, it.end, "", it.score) for it in spans] for spans in found]

    def _spans(self, words):
        return [
            ScoredSpan(i, i + 1, self.names[word], 1.0) for i, word in enumerate(words) if word in self.names
        ]


@pytest.fixture
def scored(tmp_path):
    """`scored(text, names)`: the report on a file with this text."""

    def score(text, names, scheme="bioes"):
        path = tmp_path / "corpus"
        path.write_text(text, encoding="utf-8")
        return report(Knows(names, scheme), SourceFile(path), detect_format(path))

    return score


def conllu(*rows):
    return "".join(f"{i}\t{word}" + "\t_" * 7 + f"\t{misc}\n" for i, (word, misc) in enumerate(rows, 1))


def test_spans_count_by_characters_and_label_whether_or_not_they_overlap():
    gold = [{CharSpan(0, 3, "PER"), CharSpan(0, 9, "ORG")}, {CharSpan(4, 8, "LOC")}]
    found = [{CharSpan(0, 3, "PER"), CharSpan(0, 9, "PER")}, {CharSpan(4, 7, "LOC"), CharSpan(0, 2, "LOC")}]
    scores = score_spans(gold, found)
    assert (scores.total.support, scores.total.predicted, scores.total.correct) == (3, 4, 1)
    assert (scores.total.precision, scores.total.recall) == (1 / 4, 1 / 3)
    assert scores.total.f1 == pytest.approx(2 / 7)
    assert {label: score.f1 for label, score in scores.per_type.items()} == {
        "LOC": 0, "ORG": 0, "PER": pytest.approx(2 / 3)
    }  # fmt: skip


def test_nothing_to_find_and_nothing_found_is_no_error():
    assert score_spans([set()], [set()]).total.f1 == 0


def test_white_space_of_the_file_decides_what_the_raw_text_is(scored):
    together = conllu(("Ada", "NER=B-PER|SpaceAfter=No"), ("-like", "NER=O"))
    apart = together.replace("|SpaceAfter=No", "")
    assert [scored(text, {"Ada": "PER"}).raw.total.correct for text in (together, apart)] == [0, 1]
    lost = scored(together, {"Ada": "PER"})
    assert lost.tokens.total.correct == 1 and lost.differences()["f1"] == -1
    (cut,) = lost.cut
    assert (cut.text, cut.tokens) == ("Ada", ("Ada-like",))


def test_sentences_of_a_document_stay_apart(scored):
    rows = "-DOCSTART- O\n\nOslo B-LOC\n\nAda B-PER\nslept O\n"
    told = scored(rows, {"Oslo": "LOC", "Ada": "PER"})
    assert told.raw.total.f1 == told.tokens.total.f1 == 1


def test_names_that_touch_are_one_for_a_model_of_names_alone(scored):
    places = [(0, 3, "A"), (4, 6, "B"), (7, 11, "C")]
    spans = [{"start": start, "end": end, "label": label} for start, end, label in places]
    text = json.dumps({"text": "Ada of Oslo", "spans": spans})
    assert scored(text, {}, "binary").raw.total.support == 1
    rows = "Ada B-PER\nOslo B-LOC\nslept O\n"
    told = scored(rows, {"Ada": "NAME"}, "binary")
    assert told.raw.per_type.keys() == {"NAME"} and told.raw.total.support == 1
    assert told.tokens.total.support == 1


def test_white_space_at_the_ends_of_a_span_does_not_count(scored):
    text = '{"text": "Ada slept", "spans": [{"start": 0, "end": 4, "label": "PER"}]}'
    assert scored(text, {"Ada": "PER"}).raw.total.f1 == 1


def test_a_file_without_a_word_is_refused(scored):
    with pytest.raises(DataError, match="no word"):
        scored('{"text": " ", "spans": []}', {})
