"""Cross-validate a config on one corpus, optionally along with a CRF without a network.

    python scripts/crossvalidate.py CORPUS.conll --config quickstart
    python scripts/crossvalidate.py CORPUS.conll --config C --folds 10 --jobs 2 --set training.epochs=10
    python scripts/crossvalidate.py CORPUS.conll --config C --crf --json folds.json

Folds consist of whole documents if there are at least as many documents as folds, otherwise of sentences.
For each fold, `rnner train` trains on the others with the settings of the config. As with `data.dev: null`,
a tenth of the training part (whole documents if there are 20) is its dev corpus and selects the epoch. The
fold is the test corpus, scored by the model reloaded from disk. Models are not kept.

`--crf` (pip install sklearn-crfsuite) trains a linear-chain CRF on the features of that package's tutorial:
the word, its affixes and shape, and those of its two neighbours. It has no epochs to choose, so it also
trains on the dev tenth. The same function scores both.

Prints a table of F1 per fold. "All folds together" sums the entity counts of all folds before computing
precision, recall and F1. Takes as long as the trainings.
"""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
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
    require_at_least,
    run_script,
    train_all,
    write_json,
    yaml_path,
)
from crf_features import features
from numpy.typing import NDArray

from rnner.config import Config, load_config
from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.errors import UsageError
from rnner.scoring.metrics import score
from rnner.tags import LENIENT, to_spans
from rnner.workbench.partition import split_lines

Fold = NDArray[np.int64]  # ascending indices of its sentences
Figures = dict[str, Any]  # precision, recall, f1 and their counts


def main() -> None:
    arguments = _arguments()
    require_at_least(2, arguments, "folds")
    require_at_least(1, arguments, "jobs")
    require_at_least(0, arguments, "seed")
    if arguments.crf:
        crfsuite()  # fail now if it is missing, not after hours of training
    source = resolve(arguments.corpus)
    # The corpus replaces the data of the config, which need not exist.
    data = [f"data.train={yaml_path(source)}", "data.dev=null", "data.test=null"]
    config = load_config(arguments.config, [*arguments.overrides, *data])
    columns = config.data.columns.model_dump(exclude_none=True) if config.data.columns else None
    corpus = read_split(source, columns=columns, illegal=config.data.illegal_tags)
    folds = draw_folds(corpus.documents, arguments.folds, arguments.seed)
    systems = {"rnner": _train_folds(arguments, source, columns, folds, len(corpus))}
    if arguments.crf:
        systems["CRF"] = _crf_folds(corpus, config, folds, arguments.jobs)
    print(markdown_table(_rows([len(fold) for fold in folds], systems)))
    pooled = {name: pooled_figures(figures) for name, figures in systems.items()}
    settings = {"corpus": str(source), "seed": arguments.seed, "sentences": [len(fold) for fold in folds]}
    write_json(arguments.json, {**settings, "folds": systems, "together": pooled})


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("corpus", help="column file with tags, or sample:train")
    add_config_options(parser)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="seed of the folds; models use training.seed")
    parser.add_argument("--crf", action="store_true", help="also train a CRF on word features")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    return parser.parse_args()


