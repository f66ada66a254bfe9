"""The config of a run: what it may hold, read from YAML, checked as a whole, written back with comments."""

from rnner.config.loading import load_config, parse_config
from rnner.config.sections import (
    CharactersConfig,
    Config,
    EncoderConfig,
    TrainingConfig,
    WordsConfig,
    differences,
    schema,
    section_at,
    walk,
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
    "section_at",
    "to_yaml",
    "walk",
]
