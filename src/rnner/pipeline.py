"""`Pipeline`: find entities in texts with a loaded model."""

from __future__ import annotations

import logging
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, overload

from rnner.data.vocabulary import Vocabulary
from rnner.decoding.decoder import Decoder
from rnner.decoding.document import Document
from rnner.errors import UsageError
from rnner.export.runtime import choose_backend, is_onnx_file, load_onnx
from rnner.model.archive import ModelOrigin, PackedModel
from rnner.model.names import BUNDLED, BUNDLED_LABELS, find_model
from rnner.model.user_code import load_code
from rnner.system.process_memory import garbage_collection_paused
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.spacing import join, plain_spacing
from rnner.text.tokenizer import Token, find_tokenizer

_TOKENIZED_AT_ONCE = 100  # texts

_logger = logging.getLogger(__name__)


def load(
    model: Path | str | None = None,
    *,
    backend: str = "auto",
    device: str = "cpu",
    code: Path | str | None = None,
) -> Pipeline:
    """Load a model.

    Args:
        model: a folder written by `rnner train --output`; an .onnx file written by `rnner export`, which runs
            without torch; "owner/name" or "owner/name@revision" on the Hugging Face Hub; None or "en": the
            bundled English model. Passing None logs a warning once per process.
        backend: "torch"; "onnx", for folders prepared by `rnner export --model DIR`; or "auto": torch for
            folders, onnx for .onnx files.
        device: "auto", "cpu" or "cuda"; .onnx files run on the CPU.
        code: the Python file that registers your own cells or tokenizer, if the model was trained with one.

    Raises:
        ModelError: the model is not found or corrupted; the message says what to do.
        UsageError: the device, the code file or onnxruntime is not available.

    Examples:
        >>> pipeline = rnner.load("runs/my")
        >>> pipeline.labels
        ['LOC', 'ORG', 'PER']
    """
    path = choose_backend(find_model(model), backend)
    if model is None:
        _warn_about_default()
    origin = ModelOrigin(str(model or BUNDLED), path, device=device, code=code)
    if code is not None:
        load_code(code)
    if is_onnx_file(path):
        if device not in ("auto", "cpu"):
            raise UsageError(f"{path}: .onnx files run only on the CPU")
        return Pipeline(load_onnx(path), origin)
    from rnner.decoding.tagger_decoder import load_decoder
    from rnner.system.device import choose_device

    return Pipeline(load_decoder(path, device=choose_device(device)), origin)


@cache  # once per process
def _warn_about_default() -> None:
    labels = ", ".join(BUNDLED_LABELS)
    _logger.warning("rnner.load: no model given, using the bundled English model (%s)", labels)


