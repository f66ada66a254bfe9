"""One config trained with several seeds: a folder for each, their mean and spread, and the best one kept.

The folder of such a run holds `seeds.json`, a complete model folder `seed-K` for each seed K, and at the end
the files of the one that is best on dev: it is a model folder like any other.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rnner.config import Config
from rnner.errors import ModelError, UsageError
from rnner.model.file_names import CARD, CONFIG, LOG, METRICS, SEEDS, VOCABULARY, WEIGHTS
from rnner.system.files import write_atomically
from rnner.training.run import check_output, check_same_config, clear_output, finished
from rnner.training.setup import TrainingSetup

FIGURES = ("precision", "recall", "f1")


def configs_of(config: Config, count: int) -> dict[int, Config]:
    """The config with each of `count` seeds, from `training.seed` upwards; by seed.

    Where dev is held out of train, all hold out the same: scores on unlike sentences could not be compared.
    """
    first = config.training.seed
    if config.data.dev is None and config.data.split_seed is None:
        data = config.data.model_copy(update={"split_seed": first})
        config = config.model_copy(update={"data": data})
    return {
        seed: config.model_copy(update={"training": config.training.model_copy(update={"seed": seed})})
        for seed in range(first, first + count)
    }


def seed_folder(folder: Path, seed: int) -> Path:
    """Where the run with one of the seeds lies."""
    return folder / f"seed-{seed}"


def check_seeds(folder: Path, configs: dict[int, Config], *, resume: bool, overwrite: bool) -> None:
    """See that nothing would be lost or mixed in `folder`; the checks of a single run, for all seeds.

    Raises:
        UsageError: a run is there already, or another one than is to be gone on with, or something else.
    """
    check_output(folder, resume=resume, overwrite=overwrite)
    begun = load_seeds(folder) if resume else None
    if resume and begun is None and (folder / VOCABULARY).exists():
        raise UsageError(f"{folder}: holds a run of a single seed; --resume goes on with it without --seeds")
    if begun is not None:
        seeds = list(configs)
        if begun["seeds"] != seeds[: len(begun["seeds"])]:
            raise UsageError(
                f"{folder}: the run there has seeds {_listed(begun['seeds'])}, this one {_listed(seeds)}; "
                "--resume takes the same ones or more, --overwrite starts anew"
            )
    for seed, config in configs.items():
        check_output(seed_folder(folder, seed), resume=resume, overwrite=overwrite)
        if resume:
            check_same_config(seed_folder(folder, seed), config)


def _listed(seeds: list[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def begin(folder: Path, job: TrainingSetup, seeds: Iterable[int], *, resume: bool) -> None:
    """Prepare `folder` for runs with these seeds; unless `resume`, the run that is there is removed.

    Args:
        folder: checked by `check_seeds`.
        job: of the first seed, untrained.
        seeds: all of them.
        resume: keep what is there.

    Raises:
        ModelError: the run there began with other data, vectors or weights.
    """
    begun = load_seeds(folder) if resume else None
    start = _digest(job)
    if begun is not None and begun["start"] != start:
        raise ModelError(
            f"{folder}: the run there began with other data, vectors or weights than now; --resume needs "
            "those, --overwrite starts anew"
        )
    if begun is None:
        clear_output(folder)
        folder.mkdir(parents=True, exist_ok=True)
    if begun is None or begun["seeds"] != list(seeds):
        _save(folder, {"seeds": list(seeds), "start": start})


def _digest(job: TrainingSetup) -> str:
    """Of all that seeds have in common: the data, and the weights that the first one starts from."""
    digest = hashlib.blake2b(job.fingerprint.encode(), digest_size=16)
    for name, tensor in job.tagger.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def complete(folder: Path, seeds: Iterable[int]) -> dict[str, Any] | None:
    """What `conclude` found if it did so for all these seeds, else None."""
    summary = load_seeds(folder)
    found = summary is not None and [run["seed"] for run in summary.get("runs", [])] == list(seeds)
    return summary if found else None


def conclude(folder: Path) -> dict[str, Any] | None:
    """Sum up the finished runs in `seeds.json`, and make `folder` the model that is best on dev.

    Returns:
        What `seeds.json` now holds: `seeds`; `best` (of equals the lower seed); `runs`, with the figures of
        each (scores as fractions, seconds); `mean` and `sd` of the scores on dev and test (sd of a sample,
        n - 1; null for a single run). None if no run is finished.
    """
    summary = load_seeds(folder)
    assert summary is not None, "begin comes first"
    metrics = {seed: finished(seed_folder(folder, seed)) for seed in summary["seeds"]}
    runs = [_figures(seed, found) for seed, found in metrics.items() if found is not None]
    if not runs:
        return None
    best = max(runs, key=lambda run: run["dev"]["f1"])  # the first of equals
    summary = {
        "seeds": summary["seeds"],
        "start": summary["start"],
        "best": best["seed"],
        "runs": runs,
        "mean": _over(runs, statistics.fmean),
        "sd": _over(runs, lambda values: statistics.stdev(values) if len(values) > 1 else None),
    }
    _keep(seed_folder(folder, best["seed"]), folder, summary)
    _save(folder, summary)
    return summary


def _figures(seed: int, metrics: dict[str, Any]) -> dict[str, Any]:
    scores: dict[str, Any] = {
        split: {name: metrics[split][name] for name in FIGURES}
        for split in ("dev", "test")
        if split in metrics
    }
    train: dict[str, Any] = {name: metrics["train"][name] for name in ("epochs", "best_epoch", "seconds")}
    return {"seed": seed, "folder": f"seed-{seed}", **scores, **train}


def _over(runs: list[dict[str, Any]], summed: Any) -> dict[str, dict[str, float | None]]:
    return {
        split: {name: summed([run[split][name] for run in runs]) for name in FIGURES}
        for split in ("dev", "test")
        if split in runs[0]
    }


def _keep(best: Path, folder: Path, summary: dict[str, Any]) -> None:
    """Copy a model, its card saying what it was chosen from."""
    (folder / METRICS).unlink(missing_ok=True)  # a copy broken off is no finished model
    for name in (VOCABULARY, CONFIG, WEIGHTS, LOG):
        write_atomically(folder / name, (best / name).read_bytes())
    card = (best / CARD).read_text(encoding="utf-8")
    write_atomically(folder / CARD, f"{card}\n{_section(summary)}")
    write_atomically(folder / METRICS, (best / METRICS).read_bytes())


def _section(summary: dict[str, Any]) -> str:
    """What the card says of the seeds, in Markdown."""
    lines = [f"- {split} {spread(summary, split)}" for split in summary["mean"]]
    return (
        "## Seeds\n\n"
        f"The best on dev, with seed {summary['best']}, of what the same settings gave with seeds "
        f"{', '.join(str(run['seed']) for run in summary['runs'])}. What to expect of these settings is the "
        "mean (± standard deviation):\n\n" + "\n".join(lines) + "\n"
    )


def spread(summary: dict[str, Any], split: str) -> str:
    """`F1 0.944 ± 0.001 (3 seeds)`, of dev or test."""
    mean, sd, count = summary["mean"][split]["f1"], summary["sd"][split]["f1"], len(summary["runs"])
    deviation = "" if sd is None else f" ± {sd:.3f}"
    return f"F1 {mean:.3f}{deviation} ({count} seed{'s' if count > 1 else ''})"


def load_seeds(folder: Path) -> dict[str, Any] | None:
    """What `seeds.json` in a folder holds; None if there is none.

    Raises:
        ModelError: it is broken.
    """
    path = folder / SEEDS
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if not (held["seeds"] and all(isinstance(seed, int) for seed in held["seeds"]) and held["start"]):
            raise ValueError("it names no seeds")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise ModelError(f"{path}: is broken ({error}); start anew with --overwrite") from None
    return dict(held)


def _save(folder: Path, held: dict[str, Any]) -> None:
    write_atomically(folder / SEEDS, json.dumps(held, indent=2) + "\n")
