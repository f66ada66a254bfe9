"""`rnner train`: its output and options, and that an interruption loses nothing."""

import json
import re
import signal

import pytest
import yaml

from rnner.cli import progress_display as display
from rnner.model.file_names import CARD, CONFIG, CURVE, LOG, MANIFEST, METRICS, VOCABULARY, WEIGHTS
from rnner.nn import cells
from rnner.system.folder_lock import folder_lock
from rnner.system.tensor_files import read_tensors

CELL = '''\
"""The minimal gated unit."""
import torch
from rnner.nn.cells import Cell, register_cell


@register_cell("mgu")
class MGUCell(Cell):
    gates = 2

    def step(self, x, state):
        (a,) = state
        x_f, x_c = x.chunk(2, dim=-1)
        W_f, W_c = self.W_aa.chunk(2)
        f = torch.sigmoid(x_f + a @ W_f.T)
        return (f * torch.tanh(x_c + (f * a) @ W_c.T) + (1 - f) * a,)
'''


@pytest.fixture
def train(rnner, folder):
    """Train tiny.yaml for two epochs into `run`, unless options say otherwise."""

    def call(*options, output="run", epochs=2):
        settings = ["--set", f"training.epochs={epochs}", "--output", output, "--threads", 1]
        return rnner("train", "--config", "tiny.yaml", *settings, *options)

    return call


@pytest.fixture
def interrupt(monkeypatch):
    """`interrupt(n, times)` presses Ctrl-C, or sends a signal, at the nth event of a training."""

    def arrange(at, times=1, number=signal.SIGINT):
        events = iter(range(10_000))

        def show(self, event):
            if next(events) == at:
                for _ in range(times):
                    signal.raise_signal(number)

        monkeypatch.setattr(display.PlainDisplay, "show", show)

    yield arrange
    monkeypatch.undo()


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_becomes_a_model_folder(train, folder):
    assert train().code == 0
    names = {path.name for path in (folder / "run").iterdir()}
    assert names == {CONFIG, VOCABULARY, WEIGHTS, METRICS, LOG, CARD, CURVE, MANIFEST}
    assert len((folder / "run" / LOG).read_text().splitlines()) == 2


def test_scores_go_to_stdout_and_progress_to_stderr(train, folder):
    outcome = train(epochs=3)
    metrics = json.loads((folder / "run" / METRICS).read_text())
    lines = outcome.out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["dev", "test"]
    for line in lines:
        scores = metrics[line.partition(":")[0]]
        shares = [float(share) for share in re.findall(r"([\d.]+)%", line)]
        assert shares == [round(100 * scores[name], 2) for name in ("precision", "recall", "f1")]
    assert "reading train.conll" in outcome.err
    assert "train: 14 sentences" in outcome.err
    assert re.search(r"^ +3 +\d", outcome.err, re.MULTILINE)
    assert "rnner predict --model run" in outcome.err


def test_lines_are_plain_off_a_terminal(train):
    outcome = train(epochs=3)
    assert not re.search(r"[\x1b\r━]", outcome.out + outcome.err)
    header = next(line for line in outcome.err.splitlines() if line.startswith("epoch"))
    rows = [line for line in outcome.err.splitlines() if re.match(r" +\d+ ", line)]
    assert len(rows) == 3
    assert all(len(row.removesuffix(" *")) == len(header) for row in rows)
    assert rows[0].endswith("*")


def test_quiet_leaves_only_the_scores(train):
    outcome = train("--quiet")
    assert outcome.err == ""
    assert len(outcome.out.splitlines()) == 2


def test_warnings_are_shown_even_with_quiet(train, folder):
    (folder / "dev.conll").write_text("Ada B-PER\nread O\nDune B-WORK\n")
    outcome = train("--quiet")
    assert (
        outcome.err == "warning: dev has labels that train lacks; their entities count as missed: WORK (1)\n"
    )


def test_a_held_out_dev_set_is_reported_as_a_note(train):
    err = train("--set", "data.dev=null").err
    assert "no dev file: 1 of the 14 sentences" in err
    assert "warning" not in err
    assert train("--set", "data.dev=null", "--quiet", output="quiet").err == ""


