"""Model names: paths, and models on a stand-in for the Hugging Face Hub."""

import logging
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from huggingface_hub import constants

from hub import commit, hub
from rnner.errors import ModelError, UsageError
from rnner.model import file_names
from rnner.model.names import find_model

FOLDER = {"config.yaml": b"{}", "vocabulary.json": b"[]", "model.safetensors": b"weights"}
MODEL = {**FOLDER, "README.md": b"# A tagger", "metrics.json": b"{}"}
UNWANTED = {"code.py": b"raise SystemExit", "pickled.bin": b"\x80", "sub/config.yaml": b"{}"}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache of rnner, in an empty working directory."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("RNNER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("rnner.system.hub_repository._WAITS", (0, 0))
    return tmp_path / "cache"


@pytest.fixture
def serve(cache, monkeypatch):
    """`serve(models)` starts a Hub with these models and returns the list of its requests."""
    running = []

    def serve(served, **options):
        running.append(hub(models=served, **options))
        endpoint, asked = running[-1].__enter__()
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        return asked

    def stop():
        while running:
            running.pop().__exit__(None, None, None)

    serve.stop = stop
    yield serve
    stop()


@pytest.fixture
def offline(monkeypatch):
    """`offline()` forbids requests to the Hub, as HF_HUB_OFFLINE=1 does."""
    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(name, *parts, kind=ModelError):
    with pytest.raises(kind) as caught:
        find_model(name)
    reported = str(caught.value)
    assert "\n" not in reported
    for part in parts:
        assert part in reported


def test_the_lists_of_files_are_complete():
    assert tuple(file_names.FOLDER_FILES) == (file_names.CONFIG, file_names.VOCABULARY, file_names.WEIGHTS)
    optional = ("METRICS", "LOG", "CARD", "CURVE", "MANIFEST")
    assert tuple(file_names.OPTIONAL_FILES) == tuple(getattr(file_names, name) for name in optional)


# --- paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my", "runs/my", "ada/names", "ada/names@v1", "./en", "a/b/c", "m.onnx"])
def test_an_existing_path_is_used(cache, serve, name):
    asked = serve({"ada/names": MODEL})
    Path(name).mkdir(parents=True)
    assert find_model(name) == find_model(Path(name)) == Path(name)
    assert asked == []


def test_a_folder_with_only_an_exported_file_means_that_file(cache):
    folder = Path("copied")
    folder.mkdir()
    (folder / "model.onnx").touch()
    assert find_model(folder) == folder / "model.onnx"
    (folder / "config.yaml").touch()
    assert find_model(folder) == folder


@pytest.mark.parametrize(
    "name", ["runs/quickstrat", "mine/quickstrat", "./quickstrat", "quickstrat", "a/b/c"]
)
def test_a_missing_path_is_reported_without_asking_the_hub(serve, name):
    asked = serve({})
    for near in ("runs/quickstart", "mine/quickstart", "quickstart"):
        Path(near).mkdir(parents=True)
    (Path(near) / "notes.txt").touch()
    guess = "(did you mean quickstart?)" if name != "a/b/c" else "`rnner train --config FILE` writes one"
    refused(name, f"{name}: model folder not found", guess, "on the Hugging Face Hub, write ")
    assert asked == []


def test_a_folder_with_the_owners_name_does_not_hide_the_hub(serve):
    serve({"ada/names": MODEL})
    Path("ada").mkdir()
    refused("ada/names", "model folder not found", "write hf:ada/names")
    assert content(find_model("hf:ada/names")) == MODEL


def test_a_path_object_is_never_on_the_hub(serve):
    asked = serve({"ada/names": MODEL})
    refused(Path("ada/names"), "model folder not found")
    refused(
        Path("ada/names.onnx"), "file not found", "`rnner export --model DIR --output names.onnx` writes one"
    )
    assert asked == []


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "a//b", "hf:", "hf:ada", "ada/na mes", "@v1"])
def test_invalid_names_are_reported(cache, name):
    refused(name, "model folder not found", "owner/name")


# --- on the Hub --------------------------------------------------------------------------------------------


