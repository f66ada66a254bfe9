"""`rnner predict` on column files: the same files, with a column of predicted tags."""

import json

import pytest

from rnner.data.formats.columns import ConllReader

CONLL2003 = """\
-DOCSTART- -X- -X- O

Grace NNP B-NP B-PER
Hopper NNP I-NP I-PER
joined VBD B-VP O
Remington NNP B-NP B-ORG
Rand NNP I-NP I-ORG
. . O O

-DOCSTART- -X- -X- O

Nobody NN B-NP O
slept VBD B-VP O
"""
UNER = """\
# newdoc id = mail-1
# sent_id = 1
# text = Alan Turing slept
1\tAlan\tB-PER\t-\tannotator
2\tTuring\tI-PER\t-\tannotator
3\tslept\tO\t-\tannotator

# sent_id = 2
1\tBerlin\tB-LOC\t-\tannotator
2\t.\tO\t-\tannotator
"""
WNUT = "@grace\tO\nHopper\tB-person\n#berlin\tO\n\t\nhttp://t.co/x\tO\n\n"
WIKIGOLD = "Bell I-ORG\nLabs I-ORG\n# O\n9 O\n\n-DOCSTART- O\n\nVienna I-LOC\n. O\n"


@pytest.mark.parametrize(
    ("text", "by", "tagged"),
    [
        (CONLL2003, " ", {"Hopper": "I-PER", "Rand": "I-ORG", "-DOCSTART-": "O"}),
        (UNER, "\t", {"Alan": "B-PER", "Berlin": "B-LOC"}),
        (WNUT, "\t", {"#berlin": None}),
        (WIKIGOLD, " ", {"Labs": "I-ORG", "Vienna": "B-LOC", "#": None}),
    ],
    ids=["CoNLL-2003", "UNER", "W-NUT", "WikiGold"],
)
def test_a_column_file_gets_one_more_column(predict, tmp_path, text, by, tagged):
    path = tmp_path / "given.conll"
    path.write_text(text)
    output = predict("--file", path, "--input", "conll", "--format", "conll")
    rows = dict(zip(text.splitlines(), output.splitlines(), strict=True))
    for before, after in rows.items():
        if not before.strip() or (by == "\t" and before.startswith("# ")):
            assert after == before
        else:
            assert after.rpartition(by)[0] == before
    tags = {before.split(by)[1 if text is UNER else 0]: after.split(by)[-1] for before, after in rows.items()
            if by in before and before.strip()}  # fmt: skip
    assert {word: tags[word] for word, tag in tagged.items() if tag} == {w: t for w, t in tagged.items() if t}
    assert tagged.keys() <= tags.keys()


@pytest.mark.parametrize("text", [CONLL2003, UNER, WNUT, WIKIGOLD])
def test_a_tagged_column_file_can_be_read_again(predict, tmp_path, text):
    (tmp_path / "given.conll").write_text(text)
    (tmp_path / "out.conll").write_text(
        predict("--file", tmp_path / "given.conll", "--input", "conll", "--format", "conll")
    )
    given = list(ConllReader(tmp_path / "given.conll"))
    again = list(ConllReader(tmp_path / "out.conll"))
    assert [sentence.words for sentence in again] == [sentence.words for sentence in given]
    assert [sentence.document for sentence in again] == [sentence.document for sentence in given]


def test_crlf_column_files(predict):
    output = predict("--input", "conll", "--format", "conll", stdin=CONLL2003.replace("\n", "\r\n").encode())
    assert (
        output.splitlines()
        == predict("--input", "conll", "--format", "conll", stdin=CONLL2003.encode()).splitlines()
    )


@pytest.mark.parametrize("columns", ["1", "1,-1", "token=1"])
def test_columns_selects_the_words(predict, columns):
    stdin = b"x1 Ada N\nx2 Lovelace N\nx3 slept V\n"
    (item,) = json.loads(predict("--input", "conll", "--format", "json", "--columns", columns, stdin=stdin))
    assert item["text"] == "Ada Lovelace slept"


def test_threshold_applies_to_column_files(predict):
    output = predict("--input", "conll", "--format", "conll", "--threshold", 1, stdin=CONLL2003.encode())
    assert {line.split()[-1] for line in output.splitlines() if line} == {"O"}
