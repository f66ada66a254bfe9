"""What a model knows of strings: words, characters, casing, tags. Learned from the training split only.

A word has one of two kinds of row in the model's word table: a *trained* row (ids below `len(words)`), or a
*frozen* row, a vector from a file that training leaves as it is (ids from there on). Which row a form gets is
decided by its key (`Vocabulary.key`); a form whose key has no row is the unknown word, id 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnner.data.bags import Bag, collate
from rnner.data.batches import PADDING, UNKNOWN, Batch
from rnner.data.casing import casing_class
from rnner.data.lexicon import Lexicon
from rnner.data.subwords import WeightedRows, compose, composition
from rnner.data.word_index import ids_of, spelling_in
from rnner.errors import ModelError
from rnner.tags import SCHEMES, tag_inventory
from rnner.text.tokenizer import TOKENIZER

if TYPE_CHECKING:  # would import pyarrow, which prediction can do without
    from rnner.data.vectors import Vectors

FORMAT_VERSION = 1
RESERVED = [
    "<pad>",
    "<unknown>",
]  # ids 0 and 1; never looked up, so that a real token "<pad>" is a word like any
_LISTS = ("labels", "tags", "characters", "words", "vector_words")  # the fields that are lists of strings


_LONGEST_FORM = 100  # characters; of a longer form (a URL) the first and the last half of these are encoded
_CACHED_FORMS = 1 << 15
_OFTEN = 10  # a word seen so often learns a vector better than it could be composed


class Features(NamedTuple):
    """What is known of a form.

    Attributes:
        word: its row; 0 if it is composed.
        casing: its class, see `casing_class`.
        characters: their ids, as the bytes of int32, at most 100 (see `Vocabulary.encode`).
        pieces: what it is composed of, or None.
    """

    word: int
    casing: int
    characters: bytes
    pieces: WeightedRows | None


class _Spelling(dict[int, str]):
    """The ids of characters for `str.translate`: a code point to the character whose code point is the id."""

    def __missing__(self, point: int) -> str:
        return chr(UNKNOWN)


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """The words, characters and tags of a model, and their ids.

    Attributes:
        words: keys of the trained rows, id = position; places 0 and 1 are padding and the unknown word.
        vector_words: keys of the frozen rows, id = len(words) + position.
        characters: id = position; places 0 and 1 are padding and the unknown character.
        tags: id = position.
        scheme: the tagging scheme that `tags` are written in.
        labels: the entity types, sorted.
        n_grams: what words without a row are composed of, besides others (`rnner.data.subwords`); their rows
            and that of the mean vector come after all words'. None: words are not composed.
        lexicon: what the training labels say of each word, if the model is told.
    """

    words: list[str]
    vector_words: Sequence[str]
    characters: list[str]
    tags: list[str]
    scheme: str
    labels: list[str]
    n_grams: Sequence[str] | None = None
    lexicon: Lexicon | None = None

    @classmethod
    def build(
        cls,
        counts: Mapping[str, int],
        *,
        labels: Sequence[str],
        scheme: str,
        tags: Sequence[str],
        vectors: Vectors | None = None,
        min_count: int = 2,
        tune: bool = False,
        n_grams: list[str] | None = None,
    ) -> Vocabulary:
        """Learn a vocabulary from the words of the training sentences (and from nothing else).

        Without `tune`, words that have a vector keep it frozen, and trained rows are for the others. With it,
        training words that have a vector get a trained row too, which starts from it (see `initial_rows`).

        Args:
            counts: how often each form stands in the training sentences.
            labels: the entity types.
            scheme: the tagging scheme.
            tags: all tags that `scheme` and `labels` give, in the order of their ids.
            vectors: word vectors from a file; each of their words that gets no trained row gets a frozen one,
                whether the training sentences hold it or not.
            min_count: how often a key without a vector must be seen to get a trained row.
            tune: train the vectors of the words seen in training.
            n_grams: with them, words without a vector are composed, if they can be, until they are seen 10
                times.
        """
        known: Mapping[str, int] = vectors.rows if vectors is not None else {}
        keys = _key_counts(counts, known)
        grams = None if n_grams is None else dict.fromkeys(n_grams, 0)
        kept = {
            key: count
            for key, count in keys.items()
            if (tune if key in known else count >= _least(key, min_count, known, grams))
        }
        return cls(
            words=RESERVED + _by_frequency(kept),
            vector_words=[word for word in known if word not in kept],
            characters=RESERVED + _by_frequency(_character_counts(counts)),
            tags=list(tags),
            scheme=scheme,
            labels=sorted(labels),
            n_grams=n_grams,
        )

    def grow(self, counts: Mapping[str, int], *, labels: Sequence[str], min_count: int = 2) -> Vocabulary:
        """The vocabulary for going on from a model on new training sentences, whose forms are counted.

        Old trained words and characters keep their ids and new ones come after them; so the ids of frozen
        rows shift by the number of new trained words. A word with a row, trained or frozen, keeps it; others
        get a trained one if seen `min_count` times. Tags are made anew from the old and new labels together;
        find an old tag's new id by its name.
        """
        old_words, old_characters = self._word_ids, self._character_ids
        grams = None if self.n_grams is None else self._gram_ids
        keys = _key_counts(counts, old_words)
        words = {
            key: n
            for key, n in keys.items()
            if key not in old_words and n >= _least(key, min_count, old_words, grams)
        }
        characters = {c: n for c, n in _character_counts(counts).items() if c not in old_characters}
        union = sorted({*self.labels, *labels})
        return replace(
            self,
            words=self.words + _by_frequency(words),
            vector_words=list(self.vector_words),
            characters=self.characters + _by_frequency(characters),
            tags=tag_inventory(union, self.scheme),
            scheme=self.scheme,
            labels=union,
        )

    def key(self, form: str) -> str:
        """What `form` is looked up by: itself, else its lower-case, if that has a row; else its normal form.

        A row kept under a normal form (lower-case, digits as 0) is found by any of these steps alike.
        """
        return spelling_in(form, self._word_ids)

    def word_id(self, form: str) -> int:
        """The row of `form`'s key: trained (below `len(words)`), frozen, or 1 if it has none."""
        return self._word_ids.get(self.key(form), UNKNOWN)

    def initial_rows(self, vectors: Vectors) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Where trained rows start when vectors are tuned: their ids [m] int64 and vectors [m, d] float32."""
        trained = _ids(self.words)
        found = [word for word in trained if word in vectors.rows]
        ids = _integers([trained[word] for word in found])
        return ids, vectors.matrix[[vectors.rows[word] for word in found]]

    def frozen_rows(self, vectors: Vectors) -> NDArray[np.float32]:
        """The vectors of `vector_words`, in their order: [len(vector_words), d] float32.

        Shares memory with `vectors.matrix` where nothing has to be left out.

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
        bags: Sequence[Bag] | None = None,
    ) -> Batch[NDArray[Any]]:
        """Describe sentences as a batch of arrays (see `Batch`), each distinct form once.

        Forms longer than 100 characters have only their first and last 50 encoded as characters (word id and
        casing are those of the whole form), so that one URL does not blow up the batch. No token is left out.

        Args:
            sentences: b sentences of at least one word each.
            tags: their tags, as `self.tags` writes them.
            bags: the bag of each sentence's document, see `bags_of`.

        Raises:
            ValueError: no sentence, or an empty one; not as many tags as words; a tag not in `self.tags`.
        """
        if not sentences or not all(sentences):
            raise ValueError("a batch needs at least one sentence, and every sentence at least one word")
        places: dict[str, int] = {}
        forms = [[places.setdefault(word, len(places)) for word in sentence] for sentence in sentences]
        known = _one_sentence(self, list(places), [self.features(form) for form in places])
        placed = _padded(forms)
        return replace(
            known,
            forms=placed,
            lengths=_integers([len(sentence) for sentence in sentences]),
            tags=None if tags is None else _padded(self._encode_tags(sentences, tags)),
            lexicon=None if known.lexicon is None else known.lexicon[0][placed],
            bags=None if bags is None else collate(bags),
        )

    def encode_forms(self, forms: Sequence[str]) -> Batch[NDArray[Any]]:
        """Describe distinct forms, at least one, as a sentence of them is; nothing of them is kept."""
        return _one_sentence(self, forms, [self.describe(form) for form in forms])

    def to_json(self) -> dict[str, Any]:
        """The vocabulary as JSON values; `from_json` gives it back."""
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        told: dict[str, Any] = {} if self.n_grams is None else {"n_grams": list(self.n_grams)}
        if self.lexicon is not None:
            told["lexicon"] = {word: list(row) for word, row in self.lexicon.counts.items()}
        kept = {"format_version": FORMAT_VERSION, "tokenizer": TOKENIZER, "scheme": self.scheme}
        return {**kept, **lists, **told}

    @classmethod
    def from_json(cls, data: object) -> Vocabulary:
        """Read what `to_json` gave.

        Raises:
            ModelError: `data` is not such a vocabulary, or contradicts itself.
        """
        fields = data if isinstance(data, dict) else {}
        problem = _problem(fields)
        if problem is not None:
            text = f"the model's vocabulary cannot be used: {problem}; is the model folder as it was saved?"
            raise ModelError(text)
        counts, lists = fields.get("lexicon"), {name: list(fields[name]) for name in _LISTS}
        lexicon = None if counts is None else Lexicon(counts, lists["labels"])
        grams = fields.get("n_grams")
        n_grams = None if grams is None else list(grams)
        return cls(scheme=fields["scheme"], **lists, n_grams=n_grams, lexicon=lexicon)

    def __repr__(self) -> str:
        return (
            f"Vocabulary({len(self.words) - 2:,} trained words, {len(self.vector_words):,} frozen vectors, "
            f"{len(self.characters) - 2:,} characters, {len(self.tags)} tags in {self.scheme})"
        )

    @cached_property
    def _word_ids(self) -> Mapping[str, int]:
        return ids_of(self.vector_words, len(self.words), _ids(self.words))

    @cached_property
    def _character_ids(self) -> dict[str, int]:
        return _ids(self.characters)

    @cached_property
    def _tag_ids(self) -> dict[str, int]:
        return {tag: i for i, tag in enumerate(self.tags)}

    def row(self, form: str) -> tuple[int, WeightedRows | None]:
        """A form's row, and what it is composed of if it is (then the row is 0)."""
        known = self.features(form)
        return known.word, known.pieces

    @property
    def rows(self) -> int:
        """Rows of the word table: trained ones, frozen ones, and those of n-grams and their mean."""
        words = len(self.words) + len(self.vector_words)
        return words if self.n_grams is None else words + len(self.n_grams) + 1

    @cached_property
    def _gram_ids(self) -> Mapping[str, int]:
        return ids_of(self.n_grams or [], len(self.words) + len(self.vector_words), {})

    @cached_property
    def _cache(self) -> dict[str, Features]:
        return {}

    @cached_property
    def _spelling(self) -> _Spelling:
        return _Spelling((ord(character), chr(i)) for character, i in self._character_ids.items())

    def features(self, form: str) -> Features:
        """What is known of a form, kept for when it is asked for again."""
        features = self._cache.get(form)
        if features is None:
            features = self.describe(form)
            if len(self._cache) >= _CACHED_FORMS:
                self._cache.clear()
            self._cache[form] = features
        return features

    def describe(self, form: str) -> Features:
        """What is known of a form."""
        half = _LONGEST_FORM // 2
        spelt = form if len(form) <= _LONGEST_FORM else form[:half] + form[-half:]
        characters = spelt.translate(self._spelling).encode("utf-32-le", "surrogatepass")
        word, pieces = self.word_id(form), None
        if word == UNKNOWN and self.n_grams is not None:
            pieces = compose(form, self._word_ids, self._gram_ids, self.rows - 1)
        return Features(word if pieces is None else PADDING, casing_class(form), characters, pieces)

    def tag_ids(self, tags: Sequence[str]) -> list[int]:
        """The ids of tags; ValueError for one that the vocabulary lacks."""
        try:
            return [self._tag_ids[tag] for tag in tags]
        except KeyError as error:
            raise ValueError(f"unknown tag {error.args[0]!r}; the tags are {', '.join(self.tags)}") from None

    def _encode_tags(
        self, sentences: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]
    ) -> list[list[int]]:
        if list(map(len, tags)) != list(map(len, sentences)):
            raise ValueError("every word needs exactly one tag: the tags differ in number from the words")
        return [self.tag_ids(row) for row in tags]


