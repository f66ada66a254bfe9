import io
import json
import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from rnner.bootstrap import Units, entity_counts, interval, resampled_f1
from rnner.evaluation import Comparison, Report
from rnner.metrics import Score, Scores, confusions, error_classes, score, score_tags
from rnner.render import (
    binary_view,
    comparison_table,
    entities_json,
    entities_table,
    readings_table,
    scores_conlleval,
    scores_table,
    to_json,
)
from rnner.tags import Span
from rnner.text import Entity

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


def drawn(renderable, *, width=80, colour=False, no_color=False):
    """What a terminal of that width shows."""
    file = io.StringIO()
    system = "256" if colour else None
    Console(
        file=file,
        width=width,
        color_system=system,
        force_terminal=colour,
        no_color=no_color,
        legacy_windows=False,
    ).print(renderable)
    return file.getvalue()


def report(*, gold=GOLD, found=FOUND, words=WORDS, width=80, colour=False, **how):
    table = scores_table(
        score(gold, found, [len(sentence) for sentence in words]),
        error_classes(gold, found),
        confusions(gold, found, words),
        **how,
    )
    return drawn(table, width=width, colour=colour)


def rows(text):
    """The lines of a table, their cells by first cell."""
    cells = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return {row[0]: row[1:] for row in cells}


def entity(text, part, label="PER", score=0.5):
    start = text.index(part)
    return Entity(label=label, start=start, end=start + len(part), text=part, score=score)


def test_scores_stand_in_per_cent_with_two_decimals_a_line_a_type():
    table = rows(report())
    assert table["Type"] == ["Precision", "Recall", "F1", "Gold", "Found", "Correct"]
    assert table["PER"] == ["50.00", "50.00", "50.00", "2", "2", "1"]
    assert table["LOC"] == ["50.00", "100.00", "66.67", "1", "2", "1"]
    assert table["MISC"] == ["0.00", "0.00", "0.00", "0", "1", "0"]
    assert table["All"] == ["40.00", "50.00", "44.44", "4", "5", "2"]
    assert "Token accuracy 82.76% (24 of 29 tags)" in report()


def test_the_strict_line_stands_only_where_it_differs():
    gold, found = [["B-LOC", "O", "B-PER"]], [["I-LOC", "O", "B-PER"]]
    table = rows(drawn(scores_table(score_tags(gold, found))))
    assert table["All"][:3] == ["100.00", "100.00", "100.00"]
    assert table["Strict"][:3] == ["100.00", "50.00", "66.67"]
    assert "Strict" not in drawn(scores_table(score_tags(gold, gold)))


def test_error_classes_are_told_from_both_sides():
    table = rows(report())
    assert table["Entities"] == ["Gold", "Found"]
    assert table["correct"] == ["2", "2"]
    assert table["wrong boundary"] == ["1", "1"]
    assert table["wrong type and boundary"] == ["1", "1"]
    assert table["missed"] == ["0", "–"]
    assert table["spurious"] == ["–", "1"]
    assert table["all"] == ["4", "5"]


def test_a_confusion_shows_its_example_as_it_is_and_as_it_was_found():
    lines = [line.strip() for line in report(width=120).splitlines()]
    start, end = "Officials said late on Friday that the", "would not move out of London after all ."
    at = lines.index("1  ORG taken for LOC")
    assert lines[at + 1] == f"gold   {start} [ORG Bank of England] {end}"
    assert lines[at + 2] == f"found  {start} Bank of [LOC England] {end}"
    at = lines.index("1  PER with wrong boundaries")
    assert lines[at + 2] == "found  Harry Potter and [PER Hermione] Granger invented a new spell ."
    assert "1  MISC spurious" in lines


def test_a_long_example_is_cut_around_what_it_is_about():
    lines = [line.rstrip() for line in report(width=60).splitlines()]
    at = lines.index("    1  ORG taken for LOC")
    assert lines[at + 1] == "       gold   … that the [ORG Bank of England] would not …"
    assert lines[at + 2] == "       found  … that the Bank of [LOC England] would not …"


@settings(deadline=None, max_examples=60)
@given(st.integers(48, 120), st.integers(0, 28), st.integers(1, 3))
def test_each_side_of_an_example_stands_on_one_full_line(width, start, length):
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


def test_scores_alone_are_enough():
    text = drawn(scores_table(score(GOLD, FOUND, [19, 10])))
    assert "All" in text
    assert "confusions" not in text
    assert "missed" not in text


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_is_wider_than_the_terminal_and_no_figure_is_broken(width, colour):
    long = "an-unusually-long-label-of-creative-works"
    gold = [[Span(7, 10, long), Span(15, 16, "LOC")], GOLD[1]]
    text = report(gold=gold, width=width, colour=colour)
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert max(map(cell_len, plain.splitlines())) <= width
    assert rows(plain)["All"] == ["40.00", "50.00", "44.44", "4", "5", "2"]


