"""Compare recurrent cells under one config: dev F1 over seeds, weights, speed.

    python scripts/compare_cells.py --config configs/quickstart.yaml --output runs/cells
    python scripts/compare_cells.py --config C --cells gru,bigru,bilstm --seeds 5 --jobs 2 --output runs/cells

A cell's name reads in one direction, `bi` before it in both: bigru is `encoder.cell: gru` with
`encoder.bidirectional: true`. `none` has no recurrence at all. Everything else is as the config has it, so
the cells have equal units a direction, not equal numbers of weights; the seeds count up from training.seed.

Each model is trained by `rnner train` on one thread in a folder of its own under --output. The same command
again goes on where it was broken off: finished models are not trained anew. A config without `data.dev` holds
out another tenth for each seed. Training speed is what the runs themselves measured over whole steps (with
--jobs, side by side), the median over the seeds. Prediction speed is measured at the end, alone, on one
thread, from words to entities with their probabilities, nothing cached: the first seed's models take turns on
the dev corpus (without one, on the training corpus), and the median of their rounds counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from trainings import Training, at_least, guarded, say, spread, table, train_all, write_json

from rnner.config import Config, load_config
from rnner.data.corpus import read_split, resolve
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import UsageError
from rnner.model.folder import LoadedModel, load_model
from rnner.nn.cells import cell_names

CELLS = "none,rnn,birnn,gru,bigru,bilstm"


def main() -> None:
    arguments = _arguments()
    for name in ("seeds", "jobs", "rounds"):
        at_least(name, getattr(arguments, name), 1)
    cells = list(dict.fromkeys(arguments.cells.split(",")))
    # Whatever is wrong with the config or a cell's name is told before anything is trained.
    configs = [
        load_config(arguments.config, [*arguments.overrides, *overrides(cell)], cells=cell_names())
        for cell in cells
    ]
    trainings = {cell: _trainings(cell, configs[0].training.seed, arguments) for cell in cells}
    runs = iter(train_all([one for own in trainings.values() for one in own], arguments.jobs))
    metrics = {cell: [next(runs) for _ in own] for cell, own in trainings.items()}
    say("measuring prediction")
    sentences = _sentences(configs[0], arguments.config)
    models = {cell: load_model(own[0].folder) for cell, own in trainings.items()}
    predicted = prediction_speeds(models, sentences, arguments.rounds)
    results = {cell: figures(metrics[cell], predicted[cell]) for cell in cells}
    print(table(_rows(results)))
    write_json(arguments.json, results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument(
        "--set", dest="overrides", metavar="KEY=VALUE", nargs="+", action="extend", default=[]
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the model folders")
    parser.add_argument("--cells", default=CELLS, help=f"with commas between them [default: {CELLS}]")
    parser.add_argument("--seeds", type=int, default=3, help="models a cell")
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, one thread each")
    parser.add_argument("--rounds", type=int, default=5, help="of measuring prediction")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    return parser.parse_args()


def overrides(cell: str) -> list[str]:
    """The `--set`s that a cell's name stands for.

    Raises:
        UsageError: the name is empty.
    """
    name = cell.removeprefix("bi")
    if not name:
        raise UsageError(f"--cells: {cell!r} is no cell; write names with commas between, such as {CELLS}")
    both = "true" if cell != name else "false"
    return [f"encoder.cell={name}", f"encoder.bidirectional={both}"]


def _trainings(cell: str, first: int, arguments: argparse.Namespace) -> list[Training]:
    """The runs of one cell, a seed each."""
    return [
        Training(
            f"{cell}, seed {seed}",
            arguments.config,
            [*arguments.overrides, *overrides(cell), f"training.seed={seed}"],
            arguments.output / f"{cell}-{seed}",
        )
        for seed in range(first, first + arguments.seeds)
    ]


def _sentences(config: Config, path: Path) -> list[list[str]]:
    """The words that prediction is measured on."""
    data = config.data
    source = resolve(data.dev or data.train, [path.resolve().parent])
    columns = data.columns.model_dump() if data.columns else None
    return read_split(source, columns=columns, illegal=data.illegal_tags).sentences()[0]


def prediction_speeds(
    models: dict[str, LoadedModel], sentences: Sequence[list[str]], rounds: int
) -> dict[str, float]:
    """Tokens/s of each model on one thread: the median of its rounds, taken in turns after one to warm up."""
    torch.set_num_threads(1)
    tokens = sum(map(len, sentences))
    speeds: dict[str, list[float]] = {name: [] for name in models}
    for i in range(rounds + 1):
        for name, model in models.items():
            vocabulary = Vocabulary.from_json(model.vocabulary.to_json())  # has cached nothing
            decoder = TaggerDecoder(model.tagger, vocabulary)
            decoder.spans([["warm", "up"]])
            begin = time.perf_counter()
            decoder.scored_spans(sentences)
            if i:
                speeds[name].append(tokens / (time.perf_counter() - begin))
    return {name: median(values) for name, values in speeds.items()}


def figures(runs: Sequence[dict[str, Any]], predicted: float) -> dict[str, Any]:
    """What is told of one cell, from the metrics of its runs; F1 as fractions, speeds in tokens/s."""
    return {
        "seeds": [run["seed"] for run in runs],
        "dev_f1": [run["dev"]["f1"] for run in runs],
        "parameters": runs[0]["train"]["parameters"],
        "training_tokens_per_second": median(run["train"]["tokens_per_second"] for run in runs),
        "prediction_tokens_per_second": predicted,
    }


def _rows(results: dict[str, dict[str, Any]]) -> Iterator[list[object]]:
    yield ["cell", "dev F1", "weights", "training, tokens/s", "prediction, tokens/s"]
    for cell, told in results.items():
        speeds = (told["training_tokens_per_second"], told["prediction_tokens_per_second"])
        yield [
            cell,
            spread(told["dev_f1"]),
            f"{told['parameters']:,}",
            *(f"{speed:,.0f}" for speed in speeds),
        ]


if __name__ == "__main__":
    sys.exit(guarded(main))