def test_only_model_files_are_downloaded_and_only_once(serve, cache):
    asked = serve({"ada/names": {**MODEL, **UNWANTED}})
    folder = find_model("ada/names")
    assert content(folder) == MODEL and cache in folder.parents
    assert not any(name in request for request in asked for name in UNWANTED)
    asked.clear()
    assert find_model("ada/names") == folder
    assert asked == ["GET /api/models/ada/names"]


def test_an_exported_model_is_downloaded_if_that_is_all(serve):
    asked = serve(
        {
            "ada/names": {"model.onnx": b"graph", "config.json": b"{}"},
            "ada/both": {**MODEL, "model.onnx": b""},
        }
    )
    path = find_model("ada/names")
    assert path.name == "model.onnx" and content(path.parent) == {"model.onnx": b"graph"}
    assert content(find_model("ada/both")) == {**MODEL, "model.onnx": b""}
    assert not any("config.json" in request for request in asked)


def test_a_new_commit_is_downloaded_and_the_old_one_kept(serve):
    models = {"ada/names": MODEL}
    asked = serve(models)
    old, state = find_model("ada/names"), commit(MODEL)
    changed = {**MODEL, "model.safetensors": b"better"}
    models["ada/names"] = changed
    new = find_model("ada/names")
    assert (content(old), content(new)) == (MODEL, changed)
    asked.clear()
    assert find_model(f"ada/names@{state}") == old and asked == []
    assert content(find_model("ada/names@main")) == changed
    refused("ada/names@v9", "ada/names@v9: ", "not the revision v9")


def test_the_copy_of_one_hub_is_not_used_for_another(serve):
    serve({"ada/names": MODEL})
    first = find_model("ada/names")
    serve({"ada/names": MODEL})
    second = find_model("ada/names")
    assert first != second and content(first) == content(second) == MODEL


def test_offline_only_the_cache_is_used(serve, offline):
    asked = serve({"ada/names": MODEL, "ada/others": MODEL})
    folder = find_model("ada/names")
    asked.clear()
    offline()
    assert find_model("ada/names") == folder
    refused("ada/others", "incomplete in the cache", "unset HF_HUB_OFFLINE")
    assert asked == []


def test_without_a_network_the_cache_is_used_with_a_warning(serve, caplog):
    serve({"ada/names": MODEL})
    folder = find_model("ada/names")
    serve.stop()
    with caplog.at_level(logging.WARNING, logger="rnner"):
        assert find_model("ada/names") == folder
    assert "does not respond" in caplog.text and "using the downloaded copy" in caplog.text
    before = time.monotonic()
    refused("ada/others", "folder not found", "http://127.0.0.1:", "does not respond")
    assert time.monotonic() - before < 30


def test_a_copy_that_lacks_files_is_downloaded_again(serve, offline):
    serve({"ada/names": MODEL})
    folder = find_model("ada/names")
    (folder / "model.safetensors").unlink()
    assert find_model("ada/names") == folder and content(folder) == MODEL
    (folder / "model.safetensors").unlink()
    offline()
    refused("ada/names", "missing or incomplete in the cache", "unset HF_HUB_OFFLINE")


def test_a_large_download_is_announced(serve, caplog):
    serve({"ada/small": MODEL, "ada/large": {**MODEL, "model.safetensors": bytes(12_000_000)}})
    with caplog.at_level(logging.WARNING, logger="rnner"):
        find_model("ada/small")
        assert caplog.messages == []
        find_model("ada/large")
        find_model("ada/large")
    assert len(caplog.messages) == 1 and "ada/large: downloading 12 MB from http://127" in caplog.text


def test_processes_do_not_disturb_each_other_on_a_cold_cache(serve, cache):
    serve({"ada/names": {**MODEL, "model.safetensors": bytes(3_000_000)}})
    with ThreadPoolExecutor(6) as pool:
        folders = list(pool.map(find_model, ["ada/names"] * 6))
    assert len(set(folders)) == 1 and content(folders[0]).keys() == MODEL.keys()
    assert {path.name for path in folders[0].parent.iterdir()} == {folders[0].name, "revision-main"}


def wait_for(condition, processes):
    while not condition() and any(process.poll() is None for process in processes):
        time.sleep(0.001)


