"""What the name of a model stands for: what is here, and models on a stand-in for the Hugging Face Hub."""

import logging
import time
from pathlib import Path

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
    """The cache of huggingface_hub, and a working directory without anything."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def serve(cache, monkeypatch):
    """`serve(models)` is a Hub with these models; it gives what is asked of it."""

    def at(endpoint):
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)

    running = []

    def serve(served, **options):
        running.append(hub(models=served, **options))
        endpoint, asked = running[-1].__enter__()
        at(endpoint)
        return asked

    serve.nobody = lambda: at("http://127.0.0.1:9")
    yield serve
    for server in running:
        server.__exit__(None, None, None)


@pytest.fixture
def offline(monkeypatch):
    """`offline()` forbids any question to the Hub, as HF_HUB_OFFLINE=1 does."""
    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def refused(name, *parts, kind=ModelError):
    with pytest.raises(kind) as caught:
        find_model(name)
    told = str(caught.value)
    assert "\n" not in told
    for part in parts:
        assert part in told


def test_the_files_are_those_of_a_model_folder():
    assert tuple(file_names.FOLDER_FILES) == (file_names.CONFIG, file_names.VOCABULARY, file_names.WEIGHTS)
    assert tuple(file_names.OPTIONAL_FILES) == (file_names.METRICS, file_names.CARD)


# --- here --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my", "runs/my", "ada/names", "ada/names@v1", "./en", "a/b/c", "m.onnx"])
def test_what_exists_here_is_meant(cache, serve, name):
    asked = serve({"ada/names": MODEL})
    Path(name).mkdir(parents=True)
    assert find_model(name) == find_model(Path(name)) == Path(name)
    assert asked == []


def test_a_folder_that_holds_an_exported_model_alone_stands_for_it(cache):
    folder = Path("copied")
    folder.mkdir()
    (folder / "model.onnx").touch()
    assert find_model(folder) == folder / "model.onnx"
    (folder / "config.yaml").touch()
    assert find_model(folder) == folder


@pytest.mark.parametrize(
    "name", ["runs/quickstrat", "mine/quickstrat", "./quickstrat", "quickstrat", "a/b/c"]
)
def test_a_path_that_leads_nowhere_is_told_without_asking_the_hub(serve, name):
    asked = serve({})
    for near in ("runs/quickstart", "mine/quickstart", "quickstart"):
        Path(near).mkdir(parents=True)
    (Path(near) / "notes.txt").touch()
    guess = "(did you mean quickstart?)" if name != "a/b/c" else "`rnner train --config FILE` makes one"
    refused(name, f"{name}: there is no such model folder", guess, "on the Hugging Face Hub is written ")
    assert asked == []


def test_a_folder_of_an_owner_s_name_does_not_hide_the_hub(serve):
    serve({"ada/names": MODEL})
    Path("ada").mkdir()
    refused("ada/names", "there is no such model folder", "is written hf:ada/names")
    assert content(find_model("hf:ada/names")) == MODEL


def test_a_path_object_is_never_a_name(serve):
    asked = serve({"ada/names": MODEL})
    refused(Path("ada/names"), "there is no such model folder")
    refused(Path("ada/names.onnx"), "there is no such file", "`rnner export DIR names.onnx` writes one")
    assert asked == []


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "a//b", "hf:", "hf:ada", "ada/na mes", "@v1"])
def test_what_is_no_name_at_all_is_told(cache, name):
    refused(name, "there is no such model folder", "owner/name")


# --- on the Hub --------------------------------------------------------------------------------------------


def test_a_model_is_fetched_once_and_only_its_own_files(serve, cache):
    asked = serve({"ada/names": {**MODEL, **UNWANTED}})
    folder = find_model("ada/names")
    assert content(folder) == MODEL and cache in folder.parents
    assert not any(name in request for request in asked for name in UNWANTED)
    asked.clear()
    assert find_model("ada/names") == folder
    assert asked == ["GET /api/models/ada/names"]


def test_an_exported_model_is_fetched_where_there_is_no_folder(serve):
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


def test_a_newer_state_is_fetched_and_an_older_one_stays(serve, offline):
    serve({"ada/names": MODEL})
    old, state = find_model("ada/names"), commit(MODEL)
    changed = {**MODEL, "model.safetensors": b"better"}
    asked = serve({"ada/names": changed})
    new = find_model("ada/names")
    assert (content(old), content(new)) == (MODEL, changed)
    assert sum("/resolve/" in request and "safetensors" not in request for request in asked) <= 8
    asked.clear()
    assert find_model(f"ada/names@{state}") == old and asked == []
    assert content(find_model("ada/names@main")) == changed
    refused("ada/names@v9", "ada/names@v9: ", "no revision v9")


def test_offline_the_cache_is_read_and_nobody_asked(serve, offline):
    asked = serve({"ada/names": MODEL, "ada/others": MODEL})
    folder = find_model("ada/names")
    asked.clear()
    offline()
    assert find_model("ada/names") == folder
    refused("ada/others", "not in the cache", "unset HF_HUB_OFFLINE")
    assert asked == []


def test_without_a_network_the_cache_is_read_and_it_is_said(serve, caplog):
    serve({"ada/names": MODEL})
    folder = find_model("ada/names")
    serve.nobody()
    with caplog.at_level(logging.WARNING, logger="rnner"):
        assert find_model("ada/names") == folder
    assert "gives no answer" in caplog.text and "using what was fetched before" in caplog.text
    before = time.monotonic()
    refused("ada/others", "there is no such folder here", "http://127.0.0.1:9 gives no answer")
    assert time.monotonic() - before < 30


def test_what_was_fetched_in_part_is_no_model(serve, offline, monkeypatch):
    serve({"ada/names": MODEL})
    folder = find_model("ada/names")
    (folder / "model.safetensors").unlink()
    assert content(find_model("ada/names")) == MODEL, "what lacks is fetched"
    (folder / "model.safetensors").unlink()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))
    refused("ada/names", "only a part of it has come")
    offline()
    refused("ada/names", "not in the cache, or not all of it", "unset HF_HUB_OFFLINE")


def test_a_download_that_breaks_off_is_told(serve, monkeypatch):
    def broken(*_, **__):
        raise OSError(28, "No space left on device")

    serve({"ada/names": MODEL})
    monkeypatch.setattr("huggingface_hub.snapshot_download", broken)
    refused("ada/names", "ada/names: cannot be fetched: ", "No space left", "try again")


def test_a_private_model_needs_a_token(serve, monkeypatch):
    serve({"ada/secret": MODEL}, tokens={"ada/secret": "hf_mine"})
    monkeypatch.delenv("HF_TOKEN", raising=False)
    refused("ada/secret", "has no such model that you may see", "hf auth login", "HF_TOKEN")
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert content(find_model("ada/secret")) == MODEL


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"pytorch_model.bin": b"", "config.json": b""},
            "it lacks config.yaml, vocabulary.json, model.safetensors",
        ),
        (
            {"config.yaml": b"", "vocabulary.json": b""},
            "no model of rnner: it lacks model.safetensors, and has no",
        ),
        (
            {**MODEL, "config.yaml": b"#" * 2_000_000},
            "its config.yaml is larger than any such file of ours (1 MB)",
        ),
        (None, "answers with an error: "),
    ],
)
def test_what_is_no_model_of_ours_is_not_fetched(serve, files, told):
    asked = serve({"ada/other": files})
    refused("ada/other", "ada/other: ", told)
    assert not any("/resolve/" in request for request in asked)


@pytest.mark.parametrize("name", ["ada/nobody", "ada/nobody@v1"])
def test_a_model_that_is_nowhere_is_told_both_ways(serve, name):
    serve({})
    refused(name, f"{name}: there is no such folder here, and http://127", "has no such model")


@pytest.mark.parametrize("name", ["ada/..names", "-a/b", "ada/names.git", f"ada/{'x' * 120}"])
def test_a_name_that_the_hub_forbids_is_told(serve, name):
    asked = serve({})
    refused(name, "is no name of a model")
    assert asked == []


# --- the bundled model -------------------------------------------------------------------------------------


def test_the_bundled_model_is_the_default_and_has_a_name(tmp_path, monkeypatch):
    monkeypatch.setattr("rnner.model.names.resources.files", lambda _: tmp_path)
    refused(None, "--model DIR is needed", kind=UsageError)
    bundled = tmp_path / "resources" / "en"
    bundled.mkdir(parents=True)
    (tmp_path / "en").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model(None) == find_model("en") == bundled
    assert find_model("./en") == find_model(Path("en")) == Path("en")
