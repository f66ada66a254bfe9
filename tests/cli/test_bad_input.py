"""Bad input: one line on stderr, with path:line where there is one; nothing is written or overwritten."""

import shutil

import pytest
import torch
from safetensors import SafetensorError

from rnner.model.file_names import CONFIG, VOCABULARY, WEIGHTS

GOOD = "Ada B-PER\nslept O\n\nBerlin B-LOC\n"


def files(folder):
    """Return the content of every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def train_fails(rnner, folder, one_line):
    """`train_fails(code, *parts, options=...)`: train must fail with one line and change no file."""

    def check(code, *parts, options=()):
        before = files(folder)
        one_line(rnner("train", "--config", "tiny.yaml", "--output", "run", *options), code, *parts)
        assert files(folder) == before
        assert not (folder / "run").exists()

    return check


@pytest.fixture(autouse=True)
def no_notices(monkeypatch):
    """Suppress what train reports before an error."""
    monkeypatch.setattr("rnner.cli.train.notice", lambda *message, **how: None)


# --- data ----------------------------------------------------------------------------------------------


def test_missing_file_with_the_closest_name(train_fails):
    train_fails(1, "trian.conll: file not found; did you mean train.conll?",
           options=["--set", "data.train=trian.conll"])  # fmt: skip


def test_folder_for_a_file(train_fails, folder):
    (folder / "corpus").mkdir()
    train_fails(1, "corpus: this is a folder; give a file", options=["--set", "data.train=corpus"])


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ["train.conll: this is an image"]),
        (b"\x1f\x8b\x08\0\0\0\0\0", ["train.conll: this is a gzip file"]),
        ("Ada B-PER\n".encode("utf-16"), ["train.conll: this looks like UTF-16"]),
        (b"Ada B-PER\ncaf\xe9 O\n", ["train.conll:2:4: not UTF-8"]),
        (b"Ada\nslept\n\nBerlin\n", ["train.conll: the file has one column"]),
        (b"Ada B-PER\nslept O\nin the O\nBerlin B-LOC\n", ["train.conll:3: 3 columns, where most"]),
        (b"Ada B-PER\nslept O\nBerlin\n", ["train.conll:3: 1 column, where most rows have 2"]),
        (b"Ada B-PER\nslept O\nBerlin LOC\nwas O\nfar O\n", ["train.conll:3: 'LOC' is not a valid tag"]),
        (b"Ada B-PER\nslept O\nBerlin E-LOC\n. O\nX B-LOC\nY O\n", ["train.conll:"]),
        (b"", ["train.conll: no sentence"]),
        (b"\n\n\n", ["train.conll: no sentence"]),
        (b"-DOCSTART- -X- O\n\n", ["train.conll: no sentence"]),
        (b"it O\nslept O\n\nit O\n", ["train.conll: no entities: all tags are O"]),
    ],
    ids=[
        "binary", "gzip", "UTF-16", "Latin-1", "one column", "too many columns", "too few columns", "no tag",
        "illegal order", "empty", "blank lines", "document marks", "no entity",
    ],
)  # fmt: skip
def test_invalid_training_files(train_fails, folder, data, parts):
    (folder / "train.conll").write_bytes(data)
    train_fails(1, *parts)


def test_illegal_tag_order_is_reported_with_its_line(train_fails, folder):
    (folder / "train.conll").write_text(
        "Ada B-PER\nslept O\n\nin O\nNew I-LOC\nYork I-LOC\n\nX B-PER\nY B-PER\n"
    )
    train_fails(1, "train.conll:", "data.illegal_tags: conlleval")


def test_an_invalid_test_file_is_reported_before_training(train_fails, folder):
    (folder / "test.conll").write_text("Ada B-PER\nslept\n")
    train_fails(1, "test.conll:")


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ("Ada 0.1 0.2\nslept 0.3 0.4 0.5\n", ["vectors.txt:2:"]),
        ("2 3\nAda 0.1 0.2 0.3\nslept 0.3 0.4\n", ["vectors.txt:3:"]),
        ("Ada 0.1 0.2\nslept 0.3 x\n", ["vectors.txt:2:"]),
        ("", ["vectors.txt: "]),
        ("zzz 0.1 0.2\nyyy 0.3 0.4\n", ["only 0.0 % of the training tokens have a vector in vectors.txt"]),
    ],
    ids=["wrong dimension", "wrong dimension under a header", "no number", "empty", "hardly any word"],
)
def test_invalid_vectors(train_fails, folder, lines, parts):
    (folder / "vectors.txt").write_text(lines)
    train_fails(1, *parts, options=["--set", "embeddings.words.vectors=vectors.txt"])


def test_missing_vectors(train_fails):
    train_fails(1, "glove.txt: file not found", options=["--set", "embeddings.words.vectors=glove.txt"])


# --- config and usage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epochz=3", "training.epochz: unknown key (did you mean epochs?)"),
        ("training.epochs=many", "training.epochs: must be a whole number, got 'many' (text)"),
        ("training.epochs=2.5", "training.epochs: must be a whole number"),
        ("head=crff", "head: 'crff' (text) is not one of"),
        ("encoder.cell=gruu", "no cell is named"),
        ("data.train=${NOT_SET_ANYWHERE}/train.conll", "environment variable NOT_SET_ANYWHERE is not set"),
        ("epochs", "--set epochs: expected section.key=value"),
        ("data.train=sample:trian", "sample:trian: unknown sample corpus; use sample:train"),
        ("training.precision=bfloat16", "training.precision: bfloat16 needs CUDA"),
    ],
)  # fmt: skip
def test_config_problems_exit_with_2(train_fails, override, message):
    train_fails(2, message, options=["--set", override, "--device", "cpu"])


def test_all_config_problems_are_reported_at_once(rnner, folder):
    (folder / "tiny.yaml").write_text("data: {trian: x}\ntraining: {epochs: no, clip: often}\n")
    outcome = rnner("train", "--config", "tiny.yaml", "--output", "run")
    first, *problems = outcome.err.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert first == f"error: tiny.yaml: {len(problems)} problems in the config"
    for key in ("data.trian: unknown key (did you mean train?)", "training.epochs:", "training.clip:"):
        assert any(problem.startswith(f"  - {key}") for problem in problems)
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data: {train: [", "tiny.yaml:1:"),
        ("- a\n- b\n", "tiny.yaml: must contain sections"),
        ("data:\n  train: a\n  train: b\n", "train"),
        ("", "data.train: missing"),
    ],
)
def test_files_that_are_not_configs(rnner, folder, one_line, text, message):
    (folder / "tiny.yaml").write_text(text)
    one_line(rnner("train", "--config", "tiny.yaml"), 2, "tiny.yaml", message)


def test_a_missing_config_and_a_folder(rnner, folder, one_line):
    one_line(rnner("train", "--config", "none.yaml"), 2, "none.yaml: config file not found", "config init")
    one_line(rnner("train", "--config", folder), 2, "is a folder; --config takes a YAML file")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["trian"], "'trian'"),
        (["--frob"], "--frob"),
        (["train"], "'--config'"),
        (["train", "--config"], "--config"),
        (["train", "--config", "tiny.yaml", "--frob"], "--frob"),
        (["train", "--config", "tiny.yaml", "--threads", "0"], "--threads"),
        (["train", "--config", "tiny.yaml", "--threads", "two"], "--threads"),
        (["evaluate", "test.conll", "--model"], "--model"),
        (["evaluate", "--model", "m"], "FILE"),
        (["evaluate", "test.conll", "--model", "m", "--columns", "a"], "--columns a: expected two whole"),
        (["evaluate", "test.conll", "--model", "m", "--format", "xml"], "'conlleval'"),
        (["predict", "Ada", "--model", "m", "--format", "xml"], "'jsonl'"),
        (["predict", "Ada", "--model", "m", "--threshold", "1.5"], "--threshold"),
        (["predict", "Ada", "--model", "m", "--batch", "0"], "--batch"),
        (["config", "frob"], "frob"),
    ],
    ids=" ".join,
)
def test_usage_errors_exit_with_2(rnner, folder, one_line, command, message):
    one_line(rnner(*command), 2, message)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_cuda_without_a_device(rnner, folder, one_line, trained, command):
    calls = {
        "train": ["--config", "tiny.yaml"],
        "evaluate": ["test.conll", "--model", trained],
        "predict": ["Ada", "--model", trained],
    }
    one_line(rnner(command, *calls[command], "--device", "cuda"), 2, "--device cuda: no CUDA device")


def test_unknown_devices(rnner, folder, one_line):
    one_line(rnner("train", "--config", "tiny.yaml", "--device", "gpu"), 2, "use auto, cpu, cuda")


def test_missing_or_broken_user_code(rnner, folder, one_line):
    (folder / "cells.py").write_text("import math\nmath.no_such_name\n")
    (folder / "syntax.py").write_text("def cell(:\n")
    for name, message in (
        ("none.py", "none.py: file not found"),
        ("cells.py", "cells.py:2: AttributeError"),
        ("syntax.py", "syntax.py:1: "),
    ):
        one_line(rnner("train", "--config", "tiny.yaml", "--code", folder / name), 2, message)


# --- existing runs -----------------------------------------------------------------------------------


def test_a_run_is_not_overwritten(rnner, folder, one_line, model):
    before = files(model)
    one_line(rnner("train", "--config", "tiny.yaml", "-o", model), 2, "contains a run", "--overwrite")
    assert files(model) == before


@pytest.mark.parametrize("what", ["data", "config", "init-from"])
def test_overwrite_keeps_the_run_until_the_new_one_can_start(rnner, folder, one_line, model, what):
    before = files(model)
    options = {
        "data": ["--set", "data.train=none.conll"],
        "config": ["--set", "training.epochs=no"],
        "init-from": ["--init-from", "none"],
    }[what]
    outcome = rnner("train", "--config", "tiny.yaml", "-o", model, "--overwrite", *options)
    one_line(outcome, 2 if what == "config" else 1)
    assert files(model) == before


@pytest.mark.parametrize("option", [[], ["--overwrite"], ["--resume"]])
def test_a_folder_with_other_files_is_never_changed(rnner, folder, one_line, option):
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter1.tex").write_text("Once")
    outcome = rnner("train", "--config", "tiny.yaml", "-o", "thesis", *option)
    one_line(outcome, 2, "thesis: contains files that are not from a run")
    assert files(folder / "thesis") == {folder / "thesis" / "chapter1.tex": b"Once"}


def test_a_file_is_not_an_output_folder(rnner, folder, one_line):
    one_line(rnner("train", "--config", "tiny.yaml", "-o", "dev.conll"), 2, "dev.conll: is a file")


def test_resume_and_overwrite_exclude_each_other(rnner, folder, one_line):
    outcome = rnner("train", "--config", "tiny.yaml", "-o", "run", "--resume", "--overwrite")
    one_line(outcome, 2, "--resume and --overwrite cannot be combined")


def test_resume_never_mixes_configs(rnner, folder, one_line, model):
    before = files(model)
    outcome = rnner(
        "train", "--config", "tiny.yaml", "-o", model, "--resume", "--set", "training.learning_rate=0.5"
    )
    one_line(outcome, 2, "training.learning_rate: 0.02 / 0.5", "--overwrite")
    assert files(model) == before


# --- models --------------------------------------------------------------------------------------------


@pytest.fixture(params=["predict", "evaluate", "info", "train"])
def use(request, rnner, folder):
    """Run one of the commands that load a model."""

    def call(model):
        return {
            "predict": lambda: rnner("predict", "Ada", "--model", model),
            "evaluate": lambda: rnner("evaluate", "test.conll", "--model", model),
            "info": lambda: rnner("info", "--model", model),
            "train": lambda: rnner("train", "--config", "tiny.yaml", "-o", "run", "--init-from", model),
        }[request.param]()

    return call


def test_folders_that_are_not_models(use, folder, one_line):
    (folder / "empty").mkdir()
    (folder / "foreign").mkdir()
    (folder / "foreign" / "pytorch_model.bin").write_bytes(b"\x80\x02")
    one_line(use("none"), 1, "none: model folder not found")
    one_line(use("empty"), 1, "empty: is not an rnner model")
    one_line(use("foreign"), 1, "foreign: is not an rnner model")
    one_line(use("dev.conll"), 1, "dev.conll: is a file; expected a model folder")


@pytest.mark.parametrize("name", [CONFIG, VOCABULARY, WEIGHTS])
@pytest.mark.parametrize("kept", [None, 0, 0.4])  # config.yaml: before encoder.hidden, which is no default
def test_truncated_models(rnner, model, one_line, name, kept):
    data = (model / name).read_bytes()
    if kept is None:
        (model / name).unlink()
    else:
        (model / name).write_bytes(data[: int(kept * len(data))])
    outcome = rnner("predict", "Ada", "--model", model)
    assert (outcome.code, outcome.out) == (1, "")
    assert str(model) in outcome.err
    # Cut between two keys, a config is whole: that of another network than the weights'.
    assert name in outcome.err or (name == CONFIG and "from different models" in outcome.err)
    assert not {"Traceback", "unexpected"} & set(outcome.err.replace(":", " ").split())


def test_a_model_whose_files_do_not_match(rnner, model, trained, one_line):
    text = (model / CONFIG).read_text()
    (model / CONFIG).write_text(text.replace("hidden: 16", "hidden: 24"))
    one_line(rnner("predict", "Ada", "--model", model), 1, WEIGHTS, "from different models")


def test_a_model_with_other_weights(rnner, model, one_line):
    (model / WEIGHTS).write_bytes(b"\x80\x02}q\0." * 50)
    one_line(rnner("predict", "Ada", "--model", model), 1, WEIGHTS)


def test_data_for_evaluation(rnner, folder, trained, one_line):
    (folder / "invalid.conll").write_text("Ada B-PER\nslept\n")
    shutil.copytree(folder, folder / "copy", dirs_exist_ok=False, ignore=lambda *_: ["copy"])
    for data, message in (
        ("none.conll", "none.conll: file not found"),
        ("copy", "copy: this is a folder"),
        ("invalid.conll", "invalid.conll:2: 1 column"),
    ):
        one_line(rnner("evaluate", data, "--model", trained), 1, message)


# --- unexpected errors ---------------------------------------------------------------------------------


def test_an_unexpected_error_is_one_line(rnner, folder, monkeypatch):
    monkeypatch.setattr("rnner.config.load_config", lambda *_, **__: 1 / 0)
    outcome = rnner("train", "--config", "tiny.yaml")
    assert outcome.code == 1
    assert outcome.err == (
        "error: unexpected ZeroDivisionError: division by zero (RNNER_DEBUG=1 shows the traceback)\n"
    )


def test_a_full_disk_is_reported_with_the_file(rnner, folder, monkeypatch):
    def full(tensors, path, metadata):
        raise SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr("rnner.system.tensor_files.save_file", full)
    outcome = rnner("train", "--config", "tiny.yaml", "--output", "run", "--quiet")
    message = "run/checkpoint/state.safetensors: cannot be written (No space left on device (os error 28))"
    assert (outcome.code, outcome.err) == (1, f"error: {message} (RNNER_DEBUG=1 shows the traceback)\n")


def test_debugging_shows_the_traceback(rnner, folder, monkeypatch):
    monkeypatch.setenv("RNNER_DEBUG", "1")
    with pytest.raises(Exception, match="config file not found"):
        rnner("train", "--config", "none.yaml")


# --- code of the user, and options -------------------------------------------------------------------------


@pytest.mark.parametrize("raised", ["SystemExit(0)", "SystemExit", "type('Own', (BaseException,), {})()"])
def test_code_that_exits_is_an_error(rnner, tmp_path, monkeypatch, one_line, raised):
    """Not a success: a script would continue without the result."""
    code = tmp_path / "own.py"
    code.write_text(
        "from rnner.text.tokenizer import register_tokenizer\n"
        f"@register_tokenizer('exits')\ndef split(text):\n    raise {raised}\n"
    )
    (tmp_path / "texts.jsonl").write_text('{"text": "Ada", "entities": []}\n')
    (tmp_path / "c.yaml").write_text(
        f"data: {{train: {tmp_path / 'texts.jsonl'}}}\ntext: {{tokenizer: exits}}\n"
    )
    outcome = rnner("train", "--config", tmp_path / "c.yaml", "--code", code, "--quiet", "--dry-run")
    one_line(outcome, 1, "own.py:4: ")


@pytest.mark.parametrize("options", [("--threads", "9" * 12), ("--nbest", "9" * 12), ("--workers", "9" * 12)])
def test_numbers_out_of_range_are_usage_errors(rnner, one_line, options):
    one_line(rnner("predict", "Ada", *options), 2, f"'{options[0]}'")
