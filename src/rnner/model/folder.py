"""The model folder: `config.yaml`, `vocabulary.json`, `model.safetensors`, scores, log and card.

Nothing in it is ever unpickled or run. Names, kinds and sizes of what it holds are checked against what
config and vocabulary say before any weight is read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.overrides import TorchFunctionMode

from rnner.config import Config, load_config, to_yaml
from rnner.data.vocabulary import Vocabulary
from rnner.errors import ConfigError, ModelError, UsageError
from rnner.model.build import build_tagger
from rnner.model.file_names import (
    CONFIG,
    FOLDER_FILES,
    LOG,
    METRICS,
    OPTIONAL_FILES,
    SEEDS,
    VOCABULARY,
    WEIGHTS,
)
from rnner.model.tagger import Tagger
from rnner.nn.cells import cell_names
from rnner.nn.embeddings import FrozenVectors
from rnner.system.files import write_atomically, write_tensors


@dataclass(frozen=True)
class LoadedModel:
    """A model as loaded from its folder."""

    folder: Path
    config: Config
    vocabulary: Vocabulary
    tagger: Tagger


def save_description(folder: Path, config: Config, vocabulary: Vocabulary) -> None:
    """Write what the weights need to be understood; once, before training."""
    folder.mkdir(parents=True, exist_ok=True)
    # In this order: a vocabulary is what tells a folder of ours from one that just holds a config.yaml.
    write_atomically(folder / VOCABULARY, json.dumps(vocabulary.to_json(), ensure_ascii=False))
    write_atomically(folder / CONFIG, to_yaml(config))


def save_weights(folder: Path, tagger: Tagger) -> None:
    """Write the tagger's present weights."""
    write_tensors(folder / WEIGHTS, tagger.state_dict())


def save_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    """Write the figures of a finished run; where this file is, the run is over."""
    write_atomically(folder / METRICS, json.dumps(metrics, indent=2, ensure_ascii=False) + "\n")


def load_metrics(folder: Path) -> dict[str, Any] | None:
    """The figures of the finished run in a folder; None if there is none.

    Raises:
        ModelError: the file is there but cannot be read.
    """
    if not (folder / METRICS).exists():
        return None
    metrics = _read_json(folder, METRICS)
    if not isinstance(metrics, dict):
        raise ModelError(f"{folder / METRICS}: is not a table of figures")
    return metrics


def load_model(folder: Path | str, *, device: torch.device | str = "cpu") -> LoadedModel:
    """Load the model in a folder.

    Args:
        folder: as `rnner train --output` writes it. A model with a cell of the user's own needs
            `rnner.model.user_code.load_code` beforehand.
        device: where its weights go.

    Raises:
        ModelError: the folder is missing, empty, foreign, truncated or inconsistent; the message says what.
    """
    folder = Path(folder)
    try:
        _check_files(folder)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be read ({error.strerror})") from None
    config = _load_config(folder)
    vocabulary = _load_vocabulary(folder)
    if config.data.scheme != vocabulary.scheme:
        schemes = f"has the scheme {config.data.scheme}, the vocabulary {vocabulary.scheme}"
        raise ModelError(f"{folder / CONFIG}: {schemes}; the model's files do not belong together")
    tagger = _load_tagger(folder, config, vocabulary)
    return LoadedModel(folder, config, vocabulary, tagger.to(device).eval())


