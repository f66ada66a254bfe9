"""What each line of a column file is, and which column holds the tags."""

import io
from collections import Counter

import pytest

from rnner.data.formats.column_layout import Layout, detect_layout
from rnner.data.formats.columns import ConllReader, write_with_tags
from rnner.errors import DataError

GERMEVAL = """\
#\thttp://example.org/schwerin\t2009-10-17
1\tDie\tO\tO
2\tUniversität\tB-ORG\tO
3\tRostock\tI-ORG\tB-LOC
4\tgratuliert\tO\tO

#\thttp://example.org/bremen\t2009-11-02
1\tIn\tO\tO
2\tBremen\tB-LOC\tO
3\tspielt\tO\tO
4\tWerder\tB-ORG\tO
5\t#\tO\tO

"""
MULTICONER = """\
# id 1f3a-22 domain=en
maria _ _ B-PER
lopez _ _ I-PER
visited _ _ O
# _ _ O
york _ _ B-LOC

# id 90bc-31 domain=en
it _ _ O
rained _ _ O
"""
CONLL2003 = """\
U.N. NNP I-NP I-ORG
official NN I-NP O
Ekeus NNP I-NP I-PER
heads VBZ I-VP O
for IN I-PP O
Baghdad NNP I-NP I-LOC

They PRP I-NP O
left VBD I-VP O
"""


def read(text: str, **options: object) -> tuple[list[list[str]], list[list[str] | None], list[str]]:
    """Return words, tags and notes."""
    notes: Counter[str] = Counter()
    reader = ConllReader(io.StringIO(text, newline="\n"), notes=notes, **options)  # type: ignore[arg-type]
    sentences = list(reader)
    lines = [f"{note}: {times}" if times else note for note, times in notes.items()]
    return [s.words for s in sentences], [s.tags for s in sentences], lines


def layout(text: str, **options: object) -> Layout:
    return detect_layout(text.split("\n"), **options)  # type: ignore[arg-type]


# --- comments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tagged", [True, False])
def test_germeval_has_comment_lines_with_tabs_and_an_index(tagged: bool) -> None:
    words, tags, notes = read(GERMEVAL, tagged=tagged)
    assert words == [
        ["Die", "Universität", "Rostock", "gratuliert"],
        ["In", "Bremen", "spielt", "Werder", "#"],
    ]
    if tagged:
        assert tags == [["O", "B-ORG", "I-ORG", "O"], ["O", "B-LOC", "O", "B-ORG", "O"]]
    assert "lines that begin with # but are not valid rows, read as comments: 2" in notes


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("text", [MULTICONER, MULTICONER.replace(" domain", "\tdomain")])
def test_multiconer_has_comment_lines_where_spaces_separate(text: str, tagged: bool) -> None:
    words, tags, notes = read(text, tagged=tagged)
    assert words == [["maria", "lopez", "visited", "#", "york"], ["it", "rained"]]
    if tagged:
        assert tags == [["B-PER", "I-PER", "O", "O", "B-LOC"], ["O", "O"]]
    assert notes == ["lines that begin with # but are not valid rows, read as comments: 2"]


@pytest.mark.parametrize(
    ("line", "is_row"),
    [
        ("# O", True),
        ("# B-MISC", True),
        ("#tag O", True),
        ("#", True),  # a row without a tag, which is an error
        ("#tag", True),
        ("# PER", False),
        ("# id 12", False),
        ("# newdoc id = 3", False),
        ("# text = Ada met Bo", False),
    ],
)
def test_a_line_with_a_hash_is_a_row_if_it_has_a_tag_where_spaces_separate(line: str, is_row: bool) -> None:
    assert layout("Ada B-PER\nmet O\nBo B-PER").is_row(line) == is_row


@pytest.mark.parametrize(
    ("line", "is_row"),
    [
        ("#\tO", True),
        ("# 1\tO", True),
        ("#tag\tO", True),
        ("#tag\tPER", True),  # an error
        ("#\thttp://a.org\t2009", False),
        ("# id = 1\tdomain=en", False),
        ("# text = Ada met", False),
        ("#tag", False),
        ("# O", True),  # separated by a space
    ],
)
def test_a_line_with_a_hash_is_a_row_if_it_has_a_tag_where_tabs_separate(line: str, is_row: bool) -> None:
    assert layout("Ada\tB-PER\nmet\tO\nBo\tB-PER").is_row(line) == is_row


def test_a_hash_may_have_a_plain_label() -> None:
    words, tags, _ = read("Ada PER\nmet 0\n# TAG\nBo TAG\n# note\n")
    assert (words, tags) == ([["Ada", "met", "#", "Bo"]], [["PER", "0", "TAG", "TAG"]])


