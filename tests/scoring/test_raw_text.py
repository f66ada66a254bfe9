"""Scores on raw text, with a model that finds given words."""

import json
from types import SimpleNamespace

import pytest

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.decoding.document import Document
from rnner.decoding.spans import ScoredSpan
from rnner.errors import DataError
from rnner.scoring.raw_text import evaluate_raw_text, score_char_spans
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import tokenize


class Knows:
    """A pipeline that finds these words and nothing else."""

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
    """Return a function that writes a file and returns the report on it."""

    def score(text, names, scheme="bioes"):
        path = tmp_path / "corpus"
        path.write_text(text, encoding="utf-8")
        return evaluate_raw_text(Knows(names, scheme), SourceFile(path), detect_format(path))

    return score


def conllu(*rows):
    return "".join(f"{i}\t{word}" + "\t_" * 7 + f"\t{misc}\n" for i, (word, misc) in enumerate(rows, 1))


def test_char_spans_may_overlap():
    gold = [{CharSpan(0, 3, "PER"), CharSpan(0, 9, "ORG")}, {CharSpan(4, 8, "LOC")}]
    found = [{CharSpan(0, 3, "PER"), CharSpan(0, 9, "PER")}, {CharSpan(4, 7, "LOC"), CharSpan(0, 2, "LOC")}]
    scores = score_char_spans(gold, found)
    assert (scores.total.support, scores.total.predicted, scores.total.correct) == (3, 4, 1)
    assert (scores.total.precision, scores.total.recall) == (1 / 4, 1 / 3)
    assert scores.total.f1 == pytest.approx(2 / 7)
    assert {label: score.f1 for label, score in scores.per_type.items()} == {
        "LOC": 0, "ORG": 0, "PER": pytest.approx(2 / 3)
    }  # fmt: skip


def test_scores_without_char_spans_are_zero():
    assert score_char_spans([set()], [set()]).total.f1 == 0


def test_the_raw_text_has_the_white_space_of_the_file(scored):
    together = conllu(("Ada", "NER=B-PER|SpaceAfter=No"), ("-like", "NER=O"))
    apart = together.replace("|SpaceAfter=No", "")
    assert [scored(text, {"Ada": "PER"}).raw.total.correct for text in (together, apart)] == [0, 1]
    lost = scored(together, {"Ada": "PER"})
    assert lost.tokens.total.correct == 1 and lost.differences()["f1"] == -1
    (cut,) = lost.cut
    assert (cut.text, cut.tokens) == ("Ada", ("Ada-like",))


def test_sentences_of_a_document_stay_apart(scored):
    rows = "-DOCSTART- O\n\nOslo B-LOC\n\nAda B-PER\nslept O\n"
    report = scored(rows, {"Oslo": "LOC", "Ada": "PER"})
    assert report.raw.total.f1 == report.tokens.total.f1 == 1


def test_adjacent_names_are_one_for_a_binary_model(scored):
    places = [(0, 3, "A"), (4, 6, "B"), (7, 11, "C")]
    spans = [{"start": start, "end": end, "label": label} for start, end, label in places]
    text = json.dumps({"text": "Ada of Oslo", "spans": spans})
    assert scored(text, {}, "binary").raw.total.support == 1
    rows = "Ada B-PER\nOslo B-LOC\nslept O\n"
    report = scored(rows, {"Ada": "NAME"}, "binary")
    assert report.raw.per_type.keys() == {"NAME"} and report.raw.total.support == 1
    assert report.tokens.total.support == 1


def test_white_space_at_the_ends_of_a_span_is_ignored(scored):
    text = '{"text": "Ada slept", "spans": [{"start": 0, "end": 4, "label": "PER"}]}'
    assert scored(text, {"Ada": "PER"}).raw.total.f1 == 1


def test_a_file_without_words_is_refused(scored):
    with pytest.raises(DataError, match="no word"):
        scored('{"text": " ", "spans": []}', {})
