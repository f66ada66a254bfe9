"""The HTML report of an evaluation."""

import base64
import hashlib
import re

import pytest
from scored_systems import SCORES, comparison, hostile, one_system, scored
from test_colours import contrast
from test_html import HOSTILE, Tree

from entity_corpora import GOLD, PREDICTED, SENTENCES
from rnner.render.report_page import report_page
from rnner.system.terminal import printable
from rnner.tags import Span


def page(report, name="en", data="sample:test", **how):
    return "".join(report_page(name, report, data=data, **how))


def tree(report, **how):
    found = Tree(page(report, **how))
    assert found.open == []
    return found


def table(found, caption):
    """Return the rows of the table with this caption, each as a list of cells."""
    rows, inside = [], False
    for data, path in found.texts:
        names = [name for name, _ in path]
        if "caption" in names:
            inside = data == caption
        elif inside and "td" in names:
            rows[-1][1].append(data)
        elif inside and "th" in names and "thead" not in names:
            rows.append((data, []))
    return dict(rows)


def test_the_page_has_scores_with_an_interval():
    found = tree(one_system())
    assert found.within("h1") == "Evaluation on sample:test"
    assert "4 sentences with 9 entities." in found.within("header")
    assert re.search(
        r"F1\s*42.11\s*95% interval of F1\s*\d+\.\d\d to \d+\.\d\d\s*Precision", found.within("dl")
    )
    types = table(found, "Scores of each type")
    assert types["PER"] == ["60.00", "75.00", "66.67", "4", "5", "3"]
    assert types["All"] == ["40.00", "44.44", "42.11", "9", "10", "4"]
    assert table(found, "Kinds of errors")["Missed"] == ["1", "–"]


def test_matches_and_unseen_entities_are_shown_if_they_are_known():
    assert "Seen in training" not in page(one_system()) and "Matches" not in page(one_system())
    (report,) = scored(PREDICTED, known={("LiNa", "PER")})
    found = tree(report, matches=True)
    assert table(found, "Scores of each type")["Seen in training"][3:] == ["1", "1", "1"]
    assert len(table(found, "Matches")["Strict"]) == 8


def test_the_matrix_counts_every_type_against_every_other():
    matrix = table(tree(one_system()), "Gold types in rows, found types in columns")
    assert matrix["LOC"] == ["0", "1", "0", "1", "0", "1"]  # EVENT, LOC, MISC, ORG, PER, missed
    assert matrix["PER"] == ["0", "0", "0", "0", "4", "0"]
    assert matrix["no entity"] == ["0", "0", "0", "0", "1"]


def test_numbers_off_the_diagonal_lead_to_their_errors():
    found = tree(one_system())
    links = [attributes for tag, attributes in found.tags if tag == "a"]
    assert {link["href"] for link in links} == {"#errors-1"}
    assert ("h3", {"id": "errors-1", "tabindex": "-1"}) in found.tags
    errors = [attributes for tag, attributes in found.tags if tag == "li" and "data-kind" in attributes]
    for link in links:
        sides = (link["data-gold"], link["data-found"])
        assert sum((error["data-gold"], error["data-found"]) == sides for error in errors) == 1
    assert links[0]["aria-label"] == "1: LOC, found as ORG"


def test_the_reliability_diagram_has_a_text_and_a_table():
    found = tree(one_system())
    (picture,) = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert picture["role"] == "img"
    ids = {attributes.get("id") for _, attributes in found.tags}
    assert set(picture["aria-labelledby"].split()) <= ids
    bins = table(found, "Found entities by their probability")
    assert bins["0.9 to 1.0"] == ["4", "0.970", "1.000"]
    assert bins["0.8 to 0.9"] == ["1", "0.850", "0.000"]
    assert "Expected calibration error: 33.70 per cent" in found.within("p")
    assert sum(tag == "rect" for tag, _ in found.tags) == len(bins)


def test_without_probabilities_there_is_no_calibration():
    (report,) = scored(PREDICTED, probabilities=None)
    found = tree(report)
    assert "Calibration" not in found.within("h3")
    assert "those with the most wrong and missed entities" in found.within("p", "note")


def test_every_error_is_in_its_sentence_the_worst_first():
    found = tree(one_system())
    assert re.findall(r"Sentence \d, line \d+", found.within("h4")) == [
        "Sentence 3, line 25",
        "Sentence 1, line 1",
        "Sentence 2, line 13",
        "Sentence 4, line 37",
    ]
    errors = found.within("article").replace("\u00a0", " ")
    assert "wrong type and boundary: Bank of England ORG found as England LOC 0.550" in errors
    assert "wrong boundary: Hermione Granger PER found as Hermione PER 0.600, Granger ORG 0.400" in errors
    assert "missed: City Hall LOC" in errors and "spurious: Nobody PER 0.850" in errors
    sides = [data for data, path in found.texts if path and path[-1][0] == "dt"]
    assert sides[-8:] == ["gold", "found"] * 4
    assert "The Bank of England ORG met in London LOC 's City Hall LOC ." in errors.replace("  ", " ")


def test_correct_entities_are_told_apart_from_errors():
    found = tree(one_system())
    assert "Harry Potter" in found.within("mark", "correct")
    assert "Hermione" not in found.within("mark", "correct")


