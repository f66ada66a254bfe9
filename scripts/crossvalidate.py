"""Cross-validation of a config on one corpus, and of a CRF without a network beside it.

    python scripts/crossvalidate.py CORPUS.conll --config configs/quickstart.yaml
    python scripts/crossvalidate.py CORPUS.conll --config C --folds 10 --jobs 2 --set training.epochs=10
    python scripts/crossvalidate.py CORPUS.conll --config C --crf --json folds.json

Whole documents are drawn into folds if there are at least as many of them as folds, else sentences. For each
fold, `rnner train` trains on the others with the config's settings; a tenth of that (whole documents again,
if there are 20) is its dev corpus, as `data.dev: null` has it, and picks the epoch. The fold is then its test
corpus, scored by the model reloaded from disk. The models are not kept.

`--crf` (pip install sklearn-crfsuite) trains a linear-chain CRF on the well-known features of that package's
tutorial: the word, its affixes and its shape, and the same of its two neighbours. It has no epochs to choose,
so it learns from the tenth too. Both are scored by the same function.

"All folds together" counts the entities of all folds before precision, recall and F1 are taken.
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
from crf_features import features
from numpy.typing import NDArray
from trainings import Training, at_least, guarded, say, spread, table, train_all, write_json, yaml_path

from rnner.config import Config, load_config
from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.errors import UsageError
from rnner.scoring.metrics import score
from rnner.tags import LENIENT, to_spans
from rnner.workbench.partition import cut

Fold = NDArray[np.int64]  # the indices of its sentences, ascending
Figures = dict[str, Any]  # precision, recall, f1 and the counts they come from


def main() -> None:
    arguments = _arguments()
    for name, least in (("folds", 2), ("jobs", 1), ("seed", 0)):
        at_least(name, getattr(arguments, name), least)
    if arguments.crf:
        crfsuite()  # that it is missing should be known before hours of training
    source = resolve(arguments.corpus)
    # The corpus alone decides on the data: the config's own need not even exist.
    data = [f"data.train={yaml_path(source)}", "data.dev=null", "data.test=null"]
    config = load_config(arguments.config, [*arguments.overrides, *data])
    columns = config.data.columns.model_dump() if config.data.columns else None
    corpus = read_split(source, columns=columns, illegal=config.data.illegal_tags)
    folds = draw_folds(corpus.documents, arguments.folds, arguments.seed)
    systems = {"rnner": _train_folds(arguments, source, columns, folds, len(corpus))}
    if arguments.crf:
        systems["CRF"] = _crf_folds(corpus, config, folds, arguments.jobs)
    print(_report([len(fold) for fold in folds], systems))
    pooled = {name: together(figures) for name, figures in systems.items()}
    about = {"corpus": str(source), "seed": arguments.seed, "sentences": [len(fold) for fold in folds]}
    write_json(arguments.json, {**about, "folds": systems, "together": pooled})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", help="column file with tags, or sample:train")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", nargs="+", action="extend", default=[]
    )
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the folds; training.seed is the models'")
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, one thread each")
    parser.add_argument("--crf", action="store_true", help="a CRF on word features beside it")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    return parser.parse_args()


def draw_folds(documents: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """The sentences of each fold; the number of documents (or sentences) in them differs by one at most.

    Args:
        documents: `[s]` the document of each sentence.
        folds, seed: how many folds, and what decides who is in which.

    Raises:
        UsageError: there are more folds than sentences.
    """
    if folds > len(documents):
        raise UsageError(f"--folds {folds}: the corpus has only {len(documents)} sentences")
    by_document = len(np.unique(documents)) >= folds
    units, unit_of = np.unique(documents if by_document else np.arange(len(documents)), return_inverse=True)
    fold_of_unit = np.random.default_rng(seed).permutation(np.arange(len(units)) % folds)
    kind = "documents" if by_document else "sentences"
    say(f"{folds} folds of {len(units):,} {kind}, {len(documents):,} sentences, seed {seed}")
    return [np.flatnonzero(fold_of_unit[unit_of] == fold) for fold in range(folds)]


def write_fold(
    source: Path, fold: Fold, sentences: int, folder: Path, columns: dict[str, int] | None = None
) -> list[Path]:
    """Write the other sentences, then the fold's, as they stand in the source of so many; the two files."""
    paths = [folder / "train.conll", folder / "test.conll"]
    for path, lines in zip(paths, cut(source, [_rest(fold, sentences), fold], columns=columns), strict=True):
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
    """Train a model for each fold, and score it there."""
    with tempfile.TemporaryDirectory(prefix="crossvalidate-") as name:
        trainings = []
        for number, fold in enumerate(folds, 1):
            folder = Path(name) / str(number)
            folder.mkdir()
            train, test = write_fold(source, fold, sentences, folder, columns)
            data = [f"data.train={yaml_path(train)}", "data.dev=null", f"data.test={yaml_path(test)}"]
            sets = [*arguments.overrides, *data]
            trainings.append(Training(f"fold {number}", arguments.config, sets, folder / "model"))
        runs = train_all(trainings, arguments.jobs)
    return [{**run["test"], "seconds": run["train"]["seconds"]} for run in runs]


