"""The HIPE format: historical newspapers with tags in named columns."""

import pytest

from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences

HIPE = """\
TOKEN\tNE-COARSE-LIT\tNE-COARSE-METO\tNE-FINE-LIT\tNE-FINE-METO\tNE-FINE-COMP\tNE-NESTED\tNEL-LIT\tNEL-METO\tMISC
# hipe2022:document_id = gazette-1
# hipe2022:language = en
Greta\tB-pers\tO\tB-pers.ind\t_\t_\tO\tQ1\t_\t_
of\tI-pers\tO\tI-pers.ind\t_\t_\tO\tQ1\t_\tEndOfLine
Ber\tI-pers\tO\tI-pers.ind\t_\t_\tB-loc\tQ1\t_\tNoSpaceAfter
¬\tI-pers\tO\tI-pers.ind\t_\t_\tI-loc\tQ1\t_\tNoSpaceAfter|EndOfLine
gen\tI-pers\tO\tI-pers.ind\t_\t_\tI-loc\tQ1\t_\tPartial-0:2
sang\tO\tO\tO\t_\t_\tO\t_\t_\tNoSpaceAfter
.\tO\tO\tO\t_\t_\tO\t_\t_\tEndOfSentence
# a comment
#\tO\tO\tO\t_\t_\tO\t_\t_\tEndOfSentence

# hipe2022:document_id = gazette-2
Rain\tO\tO\tO\t_\t_\tO\t_\t_\tNoSpaceAfter
.\tO\tO\tO\t_\t_\tO\t_\t_\tEndOfSentence
"""
SHORT = "TOKEN\tNE-COARSE-LIT\tMISC\n"


def test_words_sentences_documents_and_spaces(written) -> None:
    source = written(HIPE)
    assert detect_format(source.path) == "hipe"
    first, second = read_documents(source, "hipe")
    assert (first.text, second.text) == ("Greta of Ber¬gen sang.\n\n#", "Rain.")
    assert [(first.text[a:b], label) for a, b, label in first.spans] == [("Greta of Ber¬gen", "pers")]
    partial, columns = source.note_lines()
    assert partial == "names that cover part of a word (Partial-0:4) read as the whole word: 1"
    counts = "NE-COARSE-LIT (1 entities), not from NE-FINE-LIT (1), NE-NESTED (1)"
    assert columns.startswith(f"tags read from the column {counts}; to choose, set data.columns")


def test_another_column_of_tags_may_be_chosen(written) -> None:
    (sentence, *_) = read_sentences(written(HIPE, columns={"tag": "NE-NESTED"}), "hipe")
    assert sentence.tags == ["O", "O", "B-loc", "I-loc", "I-loc", "O", "O"]


def test_a_sentence_does_not_end_within_a_name(written) -> None:
    source = written(
        SHORT + "New\tB-loc\tEndOfSentence\nYork\tI-loc\t_\nrains\tO\tEndOfSentence\nBo\tB-pers\t_\n"
    )
    assert [it.words for it in read_sentences(source, "hipe")] == [["New", "York", "rains"], ["Bo"]]
    assert source.note_lines() == ["sentence ends (EndOfSentence) within names ignored: 1"]
    iob1 = written(SHORT + "York\tI-loc\tEndOfSentence\nOslo\tI-loc\tEndOfSentence\n")
    assert [it.words for it in read_sentences(iob1, "hipe")] == [["York"], ["Oslo"]]


def test_the_words_of_masked_files_can_be_read(written) -> None:
    (sentence,) = read_sentences(written(SHORT + "Greta\t_\tEndOfSentence\n", tagged=False), "hipe")
    assert sentence.words == ["Greta"]


def test_documents_without_sentence_ends_are_noted(written) -> None:
    source = written(
        SHORT + "# document_id = 1\nGreta\tB-pers\t_\n\nsang\tO\t_\n# document_id = 2\nBo\tO\t_\n"
    )
    assert [(it.words, it.document) for it in read_sentences(source, "hipe")] == [
        (["Greta"], 0),
        (["sang"], 0),
        (["Bo"], 1),
    ]
    assert source.note_lines() == ["documents without EndOfSentence read as one sentence: 3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            HIPE.replace("sang\tO\tO", "sang\tO"),
            "9: 9 columns, where the header names 10 (separated by tabs): 'sang",
        ),
        (SHORT + "#tag\tO\n", "2: 2 columns, where the header names 3 (separated by tabs): '#tag"),
        (SHORT + "Greta\t_\t_\n", " the column NE-COARSE-LIT contains only _"),
        (
            "TOKEN\tNE-COARSE-LIT\tNE-NESTED\nBo\t_\tB-x\n",
            " the column NE-COARSE-LIT contains only _; choose",
        ),
        ("Greta\tB-pers\t_\n", "1: expected the header TOKEN, NE-COARSE-LIT, ..., found 'Greta"),
        (SHORT + "Bo\tO\t_\nTOKEN\tNE-X\n", "3: a second header, with different columns"),
    ],
)
def test_unreadable_hipe(refusal, text: str, message: str) -> None:
    assert refusal(text, "hipe").startswith(message)
