"""`Pipeline`: find entities in texts with a loaded model."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from rnner.data.vocabulary import Vocabulary
from rnner.decoding.decoder import Decoder
from rnner.decoding.spans import Reading, ScoredSpan
from rnner.errors import UsageError
from rnner.export.runtime import choose_backend, is_onnx_file, load_onnx
from rnner.model.names import BUNDLED_LABELS, find_model
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
        backend: "torch"; "onnx", for folders prepared by `rnner export DIR`; or "auto": torch for folders,
            onnx for .onnx files.
        device: "auto", "cpu" or "cuda"; .onnx files run on the CPU.
        code: the Python file that registers your own cells or tokenizer, if the model was trained with one.

    Raises:
        ModelError: the model is not found or corrupted; the message says what to do.
        UsageError: the device, the code file or onnxruntime is not available.

    Example:
        >>> pipeline = rnner.load("runs/my")
        >>> pipeline.labels
        ['LOC', 'ORG', 'PER']
    """
    path = choose_backend(find_model(model), backend)
    if model is None:
        _warn_about_default()
    if code is not None:
        load_code(code)
    if is_onnx_file(path):
        if device not in ("auto", "cpu"):
            raise UsageError(f"{path}: .onnx files run only on the CPU")
        return Pipeline(load_onnx(path))
    from rnner.decoding.tagger_decoder import load_decoder
    from rnner.system.device import choose_device

    return Pipeline(load_decoder(path, device=choose_device(device)))


@cache  # once per process
def _warn_about_default() -> None:
    labels = ", ".join(BUNDLED_LABELS)
    _logger.warning("rnner.load: no model given, using the bundled English model (%s)", labels)


@dataclass(frozen=True)
class Document:
    """A text and what was found in it, returned by `Pipeline.documents` and `Pipeline.tag_documents`.

    Attributes:
        text: the unchanged text.
        sentences: the tokens of each sentence.
        spans: the entities of each sentence, with positions in words.
        readings: the most probable ways to tag each sentence, from `Pipeline.with_readings`.
    """

    text: str
    sentences: list[list[Token]]
    spans: list[list[ScoredSpan]]
    readings: list[list[Reading]] = field(default_factory=list)

    def entities(self) -> list[Entity]:
        """Return the entities of the text, with positions in characters."""
        return [
            self._entity(tokens, span)
            for tokens, spans in zip(self.sentences, self.spans, strict=True)
            for span in spans
        ]

    def nbest(self) -> list[list[tuple[float, list[Entity]]]]:
        """Return, per sentence, the probability and entities of each reading. Empty if there are no readings.

        The score of each entity is the probability of its reading.
        """
        return [
            [
                (probability, [self._entity(tokens, ScoredSpan(*span, probability)) for span in spans])
                for spans, probability in readings
            ]
            for tokens, readings in zip(self.sentences, self.readings, strict=False)
        ]

    def above(self, threshold: float) -> Document:
        """Return a copy without entities whose probability is below the threshold.

        Example:
            >>> (document,) = rnner.load("runs/my").documents(["Ada Lovelace wrote to Charles Babbage."])
            >>> len(document.entities()), len(document.above(0.999).entities())
            (2, 0)
        """
        return replace(
            self, spans=[[span for span in spans if span.score >= threshold] for spans in self.spans]
        )

    def _entity(self, tokens: Sequence[Token], span: ScoredSpan) -> Entity:
        start, end = tokens[span.start].start, tokens[span.end - 1].end
        return Entity(span.label, start, end, self.text[start:end], span.score)


class Pipeline:
    """Finds entities in texts, or in sentences that are already split into words.

    Several threads can share a pipeline: prediction has no side effects that callers can see.

    Args:
        decoder: the decoder of a loaded model; see `load`.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> pipeline = rnner.load("runs/my")
        >>> texts = ["Konrad Zuse built a machine.", "Rain fell on Philadelphia."]
        >>> with ThreadPoolExecutor(2) as pool:
        ...     found = list(pool.map(lambda text: pipeline([text])[0], texts))
        >>> [[entity.text for entity in entities] for entities in found]
        [['Konrad Zuse'], ['Philadelphia']]
    """

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder

    @property
    def labels(self) -> list[str]:
        """The entity types of the model."""
        return list(self.vocabulary.labels)

    @property
    def vocabulary(self) -> Vocabulary:
        """The words, characters and tags that the model knows."""
        return self.decoder.vocabulary

    def __call__(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Return the entities of each text, in order; `start` and `end` are character positions.

        Raises:
            TypeError: the argument is a single text instead of a list.

        Example:
            >>> pipeline = rnner.load("runs/my")
            >>> text = "Ada Lovelace wrote to Charles Babbage. Nobody in Paris had heard of it."
            >>> for entity in pipeline([text])[0]:
            ...     assert text[entity.start : entity.end] == entity.text and 0 < entity.score < 1
            ...     print(entity.label, entity.start, entity.end, entity.text)
            PER 0 12 Ada Lovelace
            PER 22 37 Charles Babbage
            LOC 49 54 Paris
        """
        return [document.entities() for document in self.documents(texts)]

    def documents(self, texts: Sequence[str]) -> list[Document]:
        """Return each text with its sentences, words and entities.

        Raises:
            TypeError: the argument is a single text instead of a list.

        Example:
            >>> (document,) = rnner.load("runs/my").documents(["She slept. Alan Turing walked to London."])
            >>> [[token.text for token in tokens] for tokens in document.sentences]
            [['She', 'slept', '.'], ['Alan', 'Turing', 'walked', 'to', 'London', '.']]
            >>> [(span.start, span.end, span.label) for span in document.spans[1]]
            [(0, 2, 'PER'), (4, 5, 'LOC')]
        """
        if isinstance(texts, str):
            raise TypeError("a pipeline takes a list of texts: pipeline([text])")
        return self.read(texts)

    def read(
        self, contents: Sequence[str | list[str]], numbers: Sequence[int] | None = None
    ) -> list[Document]:
        """Return a `Document`, with its entities, for each text or list of words.

        Args:
            contents: texts and sentences in any order. A list of words is treated as a text: the words
                joined by `rnner.text.spacing.join`.
            numbers: the document number of each, as in `tag`. If None, each is a separate document.

        Raises:
            UsageError: there is a text, and the model has a tokenizer of your own whose code was not loaded.
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

        Example:
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
            TypeError: a sentence is a text instead of a list of words.

        Example:
            >>> pipeline = rnner.load("runs/my")
            >>> (entities,) = pipeline.tag([["Konrad", "Zuse", "built", "a", "machine", "in", "Berlin", "."]])
            >>> [(entity.label, entity.start, entity.end, entity.text) for entity in entities]
            [('PER', 0, 2, 'Konrad Zuse'), ('LOC', 6, 7, 'Berlin')]
        """
        if any(isinstance(sentence, str) for sentence in (sentences, *sentences)):
            raise TypeError("tag takes lists of words; for texts, call the pipeline: pipeline(texts)")
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


def _sentences_of(
    texts: Sequence[Sequence[Sequence[Token]]], numbers: Sequence[int] | None
) -> tuple[list[list[str]], list[int]]:
    """Return the sentences of all texts as words, and the document number of each."""
    if numbers is None:
        numbers = range(len(texts))
    sentences = [[token.text for token in tokens] for text in texts for tokens in text]
    return sentences, [numbers[place] for place, text in enumerate(texts) for _ in text]
