import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from shown import SENTENCE, drawn, entity

from rnner.render.colours import colours_of
from rnner.render.entities import binary_view, entities_table, entities_text, readings_table, tally
from rnner.text.entity import Entity


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


def test_readings_stand_under_one_another_with_their_probability():
    shown = drawn(readings_table([(0.75, [entity(SENTENCE, "Harry Potter")]), (0.25, [])]))
    assert re.search(r"0\.7500 +\[PER Harry Potter\]", shown)
    assert re.search(r"0\.2500 +none", shown)


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


LETTER = "Dr. Ada Lovelace of London\tmet\r\n\r\n  Charles Babbage."
FOUND = [
    entity(LETTER, "Ada Lovelace"),
    entity(LETTER, "London", "LOC", 0.25),
    entity(LETTER, "Charles Babbage"),
]
GROUNDS = {label: colour.light for label, colour in colours_of(["PER", "LOC"]).items()}


def lines(text=LETTER, entities=FOUND, grounds=None, **how):
    return [line.plain for line in entities_text(text, entities, grounds, **how)]


def test_a_text_keeps_its_lines_where_no_width_is_told():
    assert lines() == ["Dr. [PER Ada Lovelace] of [LOC London]\tmet", "", "  [PER Charles Babbage]."]
    assert lines("", []) == lines("\n\n", []) == [""]


def test_probabilities_stand_beside_the_labels_on_demand():
    assert lines(scores=True)[0] == "Dr. [PER 0.500 Ada Lovelace] of [LOC 0.250 London]\tmet"
    assert lines(grounds=GROUNDS, scores=True)[0] == "Dr. Ada Lovelace PER 0.500  of London LOC 0.250 \tmet"


def test_a_label_stays_on_the_line_of_its_entity():
    assert lines(width=20) == [
        "Dr. [PER Ada",
        "Lovelace] of",
        "[LOC London]    met",
        "",
        "  [PER Charles",
        "Babbage].",
    ]
    coloured = lines(grounds=GROUNDS, width=20)
    assert coloured == ["Dr. Ada", "Lovelace PER  of", "London LOC     met", "", "  Charles", "Babbage PER ."]


def test_each_part_of_an_entity_has_the_colour_of_its_type():
    for line in entities_text(LETTER, FOUND, GROUNDS, width=20):
        grounds = {line.plain[span.start : span.end].strip(): span.style.bgcolor.name for span in line.spans}
        for word, label in {"Ada": "PER", "Lovelace": "PER", "London": "LOC", "Charles": "PER"}.items():
            assert grounds.get(word, GROUNDS[label]) == GROUNDS[label]
    assert grounds == {"Babbage": GROUNDS["PER"], "PER": GROUNDS["PER"]}


@settings(deadline=None, max_examples=60)
@given(st.text("aé東🧙 \t\n\x1b\u0301", max_size=60), st.data(), st.integers(12, 40), st.booleans())
def test_nothing_of_a_text_is_lost_and_no_line_is_too_wide(text, data, width, colour):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    found = (
        [Entity("PER", start, end, text[start:end], 0.5)]
        if text[start:end].strip() == text[start:end] != ""
        else []
    )
    shown = lines(text, found, GROUNDS if colour else None, width=width)
    assert all(cell_len(line) <= width for line in shown)
    kept = "".join("".join(shown).replace("[PER", "").replace("]", "").replace("PER", "").split())
    assert kept == "".join(text.replace("\x1b", "␛").split())


@pytest.mark.parametrize(("grounds", "told"), [(None, "PER 2   LOC 1"), (GROUNDS, " PER  2    LOC  1")])
def test_the_tally_has_all_names_and_those_of_each_type(grounds, told):
    assert tally({"PER": 2, "LOC": 1}, grounds).plain == f"3 names   {told}"
    assert tally({"LOC": 1}, grounds).plain.startswith("1 name   ")
    assert tally({}, grounds).plain == "no names"
