"""How many mistakes `rnner data audit` finds: those that are put in first.

    python scripts/audit_recall.py sample:train
    python scripts/audit_recall.py my.conll --share 0.03 --folds 5 --jobs 2 --set training.epochs=10

A share of the entities, drawn by `--seed`, is spoilt: a third gets another label, a third is taken away, of a
third a border moves by a word (where it can; else the label changes). The corpus is then audited by the
command; options that are not this script's are handed on. Told is how many of the first N doubts are spoilt
places (precision at N), the average precision over all doubts, and how many of the places are among them;
beside it what a random order of the entities would give. Mistakes that the corpus had before count as false,
so the figures are lower bounds.
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

from trainings import RNNER, at_least, guarded, say, table, write_json

from rnner.data.corpus import read_split, resolve
from rnner.data.formats.columns import write_conll
from rnner.errors import TrainingError
from rnner.tags import Span, from_spans

Places = list[dict[Span, str]]  # of each sentence, where something was spoilt, and how


def main() -> None:
    arguments = _arguments()
    at_least("seed", arguments.seed, 0)
    split = read_split(resolve(arguments.corpus), illegal="conlleval")
    spans, places = spoilt(
        list(split.all_spans()), split.lengths.tolist(), split.labels, arguments.share, Random(arguments.seed)
    )
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "spoilt.conll"
        write_corpus(split.sentences()[0], spans, split.documents.tolist(), path)
        found = audited(path, arguments.rest)
    right = list(hits(found, places))
    result = {
        "corpus": arguments.corpus,
        "entities": sum(map(len, spans)),
        "spoilt": sum(map(len, places)),
        "doubts": len(found),
        **figures(right, sum(map(len, places))),
        "found_by_kind": by_kind(found, places),
    }
    print(_report(result))
    write_json(arguments.json, result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="column file with tags, or sample:train")
    parser.add_argument("--share", type=float, default=0.03)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write all figures here")
    arguments, arguments.rest = parser.parse_known_args()  # the rest is for the command
    return arguments


def spoilt(
    spans: Sequence[Sequence[Span]], lengths: Sequence[int], labels: Sequence[str], share: float, draw: Random
) -> tuple[list[list[Span]], Places]:
    """The entities with a share of them spoilt, and the places: what stands there now, or stood."""
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
    """The span with one border a word further or nearer; None if there is no room."""
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


def write_corpus(
    sentences: Sequence[list[str]], spans: Sequence[Sequence[Span]], documents: Sequence[int], path: Path
) -> None:
    """Write a column file in IOB2 with the marks of its documents."""
    last = -1
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for words, own, document in zip(sentences, spans, documents, strict=True):
            if document != last:
                out.write("-DOCSTART-\tO\n\n")
                last = document
            write_conll([words], [from_spans(own, len(words), "iob2")], out)


def audited(path: Path, options: Sequence[str]) -> list[dict[str, Any]]:
    """What the command says of a file, all of it."""
    everything = ["--top", "1000000000", "--format", "json"]
    command = [*RNNER, "data", "audit", str(path), *everything, *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8")
    if done.returncode:
        raise TrainingError("the audit failed")
    told: list[dict[str, Any]] = json.loads(done.stdout)["told"]
    return told


def place(doubt: dict[str, Any]) -> Span:
    """Where a doubt is: the annotated words, or those of the model where nothing is annotated."""
    return Span(doubt["annotated"]["start"], doubt["annotated"]["end"], doubt["annotated"]["label"] or "")


def hits(found: Sequence[dict[str, Any]], places: Places) -> Iterator[bool]:
    """Of each doubt whether it tells of a spoilt place, and is the first to do so."""
    seen = set()
    for doubt in found:
        at = _spoilt_at(doubt, places)
        yield at is not None and (doubt["sentence"], at) not in seen
        seen.add((doubt["sentence"], at))


def _spoilt_at(doubt: dict[str, Any], places: Places) -> Span | None:
    """The spoilt place that a doubt tells of: that annotation itself, or what was taken away near there."""
    at = place(doubt)
    for span, how in places[doubt["sentence"]].items():
        gone = how == "missing" and not at.label and at.start < span.end and span.start < at.end
        if at == span or gone:
            return span
    return None


def by_kind(found: Sequence[dict[str, Any]], places: Places) -> dict[str, list[int]]:
    """Of each way of spoiling: how many places are among the doubts, and how many there are."""
    seen = {(doubt["sentence"], _spoilt_at(doubt, places)) for doubt in found}
    counts: dict[str, list[int]] = {}
    for i, own in enumerate(places):
        for span, how in own.items():
            count = counts.setdefault(how, [0, 0])
            count[0] += (i, span) in seen
            count[1] += 1
    return counts


def figures(right: Sequence[bool], spoilt_places: int) -> dict[str, float]:
    """Precision at some N, average precision, and recall of the whole list."""
    precision, total = [], 0
    for n, hit in enumerate(right, 1):
        total += hit
        if hit:
            precision.append(total / n)
    at = {f"precision_at_{n}": sum(right[:n]) / n for n in sorted({20, 50, 100, spoilt_places}) if n}
    return {
        **at,
        "average_precision": sum(precision) / max(1, spoilt_places),
        "recall": total / max(1, spoilt_places),
    }


def _report(result: dict[str, Any]) -> str:
    chance = result["spoilt"] / result["entities"]
    rows: list[list[object]] = [["figure", "audit", "chance"]]
    for name, value in result.items():
        if name.startswith("precision_at") or name == "average_precision":
            rows.append([name, f"{value:.3f}", f"{chance:.3f}"])
    rows.append(["recall", f"{result['recall']:.3f}", ""])
    say(f"{result['spoilt']} of {result['entities']:,} entities spoilt, {result['doubts']:,} doubts")
    for kind, (seen, count) in sorted(result["found_by_kind"].items()):
        say(f"{kind}: {seen} of {count} are among them")
    return table(rows)


if __name__ == "__main__":
    sys.exit(guarded(main))