class Pipeline:
    """Finds entities in texts, or in sentences that are already split into words.

    Several threads can share a pipeline: prediction has no side effects that callers can see.

    Pipelines returned by `load` can be pickled and copied, for `multiprocessing`, joblib or Spark. The pickle
    contains the files of the model, so it can be loaded on machines that do not have them. A process keeps
    the pipeline that it unpickled last, so repeated unpickling is fast.

    Args:
        decoder: the decoder of a loaded model; see `load`.
        origin: where the decoder was loaded from; needed only for pickling.

    Examples:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> pipeline = rnner.load("runs/my")
        >>> texts = ["Konrad Zuse built a machine.", "Rain fell on Philadelphia."]
        >>> with ThreadPoolExecutor(2) as pool:
        ...     found = list(pool.map(lambda text: pipeline([text])[0], texts))
        >>> [[entity.text for entity in entities] for entities in found]
        [['Konrad Zuse'], ['Philadelphia']]
    """

    def __init__(self, decoder: Decoder, origin: ModelOrigin | None = None) -> None:
        self.decoder, self._origin = decoder, origin

    def __repr__(self) -> str:
        name = "" if self._origin is None else f"{self._origin.name!r}, "
        kind = type(self.decoder).__name__
        return f"Pipeline({name}labels={self.labels}, scheme={self.vocabulary.scheme!r}, decoder={kind})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the pipeline with the contents of the model's files.

        Raises:
            TypeError: the pipeline was not returned by `load`.
            ModelError: the model's files have changed since they were loaded.
        """
        if self._origin is None:
            raise TypeError(
                "cannot pickle this pipeline; only pipelines returned by rnner.load can be pickled"
            )
        return _unpickle, (self._origin.pack(),)

    @property
    def labels(self) -> list[str]:
        """The entity types of the model."""
        return list(self.vocabulary.labels)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words, characters and tags that the model knows."""
        return self.decoder.vocabulary

    @overload
    def __call__(self, texts: str) -> list[Entity]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, texts: Iterable[str]) -> list[list[Entity]]: ...
    def __call__(self, texts: str | Iterable[str]) -> list[Entity] | list[list[Entity]]:
        """Return the entities of one text, or those of each of several texts, in order.

        `start` and `end` are character positions.

        Raises:
            TypeError: a text is not a string; the message gives its index.

        Examples:
            >>> pipeline = rnner.load("runs/my")
            >>> text = "Ada Lovelace wrote to Charles Babbage. Nobody in Paris had heard of it."
            >>> for entity in pipeline(text):
            ...     assert text[entity.start : entity.end] == entity.text and 0 < entity.score < 1
            ...     print(entity.label, entity.start, entity.end, entity.text)
            PER 0 12 Ada Lovelace
            PER 22 37 Charles Babbage
            LOC 49 54 Paris
            >>> [[entity.text for entity in entities] for entities in pipeline([text, "It rained."])]
            [['Ada Lovelace', 'Charles Babbage', 'Paris'], []]
        """
        if isinstance(texts, str):
            return self.documents(texts).entities()
        return [document.entities() for document in self.documents(texts)]

    @overload
    def documents(self, texts: str) -> Document: ...  # type: ignore[overload-overlap]
    @overload
    def documents(self, texts: Iterable[str]) -> list[Document]: ...
    def documents(self, texts: str | Iterable[str]) -> Document | list[Document]:
        """Return one text, or each of several texts, with its sentences, words and entities.

        Raises:
            TypeError: a text is not a string; the message gives its index.

        Examples:
            >>> document = rnner.load("runs/my").documents("She slept. Alan Turing walked to London.")
            >>> [[token.text for token in tokens] for tokens in document.sentences]
            [['She', 'slept', '.'], ['Alan', 'Turing', 'walked', 'to', 'London', '.']]
            >>> [(span.start, span.end, span.label) for span in document.spans[1]]
            [(0, 2, 'PER'), (4, 5, 'LOC')]
        """
        if isinstance(texts, str):
            return self.read([texts])[0]
        return self.read(_checked_texts(texts))

    def read(
        self, contents: Sequence[str | list[str]], numbers: Sequence[int] | None = None
    ) -> list[Document]:
        """Return a `Document`, with its entities, for each text or list of words.

        Args:
            contents: texts and sentences in any order. A list of words is treated as a text: the words
                joined by `rnner.text.spacing.join`.
            numbers: the document number of each item, as for `tag`. If None, each is a separate document.

        Raises:
            UsageError: an item is a text, but the code of the model's custom tokenizer has not been loaded.
        """
        split: list[tuple[str, list[list[Token]]]] = []
        for start in range(0, len(contents), _TOKENIZED_AT_ONCE):
            with garbage_collection_paused():
                split += map(self._split, contents[start : start + _TOKENIZED_AT_ONCE])
        sentences, documents = _sentences_of([tokens for _, tokens in split], numbers)
        found = iter(self.decoder.scored_spans(sentences, documents))
        return [Document(text, tokens, [next(found) for _ in tokens]) for text, tokens in split]

    def with_readings(
        self, documents: Sequence[Document], n: int, numbers: Sequence[int] | None = None
    ) -> list[Document]:
        """Return the documents with the n most probable ways to tag each of their sentences.

        Args:
            documents: returned by `documents` or `tag_documents`.
            n: number of readings per sentence, at least 1.
            numbers: the `documents` argument passed to `tag_documents`, if any.

        Examples:
            >>> pipeline = rnner.load("runs/my")
            >>> (document,) = pipeline.with_readings(pipeline.documents(["Rain fell on Philadelphia."]), 2)
            >>> (best, second), = document.nbest()  # of the only sentence
            >>> best[0] > second[0], [entity.text for entity in best[1]]
            (True, ['Philadelphia'])
        """
        sentences, context = _sentences_of([document.sentences for document in documents], numbers)
        found = iter(self.decoder.readings(sentences, n, context))
        return [
            replace(document, readings=[next(found) for _ in document.sentences]) for document in documents
        ]

    def tag(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Entity]]:
        """Return the entities of each sentence; `start` and `end` are word positions, from 0.

        Args:
            sentences: the words of each sentence.
            documents: the document number of each sentence, for models that use whole documents. Sentences
                without a number, or with -1, are separate documents.

        Raises:
            TypeError: a sentence is not a list of strings; the message gives its index.

        Examples:
            >>> pipeline = rnner.load("runs/my")
            >>> (entities,) = pipeline.tag([["Konrad", "Zuse", "built", "a", "machine", "in", "Berlin", "."]])
            >>> [(entity.label, entity.start, entity.end, entity.text) for entity in entities]
            [('PER', 0, 2, 'Konrad Zuse'), ('LOC', 6, 7, 'Berlin')]
        """
        _check_words(sentences)
        return [
            [
                Entity(span.label, span.start, span.end, join(words[span.start : span.end]), span.score)
                for span in found
            ]
            for words, found in zip(sentences, self.decoder.scored_spans(sentences, documents), strict=True)
        ]

    def tag_documents(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[Document]:
        """Return a `Document` for each sentence. The arguments are those of `tag`.

        The text of each document consists of the words, joined by single spaces except in scripts without
        spaces, such as Chinese.
        """
        _check_words(sentences)
        return self.read(sentences, documents)

    def _split(self, content: str | list[str]) -> tuple[str, list[list[Token]]]:
        """Return the text and the tokens of each of its sentences."""
        if isinstance(content, str):
            tokenize = find_tokenizer(self.vocabulary.tokenizer)
            return content, split_sentences(content, tokenize(content))
        tokens, start = [], 0
        for word, apart in zip(content, plain_spacing(content), strict=True):
            tokens.append(Token(word, start, start + len(word)))
            start += len(word) + apart
        return join(content), [tokens] if content else []


def _checked_texts(texts: object) -> list[str]:
    """Return the texts as a list; raise TypeError unless all are strings."""
    yields_keys = isinstance(texts, Mapping) or hasattr(texts, "columns")  # a record, a data frame
    if yields_keys or isinstance(texts, (bytes, bytearray)) or not isinstance(texts, Iterable):
        raise TypeError(f"a pipeline takes a text or a list of texts, not {_described(texts)}")
    checked = list(texts)
    for i, text in enumerate(checked):
        if not isinstance(text, str):
            raise TypeError(f"texts[{i}] is {_described(text)}, expected a string")
    return checked


def _check_words(sentences: Sequence[Sequence[str]]) -> None:
    """Raise TypeError unless the sentences are lists of strings."""
    for i, words in enumerate([sentences] if isinstance(sentences, str) else sentences):
        if isinstance(words, str) or not isinstance(words, Sequence):
            given = "sentences" if isinstance(sentences, str) else f"sentences[{i}]"
            raise TypeError(
                f"{given} is {_described(words)}, expected a list of words; for texts, call pipeline(texts)"
            )
        for j, word in enumerate(words):
            if not isinstance(word, str):
                raise TypeError(f"sentences[{i}][{j}] is {_described(word)}, expected a string")


def _described(value: object) -> str:
    """Format a value for an error message, such as `None` or `nan (float)`."""
    return "None" if value is None else f"{reprlib.repr(value)} ({type(value).__name__})"


_unpickled: dict[str, Pipeline] = {}
"""The last unpickled pipeline, keyed by its model's digest. joblib unpickles it again for every task."""


def _unpickle(model: PackedModel) -> Pipeline:
    """Load a pipeline that `Pipeline.__reduce__` pickled."""
    digest = model.digest()
    if digest not in _unpickled:
        with model.unpacked() as (path, code):
            pipeline = load(path, device=model.device, code=code)
        assert pipeline._origin is not None  # `load` sets it
        pipeline._origin.name, pipeline._origin.packed = model.name, model
        _unpickled.clear()
        _unpickled[digest] = pipeline
    return _unpickled[digest]


def _sentences_of(
    texts: Sequence[Sequence[Sequence[Token]]], numbers: Sequence[int] | None
) -> tuple[list[list[str]], list[int]]:
    """Return the words of each sentence of all texts, and the document number of each sentence."""
    if numbers is None:
        numbers = range(len(texts))
    sentences = [[token.text for token in tokens] for text in texts for tokens in text]
    return sentences, [numbers[place] for place, text in enumerate(texts) for _ in text]
