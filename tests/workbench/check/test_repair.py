"""Repaired copies: what has one answer is mended, all else stays, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import column_file, rows

from rnner.data.formats.columns import ConllReader
from rnner.errors import UsageError
from rnner.workbench.check.check import check
from rnner.workbench.check.lenient_reader import parse
from rnner.workbench.check.repair import repair, targets, write

CLEAN = rows("Ada|B-PER Lovelace|I-PER wrote .\nBell|B-ORG Labs|I-ORG\nParis|B-LOC", "\t")


def mended(text, *others):
    """The text's lines after repair, and the kinds that were repaired."""
    files = [column_file(text), *map(column_file, others)]
    file, changed = repair(files)[0]
    return "\n".join(file.lines), dict(changed)


def mended_row(line):
    text, changed = mended(f"{CLEAN}\n{line}")
    assert text.startswith(CLEAN)
    return text.removeprefix(CLEAN + "\n"), list(changed)


def test_a_clean_file_stays_as_it_is():
    assert mended(CLEAN) == (CLEAN, {})
    oddly_spaced = "Ada   PROPN  B-PER\nwrote VERB  O "
    assert mended(oddly_spaced) == (oddly_spaced, {})


@pytest.mark.parametrize(
    ("line", "mended_line", "kind"),
    [
        ("Caf\udce9\tO", "Café\tO", "encoding"),
        ("nu\0l\tO", "nul\tO", "encoding"),
        ("and O", "and\tO", "columns"),
        ("and\tO\t", "and\tO", "columns"),
        ("and\t\tO", "and\tO", "columns"),
        ("\u200b", "", "columns"),
        ("and \tO", "and\tO", "characters"),
        ("\ufeffand\tO", "and\tO", "characters"),
        ("ZoÃ«\tO", "Zoë\tO", "damaged-text"),
        ("and\to", "and\tO", "tag"),
        ("and o", "and\tO", "columns tag"),
        ("Rome\tb-LOC", "Rome\tB-LOC", "tag"),
        ("Rome\tB-Loc", "Rome\tB-LOC", "similar-labels"),
        ("Rome\tB_loc", "Rome\tB-LOC", "tag similar-labels"),
    ],
)
def test_what_has_one_answer_is_mended(line, mended_line, kind):
    assert mended_row(line) == (mended_line, kind.split())


@pytest.mark.parametrize(
    "line",
    ["New\tYork\tB-LOC", "alone", "\tO", " \tO", "\ufe0f\tO", "New York\tB-LOC", "and\tQ", "Rome\tB-LOCS"],
)
def test_what_a_person_must_decide_stays(line):
    assert mended_row(line) == (line, [])


def test_illegal_tags_are_rewritten_as_conlleval_reads_them():
    text = CLEAN + "\n\n" + rows("New|I-LOC York|I-LOC and|O Bell|B-ORG Labs|I-PER", "\t")
    copy, changed = mended(text)
    assert copy == CLEAN + "\n\n" + rows("New|B-LOC York|I-LOC and|O Bell|B-ORG Labs|B-PER", "\t")
    assert changed == {"transition": 2}


def test_a_label_is_written_as_in_most_places_of_all_files():
    text = "Ada\tB-Per\nwrote\tO"
    assert mended(text, CLEAN, CLEAN) == ("Ada\tB-PER\nwrote\tO", {"similar-labels": 1})


WORDS = st.sampled_from(["a", "Ada", "\u200bb", "ZoÃ«", "c\udce9", "d\0", "", " ", "New York", "#", "#x"])
TAGS = st.sampled_from(["O", "B-PER", "I-PER", "I-per", "E-LOC", "L-LOC", "U-LOC", "Q", "B-"])
LINES = st.one_of(
    st.tuples(WORDS, TAGS).map("\t".join),
    st.sampled_from(["", "# note", "-DOCSTART- O", "a B-PER", "a\tO\t", "\u200b", "one\ttwo\tthree"]),
)


@given(st.lists(LINES, max_size=15))
def test_a_copy_loses_no_line_and_has_no_more_to_mend(lines):
    ((copy, _),) = repair([parse("my.conll", lines)])
    assert len(copy.lines) == len(lines)
    left = {finding.kind for finding in check([copy]).findings}
    if copy.layout is not None:
        assert left.isdisjoint({"encoding", "transition"})
    ((again, changed),) = repair([copy])
    assert (again.lines, dict(changed)) == (copy.lines, {})


def test_a_written_copy_is_read_strictly(tmp_path):
    ((copy, _),) = repair([column_file(CLEAN + "\nand O\nCaf\udce9\tO\n\nRome\tU-LOC")])
    write(copy, tmp_path / "new" / "copy.conll")
    words = [sentence.words for sentence in ConllReader(tmp_path / "new" / "copy.conll")]
    assert words[2:] == [["Paris", "and", "Café"], ["Rome"]]


def test_one_copy_is_a_file_and_several_go_into_a_folder(tmp_path):
    one, other = tmp_path / "a.conll", tmp_path / "b.conll"
    assert targets([one], tmp_path / "new", overwrite=False) == [tmp_path / "new"]
    new = tmp_path / "new"
    assert targets([one, other], new, overwrite=False) == [new / "a.conll", new / "b.conll"]


def test_nothing_is_written_over(tmp_path):
    one, other = tmp_path / "a.conll", tmp_path / "b.conll"
    for path in (one, other):
        path.write_text(CLEAN)
    with pytest.raises(UsageError, match="--overwrite"):
        targets([one], other, overwrite=False)
    assert targets([one], other, overwrite=True) == [other]
    for out in (one, tmp_path / "." / "a.conll"):
        with pytest.raises(UsageError, match="never changed"):
            targets([one], out, overwrite=True)
    with pytest.raises(UsageError, match="never changed"):
        targets([one, other], tmp_path, overwrite=True)
    with pytest.raises(UsageError, match="one name"):
        targets([one, tmp_path / "sub" / "a.conll"], tmp_path / "new", overwrite=False)
    with pytest.raises(UsageError, match="folder"):
        targets([one], tmp_path, overwrite=True)