def draw_folds(documents: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """Draw folds whose numbers of documents (or sentences) differ by at most one.

    Args:
        documents: the document of each sentence, `[s]`.
        folds: the number of folds.
        seed: random seed for the assignment to folds.

    Raises:
        UsageError: there are more folds than sentences.
    """
    if folds > len(documents):
        raise UsageError(f"--folds {folds}: the corpus has only {len(documents)} sentences")
    by_document = len(np.unique(documents)) >= folds
    units, unit_of = np.unique(documents if by_document else np.arange(len(documents)), return_inverse=True)
    fold_of_unit = np.random.default_rng(seed).permutation(np.arange(len(units)) % folds)
    kind = "documents" if by_document else "sentences"
    log(f"{len(units):,} {kind} ({len(documents):,} sentences) in {folds} folds, seed {seed}")
    return [np.flatnonzero(fold_of_unit[unit_of] == fold) for fold in range(folds)]


def write_fold(
    source: Path, fold: Fold, sentences: int, folder: Path, columns: dict[str, int] | None = None
) -> list[Path]:
    """Write a training file without the fold and a test file with it, with the lines of the source."""
    paths = [folder / "train.conll", folder / "test.conll"]
    for path, lines in zip(
        paths, split_lines(source, [_rest(fold, sentences), fold], columns=columns), strict=True
    ):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return paths


def _rest(fold: Fold, sentences: int) -> Fold:
    return np.setdiff1d(np.arange(sentences), fold)


def _train_folds(
    arguments: argparse.Namespace,
    source: Path,
    columns: dict[str, int] | None,
    folds: Sequence[Fold],
    sentences: int,
) -> list[Figures]:
    """Train a model for each fold and score it on that fold."""
    with tempfile.TemporaryDirectory(prefix="crossvalidate-") as name:
        trainings = []
        for number, fold in enumerate(folds, 1):
            folder = Path(name) / str(number)
            folder.mkdir()
            train, test = write_fold(source, fold, sentences, folder, columns)
            data = [f"data.train={yaml_path(train)}", "data.dev=null", f"data.test={yaml_path(test)}"]
            sets = [*arguments.overrides, *data]
            trainings.append(TrainingRun(f"fold {number}", arguments.config, sets, folder / "model"))
        runs = train_all(trainings, arguments.jobs)
    return [{**run["test"], "seconds": run["train"]["seconds"]} for run in runs]


def _crf_folds(corpus: Split, config: Config, folds: Sequence[Fold], jobs: int) -> list[Figures]:
    """Train a CRF for each fold and score it on that fold."""
    # Convert through the config's scheme, so that a binary model is compared with a binary CRF.
    corpus = corpus.convert(config.data.scheme).convert("iob2")
    trains = [corpus.select(_rest(fold, len(corpus))) for fold in folds]
    tests = [corpus.select(fold) for fold in folds]
    figures = []
    # Only this process handles Ctrl-C; leaving the pool ends the others.
    with get_context("spawn").Pool(jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for found in pool.imap(crf_scores, zip(trains, tests, strict=True)):
            figures.append(found)
            log(f"{len(figures)}/{len(folds)} CRF: F1 {found['f1']:.4f}")
    return figures


def crf_scores(splits: tuple[Split, Split]) -> Figures:
    """Train a CRF on the first of two IOB2 splits and score it on the second."""
    train, test = splits
    model = crfsuite().CRF(
        algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=100, all_possible_transitions=True
    )
    sentences, tags = train.sentences()
    model.fit((features(words) for words in sentences), tags)
    sentences, _ = test.sentences()
    found = [to_spans(model.predict_single(features(words)), LENIENT) for words in sentences]
    return score(list(test.all_spans()), found, test.lengths.tolist()).to_dict()


def crfsuite() -> Any:
    """Import the package sklearn_crfsuite."""
    try:
        return importlib.import_module("sklearn_crfsuite")
    except ModuleNotFoundError as error:
        raise UsageError(f"--crf: {error.name} is not installed; run pip install sklearn-crfsuite") from None


def pooled_figures(figures: Sequence[Figures]) -> Figures:
    """Return precision, recall and F1 over the entities of all folds (micro average)."""
    counts = {name: sum(fold[name] for fold in figures) for name in ("support", "predicted", "correct")}
    support, predicted, correct = counts.values()
    return {
        "f1": 2 * correct / max(1, support + predicted),
        "precision": correct / max(1, predicted),
        "recall": correct / max(1, support),
        **counts,
    }


def _rows(sizes: Sequence[int], systems: dict[str, list[Figures]]) -> Iterator[list[object]]:
    entities = [fold["support"] for fold in systems["rnner"]]
    yield ["fold", "sentences", "entities", *(f"{name} F1" for name in systems)]
    for i, size in enumerate(sizes):
        yield [i + 1, f"{size:,}", f"{entities[i]:,}", *(f"{fs[i]['f1']:.4f}" for fs in systems.values())]
    yield ["mean ± sd", "", "", *(mean_and_deviation([fold["f1"] for fold in fs]) for fs in systems.values())]
    pooled = (f"{pooled_figures(fs)['f1']:.4f}" for fs in systems.values())
    yield ["all folds together", f"{sum(sizes):,}", f"{sum(entities):,}", *pooled]


if __name__ == "__main__":
    sys.exit(run_script(main))
