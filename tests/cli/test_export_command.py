"""`rnner export`, and commands that use the exported file."""

import json
import re
import sys

import pytest

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."
CONLL = b"Grace\tO\nHopper\tO\njoined\tO\nRemington\tO\nRand\tO\n\nNobody\tO\nslept\tO\n"


def rounded(text):
    """Round the probabilities in an output to three places."""
    return re.sub(r"\d\.\d{3,}", lambda match: f"{float(match[0]):.3f}", text)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "conll", "binary"])
@pytest.mark.parametrize("kind", ["text", "lines", "conll"])
def test_every_input_and_format_gives_the_same_as_the_folder(rnner, trained, exported, kind, form):
    stdin = CONLL if kind == "conll" else f"{TEXT}\nNobody slept in Vienna .\n".encode()
    arguments = ["--input", kind, "--format", form, "--threads", "1", "--file", "-"]
    found, expected = (
        rnner("predict", "--model", each, *arguments, stdin=stdin) for each in (exported, trained)
    )
    assert (found.code, found.err, expected.code) == (0, "", 0)
    assert rounded(found.out) == rounded(expected.out) and found.out.strip()


def test_readings_and_thresholds_are_the_same(rnner, trained, exported):
    arguments = ["--format", "json", "--nbest", "3", "--threshold", "0.5", TEXT]
    found, expected = (rnner("predict", "--model", each, *arguments).out for each in (exported, trained))
    (item,), (known,) = json.loads(found), json.loads(expected)
    assert item["nbest"] and rounded(found) == rounded(expected)
    assert item["entities"] and len(item["entities"]) == len(known["entities"])


def test_files_are_replaced_only_with_overwrite(rnner, trained, tmp_path, one_line):
    path = tmp_path / "model.onnx"
    outcome = rnner("export", "--model", trained, "-o", path)
    assert (outcome.code, outcome.out) == (0, "") and f"wrote {path}" in outcome.err.replace("\n", "")
    before = path.read_bytes()
    one_line(rnner("export", "--model", trained, "-o", path), 2, f"{path} already exists; use --overwrite")
    assert rnner("export", "--model", trained, "-o", path, "--overwrite").code == 0
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_errors(rnner, trained, tmp_path, one_line, monkeypatch):
    one_line(rnner("export", "--model", trained, "-o", tmp_path / "model"), 2, "must end in .onnx")
    one_line(
        rnner("export", "--model", tmp_path / "gone", "-o", tmp_path / "x.onnx"),
        1,
        "model folder not found",
    )
    one_line(rnner("export", "--model", trained, "-o", "/dev/null/x.onnx"), 2, "cannot be written")
    monkeypatch.setitem(sys.modules, "onnx", None)
    one_line(rnner("export", "--model", trained, "-o", tmp_path / "x.onnx"), 2, 'pip install "rnner[onnx]"')
    assert not list(tmp_path.iterdir())


CODE = """\
import torch
from rnner.nn.cells import Cell, register_cell


@register_cell("forgetful")
class ForgetfulCell(Cell):
    gates = 1

    def step(self, x, state):
        return (torch.tanh(x),)
"""


def test_a_user_cell_cannot_be_exported(rnner, folder, one_line):
    (folder / "mine.py").write_text(CODE)
    settings = ["--set", "encoder.cell=forgetful", "--set", "training.epochs=1", "--code", "mine.py"]
    assert rnner("train", "--config", "tiny.yaml", "-o", "own", "--quiet", *settings).code == 0
    one_line(
        rnner("export", "--model", "own", "-o", "own.onnx", "--code", "mine.py"),
        1,
        "no operator for the cell forgetful",
        "lstm, none, rnn",
    )


def test_predict_reports_a_bad_file_or_option(rnner, exported, one_line, tmp_path):
    one_line(rnner("predict", "--model", exported, "--device", "cuda", TEXT), 2, "run only on the CPU")
    one_line(rnner("predict", "--model", tmp_path / "gone.onnx", TEXT), 1, "file not found")
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:1000])
    one_line(rnner("predict", "--model", tmp_path / "cut.onnx", TEXT), 1, "corrupted")


def test_evaluate_gives_the_same_scores(rnner, trained, exported, folder):
    arguments = ["evaluate", "test.conll", "--format", "json", "--model"]
    found, expected = (rnner(*arguments, each) for each in (exported, trained))
    reports = [json.loads(outcome.out) for outcome in (found, expected)]
    bins, same = (report.pop("calibration")["bins"] for report in reports)
    assert reports[0] == reports[1] and reports[0]["f1"] > 0
    assert bins == [pytest.approx(it, rel=1e-5) for it in same] and bins
    raw, known = (rnner(*arguments, each, "--raw") for each in (exported, trained))
    assert raw == known and raw.code == 0


def test_an_exported_model_is_compared_but_not_averaged(rnner, trained, exported, folder):
    outcome = rnner("evaluate", "test.conll", "--format", "json", "--model", trained, "--model", exported)
    report = json.loads(outcome.out)
    assert report["ensemble"] is None and report["models"][1]["difference"]["f1"] == 0
    assert "warning: no ensemble: .onnx files cannot be averaged" in outcome.err


def test_info_describes_an_exported_model(rnner, trained, exported):
    found, expected = (rnner("info", "--model", each).out for each in (exported, trained))
    same = [line for line in expected.splitlines() if line.startswith(("labels", "scheme", "words"))]
    assert len(same) == 3 and all(line in found for line in same)
    assert re.search(r"^size +0\.\d MB$", found, re.MULTILINE)


def test_an_exported_model_is_not_exported_again(rnner, exported, tmp_path, one_line):
    one_line(rnner("export", "--model", exported, "-o", tmp_path / "x.onnx"), 2, "is an exported model")


def test_export_into_the_folder(rnner, model, one_line):
    beside = model / "model.onnx"
    one_line(
        rnner("predict", "--model", model, "--backend", "onnx", TEXT), 2, f"rnner export --model {model}"
    )
    outcome = rnner("export", "--model", model)
    assert outcome.code == 0 and "--backend onnx" in outcome.err and beside.is_file()
    one_line(rnner("export", "--model", model, "-o", beside), 2, f"{beside} already exists; use --overwrite")
    before = beside.read_bytes()
    assert (
        rnner("export", "--model", model, "-o", beside, "--overwrite").code == 0
        and beside.read_bytes() == before
    )
    found, expected = (
        rnner("predict", "--model", model, "--backend", backend, "--format", "json", TEXT)
        for backend in ("onnx", "torch")
    )
    assert found.code == 0 and rounded(found.out) == rounded(expected.out) and "Lovelace" in found.out


def test_training_again_removes_the_onnx_file(rnner, model, folder):
    assert rnner("export", "--model", model).code == 0
    arguments = ["--config", "tiny.yaml", "-o", model, "--overwrite", "--quiet"]
    assert rnner("train", *arguments, "--set", "training.epochs=1").code == 0
    assert not (model / "model.onnx").exists()
