"""The config of a run: sections and keys, strict loading, writing with comments."""

from rnner.config.bundled import bundled_configs, data_folders, description_of
from rnner.config.inherited import inherit_network
from rnner.config.loading import load_config, load_saved_config, parse_config
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
    "bundled_configs",
    "data_folders",
    "description_of",
    "differences",
    "inherit_network",
    "load_config",
    "load_saved_config",
    "parse_config",
    "schema",
    "to_yaml",
]