def test_a_narrow_terminal_gets_whole_shares_and_no_counts():
    table = rows(report(width=40))
    assert table["Type"] == ["Precision", "Recall", "F1"]
    assert table["PER"] == ["50.00", "50.00", "50.00"]
    assert table["All"] == ["40.00", "50.00", "44.44"]


def test_no_sentences_at_all_can_be_told():
    table = rows(drawn(scores_table(score([], [], []), error_classes([], []), confusions([], [], []))))
    assert table["All"] == ["0.00", "0.00", "0.00", "0", "0", "0"]


def test_the_conlleval_report_is_the_well_known_one():
    """The figures are those of the example on the CoNLL-2000 page."""
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
        accuracy=0,
        per_type=per_type,
    )
    assert scores_conlleval(scores) == (
        "processed 961 tokens with 459 phrases; found: 539 phrases; correct: 371.\n"
        "accuracy:  84.08%; precision:  68.83%; recall:  80.83%; FB1:  74.35\n"
        "             ADJP: precision:   0.00%; recall:   0.00%; FB1:   0.00  1\n"
        "             ADVP: precision:  45.45%; recall:  62.50%; FB1:  52.63  11\n"
        "               NP: precision:  64.98%; recall:  78.63%; FB1:  71.16  317\n"
    )


def test_the_conlleval_report_of_nothing():
    assert scores_conlleval(score([], [], [])) == (
        "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n"
        "accuracy:   0.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00\n"
    )


SENTENCE = "Harry Potter and Hermione Granger invented a new spell."


def test_entities_stand_in_brackets_where_there_is_no_colour():
    entities = [
        entity(SENTENCE, "Harry Potter", score=0.9996),
        entity(SENTENCE, "Hermione Granger", score=0.25),
    ]
    text = drawn(entities_table(SENTENCE, entities))
    assert text.startswith("[PER Harry Potter] and [PER Hermione Granger] invented a new spell.\n")
    assert re.search(r"PER +Harry Potter +0:12 +1\.000", text)
    assert re.search(r"PER +Hermione Granger +17:33 +0\.250", text)
    assert "\x1b" not in text


def test_colour_takes_the_place_of_brackets():
    text = drawn(entities_table(SENTENCE, [entity(SENTENCE, "Harry Potter")]), colour=True)
    assert "[PER" not in text
    assert re.match(
        r"\x1b\[38;5;16;48;5;(\d+)mHarry Potter \x1b\[0m\x1b\[1;38;5;16;48;5;\1mPER \x1b\[0m and", text
    )


def test_brackets_are_back_where_colour_is_switched_off():
    table = entities_table(SENTENCE, [entity(SENTENCE, "Harry Potter")])
    assert "[PER Harry Potter] and" in drawn(table, colour=True, no_color=True)


def test_a_text_without_entities_says_so():
    assert drawn(entities_table("It rained.", [])).split("\n")[:3] == ["It rained.", "", "no entities"]
    assert "no entities" in drawn(entities_table("", []))


def test_what_looks_like_markup_is_shown_as_it_is():
    text = "The [bold]Ritz[/bold] :smile: [/] hotel"
    shown = drawn(entities_table(text, [entity(text, "[bold]Ritz[/bold]", "[red]LOC[/red]")]))
    assert "The [[red]LOC[/red] [bold]Ritz[/bold]] :smile: [/] hotel" in shown
    assert re.search(r"\[red\]LOC\[/red\] +\[bold\]Ritz\[/bold\] +4:21", shown)
    words = [["[bold]", "in", "[/]"]]
    shown = report(gold=[[Span(0, 1, "[i]")]], found=[[Span(2, 3, "[/i]")]], words=words)
    assert "gold   [[i] [bold]] in [/]" in shown
    assert "found  [bold] in [[/i] [/]]" in shown


def test_an_entity_over_two_lines_stays_one_line_in_the_table():
    text = "Back in New\nYork,\tat\r\nlast"
    shown = drawn(entities_table(text, [entity(text, "New\nYork", "LOC"), entity(text, "at\r\nlast", "X")]))
    assert re.search(r"LOC +New⏎York +8:16", shown)
    assert re.search(r"X +at␍⏎last +18:26", shown)
    assert shown.startswith("Back in [LOC New\nYork],")


@pytest.mark.parametrize("colour", [False, True])
def test_control_characters_never_reach_the_terminal(colour):
    text = "a \x1b[31mred\x07 \x9b0m na\x08me \udcff"
    shown = drawn(entities_table(text, [entity(text, "\x1b[31mred\x07", "\x1b[5mX")]), colour=colour)
    assert "␛[31mred␇" in shown
    assert not re.search("[\x07\x08\x9b\udcff]", shown)
    assert "\x1b[31m" not in shown and "\x1b[5m" not in shown
    assert "\x1b" not in report(gold=[[Span(0, 1, "\x1b")]], found=[[]], words=[["\x1b[31m"]])


