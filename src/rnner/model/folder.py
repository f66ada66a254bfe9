"""The model folder: `config.yaml`, `vocabulary.json`, `model.safetensors`, scores, log, card and manifest.

Loading never unpickles or executes anything. Names, types and sizes of the weights are checked against config
and vocabulary before any weight is read; then the files are checked against the manifest (`manifest.py`), and
the weights must be finite.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnner.config import Config, load_saved_config, to_yaml
from rnner.data.vocabulary import Vocabulary
from rnner.errors import ConfigError, ModelError, UsageError, one_line, shorten
from rnner.model.build import build_tagger
from rnner.model.file_names import (
    CHECKPOINT,
    CONFIG,
    FOLDER_FILES,
    LOG,
    MANIFEST,
    METRICS,
    SEEDS,
    VOCABULARY,
    WEIGHTS,
    check_model_files,
)
from rnner.model.manifest import check_digests, read_manifest, write_manifest
from rnner.model.tagger import Tagger
from rnner.nn.cells import cell_names
from rnner.nn.embeddings import FrozenVectors
from rnner.system.files import write_atomically
from rnner.system.tensor_files import has_changed, write_tensors

_SCORES = ("precision", "recall", "f1")
_TRAINING = ("epochs", "best_epoch", "seconds")


@dataclass(frozen=True)
class LoadedModel:
    """A model loaded from its folder."""

    folder: Path
    config: Config
    vocabulary: Vocabulary
    tagger: Tagger


def save_config_and_vocabulary(folder: Path, config: Config, vocabulary: Vocabulary) -> None:
    """Write the files that describe the network; done once, before training."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    # The vocabulary first: it distinguishes our folders from others that contain a config.yaml.
    write_atomically(folder / VOCABULARY, json.dumps(vocabulary.to_json(), ensure_ascii=False))
    write_atomically(folder / CONFIG, to_yaml(config))


def save_weights(folder: Path, tagger: Tagger) -> None:
    """Write the current weights of the tagger."""
    (folder / MANIFEST).unlink(missing_ok=True)
    write_tensors(folder / WEIGHTS, tagger.state_dict())


