"""What the shell completes: models, configs, keys of a config, formats and corpora.

Typer writes the completion scripts of the shells (`rnner --install-completion`). They call `rnner` with
`_RNNER_COMPLETE` set. When a function here returns nothing, the shell completes file names.

Completion must be fast, so nothing here imports PyTorch. Names of files that a shell would have to quote are
not offered: they could run code in the shells that evaluate completions.
"""

from __future__ import annotations

import os
import re
import textwrap
import typing
from collections.abc import Iterable, Iterator
from glob import escape, glob

_CONFIG_SUFFIXES = (".yaml", ".yml")
_LONGEST = 70
_PLAIN = re.compile(r"[\w./@%+,=:-]+")


def models(incomplete: str) -> list[str]:
    """Complete `--model`: the bundled model, folders of runs, and .onnx files."""
    from rnner.model.file_names import CONFIG
    from rnner.model.names import BUNDLED

    folder = f"{escape(incomplete)}*" if "/" in incomplete else "runs/*"
    runs = (os.path.dirname(path) for path in glob(f"{folder}/{CONFIG}"))
    return _matching([BUNDLED, *sorted(runs), *_files(incomplete, (".onnx",))], incomplete)


def configs(incomplete: str) -> list[tuple[str, str]]:
    """Complete `--config`: bundled configs and YAML files."""
    from rnner.config.bundled import bundled_configs, description_of

    described = {name: description_of(path) for name, path in bundled_configs().items()}
    described |= dict.fromkeys(_files(incomplete, _CONFIG_SUFFIXES), "config file")
    return [(name, described[name]) for name in _matching(described, incomplete)]


def settings(incomplete: str) -> list[tuple[str, str]]:
    """Complete `--set`: keys, as in `training.epochs=`; for a single key, its values or its default too.

    With a second completion, the shell does not add a space after the equals sign.
    """
    from rnner.config.sections import Config, iter_keys

    typed, equals, _ = incomplete.partition("=")
    found = [(key, field) for key, field in iter_keys(Config) if key.startswith(typed)]
    if equals:
        found = [(key, field) for key, field in found if key == typed]
    completions = [(f"{key}=", brief(field.description)) for key, field in found if not equals]
    if len(found) == 1:
        key, field = found[0]
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        values = _choices(field.annotation) or ["null" if default is None else str(default)]
        completions += [(f"{key}={value}", brief(field.description)) for value in values]
    return [item for item in completions if item[0].startswith(incomplete) and _PLAIN.fullmatch(item[0])]


def input_formats(incomplete: str) -> list[str]:
    """Complete the format of an annotated file."""
    from rnner.data.formats.registry import FORMATS

    return _matching(FORMATS, incomplete)


def output_formats(incomplete: str) -> list[str]:
    """Complete the format that `rnner data convert` writes."""
    from rnner.data.formats.registry import WRITABLE

    return _matching(WRITABLE, incomplete)


def corpora(incomplete: str) -> list[str]:
    """Complete an annotated file: the sample corpus, once its name is begun, and files."""
    samples = [f"sample:{part}" for part in ("train", "dev", "test")] if incomplete.startswith("s") else []
    found = _matching(samples, incomplete)
    return [*found, *_matching(_files(incomplete, ("",)), incomplete)] if found else []


def devices(incomplete: str) -> list[str]:
    """Complete `--device`."""
    return _matching(("auto", "cpu", "cuda"), incomplete)


def brief(description: str | None) -> str:
    """Return the first sentence of a description, in one line of at most 70 characters.

    Longer ones would be wrapped, and fish takes each line for a completion.
    """
    sentence = (description or "").split(". ")[0].partition(" [")[0]
    return textwrap.shorten(sentence, _LONGEST, placeholder=" ...")


def _files(incomplete: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Yield the files that begin with a text and end with one of the suffixes."""
    for path in sorted(glob(f"{escape(incomplete)}*")):
        if path.endswith(suffixes):
            yield path


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete) and _PLAIN.fullmatch(name)]


def _choices(annotation: typing.Any) -> list[str]:
    """Return the values of a key that takes one of a few words."""
    if annotation is bool:
        return ["true", "false"]
    values = [value for part in (annotation, *typing.get_args(annotation)) for value in typing.get_args(part)]
    return [value for value in dict.fromkeys(values) if isinstance(value, str)]
