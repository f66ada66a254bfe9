"""Column files, CoNLL-U, JSONL with tags and saved data sets: realistic samples."""

import datasets
import pytest

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents, read_sentences
from rnner.errors import DataError
from rnner.workbench.convert import convert

CONLLU = """\
# newdoc id = letters-1
# sent_id = 1
# text = Ada's don't.
1\tAda\tAda\tPROPN\tNNP\t_\t3\tnsubj\t_\tNER=B-PER|SpaceAfter=No
2\t's\t's\tPART\tPOS\t_\t1\tcase\t_\tNER=O
3-4\tdon't\t_\t_\t_\t_\t_\t_\t_\tSpaceAfter=No
3\tdo\tdo\tAUX\tVBP\t_\t0\troot\t_\t_
4\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\tNER=O
4.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t3:conj\t_
5\t.\t.\tPUNCT\t.\t_\t3\tpunct\t_\t_

# sent_id = 2
1\tOslo\tOslo\tPROPN\tNNP\t_\t0\troot\t_\tname=B-LOC

"""
COLUMNS = """\
-DOCSTART- -X- O

Ada NNP I-PER
Lovelace NNP I-PER

Oslo NNP I-LOC

-DOCSTART- -X- O

rain NN O
"""
TOKENS = """\
{"tokens": ["Ada", "Lovelace"], "tags": ["B-PER", "E-PER"], "document": "a"}
{"tokens": ["Oslo"], "tags": ["S-LOC"], "document": "a"}
{"tokens": [], "tags": [], "document": "a"}
{"tokens": ["rain"], "tags": ["O"]}
"""


def test_conllu_reads_words_entities_and_spaces(written) -> None:
    source = written(CONLLU)
    assert detect_format(source.path) == "conllu"
    (document,) = read_documents(source, "conllu")
    assert document.text == "Ada's do n't.\n\nOslo"
    assert document.spans == [CharSpan(0, 3, "PER"), CharSpan(15, 19, "LOC")]
    assert source.note_lines() == [
        "ranges (1-2) and empty nodes (1.1) skipped, because they are not words: 2"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CONLLU.replace("NER=", "X=").replace("name=", "X="), " no word has an entity tag"),
        (CONLLU + "1\tBo\n", "15: 2 columns separated by tabs, but CoNLL-U has 10"),
        (CONLLU.replace("\n5\t", "\nfive\t"), "10: 'five' is not a word number"),
        (CONLLU.replace("\tOslo\tOslo", "\t\tOslo"), "13: a word is empty"),
        (CONLLU.replace("NER=B-PER", "NER=PERSON"), "4: 'PERSON' is not a valid"),
        (CONLLU.replace("\n5\t", "\n# newdoc\n5\t"), "10: # newdoc within a sentence"),
    ],
)
def test_unreadable_conllu(refusal, text: str, message: str) -> None:
    assert refusal(text, "conllu").startswith(message)


@pytest.mark.parametrize("text", [COLUMNS, TOKENS], ids=["columns", "tokens"])
def test_documents_of_sentences(documents, text: str) -> None:
    first, second = documents(text)
    assert (first.text, second.text) == ("Ada Lovelace\n\nOslo", "rain")
    assert first.spans == [CharSpan(0, 12, "PER"), CharSpan(14, 18, "LOC")]
    assert first.marked and second.marked


def test_unmarked_sentences_are_separate_documents(documents) -> None:
    found = documents("Ada B-PER\n\nOslo B-LOC\n")
    assert [(it.text, it.marked, it.line) for it in found] == [("Ada", False, 1), ("Oslo", False, 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tokens": ["a", "b"], "tags": ["O"]}', '1: 2 "tokens" but 1 "tags"'),
        ('{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}', '2: the record has no "ner_tags" or'),
        ('{"tokens": ["a", ""], "tags": ["O", "O"]}', "1: a word is empty"),
        ('{"tokens": ["a"], "ner_tags": [3]}', "1: the label 3 is a number"),
        ('{"tokens": ["a"], "ner_tags": ["O"]}\n\n{"tokens": ["a"], "ner_tags": ["X"]}', "3: 'X' is not a"),
        ('{"tokens": ["a"], "tags": ["B-A"]}\n{"tokens": ["a", "b"], "tags": ["O", "E-A"]}', "2: "),
    ],
)
def test_unreadable_token_records(refusal, text: str, message: str) -> None:
    assert refusal(text).startswith(message)


def test_numeric_tags_get_the_names_given(documents) -> None:
    (document,) = documents('{"words": ["Ada"], "ner_tags": [1]}', label_names={"0": "O", "1": "B-PER"})
    assert document.spans == [CharSpan(0, 3, "PER")]


def test_numeric_tags_of_columns_get_the_names_given(documents, refusal) -> None:
    text = "Ada 1\nLovelace 2\nwrote 0\n"
    (document,) = documents(text, label_names={"0": "O", "1": "B-PER", "2": "I-PER"})
    assert document.spans == [CharSpan(0, 12, "PER")]
    assert "--names 0=O,1=B-PER" in refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ada PER\nLovelace PER\nwrote 0\n",
        CONLLU.replace("NER=B-PER", "NER=PER").replace("name=B-LOC", "name=LOC"),
        '{"tokens": ["Ada", "Lovelace"], "tags": ["B_PER", "L_PER"]}\n',
    ],
    ids=["columns", "conllu", "tokens"],
)
def test_other_spellings_of_tags_are_read_in_every_format(written, text: str) -> None:
    source = written(text)
    first = read_documents(source, detect_format(source.path))[0]
    assert first.spans[0].label == "PER"
    assert any("spelling" in note or "scheme io" in note for note in source.note_lines())


