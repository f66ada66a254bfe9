"""The commands in the README and in docs/ run as they stand, on files with the names that they use."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
from pathlib import Path

import pytest

from overfit_corpus import CONFIG, TRAIN, conll

ROOT = Path(__file__).parent.parent.parent
PAGES = {path.stem: path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAMED_BLOCK = re.compile(r"^```(?:text|yaml) (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What makes a long command short. Everything else runs as it is written.
SHORTER = {
    "train": ["--set", "training.epochs=1", "--threads", "1", "--overwrite"],
    "audit": ["--folds", "2", "--set", "training.epochs=1"],
    "lab": ["--quick"],
}
OTHER_PROGRAMS = ("python3", "python", "pip", "pytest")


def commands(page: Path) -> list[str]:
    """Return the lines of the page's shell examples that call rnner."""
    lines = [
        line
        for kind, text in BLOCK.findall(page.read_text(encoding="utf-8"))
        if kind == "bash"
        for line in text.splitlines()
        if line.strip()
    ]
    assert all("rnner" in line or line.startswith(OTHER_PROGRAMS) for line in lines)
    return [line for line in lines if not line.startswith(OTHER_PROGRAMS)]


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
    for name in ("my", "gold", "corpus", "better"):
        shutil.copy("train.conll", f"{name}.conll")
    predicted = [f"{line} {line.split()[-1]}" if line else "" for line in conll(TRAIN).splitlines()]
    for name in ("system.conll", "out.txt"):
        Path(name).write_text("\n".join(predicted) + "\n")
    Path("letter.txt").write_text("Ada Lovelace wrote to Charles Babbage.\n")
    with gzip.open("tweets.jsonl.gz", "wt") as file:
        file.write('{"text": "Ada Lovelace wrote."}\n')
    Path("spans.jsonl").write_text(
        '{"text": "Ada left.", "spans": [{"start": 0, "end": 3, "label": "PER"}]}\n'
    )
    Path("glove.6B.100d.txt").write_text("".join(f"{word} {' 0.1' * 100}\n" for word in ("the", "letter")))
    Path("my.yaml").write_text(CONFIG.replace("train.conll", "my.conll"))
    Path("new.yaml").write_text("data: {train: my.conll}\n")
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
        shorter = next((more for word, more in SHORTER.items() if word in command[:2]), [])
        if target := written_file(command):
            target.unlink(missing_ok=True)
        stdin = Path(source[0][1]).read_bytes() if source else None
        outcome = rnner(*command, *shorter, stdin=stdin)
        assert outcome.code == 0, f"{line}\n{outcome.err}"
