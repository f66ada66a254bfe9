"""Train on two parts of a corpus, each annotated with some of the labels only.

    python scripts/partial_annotation.py TRAIN.conll DEV.conll --config C --labels PER,LOC ORG,MISC
    python scripts/partial_annotation.py TRAIN.conll DEV.conll --config C --labels A B --seeds 1 2 3

The documents of TRAIN are dealt out to one part per list of labels, which keeps the entities with its labels.
Three models are trained for each seed and scored on DEV, which is fully annotated:

    full      all parts with all entities
    labels    all parts with the entities of their labels, and `labels:` in the config
    outside   the same without `labels:`, so that all other words are outside entities

Prints a table of F1, overall and per label. Takes as long as the trainings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common import (
    TrainingRun,
    add_config_options,
    argument_parser,
    log,
    markdown_table,
    mean_and_deviation,
    run_script,
    train_all,
    write_corpus,
    write_json,
    yaml_path,
)

from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.errors import UsageError

SEED = 1  # of the parts


def deal_out(train: Split, lists: Sequence[Sequence[str]], folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Write the parts of a corpus, and return the value of `data.train` for each way to train on them."""
    _, document_of = np.unique(train.documents, return_inverse=True)
    if document_of.max() + 1 < len(lists):
        document_of = np.arange(len(train))  # no documents are marked
    part_of = np.random.default_rng(SEED).permutation(document_of.max() + 1)[document_of] % len(lists)
    sentences = list(zip(train.sentences()[0], train.all_spans(), train.documents.tolist(), strict=True))
    ways: dict[str, list[dict[str, Any]]] = {"full": [], "labels": [], "outside": []}
    for number, labels in enumerate(lists):
        own = [sentences[row] for row in np.flatnonzero(part_of == number)]
        whole, partial = folder / f"full-{number}.conll", folder / f"part-{number}.conll"
        write_corpus(own, whole)
        kept = [(words, [it for it in spans if it.label in labels], at) for words, spans, at in own]
        write_corpus(kept, partial)
        log(f"{','.join(labels)}: {len(own):,} sentences, {sum(len(it[1]) for it in kept):,} entities")
        ways["full"].append({"path": str(whole)})
        ways["labels"].append({"path": str(partial), "labels": list(labels)})
        ways["outside"].append({"path": str(partial)})
    return ways


def main() -> None:
    """Run the comparison."""
    arguments = parse()
    train = read_split(resolve(arguments.train))
    lists = [names.split(",") for names in arguments.labels]
    if unknown := {label for labels in lists for label in labels} - set(train.labels):
        raise UsageError(f"--labels: {arguments.train} has no {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="partial-") as name:
        ways = deal_out(train, lists, Path(name))
        runs = [
            TrainingRun(
                f"{way}, seed {seed}",
                arguments.config,
                [
                    *arguments.overrides,
                    f"data.train={json.dumps(ways[way])}",
                    f"data.dev={yaml_path(resolve(arguments.dev))}",
                    f"training.seed={seed}",
                ],
                Path(name) / f"{way}-{seed}",
            )
            for way in arguments.ways
            for seed in arguments.seeds
        ]
        found = train_all(runs, arguments.jobs)
    count = len(arguments.seeds)
    scores = {way: [run["dev"] for run in found[i * count :][:count]] for i, way in enumerate(arguments.ways)}
    rows = [("trained on", "dev F1", "precision", "recall", *train.labels)]
    for way, own in scores.items():
        overall = [mean_and_deviation([run[key] for run in own]) for key in ("f1", "precision", "recall")]
        each = [mean_and_deviation([run["per_type"][label]["f1"] for run in own]) for label in train.labels]
        rows.append((way, *overall, *each))
    print(markdown_table(rows))
    write_json(arguments.json, {"seeds": arguments.seeds, "labels": lists, "dev": scores})


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argument_parser(__doc__ or "")
    parser.add_argument("train")
    parser.add_argument("dev")
    parser.add_argument("--labels", nargs="+", required=True, metavar="LABEL,LABEL")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--ways", nargs="+", default=["full", "labels", "outside"])
    parser.add_argument("--json", type=Path)
    add_config_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(main))
