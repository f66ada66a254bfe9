"""Compare a PyTorch model with the same model exported to ONNX: entities, probabilities, speed.

    python scripts/compare_backends.py runs/conll train.conll dev.conll test.conll
    python scripts/compare_backends.py runs/conll dev.conll --rounds 5

Both tag every sentence of each file, read as in `rnner evaluate`, on one thread. Expect one summary line
per file. A sentence with different entities is listed with both answers and the difference of their
log-probabilities under PyTorch; below 1e-5 it is a tie, decided by rounding. --rounds also measures the
speed from words to entities with probabilities, with nothing cached: the two take turns, and medians
are printed.

Exits with 1 if a difference is not a tie.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import torch
from common import argument_parser, require_at_least, run_script
from timing import fresh_decoder, median_speeds, seconds

from rnner.data.corpus import read_split
from rnner.decoding.decoder import Decoder
from rnner.decoding.spans import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.export.runtime import load_onnx
from rnner.export.writer import export_standalone
from rnner.model.folder import LoadedModel, load_model
from rnner.model.names import find_model

TIE = 1e-5
_READINGS = 16  # number of most probable readings in which both answers are looked up


class Difference(NamedTuple):
    """A sentence with different entities. `apart` is the difference of the log-probabilities."""

    words: list[str]
    in_torch: list[ScoredSpan]
    in_onnx: list[ScoredSpan]
    apart: float

    def __str__(self) -> str:
        kind = "tie" if self.apart < TIE else "NO TIE"
        answers = (
            f"\n    {name:6} " + ("; ".join(self._format(span) for span in spans) or "nothing")
            for name, spans in (("torch", self.in_torch), ("onnx", self.in_onnx))
        )
        return f"  {kind}, {self.apart:.1e} apart: {' '.join(self.words)}" + "".join(answers)

    def _format(self, span: ScoredSpan) -> str:
        return f"{span.label} {' '.join(self.words[span.start : span.end])} ({span.score:.6f})"


class Comparison(NamedTuple):
    """Results of two decoders on the same sentences. `farthest` is the largest difference in probability."""

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
    require_at_least(0, arguments, "rounds")
    torch.set_num_threads(1)
    model, only_ties = load_model(find_model(arguments.model)), True
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export_standalone(model, file)
        for corpus in arguments.corpora:
            split = read_split(corpus, illegal="conlleval")
            sentences, documents = split.sentences()[0], split.documents.tolist()
            comparison = compare(
                TaggerDecoder(model.tagger, model.vocabulary, final=True),
                load_onnx(file, threads=1),
                sentences,
                documents,
            )
            print(f"{corpus}: {comparison}", *comparison.differences, sep="\n", flush=True)
            only_ties &= all(difference.apart < TIE for difference in comparison.differences)
            if arguments.rounds:
                for name, speed in speeds(model, file, sentences, documents, arguments.rounds).items():
                    print(f"  {name:6} {speed:10,.0f} tokens/s", flush=True)
    sys.exit(0 if only_ties else 1)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("model", help="model folder, or en")
    parser.add_argument("corpora", type=Path, nargs="+", metavar="corpus", help="annotated file")
    parser.add_argument(
        "--rounds", type=int, default=0, help="rounds of measuring speed [default: 0, do not measure]"
    )
    return parser.parse_args()


def compare(
    one: Decoder, other: Decoder, sentences: Sequence[list[str]], documents: Sequence[int]
) -> Comparison:
    """Tag sentences with two decoders; `documents` has the document number of each sentence."""
    answers = [decoder.scored_spans(sentences, documents) for decoder in (one, other)]
    farthest, differences = 0.0, []
    for i, first, second in zip(count(), *answers):
        if [span[:3] for span in first] == [span[:3] for span in second]:
            pairs = zip(first, second, strict=True)
            farthest = max([farthest, *(abs(a.score - b.score) for a, b in pairs)])
        else:
            apart = _apart(one, sentences, documents, i, (first, second))
            differences.append(Difference(sentences[i], first, second, apart))
    return Comparison(len(sentences), sum(map(len, answers[0])), farthest, differences)


def _apart(
    decoder: Decoder,
    sentences: Sequence[list[str]],
    documents: Sequence[int],
    i: int,
    answers: tuple[list[ScoredSpan], list[ScoredSpan]],
) -> float:
    """Return the difference of two answers' log-probabilities, or inf if one is not among the best."""
    same_document = [j for j, number in enumerate(documents) if j == i or documents[i] == number >= 0]
    context = [sentences[j] for j in same_document], _READINGS, [documents[j] for j in same_document]
    readings = decoder.readings(*context)[same_document.index(i)]
    known = {tuple(map(tuple, reading.spans)): reading.probability for reading in readings}
    found = [known.get(tuple(tuple(span[:3]) for span in answer), 0.0) for answer in answers]
    return abs(math.log(found[0]) - math.log(found[1])) if min(found) > 0 else math.inf


def speeds(
    model: LoadedModel, file: Path, sentences: Sequence[list[str]], documents: Sequence[int], rounds: int
) -> dict[str, float]:
    """Return the median tokens/s of both backends."""

    def in_torch() -> float:
        decoder = fresh_decoder(model.tagger, model.vocabulary)
        return seconds(lambda: decoder.scored_spans(sentences, documents))

    def in_onnx() -> float:
        decoder = load_onnx(file, threads=1)
        decoder.spans([["warm", "up"]])
        return seconds(lambda: decoder.scored_spans(sentences, documents))

    tokens = sum(map(len, sentences))
    return median_speeds({"torch": in_torch, "onnx": in_onnx}, tokens, rounds, warm_up=1)


if __name__ == "__main__":
    sys.exit(run_script(main))