def save_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Write the manifest, then the metrics of a run. Call this last: it marks the run as finished."""
    content = (json.dumps(metrics, indent=2, ensure_ascii=False) + "\n").encode()
    write_manifest(folder, {METRICS: content})
    write_atomically(folder / METRICS, content)


def load_metrics(folder: Path) -> dict[str, Any] | None:
    """Return the metrics of the run in a folder; None if it has not finished.

    Raises:
        ModelError: the file exists but cannot be read, has changed since it was written, or lacks a figure
            of a finished run.
    """
    if not (folder / METRICS).exists():
        return None
    check_digests(folder, read_manifest(folder) or {}, [METRICS])
    metrics = _read_json(folder / METRICS)
    if (problem := _problem_of_metrics(metrics)) is not None:
        raise ModelError(f"{folder / METRICS}: {problem}; copy the folder again, or use --overwrite")
    return dict(metrics)


def _problem_of_metrics(metrics: Any) -> str | None:
    """Return what the metrics of a finished run lack, or None."""
    if not isinstance(metrics, dict):
        return "is not a JSON object with metrics"
    parts = {"dev": _SCORES, "train": _TRAINING} | ({"test": _SCORES} if "test" in metrics else {})
    for part, names in parts.items():
        figures = metrics.get(part)
        for name in names:
            figure = figures.get(name) if isinstance(figures, dict) else None
            if not isinstance(figure, (int, float)):
                return f"{part}.{name} is not a number"
    return None


def load_model(folder: Path | str, *, device: torch.device | str = "cpu") -> LoadedModel:
    """Load the model in a folder.

    Args:
        folder: a folder written by `rnner train --output`. If the model has a custom cell, call
            `rnner.model.user_code.load_code` first.
        device: the device for the weights.

    Raises:
        ModelError: the folder is missing, not a model, damaged or inconsistent; the message says which.
    """
    folder = Path(folder)
    try:
        _check_files(folder)
        digests = read_manifest(folder) or {}
        check_digests(folder, digests, FOLDER_FILES)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be read ({error.strerror})") from None
    try:
        config = load_saved_config(folder / CONFIG, cells=cell_names())
    except (ConfigError, UsageError) as error:
        raise ModelError(str(error)) from None
    data = _read_json(folder / VOCABULARY)
    try:
        vocabulary = Vocabulary.from_json(data)
    except (ModelError, ValueError) as error:
        raise ModelError(f"{folder / VOCABULARY}: {shorten(str(error), 300)}") from None
    if config.data.scheme != vocabulary.scheme:
        raise ModelError(
            f"{folder / CONFIG}: has the scheme {config.data.scheme}, but the vocabulary has "
            f"{vocabulary.scheme}; these files are from different models"
        )
    tagger = _load_tagger(folder, config, vocabulary, verified=WEIGHTS in digests)
    return LoadedModel(folder, config, vocabulary, tagger.to(device).eval())


def _check_files(folder: Path) -> None:
    if not folder.exists():
        raise ModelError(f"{folder}: model folder not found; `rnner train --config FILE` writes one")
    if not folder.is_dir():
        raise ModelError(f"{folder}: is a file; expected a model folder, as written by `rnner train`")
    check_model_files(folder)
    missing = [name for name in FOLDER_FILES if not (folder / name).is_file()]
    finished = (folder / METRICS).exists()
    unfinished = not finished and any((folder / name).exists() for name in (CHECKPOINT, LOG, SEEDS))
    if len(missing) == len(FOLDER_FILES) and not (finished or unfinished):
        raise ModelError(f"{folder}: is not an rnner model: it has no {CONFIG}, {VOCABULARY} or {WEIGHTS}")
    if missing:
        hint = "; resume its training: `rnner train --resume`" if unfinished else ""
        raise ModelError(f"{folder}: the model is incomplete: it has no {' and no '.join(missing)}{hint}")


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise _corrupt(path, error) from None


def _corrupt(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path}: is corrupted or truncated ({one_line(error)}); copy the model folder again")


def _load_tagger(folder: Path, config: Config, vocabulary: Vocabulary, *, verified: bool) -> Tagger:
    """Load the weights, after checking the size of each against config and vocabulary, to limit memory."""
    path, blueprint = folder / WEIGHTS, _blueprint(folder, config, vocabulary)
    expected = {name: tuple(tensor.shape) for name, tensor in blueprint.items()}
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            for name in sorted(found.keys() | expected.keys()):
                if found.get(name) != expected.get(name):
                    problem = _mismatch(name, found.get(name), expected.get(name))
                    raise ModelError(f"{path}: {problem}; the files are from different models")
            tensors = {name: file.get_tensor(name) for name in found}
    except (SafetensorError, RuntimeError, OSError) as error:  # PyTorch raises RuntimeError
        raise _corrupt(path, error) from None
    if not verified and has_changed(tensors, metadata):
        raise _corrupt(path, ValueError("the content does not match its checksum"))
    _check_numbers(path, tensors, blueprint)
    vectors, scales = (tensors.get(f"words.{name}") for name in ("vectors", "scales"))
    with torch.random.fork_rng(devices=[]):  # loading must not advance the user's random generator
        tagger = build_tagger(config, vocabulary, None if vectors is None else FrozenVectors(vectors, scales))
    tagger.load_state_dict(tensors)
    return tagger


def _check_numbers(path: Path, tensors: Mapping[str, Tensor], blueprint: Mapping[str, Tensor]) -> None:
    """Raise a ModelError if a tensor has the wrong dtype, or contains NaN or infinity."""
    for name, tensor in tensors.items():
        allowed = {blueprint[name].dtype}
        if name == "words.vectors" and torch.float16 in allowed:
            allowed.add(torch.float32)  # used if a number exceeds the range of float16
        if tensor.dtype not in allowed:
            expected = " or ".join(sorted(str(dtype) for dtype in allowed))
            raise ModelError(f"{path}: {name!r} is {tensor.dtype}, expected {expected}")
        if tensor.is_floating_point() and not _is_finite(tensor):
            raise ModelError(
                f"{path}: {name!r} has a number that is NaN or infinite; copy the model folder again, or "
                "train the model again"
            )


def _is_finite(tensor: Tensor) -> bool:
    """Return whether all numbers are finite, without a copy. `aminmax` propagates NaN."""
    return tensor.numel() == 0 or all(bool(extreme.isfinite()) for extreme in tensor.aminmax())


class _SkipInitialisation(TorchFunctionMode):
    """Skips random initialisation, for which PyTorch would load its compiler even on the meta device."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__name__", "") in ("uniform_", "normal_"):
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))


def _blueprint(folder: Path, config: Config, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """Return the weights of a tagger with this config as meta tensors, which take no memory."""
    try:
        with torch.device("meta"), _SkipInitialisation():
            return build_tagger(config, vocabulary).state_dict()
    except (ConfigError, ValueError, RuntimeError, TypeError, OverflowError) as error:
        reason = shorten(str(error).partition("\n")[0], 300)
        raise ModelError(f"{folder / CONFIG}: cannot build a tagger from this config ({reason})") from None


def _mismatch(name: str, found: tuple[int, ...] | None, expected: tuple[int, ...] | None) -> str:
    name = shorten(name)
    if found is None:
        return f"has no weights {name!r}"
    if expected is None:
        return f"has the weights {name!r}, which are not in the config"
    return f"{name!r} is {list(found)}, config and vocabulary require {list(expected)}"
