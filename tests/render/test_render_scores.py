import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from shown import drawn, rows

from rnner.render.scores import comparison_table, conlleval_report, evaluation_table
from rnner.scoring.annotation import AnnotatedSentences, Annotation
from rnner.scoring.evaluation import Comparison, predictions_reports
from rnner.scoring.metrics import Score, Scores, score
from rnner.scoring.pairing import Pairing
from rnner.tags import LENIENT, Span, to_spans

WORDS = [
    sentence.split()
    for sentence in (
        "Officials said late on Friday that the Bank of England would not move out of London after all .",
        "Harry Potter and Hermione Granger invented a new spell .",
    )
]
GOLD = [[Span(7, 10, "ORG"), Span(15, 16, "LOC")], [Span(0, 2, "PER"), Span(3, 5, "PER")]]
FOUND = [
    [Span(9, 10, "LOC"), Span(15, 16, "LOC")],
    [Span(0, 2, "PER"), Span(3, 4, "PER"), Span(8, 9, "MISC")],
]


def reports(*found, gold=GOLD, words=WORDS, known=None):
    """Score lists of entities against gold ones."""
    gold = AnnotatedSentences(words, np.zeros(len(words), dtype=np.int64), annotation(gold))
    pairing = Pairing(gold, [annotation(spans) for spans in found], by_tokens=True, notes=[])
    return predictions_reports(pairing, known=known)


def annotation(rows):
    """Return the annotation with these entities, or these IOB2 tags."""
    if not any(isinstance(tag, str) for row in rows for tag in row):
        return Annotation(rows)
    return Annotation([to_spans(row, LENIENT) for row in rows], rows, LENIENT)


def report(*, found=FOUND, gold=GOLD, words=WORDS, known=None, width=80, colour=False, **how):
    (scored,) = reports(found, gold=gold, words=words, known=known)
    return drawn(evaluation_table(scored, **how), width=width, colour=colour)


def test_scores_are_in_per_cent_with_one_row_per_type():
    table = rows(report())
    assert table["Type"] == ["Precision", "Recall", "F1", "Gold", "Found", "Correct"]
    assert table["PER"] == ["50.00", "50.00", "50.00", "2", "2", "1"]
    assert table["LOC"] == ["50.00", "100.00", "66.67", "1", "2", "1"]
    assert table["MISC"] == ["0.00", "0.00", "0.00", "0", "1", "0"]
    assert table["All"] == ["40.00", "50.00", "44.44", "4", "5", "2"]
    assert "Token accuracy 82.76% (24 of 29 tags)" in report()


def test_averages_are_over_types():
    table = rows(report())
    assert table["Macro average"] == ["25.00", "37.50", "29.17"]
    assert table["Weighted average"] == ["37.50", "50.00", "41.67"]
    assert "average" not in report(gold=[[Span(0, 1, "PER")], []], found=[[Span(0, 1, "PER")], []])


def test_the_strict_row_appears_only_if_it_differs():
    gold, found, words = [["B-LOC", "O", "B-PER"]], [["I-LOC", "O", "B-PER"]], [["Oslo", "met", "Ada"]]
    table = rows(report(gold=gold, found=found, words=words))
    assert table["All"][:3] == ["100.00", "100.00", "100.00"]
    assert table["Strict"][:3] == ["100.00", "50.00", "66.67"]
    assert "Strict" not in report(gold=gold, found=gold, words=words)


def test_seen_and_unseen_entities_have_a_row_each_if_training_is_known():
    text = report(known={("London", "LOC"), ("HarryPotter", "ORG")})
    assert rows(text)["Seen in training"] == ["100.00", "100.00", "100.00", "1", "1", "1"]
    assert rows(text)["Unseen"] == ["25.00", "33.33", "28.57", "3", "4", "1"]
    assert "same form and label" in text and "Unseen" not in report()


