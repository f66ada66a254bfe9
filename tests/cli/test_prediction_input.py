"""Input of `rnner predict`: gzip, long texts and pipes; and prediction in workers."""

import gzip
import io
import json
import os
import subprocess
import sys
import threading

import pytest

from rnner.cli import prediction_chunks
from rnner.cli import prediction_input as inputs
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_input import line_chunks, text_chunks
from rnner.cli.prediction_records import list_chunks, record_chunks
from rnner.cli.prediction_stream import InputStream
from rnner.export.writer import export_standalone
from rnner.model.folder import load_model

LINES = ["London slept .", "", "Ada Lovelace wrote to Charles Babbage .", "It was a good year ."]
RECORDS = [
    {"id": 7, "text": LINES[0]},
    {"tokens": LINES[2].split(), "id": "x", "more": {"a": [1.5, None]}},
    {"text": ""},
    {"tokens": []},
]


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    """The trained model as an ONNX file, which starts faster."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_standalone(load_model(trained), path)
    return path


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def read(text):
    return [json.loads(line) for line in text.splitlines()]


def found(items):
    return [[(e["label"], e["start"], e["end"]) for e in item["entities"]] for item in items]


# --- gzip --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text", "lines", "jsonl", "conll"])
def test_gzip_is_detected_by_its_content(predict, tmp_path, kind):
    data = {"jsonl": jsonl(RECORDS), "conll": b"Ada\nLovelace\nslept\n\nBerlin\n"}.get(
        kind, "\n".join(LINES).encode()
    )
    (tmp_path / "packed").write_bytes(gzip.compress(data))
    options = ("--input", kind, "--format", "conll" if kind == "conll" else "json")
    expected = predict(*options, stdin=data)
    assert predict(*options, "--file", tmp_path / "packed") == expected != ""
    assert predict(*options, stdin=gzip.compress(data)) == expected


def test_compressed_output_is_reproducible(predict, tmp_path):
    expected, packed = predict(LINES[0], "--format", "jsonl"), []
    for name in ("one.jsonl.gz", "two.jsonl.gz"):
        assert predict(LINES[0], "--format", "jsonl", "--output", tmp_path / name) == ""
        packed.append((tmp_path / name).read_bytes())
    assert gzip.decompress(packed[0]).decode() == expected and packed[0] == packed[1]


@pytest.mark.parametrize("name", ["names.html", "names.json", "names.jsonl", "names.conll", "names.jsonl.gz"])
def test_the_suffix_of_the_output_sets_the_format(predict, tmp_path, name):
    form = name.split(".")[1]
    predict(LINES[0], "--output", tmp_path / name)
    data = (tmp_path / name).read_bytes()
    content = gzip.decompress(data) if name.endswith("gz") else data
    assert content.decode() == predict(LINES[0], "--format", form)


@pytest.mark.parametrize("spoil", [lambda data: data[:-9], lambda data: data[:40] + b"\0\0\0" + data[43:]])
def test_damaged_gzip_is_reported(rnner, trained, one_line, tmp_path, spoil):
    (tmp_path / "packed.gz").write_bytes(spoil(gzip.compress(os.urandom(300).hex().encode())))
    one_line(
        rnner("predict", "--model", trained, "--file", tmp_path / "packed.gz"),
        1,
        "packed.gz",
        "corrupted or truncated",
    )


@pytest.mark.parametrize("kind", ["text", "lines"])
def test_bytes_after_gzip_are_ignored_with_a_warning(rnner, trained, predict, tmp_path, kind):
    packed = gzip.compress(f"{LINES[0]}\n".encode())
    (tmp_path / "packed.gz").write_bytes(packed + b"garbage")
    options = ("--input", kind, "--format", "jsonl")
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "packed.gz", *options)
    assert outcome.code == 0 and outcome.out == predict(*options, stdin=packed)
    (line,) = outcome.err.splitlines()
    assert line.startswith("warning: ")
    assert line.endswith("packed.gz: bytes after the end of the compressed data are ignored")


@pytest.mark.parametrize("kind", ["lines", "jsonl", "csv", "conll"])
def test_a_gzip_bomb_is_an_error_before_it_fills_the_memory(rnner, trained, one_line, tmp_path, kind):
    bomb = gzip.compress(b"a" * (40 << 20))
    assert len(bomb) < 50_000
    (tmp_path / "bomb.gz").write_bytes(bomb)
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "bomb.gz", "--input", kind)
    one_line(outcome, 1, "bomb.gz:1: this line is longer than 16 MB", "RNNER_MAX_RECORD_MB=64")


def test_a_bad_byte_in_gzip_is_reported_with_its_line(rnner, trained, one_line, tmp_path):
    (tmp_path / "packed.gz").write_bytes(gzip.compress(b"fine\ncaf\xe9\n"))
    one_line(
        rnner("predict", "--model", trained, "--file", tmp_path / "packed.gz"), 1, "packed.gz:2:4: not UTF-8"
    )


# --- long texts --------------------------------------------------------------------------------------------


def parts_of(text, size=1 << 20):
    """Return the parts of a text that is read in blocks of `size` bytes."""
    stream = io.BytesIO(text.encode())
    stream.read1 = lambda most: io.BytesIO.read(stream, size)
    chunks = list(text_chunks(InputStream(stream)))
    parts = [part for chunk in chunks for part in chunk.contents]
    offsets = [item.offset for chunk in chunks for item in chunk.items if item.offset is not None]
    assert "".join(parts) == text and (len(parts) > 1) == bool(offsets)
    assert all(text.startswith(part, offset) for part, offset in zip(parts, offsets, strict=False))
    return parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("x" * 20, ["x" * 20]),
        ("one.\n\ntwo.\n \nthree. and four", ["one.\n\ntwo.\n \n", "three. and four"]),
        ("one.\r\n\r\ntwo two.\nthree. x", ["one.\r\n\r\n", "two two.\nthree. x"]),
        ("one one.\ntwo two.\nthree. x", ["one one.\ntwo two.\n", "three. x"]),
        ("words and more words and words", ["words and more ", "words and words"]),
        ("One one. Two two. Three", ["One one. Two two. ", "Three"]),
        ('He "left." And she did', ['He "left." ', "And she did"]),
        ("東京。" * 7, ["東京。" * 6, "東京。"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
    ],
)
def test_a_long_text_is_split_at_the_best_place(monkeypatch, text, parts):
    monkeypatch.setattr(inputs, "LONGEST_TEXT", 20)
    for size in (1, 7, 1 << 20):
        assert parts_of(text, size) == parts


def test_splitting_a_text_is_reported_and_parts_have_offsets(rnner, trained, monkeypatch, tmp_path):
    monkeypatch.setattr(inputs, "LONGEST_TEXT", 20)
    text = "London slept.\n\nAda Lovelace slept.\n\nIt rained."
    (tmp_path / "long.txt").write_text(text)
    outcome = rnner("predict", "--model", trained, "--file", tmp_path / "long.txt", "--format", "jsonl")
    assert outcome.code == 0 and outcome.err.count("\n") == 1
    assert "long.txt: longer than 20 characters" in outcome.err
    items = read(outcome.out)
    assert [text[item["offset"] :].startswith(item["text"]) for item in items] == [True] * 3
    assert "".join(item["text"] for item in items) == text
    (whole,) = read(rnner("predict", "--model", trained, "Ada Lovelace slept.\n\n", "--format", "jsonl").out)
    assert found(items[1:2]) == found([whole])


def test_a_text_in_one_line_is_read_in_pieces():
    stream = io.BytesIO(b"Ada wrote. " * 500_000)
    chunks = text_chunks(InputStream(stream))
    first = next(chunks).contents[0]
    assert len(first) <= inputs.LONGEST_TEXT and first.endswith("wrote. ")
    assert stream.tell() <= 4 << 20  # the rest has not been read
    assert sum(len(chunk.contents[0]) for chunk in chunks) == 5_500_000 - len(first)


def test_a_json_list_is_read_record_by_record():
    records = (json.dumps({"text": "Ada wrote. " * 100, "id": i}) for i in range(5_000))
    stream = io.BytesIO(f"[{', '.join(records)}]".encode())
    chunks = list_chunks(InputStream(stream), Failures("stop"))
    assert next(chunks).items[0].keys["id"] == 0
    assert stream.tell() <= 2 << 20
    assert list(chunks)[-1].items[-1].keys["id"] == 4_999


def test_a_document_of_a_column_file_may_be_longer_than_a_chunk_but_not_endless(monkeypatch):
    monkeypatch.setattr(prediction_chunks, "CHUNK", 100)
    monkeypatch.setattr(prediction_chunks, "LONGEST_TEXT", 1000)
    items = [prediction_chunks.Item(["word"] * 10, document=0) for _ in range(100)]
    chunks = list(prediction_chunks.chunks_of([items]))
    assert [len(chunk.items) for chunk in chunks] == [20, 20, 20, 20, 20]


# --- pipes -------------------------------------------------------------------------------------------------


def test_a_chunk_is_what_a_pipe_holds():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as other:
        other.write(b"one\ntwo\nthr")
        chunks = line_chunks(InputStream(stream), Failures("stop"))
        for lines, rest in ((["one", "two"], b"ee\n"), (["three"], b"")):
            chunk = next(chunks)
            assert (chunk.contents, chunk.flush) == (lines, True)
            other.write(rest)
        other.write(b"no end")
        other.close()
        assert [chunk.contents for chunk in chunks] == [["no end"]]


def test_only_the_last_chunk_of_a_file_is_flushed(monkeypatch, tmp_path):
    monkeypatch.setattr(prediction_chunks, "CHUNK", 10)
    (tmp_path / "r").write_bytes(jsonl({"text": "x" * n} for n in (4, 4, 12, 1, 1)))
    with (tmp_path / "r").open("rb") as stream:
        chunks = list(record_chunks(InputStream(stream), Failures("stop")))
    assert [[len(text) for text in chunk.contents] for chunk in chunks] == [[4, 4], [12], [1, 1]]
    assert [chunk.flush for chunk in chunks] == [False, False, True]


def test_each_typed_line_is_answered_at_once(exported):
    command = [
        sys.executable,
        "-c",
        "from rnner.cli.main import main; main()",
        "predict",
        "--model",
        str(exported),
    ]
    options = ["--input", "lines", "--format", "jsonl"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, *options], bufsize=0, **pipes) as process:
        stop = threading.Timer(60, process.kill)
        stop.start()
        answers = []
        for line in (LINES[0], LINES[2]):
            process.stdin.write(f"{line}\n".encode())
            answers.append(json.loads(process.stdout.readline())["text"])
        process.stdin.close()
        assert (process.stdout.read(), process.wait()) == (b"", 0)
        stop.cancel()
    assert answers == [LINES[0], LINES[2]]


# --- workers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["exported", pytest.param("trained", marks=pytest.mark.slow)])
def test_workers_write_the_same_as_one_process(rnner, request, monkeypatch, tmp_path, model):
    monkeypatch.setattr(prediction_chunks, "CHUNK", 60)
    (tmp_path / "lines").write_text("\n".join(LINES * 5))
    (tmp_path / "columns").write_text("".join(f"{line}\n\n".replace(" ", "\n") for line in LINES * 5))
    for kind, form in (("lines", "json"), ("conll", "conll")):
        data = tmp_path / ("columns" if kind == "conll" else kind)
        options = ("--file", data, "--input", kind, "--format", form)
        command = ("predict", "--model", request.getfixturevalue(model), *options)
        alone, together = rnner(*command), rnner(*command, "--workers", "2")
        assert (alone.code, alone.err) == (together.code, together.err) == (0, "")
        if form == "conll":
            assert together.out == alone.out and "B-PER" in alone.out
        else:
            one, other = json.loads(alone.out), json.loads(together.out)
            assert found(one) == found(other) and [item["text"] for item in other] == LINES * 5


def test_workers_report_errors_in_the_input(rnner, exported, one_line):
    outcome = rnner("predict", "--model", exported, "--input", "jsonl", "--workers", "2", stdin=b"{\n")
    one_line(outcome, 1, "<stdin>:1: not valid JSON")


def test_workers_report_a_model_that_cannot_be_loaded(rnner, exported, one_line, tmp_path):
    (tmp_path / "broken.onnx").write_bytes(exported.read_bytes()[:999])
    outcome = rnner("predict", "--model", tmp_path / "broken.onnx", "London", "--workers", "2")
    one_line(outcome, 1, "broken.onnx: is corrupted or truncated")
