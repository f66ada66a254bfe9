"""CSV with a header row: one word or one sentence per row."""

from io import StringIO

import pytest

from rnner.data.formats import csv_table
from rnner.data.formats.annotated import SourceFile, TaggedSentence
from rnner.data.formats.csv_lists import parse_list
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import DataError

KAGGLE = (
    "Sentence #,Word,POS,Tag\nSentence: 1,Greta,NNP,B-PER\n"
    ',"said, ""yes""",VBD,O\nSentence: 2,Bergen,NNP,B-GEO\n'
)


def read(source: SourceFile) -> list[tuple[list[str], list[str]]]:
    assert detect_format(source.path) == "csv"
    return [(sentence.words, sentence.tags) for sentence in read_sentences(source, "csv")]


def test_kaggles_layout_names_each_sentence_in_its_first_row(written) -> None:
    expected = [(["Greta", 'said, "yes"'], ["B-PER", "O"]), (["Bergen"], ["B-GEO"])]
    assert read(written(KAGGLE)) == expected
    assert read(written(KAGGLE.replace("\n,", "\nSentence: 1,"))) == expected
    assert read(written("\ufeff" + KAGGLE.replace("\n", "\r\n"))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "token;label\nGreta;B-PER\nsang;O\n\nBergen;B-LOC\n",
        "sep=;\nNr;Wort;Etikett\n1;Greta;B-PER\n2;sang;O\n;;\n1;Bergen;B-LOC\n",
        "id | word | ner_tag\n0 | Greta | B-PER\n1 | sang | O\n\n0 | Bergen | B-LOC\n",
        "sentence_idx|word|iob\n1|Greta|B-PER\n1|sang|O\n2|Bergen|B-LOC\n",
        "sentence_id\ttoken\ttag\n7\tGreta\tB-PER\n7\tsang\tO\n8\tBergen\tB-LOC\n",
        'tokens,ner_tags\n"[\'Greta\', \'sang\']","[\'B-PER\', \'O\']"\n"[""Bergen""]","[""B-LOC""]"\n',
        "Sentence #,Sentence,POS,Tag\n1,Greta sang,\"['N', 'V']\",\"['B-PER', 'O']\"\n2,Bergen,N,['B-LOC']\n",
        'text\tlabels\n"Greta sang"\tB-PER O\nBergen\tB-LOC\n',
        "tokens,tags\n\"['Greta'\n 'sang']\",\"['B-PER' 'O']\"\n['Bergen'],['B-LOC']\n",
    ],
    ids=["blank rows", "Excel", "spaces", "bars", "tabs", "lists", "Kaggle's lists", "text", "NumPy"],
)
def test_the_header_names_the_columns_whatever_the_layout(written, text: str) -> None:
    assert read(written(text)) == [(["Greta", "sang"], ["B-PER", "O"]), (["Bergen"], ["B-LOC"])]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("token\ttag\nGreta\tB-PER\n", "conll"),  # without sentences, a column file with a header
        ("Greta,B-PER\nsang,O\n", "csv"),  # to say that the header is missing
        ("1,200,0\n3,400,1\n", "conll"),
        ('annotator,label,text\n1,"[{""start"": 0}]",Greta sang\n', "conll"),  # Label Studio
    ],
)
def test_what_is_csv(written, text: str, form: str) -> None:
    assert detect_format(written(text).path) == form


def test_documents_begin_where_their_name_changes(written) -> None:
    text = "doc_id,sent_id,token,tag\na,1,Greta,O\na,2,sang,O\nb,2,Bergen,O\n,,rain,O\n"
    found = read_sentences(written(text), "csv")
    assert [(it.words, it.document) for it in found] == [
        (["Greta"], 0),
        (["sang"], 0),
        (["Bergen", "rain"], 1),
    ]
    assert read_sentences(written(KAGGLE), "csv")[0].document == NO_DOCUMENT