@pytest.mark.parametrize("width", [78, 79, 80])
def test_matches_are_shown_on_request(width):
    table = rows(report(matches=True, width=width))
    assert table["Match"][:3] == ["Precision", "Recall", "F1"]
    assert table["Strict"][:3] == ["40.00", "50.00", "44.44"]
    assert table["Partial"][:3] == ["60.00", "75.00", "66.67"]
    if width > 78:
        assert table["Match"][3:] == ["Correct", "Wrong", "Partial", "Missed", "Spurious"]
        assert table["Exact"][3:] == ["2", "2", "0", "0", "1"]
        assert table["Type"][3:] == ["3", "1", "0", "0", "1"]
    assert "Match" not in report()


def test_entities_in_text_have_no_token_accuracy():
    gold = AnnotatedSentences(WORDS, np.zeros(2, dtype=np.int64), Annotation(GOLD))
    (scored,) = predictions_reports(Pairing(gold, [Annotation(FOUND)], by_tokens=False, notes=[]))
    text = drawn(evaluation_table(scored))
    assert "compared by their characters" in text and "accuracy" not in text
    assert rows(text)["All"] == ["40.00", "50.00", "44.44", "4", "5", "2"]


def test_error_classes_of_gold_and_found_entities():
    table = rows(report())
    assert table["Entities"] == ["Gold", "Found"]
    assert table["correct"] == ["2", "2"]
    assert table["wrong boundary"] == ["1", "1"]
    assert table["wrong type and boundary"] == ["1", "1"]
    assert table["missed"] == ["0", "–"]
    assert table["spurious"] == ["–", "1"]
    assert table["all"] == ["4", "5"]


def test_a_confusion_shows_its_example_twice():
    lines = [line.strip() for line in report(width=120).splitlines()]
    start, end = "Officials said late on Friday that the", "would not move out of London after all ."
    at = lines.index("1  ORG taken for LOC")
    assert lines[at + 1] == f"gold   {start} [ORG Bank of England] {end}"
    assert lines[at + 2] == f"found  {start} Bank of [LOC England] {end}"
    at = lines.index("1  PER with wrong boundaries")
    assert lines[at + 2] == "found  Harry Potter and [PER Hermione] Granger invented a new spell ."
    assert "1  MISC spurious" in lines


def test_a_long_example_is_cut_around_its_entities():
    lines = [line.rstrip() for line in report(width=60).splitlines()]
    at = lines.index("    1  ORG taken for LOC")
    assert lines[at + 1] == "       gold   … that the [ORG Bank of England] would not …"
    assert lines[at + 2] == "       found  … that the Bank of [LOC England] would not …"


@settings(deadline=None, max_examples=25)
@given(st.integers(48, 120), st.integers(0, 28), st.integers(1, 3))
def test_each_side_of_an_example_fills_one_line(width, start, length):
    words = ["wizard" if i % 3 else "an" for i in range(32)]
    gold = [[Span(start, start + length, "PER")]]
    lines = report(gold=gold, found=[[]], words=[words], width=width).splitlines()
    at = lines.index("    1  PER missed")
    assert len(lines) == at + 3
    for line in lines[at + 1 :]:
        excerpt = line.strip().split(maxsplit=1)[1]
        assert "  " not in excerpt
    marked = lines[at + 1].rstrip()
    assert width - len("wizard ") * 2 - 1 <= cell_len(marked) <= width


def test_only_the_top_confusions_are_shown():
    assert "spurious" in report(top=3).split("Most frequent confusions")[1]
    assert report(top=1).count("gold  ") == 1


def test_perfect_scores_have_no_confusions():
    assert "confusions" not in report(found=GOLD)


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [60, 80, 100])
def test_tables_fit_the_terminal_and_keep_numbers_whole(width, colour):
    long = "an-unusually-long-label-of-creative-works"
    gold = [[Span(7, 10, long), Span(15, 16, "LOC")], GOLD[1]]
    text = report(gold=gold, width=width, colour=colour)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert max(map(cell_len, plain.splitlines())) <= width
    assert rows(plain)["All"] == ["40.00", "50.00", "44.44", "4", "5", "2"]