def test_a_page_without_errors_says_so():
    (report,) = scored(GOLD, probabilities=[[0.9] * len(spans) for spans in GOLD])
    found = tree(report)
    assert "All entities were found, and nothing else." in found.within("p")
    assert not {"form", "article"} & {tag for tag, _ in found.tags}


def test_an_evaluation_without_entities_has_a_page():
    (report,) = scored([[]], words=[["It", "rained", "."]], gold=[[]], probabilities=[[]])
    assert "1 sentence with 0 entities." in tree(report).within("header")


def test_long_sentences_are_cut_around_their_errors():
    words = [f"w{i}" for i in range(1000)]
    (report,) = scored(
        [[Span(500, 501, "PER")]], words=[words], gold=[[Span(455, 461, "LOC")]], probabilities=[[0.5]]
    )
    shown = tree(report).within("dd", "text")
    assert "… w415 w416" in shown and "w540 …" in shown and "w541" not in shown and "w414" not in shown


def test_entities_that_overlap_do_not_repeat_words():
    gold = [[Span(0, 4, "ORG"), Span(3, 4, "LOC")]]
    words = [["Bank", "of", "New", "England"]]
    (report,) = scored([[]], words=words, gold=gold, probabilities=None, by_tokens=False)
    assert tree(report).within("dd", "text").count("England") == 2  # gold and found


def test_several_systems_are_compared_before_their_details():
    text = page(comparison(), name="")
    found = Tree(text)
    systems = table(found, "Systems")
    assert list(systems) == ["en", "runs/new", "Ensemble"]
    assert systems["en"][-3:] == ["–"] * 3 and systems["runs/new"][4].startswith("+")
    assert table(found, "F1 of each type, and its difference from the first system")["PER"][2].endswith(
        "(+33.33)"
    )
    assert text.index("Comparison") < text.index('id="system-1"')
    assert "then shows the details of each: en, runs/new, Ensemble." in found.within("header")
    assert [it["href"] for tag, it in found.tags if tag == "a"][:3] == ["#system-1", "#system-2", "#system-3"]
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) and {"errors-1", "errors-2", "errors-3"} <= set(ids)


def test_warnings_are_on_the_page():
    (report,) = scored([[], [], [], [Span(0, 1, "Q")]], probabilities=None)
    assert "no gold entity has the labels Q (1)" in tree(report).within("ul", "warnings")


def hash_of(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@pytest.mark.parametrize("report", [one_system, comparison])
def test_only_the_style_and_the_script_of_the_page_are_allowed(report):
    text = page(report())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    (style,) = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hash_of(style)}'; script-src 'sha256-{hash_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    tags = Tree(text).tags
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in tags}
    assert not [
        name for _, attributes in tags for name in attributes if name == "style" or name.startswith("on")
    ]
    assert not re.search(r"url\(|@import|https?:", text)
    assert "innerHTML" not in script and "eval(" not in script


def test_without_a_script_all_errors_are_shown_and_no_form():
    found = tree(one_system())
    assert [attributes for tag, attributes in found.tags if tag == "form"] == [{"hidden": None}]
    assert not [tag for tag, attributes in found.tags if "hidden" in attributes and tag != "form"]
    assert "6 errors in 4 sentences" in found.within("p")


def test_filters_offer_the_kinds_and_types_of_the_errors_with_counts():
    options = tree(one_system()).within("form")
    for option in ("all", "wrong type and boundary (2)", "missed (1)", "PER (1)", "none (1)"):
        assert option in options
    assert ("p", {"role": "status"}) in tree(one_system()).tags


OWN = {tag for tag, _ in Tree(page(comparison())).tags}


@pytest.mark.parametrize("place", ["words and labels", "name", "data"])
def test_text_is_never_taken_for_markup(place):
    report = hostile(HOSTILE) if place == "words and labels" else one_system()
    names = {"name": HOSTILE} if place == "name" else {"data": HOSTILE} if place == "data" else {}
    found = tree(report, **names)
    assert {tag for tag, _ in found.tags} <= OWN
    where = {"words and labels": "mark", "name": "h2", "data": "title"}[place]
    assert printable(HOSTILE) in found.within(where)


def test_all_words_survive():
    found = tree(one_system()).within("dd", "text", but=("type",))
    for words in SENTENCES:
        assert re.sub(r"\s", "", "".join(words)) in re.sub(r"\s", "", found)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_cells_of_the_matrix_are_readable(mode):
    """WCAG 2.2, level AA: a mixture of two grounds has a contrast between those of both."""
    style = re.search("<style>(.*)</style>", page(one_system()), re.DOTALL)[1]
    blocks = re.findall(r"prefers-color-scheme: dark\) \{\n(.*?\n)\}\n", style, re.DOTALL)
    for block in blocks:
        style = style.replace(block, "")
    found = dict(re.findall(r"(--\w+): (#\w{6});", style if mode == "light" else "".join(blocks)))
    for ground in ("--right", "--wrong", "--page"):
        assert contrast(found["--ink"], found[ground]) >= 4.5
    assert contrast(found["--focus"], found["--page"]) >= 3  # the outline of the bars


def test_the_probabilities_of_the_fixture_fit_its_entities():
    assert list(map(len, SCORES)) == list(map(len, PREDICTED))
