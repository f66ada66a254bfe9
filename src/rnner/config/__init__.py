"""The config of a run: sections and keys, strict loading, writing with comments."""

from rnner.config.loading import load_config, parse_config
from rnner.config.sections import (
    CharactersConfig,
    Config,
    EncoderConfig,
    TrainingConfig,
    WordsConfig,
    differences,
    schema,
)
from rnner.config.writing import to_yaml

__all__ = [
    "CharactersConfig",
    "Config",
    "EncoderConfig",
    "TrainingConfig",
    "WordsConfig",
    "differences",
    "load_config",
    "parse_config",
    "schema",
    "to_yaml",
]
