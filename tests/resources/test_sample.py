"""The sample corpus that ships in the package keeps what its README and the quickstart promise."""

from collections import Counter

import pytest

from rnner.data.corpus import load_corpus, read_split, resolve
from rnner.data.splits import Split
from rnner.tags import Span

PARTS = ("train", "dev", "test")
TYPES = ["LOC", "MISC", "ORG", "PER"]
GENRES = 9
NOTES = ["Harry", "Potter", "and", "Hermione", "Granger", "invented", "a", "new", "spell", "."]


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    return {part: read_split(resolve(f"sample:{part}")) for part in PARTS}


def words(split: Split) -> list[list[str]]:
    return split.sentences()[0]


def names(split: Split) -> list[str]:
    """Every entity's surface, lower-cased."""
    return [
        " ".join(sentence[span.start : span.end]).lower()
        for sentence, spans in zip(words(split), split.all_spans(), strict=True)
        for span in spans
    ]


@pytest.mark.parametrize("part", PARTS)
def test_a_split_is_clean_iob2_with_the_four_types(splits: dict[str, Split], part: str) -> None:
    split = splits[part]
    assert (split.scheme, split.illegal_tags) == ("iob2", None)
    assert split.labels == TYPES


@pytest.mark.parametrize("part", PARTS)
def test_a_split_holds_one_document_a_genre(splits: dict[str, Split], part: str) -> None:
    assert len(set(splits[part].documents.tolist())) == GENRES


def test_the_corpus_loads_without_a_remark() -> None:
    corpus = load_corpus(train="sample:train", dev="sample:dev", test="sample:test")
    assert (corpus.notes, corpus.warnings, corpus.unseen_labels, corpus.held_out) == ([], [], {}, False)


def test_it_is_large_enough_to_learn_from_and_its_readme_counts_it(splits: dict[str, Split]) -> None:
    total = sum(len(split) for split in splits.values())
    assert total >= 800
    readme = resolve("sample:train").with_name("README.md").read_text(encoding="utf-8")
    assert f"{total:,} English sentences" in readme


def test_no_sentence_stands_twice(splits: dict[str, Split]) -> None:
    seen = Counter(" ".join(sentence) for split in splits.values() for sentence in words(split))
    assert [sentence for sentence, times in seen.items() if times > 1] == []


def test_most_names_of_dev_are_new(splits: dict[str, Split]) -> None:
    known = set(names(splits["train"]))
    dev = names(splits["dev"])
    assert dev
    assert sum(name not in known for name in dev) >= len(dev) / 2


def test_the_notes_sentence_is_in_test_alone(splits: dict[str, Split]) -> None:
    found = {part: [i for i, s in enumerate(words(split)) if s == NOTES] for part, split in splits.items()}
    assert (found["train"], found["dev"], len(found["test"])) == ([], [], 1)
    assert list(splits["test"].all_spans())[found["test"][0]] == [Span(0, 2, "PER"), Span(3, 5, "PER")]


@pytest.mark.parametrize("part", PARTS)
def test_sentences_are_short_and_tokens_hold_no_white_space(splits: dict[str, Split], part: str) -> None:
    sentences = words(splits[part])
    assert max(map(len, sentences)) <= 60
    assert [word for sentence in sentences for word in sentence if any(map(str.isspace, word))] == []
