"""A dry run does all that a run does, in one step, and leaves nothing behind."""

import math

import pytest
import torch

from rnner.errors import ModelError
from rnner.training import dry_run as module
from rnner.training.dry_run import dry_run
from rnner.training.run import run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, content
from tiny_corpus import config_of, corpus_config, write_columns


def test_a_dry_run_takes_the_longest_sentence_and_changes_nothing(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=3")
    setup, other = prepare_training(config, device=CPU), prepare_training(config, device=CPU)
    before = {name: tensor.clone() for name, tensor in setup.tagger.state_dict().items()}
    files = content(tmp_path)
    trial = dry_run(setup)
    assert trial.longest == setup.corpus.train.lengths.max() and trial.sentences == 3
    assert math.isfinite(trial.loss)
    after = setup.tagger.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert content(tmp_path) == files and not (tmp_path / "run").exists()
    list(run_training(setup, tmp_path / "one")), list(run_training(other, tmp_path / "two"))
    assert content(tmp_path / "one")["model.safetensors"] == content(tmp_path / "two")["model.safetensors"]


def test_a_dry_run_respects_batch_tokens(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=null", "training.batch_tokens=30")
    trial = dry_run(prepare_training(config, device=CPU))
    assert trial.sentences == max(1, 30 // trial.longest)


def test_a_model_that_cannot_be_loaded_again_is_found(tmp_path):
    setup = prepare_training(corpus_config(tmp_path), device=CPU)
    words = setup.config.embeddings.words.model_copy(update={"size": 9})  # the tagger has 8
    embeddings = setup.config.embeddings.model_copy(update={"words": words})
    setup.config = setup.config.model_copy(update={"embeddings": embeddings})
    with pytest.raises(ModelError, match="the files are from different models"):
        dry_run(setup)


def test_neither_the_longest_batch_nor_dev_needs_entities(tmp_path):
    train = write_columns(tmp_path / "train.conll", "it rained and it rained again .\n[PER Ada] slept .")
    dev = write_columns(tmp_path / "dev.conll", "it snowed .")
    setup = prepare_training(config_of("training.batch_sentences=1", train=train, dev=str(dev)), device=CPU)
    assert dry_run(setup).longest == 7


def test_only_some_sentences_are_scored(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SCORED", 1)
    seen = []
    monkeypatch.setattr(
        module, "run_training", lambda trial, folder: seen.append(trial) or run_training(trial, folder)
    )
    dry_run(prepare_training(corpus_config(tmp_path), device=CPU))
    assert (len(seen[0].corpus.dev), len(seen[0].corpus.test)) == (1, 1)
