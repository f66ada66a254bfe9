"""Fixtures that read and refuse annotated text."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnner.data.formats.annotated import AnnotatedText, SourceFile
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import read_documents
from rnner.errors import DataError

Written = Callable[..., SourceFile]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """`written(text, **options)` returns a source with this text."""

    def write(text: str, **options: object) -> SourceFile:
        path = tmp_path / "corpus"
        path.write_text(text, encoding="utf-8", newline="\n")
        return SourceFile(path, **options)  # type: ignore[arg-type]

    return write


@pytest.fixture
def documents(written: Written) -> Callable[..., list[AnnotatedText]]:
    """`documents(text)` returns the documents read from it, in the detected format."""

    def read(text: str, **options: object) -> list[AnnotatedText]:
        source = written(text, **options)
        return read_documents(source, detect_format(source.path))

    return read


@pytest.fixture
def refusal(written: Written) -> Callable[..., str]:
    """`refusal(text)` returns the error message without the file name."""

    def refuse(text: str, form: str | None = None, **options: object) -> str:
        source = written(text, **options)
        with pytest.raises(DataError) as caught:
            read_documents(source, form or detect_format(source.path))
        return str(caught.value).removeprefix(f"{source.path}:")

    return refuse