def test_set_is_typed_and_repeats(train, folder):
    options = ["encoder.cell=lstm", "training.clip=null", "training.learning_rate=1e-3", "head=softmax",
               "embeddings.characters=null", "encoder.bidirectional=false"]  # fmt: skip
    assert train(*(part for option in options for part in ("--set", option))).code == 0
    config = yaml.safe_load((folder / "run" / CONFIG).read_text())
    assert config["encoder"]["cell"] == "lstm"
    assert config["encoder"]["bidirectional"] is False
    assert config["training"] == config["training"] | {"clip": None, "learning_rate": 0.001, "epochs": 2}
    assert config["head"] == "softmax"
    assert config["embeddings"]["characters"] is None


def test_the_default_folder_is_named_after_the_config(rnner, folder):
    assert rnner("train", "--config", "tiny.yaml", "--set", "training.epochs=1").code == 0
    assert (folder / "runs" / "tiny" / WEIGHTS).exists()


def test_data_is_also_looked_up_beside_the_config(rnner, folder, monkeypatch):
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    options = ["--set", "training.epochs=1", "--output", "run"]
    assert rnner("train", "--config", "../tiny.yaml", *options).code == 0


def test_dry_run_checks_and_writes_nothing(train, folder):
    before = tree(folder)
    outcome = train("--dry-run")
    assert outcome.code == 0
    assert "config and data are valid; nothing was written" in outcome.out
    assert "was saved, loaded and scored in a temporary folder" in outcome.out
    assert "the longest sentence (8 tokens" in outcome.out
    assert tree(folder) == before
    assert not (folder / "run").exists()


def test_a_very_long_sentence_is_reported_with_its_line(train, folder, monkeypatch):
    assert "words" not in train("--dry-run").err
    monkeypatch.setattr("rnner.cli.train._LONG_SENTENCE", 7)
    err = train("--dry-run").err
    line = 1 + (folder / "train.conll").read_text().split("\n").index("Grace B-PER")
    assert f"train.conll:{line}: a sentence of 8 words; it is not split" in err


def test_dry_run_reports_errors(train, folder):
    (folder / "test.conll").write_text("Ada B-PER\nslept\n")
    outcome = train("--dry-run", "--quiet")
    assert outcome.code == 1
    assert "test.conll:" in outcome.err


def test_dry_run_does_not_change_an_existing_run(train, folder):
    train()
    before = tree(folder)
    assert train("--dry-run").code == train("--dry-run", "--overwrite").code == 0
    assert tree(folder) == before


def test_overwrite_starts_again(train, folder):
    train(epochs=3)
    train(output="fresh")
    assert train("--overwrite").code == 0
    assert (folder / "run" / WEIGHTS).read_bytes() == (folder / "fresh" / WEIGHTS).read_bytes()
    assert len((folder / "run" / LOG).read_text().splitlines()) == 2


def test_resume_of_a_finished_run_does_nothing(train, folder):
    first = train()
    before = tree(folder)
    again = train("--resume")
    assert (again.code, again.out) == (0, first.out)
    assert "finished; nothing to do" in again.err
    assert tree(folder) == before


def test_resume_without_a_checkpoint_starts_from_the_beginning(train, folder):
    train(output="plain")
    (folder / "run").mkdir()
    assert train("--resume").code == 0
    assert train("--resume", output="new").code == 0
    weights = (folder / "plain" / WEIGHTS).read_bytes()
    assert weights == (folder / "run" / WEIGHTS).read_bytes() == (folder / "new" / WEIGHTS).read_bytes()


