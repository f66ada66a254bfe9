"""A run from a config to a model folder."""

import json
import math

import pytest
import torch

from rnner.config import load_config, parse_config
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import DataError
from rnner.model.folder import load_model, save_description, save_weights
from rnner.scoring.evaluation import evaluate
from rnner.training.run import finished, train
from rnner.training.setup import prepare, try_longest
from runs import CPU, FILES, content, figures, log_of, run
from tiny import TRAIN, config_of, corpus_config, tagger_of, write_columns


def test_a_run_leaves_a_model_folder(whole):
    config, folder = whole
    assert {path.name for path in folder.iterdir()} == FILES
    assert load_config(folder / "config.yaml") == config
    log = log_of(folder)
    assert [line["epoch"] for line in log] == [1, 2, 3]
    assert all(
        math.isfinite(line["loss"]) and {"precision", "recall", "f1"} == set(line["dev"]) for line in log
    )
    assert "PER" in (folder / "README.md").read_text()


def test_the_figures_have_the_layout_that_scripts_rely_on(whole):
    _, folder = whole
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


def test_the_scores_are_those_of_the_best_model_on_disk(whole):
    config, folder = whole
    model = load_model(folder)
    corpus = prepare(config, device=CPU).corpus
    decoder = TaggerDecoder(model.tagger, model.vocabulary)
    scores = {"dev": evaluate(decoder, corpus.dev), "test": evaluate(decoder, corpus.test)}
    written = json.loads(json.dumps({name: score.to_dict() for name, score in scores.items()}))
    assert figures(folder) == written
    log = log_of(folder)
    best = [line for line in log if line["best"]][-1]
    assert best["dev"]["f1"] == figures(folder)["dev"]["f1"] == max(line["dev"]["f1"] for line in log)
    assert finished(folder)["train"]["best_epoch"] == best["epoch"]


def test_the_best_epoch_is_kept_and_not_the_last(tmp_path, config, monkeypatch):
    scores, seen = iter([1, 3, 2]), []

    def told(decoder, split):
        real = evaluate(decoder, split)
        seen.append({name: p.clone() for name, p in decoder.tagger.state_dict().items()})
        return type(real)(**{**vars(real), "f1": next(scores, 5) / 10})

    monkeypatch.setattr("rnner.training.setup.evaluate", told)
    run(tmp_path / "run", config)
    kept = load_model(tmp_path / "run").tagger.state_dict()
    assert all(torch.equal(kept[name], seen[1][name]) for name in kept)
    assert not all(torch.equal(kept[name], seen[2][name]) for name in kept)


def test_the_same_run_twice_is_the_same_bytes(tmp_path, whole):
    config, folder = whole
    run(tmp_path / "again", config)
    for name in ("model.safetensors", "vocabulary.json", "config.yaml"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()
    assert figures(tmp_path / "again") == figures(folder)


def test_without_dev_a_part_of_train_is_held_out_and_that_is_said(tmp_path):
    config = corpus_config(tmp_path)
    config = parse_config(config.model_dump(), ["data.dev=null", "data.test=null", "training.epochs=1"])
    job = prepare(config, device=CPU)
    assert any("held out" in notice for notice in job.notices)
    assert len(job.corpus.train) + len(job.corpus.dev) == 10 and len(job.corpus.dev) == 1
    list(train(job, tmp_path / "run"))
    assert "dev" in finished(tmp_path / "run") and "test" not in finished(tmp_path / "run")


def test_labels_that_train_lacks_count_as_missed_and_that_is_said(tmp_path):
    config = corpus_config(tmp_path, "training.epochs=1")
    write_columns(tmp_path / "test.conll", "[EVENT Yule Ball] was in [LOC Hogwarts] .")
    job = prepare(config, device=CPU)
    assert any("EVENT" in warning for warning in job.warnings)
    list(train(job, tmp_path / "run"))
    assert finished(tmp_path / "run")["test"]["per_type"]["EVENT"]["support"] == 1


def test_paths_are_looked_up_from_the_given_folders(tmp_path):
    write_columns(tmp_path / "mine.conll", TRAIN)
    with pytest.raises(DataError, match=r"mine\.conll"):
        prepare(config_of(train="mine.conll"), device=CPU)
    assert len(prepare(config_of(train="mine.conll"), folders=[tmp_path], device=CPU).corpus.train) == 9


def test_names_alone_are_learnt_from_any_labels(tmp_path):
    config = corpus_config(tmp_path, "data.scheme=binary", "training.epochs=1")
    run(tmp_path / "run", config)
    assert load_model(tmp_path / "run").vocabulary.labels == ["NAME"]
    assert set(figures(tmp_path / "run")["dev"]["per_type"]) == {"NAME"}


def test_a_trial_takes_the_longest_sentence_and_changes_nothing(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=3")
    job, other = prepare(config, device=CPU), prepare(config, device=CPU)
    before = {name: tensor.clone() for name, tensor in job.tagger.state_dict().items()}
    files = content(tmp_path)
    trial = try_longest(job)
    assert trial.longest == job.corpus.train.lengths.max() and trial.sentences == 3
    assert math.isfinite(trial.loss) and trial.parameters == sum(p.numel() for p in job.tagger.parameters())
    after = job.tagger.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert content(tmp_path) == files and not (tmp_path / "run").exists()
    list(train(job, tmp_path / "one")), list(train(other, tmp_path / "two"))
    assert content(tmp_path / "one")["model.safetensors"] == content(tmp_path / "two")["model.safetensors"]


def test_a_trial_keeps_within_the_bound_of_tokens(tmp_path):
    config = corpus_config(tmp_path, "training.batch_sentences=null", "training.batch_tokens=30")
    trial = try_longest(prepare(config, device=CPU))
    assert trial.sentences == max(1, 30 // trial.longest)


def test_a_finished_run_tells_its_figures_and_others_none(tmp_path, whole):
    _, folder = whole
    assert finished(folder)["train"]["epochs"] == 3
    assert finished(tmp_path) is None and finished(tmp_path / "nowhere") is None
    tagger, vocabulary = tagger_of()
    save_description(tmp_path, config_of(), vocabulary)
    save_weights(tmp_path, tagger)
    assert finished(tmp_path) is None
