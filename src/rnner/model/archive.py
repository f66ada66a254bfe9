"""The files of a model in memory, to pickle a pipeline or store a model in a file of another program."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rnner.errors import ModelError
from rnner.model.file_names import FOLDER_FILES, MANIFEST, MODEL_FILES, ONNX, check_model_files


def model_files(model: Path) -> dict[str, Path]:
    """Return a model's files, keyed by their names in a model folder.

    Args:
        model: a model folder, or a file written by `rnner export`. The `model.onnx` of a folder reads its
            tables from the other files there, so these are returned with it.
    """
    if model.is_file():
        folder = model.parent
        if model.name != ONNX or not all((folder / name).is_file() for name in FOLDER_FILES):
            return {ONNX: model}
        model = folder
    check_model_files(model)
    return {name: model / name for name in MODEL_FILES if (model / name).is_file()}


def read_model_files(model: Path) -> dict[str, bytes]:
    """Return the content of each of a model's files."""
    return {name: file.read_bytes() for name, file in model_files(model).items()}


def write_model_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files returned by `read_model_files` into a folder.

    Raises:
        ModelError: there is a file that does not belong to a model; nothing is written.
    """
    if unknown := sorted(files.keys() - set(MODEL_FILES)):
        raise ModelError(f"{unknown[0]!r} is not a file of an rnner model; expected {', '.join(MODEL_FILES)}")
    for name, content in files.items():
        (folder / name).write_bytes(content)


class PackedModel(NamedTuple):
    """Everything needed to load a model again, on any machine.

    Attributes:
        name: the model as the user named it.
        files: the content of its files.
        exported: whether it is loaded from its ONNX file.
        device: as for `rnner.load`.
        code: the Python file that registers its cells, and its content; None if the model needs none.
    """

    name: str
    files: dict[str, bytes]
    exported: bool
    device: str
    code: tuple[Path, bytes] | None

    def digest(self) -> str:
        """Return a string that identifies the model: its name, files, device and code."""
        contents = [*self.files.values(), *(self.code[1:] if self.code else [])]
        parts = [hashlib.sha256(content).hexdigest() for content in contents]
        return " ".join([self.name, self.device, str(self.exported), *self.files, *parts])

    @contextmanager
    def unpacked(self) -> Iterator[tuple[Path, Path | None]]:
        """Write the files to a temporary folder; yield the path to load, and the code file."""
        with TemporaryDirectory(prefix="rnner", ignore_cleanup_errors=True) as name:
            folder, code = Path(name), None
            write_model_files(self.files, folder)
            if self.code is not None:
                code, content = self.code
                if not (code.is_file() and code.read_bytes() == content):
                    code = folder / code.name
                    code.write_bytes(content)
            yield folder / ONNX if self.exported else folder, code


class ModelOrigin:
    """Where a pipeline was loaded from, so that the model can be packed. Create it before loading.

    Args:
        name: the model as the user named it.
        path: the model folder, or the file written by `rnner export`.
        device: as for `rnner.load`.
        code: the Python file that registers the cells of the model, if any.

    Attributes:
        packed: the packed model, if the pipeline was loaded from one.
    """

    def __init__(self, name: str, path: Path, *, device: str = "cpu", code: Path | str | None = None) -> None:
        self.name, self.path, self.device = name, path, device
        self.code = None if code is None else Path(code)
        self.packed: PackedModel | None = None
        self._stamps = self._file_stamps()

    def pack(self) -> PackedModel:
        """Return the model with the content of its files.

        Raises:
            ModelError: a file has been changed or removed since the model was loaded.
        """
        if self.packed is not None:
            return self.packed
        if self._file_stamps() != self._stamps:
            raise ModelError(f"{self.path}: the model has changed since it was loaded; load it again")
        files = {name: file.read_bytes() for name, file in self._needed_files().items()}
        code = None if self.code is None else (self.code.resolve(), self.code.read_bytes())
        return PackedModel(self.name, files, self.path.is_file(), self.device, code)

    def _needed_files(self) -> dict[str, Path]:
        needed = (*FOLDER_FILES, MANIFEST, *([ONNX] if self.path.is_file() else []))
        return {name: file for name, file in model_files(self.path).items() if name in needed}

    def _file_stamps(self) -> dict[str, tuple[int, int]]:
        """Return the size and the modification time of each file."""
        stats = {name: file.stat() for name, file in self._needed_files().items()}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}