@pytest.mark.parametrize("at", [0, 2, 4, 7])  # 4 steps an epoch: within the first, at its end, in the second
def test_ctrl_c_saves_and_resume_ends_with_the_same_bits(train, folder, interrupt, at, monkeypatch):
    plain = train(output="plain", epochs=3)
    interrupt(at)
    broken = train(epochs=3)
    assert (broken.code, broken.out) == (130, "")
    assert "stopping after this step" in broken.err
    assert broken.err.endswith("interrupted and saved in run; use --resume to continue\n")
    interrupt(-1)
    resumed = train("--resume", epochs=3)
    assert (resumed.code, resumed.out) == (0, plain.out)
    assert (folder / "run" / WEIGHTS).read_bytes() == (folder / "plain" / WEIGHTS).read_bytes()
    assert not (folder / "run" / "checkpoint").exists()


def test_a_second_ctrl_c_quits_immediately(train, folder, interrupt):
    plain = train(output="plain", epochs=3)
    interrupt(6, times=2)
    broken = train(epochs=3)
    assert broken.code == 130
    assert broken.err.endswith("error: interrupted\n")
    interrupt(-1)
    resumed = train("--resume", epochs=3)
    assert (resumed.code, resumed.out) == (0, plain.out)
    assert (folder / "run" / WEIGHTS).read_bytes() == (folder / "plain" / WEIGHTS).read_bytes()


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS[1:])
def test_other_signals_save_too(train, folder, interrupt, number, monkeypatch):
    plain = train(output="plain", epochs=3)
    interrupt(6, number=number)
    assert train(epochs=3).code == 130
    interrupt(-1)
    assert train("--resume", epochs=3).out == plain.out
    assert (folder / "run" / WEIGHTS).read_bytes() == (folder / "plain" / WEIGHTS).read_bytes()


def test_after_a_hangup_the_state_is_saved_although_the_terminal_is_gone(train, folder, monkeypatch):
    plain = train(output="plain", epochs=3)
    events = iter(range(10_000))

    def gone(self, event):
        if next(events) == 6:
            signal.raise_signal(signal.SIGHUP)
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(display.PlainDisplay, "show", gone)
        assert train(epochs=3).code == 130
    state = read_tensors(folder / "run" / "checkpoint" / "state.safetensors")[1]
    assert json.loads(state["position"])["epoch_step"] == 2
    assert train("--resume", epochs=3).out == plain.out


def test_after_nohup_a_hangup_is_ignored(train, interrupt):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interrupt(6, number=signal.SIGHUP)
        assert train().code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_signal_handlers_are_restored(train):
    handlers = [signal.getsignal(number) for number in SIGNALS]
    train()
    assert [signal.getsignal(number) for number in SIGNALS] == handlers


def test_a_folder_that_another_run_writes_to_is_refused_at_once(train, folder, one_line):
    for options in ((), ("--resume",), ("--overwrite",), ("--seeds", 2), ("--seeds", 2, "--resume")):
        with folder_lock(folder / "run"):
            one_line(train(*options), 2, "run: process", "has been writing to this folder since")
    assert not (folder / "run").exists()


def test_a_finished_run_without_its_model_is_reported_with_the_way_out(train, folder, one_line):
    train()
    (folder / "run" / WEIGHTS).unlink()
    one_line(train("--resume"), 2, f"is finished, but its model has no {WEIGHTS}; use --overwrite")
    assert train("--overwrite").code == 0


def test_resuming_after_a_kill_at_the_very_end_removes_the_checkpoint(train, folder):
    train()
    (folder / "run" / "checkpoint").mkdir()
    (folder / "run" / "checkpoint" / "state.safetensors").touch()
    (folder / "run" / ".rnner-4f3k.partial").mkdir()
    before = {path.name for path in (folder / "run").iterdir()}
    assert "finished" in train("--resume").err
    assert before - {path.name for path in (folder / "run").iterdir()} == {
        "checkpoint",
        ".rnner-4f3k.partial",
    }


def test_init_from_continues_and_adds_labels(train, rnner, folder, trained):
    (folder / "train.conll").write_text(
        "Ada B-PER\nLovelace I-PER\nread O\nDune B-WORK\n. O\n\nIt O\nslept O\n. O\n" * 8
    )
    outcome = train(
        "--init-from", trained, "--set", "data.dev=train.conll", "--set", "data.test=null", epochs=12
    )
    assert outcome.code == 0, outcome.err
    assert "new labels: WORK" in outcome.err
    found = rnner("predict", "Ada Lovelace read Dune .", "--model", "run", "--format", "json").out
    assert [e["label"] for e in json.loads(found)[0]["entities"]] == ["PER", "WORK"]
    assert "LOC" in rnner("info", "--model", "run").out


