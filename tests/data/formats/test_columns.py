from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rnner.data.formats.columns import ColumnSentence, ConllReader, write_conll, write_with_tags
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError

CONLL2003 = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

-DOCSTART- -X- -X- O

Peter NNP B-NP B-PER
Blackburn NNP I-NP I-PER

BRUSSELS NNP B-NP B-LOC
1996-08-22 CD I-NP O
"""

WNUT = "@paulwalk\tO\n#\tO\n#Empire\tB-location\nState\tI-location\n\t\n:\tO\n \t \nESB\tB-location\n"

UNER = """\
# newdoc id = answers-1
# sent_id = answers-1-0001
# text = Is Miramar far?
1\tIs\tO\t-\t-
2\tMiramar\tB-LOC\t-\tstephen
3\tfar\tO\t-\t-
4\t?\tO\t-\t-

# newdoc id = answers-2
# sent_id = answers-2-0001
# text = Ask Bo.
1\tAsk\tO\t-\t-
2\tBo\tB-PER\t-\t-
3\t.\tO\t-\tstephen

"""

WIKIGOLD = "-DOCSTART- O\n\n# O\n1 I-MISC\n\nJapanese I-MISC\nPunk O\n#punk O\n"


def read(text: str | bytes, **options: object) -> list[ColumnSentence]:
    stream = io.BytesIO(text) if isinstance(text, bytes) else io.StringIO(text, newline="\n")
    return list(ConllReader(stream, **options))  # type: ignore[arg-type]


def pairs(text: str | bytes, **options: object) -> list[list[tuple[str, str]]]:
    return [list(zip(s.words, s.tags or [], strict=True)) for s in read(text, **options)]


def refusal(text: str | bytes, **options: object) -> DataError:
    with pytest.raises(DataError) as caught:
        read(text, **options)
    return caught.value


def test_four_columns_with_document_marks() -> None:
    sentences = read(CONLL2003)
    assert [sentence.words for sentence in sentences] == [
        ["EU", "rejects", "German", "call"], ["Peter", "Blackburn"], ["BRUSSELS", "1996-08-22"]
    ]  # fmt: skip
    assert [sentence.tags for sentence in sentences] == [
        ["B-ORG", "O", "B-MISC", "O"], ["B-PER", "I-PER"], ["B-LOC", "O"]
    ]  # fmt: skip
    assert [sentence.document for sentence in sentences] == [0, 1, 1]
    assert [sentence.lines for sentence in sentences] == [[3, 4, 5, 6], [10, 11], [13, 14]]


def test_tabs_with_hash_tokens_and_blank_lines_of_white_space() -> None:
    assert pairs(WNUT) == [
        [("@paulwalk", "O"), ("#", "O"), ("#Empire", "B-location"), ("State", "I-location")],
        [(":", "O")],
        [("ESB", "B-location")],
    ]


def test_five_columns_with_comments_and_an_index() -> None:
    sentences = read(UNER)
    assert [sentence.words for sentence in sentences] == [["Is", "Miramar", "far", "?"], ["Ask", "Bo", "."]]
    assert [sentence.tags for sentence in sentences] == [["O", "B-LOC", "O", "O"], ["O", "B-PER", "O"]]
    assert [sentence.document for sentence in sentences] == [0, 1]
    assert sentences[1].lines == [12, 13, 14]


def test_a_hash_is_a_token_where_spaces_separate() -> None:
    assert pairs(WIKIGOLD) == [
        [("#", "O"), ("1", "I-MISC")],
        [("Japanese", "I-MISC"), ("Punk", "O"), ("#punk", "O")],
    ]


def test_a_comment_within_a_sentence_does_not_end_it_but_a_new_document_does() -> None:
    (sentence,) = read("Ask\tO\n# unsure\nBo\tB-PER\n")
    assert (sentence.words, sentence.lines) == (["Ask", "Bo"], [1, 3])
    assert [s.document for s in read("Ask\tO\n# newdoc\nBo\tB-PER\n")] == [NO_DOCUMENT, 0]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfAda B-PER\r\nslept O\r\n\r\nYork B-LOC\r\n",
        b"Ada  B-PER\nslept\tO\n\nYork    B-LOC \n".replace(b"\t", b" "),
        b"Ada\tB-PER\nslept\tO\n \t\n\n\nYork\tB-LOC",
        b"\n\n  Ada B-PER\nslept O\n\nYork B-LOC\n\n\n",
    ],
    ids=["BOM and CRLF", "runs of spaces", "no final newline", "blank lines around"],
)
def test_line_ends_and_spacing_do_not_matter(text: bytes) -> None:
    assert pairs(text) == [[("Ada", "B-PER"), ("slept", "O")], [("York", "B-LOC")]]


def test_only_newlines_end_a_line_and_only_spaces_and_tabs_are_blank() -> None:
    odd = ["\x85", "\u2028", "\x0b", "\x0c", "\xa0", "a\u2029b", "\x1c"]
    assert read("".join(f"{word}\tO\n" for word in odd))[0].words == odd
    assert read("".join(f"{word} O\n" for word in odd))[0].words == odd
    assert read("".join(f"{word}\n" for word in odd), tagged=False)[0].words == odd
    assert read(" \xa0\n", tagged=False)[0].words == ["\xa0"]


def test_tokens_may_be_spaces_or_nothing_where_tabs_separate() -> None:
    assert pairs("New York\tB-LOC\n \tO\n\tO\n") == [[("New York", "B-LOC"), (" ", "O"), ("", "O")]]


@pytest.mark.parametrize(
    ("columns", "words", "tags"),
    [
        (None, ["Bo", "runs"], ["B-PER", "O"]),
        ({"token": 0, "tag": -1}, ["Bo", "runs"], ["B-PER", "O"]),
        ({"token": 1, "tag": 2}, ["NNP", "VBZ"], ["B-NP", "B-VP"]),
        ({"tag": -2}, ["Bo", "runs"], ["B-NP", "B-VP"]),
        ({"token": -3}, ["NNP", "VBZ"], ["B-PER", "O"]),
    ],
)
def test_columns_count_from_either_end(
    columns: dict[str, int] | None, words: list[str], tags: list[str]
) -> None:
    (sentence,) = read("Bo NNP B-NP B-PER\nruns VBZ B-VP O\n", columns=columns)
    assert (sentence.words, sentence.tags) == (words, tags)


@pytest.mark.parametrize(
    "text",
    [
        "B-PER\tBo\nO\truns\n",
        "B-PER Bo 0.5\nO runs 0.9\n",
        "1\tBo\tB-PER\n2\truns\tO\n",
        "0 Bo x S-PER\n1 runs y O\n",
    ],
    ids=["tag first", "score last", "index from 1", "index from 0"],
)
def test_columns_are_detected(text: str) -> None:
    (sentence,) = read(text)
    assert (sentence.words, sentence.tags and sentence.tags[1]) == (["Bo", "runs"], "O")


@pytest.mark.parametrize(
    "columns", [{"token": 1, "tag": -1}, {"token": 1, "tag": 1}, {"token": -2, "tag": 0}]
)
def test_one_column_cannot_be_both_word_and_tag(columns: dict[str, int]) -> None:
    error = refusal("O O\nB-PER B-PER\n", columns=columns)
    assert "is set for both word and tag: set data.columns" in str(error)


def test_the_tag_column_is_not_the_word_column() -> None:
    (sentence,) = read("B-PER Bo NNP\nO runs VBZ\n", columns={"tag": -3})
    assert (sentence.words, sentence.tags) == (["Bo", "runs"], ["B-PER", "O"])


def test_numbers_are_words_if_there_is_no_other_column() -> None:
    assert pairs("1\tO\n2\tB-MISC\n") == [[("1", "O"), ("2", "B-MISC")]]


def test_binary_tags_are_tags() -> None:
    assert pairs("Bo 1\nruns 0\n") == [[("Bo", "1"), ("runs", "0")]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Bo\nruns\n\n#\n", [["Bo", "runs"], ["#"]]),
        (
            CONLL2003,
            [["EU", "rejects", "German", "call"], ["Peter", "Blackburn"], ["BRUSSELS", "1996-08-22"]],
        ),
        ("1\tBo\n2\truns\n\n1\tYes\n", [["Bo", "runs"], ["Yes"]]),
    ],
)
def test_untagged_files_need_no_tags(text: str, words: list[list[str]]) -> None:
    sentences = read(text, tagged=False)
    assert [sentence.words for sentence in sentences] == words
    assert all(sentence.tags is None for sentence in sentences)


@pytest.mark.parametrize("text", ["", "\n\n", "-DOCSTART- -X- O O\n\n", "\t\n \n"])
def test_a_file_without_words_has_no_sentence(text: str) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "options", "line", "message"),
    [
        ("Bo B-PER\nruns\n\nYes O\n", {}, 2, "1 column, where most rows have 2 (separated by spaces)"),
        ("Bo\tB-PER\nruns\tVBZ\tO\nYes\tO\n", {}, 2, "3 columns, where most rows have 2 (separated by tabs)"),
        ("Bo B-PER x\nruns O\nYes O\n", {}, 1, "3 columns, where most rows have 2"),
        (f"Bo B-PER\n{'x' * 500}\n", {}, 2, f"(separated by spaces): '{'x' * 120}...'"),
        ("Bo\nruns\n", {}, None, "the file has one column; expected at least two"),
        ("Bo O\rruns O\r", {}, None, "lone carriage returns"),
        ("sep=|\rword|tag\rGreta|B-PER\rOslo|B-LOC\r", {}, None, "lone carriage returns"),
        ("Bo\tB-PER\rruns\tO\r\nIt\tO\rrained\tO\r", {}, None, "lone carriage returns"),
        ("Bo NNP\nruns VBZ\n", {}, None, "no column holds tags"),
        ("Bo NNP\nruns VBZ\n", {}, None, "in rows like 'Bo | NNP'; set data.columns"),
        ("Bo O\n", {"columns": {"token": 0, "tag": 4}}, None, "has tag: 4, but the file has 2 columns"),
        ("Bo O\n", {"columns": {"token": -3}}, None, "has token: -3, but the file has 2 columns"),
    ],
)  # fmt: skip
def test_unreadable_files_are_reported_with_their_line(
    text: str, options: dict[str, object], line: int | None, message: str
) -> None:
    error = refusal(text, **options)
    assert message in str(error)
    assert error.line == line


def test_an_invalid_row_after_the_sample_is_found() -> None:
    error = refusal("Bo B-PER\nruns O\n\n" * 4000 + "Yes\n")
    assert (error.line, "'Yes'" in str(error)) == (12001, True)


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\0"), max_size=4).filter(
    lambda word: not word.startswith(("-DOCSTART-", "\ufeff"))
)
TAGGED = st.lists(
    st.lists(st.tuples(TEXTS, st.sampled_from(["O", "B-PER", "I-PER", "S-creative-work"])), min_size=1)
)


@settings(deadline=None, max_examples=60)
@given(TAGGED)
def test_written_files_read_back_the_same(sentences: list[list[tuple[str, str]]]) -> None:
    out = io.StringIO(newline="\n")
    words, tags = ([[pair[i] for pair in s] for s in sentences] for i in (0, 1))
    write_conll(words, tags, out)
    assert pairs(out.getvalue()) == sentences
    assert pairs(out.getvalue().encode()) == sentences


@pytest.mark.parametrize("word", ["a\tb", "a\nb", "-DOCSTART-", "\0"])
def test_words_that_a_column_file_cannot_hold_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match="cannot hold the word"):
        write_conll([[word]], [["O"]], io.StringIO())


def add_tags(text: str, tags: list[list[str]]) -> str:
    reader, out = ConllReader(io.StringIO(text, newline="\n"), tagged=False), io.StringIO(newline="\n")
    sentences = list(reader)
    write_with_tags(sentences, tags, out, layout=reader.layout, trailing=reader.trailing)
    return out.getvalue()


def test_a_tag_with_a_space_cannot_be_a_column_between_spaces() -> None:
    assert add_tags("Ada\tB-PER\n", [["B-Work of Art"]]) == "Ada\tB-PER\tB-Work of Art\n"
    with pytest.raises(DataError, match=r"'B-Work of Art' contains a space, .*; use --format jsonl"):
        add_tags("Ada B-PER\n", [["B-Work of Art"]])


def test_predicted_tags_become_the_last_column() -> None:
    tags = [["S-ORG", "O", "O", "O"], ["B-PER", "E-PER"], ["S-LOC", "O"]]
    assert add_tags(CONLL2003, tags).splitlines() == [
        "-DOCSTART- -X- -X- O O",
        "",
        "EU NNP B-NP B-ORG S-ORG",
        "rejects VBZ B-VP O O",
        "German JJ B-NP B-MISC O",
        "call NN I-NP O O",
        "",
        "-DOCSTART- -X- -X- O O",
        "",
        "Peter NNP B-NP B-PER B-PER",
        "Blackburn NNP I-NP I-PER E-PER",
        "",
        "BRUSSELS NNP B-NP B-LOC S-LOC",
        "1996-08-22 CD I-NP O O",
    ]


def test_comments_and_trailing_lines_are_kept() -> None:
    tagged = add_tags(UNER + "# the end\n\n", [["O", "B-LOC", "O", "O"], ["O", "O", "O"]])
    assert tagged.startswith(
        "# newdoc id = answers-1\n# sent_id = answers-1-0001\n# text = Is Miramar far?\n1\tIs\tO\t-\t-\tO\n"
    )
    assert tagged.endswith("3\t.\tO\t-\tstephen\tO\n\n# the end\n\n")
    assert [s.tags for s in read(tagged)] == [["O", "B-LOC", "O", "O"], ["O", "O", "O"]]


def test_untagged_files_get_a_tag_column() -> None:
    assert add_tags("Bo\nruns \n\n#x\n", [["B-PER", "O"], ["O"]]) == "Bo B-PER\nruns O\n\n#x O\n"


def test_each_word_needs_a_tag() -> None:
    with pytest.raises(ValueError, match="1 tags for the 2 words"):
        add_tags("Bo\nruns\n", [["O"]])


LINES = st.lists(
    st.one_of(
        st.sampled_from(["", "\t", " ", "# text = Bo runs", "#", "# newdoc", "-DOCSTART- -X- O", "-", "--"]),
        st.lists(TEXTS.filter(bool), min_size=1, max_size=2).map("\t".join),
        st.lists(TEXTS.filter(bool), min_size=2, max_size=2).map("\t".join),
        TEXTS,
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=150)
@given(LINES, st.data())
def test_a_file_with_predicted_tags_has_the_same_sentences(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    try:
        sentences = read(text, tagged=False)
    except DataError:
        return
    # If all lines begin with #, nothing tells words from comments.
    assume(not sentences or any(not word.startswith("#") for s in sentences for word in s.words))
    tags = [
        data.draw(st.lists(st.sampled_from(["O", "B-PER"]), min_size=len(s.words), max_size=len(s.words)))
        for s in sentences
    ]
    tagged = add_tags(text, tags)
    columns = {"tag": -1}
    assert [s.words for s in read(tagged, columns=columns)] == [s.words for s in sentences]
    assert [s.tags for s in read(tagged, columns=columns)] == tags


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([CONLL2003, WNUT, UNER, WIKIGOLD]), st.data())
def test_damaged_files_are_read_in_full_or_refused(text: str, data: st.DataObject) -> None:
    damaged = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(damaged)))
        end = start + data.draw(st.integers(0, 8))
        damaged[start:end] = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b"\n", b"\t", b" ", b"#"]))
        )
    reader = ConllReader(io.BytesIO(bytes(damaged)))
    try:
        sentences = list(reader)
    except DataError as error:
        assert str(error)
        return
    kept = [line for s in sentences for line in s.raw] + reader.trailing
    whole = bytes(damaged).decode().removeprefix("\ufeff")
    whole = whole if whole.endswith("\n") else whole.removesuffix("\r")  # a CRLF that was cut off
    expected = whole.replace("\r\n", "\n").removesuffix("\n").split("\n")
    assert kept == (expected if damaged else [])
    assert sum(map(reader.layout.is_row, kept)) == sum(len(s.words) for s in sentences)


def test_errors_name_the_path(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("Bo B-PER\nruns\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(ConllReader(path))
    assert str(caught.value).startswith(f"{path}:2: 1 column")


def test_sentences_with_errors_can_be_left_out() -> None:
    sentences = ("# newdoc\nEU\tB-ORG", "# newdoc\nGerman\tO\nx\ty\tz", "Peter\tB-PER\nslept", "caf\udce9\tO")
    text = "\n\n".join((*sentences, "BRUSSELS\tB-LOC\n"))
    data = text.encode(errors="surrogateescape")
    errors: list[DataError] = []
    first, last = ConllReader(io.BytesIO(data), on_error=errors.append)
    assert (first.words, last.words) == (["EU"], ["BRUSSELS"])
    assert [error.line for error in errors] == [6, 9, 11]
    assert last.raw == ["", "# newdoc", "", "", "", "BRUSSELS\tB-LOC"]
    with pytest.raises(DataError, match="<stream>:11:4: not UTF-8"):
        list(ConllReader(io.BytesIO(data)))


def test_a_truncated_crlf_line_end_loses_no_token() -> None:
    (sentence,) = ConllReader(io.BytesIO(b"Ada B-PER\r\nwrote O\r"))
    assert (sentence.words, sentence.tags) == (["Ada", "wrote"], ["B-PER", "O"])


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("Ada O\n\nBo O\n", [NO_DOCUMENT, NO_DOCUMENT]),
        ("Ada O\n\nBo O\n\n-DOCSTART- O\n\nCy O\n\nDi O\n", [NO_DOCUMENT, NO_DOCUMENT, 0, 0]),
        ("-DOCSTART- O\n\nAda O\n\nBo O\n\n-DOCSTART- O\n\nCy O\n", [0, 0, 1]),
        ("-DOCSTART- O\n\n-DOCSTART- O\n\nAda O\n\n-DOCSTART- O\n-DOCSTART- O\nBo O\n", [0, 1]),
        ("Ada\tO\n\n# newdoc id = 1\nBo\tO\n\n# text = Cy\nCy\tO\n# newdoc\nDi\tO\n", [NO_DOCUMENT, 0, 0, 1]),
    ],
)
@pytest.mark.parametrize("tagged", [True, False])
def test_documents_are_numbered_from_the_first_mark(text: str, documents: list[int], tagged: bool) -> None:
    assert [sentence.document for sentence in read(text, tagged=tagged)] == documents


def test_comments_that_begin_with_two_marks_are_not_rows() -> None:
    """KLUE-NER names its sentences so, and quotes them after a tab."""
    first, second = read("## klue-1\t<선우:PS> 왔다\n선\tB-PS\n우\tI-PS\n##\tO\n\n## klue-2\tx\n봄\tO\n")
    assert (first.words, first.tags) == (["선", "우", "##"], ["B-PS", "I-PS", "O"])
    assert second.words == ["봄"]


def test_prefixes_and_labels_in_two_columns_are_joined() -> None:
    """SUC 3.0 and other Swedish corpora have such columns."""
    rows = ["1 Elsa B PRS 7", "2 Falk I PRS 7", "3 bor O _ 7", "", "1 Piteå B LOC 8", "2 . O _ 8"]
    notes: Counter[str] = Counter()
    sentences = read("\n".join(rows).replace(" ", "\t"), notes=notes)
    assert [it.tags for it in sentences] == [["B-PRS", "I-PRS", "O"], ["B-LOC", "O"]]
    note = "tags are joined from their prefixes in column 2 and their labels in column 3 (counted from 0)"
    assert note in notes


def test_words_with_spaces_at_their_ends_are_noted() -> None:
    notes: Counter[str] = Counter()
    (sentence,) = read("Elsa\tB-PER\nFalk \tI-PER\nkom\tO\n \tO\n", notes=notes)
    assert sentence.words == ["Elsa", "Falk ", "kom", " "]
    assert list(notes) == ["some words begin or end with a space (the first in line 2)"]


@pytest.mark.parametrize("space", ["\u00a0", "\u3000"])
def test_other_spaces_between_columns_are_named(space: str) -> None:
    message = str(refusal(f"Elsa{space}B-PER\nkom{space}O\n"))
    assert f"replace the spaces U+{ord(space):04X} in" in message


@pytest.mark.parametrize(
    "text",
    [
        "1\tElsa\tB-PER\n1\tkom\tO\n2\tOslo\tB-LOC\n",
        "1.1\tElsa\tB-PER\n1.2\tkom\tO\n2.1\tOslo\tB-LOC\n",
        "| Elsa | B-PER |\n| kom | O |\n| Oslo | B-LOC |\n",
    ],
    ids=["sentences", "sentences and words", "a table in Markdown"],
)
def test_a_column_of_numbers_or_marks_does_not_hold_the_words(text: str) -> None:
    notes: Counter[str] = Counter()
    (sentence,) = read(text, notes=notes)
    assert sentence.words == ["Elsa", "kom", "Oslo"]
    assert any(
        note.startswith("column 0 holds numbers or marks; words are read from column 1") for note in notes
    )


@pytest.mark.parametrize(
    "text",
    ["<PER>Elsa</PER> kom\n", "<START:person> Elsa <END> kom\n", "[Elsa](PER) kom\n", "12|t|Elsa kom\n"],
    ids=["XML", "OpenNLP", "Markdown", "PubTator"],
)
def test_text_with_markup_is_called_that(text: str) -> None:
    assert "this is text with markup, which is not read" in str(refusal(text))
