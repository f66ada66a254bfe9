"""The model that the service answers with, its description, and how it is replaced while requests arrive."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rnner import __version__
from rnner.decoding.document import Document
from rnner.errors import ModelError, RnnerError, one_line
from rnner.model.archive import model_files
from rnner.model.file_names import CARD, METRICS
from rnner.pipeline import Pipeline
from rnner.render.colours import label_colours
from rnner.render.json_output import document_json, to_json
from rnner.serve.batcher import Piece
from rnner.serve.request_errors import RequestError
from rnner.serve.service_metrics import Metrics
from rnner.system.process_memory import release_freed_memory

_CLEANUP_INTERVAL = 1_000_000  # characters after which freed memory is returned to the system
_WARM_UP = "Ada Lovelace wrote to Charles Babbage."

_logger = logging.getLogger("rnner.serve")


@dataclass(frozen=True)
class LoadedModel:
    """A pipeline, the name of its model, and its folder or file."""

    name: str
    path: Path
    pipeline: Pipeline

    def description(self) -> dict[str, Any]:
        """Return what `GET /model` answers: labels, colours, scores and the model card."""
        vocabulary, files = self.pipeline.vocabulary, model_files(self.path)
        colours = label_colours(vocabulary.labels)
        return {
            "name": self.name,
            "rnner": __version__,
            "labels": vocabulary.labels,
            "scheme": vocabulary.scheme,
            "colours": {name: {"light": c.light, "dark": c.dark} for name, c in colours.items()},
            "metrics": _read_metrics(files[METRICS]) if METRICS in files else None,
            "card": files[CARD].read_text(encoding="utf-8", errors="replace") if CARD in files else None,
            "loaded": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def _read_metrics(path: Path) -> Any:
    """Return the content of a model's metrics.json.

    Raises:
        ModelError: it is not JSON.
    """
    try:
        return json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is not JSON ({one_line(error)}); copy the model folder again") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


class ModelSlot:
    """Holds the current model.

    Args:
        load: loads the model; called again to replace it.
        metrics: counts texts, entities and reloads.

    Raises:
        RnnerError: the model cannot be loaded.
    """

    def __init__(self, load: Callable[[], LoadedModel], metrics: Metrics) -> None:
        self._load, self._metrics = load, metrics
        self._loading = asyncio.Lock()
        self._since_cleanup = 0
        self._current = self._ready_model()

    @property
    def description(self) -> dict[str, Any]:
        """The description of the current model."""
        return self._current[1]

    def _ready_model(self) -> tuple[Pipeline, dict[str, Any]]:
        loaded = self._load()
        loaded.pipeline(_WARM_UP)
        return loaded.pipeline, loaded.description()

    async def reload(self) -> None:
        """Load the model again and use it from the next batch on.

        Raises:
            RequestError: the model cannot be loaded, and the current one stays; or one is being loaded.
        """
        if self._loading.locked():
            raise RequestError(409, "the model is already being loaded; wait until it is ready")
        async with self._loading:
            try:
                self._current = await asyncio.to_thread(self._ready_model)
            except (RnnerError, OSError, MemoryError) as error:
                self._metrics.reloads.labels("failed").inc()
                _logger.warning("the model was not reloaded, the current one stays: %s", error)
                raise RequestError(
                    500, f"the current model stays, because the new one failed: {error}"
                ) from None
        self._metrics.reloads.labels("done").inc()
        _logger.warning("reloaded %s", self.description["name"])

    def predict(self, pieces: Sequence[Piece]) -> list[str]:
        """Return the JSON object of each piece, as `rnner predict --format json` writes it."""
        pipeline, _ = self._current
        documents = _read(pipeline, pieces)
        self._metrics.count(documents)
        self._since_cleanup += sum(len(piece.text) for piece in pieces)
        if self._since_cleanup >= _CLEANUP_INTERVAL:
            release_freed_memory()
            self._since_cleanup = 0
        return [to_json(document_json(document)) for document in documents]


def _read(pipeline: Pipeline, pieces: Sequence[Piece]) -> list[Document]:
    """Return the documents of pieces, each with its own threshold and number of readings."""
    documents = pipeline.documents([piece.text for piece in pieces])
    for n in {piece.nbest for piece in pieces} - {0}:
        places = [place for place, piece in enumerate(pieces) if piece.nbest == n]
        with_readings = pipeline.with_readings([documents[place] for place in places], n)
        for place, document in zip(places, with_readings, strict=True):
            documents[place] = replace(documents[place], readings=document.readings)
    return [
        document.above(piece.threshold) if piece.threshold > 0 else document
        for document, piece in zip(documents, pieces, strict=True)
    ]
