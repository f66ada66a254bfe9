"""The commands in the README and in docs/ run as they stand, on files with the names that they use."""

from __future__ import annotations

import re
import shlex
import shutil
from glob import glob
from pathlib import Path

import pytest

from documented import BLOCK, commands, write_named_files
from overfit_corpus import CONFIG

ROOT = Path(__file__).parent.parent.parent
PAGES = {path.stem: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
NAMED_BLOCK = re.compile(r'^```(?:text|yaml) title="(\S+)"\n(.*?)^```', re.DOTALL | re.MULTILINE)
# What makes a long command short. Everything else runs as it is written.
SHORTER = {
    "train": ["--set", "training.epochs=1", "--threads", "1", "--overwrite"],
    "audit": ["--folds", "2", "--set", "training.epochs=1"],
    "lab": ["--quick"],
    "learning-curve": ["--set", "training.epochs=1", "--seeds", "1"],
}


def written_file(command: list[str]) -> Path | None:
    """Return the file that a command writes, which may exist only because another page reads it."""
    if command[:2] not in (["data", "convert"], ["config", "init"]):
        return None
    return Path(command[command.index("--output") + 1])


@pytest.fixture
def workspace(folder: Path, trained: Path) -> Path:
    """A working directory with everything that the examples name."""
    shutil.copytree(ROOT / "configs", folder / "configs")
    for name in ("my", "quickstart", "a", "b", "mgu"):
        shutil.copytree(trained, folder / "runs" / name)
    write_named_files(folder)
    Path("my.yaml").write_text(CONFIG.replace("train.conll", "my.conll"))
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, path in PAGES.items() if commands(path)])
def test_the_commands_of_a_page_run(workspace: Path, rnner, name: str) -> None:
    for kind, text in BLOCK.findall(PAGES[name].read_text(encoding="utf-8")):
        if kind == "python" and (file := re.match(r"# (\w+\.py)\n", text)):
            Path(file[1]).write_text(
                text.replace("import jieba\n", "").replace("jieba.lcut(text)", "list(text)")
            )
    for file, text in NAMED_BLOCK.findall(PAGES[name].read_text(encoding="utf-8")):
        if not Path(file).exists():
            Path(file).write_text(text)
    for line in commands(PAGES[name]):
        *source, command = [shlex.split(part, comments=True) for part in line.split(" | ")]
        assert command.pop(0) == "rnner"
        if command[0] == "serve":  # it would not end; tests/serve/test_documentation.py runs the examples
            continue
        shorter = next((more for word, more in SHORTER.items() if word in command[:2]), [])
        if target := written_file(command):
            target.unlink(missing_ok=True)
        stdin = Path(source[0][1]).read_bytes() if source else b""
        expanded = [path for word in command for path in (sorted(glob(word)) if "*" in word else [word])]
        outcome = rnner(*expanded, *shorter, stdin=stdin)
        assert outcome.code == 0, f"{line}\n{outcome.err}"