# --- separators ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Ada\tB-PER\nmet  O\nBo\tB-PER\n",
        "Ada B-PER\nmet\tO\nBo B-PER\n",
        "Ada\tB-PER\nmet\t\tO\nBo\tB-PER\n",
        "Ada\tB-PER\nmet\tO\t\nBo\tB-PER\n",
    ],
)
def test_rows_with_another_separator_are_read_with_a_note(text: str) -> None:
    words, tags, notes = read(text)
    assert (words, tags) == ([["Ada", "met", "Bo"]], [["B-PER", "O", "B-PER"]])
    (note,) = notes
    assert note.endswith("(the first in line 2)")


def test_a_token_with_a_space_is_not_split_where_the_row_has_enough_tabs() -> None:
    words, _, notes = read("New York\tB-LOC\nis\tO\nbig\tO\n")
    assert (words, notes) == ([["New York", "is", "big"]], [])


# --- headers ---------------------------------------------------------------------------------------------

ROWS = [("Ada", "NNP", "B-PER"), ("met", "VBD", "O"), ("Bo", "NNP", "B-PER"), ("there", "RB", "O")]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        ("word pos tag", (0, 1, 2)),
        ("TOKEN POS NE-COARSE-LIT", (0, 1, 2)),
        ("# Word POS NER", (0, 1, 2)),
        ("Entity Lemma Form", (2, 1, 0)),
        ("词 词性 标签", (0, 1, 2)),
    ],
)
@pytest.mark.parametrize("separator", ["\t", " "])
def test_a_header_names_the_columns(names: str, order: tuple[int, ...], separator: str) -> None:
    lines = [separator.join(row[i] for i in order) for row in ROWS]
    first = names.removeprefix("# ").replace(" ", separator)
    first = f"#{first}" if names.startswith("#") else first
    words, tags, notes = read("\n".join([first, *lines]) + "\n")
    assert (words, tags) == ([["Ada", "met", "Bo", "there"]], [["B-PER", "O", "B-PER", "O"]])
    assert notes == [f"the first row is read as a header: {first!r}"]


def test_a_header_chooses_among_columns_of_tags() -> None:
    words, tags, notes = read("ner\tword\tchunk\nB-PER\tAda\tB-NP\nO\tmet\tB-VP\nB-PER\tBo\tB-NP\n")
    assert (words, tags) == ([["Ada", "met", "Bo"]], [["B-PER", "O", "B-PER"]])
    assert len(notes) == 1


def test_a_header_above_plain_labels_is_not_a_label() -> None:
    words, tags, _ = read("token\tlabel\nAda\tPER\nmet\tO\nBo\tPER\n")
    assert (words, tags) == ([["Ada", "met", "Bo"]], [["PER", "O", "PER"]])


def test_a_header_with_one_usual_name_is_recognised_by_its_invalid_tag() -> None:
    words, _, notes = read("Wort\tEigenname\nAda\tB-PER\ntraf\tO\n")
    assert (words, len(notes)) == ([["Ada", "traf"]], 1)


@pytest.mark.parametrize(
    "text",
    [
        "#tag B-MISC\nmet PER\nBo PER\nAda O\n",
        "Word O\nTag B-MISC\n",
        "form O\nner O\n",
        "Type B-MISC\nset O\n",
    ],
)
def test_words_that_could_be_names_are_words_beside_a_tag(text: str) -> None:
    words, _, notes = read(text)
    assert (words, notes) == ([[line.split()[0] for line in text.splitlines()]], [])


def test_every_copy_of_the_header_is_skipped() -> None:
    text = "word tag\nAda B-PER\n\n"
    words, _, _ = read(text + text)
    assert words == [["Ada"], ["Ada"]]


def test_a_file_with_a_header_gets_a_column_of_predictions() -> None:
    reader = ConllReader(io.StringIO("word pos\nAda NNP\n\n"), tagged=False)
    out = io.StringIO()
    write_with_tags(list(reader), [["B-PER"]], out, layout=reader.layout, trailing=reader.trailing)
    assert out.getvalue() == "word pos predicted\nAda NNP B-PER\n\n"


def test_a_column_named_predicted_is_read_rather_than_the_gold_tags() -> None:
    _, tags, notes = read("word ner predicted\nAda B-PER O\nmet O O\nBo B-PER B-PER\nDi B-PER O\n")
    assert tags == [["O", "O", "B-PER", "O"]]
    assert len(notes) == 1


# --- columns of tags -------------------------------------------------------------------------------------


def test_outer_entities_are_read_rather_than_the_few_nested_ones() -> None:
    _, _, notes = read(GERMEVAL.replace("Werder\tB-ORG", "Werder\tB-OTH"))
    assert notes[0] == (
        "columns 2 (3 entities) and 3 (1 entity) hold tags; column 2 (counted from 0) is read, because it "
        "has the most entities; to choose, set data.columns or --columns TOKEN,TAG"
    )