def test_init_from_keeps_the_architecture(train, trained, folder):
    outcome = train("--init-from", trained, "--set", "encoder.hidden=24")
    assert outcome.code == 2
    assert "encoder.hidden: 24 / 16" in outcome.err
    assert "remove this key to use the model's value" in outcome.err
    assert not (folder / "run").exists()


def test_init_from_takes_the_network_that_the_config_does_not_name(rnner, folder, trained):
    (folder / "new.yaml").write_text("data: {train: train.conll, dev: dev.conll}\ntraining: {epochs: 1}\n")
    continued = ["train", "--config", "new.yaml", "--init-from", trained]
    dry = rnner(*continued, "--dry-run")
    assert (dry.code, (folder / "runs").exists()) == (0, False)
    assert rnner(*continued, "--output", "run").code == 0
    assert "nothing to do" in rnner(*continued, "--output", "run", "--resume").err
    assert rnner(*continued, "--output", "seeds", "--seeds", "2").code == 0
    for run in ("run", "seeds"):
        config = yaml.safe_load((folder / run / CONFIG).read_text())
        assert config["encoder"]["cell"] == "gru" and config["encoder"]["hidden"] == 16
        assert rnner("predict", "Ada Lovelace wrote .", "--model", run).code == 0


def test_vectors_that_init_from_does_not_read_are_noted_once(train, trained):
    outcome = train("--init-from", trained, "--set", "embeddings.words.vectors=glove.txt", "--dry-run")
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("embeddings.words.vectors is not read") == 1


def test_a_user_cell_needs_its_file_to_predict(train, rnner, folder, monkeypatch):
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))
    (folder / "mgu.py").write_text(CELL)
    trained = train("--code", "mgu.py", "--set", "encoder.cell=mgu")
    assert 'try:   rnner predict --model run --code mgu.py "..."' in trained.err
    assert rnner("predict", "Ada", "--model", "run", "--code", "mgu.py").code == 0
    cells._CELLS.pop("mgu")
    for command in (["predict", "Ada"], ["evaluate", "test.conll"], ["info"]):
        outcome = rnner(*command, "--model", "run")
        assert (outcome.code, outcome.out) == (1, "")
        assert "--code FILE" in outcome.err


def test_an_error_in_a_user_cell_is_reported_with_its_line(train, folder, monkeypatch):
    monkeypatch.setattr(cells, "_CELLS", dict(cells._CELLS))
    (folder / "mgu.py").write_text(CELL.replace("x_f, x_c = x.chunk(2", "x_f, x_c = x.chunk(3"))
    outcome = train("--code", "mgu.py", "--set", "encoder.cell=mgu", "--quiet")
    assert outcome.code == 1
    assert "mgu.py:12: ValueError: " in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_tracker_whose_package_is_missing_is_reported_before_training(rnner, folder, one_line, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    one_line(rnner("train", "--config", "tiny.yaml", "--log", "wandb"), 2, "--log wandb", "pip install wandb")
    assert not (folder / "runs").exists()


def test_an_unknown_tracker_is_refused(rnner, folder, one_line):
    one_line(rnner("train", "--config", "tiny.yaml", "--log", "comet"), 2, "tensorboard", "mlflow")


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_each_seed_is_a_run_of_the_tracker(rnner, folder, jobs):
    pytest.importorskip("tensorboard")
    command = ["train", "--config", "tiny.yaml", "--seeds", 2, "--jobs", jobs, "--set", "training.epochs=1"]
    assert rnner(*command, "--output", "run", "--log", "tensorboard", "--threads", 1).code == 0
    assert len(list((folder / "run").glob("seed-*/tensorboard/events.out.tfevents.*"))) == 4