@pytest.mark.slow
def test_killed_processes_leave_a_usable_cache(serve, cache):
    model = {**MODEL, "model.safetensors": bytes(range(256)) * 20_000}
    serve({"ada/names": model})
    code = "from rnner.model.names import find_model; print(find_model('ada/names'))"
    environment = {**os.environ, "HF_ENDPOINT": constants.ENDPOINT}
    random, interrupted = Random(5), 0
    for _ in range(8):
        processes = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(4)]
        wait_for(lambda: any(cache.glob("models/*/*/.rnner-*.partial/*/config.yaml")), processes)
        for process in processes:
            time.sleep(random.uniform(0, 0.02))
            process.kill()
            process.wait()
        interrupted += len(list(cache.glob("models/*/*/.rnner-*.partial")))
        for folder in cache.glob("models/*/*/" + "[0-9a-f]" * 40):
            assert content(folder) == model
        shutil.rmtree(cache / "models")
    assert interrupted >= 3
    assert content(find_model("ada/names")) == model


def test_what_killed_processes_leave_in_the_cache_is_removed_after_a_day(serve):
    models = {"ada/names": MODEL}
    serve(models)
    parent = find_model("ada/names").parent
    old, new = parent / ".rnner-old.partial", parent / ".rnner-new.partial"
    for folder in (old, new):
        folder.mkdir()
        (folder / "model.safetensors").touch()
    os.utime(old, (0, 0))
    models["ada/names"] = {**MODEL, "config.yaml": b""}
    find_model("ada/names")
    assert new.exists() and not old.exists()


def test_a_cache_that_cannot_be_written_is_reported(serve, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    serve({"ada/names": MODEL})
    with monkeypatch.context() as patch:
        patch.setattr("rnner.system.hub_repository._download", full)
        refused("ada/names", "ada/names: download failed: ", "No space left", "set RNNER_CACHE")
    assert not [path for path in cache.rglob("*") if path.is_file()]
    cache.rename(cache.with_name("old"))
    cache.write_text("a file")
    refused("ada/names", "cannot be written", "set RNNER_CACHE")


def test_a_private_model_needs_a_token(serve, monkeypatch):
    serve({"ada/secret": MODEL}, tokens={"ada/secret": "hf_mine"})
    monkeypatch.setattr("huggingface_hub.get_token", lambda: os.environ.get("HF_TOKEN"))  # not a saved one
    refused("ada/secret", "has no model of that name that you can access", "hf auth login", "HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert content(find_model("ada/secret")) == MODEL


@pytest.mark.parametrize(
    ("files", "reported"),
    [
        (
            {"pytorch_model.bin": b"", "config.json": b""},
            "it lacks config.yaml, vocabulary.json, model.safetensors",
        ),
        (
            {"config.yaml": b"", "vocabulary.json": b""},
            "not an rnner model: it lacks model.safetensors and has no model.onnx",
        ),
        (
            {**MODEL, "config.yaml": b"#" * 2_000_000},
            "its config.yaml exceeds the size limit for this file (1 MB)",
        ),
        (None, "returned an error: "),
    ],
)
def test_repositories_without_a_model_are_not_downloaded(serve, files, reported):
    asked = serve({"ada/other": files})
    refused("ada/other", "ada/other: ", reported)
    assert not any("/resolve/" in request for request in asked)


@pytest.mark.parametrize("name", ["ada/nobody", "ada/nobody@v1"])
def test_a_missing_model_is_reported_for_folder_and_hub(serve, name):
    serve({})
    refused(name, f"{name}: folder not found, and http://127", "has no model of that name")


@pytest.mark.parametrize("name", ["ada/..names", "-a/b", "ada/names.git", f"ada/{'x' * 120}"])
def test_a_name_that_the_hub_forbids_is_reported(serve, name):
    asked = serve({})
    refused(name, "is not a valid model name")
    assert asked == []


# --- the bundled model -------------------------------------------------------------------------------------


def test_the_bundled_model_is_the_default_and_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr("rnner.model.names.resources.files", lambda _: tmp_path)
    refused(None, "name a model with --model DIR", kind=UsageError)
    bundled = tmp_path / "resources" / "en"
    bundled.mkdir(parents=True)
    (tmp_path / "en").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model(None) == find_model("en") == bundled
    assert find_model("./en") == find_model(Path("en")) == Path("en")
