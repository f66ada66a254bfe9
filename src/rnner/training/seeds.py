"""One config trained with several seeds: one model folder per seed, mean and spread, and the best model.

The folder of such a run contains `seeds.json`, a model folder `seed-K` for each seed K and, at the end, the
files of the model that is best on dev. It is then a model folder like any other. The order of calls:
`reserve_seeds_output`, `prepare_seeds_folder`, `run_training` for each seed, `summarize_seeds`.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rnner.config import Config
from rnner.errors import ModelError, UsageError, counted
from rnner.model.file_names import (
    CARD,
    CONFIG,
    CURVE,
    LOG,
    MANIFEST,
    METRICS,
    SEEDS,
    VOCABULARY,
    WEIGHTS,
)
from rnner.model.folder import load_metrics, save_metrics
from rnner.system.files import atomic_replace, write_atomically
from rnner.training.output_folder import (
    check_output,
    check_run,
    clear_output,
    has_leftovers,
    lock_output,
    missing_files,
    remove_leftovers,
)
from rnner.training.setup import TrainingSetup

_SCORES = ("precision", "recall", "f1")
_TRAINING = ("epochs", "best_epoch", "dev_loss", "seconds")


def seed_configs(config: Config, count: int) -> dict[int, Config]:
    """Return `count` configs, keyed by seed. The seeds count up from `training.seed`.

    If dev is held out of train, all seeds hold out the same sentences, so that their scores can be compared.
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
    """Return the model folder of one seed."""
    return folder / f"seed-{seed}"


@contextmanager
def reserve_seeds_output(
    folder: Path, configs: dict[int, Config], *, resume: bool, overwrite: bool
) -> Iterator[None]:
    """Lock the output folder within the block, and check it as `check_seeds_output` does.

    The folder of a seed is locked later, by the process that trains the seed.

    Raises:
        UsageError: another run writes to one of the folders, or `check_seeds_output` raises it.
    """
    with lock_output(folder):
        check_seeds_output(folder, configs, resume=resume, overwrite=overwrite)
        for place in (seed_folder(folder, seed) for seed in configs):
            if place.is_dir() and has_leftovers(place):
                with lock_output(place):  # a process of a killed run may still be writing there
                    remove_leftovers(place)
        remove_leftovers(folder)
        yield


def check_seeds_output(folder: Path, configs: dict[int, Config], *, resume: bool, overwrite: bool) -> None:
    """Check for all seeds, as for a single run, that nothing in `folder` would be lost or mixed up.

    Raises:
        UsageError: as in `check_output` and `check_same_config`, or the run to resume has other seeds.
    """
    check_output(folder, resume=resume, overwrite=overwrite)
    if resume and (old := load_seeds(folder)) is not None:
        seeds = list(configs)
        if old["seeds"] != seeds[: len(old["seeds"])]:
            raise UsageError(
                f"{folder}: the run there has seeds {_range(old['seeds'])}, this run {_range(seeds)}; "
                "use --resume with the same seeds or more, or --overwrite to start again"
            )
    elif resume and (folder / VOCABULARY).exists():
        raise UsageError(f"{folder}: contains a run of a single seed; use --resume without --seeds")
    for seed, config in configs.items():
        check_run(seed_folder(folder, seed), config, resume=resume, overwrite=overwrite)


def _range(seeds: list[int]) -> str:
    return f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else str(seeds[0])


def prepare_seeds_folder(folder: Path, setup: TrainingSetup, seeds: Iterable[int], *, resume: bool) -> None:
    """Write `seeds.json`. Unless `resume` is set, an existing run is removed.

    Args:
        folder: checked by `check_seeds_output`.
        setup: the setup of the first seed, before training.
        seeds: all seeds.
        resume: keep the runs in the folder.

    Raises:
        ModelError: the run in the folder started from other data, vectors or weights.
    """
    # What all seeds share: the data, and the weights that the first seed starts from.
    digest = hashlib.blake2b(setup.fingerprint.encode(), digest_size=16)
    for name, tensor in setup.tagger.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    start = digest.hexdigest()
    old = load_seeds(folder) if resume else None
    if old is None:
        clear_output(folder)
        folder.mkdir(parents=True, exist_ok=True)
    elif old["start"] != start:
        raise ModelError(
            f"{folder}: the run there started with other data, vectors or weights; "
            "restore them for --resume, or start again with --overwrite"
        )
    if old is None or old["seeds"] != list(seeds):
        _save_seeds(folder, {"seeds": list(seeds), "start": start})


def finished_summary(folder: Path, seeds: Iterable[int]) -> dict[str, Any] | None:
    """Return the summary saved by `summarize_seeds`; None if it has other seeds or the model is gone."""
    summary = load_seeds(folder)
    if summary is None or [run["seed"] for run in summary.get("runs", [])] != list(seeds):
        return None
    return None if missing_files(folder) else summary


