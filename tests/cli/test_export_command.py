"""`rnner export`, and `rnner predict` with what it writes: each input and format as with the folder."""

import json
import re
import sys

import pytest

TEXT = "Ada Lovelace wrote to Charles Babbage . The letter left London ."
CONLL = b"Grace\tO\nHopper\tO\njoined\tO\nRemington\tO\nRand\tO\n\nNobody\tO\nslept\tO\n"


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    """The trained model, exported."""
    from rnner.cli import run

    path = tmp_path_factory.mktemp("exported") / "new" / "model.onnx"
    assert run(["export", str(trained), str(path)]) == 0
    return path


def rounded(text):
    """Output with its probabilities to three places."""
    return re.sub(r"\d\.\d{3,}", lambda match: f"{float(match[0]):.3f}", text)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "conll", "binary"])
@pytest.mark.parametrize("kind", ["text", "lines", "conll"])
def test_every_input_and_format_is_as_with_the_folder(rnner, trained, file, kind, form):
    stdin = CONLL if kind == "conll" else f"{TEXT}\nNobody slept in Vienna .\n".encode()
    arguments = ["--input", kind, "--format", form, "--threads", "1", "--file", "-"]
    found, expected = (rnner("predict", "--model", each, *arguments, stdin=stdin) for each in (file, trained))
    assert (found.code, found.err, expected.code) == (0, "", 0)
    assert rounded(found.out) == rounded(expected.out) and found.out.strip()


def test_the_best_readings_and_thresholds_are_too(rnner, trained, file):
    arguments = ["--format", "json", "--nbest", "3", "--threshold", "0.5", TEXT]
    found, expected = (rnner("predict", "--model", each, *arguments).out for each in (file, trained))
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


def test_predict_says_what_a_file_does_not_take(rnner, file, one_line, tmp_path):
    one_line(rnner("predict", "--model", file, "--device", "cuda", TEXT), 2, "is run on the CPU")
    one_line(rnner("predict", "--model", tmp_path / "gone.onnx", TEXT), 1, "there is no such file")
    (tmp_path / "cut.onnx").write_bytes(file.read_bytes()[:1000])
    one_line(rnner("predict", "--model", tmp_path / "cut.onnx", TEXT), 1, "broken or cut off")
