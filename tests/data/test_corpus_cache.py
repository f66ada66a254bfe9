"""A cached corpus equals the parsed one, and a damaged cache file is never used."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from rnner.data import corpus
from rnner.data import corpus_cache as cache
from rnner.data.corpus import load_corpus, read_split
from rnner.data.splits import Split
from rnner.errors import DataError
from rnner.system.files import is_partial
from run_helpers import assert_same_end, run, stopped_after
from tiny_corpus import corpus_config

COLUMNS = "-DOCSTART- O\n\nAda B-PER\nof I-PER\nŁódź I-PER\nslept O\n\nRain O\n\nBo B-PER\n"
ILLEGAL = "Rain O\n\nAda B-PER\nmet O\n\nBo B-PER\nof O\nYork I-LOC\n"
RECORDS = '{"tokens": ["Ada", "slept"], "tags": ["B-PER", "O"]}\n{"tokens": [], "tags": []}\n'

OPEN = "Ada B-PER\nLovelace ?\nslept O\n\nRain ?\n\nBo B-?\n"

Files = Callable[[], list[Path]]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Files:
    """Cache corpora of any size; returns the files of the cache."""
    monkeypatch.setattr(cache, "MIN_BYTES", 0)
    monkeypatch.setenv("RNNER_CACHE", str(tmp_path / "cache"))
    return lambda: sorted((tmp_path / "cache" / "corpora").glob("*"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "train.conll"
    path.write_text(COLUMNS, encoding="utf-8")
    return path


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After a call, parsing a file is an error."""

    def read(*_: object) -> Split:
        raise AssertionError("the file was read")

    return lambda: monkeypatch.setattr(corpus, "_read", read)


def contents(split: Split) -> list[Any]:
    """All properties of a split."""
    table = [split.lines.tolist(), split.documents.tolist(), split.labels, split.digest]
    return [*split.sentences(), *table, split.name, split.path, split.scheme, split.illegal_tags, split.notes]


def assert_cached_as_read(
    path: Path, unread: Callable[[], None], monkeypatch: pytest.MonkeyPatch, **how: Any
) -> None:
    with monkeypatch.context() as small:
        small.setattr(cache, "MIN_BYTES", 1 << 30)
        expected = contents(read_split(path, **how))
    assert contents(read_split(path, **how)) == expected
    unread()
    assert contents(read_split(path, **how)) == expected


