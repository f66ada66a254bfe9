"""The files of a model in memory."""

import pytest

from rnner.errors import ModelError
from rnner.model.archive import ModelOrigin, model_files, read_model_files, write_model_files
from rnner.model.file_names import CONFIG, ONNX, VOCABULARY, WEIGHTS

FILES = {CONFIG: b"a", VOCABULARY: b"b", WEIGHTS: b"c", ONNX: b"d"}


@pytest.fixture
def folder(tmp_path):
    write_model_files(FILES, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    return tmp_path


def test_only_the_files_of_a_model_are_read(folder):
    assert read_model_files(folder) == FILES


def test_the_exported_file_of_a_folder_comes_with_the_files_that_it_reads(folder):
    assert read_model_files(folder / ONNX) == FILES


def test_an_exported_file_outside_a_folder_is_one_file(folder):
    alone = folder / "names.onnx"
    alone.write_bytes(b"e")
    assert model_files(alone) == {ONNX: alone}


def test_a_file_that_does_not_belong_to_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"'\.\./evil' is not a file of an rnner model"):
        write_model_files(FILES | {"../evil": b""}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_packed_model_holds_what_is_loaded(folder):
    code = folder / "cells.py"
    code.write_bytes(b"# cells")
    packed = ModelOrigin("mine", folder, code=code).pack()
    assert packed.files == {name: FILES[name] for name in (CONFIG, VOCABULARY, WEIGHTS)}
    with packed.unpacked() as (path, where):
        assert read_model_files(path) == packed.files and where == code
    code.unlink()
    with packed.unpacked() as (path, where):
        assert where == path / "cells.py" and where.read_bytes() == b"# cells"
    assert not path.exists()


def test_digests_differ_when_anything_differs(folder):
    packed = ModelOrigin("mine", folder).pack()
    others = [packed._replace(device="cuda"), packed._replace(files=packed.files | {WEIGHTS: b"x"})]
    others.append(packed._replace(code=(folder / "cells.py", b"")))
    assert len({other.digest() for other in (packed, *others)}) == 4
