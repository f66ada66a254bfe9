"""The report of an evaluation as Markdown."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from scored_systems import comparison, hostile, one_system, scored
from test_html import HOSTILE

from entity_corpora import PREDICTED
from rnner.render.report_markdown import code, report_markdown
from rnner.system.terminal import printable


def markdown(report, name="en", **how):
    return report_markdown(name, report, data="sample:test", **how)


def rows(text):
    """Return the cells of each row, by the first cell; the first row with a cell counts."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {first: cells for first, *cells in lines[::-1]}


def test_one_system_has_scores_types_errors_and_examples():
    text = markdown(one_system())
    found = rows(text)
    assert text.startswith("### `en` on `sample:test`\n\n**F1 42.11** (95% interval ")
    assert found["Type"] == ["Precision", "Recall", "F1", "Gold", "Found", "Correct"]
    assert found["`PER`"] == ["60.00", "75.00", "66.67", "4", "5", "3"]
    assert found["All"][3:] == ["9", "10", "4"]
    assert found["Boundary"] == ["`Hermione Granger` `PER`", "`Hermione` `PER`, `Granger` `ORG`", "1"]
    assert "| Missed | `City Hall` `LOC` | – | 1 |\n" in text
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_matches_are_shown_on_request():
    assert "Strict" not in markdown(one_system())
    assert "| Strict |" in markdown(one_system(), matches=True)


def test_several_systems_are_compared_with_the_first():
    text = markdown(comparison())
    assert text.startswith("### Evaluation on `sample:test`\n\n| System | Precision |")
    found = rows(text)
    assert re.findall("^[|] ([^|-]+) [|]", text, re.MULTILINE)[:4] == [
        "System",
        "`en`",
        "`runs/new`",
        "Ensemble",
    ]
    assert found["`en`"][-3:] == ["–"] * 3
    assert found["`PER`"] == ["4", "66.67", "100.00 (+33.33)", "100.00 (+33.33)"]
    assert found["Type"] == ["Gold", "`en`", "`runs/new`", "Ensemble"]


def test_warnings_come_last():
    (report,) = scored([[], [], [], [*PREDICTED[3][:2]]], probabilities=None)
    assert "Warning" not in markdown(report)
    (report,) = scored(PREDICTED)
    assert markdown(report).splitlines()[-1] == (
        "- Warning: `no gold entity has the labels EVENT (1): these entities count as wrong; "
        "--map EVENT=LABEL renames a label`"
    )


def tables(text):
    """Return the cells of all tables as a renderer shows them, and all tags on the page."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    cells = [
        [re.sub("<[^>]+>", "", cell) for cell in re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in re.findall("<tr>(.*?)</tr>", html, re.DOTALL)
    ]
    return cells, set(re.findall(r"<(\w+)", html))


def unescaped(text):
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(name, sign)
    return text


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "a\\|b",
        "`a`",
        "``",
        "*a*",
        "_a_",
        "<b>",
        "&amp;",
        "[a](b)",
        "@octocat",
        "#1",
        "\\",
        "a\\",
        "|",
        HOSTILE,
    ],
)
def test_text_is_never_taken_for_markup(text):
    cells, tags = tables(f"| head | tail |\n| --- | --- |\n| {code(text)} | end |\n")
    assert [unescaped(cell) for cell in cells[1]] == [printable(text), "end"]
    assert tags <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(st.text(st.characters(exclude_categories=["Zs", "Cs"]), min_size=1))
@example("~~~")
def test_code_shows_any_text(text):
    cells, tags = tables(f"| head | tail |\n| --- | --- |\n| {code(text)} | end |\n")
    assert [unescaped(cell) for cell in cells[1]] == [printable(text), "end"]
    assert "code" in tags


def test_hostile_labels_and_words_leave_the_tables_whole():
    cells, tags = tables(markdown(hostile("a|b`<script>@x")))
    widths = {len(row) for row in cells}
    assert widths == {7, 3, 4} and "script" not in tags
