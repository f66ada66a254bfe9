"""The examples in docs/serve.md run as they stand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rnner
from rnner.serve.access import Access
from rnner.serve.app import Service
from rnner.serve.model import LoadedModel
from rnner.serve.request_errors import STATUSES
from service import TOKEN, running

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def service_of(trained, access=None):
    return Service(lambda: LoadedModel("my", trained, rnner.load(trained)), access=access)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_examples_with_curl_run(trained, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) == 9
    with running(service_of(trained, Access(token=TOKEN))) as address:
        for line in lines:
            command = line.replace("localhost:8000", address) + " -sS --fail"
            if "Authorization" not in line:
                command += f' -H "Authorization: Bearer {TOKEN}"'
            done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True)
            assert done.returncode == 0, done.stderr
            assert done.stdout, line


@pytest.mark.slow
def test_the_example_in_python_runs(trained):
    (code,) = blocks("python")
    with running(service_of(trained)) as address:
        command = [sys.executable, "-c", code.replace("http://localhost:8000", address)]
        done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "['Ada Lovelace']\n['London']\n", done.stderr


def test_every_status_is_documented():
    table = {
        int(code) for row in re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE) for code in row.split(",")
    }
    assert table == set(STATUSES)