@pytest.mark.parametrize("scheme", [None, "bioes", "binary"])
@pytest.mark.parametrize(
    ("text", "how"),
    [
        (COLUMNS, {}),
        (COLUMNS, {"name": "dev", "columns": {"token": 0, "tag": -1}}),
        (ILLEGAL, {"illegal": "conlleval"}),
        (RECORDS, {}),
        (OPEN, {}),
        (OPEN.replace("?", "-"), {"unknown": "-"}),
    ],
)
def test_a_cached_corpus_equals_the_parsed_one(
    text: str,
    how: dict[str, Any],
    scheme: str | None,
    files: Files,
    source: Path,
    unread: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.write_text(text, encoding="utf-8")
    assert_cached_as_read(source, unread, monkeypatch, scheme=scheme, **how)
    assert [path.suffix for path in files()] == [".arrow"]


def test_the_folder_of_a_data_set_is_cached_too(
    files: Files, tmp_path: Path, unread: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import Dataset

    columns = {"tokens": [["Ada", "slept"], ["Rain"]], "tags": [["B-PER", "O"], ["O"]]}
    Dataset.from_dict(columns).save_to_disk(tmp_path / "saved")
    assert_cached_as_read(tmp_path / "saved", unread, monkeypatch)


def test_warnings_of_a_corpus_are_the_same_from_the_cache(
    files: Files, source: Path, tmp_path: Path, unread: Callable[[], None]
) -> None:
    dev = tmp_path / "dev.conll"
    dev.write_text(ILLEGAL, encoding="utf-8")
    first = load_corpus(train=source, dev=dev, illegal="conlleval")
    unread()
    second = load_corpus(train=source, dev=dev, illegal="conlleval")
    assert first.warnings == second.warnings and len(first.warnings) == 2
    assert first.warnings[0].startswith(f"{dev}:8: I-LOC after O")


def test_other_contents_or_settings_are_cached_in_another_file(
    files: Files, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(**how: Any) -> int:
        read_split(source, **how)
        return len(files())

    assert [read(), read(name="other")] == [1, 1]
    assert read(columns={"token": 0}) == 2
    assert read(columns={"token": 0, "tag": 1}) == 3
    assert read(illegal="conlleval") == 4
    assert read(scheme="bioes") == 5
    assert read(scheme="iob1") == 6
    assert read(unknown="-") == 7
    source.write_text(COLUMNS.replace("Bo", "Al"), encoding="utf-8")
    assert read() == 8
    source.write_text(COLUMNS, encoding="utf-8")
    assert read() == 8
    monkeypatch.setattr(cache, "_code_digest", lambda: "of another version")
    assert read() == 9
    read_split(source.rename(tmp_path / "moved.conll"))
    assert len(files()) == 9


def test_the_code_that_reads_is_part_of_the_key() -> None:
    assert len(cache._code_digest()) == 64


def test_an_invalid_file_is_reported_every_time_and_not_cached(files: Files, source: Path) -> None:
    source.write_text(ILLEGAL, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(DataError, match=r"train\.conll:8: I-LOC after O"):
            read_split(source)
    with pytest.raises(DataError, match="file not found"):
        read_split(source.with_name("absent.conll"))
    assert files() == []


def test_small_files_are_not_cached(files: Files, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MIN_BYTES", len(COLUMNS.encode()) + 1)
    read_split(source)
    assert files() == []
    monkeypatch.setattr(cache, "MIN_BYTES", len(COLUMNS.encode()))
    read_split(source)
    assert len(files()) == 1


def test_a_file_that_changes_while_it_is_read_is_not_cached(
    files: Files, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = corpus._read

    def changed(*given: Any) -> Split:
        source.write_text(COLUMNS.replace("Bo", "Alice"), encoding="utf-8")
        return read(*given)

    with monkeypatch.context() as patch:
        patch.setattr(corpus, "_read", changed)
        assert read_split(source).sentences([2])[0] == [["Alice"]]
    assert files() == []


def test_a_pipe_is_read_once(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'w').write({COLUMNS!r})"])
    assert len(read_split(path)) == 3
    assert writer.wait() == 0 and files() == []


# --- damaged files ------------------------------------------------------------------------------------------


def test_a_damaged_file_is_detected_and_replaced(files: Files, source: Path) -> None:
    expected = contents(read_split(source, scheme="bioes"))
    (file,) = files()
    whole = file.read_bytes()
    flipped = [whole[:i] + bytes([whole[i] ^ 1]) + whole[i + 1 :] for i in range(0, len(whole), 37)]
    cut = [whole[:length] for length in (0, 1, 31, 32, 33, len(whole) // 2, len(whole) - 1)]
    for broken in (*cut, *flipped, whole + b"\0", b"\0" * len(whole)):
        file.write_bytes(broken)
        assert cache._load(file, source) is None
    assert contents(read_split(source, scheme="bioes")) == expected
    assert [path.read_bytes() for path in files()] == [whole]


def rewritten(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Write a cache file again, with a digest that fits, after `change(columns, metadata)`."""
    batch = pa.ipc.open_file(pa.BufferReader(file.read_bytes()[:-32])).get_batch(0)
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    metadata = json.loads(batch.schema.metadata[b"rnner"])
    change(columns, metadata)
    changed = pa.record_batch(columns, metadata={b"rnner": json.dumps(metadata)})
    with pa.ipc.new_file(str(file), changed.schema) as writer:
        writer.write_batch(changed)
    content = file.read_bytes()
    file.write_bytes(content + hashlib.sha256(content).digest())


def lists(offsets: list[int], numbers: list[int], strings: list[str]) -> Any:
    words = pa.DictionaryArray.from_arrays(
        pa.array(numbers, pa.int32()), pa.array(strings, pa.large_string()), safe=False
    )
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), words)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tokens", lists([0, 4, 5, 6], [0, 1, 2, 3, 4, 9], ["Ada", "of", "Łódź", "slept", "Rain"])),
        ("tokens", lists([0, 4, 9, 6], [0, 1, 2, 3, 4, 0], ["Ada", "of", "Łódź", "slept", "Rain"])),
        ("tags", lists([0, 3, 5, 6], [0, 0, 0, 0, 0, 0], ["O"])),
        ("tags", lists([0, 4, 5, 6], [0, 0, 0, 0, 0, 0], ["PER"])),
        ("tags", pa.array(["O", "O", "O"])),
        ("document", pa.array([0, None, 0], pa.int32())),
        ("document", pa.array([1, 0, 0], pa.int32())),
        ("line", pa.array([1.5, 2.5, 3.5])),
        ("scheme", "bilou"),
        ("scheme", ["iob2"]),
        ("notes", [5]),
        ("notes", None),
        ("illegal_tags", [1]),
    ],
)
def test_a_file_that_holds_something_else_is_read_again(
    files: Files, source: Path, column: str, value: Any
) -> None:
    expected = contents(read_split(source))
    (file,) = files()
    whole = file.read_bytes()

    def change(columns: dict[str, Any], metadata: dict[str, Any]) -> None:
        (columns if column in columns else metadata)[column] = value

    rewritten(file, lambda *_: None)
    assert cache._load(file, source) is not None, "the helper is wrong"
    rewritten(file, change)
    assert cache._load(file, source) is None
    assert contents(read_split(source)) == expected
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_reported_and_the_file_is_read(
    files: Files, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = contents(read_split(source))
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("RNNER_CACHE", str(tmp_path / "file"))
    *read, notes = contents(read_split(source))
    assert [*read, ()] == expected
    (note,) = notes
    assert note.startswith(f"the cache {tmp_path / 'file' / 'corpora'} cannot be written (")
    assert note.endswith("), so the file is parsed every time; set RNNER_CACHE to a writable folder")
    assert load_corpus(train=source, dev=source).warnings == [f"{source}: {note}"]


def test_a_shared_cache_may_be_read_only(
    files: Files, source: Path, unread: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    expected = contents(read_split(source))
    for name in ("os.utime", "pathlib.Path.mkdir", "tempfile.mkstemp"):
        monkeypatch.setattr(name, refused)
    unread()
    assert contents(read_split(source)) == expected


def test_a_full_disk_leaves_no_file(files: Files, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert "cannot be written (No space left on device)" in read_split(source).notes[0]
    assert files() == []


# --- several processes -------------------------------------------------------------------------------------

READ = """
    import json, os, signal, sys
    from rnner.data import corpus_cache as cache
    from rnner.data.corpus import read_split

    cache.MIN_BYTES = 0
"""


def started(source: Path, before: str) -> subprocess.Popen[str]:
    code = textwrap.dedent(READ + before + "\n    print(json.dumps(read_split(sys.argv[1]).sentences()))")
    command = [sys.executable, "-c", code, str(source)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_processes_may_write_a_file_at_once(files: Files, source: Path) -> None:
    # Each process waits for the other before it moves its file into place.
    wait = "    os.fsync = lambda file: (print(flush=True), sys.stdin.read())"
    both = [started(source, wait) for _ in range(2)]
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "\n"
    assert [is_partial(path) for path in files()] == [True, True]
    words = [json.loads(process.communicate()[0])[0] for process in both]
    assert words == [read_split(source).sentences()[0]] * 2
    assert [path.suffix for path in files()] == [".arrow"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_four_processes_on_a_cold_cache_with_kills(files: Files, source: Path, seed: int) -> None:
    expected, draw = read_split(source, scheme="bioes").sentences()[0], random.Random(seed)
    for path in files():
        path.unlink()
    killed = """
    import time
    fsyncs, fsync = iter(range({0})), os.fsync
    os.fsync = lambda file: (time.sleep({1}), fsync(file) if next(fsyncs, None) is not None else
                             os.kill(os.getpid(), signal.SIGKILL))
    """
    four = [started(source, killed.format(number, draw.random() / 10)) for number in (0, 1, 0, 9)]
    for process in four:
        out, _ = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL or json.loads(out)[0] == expected
    assert four[-1].returncode == 0
    assert sorted({path.suffix for path in files()}) in ([".arrow"], [".arrow", ".partial"])
    assert all(cache._load(path, source) is not None for path in files() if path.suffix == ".arrow")


def test_a_partial_file_of_a_killed_process_is_not_used(files: Files, source: Path) -> None:
    killed = started(source, "    os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)")
    assert killed.communicate()[0] == "" and killed.returncode == -signal.SIGKILL
    (partial,) = files()
    assert is_partial(partial)
    assert len(read_split(source)) == 3
    assert {path.suffix for path in files()} == {".arrow", ".partial"}
    aged(partial, days=2)
    read_split(source, scheme="bioes")
    assert {path.suffix for path in files()} == {".arrow"}


def test_files_that_were_not_used_for_a_month_are_removed(files: Files, source: Path) -> None:
    read_split(source)
    read_split(source, scheme="bioes")
    old, used = files()
    for path in (old, used):
        aged(path, days=31)
    assert cache._load(used, source) is not None
    read_split(source, scheme="iob1")
    assert used in files() and old not in files() and len(files()) == 2


def aged(path: Path, *, days: int) -> None:
    then = time.time() - days * 24 * 60 * 60
    os.utime(path, (then, then))


# --- training ----------------------------------------------------------------------------------------------

CONTEXT = ("embeddings.document=true", "embeddings.lexicon=true")


@pytest.mark.parametrize("held_out", [False, True])
def test_training_from_disk_gives_the_same_bits(
    held_out: bool, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = corpus_config(tmp_path, *CONTEXT, *(["data.dev=null"] if held_out else []), "training.epochs=2")
    with monkeypatch.context() as small:
        small.setattr(cache, "MIN_BYTES", 1 << 30)
        run(tmp_path / "memory", config)
        stopped_after(tmp_path / "resumed", config, 4)
    assert files() == []
    monkeypatch.setattr("rnner.data.disk_arrays._MAX_IN_MEMORY", 0)
    run(tmp_path / "disk", config)
    assert len(files()) == 3 - held_out
    run(tmp_path / "cached", config)
    run(tmp_path / "resumed", config, resume=True)
    for folder in ("disk", "cached", "resumed"):
        assert_same_end(tmp_path / folder, tmp_path / "memory")