def summarize_seeds(folder: Path) -> dict[str, Any] | None:
    """Summarize the finished runs in `seeds.json`, and copy the model that is best on dev to `folder`.

    Returns:
        The contents of `seeds.json`: `seeds`; `best` (the highest F1 on dev, then the lowest loss); `runs`,
        the figures per seed (scores as fractions, seconds); `mean` and `sd` of the scores on dev and test
        (sample standard deviation; null for a single run). None if no run is finished.
    """
    started = load_seeds(folder)
    assert started is not None, "prepare_seeds_folder comes first"
    runs = []
    for seed in started["seeds"]:
        if (metrics := load_metrics(seed_folder(folder, seed))) is not None:
            run: dict[str, Any] = {"seed": seed, "folder": f"seed-{seed}"}
            for split in ("dev", "test"):
                if split in metrics:
                    run[split] = {name: metrics[split][name] for name in _SCORES}
            if not isinstance(metrics["train"].get("dev_loss"), float):
                raise ModelError(
                    f"{seed_folder(folder, seed)}: the metrics have no loss on dev; use --overwrite"
                )
            runs.append(run | {name: metrics["train"][name] for name in _TRAINING})
    if not runs:
        return None

    def of_scores(function: Callable[[list[float]], float | None]) -> dict[str, dict[str, float | None]]:
        return {
            split: {name: function([run[split][name] for run in runs]) for name in _SCORES}
            for split in ("dev", "test")
            if split in runs[0]
        }

    summary = {
        "seeds": started["seeds"],
        "start": started["start"],
        "best": max(runs, key=lambda run: (run["dev"]["f1"], -run["dev_loss"]))[
            "seed"
        ],  # the first, if several are equal
        "runs": runs,
        "mean": of_scores(statistics.fmean),
        "sd": of_scores(lambda values: statistics.stdev(values) if len(values) > 1 else None),
    }
    _copy_best(folder, summary)
    _save_seeds(folder, summary)
    return summary


def _copy_best(folder: Path, summary: dict[str, Any]) -> None:
    """Copy the best model, and add a section on the seeds to its model card."""
    best = seed_folder(folder, summary["best"])
    metrics = load_metrics(best)
    assert metrics is not None, "only finished runs are compared"
    contents = {name: (best / name).read_bytes() for name in (CARD, LOG, WEIGHTS, CONFIG, VOCABULARY)}
    if (best / CURVE).exists():
        contents[CURVE] = (best / CURVE).read_bytes()
    seeds = ", ".join(str(run["seed"]) for run in summary["runs"])
    scores = "\n".join(f"- {split} {format_f1(summary, split)}" for split in summary["mean"])
    section = (
        f"## Seeds\n\nThis model has seed {summary['best']}, the best on dev of seeds {seeds} with the same "
        f"settings. With another seed, expect the mean (± standard deviation):\n\n{scores}\n"
    )
    contents[CARD] += f"\n{section}".encode()
    # Metrics and manifest are written last: an interrupted copy is not a finished model.
    for name in (METRICS, MANIFEST, CURVE):
        (folder / name).unlink(missing_ok=True)
    with ExitStack() as stack:  # write all files first; then replace the old ones, from the last to the first
        for name, content in contents.items():
            stack.enter_context(atomic_replace(folder / name)).write_bytes(content)
    save_metrics(folder, metrics)


def format_f1(summary: dict[str, Any], split: str) -> str:
    """Format the mean F1 on dev or test: `F1 0.944 ± 0.001 (3 seeds)`."""
    mean, sd, count = summary["mean"][split]["f1"], summary["sd"][split]["f1"], len(summary["runs"])
    deviation = "" if sd is None else f" ± {sd:.3f}"
    return f"F1 {mean:.3f}{deviation} ({counted(count, 'seed')})"


def load_seeds(folder: Path) -> dict[str, Any] | None:
    """Return the contents of `seeds.json`, or None if the file does not exist.

    Raises:
        ModelError: the file is corrupted.
    """
    path = folder / SEEDS
    try:
        contents = json.loads(path.read_text(encoding="utf-8"))
        seeds = contents["seeds"]
        if not (seeds and all(isinstance(seed, int) for seed in seeds) and contents["start"]):
            raise ValueError("no seeds in it")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
        raise ModelError(f"{path}: is corrupted ({error}); start again with --overwrite") from None
    return dict(contents)


def _save_seeds(folder: Path, contents: dict[str, Any]) -> None:
    write_atomically(folder / SEEDS, json.dumps(contents, indent=2) + "\n")
