"""Repair: faults with one correction are fixed, everything else is kept, and nothing is lost."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import column_file, rows

from rnner.data.formats.columns import ConllReader
from rnner.errors import UsageError
from rnner.workbench.check.check import check
from rnner.workbench.check.lenient_reader import parse
from rnner.workbench.check.repair import repair, target_paths, write

CLEAN = rows("Ada|B-PER Lovelace|I-PER wrote .\nBell|B-ORG Labs|I-ORG\nParis|B-LOC", "\t")


def repaired(text, *others):
    """Return the text after repair, and the number of changes of each kind."""
    files = [column_file(text), *map(column_file, others)]
    file, changed = repair(files)[0]
    return "\n".join(file.lines), dict(changed)


def fixed_row(line):
    text, changed = repaired(f"{CLEAN}\n{line}")
    assert text.startswith(CLEAN)
    return text.removeprefix(CLEAN + "\n"), list(changed)


def test_a_clean_file_is_unchanged():
    assert repaired(CLEAN) == (CLEAN, {})
    oddly_spaced = "Ada   PROPN  B-PER\nwrote VERB  O "
    assert repaired(oddly_spaced) == (oddly_spaced, {})


@pytest.mark.parametrize(
    ("line", "fixed_line", "kind"),
    [
        ("Caf\udce9\tO", "Café\tO", "encoding"),
        ("nu\0l\tO", "nul\tO", "encoding"),
        ("and O", "and\tO", "separators"),
        ("and\tO\t", "and\tO", "separators"),
        ("and\t\tO", "and\tO", "separators"),
        ("\u200b", "", "columns"),
        ("and \tO", "and\tO", "characters"),
        ("\ufeffand\tO", "and\tO", "characters"),
        ("ZoÃ«\tO", "Zoë\tO", "damaged-text"),
        ("and\to", "and\tO", "spelling"),
        ("and o", "and\tO", "separators spelling"),
        ("Rome\tb-LOC", "Rome\tB-LOC", "spelling"),
        ("Rome\tB-Loc", "Rome\tB-LOC", "similar-labels"),
        ("Rome\tB_loc", "Rome\tB-LOC", "spelling similar-labels"),
    ],
)
def test_faults_with_one_correction_are_fixed(line, fixed_line, kind):
    assert fixed_row(line) == (fixed_line, kind.split())


@pytest.mark.parametrize(
    "line",
    ["New\tYork\tB-LOC", "alone", "\tO", " \tO", "\ufe0f\tO", "New York\tB-LOC", "and\tQ", "Rome\tB-LOCS"],
)
def test_faults_that_need_a_decision_are_kept(line):
    assert fixed_row(line) == (line, [])


def test_illegal_tags_are_rewritten_as_conlleval_reads_them():
    text = CLEAN + "\n\n" + rows("New|I-LOC York|I-LOC and|O Bell|B-ORG Labs|I-PER", "\t")
    copy, changed = repaired(text)
    assert copy == CLEAN + "\n\n" + rows("New|B-LOC York|I-LOC and|O Bell|B-ORG Labs|B-PER", "\t")
    assert changed == {"transition": 2}


def test_a_label_gets_its_most_frequent_spelling_in_all_files():
    text = "Ada\tB-Per\nwrote\tO"
    assert repaired(text, CLEAN, CLEAN) == ("Ada\tB-PER\nwrote\tO", {"similar-labels": 1})


def test_pieces_of_words_are_joined_and_marks_around_sentences_removed():
    text = rows("[CLS]|[CLS] Jim|B-PER Hen|I-PER ##son|X slept|O [SEP]|[SEP]\nYork|B-LOC er|X ran|O ning|X")
    copy, changed = repaired(text)
    assert copy == rows("Jim|B-PER Henson|I-PER slept\nYork|B-LOC er|I-LOC ran ning")
    assert changed == {"tag": 5}


def test_no_word_is_removed_with_the_marks():
    text = rows("son|X Ada|B-PER\nit|[SEP] rained\n##s|X ##t|X")
    copy, changed = repaired(text)
    assert copy == rows("son Ada|B-PER\nit|[SEP] rained\n##st")
    assert changed == {"tag": 3}


def test_affixes_of_all_tokens_are_stripped():
    words = [chr(letter) * 3 for letter in range(ord("a"), ord("z"))]
    text = "\n".join(f"en:{word}\t{'B-PER' if word == 'aaa' else 'O'}" for word in words)
    copy, changed = repaired(text)
    assert copy == text.replace("en:", "")
    assert changed == {"affix": len(words)}


def test_a_header_and_comments_stay():
    text = "word\ttag\n# id 1\tx\ty\nAda\tb-PER\nwrote\tO"
    assert repaired(text) == (text.replace("b-", "B-"), {"spelling": 1})


WORDS = st.sampled_from(["a", "Ada", "\u200bb", "ZoÃ«", "c\udce9", "d\0", "", " ", "New York", "#", "#x"])
TAGS = st.sampled_from(["O", "B-PER", "I-PER", "I-per", "E-LOC", "L-LOC", "U-LOC", "Q", "B-"])
LINES = st.one_of(
    st.tuples(WORDS, TAGS).map("\t".join),
    st.sampled_from(["", "# note", "-DOCSTART- O", "a B-PER", "a\tO\t", "\u200b", "one\ttwo\tthree"]),
)


@example(["a\tO", "a\tL-LOC", "a\tQ", "a\tQ"])  # plain labels, and then no longer
@given(st.lists(LINES, max_size=15))
def test_a_copy_loses_no_line_and_needs_no_second_repair(lines):
    ((copy, _),) = repair([parse("my.conll", lines)])
    assert len(copy.lines) == len(lines)
    left = {finding.kind for finding in check([copy]).findings}
    if not copy.layout_problem:
        assert left.isdisjoint({"encoding", "transition"})
    ((again, changed),) = repair([copy])
    assert (again.lines, dict(changed)) == (copy.lines, {})


def test_the_strict_reader_accepts_a_written_copy(tmp_path):
    ((copy, _),) = repair([column_file(CLEAN + "\nand O\nCaf\udce9\tO\n\nRome\tU-LOC")])
    write(copy, tmp_path / "new" / "copy.conll")
    words = [sentence.words for sentence in ConllReader(tmp_path / "new" / "copy.conll")]
    assert words[2:] == [["Paris", "and", "Café"], ["Rome"]]


def test_one_copy_is_a_file_and_several_go_into_a_folder(tmp_path):
    one, other = tmp_path / "a.conll", tmp_path / "b.conll"
    assert target_paths([one], tmp_path / "new", overwrite=False) == [tmp_path / "new"]
    new = tmp_path / "new"
    assert target_paths([one, other], new, overwrite=False) == [new / "a.conll", new / "b.conll"]


def test_originals_and_other_files_are_protected(tmp_path):
    one, other = tmp_path / "a.conll", tmp_path / "b.conll"
    for path in (one, other):
        path.write_text(CLEAN)
    with pytest.raises(UsageError, match="--overwrite"):
        target_paths([one], other, overwrite=False)
    assert target_paths([one], other, overwrite=True) == [other]
    for out in (one, tmp_path / "." / "a.conll"):
        with pytest.raises(UsageError, match="never changed"):
            target_paths([one], out, overwrite=True)
    with pytest.raises(UsageError, match="never changed"):
        target_paths([one, other], tmp_path, overwrite=True)
    with pytest.raises(UsageError, match="the same name"):
        target_paths([one, tmp_path / "sub" / "a.conll"], tmp_path / "new", overwrite=False)
    with pytest.raises(UsageError, match="folder"):
        target_paths([one], tmp_path, overwrite=True)
