"""Compare recurrent cells under one config: dev F1 over seeds, number of weights, speed.

    python scripts/compare_cells.py --config quickstart --output runs/cells
    python scripts/compare_cells.py --config C --cells gru,bigru,bilstm --seeds 5 --jobs 2 --output runs/cells

A cell reads in one direction, or in both with the prefix `bi`: bigru is `encoder.cell: gru` with
`encoder.bidirectional: true`. `none` has no recurrence. Everything else is as in the config, so the cells
have the same units per direction but different numbers of weights. The seeds count up from training.seed.

`rnner train` trains each model on one thread in a folder under --output. Running the command again resumes an
interrupted comparison and skips finished models. Without `data.dev`, the held-out part differs per seed.
Training speed is the one measured by the runs over whole steps (with --jobs, in parallel), as the median
over the seeds. Prediction speed is measured at the end, alone, on one thread, from words to entities with
probabilities, with nothing cached. The models of the first seed take turns on the dev corpus (without one,
on the training corpus), and medians are reported.

Prints a table with one row per cell. Takes as long as the trainings.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
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
)
from timing import fresh_decoder, median_speeds, seconds

from rnner.config import Config, load_config
from rnner.data.corpus import read_split, resolve
from rnner.errors import UsageError
from rnner.model.folder import LoadedModel, load_model
from rnner.nn.cells import cell_names

CELLS = "none,rnn,birnn,gru,bigru,bilstm"


def main() -> None:
    arguments = _arguments()
    require_at_least(1, arguments, "seeds", "jobs", "rounds")
    cells = list(dict.fromkeys(arguments.cells.split(",")))
    # Check the config and all cell names before training anything.
    configs = [
        load_config(arguments.config, [*arguments.overrides, *overrides(cell)], cells=cell_names())
        for cell in cells
    ]
    runs = {cell: _runs(cell, configs[0].training.seed, arguments) for cell in cells}
    done = iter(train_all([run for own in runs.values() for run in own], arguments.jobs))
    metrics = {cell: [next(done) for _ in own] for cell, own in runs.items()}
    log("measuring prediction")
    sentences = _sentences(configs[0], arguments.config)
    models = {cell: load_model(own[0].folder) for cell, own in runs.items()}
    predicted = prediction_speeds(models, sentences, arguments.rounds)
    results = {cell: figures(metrics[cell], predicted[cell]) for cell in cells}
    print(markdown_table(_rows(results)))
    write_json(arguments.json, results)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    add_config_options(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder for the model folders")
    parser.add_argument("--cells", default=CELLS, help=f"separated by commas [default: {CELLS}]")
    parser.add_argument("--seeds", type=int, default=3, help="models per cell")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of measuring prediction")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    return parser.parse_args()


def overrides(cell: str) -> list[str]:
    """Return the config overrides for a cell's name.

    Raises:
        UsageError: the name is empty.
    """
    name = cell.removeprefix("bi")
    if not name:
        raise UsageError(f"--cells: {cell!r} is not a cell; separate names by commas, such as {CELLS}")
    both = "true" if cell != name else "false"
    return [f"encoder.cell={name}", f"encoder.bidirectional={both}"]


def _runs(cell: str, first: int, arguments: argparse.Namespace) -> list[TrainingRun]:
    """Return the runs of a cell, one per seed."""
    return [
        TrainingRun(
            f"{cell}, seed {seed}",
            arguments.config,
            [*arguments.overrides, *overrides(cell), f"training.seed={seed}"],
            arguments.output / f"{cell}-{seed}",
        )
        for seed in range(first, first + arguments.seeds)
    ]


def _sentences(config: Config, path: Path) -> list[list[str]]:
    """Return the sentences that prediction is measured on."""
    data = config.data
    source = resolve(data.dev or data.train, [path.resolve().parent])
    columns = data.columns.model_dump(exclude_none=True) if data.columns else None
    return read_split(source, columns=columns, illegal=data.illegal_tags).sentences()[0]


def prediction_speeds(
    models: dict[str, LoadedModel], sentences: Sequence[list[str]], rounds: int
) -> dict[str, float]:
    """Return the median tokens/s of each model on one thread."""
    torch.set_num_threads(1)

    def predict(model: LoadedModel) -> float:
        decoder = fresh_decoder(model.tagger, model.vocabulary)
        return seconds(lambda: decoder.scored_spans(sentences))

    tasks = {name: partial(predict, model) for name, model in models.items()}
    return median_speeds(tasks, sum(map(len, sentences)), rounds, warm_up=1)


def figures(runs: Sequence[dict[str, Any]], predicted: float) -> dict[str, Any]:
    """Summarise the metrics of a cell's runs; F1 as fractions, speeds in tokens/s."""
    return {
        "seeds": [run["seed"] for run in runs],
        "dev_f1": [run["dev"]["f1"] for run in runs],
        "parameters": runs[0]["train"]["parameters"],
        "training_tokens_per_second": median(run["train"]["tokens_per_second"] for run in runs),
        "prediction_tokens_per_second": predicted,
    }


def _rows(results: dict[str, dict[str, Any]]) -> Iterator[list[object]]:
    yield ["cell", "dev F1", "weights", "training, tokens/s", "prediction, tokens/s"]
    for cell, result in results.items():
        speeds = (result["training_tokens_per_second"], result["prediction_tokens_per_second"])
        yield [
            cell,
            mean_and_deviation(result["dev_f1"]),
            f"{result['parameters']:,}",
            *(f"{speed:,.0f}" for speed in speeds),
        ]


if __name__ == "__main__":
    sys.exit(run_script(main))
