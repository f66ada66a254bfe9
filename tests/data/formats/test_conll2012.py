"""CoNLL-2012: entities marked with brackets."""

import re

import pytest

from rnner.data.formats.annotated import CharSpan
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences

ROWS = """\
nw/a   0   0   The     DT    (TOP(S(NP*   -      -    -   -   (ORG*    *    (0
nw/a   0   1   Bank    NNP   *            -      -    -   -   *        *    -
nw/a   0   2   of      IN    (PP*         -      -    -   -   *        *    -
nw/a   0   3   Norway  NNP   *)))         -      -    -   -   (GPE))   *    0)
nw/a   0   4   grows   VBZ   (VP*)))      grow   01   1   -   *        (V*) -

nw/a   0   0   Oslo    NNP   (TOP(NP*))   -      -    -   -   (GPE)    -
"""
FILE = f"""\
#begin document (nw/a); part 000
{ROWS}
#end document
#begin document (nw/a); part 001
nw/a   1   0   Rain    NN    (TOP(NP*))   -      -    -   -   *        -

#end document
"""


@pytest.mark.parametrize("text", [FILE, ROWS, re.sub(" {2,}", "\t", FILE)], ids=["marked", "rows", "tabs"])
def test_brackets_become_entities_and_parts_documents(written, text: str) -> None:
    source = written(text)
    assert detect_format(source.path) == "conll2012"
    first, second, *third = read_sentences(source, "conll2012")
    assert first.words == ["The", "Bank", "of", "Norway", "grows"]
    assert first.tags == ["B-ORG", "I-ORG", "I-ORG", "I-ORG", "O"]
    assert second.tags == ["B-GPE"]
    assert [it.document for it in third] == ([1] if third else [])
    assert source.note_lines() == ["nested entities left out (only the outermost is read): 1"]


def test_fewer_columns_are_recognized_by_their_content(written) -> None:
    rows = "x 0 New (NP* (LOC*\nx 1 York *) *)\n\nx 0 Bo (NP*) (PER)\n"
    text = f"#begin document (x); part 000\n{rows}#end document\n"
    source = written(text)
    (document,) = read_documents(source, detect_format(source.path))
    assert document.text == "New York\n\nBo"
    assert document.spans == [CharSpan(0, 8, "LOC"), CharSpan(10, 12, "PER")]
    assert source.note_lines() == ["words are read from column 2, entities from column 4 (counted from 0)"]
    (document,) = read_documents(written(text, columns={"token": 1, "tag": 3}), "conll2012")
    assert (document.text, document.spans[0].label) == ("0 1\n\n0", "NP")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("(GPE))", "(GPE)))"), "5: '(GPE)))' closes a bracket that was not opened"),
        (FILE.replace("(GPE))", "(GPE)"), "2: the bracket (ORG* is not closed in this sentence"),
        (
            FILE.replace("(GPE))", "GPE"),
            "5: 'GPE' does not mark entities with brackets; expected (LABEL*, *,",
        ),
        (
            FILE.replace("   *        (V*) -", ""),
            "6: 10 columns, but words are in column 3 and entities in column 10",
        ),
        (FILE.replace("Rain ", "[WORD]"), "12: the words are left out ([WORD])"),
        (
            "#begin document x\nAda PER\n",
            " no column holds entities in brackets, such as (PERSON* and *); if one",
        ),
    ],
)
def test_unreadable_conll2012(refusal, text: str, message: str) -> None:
    assert refusal(text).startswith(message)
