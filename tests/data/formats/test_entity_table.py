"""Tables with the entities of each row, as `rnner predict` writes them."""

import pytest

TABLE = (
    "id,text,entities\n"
    '7,"Ada wrote,\nto Bo.","[{""label"": ""PER"", ""start"": 0, ""end"": 3, ""score"": 0.9}]"\n'
    "8,[1] It rained.,[]\n"
    "9,It snowed.,\n"
)


def test_each_row_is_a_document(documents):
    first, *others = documents(TABLE)
    assert (first.text, [tuple(span) for span in first.spans]) == ("Ada wrote,\nto Bo.", [(0, 3, "PER")])
    assert [(it.text, it.spans, it.line) for it in others] == [
        ("[1] It rained.", [], 4),
        ("It snowed.", [], 5),
    ]


def test_tabs_may_separate_the_cells_and_names_may_be_upper_case(documents):
    (document,) = documents("Entities\tText\n[]\tAda wrote.\n")
    assert (document.text, document.spans) == ("Ada wrote.", [])


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ('"[{""label"": ""PER"""', '2: "entities" is not valid JSON: "[{'),
        ('"[{""label"": ""PER"", ""start"": 0}]"', "2: a span has no 'end'"),
        ('"[{""label"": ""PER"", ""start"": 0, ""end"": 99}]"', "2: "),
    ],
)
def test_broken_entities_are_an_error_with_their_line(refusal, cell, problem):
    assert refusal(f"text,entities\nAda wrote.,{cell}\n").startswith(problem)