def test_illegal_tags_are_read_as_conlleval_does_on_request(written) -> None:
    source = written('{"tokens": ["a", "b"], "tags": ["B-A", "I-B"]}')
    with pytest.raises(DataError, match=r"corpus:1: .*--illegal-tags conlleval"):
        read_documents(source, "tokens")
    (document,) = read_documents(source, "tokens", "conlleval")
    assert [span.label for span in document.spans] == ["A", "B"]
    assert any("read as conlleval reads them" in note for note in source.note_lines())


# --- data sets -------------------------------------------------------------------------------------------

NAMES = ["O", "B-PER", "I-PER"]
ROWS = {"tokens": [["Ada", "Lovelace"], [], ["rain"]], "id": ["1", "2", "3"]}


def saved(features: object, tags: list[list[object]], column: str = "ner_tags") -> datasets.Dataset:
    kinds = {"tokens": datasets.Sequence(datasets.Value("string")), "id": datasets.Value("string")}
    kinds[column] = datasets.Sequence(features)
    return datasets.Dataset.from_dict({**ROWS, column: tags}, features=datasets.Features(kinds))


@pytest.fixture(params=["classes", "strings"])
def data_set(request) -> datasets.Dataset:
    if request.param == "classes":
        return saved(datasets.ClassLabel(names=NAMES), [[1, 2], [], [0]])
    return saved(datasets.Value("string"), [["B-PER", "I-PER"], [], ["O"]], "tags")


@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_a_data_set_with_classes_or_strings(data_set, tmp_path, kind: str) -> None:
    source = SourceFile(tmp_path / "corpus")
    (data_set.save_to_disk if kind == "folder" else data_set.to_parquet)(str(source.path))
    assert detect_format(source.path) == "dataset"
    first, second = read_documents(source, "dataset")
    assert (first.spans, first.line, second.line) == ([CharSpan(0, 12, "PER")], 1, 3)
    assert source.note_lines() == ["records without a word skipped: 1"]


def test_a_data_set_with_several_splits_is_ambiguous(data_set, tmp_path) -> None:
    datasets.DatasetDict(train=data_set, test=data_set).save_to_disk(str(tmp_path / "all"))
    assert detect_format(tmp_path / "all") == "dataset"
    with pytest.raises(DataError, match=r"several splits; give one of them: .*all/train, .*all/test"):
        read_documents(SourceFile(tmp_path / "all"), "dataset")
    assert len(list(read_sentences(SourceFile(tmp_path / "all" / "test"), "dataset"))) == 2


def test_unreadable_data_sets(data_set, tmp_path) -> None:
    def refusal(path):
        with pytest.raises(DataError) as caught:
            read_documents(SourceFile(path), "dataset")
        return str(caught.value).removeprefix(str(path))

    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    assert refusal(broken).startswith(": the data set cannot be read")
    data_set.select_columns(["id"]).to_parquet(str(tmp_path / "bare.parquet"))
    assert refusal(tmp_path / "bare.parquet") == ": no column tokens or words; the columns are id"
    unnamed = saved(datasets.ClassLabel(names=NAMES), [[-1, 0], [], [0]])
    unnamed.to_parquet(str(tmp_path / "unnamed.parquet"))
    assert refusal(tmp_path / "unnamed.parquet").startswith(":1: the label -1 is a number")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "state.json").write_text("{}")
    assert refusal(tmp_path / "folder").startswith(": the data set cannot be read")


def test_a_text_comment_gives_the_spaces_between_words(documents):
    rows = "1\tAda\tB-PER\n2\t's\tO\n3\there\tO\n"
    first, second = documents(f"# text = Ada's  here\n{rows}\n# text = another\n{rows}")
    assert (first.text, second.text) == ("Ada's here", "Ada 's here")


def test_characters_of_scripts_without_spaces_are_joined_without_spaces(documents, tmp_path):
    rows = [("东", "B-LOC"), ("京", "I-LOC"), ("IBM", "B-ORG"), ("。", "O")]
    columns = "".join(f"{word}\t{tag}\n" for word, tag in rows)
    conllu = "".join(f"{i}\t{word}" + "\t_" * 7 + f"\tNER={tag}\n" for i, (word, tag) in enumerate(rows, 1))
    for text in (columns, conllu):
        (document,) = documents(text)
        assert document.text == "东京IBM。"
        assert document.spans == [CharSpan(0, 2, "LOC"), CharSpan(2, 5, "ORG")]
    convert(SourceFile(tmp_path / "corpus"), tmp_path / "out", form="conllu", to="conllu")
    written = (tmp_path / "out").read_text(encoding="utf-8")
    assert "# text = 东京IBM。" in written and written.count("SpaceAfter=No") == 3
