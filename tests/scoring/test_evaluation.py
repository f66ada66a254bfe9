"""Evaluation of a tagger on an annotated corpus."""

import json

import pytest

from rnner.data.corpus import read_split
from rnner.decoding.ensemble import Ensemble
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.scoring.evaluation import evaluate, evaluation_report
from rnner.scoring.metrics import score
from rnner.tags import Span, to_spans
from tiny_corpus import DEV, TRAIN, annotated, split_of, tagger_of, vocabulary_of


class FixedDecoder(TaggerDecoder):
    """A decoder with given predictions."""

    def __init__(self, vocabulary, found):
        super().__init__(tagger_of(vocabulary=vocabulary)[0], vocabulary)
        self.found = found

    def spans(self, sentences, documents=None):
        assert len(sentences) == len(self.found) == len(documents)
        return self.found


def gold_of(text):
    return [to_spans(tags, "iob2") for _, tags in annotated(text)]


@pytest.mark.parametrize("scheme", ["bioes", "iob2", "iob1"])
def test_a_perfect_prediction_scores_one_in_any_scheme(scheme):
    perfect = FixedDecoder(vocabulary_of(), gold_of(DEV))
    scores = evaluate(perfect, split_of(DEV, scheme))
    assert scores.f1 == scores.precision == scores.recall == scores.accuracy == 1.0
    assert scores.support == 5 and set(scores.per_type) == {"PER", "LOC", "ORG"}


def test_recall_is_the_share_of_gold_entities_found():
    found = [spans[:1] for spans in gold_of(TRAIN)]
    scores = evaluate(FixedDecoder(vocabulary_of(), found), split_of(TRAIN))
    gold = sum(map(len, gold_of(TRAIN)))
    assert scores.precision == 1.0 and scores.recall == sum(map(len, found)) / gold


def test_the_report_has_the_scores_of_evaluate_and_the_errors():
    tagger, vocabulary = tagger_of()
    decoder, split = TaggerDecoder(tagger, vocabulary), split_of(DEV)
    report = evaluation_report(decoder, split)
    assert report.scores == evaluate(decoder, split)
    assert report.scores == score(
        list(split.all_spans()), decoder.spans(split.sentences()[0]), split.lengths.tolist()
    )
    assert sum(report.errors.gold.values()) == report.scores.support
    assert sum(report.errors.predicted.values()) == report.scores.predicted
    assert report.counts.sum(0).tolist() == [
        report.scores.correct,
        report.scores.predicted,
        report.scores.support,
    ]
    assert report.warnings == []
    assert json.loads(json.dumps(report.to_dict()))["errors"]["gold"]["correct"] == report.scores.correct


def test_probabilities_are_calibrated_on_request():
    tagger, vocabulary = tagger_of()
    decoder, split = TaggerDecoder(tagger, vocabulary), split_of(DEV)
    without, report = evaluation_report(decoder, split), evaluation_report(decoder, split, probabilities=True)
    assert without.calibration is None and "calibration" not in without.to_dict()
    assert report.scores == without.scores and report.scores.predicted > 0
    assert report.calibration.entities == report.scores.predicted
    correct = sum(it.count * it.correct for it in report.calibration.bins)
    assert correct == pytest.approx(report.scores.correct)
    assert report.to_dict()["calibration"] == report.calibration.to_dict()


def test_an_ensemble_has_no_probabilities():
    tagger, vocabulary = tagger_of()
    ensemble = Ensemble([TaggerDecoder(tagger, vocabulary)])
    assert evaluation_report(ensemble, split_of(DEV), probabilities=True).calibration is None


def test_the_decoder_gets_the_documents_of_the_split():
    given = []

    class Recorder(FixedDecoder):
        def spans(self, sentences, documents=None):
            given.append(documents)
            return super().spans(sentences, documents)

    decoder, split = Recorder(vocabulary_of(), gold_of(DEV)), split_of(DEV, documents=[-1, 0, 0])
    evaluate(decoder, split), evaluation_report(decoder, split)
    assert given == [[-1, 0, 0]] * 2


def test_the_report_has_error_counts_and_confusions():
    text = "[PER Luna Lovegood] wrote from [LOC Cornwall] to [ORG Gringotts] ."
    found = [[Span(0, 1, "PER"), Span(4, 5, "ORG"), Span(7, 8, "LOC")]]
    report = evaluation_report(FixedDecoder(vocabulary_of(), found), split_of(text))
    assert report.errors.gold["wrong_boundary"] == 1 and report.errors.gold["wrong_type"] == 1
    assert report.errors.gold["missed"] == 1 and report.errors.predicted["spurious"] == 1
    assert {(c.gold, c.predicted) for c in report.confusions} == {
        ("PER", "PER"), ("LOC", "ORG"), ("ORG", None), (None, "LOC"),
    }  # fmt: skip


def test_unknown_labels_count_as_missed_with_a_warning():
    text = "[EVENT Yule Ball] took place in [LOC Hogwarts] .\n[EVENT Christmas] came ."
    perfect_but_for_events = [[Span(5, 6, "LOC")], []]
    report = evaluation_report(FixedDecoder(vocabulary_of(), perfect_but_for_events), split_of(text))
    assert report.scores.recall == pytest.approx(1 / 3) and report.scores.per_type["EVENT"].recall == 0
    assert report.warnings == ["the model does not know the labels EVENT (2): these entities count as missed"]


def test_a_binary_model_is_scored_on_binary_tags():
    vocabulary = vocabulary_of(scheme="binary")
    found = [[Span(0, 2, "NAME"), Span(4, 5, "NAME"), Span(6, 7, "NAME")], [Span(1, 3, "NAME")], []]
    report = evaluation_report(FixedDecoder(vocabulary, found), split_of(DEV))
    assert set(report.scores.per_type) == {"NAME"} and report.warnings == []
    assert report.scores.support == 5 and report.scores.correct == 4


def test_training_entities_count_for_a_binary_model_whatever_their_label():
    found = [[Span(0, 2, "NAME"), Span(4, 5, "NAME"), Span(6, 7, "NAME")], [Span(1, 3, "NAME")], []]
    decoder = FixedDecoder(vocabulary_of(scheme="binary"), found)
    novelty = evaluation_report(decoder, split_of(DEV), known={("LunaLovegood", "PER")}).novelty
    assert (novelty.seen.support, novelty.unseen.support) == (1, 4)


def test_illegal_tags_give_a_strict_score_too(tmp_path):
    path = tmp_path / "found.conll"
    path.write_text(
        "Luna\tO\nLovegood\tI-PER\nsaw\tO\nWales\tB-LOC\n\nIt\tO\nis\tO\n\nRon\tI-LOC\nEgypt\tB-PER\n"
    )
    split = read_split(path, illegal="conlleval")
    assert split.illegal_tags is not None
    found = [[Span(1, 2, "PER"), Span(3, 4, "LOC")], [], []]
    report = evaluation_report(FixedDecoder(vocabulary_of(), found), split)
    assert report.scores.correct == 2 and report.scores.support == 4
    assert report.counts.tolist() == [[2, 2, 2], [0, 0, 0], [0, 0, 2]]
    assert report.scores.strict is not None and report.scores.strict.support == 2
    assert (
        len(report.warnings) == 1
        and f"{path}:2: " in report.warnings[0]
        and "conlleval" in report.warnings[0]
    )
