"""The vocabulary of a model: words, characters and tags, learned from the training split only.

A word has one of two kinds of rows in the model's word table: a *trained* row (ids below `len(words)`), or a
*frozen* row, a vector from a file that is not trained (the ids after them). The row of a form is that of its
key (`Vocabulary.key`). A form whose key has no row is the unknown word, id 1, or is composed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnner.data.bags import BagOfWords, collate_bags
from rnner.data.batches import PADDING, UNKNOWN, Batch
from rnner.data.casing import casing_class
from rnner.data.lexicon import Lexicon
from rnner.data.subwords import WeightedRows, compose
from rnner.data.vocabulary_json import (
    FORMAT_VERSION,
    RESERVED,
    STRING_LISTS,
    check_number_of_labels,
    find_problem,
)
from rnner.data.word_features import CharacterTable, Features, collate_features, integers, pad
from rnner.data.word_index import known_spelling, word_ids
from rnner.errors import ModelError
from rnner.tags import tag_inventory
from rnner.text.tokenizer import DEFAULT_TOKENIZER, TOKENIZER

if TYPE_CHECKING:  # would import pyarrow, which prediction does not need
    from rnner.data.vectors import Vectors

_CACHED_FORMS = 1 << 15
_COMPOSED_MIN_COUNT = 10  # from this count on, a trained vector is better than a composed one


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """The words, characters and tags of a model, and their ids.

    Attributes:
        words: keys of the trained rows by id; ids 0 and 1 are padding and the unknown word.
        vector_words: keys of the frozen rows, id = len(words) + index.
        characters: characters by id; ids 0 and 1 are padding and the unknown character.
        tags: tags by id.
        scheme: the scheme of `tags`.
        labels: the entity types, sorted.
        n_grams: n-grams that words without a row are composed from, see `rnner.data.subwords`. Their rows and
            that of the mean vector follow those of all words. None: words are not composed.
        lexicon: the lexicon, if the model uses one.
        tokenizer: the name of the tokenizer for raw text, see `rnner.text.tokenizer.find_tokenizer`.
    """

    words: list[str]
    vector_words: Collection[str]
    characters: list[str]
    tags: list[str]
    scheme: str
    labels: list[str]
    n_grams: Collection[str] | None = None
    lexicon: Lexicon | None = None
    tokenizer: str = DEFAULT_TOKENIZER

    @classmethod
    def build(
        cls,
        counts: Mapping[str, int],
        *,
        labels: Sequence[str],
        scheme: str,
        vectors: Vectors | None = None,
        min_count: int = 2,
        tune: bool = False,
        n_grams: list[str] | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from the words of the training sentences only.

        Without `tune`, words with a vector get a frozen row, and other words a trained one. With `tune`,
        training words with a vector get a trained row too, which starts from the vector (`initial_rows`).

        Args:
            counts: number of occurrences of each form in the training sentences.
            labels: the entity types; too many raise a DataError.
            scheme: the tag scheme.
            vectors: word vectors from a file. Each of its words without a trained row gets a frozen one, even
                if it does not occur in the training sentences.
            min_count: minimum count of a key without a vector to get a trained row.
            tune: whether to train the vectors of words that occur in training.
            n_grams: n-grams to compose words from. Words that can be composed get a trained row only if they
                occur at least 10 times.
        """
        check_number_of_labels(labels)
        known: Mapping[str, int] = vectors.rows if vectors is not None else {}
        keys = _key_counts(counts, known)
        grams = None if n_grams is None else dict.fromkeys(n_grams, 0)
        kept = {
            key: count
            for key, count in keys.items()
            if (tune if key in known else count >= _required_count(key, min_count, known, grams))
        }
        return cls(
            words=RESERVED + _by_frequency(kept),
            vector_words=[word for word in known if word not in kept],
            characters=RESERVED + _by_frequency(_character_counts(counts)),
            tags=tag_inventory(labels, scheme),
            scheme=scheme,
            labels=sorted(labels),
            n_grams=n_grams,
        )

    def grow(self, counts: Mapping[str, int], *, labels: Sequence[str], min_count: int = 2) -> Vocabulary:
        """Return the vocabulary for training the model further, on new sentences with these form counts.

        Old trained words and characters keep their ids and new ones follow, so the ids of frozen rows shift
        by the number of new words. A word with a row keeps it; other words get a trained row if they occur
        at least `min_count` times (at least 10 times if they can be composed). Tags cover the old and new
        labels, so an old tag may have a new id: look it up by name.
        """
        known = self._word_ids
        grams = None if self.n_grams is None else self._gram_ids
        words = {
            key: count
            for key, count in _key_counts(counts, known).items()
            if key not in known and count >= _required_count(key, min_count, known, grams)
        }
        old = set(self.characters[2:])
        characters = {c: count for c, count in _character_counts(counts).items() if c not in old}
        union = sorted({*self.labels, *labels})
        check_number_of_labels(union)
        return replace(
            self,
            words=self.words + _by_frequency(words),
            vector_words=list(self.vector_words),
            characters=self.characters + _by_frequency(characters),
            tags=tag_inventory(union, self.scheme),
            labels=union,
        )

    def key(self, form: str) -> str:
        """Return the first key with a row: the form, its lower case, or its normal form (the fallback).

        The normal form is in lower case with digits as 0.
        """
        return known_spelling(form, self._word_ids)

    def word_id(self, form: str) -> int:
        """Return the row of the form's key, or 1 if it has none."""
        return self._word_ids.get(self.key(form), UNKNOWN)

    def row(self, form: str) -> tuple[int, WeightedRows | None]:
        """Return a form's row, and its composition if it is composed (then the row is 0)."""
        features = self.features(form)
        return features.word, features.composition

    @property
    def rows(self) -> int:
        """The number of rows of the word table: trained, frozen, n-grams and their mean."""
        words = len(self.words) + len(self.vector_words)
        return words if self.n_grams is None else words + len(self.n_grams) + 1

    def tag_ids(self, tags: Sequence[str]) -> list[int]:
        """Return the ids of tags.

        Raises:
            ValueError: a tag that the vocabulary lacks.
        """
        try:
            return [self._tag_ids[tag] for tag in tags]
        except KeyError as error:
            raise ValueError(f"unknown tag {error.args[0]!r}; the tags are {', '.join(self.tags)}") from None

    def initial_rows(self, vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return the ids [m] int64 of trained rows that start from vectors, and those vectors [m, d]."""
        found = {word: i for i, word in enumerate(self.words[2:], start=2) if word in vectors.rows}
        return integers(list(found.values())), vectors.matrix[[vectors.rows[word] for word in found]]

    def frozen_rows(self, vectors: Vectors) -> NDArray[np.float32]:
        """Return the vectors of `vector_words`, [len(vector_words), d] float32.

        Shares memory with `vectors.matrix` if the words are the same.

        Raises:
            ValueError: `vectors` lacks one of the words.
        """
        if self.vector_words == vectors.words:
            return vectors.matrix
        try:
            rows = [vectors.rows[word] for word in self.vector_words]
        except KeyError as error:
            raise ValueError(f"the vectors lack {error}, which has a frozen row in the vocabulary") from None
        return vectors.matrix[rows]

    def encode(
        self,
        sentences: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]] | None = None,
        bags: Sequence[BagOfWords] | None = None,
    ) -> Batch[NDArray[Any]]:
        """Encode sentences as a batch of arrays (see `Batch`), each distinct form once.

        Only the first and last 50 characters of forms longer than 100 characters are encoded, so that one URL
        does not inflate the batch. Word id and casing are those of the whole form.

        Args:
            sentences: b sentences of at least one word each.
            tags: their tags, from `self.tags`.
            bags: the bag of words of each sentence's document, see `bags_of_words`.

        Raises:
            ValueError: no sentence, an empty sentence, a wrong number of tags, or an unknown tag.
        """
        if not sentences or not all(sentences):
            raise ValueError("a batch needs at least one sentence, and every sentence at least one word")
        if tags is not None and list(map(len, tags)) != list(map(len, sentences)):
            raise ValueError("every word needs exactly one tag, but the numbers of words and tags differ")
        numbers: dict[str, int] = {}
        forms = pad([[numbers.setdefault(word, len(numbers)) for word in sentence] for sentence in sentences])
        batch = self._collate(list(numbers), [self.features(form) for form in numbers])
        return replace(
            batch,
            forms=forms,
            lengths=integers([len(sentence) for sentence in sentences]),
            tags=None if tags is None else pad([self.tag_ids(row) for row in tags]),
            lexicon=None if batch.lexicon is None else batch.lexicon[0][forms],
            bags=None if bags is None else collate_bags(bags),
        )

    def encode_forms(self, forms: Sequence[str]) -> Batch[NDArray[Any]]:
        """Encode distinct forms, at least one, as a batch of one sentence, without caching their features."""
        return self._collate(forms, [self._features(form) for form in forms])

    def features(self, form: str) -> Features:
        """Return the features of a form, from the cache if possible."""
        features = self._cache.get(form)
        if features is None:
            if len(self._cache) >= _CACHED_FORMS:
                self._cache.clear()
            features = self._cache[form] = self._features(form)
        return features

    def to_json(self) -> dict[str, Any]:
        """Return the vocabulary as JSON values."""
        data: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "tokenizer": TOKENIZER,
            "scheme": self.scheme,
        }
        data |= {name: list(getattr(self, name)) for name in STRING_LISTS}
        if self.n_grams is not None:
            data["n_grams"] = list(self.n_grams)
        if self.lexicon is not None:
            data["lexicon"] = {word: list(row) for word, row in self.lexicon.counts.items()}
        if self.tokenizer != DEFAULT_TOKENIZER:
            data["own_tokenizer"] = self.tokenizer
        return data

    @classmethod
    def from_json(cls, data: object) -> Vocabulary:
        """Read what `to_json` returned.

        Raises:
            ModelError: `data` is not a valid vocabulary.
        """
        values = data if isinstance(data, dict) else {}
        problem = find_problem(values)
        if problem is not None:
            text = f"the model's vocabulary cannot be used: {problem}; was the model folder changed?"
            raise ModelError(text)
        lists = {name: list(values[name]) for name in STRING_LISTS}
        counts, grams = values.get("lexicon"), values.get("n_grams")
        return cls(
            **lists,
            scheme=values["scheme"],
            n_grams=None if grams is None else list(grams),
            lexicon=None if counts is None else Lexicon(counts, lists["labels"]),
            tokenizer=values.get("own_tokenizer", DEFAULT_TOKENIZER),
        )

    def __repr__(self) -> str:
        return (
            f"Vocabulary({len(self.words) - 2:,} trained words, {len(self.vector_words):,} frozen vectors, "
            f"{len(self.characters) - 2:,} characters, {len(self.tags)} tags in {self.scheme})"
        )

    @cached_property
    def _word_ids(self) -> Mapping[str, int]:
        return word_ids(self.vector_words, len(self.words), word_ids(self.words[2:], 2, {}))

    @cached_property
    def _gram_ids(self) -> Mapping[str, int]:
        return word_ids(self.n_grams or [], len(self.words) + len(self.vector_words), {})

    @cached_property
    def _tag_ids(self) -> Mapping[str, int]:
        return word_ids(self.tags, 0, {})

    @cached_property
    def _cache(self) -> dict[str, Features]:
        return {}

    @cached_property
    def _character_table(self) -> CharacterTable:
        return CharacterTable(word_ids(self.characters[2:], 2, {}))

    def _features(self, form: str) -> Features:
        word, composition = self.word_id(form), None
        if word == UNKNOWN and self.n_grams is not None:
            composition = compose(form, self._word_ids, self._gram_ids, self.rows - 1)
        characters = self._character_table.encode(form)
        return Features(word if composition is None else PADDING, casing_class(form), characters, composition)

    def _collate(self, forms: Sequence[str], features: Sequence[Features]) -> Batch[NDArray[Any]]:
        lexicon = None if self.lexicon is None else self.lexicon.features(forms)
        return collate_features(features, composes=self.n_grams is not None, lexicon=lexicon)


def _required_count(
    key: str, min_count: int, known: Mapping[str, int], grams: Mapping[str, int] | None
) -> int:
    """Return how often a word without a row must occur to get one."""
    composed = grams is not None and compose(key, known, grams, 0) is not None
    return max(min_count, _COMPOSED_MIN_COUNT) if composed else min_count


def _key_counts(counts: Mapping[str, int], known: Mapping[str, int]) -> Counter[str]:
    keys: Counter[str] = Counter()
    for form, count in counts.items():
        keys[known_spelling(form, known)] += count
    return keys


def _character_counts(counts: Mapping[str, int]) -> Counter[str]:
    characters: Counter[str] = Counter()
    for form, count in counts.items():
        for character in form:
            characters[character] += count
    return characters


def _by_frequency(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda item: (-counts[item], item))