def test_readings_stand_under_one_another_with_their_probability():
    shown = drawn(readings_table([(0.75, [entity(SENTENCE, "Harry Potter")]), (0.25, [])]))
    assert re.search(r"0\.7500 +\[PER Harry Potter\]", shown)
    assert re.search(r"0\.2500 +none", shown)


def test_json_gives_text_and_entities():
    items = [(SENTENCE, [entity(SENTENCE, "Harry Potter")]), ("", [])]
    told = {"label": "PER", "start": 0, "end": 12, "text": "Harry Potter", "score": 0.5}
    assert entities_json(items) == [{"text": SENTENCE, "entities": [told]}, {"text": "", "entities": []}]


def test_json_keeps_letters_readable():
    assert to_json({"text": "Zoë 東京 🧙"}) == '{"text": "Zoë 東京 🧙"}'


@settings(deadline=None, max_examples=60)
@given(st.text())
@example("line\u2028paragraph\u2029next\x85old\x0cpage\r\n\udcff")
def test_every_text_is_one_line_of_json_that_can_be_written(text):
    line = to_json(entities_json([(text, [])])[0])
    assert len(line.splitlines()) == 1
    assert json.loads(line.encode("utf-8"))["text"] == text


def test_numbers_that_json_cannot_say_are_refused():
    with pytest.raises(ValueError, match="JSON"):
        to_json([float("nan")])


def test_the_notes_own_view():
    words = [*SENTENCE[:-1].split(), "."]
    assert binary_view(words, [1, 1, 0, 1, 1, 0, 0, 0, 0, 0]) == (
        "Harry Potter and Hermione Granger invented a new spell .\n"
        "1     1      0   1        1       0        0 0   0     0"
    )


def test_flags_stand_under_wide_and_combined_characters():
    assert (
        binary_view(["東京", "cafe\u0301", "🧙", "x"], [1, 0, 0, 1]) == "東京 cafe\u0301 🧙 x\n1    0    0  1"
    )


def test_a_long_sentence_goes_on_below():
    view = binary_view(["Harry", "Potter", "and", "Hermione", "Granger"], [1, 1, 0, 1, 1], width=16)
    assert view == "Harry Potter and\n1     1      0\n\nHermione Granger\n1        1"


def test_a_view_of_no_words_is_empty_and_flags_must_fit():
    assert binary_view([], []) == ""
    with pytest.raises(ValueError):
        binary_view(["Harry", "Potter"], [1])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.text("aé東🧙\t-", min_size=1, max_size=9), st.integers(0, 1)), max_size=12),
    st.integers(1, 30),
)
def test_every_flag_starts_where_its_word_does(pairs, width):
    words, flags = [word for word, _ in pairs], [flag for _, flag in pairs]
    view = binary_view(words, flags, width=width)
    seen = []
    for block in view.split("\n\n") if view else []:
        above, below = block.split("\n")
        assert cell_len(above) <= width or " " not in above
        starts = [0, *(cell_len(above[: match.end()]) for match in re.finditer(" ", above))]
        assert [match.start() for match in re.finditer(r"\d", below)] == starts
        seen += zip(above.split(" "), map(int, below.split()), strict=True)
    assert seen == [(word.replace("\t", "⇥"), flag) for word, flag in pairs]


def compared(*, ensemble=True, width=80):
    """The comparison of a model that finds FOUND with one that finds GOLD, as does their ensemble."""
    lengths, units = [len(words) for words in WORDS], Units.of(np.zeros(2, dtype=np.int64))

    def told(found):
        counts = entity_counts(GOLD, found, units)
        errors = error_classes(GOLD, found)
        bounds = interval(resampled_f1(counts))
        return Report(score(GOLD, found, lengths), bounds, units, errors, [], [], counts)

    models = [("runs/a[red]", told(FOUND)), ("runs/b", told(GOLD))]
    return drawn(comparison_table(Comparison(models, told(GOLD) if ensemble else None)), width=width)


def test_models_are_compared_with_the_first():
    # Half of the resamples hold one sentence twice: F1 is 50 % in the first alone, 40 % in the second.
    scores, gains = compared().split("F1 less the first's")
    assert rows(scores)["runs/a[red]"] == ["40.00", "50.00", "44.44", "40.00 to 50.00"]
    assert rows(scores)["runs/b"] == rows(scores)["Ensemble"] == ["100.00"] * 3 + ["100.00 to 100.00"]
    assert rows(gains)["runs/b"] == rows(gains)["Ensemble"] == ["+55.56", "+50.00 to +60.00", "100.0%"]
    assert "runs/a[red]" not in gains
    assert "bootstrap, 2,000 resamples of 2 sentences" in " ".join(gains.split())
    assert "Ensemble" not in compared(ensemble=False)


@pytest.mark.parametrize("width", [40, 59])
def test_a_comparison_in_a_narrow_terminal_has_whole_figures(width):
    text = compared(width=width)
    assert "100.00 to 100.00" in text and "+50.00 to +60.00" in text and "…" not in text
    assert "Precision" not in text and "Better in" not in text