def _least(key: str, min_count: int, known: Mapping[str, int], grams: Mapping[str, int] | None) -> int:
    """How often a word without a row must be seen to get one."""
    composed = grams is not None and compose(key, known, grams, 0) is not None
    return max(min_count, _OFTEN) if composed else min_count


def _one_sentence(
    vocabulary: Vocabulary, forms: Sequence[str], features: Sequence[Features]
) -> Batch[NDArray[Any]]:
    """A batch of one sentence, of distinct forms with these features."""
    n, lexicon = len(forms), vocabulary.lexicon
    width = max(1, max(len(known.characters) for known in features) // 4) * 4
    characters = bytearray().join([known.characters.ljust(width, b"\0") for known in features])
    composes = vocabulary.n_grams is not None
    return Batch(
        words=_integers([known.word for known in features]),
        casing=_integers([known.casing for known in features]),
        characters=np.frombuffer(characters, dtype=np.int32).reshape(n, -1).astype(np.int64),
        forms=np.arange(n)[None],
        lengths=np.array([n]),
        lexicon=None if lexicon is None else lexicon.features(forms)[None],
        composition=composition([known.pieces for known in features]) if composes else None,
    )


def _ids(entries: list[str]) -> dict[str, int]:
    return {entry: i for i, entry in enumerate(entries[2:], start=2)}


def _key_counts(counts: Mapping[str, int], known: Container[str]) -> Counter[str]:
    keys: Counter[str] = Counter()
    for form, count in counts.items():
        keys[spelling_in(form, known)] += count
    return keys


def _character_counts(counts: Mapping[str, int]) -> Counter[str]:
    characters: Counter[str] = Counter()
    for form, count in counts.items():
        for character in form:
            characters[character] += count
    return characters


def _by_frequency(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda item: (-counts[item], item))


def _padded(rows: list[list[int]]) -> NDArray[np.int64]:
    """Rows of different lengths, none empty, as [b, t] int64 with 0 on the right."""
    width = max(map(len, rows))
    return _integers([row + [0] * (width - len(row)) for row in rows])


def _integers(values: list[int] | list[list[int]]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _problem(data: dict[str, Any]) -> str | None:
    """What is wrong with a vocabulary read from JSON, or None."""
    if "format_version" not in data:
        return "it is not one that rnner wrote"
    if data["format_version"] != FORMAT_VERSION:
        return f"its format_version is {data['format_version']!r}, this rnner reads {FORMAT_VERSION}"
    if data.get("tokenizer", 1) != TOKENIZER:
        return f"it was made for tokenizer {data['tokenizer']!r}, this rnner has {TOKENIZER}"
    for name in _LISTS:
        value = data.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return f"{name!r} is not a list of strings"
    for name in ("words", "characters"):
        if data[name][:2] != RESERVED:
            return f"{name!r} does not begin with {RESERVED[0]} and {RESERVED[1]}"
    if not all(len(character) == 1 for character in data["characters"][2:]):
        return "an entry of 'characters' is not one character"
    words = data["words"][2:] + data["vector_words"]
    for name, entries in (
        ("words", words),
        ("characters", data["characters"][2:]),
        ("labels", data["labels"]),
    ):
        if len(set(entries)) != len(entries):
            return f"{Counter(entries).most_common(1)[0][0]!r} stands twice in {name!r}"
    grams = [] if data.get("n_grams") is None else data["n_grams"]
    if not isinstance(grams, list) or not all(isinstance(gram, str) for gram in grams):
        return "'n_grams' is not a list of strings"
    if len(set(grams)) != len(grams):
        return "an n-gram stands twice in 'n_grams'"
    if data.get("scheme") not in SCHEMES:
        return f"its scheme is {data.get('scheme')!r}, not one of {', '.join(SCHEMES)}"
    if sorted(data["tags"]) != sorted(tag_inventory(data["labels"], data["scheme"])):
        return f"'tags' are not the tags of {data['scheme']} with the labels {', '.join(data['labels'])}"
    return _lexicon_problem(data.get("lexicon"), 1 + len(data["labels"]))


def _lexicon_problem(counts: object, width: int) -> str | None:
    if counts is None:
        return None
    if not isinstance(counts, dict):
        return "'lexicon' does not give counts by word"
    for word, row in counts.items():
        if not (
            isinstance(row, list)
            and len(row) == width
            and all(type(n) is int and 0 <= n < 2**31 for n in row)
        ):
            return f"'lexicon' does not have {width} counts of {word!r}"
    return None