def test_nested_entities_are_not_read_although_there_are_almost_as_many() -> None:
    rows = "Yle B-ORG O\n\nNokian B-PRO B-ORG\nLumia I-PRO O\n\nHelsingin B-ORG B-LOC\nkaupunki I-ORG O\n"
    _, tags, notes = read(rows)
    assert tags == [["B-ORG"], ["B-PRO", "I-PRO"], ["B-ORG", "I-ORG"]]
    assert (
        "columns 1 (3 entities) and 2 (2 entities) hold tags; column 1 (counted from 0) is read" in notes[0]
    )


def test_a_column_that_divides_sentences_into_clauses_is_not_read() -> None:
    sentence = "Somchai NN B_PER B_CLS\nran VV O I_CLS\nand CC O B_CLS\nwe PR O I_CLS\nslept VV O I_CLS\n\n"
    _, tags, notes = read(sentence * 20)
    assert tags[0] == ["B_PER", "O", "O", "O", "O"]
    assert "columns 2 (20 entities) and 3 (40 entities) hold tags; column 2" in notes[0]
    assert "because most of its words are outside entities" in notes[0]


def test_the_user_chooses_another_column_without_a_note() -> None:
    _, tags, notes = read(GERMEVAL, columns={"token": 1, "tag": 3})
    assert tags[0] == ["O", "O", "B-LOC", "O"]
    assert not any("hold tags" in note for note in notes)


def test_chunks_are_not_entities_although_there_are_more_of_them() -> None:
    _, tags, notes = read(CONLL2003)
    assert tags[0] == ["I-ORG", "O", "I-PER", "O", "O", "I-LOC"]
    assert notes == []
    swapped = "\n".join(
        " ".join(row.split()[i] for i in (0, 1, 3, 2)) if row else "" for row in CONLL2003.split("\n")
    )
    assert read(swapped)[1] == read(CONLL2003)[1]


def test_german_chunks_are_not_entities_either() -> None:
    _, tags, notes = read("Die d ART I-NC O\nBonner b ADJ I-NC I-LOC\nUni u NN I-NC O\nlobt l V I-VC O\n")
    assert (tags, notes) == ([["O", "I-LOC", "O", "O"]], [])


def test_chunks_are_read_if_there_is_nothing_else() -> None:
    _, tags, _ = read("U.N. NNP I-NP\nheads VBZ I-VP\n")
    assert tags == [["I-NP", "I-VP"]]


def test_chunks_do_not_win_over_entity_tags_without_an_entity() -> None:
    _, tags, _ = read("They PRP I-NP O\nleft VBD I-VP O\n")
    assert tags == [["O", "O"]]


def test_of_columns_with_a_similar_number_of_entities_the_last_is_read() -> None:
    _, tags, notes = read("Ada B-PER B-person/writer\nmet O O\nBo B-PER B-person/other\n")
    assert tags == [["B-person/writer", "O", "B-person/other"]]
    assert "columns 1 (2 entities) and 2 (2 entities) hold tags" in notes[0]
    assert "the last of those with a similar number of entities" in notes[0]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("Ada B-PER 1\nmet O 0\nBo B-PER 0\n", ["B-PER", "O", "B-PER"]),
        ("Ada B-PER PERSON\nmet O O\nBo B-PER PERSON\n", ["B-PER", "O", "B-PER"]),
        ("Ada\tB-PER\t-\tann\nmet\tO\t-\t-\nBo\tO\t-\t-\n", ["B-PER", "O", "O"]),
        ("0 O\n% O\nO O\n", ["O", "O", "O"]),
        ("PER Ada\n0 met\nPER Bo\n0 at\n0 0\n", ["PER", "0", "PER", "0", "0"]),
        ("Ada PER\nmet _\nBo PER\nin _\n- _\n", ["PER", "_", "PER", "_", "_"]),
        ("Ada\tO\t-\tann\nmet\tO\t-\t-\nBo\tO\t-\t-\n", ["O", "O", "O"]),
    ],
    ids=[
        "flags",
        "plain labels beside",
        "annotators",
        "words that look like tags",
        "plain labels first",
        "dashes",
        "annotators only",
    ],
)
def test_tags_with_prefixes_win_and_words_are_not_tags(text: str, tags: list[str]) -> None:
    assert read(text)[1] == [tags]


# --- sentences and errors --------------------------------------------------------------------------------


def test_a_long_file_without_blank_lines_is_noted_as_such() -> None:
    text = "Ada B-PER\nmet O\nBo B-PER\n. O\n"
    (note,) = read(text * 60)[2]
    assert note == "the file has no blank lines between sentences: it is read as one sentence of 240 tokens"
    assert read(text)[2] == []
    assert read((text * 60 + "\n") * 2)[2] == []


def test_an_error_shows_the_start_of_a_row_and_never_the_whole_file() -> None:
    with pytest.raises(DataError) as caught:
        layout("hello " * 5_000)
    assert "no column holds tags" in str(caught.value)
    assert len(str(caught.value)) < 400
