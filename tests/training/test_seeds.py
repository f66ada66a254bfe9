"""Runs with several seeds: their folders, their summary and the best model."""

import statistics

import pytest

from rnner.config import parse_config
from rnner.errors import ModelError, UsageError
from rnner.model.folder import load_metrics, load_model, save_metrics
from rnner.training.output_folder import check_output, check_same_config, clear_output
from rnner.training.seeds import (
    check_seeds_output,
    finished_summary,
    format_f1,
    load_seeds,
    prepare_seeds_folder,
    seed_configs,
    seed_folder,
    summarize_seeds,
)
from rnner.training.setup import prepare_training, read_training_data
from run_helpers import CPU, FILES, content, run, stopped_after
from tiny_corpus import TRAIN, corpus_config, write_columns


def started(folder, config, count, **options):
    """Start a run with several seeds and return its configs."""
    configs = seed_configs(config, count)
    check_seeds_output(folder, configs, **{"resume": False, "overwrite": False, **options})
    first = next(iter(configs.values()))
    prepare_seeds_folder(
        folder, prepare_training(first, device=CPU), configs, resume=options.get("resume", False)
    )
    return configs


def trained(folder, config, count):
    configs = started(folder, config, count)
    for seed, own in configs.items():
        run(seed_folder(folder, seed), own)
    return configs