def test_of_several_columns_of_tags_the_one_with_most_entities_is_read(written) -> None:
    header = "sent_id,token,ner_inner,ner_outer\n"
    text = header + "1,Bank,O,B-ORG\n1,of,O,I-ORG\n1,Oslo,B-LOC,I-ORG\n2,Bo,O,B-PER\n"
    source = written(text)
    assert read(source)[0][1] == ["B-ORG", "I-ORG", "I-ORG"]
    (note,) = source.note_lines()
    assert note.startswith(
        "tags read from the column ner_outer (2 entities), not from ner_inner (1); to choose"
    )
    for chosen in ("ner_inner", 2, -2):
        assert read(written(text, columns={"tag": chosen}))[0][1] == ["O", "O", "B-LOC"]
    assert read(written(text, columns={"token": "sent_id", "tag": "ner_outer"}))[0][0] == ["1", "1", "1"]


def test_quotation_marks_that_are_words_do_not_swallow_rows(written) -> None:
    source = written('sent_id\ttoken\ttag\n1\t"\tO\n1\tGreta\tB-PER\n1\t"\tO\n2\t5"\tO\n')
    assert [words for words, _ in read(source)] == [['"', "Greta", '"'], ['5"']]
    note = "rows with unmatched quotation marks, read as part of the text: 2"
    assert source.note_lines() == [note]


def test_what_is_skipped_or_added_is_noted(written) -> None:
    source = written("sent_id,token,tag\n1,Greta,B-PER\nsent_id,token,tag\n1,,\n1,sang,\n")
    assert read(source) == [(["Greta", "sang"], ["B-PER", "O"])]
    assert source.note_lines() == [
        "repeated header rows skipped: 1",
        "rows with neither a word nor a tag skipped: 1",
        "empty tags read as O: 1",
    ]


@pytest.mark.parametrize(
    "text", ["词,标签\n北,B-LOC\n京,M-LOC\n市,E-LOC\n", "mot,étiquette\nGreta,LOC\nHolm,LOC\nchante,O\n"]
)
def test_headers_and_spellings_of_tags_in_other_languages(written, text: str) -> None:
    (document,) = read_documents(written(text), detect_format(written(text).path))
    assert [span.label for span in document.spans] == ["LOC"]


def test_a_long_file_without_sentences_is_noted(written) -> None:
    source = written("token,tag\n" + "rain,O\n" * 200)
    assert len(read(source)) == 1
    assert source.note_lines() == [
        "there is no sentence column and no blank row, so all 200 words are one sentence"
    ]


def test_numbers_for_tags_need_names(written, refusal) -> None:
    text = "tokens,ner_tags\n\"['Greta', 'sang']\",[1 0]\n[Bo],[2]\n"
    assert refusal(text).startswith("2: '1' is not a valid tag; expected O, ")
    names = {"0": "O", "1": "B-PER", "2": "B-LOC"}
    found = read_documents(written(text, label_names=names), "csv")
    assert [[span.label for span in it.spans] for it in found] == [["PER"], ["LOC"]]
    (document,) = read_documents(written("token,tag\nGreta,1\nsang,0\n"), "csv")
    assert [span.label for span in document.spans] == ["NAME"]  # binary tags


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Word,Tag\rGreta,B-PER\rsang,O\r", " the lines end in lone carriage returns (old Macs)"),
        ("Greta,B-PER\nsang,O\n", "1: the first row must name a word column and a tag column, such as"),
        ("token,tag\nGreta,B-PER\nsang,O,O\n", "3: 3 cells, where the header names 2: 'sang,O,O'"),
        ("token,tag\n" + "x" * 500 + ",O,O\n", f"2: 3 cells, where the header names 2: '{'x' * 120}...'"),
        ("text,label\nno good,0\nso good,1\n", " the column text holds texts, but label has a single tag"),
        ("tokens,tags\n\"['a', 'b']\",\"['O']\"\n", "2: 2 tokens but 1 tags"),
        ("tokens,tags\n\"['a', {}]\",\"['O']\"\n", "2: the list in the column tokens cannot be read"),
        (
            "token,tag\n" + "rain,O\n" * 1001,
            " there is no sentence column and no blank row, so all 1,001 words",
        ),
        ("tokens,tags\n['a'],['O']\n\"['b'],['O']\n", "3: a quoted cell is not closed"),
    ],
)
def test_unreadable_csv(refusal, text: str, message: str) -> None:
    assert refusal(text, "csv").startswith(message)


