import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from shown import SENTENCE, drawn, entity

from rnner.render.colours import label_colours
from rnner.render.entities import binary_view, counts_line, entities_table, entities_text, readings_table
from rnner.text.entity import Entity


def test_entities_are_in_brackets_without_colour():
    entities = [
        entity(SENTENCE, "Harry Potter", score=0.9996),
        entity(SENTENCE, "Hermione Granger", score=0.25),
    ]
    text = drawn(entities_table(SENTENCE, entities))
    assert text.startswith("[PER Harry Potter] and [PER Hermione Granger] invented a new spell.\n")
    assert re.search(r"PER +Harry Potter +0:12 +1\.000", text)
    assert re.search(r"PER +Hermione Granger +17:33 +0\.250", text)
    assert "\x1b" not in text


def test_colour_replaces_brackets():
    text = drawn(entities_table(SENTENCE, [entity(SENTENCE, "Harry Potter")]), colour=True)
    assert "[PER" not in text
    assert re.match(
        r"\x1b\[38;5;16;48;5;(\d+)mHarry Potter \x1b\[0m\x1b\[1;38;5;16;48;5;\1mPER \x1b\[0m and", text
    )


def test_no_color_restores_brackets():
    table = entities_table(SENTENCE, [entity(SENTENCE, "Harry Potter")])
    assert "[PER Harry Potter] and" in drawn(table, colour=True, no_color=True)


def test_a_text_without_entities():
    assert drawn(entities_table("It rained.", [])).split("\n")[:3] == ["It rained.", "", "no entities"]
    assert "no entities" in drawn(entities_table("", []))


def test_text_is_never_taken_for_markup():
    text = "The [bold]Ritz[/bold] :smile: [/] hotel"
    shown = drawn(entities_table(text, [entity(text, "[bold]Ritz[/bold]", "[red]LOC[/red]")]))
    assert "The [[red]LOC[/red] [bold]Ritz[/bold]] :smile: [/] hotel" in shown
    assert re.search(r"\[red\]LOC\[/red\] +\[bold\]Ritz\[/bold\] +4:21", shown)


def test_an_entity_over_two_lines_is_one_row():
    text = "Back in New\nYork,\tat\r\nlast"
    shown = drawn(entities_table(text, [entity(text, "New\nYork", "LOC"), entity(text, "at\r\nlast", "X")]))
    assert re.search(r"LOC +New\\nYork +8:16", shown)
    assert re.search(r"X +at\\r\\nlast +18:26", shown)
    assert shown.startswith("Back in [LOC New\nYork],")


@pytest.mark.parametrize("colour", [False, True])
def test_control_characters_never_reach_the_terminal(colour):
    text = "a \x1b[31mred\x07 \x9b0m na\x08me \udcff"
    shown = drawn(entities_table(text, [entity(text, "\x1b[31mred\x07", "\x1b[5mX")]), colour=colour)
    assert r"\x1b[31mred\x07" in shown
    assert not re.search("[\x07\x08\x9b\udcff]", shown)
    assert "\x1b[31m" not in shown and "\x1b[5m" not in shown


def test_readings_with_their_probability():
    shown = drawn(readings_table([(0.75, [entity(SENTENCE, "Harry Potter")]), (0.25, [])]))
    assert re.search(r"0\.7500 +\[PER Harry Potter\]", shown)
    assert re.search(r"0\.2500 +none", shown)


def test_the_view_of_the_notes():
    words = [*SENTENCE[:-1].split(), "."]
    assert binary_view(words, [1, 1, 0, 1, 1, 0, 0, 0, 0, 0]) == (
        "Harry Potter and Hermione Granger invented a new spell .\n"
        "1     1      0   1        1       0        0 0   0     0"
    )


def test_flags_align_with_wide_and_combined_characters():
    assert (
        binary_view(["東京", "cafe\u0301", "🧙", "x"], [1, 0, 0, 1]) == "東京 cafe\u0301 🧙 x\n1    0    0  1"
    )


