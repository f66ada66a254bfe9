"""Config of a run that continues from a model: the network comes from the model, the rest from the config."""

from __future__ import annotations

from typing import Any

from rnner.config.sections import Config, flatten
from rnner.errors import ConfigError

# Keys that describe the network and its tags. Values that a config does not set come from the model.
_NETWORK = ("embeddings.", "encoder.", "head", "data.scheme", "text.")
# Keys of these sections that may differ from the model, because they affect only the run or new words.
_FREE = ("embeddings.words.min_count", "embeddings.words.min_coverage", "encoder.path")
# The model's vectors are kept, so the file is not read.
_VECTORS = "embeddings.words.vectors"
_OF_FILE = (_VECTORS, "embeddings.words.limit")


def inherit_network(config: Config, model: Config) -> tuple[Config, list[str]]:
    """Return the config with the network of a model, and notes on keys that are not used.

    Args:
        config: the config of the run. Network keys that it does not set come from the model.
        model: the config of the model that the run continues from.

    Raises:
        ConfigError: lists the keys whose values were set and contradict the model.
    """
    tree = config.model_dump(exclude_unset=True)
    named, notes = flatten(tree), []
    values = {key: value for key, value in flatten(model.model_dump()).items() if is_network_key(key)}
    not_compared = list(_OF_FILE)
    if named.get(_VECTORS) not in (None, values[_VECTORS]):
        notes.append(f"{_VECTORS} is not read, because --init-from keeps the model's vectors")
        not_compared.append("embeddings.words.size")  # the model's vectors determine the size
    problems = [
        f"{key}: {value!r} / {_value_at(model, key)!r} (config / model): must match the model given with "
        "--init-from; remove this key to use the model's value"
        for key, value in named.items()
        if is_network_key(key) and key not in not_compared and (key not in values or value != values[key])
    ]
    if problems:
        raise ConfigError(problems)
    for key, value in values.items():
        *sections, name = key.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = value
    return Config.model_validate(tree), notes


def is_network_key(key: str) -> bool:
    """Return whether a key describes the network or its tags, which a model keeps in further training."""
    return key.startswith(_NETWORK) and key not in _FREE


def _value_at(config: Config, key: str) -> Any:
    """Return the value of a key; None if a section on its path is null."""
    value: Any = config.model_dump()
    for name in key.split("."):
        value = value[name] if isinstance(value, dict) else value
    return value
