"""`rnner train --seeds N`: its output, its files, resuming; in one process and in several."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from rnner.cli import progress_display as display
from rnner.errors import TrainingError
from rnner.model.file_names import LOG, METRICS, SEEDS, WEIGHTS
from rnner.training.trainer import Trainer

RNNER = [sys.executable, "-c", "from rnner.cli.main import main; main()"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TINY = ["train", "--config", "tiny.yaml", "--set", "training.epochs=2", "--threads", "1"]


@pytest.fixture
def train(rnner, folder):
    """Train tiny.yaml, whose seed is 3, for two epochs into `run`, unless options say otherwise."""
    return lambda *options, output="run": rnner(*TINY, "--output", output, *options)


@pytest.fixture
def interrupt(monkeypatch):
    """`interrupt(n)` presses Ctrl-C at the nth event; an epoch has 5, of which 4 are steps."""

    def arrange(at):
        events = iter(range(10_000))

        def show(self, event):
            if next(events) == at:
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(display.PlainDisplay, "show", show)

    return arrange


@pytest.fixture
def diverge(monkeypatch):
    """`diverge(seed)` makes training with this seed fail."""
    fit = Trainer.fit

    def arrange(seed):
        def failing(self):
            if self.config.seed == seed:
                raise TrainingError("the loss is nan")
            yield from fit(self)

        monkeypatch.setattr(Trainer, "fit", failing)

    yield arrange
    monkeypatch.undo()


def weights(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob(WEIGHTS)}


def timeless(text):
    return re.sub(r"\s+[\d,]+ s\b", "", text)


def test_the_summary_goes_to_stdout(train, rnner, folder):
    outcome = train("--seeds", 3)
    summary = json.loads((folder / "run" / SEEDS).read_text())
    head, *rows = outcome.out.splitlines()
    assert head.split() == ["seed", "dev", "F1", "test", "F1", "epochs", "time"]
    for row, run in zip(rows[:3], summary["runs"], strict=True):
        scores = [f"{run[split]['f1']:.4f}" for split in ("dev", "test")]
        assert row.split()[:4] == [str(run["seed"]), *scores, "2"]
    for row, split in zip(rows[3:5], ("dev", "test"), strict=True):
        mean, sd = (summary[name][split]["f1"] for name in ("mean", "sd"))
        assert row == f"{split} F1 {mean:.3f} ± {sd:.3f} (3 seeds)"
    assert rows[5:] == [f"best on dev: seed {summary['best']}"]
    assert [run["seed"] for run in summary["runs"]] == [3, 4, 5]
    assert outcome.err.count("reading train.conll") == 1
    assert all(f"seed {seed}: dev F1 " in outcome.err for seed in (3, 4, 5))
    assert rnner("predict", "Ada", "--model", "run").code == 0


def test_each_seed_gives_the_same_model_as_alone(train, folder):
    train("--seeds", 2, "--quiet")
    for seed in (3, 4):
        train("--set", f"training.seed={seed}", "--quiet", output=f"alone-{seed}")
        alone = (folder / f"alone-{seed}" / WEIGHTS).read_bytes()
        assert (folder / "run" / f"seed-{seed}" / WEIGHTS).read_bytes() == alone


def test_quiet_leaves_only_the_results(train):
    outcome = train("--seeds", 2, "--quiet")
    assert outcome.err == ""
    assert len(outcome.out.splitlines()) == 6


def test_one_seed(train, folder):
    outcome = train("--seeds", 1)
    assert re.search(r"^dev F1 [\d.]+ \(1 seed\)$", outcome.out, re.MULTILINE)
    assert weights(folder / "run").keys() == {WEIGHTS, f"seed-3/{WEIGHTS}"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--seeds", 0), "--seeds"),
        (("--seeds", 2, "--jobs", 0), "--jobs"),
        (("--jobs", 2), "give --seeds N too"),
        (("--seeds", 2, "--resume", "--overwrite"), "cannot be combined"),
    ],
)
def test_usage_errors(train, one_line, folder, options, message):
    one_line(train(*options), 2, message)
    assert not (folder / "run").exists()


def test_errors_in_the_data_are_reported_once_and_change_nothing(train, one_line, folder):
    train("--seeds", 2, "--quiet")
    before = weights(folder / "run")
    (folder / "train.conll").write_text("Ada B-PER\nslept\n")
    one_line(train("--seeds", 3, "--jobs", 2, "--overwrite", "--quiet"), 1, "train.conll:2")
    assert weights(folder / "run") == before


def test_dry_run_writes_nothing(train, folder):
    assert "nothing was written" in train("--seeds", 2, "--dry-run").out
    assert not (folder / "run").exists()


def test_resume_of_a_finished_run_does_nothing(train, folder):
    first = train("--seeds", 2)
    before = {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")}
    again = train("--seeds", 2, "--resume")
    assert (again.code, again.out) == (0, first.out)
    assert "finished; nothing to do" in again.err
    assert {path: path.stat().st_mtime_ns for path in (folder / "run").rglob("*")} == before


@pytest.mark.parametrize("at", [2, 12])  # in the first seed, in the second
def test_resuming_after_ctrl_c_gives_the_same_models(train, folder, interrupt, at):
    interrupt(-1)
    plain = train("--seeds", 2, output="plain")
    interrupt(at)
    broken = train("--seeds", 2)
    assert (broken.code, broken.out) == (130, "")
    assert broken.err.endswith("interrupted and saved in run; repeat the command with --resume to continue\n")
    interrupt(-1)
    resumed = train("--seeds", 2, "--resume")
    assert (resumed.code, timeless(resumed.out)) == (0, timeless(plain.out))
    assert ("seed 3: already finished" in resumed.err) == (at > 10)
    assert weights(folder / "run") == weights(folder / "plain")
    assert not list((folder / "run").rglob("checkpoint"))


def test_seeds_can_be_added_later(train, folder):
    whole = train("--seeds", 2, output="plain")
    train("--seeds", 1)
    log = (folder / "run" / "seed-3" / LOG).read_bytes()
    more = train("--seeds", 2, "--resume")
    assert (more.code, timeless(more.out)) == (0, timeless(whole.out))
    assert (folder / "run" / "seed-3" / LOG).read_bytes() == log
    assert weights(folder / "run") == weights(folder / "plain")


def test_a_failed_seed_does_not_affect_the_others(train, folder, diverge, monkeypatch):
    diverge(4)
    outcome = train("--seeds", 3)
    assert outcome.code == 1
    assert outcome.err.count("error: ") == 1
    assert "error: seed 4: the loss is nan. The last good checkpoint is kept in " in outcome.err
    assert "   4   failed" in outcome.out and "(2 seeds)" in outcome.out
    assert weights(folder / "run").keys() == {WEIGHTS, f"seed-3/{WEIGHTS}", f"seed-5/{WEIGHTS}"}
    diverge(None)
    resumed = train("--seeds", 3, "--resume")
    assert resumed.code == 0 and "(3 seeds)" in resumed.out


def test_runs_with_and_without_seeds_replace_each_other_only_with_overwrite(train, folder):
    train("--seeds", 2)
    assert train().code == train("--resume").code == train("--seeds", 2).code == 2
    assert train("--overwrite").code == 0
    assert not (folder / "run" / SEEDS).exists() and not (folder / "run" / "seed-3").exists()
    assert train("--seeds", 2, "--resume").code == 2
    assert train("--seeds", 2, "--overwrite").code == 0
    assert weights(folder / "run").keys() == {WEIGHTS, f"seed-3/{WEIGHTS}", f"seed-4/{WEIGHTS}"}


def test_every_seed_starts_from_the_model_of_init_from(train, folder, trained):
    outcome = train("--seeds", 2, "--init-from", trained, "--set", "training.epochs=1")
    assert outcome.code == 0 and f"continues from {trained}" in outcome.err
    own = weights(folder / "run")
    assert own[f"seed-3/{WEIGHTS}"] != own[f"seed-4/{WEIGHTS}"]
    f1 = [run["dev"]["f1"] for run in json.loads((folder / "run" / SEEDS).read_text())["runs"]]
    assert min(f1) > 0.9, "two epochs from nothing would find little"


def test_init_from_the_output_is_refused(train, one_line, folder):
    train("--seeds", 2)
    for base in ("run", "run/seed-3"):
        again = train("--seeds", 2, "--init-from", base, "--overwrite")
        one_line(again, 2, f"--init-from {base}", "choose another --output")


# --- in parallel: each process takes seconds to start ------------------------------------------------------


@pytest.mark.slow
def test_parallel_seeds_give_the_same_models(train, folder):
    train("--seeds", 2, output="plain")
    train("--seeds", 1)
    assert train("--seeds", 2, "--jobs", 2, "--resume").code == 0  # seed 4 is left
    assert weights(folder / "run") == weights(folder / "plain")


def start_parallel(*options, **settings):
    command = [*RNNER, *TINY, "--seeds", "3", "--jobs", "2", "--output", "run", *options]
    return subprocess.Popen(
        command, env=ENVIRONMENT, encoding="utf-8", stderr=subprocess.PIPE, stdout=subprocess.PIPE, **settings
    )


@pytest.mark.slow
def test_resuming_parallel_seeds_after_ctrl_c_gives_the_same_models(train, folder):
    plain = train("--seeds", 3, "--set", "training.epochs=3", output="plain")
    more = ["--set", "training.epochs=3"]
    process = start_parallel(*more, start_new_session=True)
    while not re.match(r" +\d  +1 ", process.stderr.readline()):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
    out, rest = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert rest.endswith("interrupted and saved in run; repeat the command with --resume to continue\n")
    assert "Traceback" not in rest
    out, err = start_parallel(*more, "--resume").communicate(timeout=60)
    assert timeless(out) == timeless(plain.out)
    assert weights(folder / "run") == weights(folder / "plain")
    assert err.count("reading train.conll") == 1
    for line in err.splitlines():
        assert re.match(
            r" +[345] +[123] |seed [345]: |seed  epoch|reading|train:|dev:|test:|model:|try:", line
        )


@pytest.mark.slow
def test_a_failed_parallel_seed_is_reported_once(folder):
    (folder / "cells.py").write_text(
        "import torch\nfrom rnner.nn.cells import Cell, register_cell\n"
        '@register_cell("odd")\nclass Odd(Cell):\n    """Fails with one seed."""\n    gates = 1\n'
        "    def step(self, x, state):\n"
        "        if torch.initial_seed() >> 32 == 4:\n            raise ValueError('odd')\n"
        "        return (torch.tanh(x + state[0] @ self.W_aa.T),)\n"
    )
    process = start_parallel("--code", "cells.py", "--set", "encoder.cell=odd")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.count("error: ") == 1 and "Traceback" not in err
    assert re.search(r"error: seed 4: .*cells\.py:9: ValueError: odd", err)
    assert "   4   failed" in out and "(2 seeds)" in out
    assert (folder / "run" / METRICS).exists()
