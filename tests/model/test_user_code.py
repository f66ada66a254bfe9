"""A user's own cell, in their own file, trains without changes to rnner."""

import sys
import textwrap

import pytest
import torch

import rnner
from rnner.errors import ModelError, UsageError
from rnner.model.folder import load_metrics, load_model
from rnner.model.user_code import load_code
from rnner.nn import cells
from rnner.training.run import run_training
from rnner.training.setup import prepare_training
from tiny_corpus import corpus_config

CPU = torch.device("cpu")
MGU = """
    import torch

    from rnner.nn.cells import Cell, State, register_cell


    @register_cell("mgu_of_mine")
    class MGUCell(Cell):
        gates = 2

        def step(self, x: torch.Tensor, state: State) -> State:
            (a,) = state
            x_f, x_c = x.chunk(2, dim=-1)
            W_f, W_c = self.W_aa.chunk(2)
            gamma_f = torch.sigmoid(x_f + a @ W_f.T)
            candidate = torch.tanh(x_c + (gamma_f * a) @ W_c.T)
            return (gamma_f * candidate + (1 - gamma_f) * a,)
"""


def write(path, code):
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return path


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_a_custom_cell_trains_and_loading_asks_for_its_code(tmp_path, monkeypatch, head):
    code = write(tmp_path / "my_cells.py", MGU)
    known = dict(cells._CELLS)
    load_code(code)
    config = corpus_config(
        tmp_path,
        f"head={head}",
        "encoder.cell=mgu_of_mine",
        "embeddings.characters.encoder=recurrent",
        "embeddings.characters.cell=mgu_of_mine",
        "training.epochs=2",
    )
    list(run_training(prepare_training(config, device=CPU), tmp_path / "run"))
    assert load_metrics(tmp_path / "run")["train"]["epochs"] == 2

    monkeypatch.setattr(cells, "_CELLS", known)  # as in a new process
    with pytest.raises(ModelError, match=r"no cell is named 'mgu_of_mine'[\s\S]*--code FILE"):
        load_model(tmp_path / "run")
    with pytest.raises(ModelError, match="mgu_of_mine"):
        rnner.load(tmp_path / "run")
    pipeline = rnner.load(tmp_path / "run", code=code)
    assert type(pipeline.decoder.tagger.encoder.layers[0].forward_layer.cell).__name__ == "MGUCell"
    pipeline.tag([["Harry", "slept", "."]])


def test_code_in_a_model_folder_never_runs(tmp_path):
    load_code(write(tmp_path / "my_cells.py", MGU))
    config = corpus_config(tmp_path, "encoder.cell=mgu_of_mine", "training.epochs=1")
    list(run_training(prepare_training(config, device=CPU), tmp_path / "run"))
    for name in ("my_cells.py", "code.py", "__init__.py"):
        write(tmp_path / "run" / name, f"open({str(tmp_path / 'ran')!r}, 'w')")
    load_model(tmp_path / "run")
    assert not (tmp_path / "ran").exists()


def test_the_same_file_may_be_loaded_twice(tmp_path, monkeypatch):
    write(tmp_path / "my_cells.py", MGU)
    (tmp_path / "link.py").symlink_to(tmp_path / "my_cells.py")
    monkeypatch.chdir(tmp_path)
    for path in ("my_cells.py", "./my_cells.py", tmp_path / "my_cells.py", "link.py"):
        load_code(path)
    assert "mgu_of_mine" in cells.cell_names()


@pytest.mark.parametrize("relative", [True, False])
@pytest.mark.parametrize(
    ("code", "reported"),
    [
        ("import torch\n\nx = 1 / 0\n", r"my_cells\.py:3: ZeroDivisionError: division by zero"),
        ("def f():\n    return nowhere\n\n\nf()\n", r"my_cells\.py:2: NameError: name 'nowhere'"),
        ("import torch\nclass A(\n", r"my_cells\.py:2: SyntaxError: '\(' was never closed"),
        ("import no_such_module_at_all\n", r"my_cells\.py:1: ModuleNotFoundError"),
        ("import sys\nsys.exit(3)\n", r"my_cells\.py:2: SystemExit: 3"),
        ("class Own(BaseException): ...\nraise Own('x')\n", r"my_cells\.py:2: Own: x"),
        ("x = 1\0\n", r"my_cells\.py.*: .*null bytes"),
        ("import json\njson.loads('{')\n", r"my_cells\.py:2: JSONDecodeError"),
        (
            "from rnner.nn.cells import *\n@register_cell('lstm')\nclass A(Cell):\n    gates = 1\n",
            r"my_cells\.py:\d: ValueError: cell 'lstm' is already defined, by LSTMCell",
        ),
    ],
)
def test_an_error_in_the_code_is_reported_with_its_line(tmp_path, monkeypatch, code, reported, relative):
    (tmp_path / "my_cells.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=reported):
        load_code("my_cells.py" if relative else tmp_path / "my_cells.py")
    assert "rnner_usercode_my_cells" not in sys.modules


def test_an_error_in_an_import_is_reported_with_the_line_of_the_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "helper_with_a_typo.py").write_text("\n\n\ndef (:\n")
    (tmp_path / "my_cells.py").write_text("import torch\nimport helper_with_a_typo\n")
    with pytest.raises(UsageError, match=r"my_cells\.py:2: SyntaxError"):
        load_code(tmp_path / "my_cells.py")


def test_paths_that_are_not_python_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match="file not found; --code takes a Python file"):
        load_code(tmp_path / "gone.py")
    with pytest.raises(UsageError, match="file not found"):
        load_code(tmp_path)
    (tmp_path / "cells.txt").write_text("x = 1")
    with pytest.raises(UsageError, match=r"ends in \.py"):
        load_code(tmp_path / "cells.txt")
