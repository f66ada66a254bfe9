"""Check that the pinned versions can be installed on every supported version of Python; installs nothing.

    pip install uv
    python scripts/resolve_versions.py

Prints one line per version of Python; the exit code is 1 if one has no solution. Needs the package index.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11.5", "3.12", "3.13", "3.14")


def resolve(python: str) -> subprocess.CompletedProcess[str]:
    """Resolve all dependencies, extras included, for a version of Python on Linux."""
    command = ["uv", "pip", "compile", "--quiet", "--all-extras", "--python-version", python]
    command += ["--python-platform", "linux", "--constraint", "constraints.txt", "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def main() -> int:
    """Resolve for each version and return the exit code."""
    outcomes = {python: resolve(python) for python in PYTHONS}
    for python, outcome in outcomes.items():
        packages = sum("==" in line for line in outcome.stdout.splitlines())
        print(f"Python {python}: {outcome.stderr.strip() or f'{packages} packages'}")
    return int(any(outcome.returncode for outcome in outcomes.values()))


if __name__ == "__main__":
    sys.exit(main())
