"""Text in, entities out."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from rnner.data.vocabulary import Vocabulary
from rnner.decoding.decoder import Decoder, Reading, ScoredSpan
from rnner.errors import UsageError
from rnner.export.runtime import choose_backend, is_onnx_file, load_onnx
from rnner.model.names import BUNDLED_LABELS, find_model
from rnner.system.process_memory import collecting_later
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token, tokenize

_TOGETHER = 100  # texts

_logger = logging.getLogger(__name__)


def load(
    model: Path | str | None = None,
    *,
    backend: str = "auto",
    device: str = "cpu",
    code: Path | str | None = None,
) -> Pipeline:
    """Load a model for finding names.

    Args:
        model: a folder, as `rnner train --output` writes it; a file of `rnner export`, whose name ends in
            .onnx, which is run without torch; "owner/name" or "owner/name@revision" on the Hugging Face Hub;
            None or "en", the bundled English model. That it is used by default is logged, once.
        backend: torch; onnx, for which `rnner export DIR` gives a folder its form; auto: torch runs a folder.
        device: auto, cpu or cuda; a .onnx file is run on the CPU.
        code: the Python file of the user's own cells, if the model was trained with one.

    Raises:
        ModelError: there is no such model, or it is broken; the message says what to do.
        UsageError: the device, the code file or what runs .onnx files is not to be had.

    Example:
        >>> pipeline = rnner.load("runs/my")
        >>> pipeline.labels
        ['LOC', 'ORG', 'PER']
    """
    path = choose_backend(find_model(model), backend)
    if model is None:
        _tell_default()
    if is_onnx_file(path):
        if device not in ("auto", "cpu") or code is not None:
            raise UsageError(f"{path}: a .onnx file is run on the CPU, and needs no code of yours")
        return Pipeline(load_onnx(path))
    from rnner.decoding.tagger_decoder import load_decoder
    from rnner.model.user_code import load_code
    from rnner.system.device import choose_device

    if code is not None:
        load_code(code)
    return Pipeline(load_decoder(path, device=choose_device(device)))


@cache
def _tell_default() -> None:
    """Once a process, on stderr unless the program logs elsewhere."""
    labels = ", ".join(BUNDLED_LABELS)
    _logger.warning("rnner.load: no model is named, so this is the bundled English one (%s)", labels)


@dataclass(frozen=True)
class Document:
    """A text with what was found in it; `Pipeline.documents` and `tag_documents` give it.

    Attributes:
        text: as it came.
        sentences: its tokens, sentence by sentence.
        spans: the entities of each sentence, in words.
        readings: the most probable ways to tag each sentence, if they were asked for.
    """

    text: str
    sentences: list[list[Token]]
    spans: list[list[ScoredSpan]]
    readings: list[list[Reading]] = field(default_factory=list)

    def entities(self) -> list[Entity]:
        """The entities of the text, in characters."""
        return [
            self._entity(tokens, span)
            for tokens, spans in zip(self.sentences, self.spans, strict=True)
            for span in spans
        ]

    def nbest(self) -> list[list[tuple[float, list[Entity]]]]:
        """For each sentence, the probability and the entities of each reading; empty if none were asked for.

        The score of an entity here is the probability of the reading that it belongs to.
        """
        return [
            [
                (probability, [self._entity(tokens, ScoredSpan(*span, probability)) for span in spans])
                for spans, probability in readings
            ]
            for tokens, readings in zip(self.sentences, self.readings, strict=False)
        ]

    def above(self, threshold: float) -> Document:
        """The same without entities whose probability is below `threshold`.

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
    """Finds the entities of texts and of sentences.

    It may be called from several threads at once: nothing that a caller sees of it changes while it predicts.

    Args:
        decoder: of a loaded model.

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
        """The kinds of entity that the model tells apart."""
        return list(self.vocabulary.labels)

    @property
    def vocabulary(self) -> Vocabulary:
        """What the model knows of words, characters and tags."""
        return self.decoder.vocabulary

    def __call__(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each raw text, in order; `start` and `end` are characters of that text.

        Raises:
            TypeError: if given one text alone instead of a list.

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
        """Each raw text with its sentences, words and entities; see `__call__`.

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
        """Raw texts, and sentences given as lists of words, each with its entities; all are read together.

        Args:
            contents: a list of words stands for the text that has one space between them.
            numbers: of the document that each belongs to, as for `tag`; None: each is one of its own.
        """
        parts: list[tuple[str, list[list[Token]]]] = []
        for start in range(0, len(contents), _TOGETHER):
            with collecting_later():
                parts += map(_parts, contents[start : start + _TOGETHER])
        sentences, of = _numbered([tokens for _, tokens in parts])
        found = iter(
            self.decoder.scored_spans(sentences, of if numbers is None else [numbers[place] for place in of])
        )
        return [Document(text, tokens, [next(found) for _ in tokens]) for text, tokens in parts]

    def with_readings(
        self, documents: Sequence[Document], n: int, numbers: Sequence[int] | None = None
    ) -> list[Document]:
        """The documents with the n most probable ways to tag each of their sentences.

        Args:
            documents: from `documents`, or from `tag_documents`.
            n: at least 1.
            numbers: what `tag_documents` was given as its `documents`.

        Example:
            >>> pipeline = rnner.load("runs/my")
            >>> (document,) = pipeline.with_readings(pipeline.documents(["Rain fell on Philadelphia."]), 2)
            >>> (best, second), = document.nbest()  # of the only sentence
            >>> best[0] > second[0], [entity.text for entity in best[1]]
            (True, ['Philadelphia'])
        """
        sentences, of = _numbered([document.sentences for document in documents])
        context = of if numbers is None else [numbers[place] for place in of]
        found = iter(self.decoder.readings(sentences, n, context))
        return [
            replace(document, readings=[next(found) for _ in document.sentences]) for document in documents
        ]

    def tag(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[list[Entity]]:
        """The entities of each sentence, given as a list of words; `start` and `end` count its words.

        Args:
            sentences: as words.
            documents: the number of each sentence's document, for models that look at whole documents; a
                sentence with the number -1, or without one, is a document of its own.

        Raises:
            TypeError: if a sentence is a text instead of a list of words.

        Example:
            >>> pipeline = rnner.load("runs/my")
            >>> (entities,) = pipeline.tag([["Konrad", "Zuse", "built", "a", "machine", "in", "Berlin", "."]])
            >>> [(entity.label, entity.start, entity.end, entity.text) for entity in entities]
            [('PER', 0, 2, 'Konrad Zuse'), ('LOC', 6, 7, 'Berlin')]
        """
        if any(isinstance(sentence, str) for sentence in (sentences, *sentences)):
            raise TypeError(
                "tag takes lists of words; for raw text, call the pipeline itself: pipeline(texts)"
            )
        return [
            [
                Entity(span.label, span.start, span.end, " ".join(words[span.start : span.end]), span.score)
                for span in found
            ]
            for words, found in zip(sentences, self.decoder.scored_spans(sentences, documents), strict=True)
        ]

    def tag_documents(
        self, sentences: Sequence[list[str]], documents: Sequence[int] | None = None
    ) -> list[Document]:
        """Each sentence, given as a list of words, as a text with one space between its words; see `tag`."""
        return self.read(sentences, documents)


def _numbered(documents: Sequence[Sequence[Sequence[Token]]]) -> tuple[list[list[str]], list[int]]:
    """The sentences of documents as words, and for each the number of its document."""
    sentences = [[token.text for token in tokens] for document in documents for tokens in document]
    return sentences, [number for number, document in enumerate(documents) for _ in document]


def _parts(content: str | list[str]) -> tuple[str, list[list[Token]]]:
    """What is to be read as a text, and its sentences."""
    if isinstance(content, str):
        return content, split_sentences(content, tokenize(content))
    return " ".join(content), [_spaced(content)] if content else []


def _spaced(words: Sequence[str]) -> list[Token]:
    """The words as tokens of the text that has one space between them."""
    tokens, start = [], 0
    for word in words:
        tokens.append(Token(word, start, start + len(word)))
        start += len(word) + 1
    return tokens
