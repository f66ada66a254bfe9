"""Partition of a corpus: which sentences go where, and that no line is lost or changed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnner.data.corpus import read_split, resolve
from rnner.data.formats.columns import ConllReader
from rnner.errors import DataError
from rnner.workbench.partition import partition, split_lines
from tiny_corpus import split_of

SHARES = (0.8, 0.1, 0.1)
DOCUMENTS = """\
# newdoc id = a
# text = Ada left
1\tAda\tB-PER
2\tleft\tO

# text = .
1\t.\tO

# newdoc id = b
1\tOslo\tB-LOC

# text = it rained
1\tit\tO
# a note
2\trained\tO
\t
# the end
"""


def sample():
    return read_split(resolve("sample:train"))


def corpus(documents, size):
    """Return a split of `documents` documents with `size` different sentences each, each with one entity."""
    texts = (f"[PER Ada{i}] slept ." for i in range(documents * size))
    return split_of("\n".join(texts), documents=np.repeat(range(documents), size).tolist())


def counts(split):
    """Return the number of entities of each label."""
    spans = [span for spans in split.all_spans() for span in spans]
    return np.array([sum(span.label == label for span in spans) for label in ("LOC", "ORG", "PER")])


@pytest.mark.parametrize("by_document", [True, False])
def test_every_sentence_is_in_one_part(by_document):
    split = sample()
    found = partition(split, SHARES, seed=0, by_document=by_document)
    assert sorted(np.concatenate(found.parts).tolist()) == list(range(len(split)))
    assert all((np.diff(part) > 0).all() for part in found.parts)


def test_each_part_has_its_share_of_sentences_and_of_every_type():
    rare = [f"[{label} x{i}] slept ." for label, n in (("LOC", 20), ("ORG", 50)) for i in range(n)]
    rare += [f"[PER y{i}] and [PER z{i}] slept ." for i in range(100)] + [f"It was {i} ." for i in range(330)]
    whole = split_of("\n".join(rare))
    for part, share in zip(partition(whole, SHARES, seed=1).parts, SHARES, strict=True):
        assert len(part) == pytest.approx(500 * share, abs=1)
        assert counts(whole.select(part)) == pytest.approx(share * np.array([20, 50, 200]), abs=2)


def test_documents_stay_whole_and_small_ones_are_spread_over_parts():
    sizes = [2, 4, 8, 16] * 25
    documents = np.repeat(range(100), sizes).tolist()
    whole = split_of("\n".join(f"[PER x{i}] slept ." for i in range(sum(sizes))), documents=documents)
    found = partition(whole, SHARES, seed=0)
    own = [set(whole.documents[part].tolist()) for part in found.parts]
    assert (found.by_document, found.units) == (True, 100)
    assert sum(map(len, own)) == 100
    assert list(map(len, own)) == pytest.approx([80, 10, 10], abs=2)


def test_sentences_are_assigned_if_there_are_too_few_documents():
    assert not partition(corpus(2, 10), SHARES, seed=0).by_document
    assert partition(corpus(3, 10), SHARES, seed=0).by_document
    assert not partition(corpus(1, 10), (0.5, 0.5), seed=0).by_document


def test_equal_sentences_stay_together():
    whole = split_of("\n".join(["It rained .", "[PER Ada] slept .", "It snowed ."] * 20))
    found = partition(whole, SHARES, seed=0)
    assert found.units == 3
    assert [len(part) for part in found.parts] == [20, 20, 20]


def test_the_seed_decides_the_parts():
    split = sample()
    one, same, other = (partition(split, SHARES, seed=seed).parts[1].tolist() for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("documents", [3, 4, 10])
def test_no_part_is_empty(documents):
    assert all(len(part) for part in partition(corpus(documents, 1), (0.98, 0.01, 0.01), seed=0).parts)


@pytest.mark.parametrize(("names", "parts_with_names"), [(1, 1), (2, 2), (3, 3), (4, 3), (9, 3)])
def test_every_part_has_names_if_there_are_enough(names, parts_with_names):
    whole = split_of(
        "\n".join([f"[PER Ada{i}] slept ." for i in range(names)] + [f"{i} ." for i in range(40)])
    )
    for seed in range(5):
        parts = [whole.select(part) for part in partition(whole, SHARES, seed=seed).parts]
        assert sum(bool(part.labels) for part in parts) == parts_with_names
        assert parts[0].labels == ["PER"] and counts(parts[0])[2] == max(1, names - 2)


@pytest.mark.parametrize(("by_document", "kind"), [(True, "2 documents"), (False, "2 different sentences")])
def test_too_few_units_are_an_error(by_document, kind):
    with pytest.raises(DataError, match=f"{kind} cannot be split into 3 parts"):
        partition(corpus(2, 1), SHARES, seed=0, by_document=by_document)


def test_lines_are_unchanged(tmp_path):
    path = tmp_path / "whole.conll"
    path.write_text(DOCUMENTS)
    one, other = split_lines(path, [np.array([0, 1]), np.array([2, 3])])
    lines = DOCUMENTS.splitlines()
    assert (one, other) == (lines[:8], lines[8:])


def test_a_document_in_two_parts_is_marked_in_both(tmp_path):
    path = tmp_path / "whole.conll"
    path.write_text(DOCUMENTS)
    one, other = split_lines(path, [np.array([0, 2]), np.array([1, 3])])
    lines = DOCUMENTS.splitlines()
    assert one == [*lines[:5], *lines[8:11]]
    assert other == ["# newdoc id = a", *lines[5:8], "# newdoc id = b", *lines[11:]]


LINES = st.sampled_from(["Ada B-PER", "met O", "Bo B-PER", "", " ", "-DOCSTART- -X-", "# B-PER"])


@settings(max_examples=60)
@given(st.lists(LINES, min_size=1, max_size=30), st.integers(0, 3))
def test_sentences_read_the_same_in_their_part(tmp_path_factory, lines, seed):
    folder = tmp_path_factory.mktemp("cut")
    (folder / "whole").write_text("\n".join([*lines, "it O"]))
    whole = list(ConllReader(folder / "whole"))
    part_of = np.random.default_rng(seed).integers(2, size=len(whole))
    parts = [np.flatnonzero(part_of == part) for part in (0, 1)]
    documents = {}
    for i, (part, own) in enumerate(zip(parts, split_lines(folder / "whole", parts), strict=True)):
        (folder / str(i)).write_text("".join(f"{line}\n" for line in own))
        read = list(ConllReader(folder / str(i)))
        assert [(s.words, s.tags) for s in read] == [(whole[j].words, whole[j].tags) for j in part]
        for j, sentence in zip(part.tolist(), read, strict=True):
            # Neighbours in a part are in one document if and only if they were before.
            assert documents.setdefault((i, sentence.document), whole[j].document) == whole[j].document
        assert len({s.document for s in read}) == len({whole[j].document for j in part})


def test_every_part_begins_with_the_header(tmp_path):
    path = tmp_path / "corpus.tsv"
    path.write_text("ner\tword\n\nB-PER\tAda\n\nO\train\n\nO\tsnow\n")
    parts = split_lines(path, [np.array([1]), np.array([0, 2])])
    assert parts == [
        ["ner\tword", "O\train", ""],
        ["ner\tword", "", "B-PER\tAda", "", "O\tsnow"],
    ]
