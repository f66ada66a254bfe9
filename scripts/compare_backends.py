"""Compare a model in PyTorch with the same model exported to ONNX: entities, probabilities, speed.

    python scripts/compare_backends.py runs/conll train.conll dev.conll test.conll
    python scripts/compare_backends.py runs/conll dev.conll --rounds 5

Both tag every sentence of each file, as `rnner evaluate` reads it, on one thread. A sentence whose entities
differ is listed with both answers and with how far the logarithms of their probabilities are apart, as
PyTorch sees them: below 1e-5 it is a tie, which rounding decides. With --rounds, speed is measured, from
words to entities with their probabilities, nothing cached: the two take turns, and the median counts.

Exits with 1 if a difference is no tie.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from trainings import at_least, guarded

from rnner.data.corpus import read_split
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.decoder import Decoder, ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.export.runtime import load_onnx
from rnner.export.writer import export
from rnner.model.folder import LoadedModel, load_model
from rnner.model.names import find_model

TIE = 1e-5
_READINGS = 16  # among which both answers are looked for


class Difference(NamedTuple):
    """A sentence whose entities differ; `apart` are the logarithms of the answers' probabilities."""

    words: list[str]
    in_torch: list[ScoredSpan]
    in_onnx: list[ScoredSpan]
    apart: float

    def __str__(self) -> str:
        what = "tie" if self.apart < TIE else "NO TIE"
        answers = (
            f"\n    {name:6} " + ("; ".join(self._told(span) for span in spans) or "nothing")
            for name, spans in (("torch", self.in_torch), ("onnx", self.in_onnx))
        )
        return f"  {what}, {self.apart:.1e} apart: {' '.join(self.words)}" + "".join(answers)

    def _told(self, span: ScoredSpan) -> str:
        return f"{span.label} {' '.join(self.words[span.start : span.end])} ({span.score:.6f})"


class Comparison(NamedTuple):
    """What two decoders find in the same sentences; `farthest` are two probabilities of one entity."""

    sentences: int
    entities: int
    farthest: float
    differences: list[Difference]

    def __str__(self) -> str:
        ties = sum(difference.apart < TIE for difference in self.differences)
        return (
            f"{self.sentences:,} sentences, {self.entities:,} entities; {len(self.differences)} sentences "
            f"differ, {ties} of them ties; probabilities at most {self.farthest:.1e} apart"
        )


def main() -> None:
    arguments = _arguments()
    at_least("rounds", arguments.rounds, 0)
    torch.set_num_threads(1)
    bundle, sound = load_model(find_model(arguments.model)), True
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export(bundle, file)
        for corpus in arguments.corpora:
            split = read_split(corpus, illegal="conlleval")
            sentences, documents = split.sentences()[0], split.documents.tolist()
            found = compare(
                TaggerDecoder(bundle.tagger, bundle.vocabulary, final=True),
                load_onnx(file, threads=1),
                sentences,
                documents,
            )
            print(f"{corpus}: {found}", *found.differences, sep="\n", flush=True)
            sound &= all(difference.apart < TIE for difference in found.differences)
            if arguments.rounds:
                for name, speed in speeds(bundle, file, sentences, documents, arguments.rounds).items():
                    print(f"  {name:6} {speed:10,.0f} tokens/s", flush=True)
    sys.exit(0 if sound else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="model folder, or en")
    parser.add_argument("corpora", type=Path, nargs="+", metavar="corpus", help="annotated file")
    parser.add_argument("--rounds", type=int, default=0, help="of measuring speed [default: 0, none]")
    return parser.parse_args()


def compare(
    one: Decoder, other: Decoder, sentences: Sequence[list[str]], documents: Sequence[int]
) -> Comparison:
    """Tag sentences, of documents with these numbers, with two decoders."""
    answers = [decoder.scored_spans(sentences, documents) for decoder in (one, other)]
    farthest, differences = 0.0, []
    for place, own, others in zip(count(), *answers):
        if [span[:3] for span in own] == [span[:3] for span in others]:
            pairs = zip(own, others, strict=True)
            farthest = max([farthest, *(abs(a.score - b.score) for a, b in pairs)])
        else:
            apart = _apart(one, sentences, documents, place, (own, others))
            differences.append(Difference(sentences[place], own, others, apart))
    return Comparison(len(sentences), sum(map(len, answers[0])), farthest, differences)


def _apart(
    decoder: Decoder,
    sentences: Sequence[list[str]],
    documents: Sequence[int],
    place: int,
    answers: tuple[list[ScoredSpan], list[ScoredSpan]],
) -> float:
    """How far the log-probabilities of two answers are apart; inf if one is far from the best."""
    own = documents[place]
    beside = [i for i, number in enumerate(documents) if i == place or own == number >= 0]
    context = [sentences[i] for i in beside], _READINGS, [documents[i] for i in beside]
    readings = decoder.readings(*context)[beside.index(place)]
    known = {tuple(map(tuple, reading.spans)): reading.probability for reading in readings}
    found = [known.get(tuple(tuple(span[:3]) for span in answer), 0.0) for answer in answers]
    return abs(math.log(found[0]) - math.log(found[1])) if min(found) > 0 else math.inf


def speeds(
    bundle: LoadedModel, file: Path, sentences: Sequence[list[str]], documents: Sequence[int], rounds: int
) -> dict[str, float]:
    """Tokens/s of both, the median of their rounds, taken in turns after one to warm up."""
    tokens = sum(map(len, sentences))
    taken: dict[str, list[float]] = {"torch": [], "onnx": []}
    for i in range(rounds + 1):
        fresh = Vocabulary.from_json(bundle.vocabulary.to_json())  # has cached nothing
        decoders = {"torch": TaggerDecoder(bundle.tagger, fresh), "onnx": load_onnx(file, threads=1)}
        for name, decoder in decoders.items():
            decoder.spans([["warm", "up"]])
            begin = time.perf_counter()
            decoder.scored_spans(sentences, documents)
            if i:
                taken[name].append(tokens / (time.perf_counter() - begin))
    return {name: median(values) for name, values in taken.items()}


if __name__ == "__main__":
    sys.exit(guarded(main))