def test_a_narrow_terminal_shows_no_counts():
    table = rows(report(width=40))
    assert table["Type"] == ["Precision", "Recall", "F1"]
    assert table["PER"] == ["50.00", "50.00", "50.00"]
    assert table["All"] == ["40.00", "50.00", "44.44"]


def test_scores_of_no_sentences():
    table = rows(report(gold=[], found=[], words=[]))
    assert table["All"] == ["0.00", "0.00", "0.00", "0", "0", "0"]


def test_the_conlleval_report_of_the_conll_2000_page():
    """Compare with the example on the CoNLL-2000 page."""
    counts = {"ADJP": (17, 1, 0), "ADVP": (8, 11, 5), "NP": (262, 317, 206)}
    per_type = {label: Score(0, 0, 0, *three) for label, three in counts.items()}
    scores = Scores(
        0,
        0,
        0,
        support=459,
        predicted=539,
        correct=371,
        tokens=961,
        correct_tokens=808,
        per_type=per_type,
    )
    assert conlleval_report(scores) == (
        "processed 961 tokens with 459 phrases; found: 539 phrases; correct: 371.\n"
        "accuracy:  84.08%; precision:  68.83%; recall:  80.83%; FB1:  74.35\n"
        "             ADJP: precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n"
        "             ADVP: precision:  45.45%; recall:  62.50%; FB1:  52.63  11\n"
        "               NP: precision:  64.98%; recall:  78.63%; FB1:  71.16  317\n"
    )


def test_the_conlleval_report_of_nothing():
    assert conlleval_report(score([], [], [])) == (
        "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n"
        "accuracy:   0.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00\n"
    )


def compared(*, ensemble=True, known=None, width=80):
    """Compare a model that finds FOUND with one that, like their ensemble, finds GOLD."""
    first, second = reports(FOUND, GOLD, known=known)
    models = [("runs/a[red]", first), ("runs/b", second)]
    return drawn(comparison_table(Comparison(models, second if ensemble else None)), width=width)


def test_models_are_compared_with_the_first():
    # Half of the resamples hold one sentence twice: F1 is 50 % in the first alone, 40 % in the second.
    scores, gains = compared().split("F1 vs. the first")
    assert rows(scores)["runs/a[red]"] == ["40.00", "50.00", "44.44", "40.00 to 50.00"]
    assert rows(scores)["runs/b"] == rows(scores)["Ensemble"] == ["100.00"] * 3 + ["100.00 to 100.00"]
    assert rows(gains)["runs/b"] == rows(gains)["Ensemble"] == ["+55.56", "+50.00 to +60.00", "100.0%"]
    assert "runs/a[red]" not in gains
    assert "bootstrap, 2,000 resamples of 2 sentences" in " ".join(gains.split())
    assert "Ensemble" not in compared(ensemble=False)


def test_a_comparison_shows_unseen_entities_if_training_is_known():
    table = rows(compared(known={("London", "LOC")}).split("F1 vs. the first")[0])
    assert table["System"][-1] == "Unseen F1" and table["runs/a[red]"][-1] == "28.57"


@pytest.mark.parametrize("width", [40, 59])
def test_a_comparison_in_a_narrow_terminal_keeps_numbers_whole(width):
    text = compared(width=width)
    assert "100.00 to 100.00" in text and "+50.00 to +60.00" in text and "…" not in text
    assert "Precision" not in text and "Better in" not in text


def test_words_and_labels_are_neither_markup_nor_control_characters():
    shown = report(gold=[[Span(0, 1, "[i]")]], found=[[Span(2, 3, "[/i]")]], words=[["[bold]", "in", "[/]"]])
    assert "gold   [[i] [bold]] in [/]" in shown
    assert "found  [bold] in [[/i] [/]]" in shown
    assert "\x1b" not in report(gold=[[Span(0, 1, "\x1b")]], found=[[]], words=[["\x1b[31m"]])
