"""The examples in docstrings and in the README run and give the output they show."""

import doctest
import importlib
import re
import shutil
from pathlib import Path

import pytest

import rnner

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "rnner"
MODULES = sorted(
    ".".join(("rnner", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
SNIPPETS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def runs(trained, tmp_path, monkeypatch):
    """A working directory with the models of the examples, and the corpus and config of their training."""
    for name in ("my", "quickstart"):
        shutil.copytree(trained, tmp_path / "runs" / name)
    for path in trained.parent.glob("*.conll"):
        shutil.copy(path, tmp_path)
    shutil.copy(trained.parent / "tiny.yaml", tmp_path / "my.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(runs, name):
    module = importlib.import_module(name)
    failed, attempted = doctest.testmod(module, extraglobs={"rnner": rnner})
    assert failed == 0 and attempted > 0


def test_the_public_api_has_examples():
    public = [getattr(rnner, name) for name in rnner.__all__ if name != "__version__"]
    assert {"rnner", "rnner.pipeline", "rnner.text.tokenizer"} <= set(MODULES)
    for item in [*public, rnner.Pipeline.__call__, rnner.Pipeline.documents, rnner.Pipeline.tag]:
        assert ">>> " in item.__doc__


@pytest.mark.parametrize("code", [code for code in SNIPPETS if "runs/quickstart" in code])
def test_the_readme_examples_run(runs, code, capsys):
    exec(compile(code, "README.md", "exec"), {})
    assert re.search(r"^[A-Z]{3} \S.* \d+ \d+ 0\.\d+$", capsys.readouterr().out, re.MULTILINE)
