"""A tagger against the labels of a corpus."""

import json

import pytest

from rnner.data.corpus import read_split
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.evaluation import evaluate, report
from rnner.scoring.metrics import score
from rnner.tags import Span, to_spans
from tiny import DEV, TRAIN, annotated, split_of, tagger_of, vocabulary_of


class Told(TaggerDecoder):
    """A decoder that finds what it is told to find."""

    def __init__(self, vocabulary, found):
        super().__init__(tagger_of(vocabulary=vocabulary)[0], vocabulary)
        self.found = found

    def spans(self, sentences, documents=None):
        assert len(sentences) == len(self.found) == len(documents)
        return self.found


def gold_of(text):
    return [to_spans(tags, "iob2") for _, tags in annotated(text)]


@pytest.mark.parametrize("scheme", ["bioes", "iob2", "iob1"])
def test_what_is_all_right_scores_one_whatever_the_schemes(scheme):
    perfect = Told(vocabulary_of(), gold_of(DEV))
    scores = evaluate(perfect, split_of(DEV, scheme))
    assert scores.f1 == scores.precision == scores.recall == scores.accuracy == 1.0
    assert scores.support == 5 and set(scores.per_type) == {"PER", "LOC", "ORG"}


def test_half_of_the_names_found_is_half_the_recall():
    found = [spans[:1] for spans in gold_of(TRAIN)]
    scores = evaluate(Told(vocabulary_of(), found), split_of(TRAIN))
    gold = sum(map(len, gold_of(TRAIN)))
    assert scores.precision == 1.0 and scores.recall == sum(map(len, found)) / gold


def test_the_report_has_the_scores_of_evaluate_and_the_errors():
    tagger, vocabulary = tagger_of()
    decoder, split = TaggerDecoder(tagger, vocabulary), split_of(DEV)
    told = report(decoder, split)
    assert told.scores == evaluate(decoder, split)
    assert told.scores == score(
        list(split.all_spans()), decoder.spans(split.sentences()[0]), split.lengths.tolist()
    )
    assert sum(told.errors.gold.values()) == told.scores.support
    assert sum(told.errors.predicted.values()) == told.scores.predicted
    assert told.counts.sum(0).tolist() == [told.scores.correct, told.scores.predicted, told.scores.support]
    assert told.warnings == []
    assert json.loads(json.dumps(told.to_dict()))["errors"]["gold"]["correct"] == told.scores.correct


def test_the_decoder_is_told_the_documents_of_the_split():
    given = []

    class Asked(Told):
        def spans(self, sentences, documents=None):
            given.append(documents)
            return super().spans(sentences, documents)

    decoder, split = Asked(vocabulary_of(), gold_of(DEV)), split_of(DEV, documents=[-1, 0, 0])
    evaluate(decoder, split), report(decoder, split)
    assert given == [[-1, 0, 0]] * 2


def test_error_classes_and_confusions_are_those_of_the_entities():
    text = "[PER Luna Lovegood] wrote from [LOC Cornwall] to [ORG Gringotts] ."
    found = [[Span(0, 1, "PER"), Span(4, 5, "ORG"), Span(7, 8, "LOC")]]
    told = report(Told(vocabulary_of(), found), split_of(text))
    assert told.errors.gold["wrong_boundary"] == 1 and told.errors.gold["wrong_type"] == 1
    assert told.errors.gold["missed"] == 1 and told.errors.predicted["spurious"] == 1
    assert {(c.gold, c.predicted) for c in told.confusions} == {
        ("PER", "PER"), ("LOC", "ORG"), ("ORG", None), (None, "LOC"),
    }  # fmt: skip


def test_labels_that_the_model_does_not_know_count_as_missed_with_a_warning():
    text = "[EVENT Yule Ball] took place in [LOC Hogwarts] .\n[EVENT Christmas] came ."
    perfect_but_for_events = [[Span(5, 6, "LOC")], []]
    told = report(Told(vocabulary_of(), perfect_but_for_events), split_of(text))
    assert told.scores.recall == pytest.approx(1 / 3) and told.scores.per_type["EVENT"].recall == 0
    assert told.warnings == ["the model does not know the labels EVENT (2): these entities count as missed"]


def test_a_model_of_names_alone_is_scored_on_names():
    vocabulary = vocabulary_of(scheme="binary")
    found = [[Span(0, 2, "NAME"), Span(4, 5, "NAME"), Span(6, 7, "NAME")], [Span(1, 3, "NAME")], []]
    told = report(Told(vocabulary, found), split_of(DEV))
    assert set(told.scores.per_type) == {"NAME"} and told.warnings == []
    assert told.scores.support == 5 and told.scores.correct == 4


def test_tags_that_break_their_scheme_have_a_strict_score_beside_the_other(tmp_path):
    path = tmp_path / "found.conll"
    path.write_text(
        "Luna\tO\nLovegood\tI-PER\nsaw\tO\nWales\tB-LOC\n\nIt\tO\nis\tO\n\nRon\tI-LOC\nEgypt\tB-PER\n"
    )
    split = read_split(path, illegal="conlleval")
    assert split.repaired is not None
    found = [[Span(1, 2, "PER"), Span(3, 4, "LOC")], [], []]
    told = report(Told(vocabulary_of(), found), split)
    assert told.scores.correct == 2 and told.scores.support == 4
    assert told.counts.tolist() == [[2, 2, 2], [0, 0, 0], [0, 0, 2]]
    assert told.scores.strict is not None and told.scores.strict.support == 2
    assert len(told.warnings) == 1 and f"{path}:2: " in told.warnings[0] and "conlleval" in told.warnings[0]