def set_dev(folder, seed, f1, loss):
    metrics = load_metrics(seed_folder(folder, seed))
    metrics["dev"]["f1"], metrics["train"]["dev_loss"] = f1, loss
    save_metrics(seed_folder(folder, seed), metrics)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A finished run with three seeds. Do not write to it."""
    folder = tmp_path_factory.mktemp("three")
    config = corpus_config(folder, "training.epochs=1")
    trained(folder / "run", config, 3)
    return config, folder / "run", summarize_seeds(folder / "run")


def test_seeds_count_up_from_the_seed_of_the_config(config):
    config = parse_config(config.model_dump(), ["training.seed=7"])
    configs = seed_configs(config, 3)
    assert [(seed, own.training.seed) for seed, own in configs.items()] == [(7, 7), (8, 8), (9, 9)]
    assert configs[7] == config


def test_all_seeds_hold_out_the_same_sentences(config):
    config = parse_config(config.model_dump(), ["data.dev=null", "training.seed=4"])
    dev = [
        prepare_training(own, device=CPU).corpus.dev.sentences() for own in seed_configs(config, 4).values()
    ]
    assert all(held == dev[0] for held in dev)
    alone = [
        prepare_training(parse_config(config.model_dump(), [f"training.seed={seed}"]), device=CPU)
        for seed in range(4, 8)
    ]
    assert alone[0].corpus.dev.sentences() == dev[0]
    assert any(setup.corpus.dev.sentences() != dev[0] for setup in alone)


def test_the_run_of_a_seed_equals_a_single_run(tmp_path, three):
    config, folder, _ = three
    run(tmp_path / "alone", parse_config(config.model_dump(), ["training.seed=2"]))
    for name in ("model.safetensors", "config.yaml", "vocabulary.json"):
        assert (tmp_path / "alone" / name).read_bytes() == (folder / "seed-2" / name).read_bytes()


def test_data_read_once_gives_the_same_setup_for_each_seed(config):
    configs = seed_configs(config, 2)
    sources = read_training_data(configs[1])
    for own in configs.values():
        shared, read = (prepare_training(own, device=CPU, data=given) for given in (sources, None))
        assert shared.fingerprint == read.fingerprint
        weights = read.tagger.state_dict()
        assert all(weights[name].equal(tensor) for name, tensor in shared.tagger.state_dict().items())


def test_mean_and_sample_deviation_are_over_all_seeds(three):
    _, folder, summary = three
    assert summary == load_seeds(folder) == finished_summary(folder, [1, 2, 3])
    for split in ("dev", "test"):
        for name in ("precision", "recall", "f1"):
            values = [load_metrics(folder / f"seed-{seed}")[split][name] for seed in (1, 2, 3)]
            assert [run[split][name] for run in summary["runs"]] == values
            assert summary["mean"][split][name] == pytest.approx(sum(values) / 3)
            assert summary["sd"][split][name] == pytest.approx(statistics.stdev(values))


@pytest.mark.parametrize(
    ("scores", "losses", "best"),
    [
        ((0.2, 0.6, 0.4), (1.0, 3.0, 1.0), 2),
        ((0.2, 0.6, 0.6), (1.0, 3.0, 2.0), 3),  # of equal F1, the lower loss
        ((0.5, 0.5, 0.1), (2.0, 2.0, 1.0), 1),  # of equals, the lower seed
    ],
)
def test_the_folder_becomes_the_model_that_is_best_on_dev(tmp_path, config, scores, losses, best):
    trained(tmp_path / "run", parse_config(config.model_dump(), ["training.epochs=1"]), 3)
    for seed, (f1, loss) in enumerate(zip(scores, losses, strict=True), start=1):
        set_dev(tmp_path / "run", seed, f1, loss)
    summary = summarize_seeds(tmp_path / "run")
    assert summary["best"] == best
    combined, own = content(tmp_path / "run"), content(tmp_path / "run" / f"seed-{best}")
    assert set(combined) == FILES | {"seeds.json"} and set(own) == FILES
    assert all(combined[name] == own[name] for name in FILES - {"README.md", "manifest.json"})
    assert load_model(tmp_path / "run").config.training.seed == best
    card = combined["README.md"].decode()
    assert card.startswith(own["README.md"].decode())
    assert f"has seed {best}, the best on dev of seeds 1, 2, 3" in card
    assert f"- dev {format_f1(summary, 'dev')}" in card


def test_f1_is_formatted_with_its_deviation():
    def summary(sd, count):
        return {"mean": {"dev": {"f1": 0.94351}}, "sd": {"dev": {"f1": sd}}, "runs": [{}] * count}

    assert format_f1(summary(0.00123, 3), "dev") == "F1 0.944 ± 0.001 (3 seeds)"
    assert format_f1(summary(None, 1), "dev") == "F1 0.944 (1 seed)"


def test_one_seed_has_no_deviation(tmp_path, config):
    trained(tmp_path / "run", config, 1)
    summary = summarize_seeds(tmp_path / "run")
    assert summary["sd"]["dev"]["f1"] is None
    assert summary["mean"]["dev"] == summary["runs"][0]["dev"]


def test_a_seed_without_a_loss_on_dev_is_refused(tmp_path, config):
    trained(tmp_path / "run", parse_config(config.model_dump(), ["training.epochs=1"]), 1)
    metrics = load_metrics(tmp_path / "run" / "seed-1")
    del metrics["train"]["dev_loss"]
    save_metrics(tmp_path / "run" / "seed-1", metrics)
    with pytest.raises(ModelError, match=r"seed-1: the metrics have no loss on dev; use --overwrite"):
        summarize_seeds(tmp_path / "run")


def test_failed_seeds_are_left_out_and_the_run_is_not_finished(tmp_path, config):
    configs = started(tmp_path / "run", config, 3)
    assert summarize_seeds(tmp_path / "run") is None
    for seed in (1, 3):
        run(seed_folder(tmp_path / "run", seed), configs[seed])
    assert [run["seed"] for run in summarize_seeds(tmp_path / "run")["runs"]] == [1, 3]
    assert finished_summary(tmp_path / "run", configs) is None
    load_model(tmp_path / "run")


def test_a_run_with_seeds_is_resumed_or_replaced_only_on_request(three):
    config, folder, _ = three
    with pytest.raises(UsageError, match=r"contains a run; .*--resume .* --overwrite"):
        check_seeds_output(folder, seed_configs(config, 3), resume=False, overwrite=False)
    check_seeds_output(folder, seed_configs(config, 3), resume=True, overwrite=False)
    check_seeds_output(folder, seed_configs(config, 5), resume=True, overwrite=False)
    check_seeds_output(folder, seed_configs(config, 2), resume=False, overwrite=True)


@pytest.mark.parametrize(("first", "count", "seeds"), [(1, 2, "1 to 2"), (2, 3, "2 to 4"), (2, 1, "2")])
def test_a_run_is_not_resumed_with_other_seeds(three, first, count, seeds):
    config, folder, _ = three
    config = parse_config(config.model_dump(), [f"training.seed={first}"])
    with pytest.raises(UsageError, match=rf"has seeds 1 to 3, this run {seeds}; .* --overwrite"):
        check_seeds_output(folder, seed_configs(config, count), resume=True, overwrite=False)


def test_a_run_is_not_resumed_with_another_config(tmp_path, config):
    stopped_after(tmp_path / "run" / "seed-2", started(tmp_path / "run", config, 2)[2], 1)
    other = parse_config(config.model_dump(), ["encoder.hidden=9"])
    with pytest.raises(
        UsageError, match=r"seed-2: the run there has another config \(old / new: encoder\.hidden: 8 / 9"
    ):
        check_seeds_output(tmp_path / "run", seed_configs(other, 2), resume=True, overwrite=False)


def test_a_run_is_not_resumed_with_other_data(tmp_path, config):
    configs = trained(tmp_path / "run", config, 2)
    write_columns(tmp_path / "train.conll", TRAIN.replace("Hogwarts", "Durmstrang"))
    before = content(tmp_path / "run")
    with pytest.raises(ModelError, match=r"started with other data, vectors or weights; .* --overwrite"):
        prepare_seeds_folder(tmp_path / "run", prepare_training(configs[1], device=CPU), configs, resume=True)
    assert content(tmp_path / "run") == before


def test_a_run_is_not_resumed_with_another_init_from(tmp_path, config, finished_run):
    configs = started(tmp_path / "run", config, 2)
    setup = prepare_training(configs[1], device=CPU, init_from=load_model(finished_run[1]))
    with pytest.raises(ModelError, match="other data, vectors or weights"):
        prepare_seeds_folder(tmp_path / "run", setup, configs, resume=True)


def test_single_runs_and_runs_with_seeds_are_not_resumed_as_each_other(three, finished_run):
    config, folder, _ = three
    with pytest.raises(UsageError, match=r"contains a run of several seeds; .* --seeds N"):
        check_same_config(folder, config)
    with pytest.raises(UsageError, match=r"contains a run of a single seed; .* without --seeds"):
        check_seeds_output(finished_run[1], seed_configs(finished_run[0], 2), resume=True, overwrite=False)


def test_other_files_in_a_seed_folder_are_refused(tmp_path, config):
    started(tmp_path / "run", config, 2)
    (tmp_path / "run" / "seed-2").mkdir()
    (tmp_path / "run" / "seed-2" / "thesis.tex").write_text("mine")
    for resume in (True, False):
        with pytest.raises(UsageError, match="seed-2: contains files that are not from a run"):
            check_seeds_output(tmp_path / "run", seed_configs(config, 2), resume=resume, overwrite=not resume)


@pytest.mark.parametrize(
    "held", ["", "[]", "{}", '{"seeds": [], "start": "a"}', '{"seeds": "1", "start": "a"}']
)
def test_a_corrupted_seeds_file_is_reported_and_can_be_replaced(tmp_path, config, held):
    started(tmp_path / "run", config, 2)
    (tmp_path / "run" / "seeds.json").write_text(held)
    with pytest.raises(ModelError, match=r"seeds\.json: is corrupted .* --overwrite"):
        check_seeds_output(tmp_path / "run", seed_configs(config, 2), resume=True, overwrite=False)
    started(tmp_path / "run", config, 2, overwrite=True)
    assert load_seeds(tmp_path / "run")["seeds"] == [1, 2]


def test_replacing_a_run_removes_all_seeds_and_keeps_other_files(tmp_path, config):
    trained(tmp_path / "run", config, 3)
    summarize_seeds(tmp_path / "run")
    (tmp_path / "run" / "seed-3" / "predictions.txt").write_text("mine")
    (tmp_path / "run" / "seed-notes").write_text("mine")
    clear_output(tmp_path / "run")
    left = [str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*")]
    assert sorted(left) == ["seed-3", "seed-3/predictions.txt", "seed-notes"]


@pytest.mark.parametrize("survivors", range(0, 13, 3))
def test_a_folder_cleared_only_in_part_is_still_accepted(tmp_path, config, survivors, monkeypatch):
    trained(tmp_path / "run", parse_config(config.model_dump(), ["training.epochs=1"]), 1)
    summarize_seeds(tmp_path / "run")
    unlink, left = type(tmp_path).unlink, [survivors]

    def limited(path, missing_ok=False):
        if path.exists():
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(type(tmp_path), "unlink", limited)
    with pytest.raises(KeyboardInterrupt):
        clear_output(tmp_path / "run")
    check_output(tmp_path / "run", resume=False, overwrite=True)
    check_seeds_output(tmp_path / "run", seed_configs(config, 1), resume=False, overwrite=True)
    assert survivors == 0 or load_metrics(tmp_path / "run") is None
