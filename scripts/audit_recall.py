"""Measure how many planted annotation errors `rnner data audit` finds.

    python scripts/audit_recall.py sample:train
    python scripts/audit_recall.py my.conll --share 0.03 --folds 5 --jobs 2 --set training.epochs=10

A share of the entities, drawn with `--seed`, is corrupted: a third gets another label, a third is removed,
and a third has one boundary moved by a word (or its label changed, if the boundary cannot move). The corpus
is then audited by the command; all other options are passed on to it.

Prints, next to the values expected from a random order of the entities: the share of corrupted places among
the first N suspicious places (precision at N), the average precision over all of them, and the recall.
Errors already in the corpus count as false positives, so the figures are lower bounds. Takes as long
as the audit: a few minutes for a few thousand sentences.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from common import (
    RNNER,
    argument_parser,
    log,
    markdown_table,
    require_at_least,
    run_script,
    write_corpus,
    write_json,
)

from rnner.data.corpus import read_split, resolve
from rnner.data.token_table import NO_DOCUMENT
from rnner.errors import TrainingError
from rnner.tags import Span

Places = list[dict[Span, str]]  # per sentence: the corrupted places, and how each was corrupted


def main() -> None:
    arguments = _arguments()
    require_at_least(0, arguments, "seed")
    split = read_split(resolve(arguments.corpus), illegal="conlleval")
    spans, places = corrupt(
        list(split.all_spans()), split.lengths.tolist(), split.labels, arguments.share, Random(arguments.seed)
    )
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "corrupted.conll"
        documents = (None if document == NO_DOCUMENT else document for document in split.documents.tolist())
        write_corpus(zip(split.sentences()[0], spans, documents, strict=True), path)
        doubts = audit(path, arguments.audit_options)
    right = list(hits(doubts, places))
    result = {
        "corpus": arguments.corpus,
        "entities": sum(map(len, spans)),
        "spoilt": sum(map(len, places)),
        "doubts": len(doubts),
        **figures(right, sum(map(len, places))),
        "found_by_kind": by_kind(doubts, places),
    }
    print(_report(result))
    write_json(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("corpus", help="column file with tags, or sample:train")
    parser.add_argument("--share", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    arguments, arguments.audit_options = parser.parse_known_args()
    return arguments


def corrupt(
    spans: Sequence[Sequence[Span]], lengths: Sequence[int], labels: Sequence[str], share: float, draw: Random
) -> tuple[list[list[Span]], Places]:
    """Corrupt a share of the entities. Return the new entities and the corrupted places.

    A place is the corrupted span, or the original one if the entity was removed.
    """
    new, places = [list(own) for own in spans], [dict[Span, str]() for _ in spans]
    everything = [(i, span) for i, own in enumerate(spans) for span in own]
    chosen = draw.sample(everything, round(share * len(everything)))
    for number, (i, span) in enumerate(chosen):
        how = ("label", "missing", "border")[number % 3]
        moved = _moved(span, new[i], lengths[i], draw) if how == "border" else None
        new[i].remove(span)
        if how == "missing":
            places[i][span] = how
            continue
        other = draw.choice([label for label in labels if label != span.label] or [span.label])
        now = moved or span._replace(label=other)
        new[i].append(now)
        places[i][now] = "border" if moved else "label"
    return new, places


def _moved(span: Span, others: Sequence[Span], length: int, draw: Random) -> Span | None:
    """Return the span with one boundary moved by a word, or None if there is no room."""
    tried = [
        span._replace(start=span.start + step, end=span.end + other)
        for step, other in ((-1, 0), (1, 0), (0, -1), (0, 1))
    ]
    taken = {word for other in others if other != span for word in range(other.start, other.end)}
    free = [
        now
        for now in tried
        if 0 <= now.start < now.end <= length and taken.isdisjoint(range(now.start, now.end))
    ]
    return draw.choice(free) if free else None


def audit(path: Path, options: Sequence[str]) -> list[dict[str, Any]]:
    """Return all suspicious places that `rnner data audit` reports for a file."""
    output = ["--top", "1000000000", "--format", "json"]
    command = [*RNNER, "data", "audit", str(path), *output, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        raise TrainingError("the audit failed")
    doubts: list[dict[str, Any]] = json.loads(done.stdout)["shown"]
    return doubts


def hits(doubts: Sequence[dict[str, Any]], places: Places) -> Iterator[bool]:
    """Yield, for each doubt, whether it is the first to point at a corrupted place."""
    seen = set()
    for doubt in doubts:
        at = _corrupted_at(doubt, places)
        yield at is not None and (doubt["sentence"], at) not in seen
        seen.add((doubt["sentence"], at))


def _corrupted_at(doubt: dict[str, Any], places: Places) -> Span | None:
    """Return the corrupted place that a doubt points at: the same span, or a removed one that it overlaps."""
    annotated = doubt["annotated"]
    at = Span(annotated["start"], annotated["end"], annotated["label"] or "")
    for span, how in places[doubt["sentence"]].items():
        removed = how == "missing" and not at.label and at.start < span.end and span.start < at.end
        if at == span or removed:
            return span
    return None


def by_kind(doubts: Sequence[dict[str, Any]], places: Places) -> dict[str, list[int]]:
    """Return, for each kind of corruption, the number of places among the doubts and in total."""
    seen = {(doubt["sentence"], _corrupted_at(doubt, places)) for doubt in doubts}
    counts: dict[str, list[int]] = {}
    for i, own in enumerate(places):
        for span, how in own.items():
            count = counts.setdefault(how, [0, 0])
            count[0] += (i, span) in seen
            count[1] += 1
    return counts


def figures(right: Sequence[bool], corrupted: int) -> dict[str, float]:
    """Return precision at several N, average precision, and recall of the whole list."""
    precision, total = [], 0
    for n, hit in enumerate(right, 1):
        total += hit
        if hit:
            precision.append(total / n)
    precision_at = {f"precision_at_{n}": sum(right[:n]) / n for n in sorted({20, 50, 100, corrupted}) if n}
    return {
        **precision_at,
        "average_precision": sum(precision) / max(1, corrupted),
        "recall": total / max(1, corrupted),
    }


def _report(result: dict[str, Any]) -> str:
    chance = result["spoilt"] / result["entities"]
    rows: list[list[object]] = [["figure", "audit", "chance"]]
    for name, value in result.items():
        if name.startswith("precision_at") or name == "average_precision":
            rows.append([name, f"{value:.3f}", f"{chance:.3f}"])
    rows.append(["recall", f"{result['recall']:.3f}", ""])
    log(
        f"{result['spoilt']} of {result['entities']:,} entities corrupted, {result['doubts']:,} places listed"
    )
    for kind, (seen, count) in sorted(result["found_by_kind"].items()):
        log(f"{kind}: {seen} of {count} listed")
    return markdown_table(rows)


if __name__ == "__main__":
    sys.exit(run_script(main))