def _check_files(folder: Path) -> None:
    if not folder.exists():
        raise ModelError(f"{folder}: there is no such model folder; `rnner train --config FILE` makes one")
    if not folder.is_dir():
        raise ModelError(f"{folder}: is a file; a model is a folder, as `rnner train` writes it")
    missing = [name for name in (CONFIG, VOCABULARY, WEIGHTS) if not (folder / name).is_file()]
    unfinished = any((folder / name).exists() for name in ("checkpoint", LOG, SEEDS))
    if len(missing) == 3 and not unfinished:
        raise ModelError(f"{folder}: is not a model of rnner (no {CONFIG}, {VOCABULARY} and {WEIGHTS} in it)")
    if missing:
        hint = "; its training has not got so far: go on with `rnner train --resume`" if unfinished else ""
        raise ModelError(f"{folder}: the model is incomplete, it lacks {' and '.join(missing)}{hint}")
    for name, most in ({**FOLDER_FILES, **OPTIONAL_FILES}).items():
        if (folder / name).is_file() and (folder / name).stat().st_size > most:
            raise ModelError(f"{folder / name}: is larger than any such file of ours ({most >> 20} MB)")


def _load_config(folder: Path) -> Config:
    try:
        return load_config(folder / CONFIG, cells=cell_names())
    except (ConfigError, UsageError) as error:
        raise ModelError(
            f"{error}\n  (a model with a cell of your own is loaded with --code FILE)"
            if "no cell is named" in str(error)
            else str(error)
        ) from None


def _load_vocabulary(folder: Path) -> Vocabulary:
    data = _read_json(folder, VOCABULARY)
    try:
        return Vocabulary.from_json(data)
    except (ModelError, ValueError) as error:
        raise ModelError(f"{folder / VOCABULARY}: {error}") from None


def _read_json(folder: Path, name: str) -> Any:
    path = folder / name
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(f"{path}: is broken or cut off ({error}); copy the model folder again") from None


def _load_tagger(folder: Path, config: Config, vocabulary: Vocabulary) -> Tagger:
    """Compare every tensor's size with what it should be first, so that nothing huge is ever made."""
    path = folder / WEIGHTS
    expected = {name: tuple(tensor.shape) for name, tensor in _blueprint(folder, config, vocabulary).items()}
    try:
        with safe_open(path, framework="pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            if found != expected:
                raise ModelError(f"{path}: {_mismatch(found, expected)}; its files do not belong together")
            tensors = {name: file.get_tensor(name) for name in found}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: is broken or cut off ({error}); copy the model folder again") from None
    vectors, scales = (tensors.get(f"words.{name}") for name in ("vectors", "scales"))
    kinds = (torch.float16, torch.float32) if scales is None else (torch.int8,)
    if vectors is not None and vectors.dtype not in kinds:
        allowed = " or ".join(str(kind) for kind in kinds)
        raise ModelError(f"{path}: 'words.vectors' are {vectors.dtype}, not {allowed}")
    with torch.random.fork_rng(devices=[]):  # what the user draws must not depend on a model being loaded
        tagger = build_tagger(config, vocabulary, None if vectors is None else FrozenVectors(vectors, scales))
    tagger.load_state_dict(tensors)
    return tagger


class _NoDraws(TorchFunctionMode):
    """Weights stay undrawn: there is no memory to fill, and PyTorch would load its compiler for it."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if getattr(function, "__name__", "") in ("uniform_", "normal_"):
            return args[0] if args else (kwargs or {})["tensor"]
        return function(*args, **(kwargs or {}))


def _blueprint(folder: Path, config: Config, vocabulary: Vocabulary) -> dict[str, Tensor]:
    """The weights that a tagger of this config has, as tensors without memory."""
    try:
        with torch.device("meta"), _NoDraws():
            return build_tagger(config, vocabulary).state_dict()
    except (ConfigError, ValueError, RuntimeError, TypeError, OverflowError) as error:
        why = str(error).partition("\n")[0]
        raise ModelError(f"{folder / CONFIG}: no tagger can be built from it ({why})") from None


def _mismatch(found: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]]) -> str:
    for name in sorted(found.keys() | expected.keys()):
        if name not in found:
            return f"lacks the weights {name!r}"
        if name not in expected:
            return f"holds the weights {name!r}, which the config does not ask for"
        if found[name] != expected[name]:
            return (
                f"{name!r} is {list(found[name])}, but config and vocabulary ask for {list(expected[name])}"
            )
    return "fits"