def _crf_folds(corpus: Split, config: Config, folds: Sequence[Fold], jobs: int) -> list[Figures]:
    """The same with the CRF."""
    # By way of the config's scheme: a model of names alone (binary) is compared with a CRF of names alone.
    corpus = corpus.convert(config.data.scheme).convert("iob2")
    trains = [corpus.select(_rest(fold, len(corpus))) for fold in folds]
    tests = [corpus.select(fold) for fold in folds]
    figures = []
    # Ctrl-C is for this process alone; leaving the pool ends the others.
    with get_context("spawn").Pool(jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
        for found in pool.imap(crf_scores, zip(trains, tests, strict=True)):
            figures.append(found)
            say(f"{len(figures)}/{len(folds)} CRF: F1 {found['f1']:.4f}")
    return figures


def crf_scores(splits: tuple[Split, Split]) -> Figures:
    """Train the CRF on the first of two IOB2 splits, score it on the other."""
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
    """The package sklearn_crfsuite."""
    try:
        return importlib.import_module("sklearn_crfsuite")
    except ModuleNotFoundError as error:
        raise UsageError(f"--crf: {error.name} is missing; type pip install sklearn-crfsuite") from None


def together(figures: Sequence[Figures]) -> Figures:
    """Precision, recall and F1 over the entities of all folds (micro average)."""
    counts = {name: sum(fold[name] for fold in figures) for name in ("support", "predicted", "correct")}
    support, predicted, correct = counts.values()
    return {
        "f1": 2 * correct / max(1, support + predicted),
        "precision": correct / max(1, predicted),
        "recall": correct / max(1, support),
        **counts,
    }


def _report(sizes: Sequence[int], systems: dict[str, list[Figures]]) -> str:
    return table(_rows(sizes, systems))


def _rows(sizes: Sequence[int], systems: dict[str, list[Figures]]) -> Iterator[list[object]]:
    entities = [fold["support"] for fold in systems["rnner"]]
    yield ["fold", "sentences", "entities", *(f"{name} F1" for name in systems)]
    for i, size in enumerate(sizes):
        yield [i + 1, f"{size:,}", f"{entities[i]:,}", *(f"{fs[i]['f1']:.4f}" for fs in systems.values())]
    yield ["mean ± sd", "", "", *(spread([fold["f1"] for fold in fs]) for fs in systems.values())]
    pooled = (f"{together(fs)['f1']:.4f}" for fs in systems.values())
    yield ["all folds together", f"{sum(sizes):,}", f"{sum(entities):,}", *pooled]


if __name__ == "__main__":
    sys.exit(guarded(main))
