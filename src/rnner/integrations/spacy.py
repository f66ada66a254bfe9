"""A component for spaCy pipelines: `nlp.add_pipe("rnner", config={"model": "runs/my"})`.

Install it with `pip install "rnner[spacy]"`; spaCy finds it without an import. It tags spaCy's own tokens,
except white space, and does not use the model's tokenizer; the tokens should resemble those in the training
data. Sentences are those set by an earlier component ("senter", "sentencizer", "parser"), or those of rnner's
sentence splitter. A `Doc` is one document. Entities already in `doc.ents` are kept, and new ones that overlap
them are dropped; with `"overwrite": True`, existing entities that overlap new ones are dropped instead.

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

# No `from __future__ import annotations`: spaCy reads the annotations of `create` to check its config.
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
from spacy.tokens import Token as SpacyToken
from spacy.training import Example

from rnner.errors import ModelError
from rnner.model.archive import model_files, read_model_files, write_model_files
from rnner.model.file_names import MODEL_FILES
from rnner.model.names import find_model
from rnner.pipeline import Pipeline, load
from rnner.text.entity import Entity
from rnner.text.sentences import split_sentences
from rnner.text.tokenizer import Token

SCORE = "rnner_score"
"""The attribute `span._.rnner_score` of an entity: the model's probability of exactly this entity."""


@Language.factory(
    "rnner",
    assigns=["doc.ents", "token.ent_iob", "token.ent_type", f"span._.{SCORE}"],
    default_config={"model": None, "overwrite": False},
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0},
)
def create(nlp: Language, name: str, model: str | None, overwrite: bool) -> "RnnerComponent":
    """Create the component for `nlp.add_pipe("rnner")`; see `RnnerComponent`."""
    return RnnerComponent(name, model, overwrite=overwrite)


class RnnerComponent(Pipe):
    """Sets the entities of spaCy documents. The model is loaded on first use.

    `nlp.to_disk` and `nlp.to_bytes` save the files of the model with the pipeline.

    Args:
        name: name of the component.
        model: as for `rnner.load`; None is the bundled model.
        overwrite: whether new entities replace existing ones that they overlap.
    """

    def __init__(
        self, name: str = "rnner", model: Path | str | None = None, *, overwrite: bool = False
    ) -> None:
        self.name, self.overwrite = name, overwrite
        self._model = model
        self._folder: TemporaryDirectory[str] | None = None  # holds a model loaded from bytes
        if not Span.has_extension(SCORE):
            Span.set_extension(SCORE, default=None)

    @cached_property
    def pipeline(self) -> Pipeline:
        """The loaded model; raises the same errors as `rnner.load`."""
        return load(self._model)

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types of the model; empty until it is loaded, since spaCy reads them early."""
        return tuple(self.pipeline.labels) if "pipeline" in self.__dict__ else ()

    def __call__(self, doc: Doc) -> Doc:
        """Set the entities of a document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the entities of documents, `batch_size` at a time, and yield them in order."""
        remaining = iter(stream)
        while docs := list(islice(remaining, batch_size)):
            try:
                self._set_entities(docs)
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs

    def score(self, examples: Iterable[Example], **_: Any) -> dict[str, Any]:
        """Return precision, recall and F1 as spaCy computes them."""
        scores: dict[str, Any] = get_ner_prf(examples)
        return scores

    def to_disk(self, path: Path | str, *, exclude: Collection[str] = ()) -> None:
        """Copy the files of the model into a folder."""
        path, files = Path(path), model_files(find_model(self._model))
        path.mkdir(parents=True, exist_ok=True)
        for target in (path / name for name in MODEL_FILES):
            file = files.get(target.name)
            if file is None:
                target.unlink(missing_ok=True)  # left over from another model
            elif not target.exists() or not file.samefile(target):
                shutil.copyfile(file, target)

    def from_disk(self, path: Path | str, *, exclude: Collection[str] = ()) -> "RnnerComponent":
        """Use the model in a folder instead of the one in the config."""
        self.__dict__.pop("pipeline", None)
        self._model = Path(path)
        return self

    def to_bytes(self, *, exclude: Collection[str] = ()) -> bytes:
        """Return the files of the model."""
        import srsly

        data: bytes = srsly.msgpack_dumps(read_model_files(find_model(self._model)))
        return data

    def from_bytes(self, data: bytes, *, exclude: Collection[str] = ()) -> "RnnerComponent":
        """Replace the model with one serialized by `to_bytes`.

        Raises:
            ModelError: `data` was not created by `to_bytes`.
        """
        import srsly

        files = srsly.msgpack_loads(data)
        if not isinstance(files, dict) or not files.keys() <= set(MODEL_FILES):
            raise ModelError("these bytes are not an rnner model; component.to_bytes() returns one")
        self._folder = TemporaryDirectory(prefix="rnner")
        write_model_files(files, Path(self._folder.name))
        return self.from_disk(self._folder.name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the name of the model rather than its weights, unless it was loaded from bytes."""
        return _restore, (self.name, self._model, self.overwrite, self.to_bytes() if self._folder else None)

    def _set_entities(self, docs: list[Doc]) -> None:
        sentences_of_docs = [_sentences(doc) for doc in docs]
        words = [[token.text for token in sentence] for found in sentences_of_docs for sentence in found]
        numbers = [number for number, found in enumerate(sentences_of_docs) for _ in found]
        entities = iter(self.pipeline.tag(words, numbers))
        for doc, sentences in zip(docs, sentences_of_docs, strict=True):
            spans = [_span(doc, tokens, entity) for tokens in sentences for entity in next(entities)]
            existing = list(doc.ents)
            doc.ents = _merge(spans, existing) if self.overwrite else _merge(existing, spans)


def _restore(name: str, model: Path | str | None, overwrite: bool, data: bytes | None) -> RnnerComponent:
    component = RnnerComponent(name, model, overwrite=overwrite)
    return component if data is None else component.from_bytes(data)


def _sentences(doc: Doc) -> list[list[SpacyToken]]:
    """Return the tokens of each sentence, except white space."""
    if doc.has_annotation("SENT_START"):
        found = [[token for token in sentence if not token.is_space] for sentence in doc.sents]
        return [sentence for sentence in found if sentence]
    words = [token for token in doc if not token.is_space]
    remaining = iter(words)
    tokens = [Token(word.text, word.idx, word.idx + len(word)) for word in words]
    return [[next(remaining) for _ in sentence] for sentence in split_sentences(doc.text, tokens)]


def _span(doc: Doc, tokens: list[SpacyToken], entity: Entity) -> Span:
    span = Span(doc, tokens[entity.start].i, tokens[entity.end - 1].i + 1, label=entity.label)
    span._.set(SCORE, entity.score)
    return span


def _merge(preferred: list[Span], others: list[Span]) -> list[Span]:
    """Return the preferred spans, followed by the other spans that do not overlap them."""
    taken = {i for span in preferred for i in range(span.start, span.end)}
    return [*preferred, *(span for span in others if taken.isdisjoint(range(span.start, span.end)))]
