"""Learning curves: nested shares, ordinary training runs, and results that outlive an interruption."""

from itertools import pairwise

import numpy as np
import pytest

from rnner.errors import UsageError
from rnner.training.learning_curve import (
    CurvePoint,
    CurveRunner,
    LearningCurve,
    Task,
    curve_configs,
    nested_share,
    prepare_folder,
    task_folder,
    tasks,
    with_more_epochs,
)
from rnner.training.run import InterruptedRun
from rnner.training.setup import read_training_data
from run_helpers import CPU, content
from tiny_corpus import TRAIN, corpus_config, split_of

MANY = "\n".join([TRAIN.strip()] * 20)
SHARES = [0.125, 0.25, 0.5, 1.0]


def points(*scores, seeds=(1, 2), spread=0.002):
    return [
        CurvePoint(seed, share, int(1000 * share), 100, score, score, score + spread * seed, 1.0)
        for share, score in zip(SHARES, scores, strict=False)
        for seed in seeds
    ]


@pytest.fixture
def runner(tmp_path, config):
    configs = curve_configs(config, 2)
    data = read_training_data(configs[1])
    return CurveRunner(configs, data, tmp_path / "curve", CPU)


def test_larger_shares_contain_the_smaller_ones():
    split = split_of(MANY)
    parts = [nested_share(split, share, seed=3).tolist() for share in SHARES]
    assert [len(part) for part in parts] == [25, 50, 100, 200]
    assert all(set(small) < set(large) for small, large in pairwise(parts))
    assert parts[0] == sorted(parts[0])
    assert nested_share(split, 0.125, seed=4).tolist() != parts[0]


def test_documents_are_taken_whole():
    documents = [number // 5 for number in range(200)]
    split = split_of(MANY, documents=documents)
    part = nested_share(split, 0.12, seed=1)
    _, counts = np.unique(split.documents[part], return_counts=True)
    assert counts.tolist() == [5] * 5


def test_a_share_of_a_small_corpus_has_at_least_one_sentence():
    assert len(nested_share(split_of(TRAIN), 0.001, seed=1)) == 1


def test_smaller_shares_have_more_epochs(config):
    epochs = [with_more_epochs(config, share).training.epochs for share in SHARES]
    assert epochs == [12, 12, 6, 3]


def test_the_largest_runs_come_first():
    assert tasks([1, 2], [0.5, 1.0]) == [Task(1, 1.0), Task(2, 1.0), Task(1, 0.5), Task(2, 0.5)]


def test_a_run_is_an_ordinary_one_and_is_not_repeated(runner, monkeypatch):
    point = runner.run(Task(1, 0.5))
    assert (point.sentences, point.entities) == (5, sum(map(len, trained_spans(runner, Task(1, 0.5)))))
    before = content(task_folder(runner.folder, Task(1, 0.5)))
    assert "model.safetensors" in before
    monkeypatch.setattr("rnner.training.learning_curve.run_training", pytest.fail)
    assert runner.run(Task(1, 0.5)) == point
    assert content(task_folder(runner.folder, Task(1, 0.5))) == before


def trained_spans(runner, task):
    train = runner.data.corpus.train
    return train.select(nested_share(train, task.share, seed=task.seed)).all_spans()


def test_an_interrupted_run_ends_with_the_bits_of_an_uninterrupted_one(runner, tmp_path):
    calls = []
    stopping = CurveRunner(
        runner.configs, runner.data, runner.folder, CPU, lambda: calls.append(1) or len(calls) > 4
    )
    with pytest.raises(InterruptedRun):
        stopping.run(Task(2, 0.5))
    other = CurveRunner(runner.configs, runner.data, tmp_path / "other", CPU)
    assert runner.run(Task(2, 0.5))[:-1] == other.run(Task(2, 0.5))[:-1]
    weights = [
        (task_folder(own.folder, Task(2, 0.5)) / "model.safetensors").read_bytes() for own in (runner, other)
    ]
    assert weights[0] == weights[1]


def test_a_folder_is_continued_only_with_the_same_data_and_config(runner, config, tmp_path):
    first = runner.configs[1]
    prepare_folder(runner.folder, runner.data, first, overwrite=False)
    prepare_folder(runner.folder, runner.data, curve_configs(config, 5)[1], overwrite=False)  # more seeds
    runner.run(Task(1, 1.0))
    other = curve_configs(corpus_config(tmp_path, "encoder.hidden=9"), 1)[1]
    with pytest.raises(UsageError, match="other data or another config; use --overwrite"):
        prepare_folder(runner.folder, runner.data, other, overwrite=False)
    prepare_folder(runner.folder, runner.data, other, overwrite=True)
    assert [path.name for path in runner.folder.iterdir()] == ["learning-curve.json"]


def test_other_files_are_kept(runner):
    runner.folder.mkdir()
    (runner.folder / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not from a learning curve"):
        prepare_folder(runner.folder, runner.data, runner.configs[1], overwrite=True)
    assert (runner.folder / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("curve", "words"),
    [
        (points(0.3, 0.42, 0.52, 0.6), "is worth annotating"),
        (points(0.799, 0.8, 0.8, 0.8, spread=0.0005), "gains little"),
        (points(0.3, 0.55, 0.5, 0.6, spread=0.05), "cannot tell"),
        (points(0.3, 0.42, 0.52, 0.6, seeds=(1,)), "use --seeds 3"),
        (points(0.3, 0.42, 0.52), "needs 4 shares"),
    ],
)
def test_the_verdict_says_whether_more_data_helps_or_that_it_cannot_be_known(curve, words):
    assert words in LearningCurve.of(curve).verdict()


def test_the_order_of_the_points_does_not_matter():
    ordered = points(0.3, 0.42, 0.52, 0.6)
    assert LearningCurve.of(ordered[::-1]) == LearningCurve.of(ordered)
    assert [prediction.size for prediction in LearningCurve.of(ordered).predictions] == [2000, 4000]
