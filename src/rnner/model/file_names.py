"""The names of the files in a model folder, and their size limits."""

from __future__ import annotations

CONFIG = "config.yaml"
VOCABULARY = "vocabulary.json"
WEIGHTS = "model.safetensors"
METRICS = "metrics.json"
LOG = "log.jsonl"
CARD = "README.md"
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint"  # a folder, until training ends
SEEDS = "seeds.json"  # only where one config was trained with several seeds
ONNX = "model.onnx"  # only after `rnner export`

FOLDER_FILES = {CONFIG: 1 << 20, VOCABULARY: 1 << 30, WEIGHTS: 1 << 32}
"""The files that every model folder has, and the maximum size of each in bytes."""
ONNX_FILES = {ONNX: 1 << 31}
OPTIONAL_FILES = {METRICS: 1 << 26, CARD: 1 << 20, MANIFEST: 1 << 20}
MODEL_FILES = (*FOLDER_FILES, *ONNX_FILES, *OPTIONAL_FILES)
"""All files of a model that are copied or downloaded with it."""
