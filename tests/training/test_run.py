"""Training runs from a config to a model folder."""

import json
import math
from dataclasses import replace

import pytest
import torch

from rnner.config import load_config, parse_config
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import DataError
from rnner.model.folder import load_metrics, load_model, save_config_and_vocabulary, save_weights
from rnner.scoring.evaluation import evaluate
from rnner.training.progress import DevResult
from rnner.training.run import run_training
from rnner.training.setup import evaluate_dev, prepare_training
from run_helpers import CPU, FILES, figures, log_of, run
from tiny_corpus import TRAIN, config_of, corpus_config, tagger_of, words_of, write_columns


def test_a_run_writes_a_model_folder(finished_run):
    config, folder = finished_run
    assert {path.name for path in folder.iterdir()} == FILES
    assert load_config(folder / "config.yaml") == config
    log = log_of(folder)
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert all(
        math.isfinite(line["loss"]) and {"precision", "recall", "f1"} == set(line["dev"]) for line in log
    )
    assert "PER" in (folder / "README.md").read_text()


def test_metrics_have_the_keys_that_scripts_use(finished_run):
    _, folder = finished_run
    metrics = json.loads((folder / "metrics.json").read_text())
    for split in ("dev", "test"):
        assert {"f1", "precision", "recall", "per_type"} <= set(metrics[split])
        assert all(0 <= metrics[split][name] <= 1 for name in ("f1", "precision", "recall"))
        assert all("f1" in score for score in metrics[split]["per_type"].values())
    assert metrics["train"]["epochs"] == 3
    for name in ("seconds", "tokens_per_second", "peak_memory_mb"):
        assert metrics["train"][name] > 0
    assert metrics["scheme"] == "bioes" and metrics["seed"] == 1
    assert {"rnner", "torch", "python"} <= set(metrics["versions"])


def test_metrics_are_those_of_the_best_saved_model(finished_run):
    config, folder = finished_run
    model = load_model(folder)
    corpus = prepare_training(config, device=CPU).corpus
    decoder = TaggerDecoder(model.tagger, model.vocabulary)
    scores = {"dev": evaluate(decoder, corpus.dev), "test": evaluate(decoder, corpus.test)}
    written = json.loads(json.dumps({name: score.to_dict() for name, score in scores.items()}))
    assert figures(folder) == written
    log = log_of(folder)
    best = [line for line in log if line["best"]][-1]
    assert best["dev"]["f1"] == figures(folder)["dev"]["f1"] == max(line["dev"]["f1"] for line in log)
    assert load_metrics(folder)["train"]["best_epoch"] == best["epoch"]


def test_the_best_epoch_is_saved_not_the_last(tmp_path, config, monkeypatch):
    f1, seen = iter([1, 3, 2]), []

    def fake_evaluate(decoder, split, names):
        scores, loss = evaluate_dev(decoder, split, names)
        seen.append({name: p.clone() for name, p in decoder.tagger.state_dict().items()})
        return DevResult(replace(scores, f1=next(f1, 5) / 10), loss)

    monkeypatch.setattr("rnner.training.setup.evaluate_dev", fake_evaluate)
    run(tmp_path / "run", config)
    kept = load_model(tmp_path / "run").tagger.state_dict()
    assert all(torch.equal(kept[name], seen[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], seen[2][name]) for name in kept)


def names_in(folder, text):
    """Return the entities that a saved model finds in a text of annotated sentences."""
    model = load_model(folder)
    found = TaggerDecoder(model.tagger, model.vocabulary).spans(words_of(text))
    return [span for spans in found for span in spans]


NAMES = "\n".join(f"[PER {name}] slept in the {place} ." for name, place in zip(
    ("Ada", "Bo", "Clara", "Dora"), ("train", "house", "car", "garden"), strict=True
))  # fmt: skip
RAIN = "\n".join(f"it rained for {i} days ." for i in range(36))
QUICK = ("training.epochs=12", "training.average=null", "training.learning_rate=0.05", "dropout.words=0")


