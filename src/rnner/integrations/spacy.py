"""A model as a component of a spaCy pipeline: `nlp.add_pipe("rnner", config={"model": "runs/my"})`.

It needs `pip install "rnner[spacy]"`; spaCy finds it by itself, nothing has to be imported. Words are spaCy's
own tokens, those of white space left out. Sentences are those that an earlier component has set ("senter",
"sentencizer", "parser"), else rnner's rule of raw text; a `Doc` is one document. What stands in `doc.ents`
already stays, and what overlaps it is left out; with `"overwrite": True` it is the other way round.

Example:
    >>> import spacy
    >>> nlp = spacy.blank("en")
    >>> component = nlp.add_pipe("rnner", config={"model": "runs/my"})
    >>> doc = nlp("Ada Lovelace wrote to Charles Babbage. Rain fell on Philadelphia.")
    >>> [(ent.text, ent.label_) for ent in doc.ents]
    [('Ada Lovelace', 'PER'), ('Charles Babbage', 'PER'), ('Philadelphia', 'LOC')]
    >>> 0 < doc.ents[0]._.rnner_score < 1
    True
"""

# No `from __future__ import annotations`: spaCy checks a component's config against what they are here.
import shutil
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.scorer import get_ner_prf
from spacy.tokens import Doc, Span
from spacy.tokens import Token as Word
from spacy.training import Example

from rnner.errors import ModelError
from rnner.model.file_names import MODEL_FILES
from rnner.model.names import find_model
from rnner.pipeline import Pipeline, load
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token

SCORE = "rnner_score"
"""The attribute `span._.rnner_score` of what was found: the model's probability of exactly this entity."""


@Language.factory(
    "rnner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", f"span._.{SCORE}"],
    default_config={"model": None, "overwrite": False},
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0},
)
def create(nlp: Language, name: str, model: str | None, overwrite: bool) -> "EntityFinder":
    """What spaCy calls for `nlp.add_pipe("rnner")`; see `EntityFinder`."""
    return EntityFinder(name, model, overwrite=overwrite)


class EntityFinder(Pipe):
    """Finds entities in documents of spaCy. The model is loaded when it is first needed.

    A pipeline that is saved, by `nlp.to_disk` or `to_bytes`, holds the files of its model.

    Args:
        name: of the component.
        model: what `rnner.load` takes; None is the bundled one.
        overwrite: whether what it finds replaces entities that are there and overlap.
    """

    def __init__(
        self, name: str = "rnner", model: Path | str | None = None, *, overwrite: bool = False
    ) -> None:
        self.name, self.overwrite = name, overwrite
        self._model = model
        self._held: TemporaryDirectory[str] | None = None  # where the model is, if it came as bytes
        if not Span.has_extension(SCORE):
            Span.set_extension(SCORE, default=None)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The model; raises what `rnner.load` does."""
        return load(self._model)

    @property
    def labels(self) -> tuple[str, ...]:
        """The kinds of entity that the model tells apart; none before it is loaded, as spaCy asks early."""
        return tuple(self.pipeline.labels) if "pipeline" in self.__dict__ else ()

    def __call__(self, doc: Doc) -> Doc:
        """Set the entities of a document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the entities of documents, so many at a time; they come in order."""
        left = iter(stream)
        while docs := list(islice(left, batch_size)):
            try:
                self._annotate(docs)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def score(self, examples: Iterable[Example], **_: Any) -> dict[str, Any]:
        """Precision, recall and F1 as spaCy counts them."""
        scores: dict[str, Any] = get_ner_prf(examples)
        return scores

    def to_disk(self, path: Path | str, *, exclude: Collection[str] = ()) -> None:
        """Write the files of the model into a folder."""
        path, files = Path(path), self._files()
        path.mkdir(parents=True, exist_ok=True)
        for place in (path / name for name in MODEL_FILES):
            file = files.get(place.name)
            if file is None:
                place.unlink(missing_ok=True)  # of a model that was there
            elif not place.exists() or not file.samefile(place):
                shutil.copyfile(file, place)

    def from_disk(self, path: Path | str, *, exclude: Collection[str] = ()) -> "EntityFinder":
        """Take the model from a folder, whatever the config names."""
        self.__dict__.pop("pipeline", None)
        self._model = Path(path)
        return self

    def to_bytes(self, *, exclude: Collection[str] = ()) -> bytes:
        """The files of the model."""
        import srsly

        found: bytes = srsly.msgpack_dumps({name: file.read_bytes() for name, file in self._files().items()})
        return found

    def from_bytes(self, data: bytes, *, exclude: Collection[str] = ()) -> "EntityFinder":
        """Take the model from what `to_bytes` gave.

        Raises:
            ModelError: it is something else.
        """
        import srsly

        files = srsly.msgpack_loads(data)
        if not isinstance(files, dict) or not files.keys() <= set(MODEL_FILES):
            raise ModelError("these bytes hold no model of rnner: component.to_bytes() writes some")
        self._held = TemporaryDirectory(prefix="rnner")
        for name, content in files.items():
            Path(self._held.name, name).write_bytes(content)
        return self.from_disk(self._held.name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies, and other processes, load the model themselves."""
        return _again, (self.name, self._model, self.overwrite, self.to_bytes() if self._held else None)

    def _files(self) -> dict[str, Path]:
        path = find_model(self._model)
        if path.is_file():
            return {"model.onnx": path}
        return {name: path / name for name in MODEL_FILES if (path / name).is_file()}

    def _annotate(self, docs: list[Doc]) -> None:
        parts = [_sentences(doc) for doc in docs]
        words = [[word.text for word in sentence] for sentences in parts for sentence in sentences]
        numbers = [number for number, sentences in enumerate(parts) for _ in sentences]
        found = iter(self.pipeline.tag(words, numbers))
        for doc, sentences in zip(docs, parts, strict=True):
            spans = [_span(doc, words, entity) for words in sentences for entity in next(found)]
            doc.ents = (
                _merged(list(doc.ents), spans) if not self.overwrite else _merged(spans, list(doc.ents))
            )


def _again(name: str, model: Path | str | None, overwrite: bool, data: bytes | None) -> EntityFinder:
    finder = EntityFinder(name, model, overwrite=overwrite)
    return finder if data is None else finder.from_bytes(data)


def _sentences(doc: Doc) -> list[list[Word]]:
    """The words of each sentence, white space left out."""
    words = [word for word in doc if not word.is_space]
    if doc.has_annotation("SENT_START"):
        found = [[word for word in sentence if not word.is_space] for sentence in doc.sents]
        return [sentence for sentence in found if sentence]
    left = iter(words)
    tokens = [Token(word.text, word.idx, word.idx + len(word)) for word in words]
    return [[next(left) for _ in sentence] for sentence in split_sentences(doc.text, tokens)]


def _span(doc: Doc, words: list[Word], entity: Entity) -> Span:
    span = Span(doc, words[entity.start].i, words[entity.end - 1].i + 1, label=entity.label)
    span._.set(SCORE, entity.score)
    return span


def _merged(first: list[Span], second: list[Span]) -> list[Span]:
    """All of the first, and those of the second that share no word with them."""
    taken = {i for span in first for i in range(span.start, span.end)}
    return [*first, *(span for span in second if taken.isdisjoint(range(span.start, span.end)))]
