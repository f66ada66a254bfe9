"""The order of the house: modules import only downward, and what is light stays light."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import rnner

SOURCE = Path(rnner.__file__).parent
ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in SOURCE.rglob("*.py"))

LIGHT = ["rnner", "rnner.errors", "rnner.tags", "rnner.model.names", "rnner.text.tokenizer", "rnner.config"]
LIGHT += ["rnner.data.formats.columns", "rnner.decoding.decoder", "rnner.export.runtime", "rnner.cli.main"]


def lint_imports(folder):
    """Check the contracts in pyproject.toml on the package in a folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()"]
    return subprocess.run(
        [*command, "--no-cache", str(ROOT / "pyproject.toml")],
        cwd=folder,
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_the_contracts_notice_an_upward_import(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "rnner", ignore=shutil.ignore_patterns("resources", "__pycache__"))
    with (tmp_path / "rnner" / "nn" / "cells.py").open("a", encoding="utf-8") as file:
        file.write("\nfrom rnner.training.trainer import Trainer\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "rnner.nn.cells -> rnner.training.trainer" in done.stdout


def loaded_after(code):
    """The names of all modules in a fresh process that has run some code."""
    code += "\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_predicting_loads_neither_training_nor_datasets_nor_typer(trained):
    modules = loaded_after(f"import rnner; rnner.load({str(trained)!r})(['Ada Lovelace wrote.'])")
    assert "rnner.model.tagger" in modules
    unwanted = (
        "rnner.training",
        "rnner.scoring",
        "rnner.data.formats",
        "rnner.cli",
        "datasets",
        "seqeval",
        "typer",
    )
    assert not {name for name in modules if name.startswith(unwanted)}


def test_light_modules_load_neither_torch_nor_datasets():
    assert not {"torch", "datasets", "pandas"} & loaded_after(f"import {', '.join(LIGHT)}")


def calls_of(path):
    """The names of what a file calls, dotted: `print`, `sys.exit`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


BOUNDARY = {"cli/console.py", "cli/main.py", "system/terminal.py"}
HARMLESS = ["sys.stdout.isatty()", "sys.stderr.isatty()", "sys.stderr is None", "for_data(sys.stdout)"]


def test_only_the_boundary_writes_to_a_terminal():
    """`cli/console.py` prints; `system/terminal.py` and `cli/main.py` guard the streams for libraries."""
    writers = {"print", "rich.print", "typer.echo", "typer.secho", "click.echo", "Console", "os.write"}
    for path in MODULES:
        if path.relative_to(SOURCE).as_posix() not in BOUNDARY:
            assert not writers & set(calls_of(path)), path
            text = path.read_text(encoding="utf-8")
            for use in HARMLESS:
                text = text.replace(use, "")
            assert not re.search(r"sys\.(__)?std(out|err)", text), path


def test_only_the_command_line_prints_or_exits():
    unwanted = {"print", "input", "exit", "sys.exit", "os._exit", "typer.echo"}
    for path in MODULES:
        if path.relative_to(SOURCE).parts[0] != "cli":
            assert not unwanted & set(calls_of(path)), path


def test_no_file_name_occurs_twice_and_no_file_is_too_long():
    names = [path.name for path in MODULES if path.name != "__init__.py"]
    assert sorted(names) == sorted(set(names))
    assert max(len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES) <= 350
    assert len(list(SOURCE.glob("*.py"))) <= 5