@pytest.mark.parametrize("seed", [1, 2])
def test_the_held_out_part_of_a_corpus_with_few_names_has_some(tmp_path, seed):
    train = write_columns(tmp_path / "train.conll", f"{NAMES}\n{RAIN}")
    setup = prepare_training(config_of(*QUICK, f"training.seed={seed}", train=train), device=CPU)
    assert setup.corpus.train.labels == setup.corpus.dev.labels == ["PER"]
    assert setup.corpus.warnings == []
    list(run_training(setup, tmp_path / "run"))
    assert len(names_in(tmp_path / "run", NAMES)) >= 3


def test_without_entities_in_dev_the_loss_decides_and_the_model_finds_names(tmp_path):
    train = write_columns(tmp_path / "train.conll", f"{NAMES}\n{RAIN}")
    dev = write_columns(tmp_path / "dev.conll", "it snowed for 3 days .\nthe car slept .")
    setup = prepare_training(config_of(*QUICK, train=train, dev=str(dev)), device=CPU)
    assert [warning[:20] for warning in setup.corpus.warnings] == ["dev has no entities,"]
    list(run_training(setup, tmp_path / "run"))
    losses = [line["dev_loss"] for line in log_of(tmp_path / "run")]
    summary = load_metrics(tmp_path / "run")["train"]
    assert summary["dev_loss"] == min(losses) == losses[summary["best_epoch"] - 1]
    assert summary["best_epoch"] > 1 and len(names_in(tmp_path / "run", NAMES)) == 4


def test_two_equal_runs_write_equal_bytes(tmp_path, finished_run):
    config, folder = finished_run
    run(tmp_path / "again", config)
    for name in ("model.safetensors", "vocabulary.json", "config.yaml"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert figures(tmp_path / "again") == figures(folder)


def test_without_dev_a_part_of_train_is_held_out_with_a_notice(tmp_path):
    config = corpus_config(tmp_path)
    config = parse_config(config.model_dump(), ["data.dev=null", "data.test=null", "training.epochs=1"])
    setup = prepare_training(config, device=CPU)
    assert any("held out" in notice for notice in setup.notices)
    assert len(setup.corpus.train) + len(setup.corpus.dev) == 10 and len(setup.corpus.dev) == 1
    list(run_training(setup, tmp_path / "run"))
    assert "dev" in load_metrics(tmp_path / "run") and "test" not in load_metrics(tmp_path / "run")


def test_labels_missing_in_train_count_as_missed_with_a_warning(tmp_path):
    config = corpus_config(tmp_path, "training.epochs=1")
    write_columns(tmp_path / "test.conll", "[EVENT Yule Ball] was in [LOC Hogwarts] .")
    setup = prepare_training(config, device=CPU)
    assert any("EVENT" in warning for warning in setup.corpus.warnings)
    list(run_training(setup, tmp_path / "run"))
    assert load_metrics(tmp_path / "run")["test"]["per_type"]["EVENT"]["support"] == 1


def test_paths_are_looked_up_from_the_given_folders(tmp_path):
    write_columns(tmp_path / "mine.conll", TRAIN)
    with pytest.raises(DataError, match=r"mine\.conll"):
        prepare_training(config_of(train="mine.conll"), device=CPU)
    assert (
        len(prepare_training(config_of(train="mine.conll"), folders=[tmp_path], device=CPU).corpus.train) == 9
    )


def test_the_binary_scheme_merges_all_labels(tmp_path):
    config = corpus_config(tmp_path, "data.scheme=binary", "training.epochs=1")
    run(tmp_path / "run", config)
    assert load_model(tmp_path / "run").vocabulary.labels == ["NAME"]
    assert set(figures(tmp_path / "run")["dev"]["per_type"]) == {"NAME"}


def test_only_a_finished_run_has_metrics(tmp_path, finished_run):
    _, folder = finished_run
    assert load_metrics(folder)["train"]["epochs"] == 3
    assert load_metrics(tmp_path) is None and load_metrics(tmp_path / "nowhere") is None
    tagger, vocabulary = tagger_of()
    save_config_and_vocabulary(tmp_path, config_of(), vocabulary)
    save_weights(tmp_path, tagger)
    assert load_metrics(tmp_path) is None