def test_a_long_sentence_continues_below():
    view = binary_view(["Harry", "Potter", "and", "Hermione", "Granger"], [1, 1, 0, 1, 1], width=16)
    assert view == "Harry Potter and\n1     1      0\n\nHermione Granger\n1        1"


def test_a_view_without_words_or_with_missing_flags():
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
    assert seen == [(word.replace("\t", r"\t"), flag) for word, flag in pairs]


LETTER = "Dr. Ada Lovelace of London\tmet\r\n\r\n  Charles Babbage."
FOUND = [
    entity(LETTER, "Ada Lovelace"),
    entity(LETTER, "London", "LOC", 0.25),
    entity(LETTER, "Charles Babbage"),
]
COLOURS = {label: colour.light for label, colour in label_colours(["PER", "LOC"]).items()}


def lines(text=LETTER, entities=FOUND, backgrounds=None, **how):
    return [line.plain for line in entities_text(text, entities, backgrounds, **how)]


def test_lines_are_kept_without_a_width():
    assert lines() == ["Dr. [PER Ada Lovelace] of [LOC London]\tmet", "", "  [PER Charles Babbage]."]
    assert lines("", []) == lines("\n\n", []) == [""]


def test_probabilities_beside_labels():
    assert lines(scores=True)[0] == "Dr. [PER 0.500 Ada Lovelace] of [LOC 0.250 London]\tmet"
    assert (
        lines(backgrounds=COLOURS, scores=True)[0] == "Dr. Ada Lovelace PER 0.500  of London LOC 0.250 \tmet"
    )


def test_a_label_stays_on_the_last_line_of_its_entity():
    assert lines(width=20) == [
        "Dr. [PER Ada",
        "Lovelace] of",
        "[LOC London]    met",
        "",
        "  [PER Charles",
        "Babbage].",
    ]
    coloured = lines(backgrounds=COLOURS, width=20)
    assert coloured == ["Dr. Ada", "Lovelace PER  of", "London LOC     met", "", "  Charles", "Babbage PER ."]


def test_each_part_of_an_entity_has_the_colour_of_its_type():
    for line in entities_text(LETTER, FOUND, COLOURS, width=20):
        backgrounds = {
            line.plain[span.start : span.end].strip(): span.style.bgcolor.name for span in line.spans
        }
        for word, label in {"Ada": "PER", "Lovelace": "PER", "London": "LOC", "Charles": "PER"}.items():
            assert backgrounds.get(word, COLOURS[label]) == COLOURS[label]
    assert backgrounds == {"Babbage": COLOURS["PER"], "PER": COLOURS["PER"]}


@settings(deadline=None, max_examples=60)
@given(st.text("aé東🧙 \t\n\x1b\u0301", max_size=60), st.data(), st.integers(12, 40), st.booleans())
def test_wrapping_keeps_the_text_and_the_width(text, data, width, colour):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = (
        [Entity("PER", start, end, text[start:end], 0.5)]
        if text[start:end].strip() == text[start:end] != ""
        else []
    )
    shown = lines(text, found, COLOURS if colour else None, width=width)
    assert all(cell_len(line) <= width for line in shown)
    kept = "".join("".join(shown).replace("[PER", "").replace("]", "").replace("PER", "").split())
    assert kept == "".join(text.replace("\x1b", r"\x1b").split())


@pytest.mark.parametrize(
    ("backgrounds", "expected"), [(None, "PER 2   LOC 1"), (COLOURS, " PER  2    LOC  1")]
)
def test_counts_in_total_and_per_label(backgrounds, expected):
    assert counts_line({"PER": 2, "LOC": 1}, backgrounds).plain == f"3 names   {expected}"
    assert counts_line({"LOC": 1}, backgrounds).plain.startswith("1 name   ")
    assert counts_line({}, backgrounds).plain == "no names"
