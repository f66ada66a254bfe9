"""Print how much an installation downloads, and how large it is on disk, by package.

    pip install uv packaging
    python scripts/install_size.py                          # download, with the CUDA libraries of PyTorch
    python scripts/install_size.py --environment .venv      # the packages installed there, and their sizes

Sizes of downloads are those in the package index; nothing is downloaded. A size on disk is the sum of the
files that a package lists, with their bytecode. Packages below 1 MB are added up in one line.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).parent.parent
PYTHON = (3, 11)
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(35, 4, -1)]
PLATFORMS += [f"manylinux{year}_x86_64" for year in (2014, 2010, 1)]
TAGS = {*cpython_tags(PYTHON, platforms=PLATFORMS), *compatible_tags(PYTHON, "cp311", PLATFORMS)}


def wheel_size(package: dict[str, Any]) -> int:
    """Return the size of the wheel for Linux, or of the source archive if there is no wheel."""
    for wheel in package.get("wheels", []):
        if parse_wheel_filename(wheel["url"].rpartition("/")[2].replace("%2B", "+"))[3] & TAGS:
            return wheel["size"]
    return package["sdist"]["size"]


def download_sizes(requirements: str) -> dict[str, int]:
    """Resolve the requirements for Python 3.11 on Linux, and return the size of each download."""
    command = ["uv", "pip", "compile", "--quiet", "--format", "pylock.toml", "--python-version", "3.11"]
    command += ["--python-platform", "linux", "--constraint", "constraints.txt", requirements]
    lock = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return {package["name"]: wheel_size(package) for package in tomllib.loads(lock.stdout)["packages"]}


def size_on_disk(package: Distribution) -> int:
    """Return the size of the files of an installed package."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def installed_sizes(environment: Path) -> dict[str, int]:
    """Return the size of each package in a virtual environment."""
    paths = [str(path) for path in environment.glob("lib/python*/site-packages")]
    return {package.name: size_on_disk(package) for package in distributions(path=paths)}


def table(sizes: dict[str, int]) -> Iterable[str]:
    """Return the lines of a table, the largest package first."""
    small = [size for size in sizes.values() if size < 1e6]
    rows = sorted((size, name) for name, size in sizes.items() if size >= 1e6)
    yield from (f"| {name} | {size / 1e6:,.0f} MB |" for size, name in reversed(rows))
    yield f"| {len(small)} smaller ones | {sum(small) / 1e6:,.0f} MB |"
    yield f"| all {len(sizes)} | {sum(sizes.values()) / 1e6:,.0f} MB |"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, help="show the sizes of the packages installed there")
    options = parser.parse_args()
    environment = options.environment
    sizes = installed_sizes(environment) if environment else download_sizes("pyproject.toml")
    print("\n".join(["| package | size |", "|---|---|", *table(sizes)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
