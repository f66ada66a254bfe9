"""The programs in examples/ run, stay short, and print what they promise."""

import re
import runpy
from pathlib import Path

import pytest

from overfit_corpus import write_corpus
from rnner.cli.main import run

EXAMPLES = Path(__file__).parent.parent / "examples"
OUTPUT = {
    "evaluate": r"F1 0\.\d{3}, 95 % interval 0\.\d{3} to 0\.\d{3}\nLOC: precision 0\.\d{3}",
    "own_cell": r"output \[2, 7, 3\], final state \[2, 3\] and \[2, 3\]",
    "own_head": r"(epoch \d: loss \d+\.\d\d, F1 on dev 0\.\d{3}\n){3}",
    "own_tokenizer": "王小明 在 北京大学 工作 。",
    "predict": r"PER Amara Nwosu \(\d\.\d\d\)\nLOC Lagos .*\nLOC Oslo .*\n.*'PER', 0, 2.*'LOC', 4, 5",
    "train_step": r"loss before the step (\d+\.\d+), after it (\d+\.\d+)",
}


def test_every_example_is_tested():
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(OUTPUT)


@pytest.mark.parametrize("name", OUTPUT)
def test_an_example_runs_and_fits_on_a_page(name, capsys):
    path = EXAMPLES / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    runpy.run_path(str(path), run_name="__main__")
    output = capsys.readouterr().out
    found = re.search(OUTPUT[name], output)
    assert found, output
    if name == "train_step":
        assert float(found[2]) < float(found[1])


def test_a_tagger_trains_with_the_cell_of_the_example(tmp_path, monkeypatch):
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    code = str(EXAMPLES / "own_cell.py")
    arguments = ["--config", "tiny.yaml", "--code", code, "--set", "encoder.cell=coupled_lstm"]
    assert run(["train", *arguments, "--set", "training.epochs=1", "--quiet"]) == 0
