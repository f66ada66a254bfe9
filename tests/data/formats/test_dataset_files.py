"""Data sets from a hostile Hub: nothing outside the cache, no other server, bounded bytes."""

import json
import os
from pathlib import Path

import datasets
import pytest
from huggingface_hub import constants

from raw_server import http, serve
from rnner.data.formats import dataset_hub
from rnner.data.formats.annotated import SourceFile
from rnner.errors import DataError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OUTSIDE = "../../../../../outside"
ROWS = b'{"tokens": ["Ada"], "tags": ["B-PER"]}\n'
FILES = {"en/train.jsonl": ROWS, "de/train.jsonl": ROWS}
README = "---\nconfigs:\n- {{config_name: en, data_files: {}}}\n---\n"
BOMB = "---\na: &a [x, x]\n{}configs: *z\n---\n".format(
    "".join(f"{y}: &{y} [{', '.join([f'*{x}'] * 9)}]\n" for x, y in zip("abcdefgh", "bcdefghz", strict=True))
)
CHAIN = "---\na0: &a0 [x]\n{}configs: *a1200\n---\n".format(
    "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 1201))
)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """`load(files, name)` reads a data set from a Hub with these files; returns its rows or the error."""
    cache = tmp_path / "a" / "b" / "c" / "d" / "cache"
    cache.mkdir(parents=True)
    monkeypatch.setenv("RNNER_CACHE", str(cache))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache / "prepared"))
    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_secret")
    monkeypatch.setattr("rnner.system.hub_repository._WAITS", (0, 0))

    def load(files, *headers, name="hf:ada/names/en:train", sizes=None, listed=()):
        sizes = {path: len(content) for path, content in files.items()} | (sizes or {})
        siblings = [{"rfilename": path, "size": size} for path, size in sizes.items()]
        siblings += [{"rfilename": path, "size": 1} for path in listed]
        listing = json.dumps({"sha": COMMIT, "siblings": siblings}).encode()

        def answer(path):
            if path.startswith("/api/"):
                return http(listing)
            return http(files[path.partition(COMMIT)[2][1:]], *headers)

        with serve(answer) as load.server:
            monkeypatch.setattr(constants, "ENDPOINT", load.server.url)
            try:
                outcome = dataset_hub.load(SourceFile(Path(name)))[:]
            except DataError as error:
                outcome = str(error)
                assert "\n" not in outcome and len(outcome) < 600 and "hf_secret" not in outcome
        assert all(cache in path.parents for path in tmp_path.rglob("*") if path.is_file())
        return outcome

    return load


def with_readme(data_files):
    return {"README.md": README.format(data_files).encode(), **FILES}


def requested(server):
    return [request.split()[1].partition(COMMIT)[2] for request in server.requests]


def test_only_the_files_of_the_subset_are_downloaded(load):
    assert load(with_readme("en/*")) == {"tokens": [["Ada"]], "tags": [["B-PER"]]}
    assert sorted(requested(load.server)) == ["", "/README.md", "/en/train.jsonl"]


@pytest.mark.parametrize("header", ["ETag: ", "X-Linked-Etag: ", "X-Repo-Commit: ", "X-Xet-Hash: "])
def test_headers_never_become_paths(load, header):
    assert load(with_readme("en/*"), header + OUTSIDE)["tokens"] == [["Ada"]]


@pytest.mark.parametrize(
    "name",
    [f"{OUTSIDE}/x.jsonl", "/tmp/x.jsonl", "..", "", "en/../../x", "en//x", "a\\..\\x", "C:x", "en/\0",
     "\ud800", ".hidden/x.jsonl", "en/code.py", "x" * 300, "x/" * 1000 + "x"],
)  # fmt: skip
def test_unsafe_names_are_ignored(load, name):
    assert load(with_readme("en/*"), listed=[name])["tokens"] == [["Ada"]]


def test_names_that_cannot_be_stored_are_reported(load):
    reported = load(with_readme("en/*"), listed=["en/train.jsonl/x"])
    assert reported.startswith("hf:ada/names/en:train: the cache cannot be written: ")


@pytest.mark.parametrize(
    ("data_files", "reported"),
    [
        ("'http://127.0.0.1:9/x.jsonl'", "names data files on other servers"),
        ("[{split: train, path: 'file:///etc/passwd'}]", "names data files on other servers"),
        ("'zip://x.jsonl::en/x.zip'", "names data files on other servers"),
        ("'../*.jsonl'", "hf:ada/names/en:train: "),
        ("'/etc/host*'", "hf:ada/names/en:train: "),
        ("en/*, data_dir: ../../..", "hf:ada/names/en:train: "),
        ("[", "the YAML of its README.md cannot be read"),
    ],
)
def test_a_readme_cannot_refer_to_other_files(load, data_files, reported):
    (Path(os.environ["RNNER_CACHE"]) / "secret.jsonl").write_text("secret")
    outcome = load(with_readme(data_files))
    assert reported in outcome and "secret" not in outcome


@pytest.mark.parametrize(
    "readme", [BOMB, CHAIN, "---\na: &a [*a]\n---\n", "---\na: ']]]'\nb: " + "[" * 100_000]
)
def test_a_readme_that_expands_for_ever_is_refused(load, readme):
    assert "README.md" in load({"README.md": readme.encode() + b"\n---\n", **FILES})


@pytest.mark.parametrize(
    ("sizes", "reported"),
    [
        ({"en/train.jsonl": None}, "does not state its size"),
        ({"en/train.jsonl": 10}, "sends more than the expected 10 bytes"),
        ({"en/train.jsonl": 1000}, "ends after 39 of 1,000 bytes"),
        ({"en/train.jsonl": 10**18}, "more than is free on the disk"),
        ({"README.md": 10**9}, "README.md exceeds the size limit (2 MB)"),
        ({"README.md": None}, "README.md: the Hub does not state its size"),
    ],
)
def test_sizes_are_checked(load, sizes, reported):
    assert reported in load(with_readme("en/*"), sizes=sizes)


def test_code_is_neither_downloaded_nor_run(load):
    files = {**with_readme("en/*"), "names.py": b"raise SystemExit"}
    assert "requires code from the repository" in load(files)
    assert not any("names.py" in path for path in requested(load.server))


def test_offline_files_that_were_not_downloaded_are_reported(load, monkeypatch):
    load(with_readme("en/*"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert dataset_hub.load(SourceFile(Path("hf:ada/names/en:train")))["tokens"] == [["Ada"]]
