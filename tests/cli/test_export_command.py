"""`rnner export`, and commands with what it writes: each input and format as with the folder."""

import json
import re
import sys

import pytest

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."
CONLL = b"Grace\tO\nHopper\tO\njoined\tO\nRemington\tO\nRand\tO\n\nNobody\tO\nslept\tO\n"


def rounded(text):
    """Output with its probabilities to three places."""
    return re.sub(r"\d\.\d{3,}", lambda match: f"{float(match[0]):.3f}", text)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "conll", "binary"])
@pytest.mark.parametrize("kind", ["text", "lines", "conll"])
def test_every_input_and_format_is_as_with_the_folder(rnner, trained, exported, kind, form):
    stdin = CONLL if kind == "conll" else f"{TEXT}\nNobody slept in Vienna .\n".encode()
    arguments = ["--input", kind, "--format", form, "--threads", "1", "--file", "-"]
    found, expected = (
        rnner("predict", "--model", each, *arguments, stdin=stdin) for each in (exported, trained)
    )
    assert (found.code, found.err, expected.code) == (0, "", 0)
    assert rounded(found.out) == rounded(expected.out) and found.out.strip()


def test_the_best_readings_and_thresholds_are_too(rnner, trained, exported):
    arguments = ["--format", "json", "--nbest", "3", "--threshold", "0.5", TEXT]
    found, expected = (rnner("predict", "--model", each, *arguments).out for each in (exported, trained))
    (item,), (known,) = json.loads(found), json.loads(expected)
    assert item["nbest"] and rounded(found) == rounded(expected)
    assert item["entities"] and len(item["entities"]) == len(known["entities"])


def test_it_says_what_it_wrote_and_overwrites_only_when_told(rnner, trained, tmp_path, one_line):
    path = tmp_path / "model.onnx"
    outcome = rnner("export", trained, path)
    assert (outcome.code, outcome.out) == (0, "") and f"wrote {path}" in outcome.err.replace("\n", "")
    before = path.read_bytes()
    one_line(rnner("export", trained, path), 2, "is there already", "--overwrite")
    assert rnner("export", trained, path, "--overwrite").code == 0
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.onnx"]


def test_what_cannot_be_exported_is_told(rnner, trained, tmp_path, one_line, monkeypatch):
    one_line(rnner("export", trained, tmp_path / "model"), 2, "must end in .onnx")
    one_line(rnner("export", tmp_path / "gone", tmp_path / "x.onnx"), 1, "there is no such model folder")
    one_line(rnner("export", trained, "/dev/null/x.onnx"), 2, "cannot be written")
    monkeypatch.setitem(sys.modules, "onnx", None)
    one_line(rnner("export", trained, tmp_path / "x.onnx"), 2, 'pip install "rnner[onnx]"')
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


def test_a_cell_of_ones_own_is_told(rnner, folder, one_line):
    (folder / "mine.py").write_text(CODE)
    settings = ["--set", "encoder.cell=forgetful", "--set", "training.epochs=1", "--code", "mine.py"]
    assert rnner("train", "--config", "tiny.yaml", "--output", "own", "--quiet", *settings).code == 0
    one_line(
        rnner("export", "own", "own.onnx", "--code", "mine.py"),
        1,
        "no operator for the cell forgetful",
        "lstm, none, rnn",
    )


def test_predict_says_what_a_file_does_not_take(rnner, exported, one_line, tmp_path):
    one_line(rnner("predict", "--model", exported, "--device", "cuda", TEXT), 2, "is run on the CPU")
    one_line(rnner("predict", "--model", tmp_path / "gone.onnx", TEXT), 1, "there is no such file")
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:1000])
    one_line(rnner("predict", "--model", tmp_path / "cut.onnx", TEXT), 1, "broken or cut off")


def test_it_is_scored_as_the_folder_is(rnner, trained, exported, folder):
    arguments = ["evaluate", "test.conll", "--format", "json", "--model"]
    found, expected = (rnner(*arguments, each) for each in (exported, trained))
    assert found == expected and json.loads(found.out)["f1"] > 0
    raw, known = (rnner(*arguments, each, "--raw") for each in (exported, trained))
    assert raw == known and raw.code == 0


def test_it_is_compared_with_a_folder_but_not_averaged(rnner, trained, exported, folder):
    outcome = rnner("evaluate", "test.conll", "--format", "json", "--model", trained, "--model", exported)
    told = json.loads(outcome.out)
    assert told["ensemble"] is None and told["models"][1]["difference"]["f1"] == 0
    assert "warning: no ensemble: .onnx files cannot be averaged" in outcome.err


def test_it_is_described(rnner, trained, exported):
    found, expected = (rnner("info", "--model", each).out for each in (exported, trained))
    same = [line for line in expected.splitlines() if line.startswith(("labels", "scheme", "words"))]
    assert len(same) == 3 and all(line in found for line in same)
    assert re.search(r"^size +0\.\d MB$", found, re.MULTILINE)


def test_it_is_not_exported_again(rnner, exported, tmp_path, one_line):
    one_line(rnner("export", exported, tmp_path / "x.onnx"), 2, "is exported already")


def test_a_folder_gets_a_form_for_onnx_that_starts_sooner(rnner, model, one_line):
    beside = model / "model.onnx"
    one_line(rnner("predict", "--model", model, "--backend", "onnx", TEXT), 2, f"rnner export {model}")
    outcome = rnner("export", model)
    assert outcome.code == 0 and "--backend onnx" in outcome.err and beside.is_file()
    one_line(rnner("export", model, beside), 2, "is there already")
    before = beside.read_bytes()
    assert rnner("export", model, beside, "--overwrite").code == 0 and beside.read_bytes() == before
    found, expected = (
        rnner("predict", "--model", model, "--backend", backend, "--format", "json", TEXT)
        for backend in ("onnx", "torch")
    )
    assert found.code == 0 and rounded(found.out) == rounded(expected.out) and "Lovelace" in found.out


def test_what_is_trained_anew_loses_its_form_for_onnx(rnner, model, folder):
    assert rnner("export", model).code == 0
    arguments = ["--config", "tiny.yaml", "--output", model, "--overwrite", "--quiet"]
    assert rnner("train", *arguments, "--set", "training.epochs=1").code == 0
    assert not (model / "model.onnx").exists()