def test_a_column_that_does_not_exist_is_an_error_with_the_names(written, refusal) -> None:
    message = " there is no column Label; the columns are Sentence #, Word, POS, Tag"
    assert refusal(KAGGLE, columns={"tag": "Label"}) == message
    assert refusal(KAGGLE, columns={"tag": 4}).startswith(" there is no column 4;")


def test_latin_1_is_an_error_with_the_command_that_converts_it(tmp_path) -> None:
    path = tmp_path / "corpus.csv"
    path.write_bytes("Word,Tag\nOslo,B-LOC\nTromsø,B-LOC\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"corpus.csv:3:6: not UTF-8 .*iconv -f WINDOWS-1252"):
        list(read_sentences(SourceFile(path), detect_format(path)))


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("['Ada', \"O'Brien\"]", ["Ada", "O'Brien"]),
        (r"['a\'b', '\\']", ["a'b", "\\"]),
        ("['Ada' 'wrote'\n 'it']", ["Ada", "wrote", "it"]),
        ('["Å", "\\u00e9"]', ["Å", "é"]),
        ("(B-PER, O)", ["B-PER", "O"]),
        ("[0 1]", ["0", "1"]),
        ("[ ]", []),
        ("", []),
        ("Ada  wrote", ["Ada", "wrote"]),
        ("['Ada', [1]]", None),
        ("['\\x']", None),
    ],
)
def test_lists_as_python_numpy_and_json_write_them(cell: str, items: list[str] | None) -> None:
    assert parse_list(cell) == items


def test_what_csv_quotes_and_what_it_cannot_hold(written) -> None:
    out = StringIO()
    csv_table.write([TaggedSentence(["a,b", '"'], ["O", "B-X"], [1])], out, written(""))
    assert out.getvalue() == 'sentence_id,token,tag\n1,"a,b",O\n1,"""",B-X\n'
    with pytest.raises(DataError, match="CSV cannot hold"):
        csv_table.write([TaggedSentence(["a\nb"], ["O"], [1])], out, written(""))


def test_a_quoted_cell_may_be_longer_than_the_csv_module_allows(written) -> None:
    words, tags = ["Ada"] * 50_000, ["O"] * 50_000
    source = written('tokens,ner_tags\n"' + " ".join(words) + '",' + " ".join(tags) + "\n")
    ((found, _),) = [(sentence.words, sentence.tags) for sentence in csv_table.read(source)]
    assert len(found) == 50_000


def test_a_quoted_cell_that_is_not_closed_ends_at_the_longest_record(written, monkeypatch) -> None:
    monkeypatch.setenv("RNNER_MAX_RECORD_MB", "1")
    row = "\"['Ada']\",\"['B-PER']\"\n"
    source = written("tokens,ner_tags\n" + row * 3000 + "\"['Ada'\n" + ("x" * 999 + "\n") * 1100)
    with pytest.raises(DataError, match=r":3002: this row is longer than 1 MB; probably a quotation mark is"):
        list(csv_table.read(source))


@pytest.mark.parametrize(
    "rows",
    ["1,and,B-PER O\n1,Rose,O O\n", "1,and,['O']\n1,Rose,\"['B-PER', 'O']\"\n"],
    ids=["words", "lists"],
)
def test_a_row_holds_a_sentence_only_if_its_word_cell_does(written, rows: str) -> None:
    """Otherwise a table with damaged tags would be read by its damage."""
    sentences = list(csv_table.read(written("sentence_id,token,tag\n" + rows)))
    assert [sentence.words for sentence in sentences] == [["and", "Rose"]]
