"""The figures of the service, in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from rnner.decoding.document import Document

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double the number of lines

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_TEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Counters of one service."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("rnner_requests", "Requests.", ["path", "status"], registry=registry)
        self._seconds = Histogram(
            "rnner_request_seconds",
            "Time from the headers of a request to the end of its answer.",
            ["path"],
            registry=registry,
            buckets=_SECONDS,
        )
        self._texts = Counter("rnner_texts", "Texts predicted.", registry=registry)
        self._characters = Counter("rnner_characters", "Characters of these texts.", registry=registry)
        self._entities = Counter("rnner_entities", "Entities found.", ["label"], registry=registry)
        self._batches = Histogram(
            "rnner_batch_texts", "Texts predicted together.", registry=registry, buckets=_TEXTS
        )
        self._queue = Gauge("rnner_queue_requests", "Requests that wait for the model.", registry=registry)
        self.reloads = Counter("rnner_reloads", "Reloads of the model.", ["result"], registry=registry)

    def watch_queue(self, length: Callable[[], int]) -> None:
        """Read the length of the queue from this function."""
        self._queue.set_function(length)

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def count(self, documents: Sequence[Document]) -> None:
        """Count texts that were predicted together, and their entities."""
        self._batches.observe(len(documents))
        self._texts.inc(len(documents))
        self._characters.inc(sum(len(document.text) for document in documents))
        found = Counts(span.label for document in documents for spans in document.spans for span in spans)
        for label, count in found.items():
            self._entities.labels(label).inc(count)

    def exposition(self) -> bytes:
        """Return all figures."""
        return generate_latest(self._registry)
