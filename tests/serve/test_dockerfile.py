"""The commands in the Dockerfile, as far as they can be tested without Docker."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rnner.serve.app import Service
from service import loader, running

ROOT = Path(__file__).parent.parent.parent
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "").splitlines()


def instruction(name):
    """Return the last instruction of this name, without the name."""
    return [line.removeprefix(name).strip() for line in LINES if line.startswith(name)][-1]


def packages():
    """Return the packages that the image has installed by name."""
    (line,) = [line for line in LINES if " numpy " in line]
    return line.partition("constraints.txt")[2].split()


def test_the_packages_are_pinned_and_dependencies_of_rnner():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    known = [*project["dependencies"], *extras["serve"], *extras["onnx"]]
    names = {re.split("[>=]", package)[0] for package in known}
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert set(packages()) <= names
    assert set(packages()) <= pinned


@pytest.mark.slow
def test_the_packages_suffice():
    code = """
import sys
for name in ("torch", "datasets", "huggingface_hub", "pyarrow", "seqeval", "onnx", "pandas", "matplotlib"):
    sys.modules[name] = None
from rnner.cli.main import run
from rnner.serve import server
from rnner.serve.batcher import Piece
def run_service(service, listener, on_start):
    print(service.slot.predict([Piece("Ada Lovelace slept.")])[0])
server.run_service = run_service
sys.exit(run(["serve", "--backend", "onnx", "--port", "0"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["entities"][0]["text"] == "Ada Lovelace"


@pytest.mark.slow
def test_the_health_check(trained):
    command = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]
    with running(Service(loader(trained))) as address:
        code = command[2].replace("8000", address.rpartition(":")[2])
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 1


def test_the_image_runs_as_a_user_without_rights_and_its_command_has_valid_options():
    import typer

    from rnner.cli.main import app

    assert instruction("USER") == "10001:10001"
    program, command, *options = json.loads(instruction("ENTRYPOINT"))
    assert (program, command) == ("rnner", "serve")
    typer.main.get_command(app).commands[command].make_context(command, options)
