"""Build the package, install it elsewhere and run the README's commands there.

    python scripts/check_package.py            # a few minutes
    python scripts/check_package.py --tests    # also run the tests of the source archive

The package is built from the files that git tracks, in a temporary folder. Then this script checks that

- `twine check --strict` accepts both archives;
- the source archive holds the tracked files and the wheel holds those under src/, and nothing else;
- the wheel can be installed with `constraints.txt` into a new virtual environment;
- each command and each Python example of the README runs there, in a folder outside the repository.

The archives that passed are written to dist/. Exits with 1 if a check fails. Needs git and a package index.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from documented import BLOCK, commands, write_named_files  # noqa: E402

NOT_IN_ARCHIVE = {".gitignore"}
EGG_INFO = "src/rnner.egg-info/"
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE"}


class PackageError(Exception):
    """A check failed."""


# --- content -----------------------------------------------------------------------------------------------


def files_under(folder: Path) -> set[str]:
    """Return the relative paths of all files, including those behind links to folders."""
    return {
        (Path(parent) / name).relative_to(folder).as_posix()
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
    }


def source_archive_files(archive: Path) -> set[str]:
    """Return the files in a source archive, without its top folder and without generated metadata.

    Raises:
        PackageError: it has links, which not every installer extracts.
    """
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    if links := [member.name for member in members if not (member.isfile() or member.isdir())]:
        raise PackageError(f"{archive.name} has links: {', '.join(links)}")
    names = {member.name.partition("/")[2] for member in members if member.isfile()}
    return {name for name in names if not name.startswith(EGG_INFO)} - {"PKG-INFO", "setup.cfg"}


def wheel_files(archive: Path) -> set[str]:
    """Return the files in a wheel as paths in the repository, without the required metadata."""
    info = "-".join(archive.name.split("-")[:2]) + ".dist-info/"
    with zipfile.ZipFile(archive) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    return {f"src/{name}" for name in names - {info + name for name in METADATA}}


def compare(archive: str, found: set[str], expected: set[str]) -> None:
    """Compare the files of an archive with those that it should hold.

    Raises:
        PackageError: files are missing or superfluous.
    """
    parts = [("is missing", expected - found), ("should not have", found - expected)]
    if problems := [f"{archive} {what} {', '.join(sorted(names))}" for what, names in parts if names]:
        raise PackageError("\n".join(problems))


# --- steps -------------------------------------------------------------------------------------------------


@contextmanager
def step(name: str) -> Iterator[None]:
    """Print the name of a step, then how long it took."""
    print(f"{name} ...", end="", flush=True)
    start = time.monotonic()
    yield
    print(f" {time.monotonic() - start:.0f} s", flush=True)


def run(command: list[str | Path], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Run a program.

    Raises:
        PackageError: it failed. The message has the end of its output.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise PackageError(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}")


def new_environment(folder: Path, *packages: str | Path) -> dict[str, str]:
    """Create a virtual environment with the pinned versions, and return the variables that activate it.

    They hide the environment that this script runs in: with its PATH or PYTHONPATH, a wheel that was not
    installed would go unnoticed.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {**kept, "VIRTUAL_ENV": str(folder), "PATH": f"{folder / 'bin'}{os.pathsep}{os.defpath}"}
    run([sys.executable, "-m", "venv", folder], ROOT, environment)
    constraints = ["-c", ROOT / "constraints.txt"]
    run([folder / "bin" / "pip", "install", "--quiet", *constraints, *packages], ROOT, environment)
    return environment


def copy_tracked_files(folder: Path) -> Path:
    """Copy the files that git tracks, as they are in the working tree."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    for name in listed.stdout.split("\0")[:-1]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


def build(work: Path) -> tuple[Path, Path]:
    """Build and check the archives, and return the source archive and the wheel."""
    source, dist = copy_tracked_files(work / "source"), work / "dist"
    expected = files_under(source) - NOT_IN_ARCHIVE
    with step("installing build and twine"):
        tools = new_environment(work / "tools", "build", "twine")
    with step("building"):  # the wheel from the source archive, so the latter is complete
        run(["pyproject-build", "--outdir", dist, source], work, tools)
    (archive,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with step("checking the archives"):
        run(["twine", "check", "--strict", archive, wheel], work, tools)
        compare(archive.name, source_archive_files(archive), expected)
        compare(wheel.name, wheel_files(wheel), {name for name in expected if name.startswith("src/")})
    return archive, wheel


def run_readme(work: Path, environment: dict[str, str]) -> None:
    """Run the README's commands and Python examples, in its order, outside the repository."""
    folder, readme = work / "elsewhere", ROOT / "README.md"
    folder.mkdir()
    write_named_files(folder)
    for line in commands(readme):
        with step(f"  {line.partition('  #')[0].rstrip()}"):
            run(["bash", "-c", line], folder, environment)
    for kind, text in BLOCK.findall(readme.read_text(encoding="utf-8")):
        if kind == "python":
            with step("  its Python example"):
                run(["python", "-c", text], folder, environment)


def run_tests(work: Path, archive: Path, wheel: Path) -> None:
    """Run the tests of the source archive against the installed wheel."""
    with tarfile.open(archive) as tar:
        tar.extractall(work, filter="data")
    with step("installing the wheel with the extra `dev`"):
        environment = new_environment(work / "dev", f"{wheel}[dev]")
    with step("running the tests of the source archive"):
        run(["pytest", "-n", "auto"], work / archive.name.removesuffix(".tar.gz"), environment)


def main() -> int:
    """Run all steps and return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", action="store_true", help="also run the tests of the source archive")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rnner-package-") as name:
        work = Path(name)
        try:
            archive, wheel = build(work)
            with step("installing the wheel"):
                environment = new_environment(work / "installed", wheel)
            run_readme(work, environment)
            if options.tests:
                run_tests(work, archive, wheel)
        except PackageError as error:
            print(f"\nerror: {error}", file=sys.stderr)
            return 1
        (ROOT / "dist").mkdir(exist_ok=True)
        for path in (archive, wheel):
            shutil.copy2(path, ROOT / "dist")
            print(f"dist/{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
