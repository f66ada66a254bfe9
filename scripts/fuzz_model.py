"""A rule in place of a trained model, for fuzz_checks.py. Not a script itself."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from rnner.cli.prediction import ChunkResult, PredictionJob
from rnner.cli.prediction_chunks import Chunk
from rnner.decoding.spans import ScoredSpan
from rnner.pipeline import Pipeline
from rnner.text.tokenizer import DEFAULT_TOKENIZER


class _NotSmall:
    """A stand-in for a decoder: a word that does not begin with a lower-case letter is a name."""

    vocabulary = SimpleNamespace(tokenizer=DEFAULT_TOKENIZER, scheme="iob2", labels=["NAME"])

    def scored_spans(self, sentences: list[list[str]], documents: list[int]) -> list[list[ScoredSpan]]:
        """Return the names of each sentence."""
        assert len(sentences) == len(documents)
        return [
            [
                ScoredSpan(i, i + 1, "NAME", 0.5)
                for i, word in enumerate(words)
                if word and not word[0].islower()
            ]
            for words in sentences
        ]


class RuleJob(PredictionJob):
    """A prediction job that loads no model."""

    def load(self) -> Callable[[Chunk], ChunkResult]:
        """Return a function that tags chunks."""
        pipeline = Pipeline(_NotSmall())  # type: ignore[arg-type]

        def tag(chunk: Chunk) -> ChunkResult:
            documents = pipeline.read(chunk.contents, chunk.document_ids)
            return ChunkResult(self._format(documents, chunk, "iob2"), 0, ["NAME"], chunk.flush)

        return tag
