"""The order of the house: modules import only downward, and what is light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rnner

SOURCE = Path(rnner.__file__).parent

# Lowest first. A name stands for a module or for a whole package; a module may import what stands before it,
# and within a package that is not taken apart here, its neighbours.
ORDER = [
    "errors",
    "models",
    "text",
    "spacing",
    "tags",
    "selection",
    "agreement",
    "chain",
    "config",
    "data.lines",
    "data.layout",
    "data.conll",
    "data.disk",
    "data.table",
    "data.splits",
    "data.formats",
    "data.cache",
    "data.corpus",
    "partition",
    "checks",
    "data.spelling",
    "data.sortedwords",
    "data.vectors",
    "data.arrays",
    "data.subwords",
    "data.documents",
    "data.batches",
    "data.lexicon",
    "data.vocabulary",
    "data.encoded",
    "nn",
    "tagger",
    "knownforms",
    "build",
    "metrics",
    "bootstrap",
    "windows",
    "memory",
    "finding",
    "prepared",
    "exported",
    "decoding",
    "ensemble",
    "evaluation",
    "training",
    "checkpoint",
    "bundle",
    "device",
    "usercode",
    "card",
    "job",
    "audit",
    "run",
    "seeds",
    "pipeline",
    "spacy_component",
    "raw",
    "render",
    "statistics",
    "export",
    "lab",
    "serve",
    "cli",
]
EMPTY = {"data"}
LIGHT = [
    "rnner",
    "rnner.errors",
    "rnner.models",
    "rnner.text",
    "rnner.tags",
    "rnner.config",
    "rnner.data.conll",
    "rnner.finding",
    "rnner.cli",
]


def modules():
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path):
    """The dotted names of what a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(name):
    """Where a module stands in ORDER; None for the package itself."""
    parts = name.split(".")
    for known in (".".join(parts[:2]), parts[0]):
        if known in ORDER:
            return ORDER.index(known)
    return None


def own(name):
    """The module of rnner that an imported name belongs to, or None."""
    known = {module for module, _ in MODULES}
    parts = name.removeprefix("rnner.").split(".") if name.startswith("rnner.") else []
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in known:
            return ".".join(parts[:length])
    return None


MODULES = [(name, path) for name, path in modules() if name != "__init__"]


@pytest.mark.parametrize(("name", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_a_module_imports_only_downward(name, path):
    if name in EMPTY:
        assert not list(imports(path))
        return
    assert place(name) is not None, f"{name} is new: give it a place in ORDER"
    for imported in imports(path):
        module = own(imported)
        if module is None:
            continue
        assert place(module) is not None, f"{name} imports {module}, which has no place"
        inside = place(module) == place(name)
        assert inside or place(module) < place(name), f"{name} imports {module}, which stands above it"


def test_the_check_sees_an_import_upward():
    assert own("rnner.data.corpus.Split") == "data.corpus" and own("rnner.bundle") == "bundle"
    assert place("data.corpus") < place("training") < place("cli.train")
    assert {own(name) for name in imports(SOURCE / "tagger.py")} >= {"data.batches", "nn.heads"}


@pytest.mark.parametrize("path", sorted((SOURCE / "nn").glob("*.py")), ids=lambda path: path.stem)
def test_the_network_knows_tensors_alone(path):
    for imported in imports(path):
        top = imported.split(".")[0]
        assert top == "torch" or imported.startswith("rnner.nn.") or top in sys.stdlib_module_names, imported


def test_light_modules_pull_in_neither_torch_nor_datasets():
    code = f"""
import importlib, sys
for name in {LIGHT}:
    importlib.import_module(name)
    print(name, sorted({{'torch', 'datasets', 'pandas'}} & set(sys.modules)))"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name} []" for name in LIGHT]


def test_only_the_command_line_prints():
    for name, path in modules():
        if name.startswith("cli"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            assert not (isinstance(called, ast.Name) and called.id in {"print", "input", "exit"}), name
