"""Data sets and models by name, from a stand-in for the Hugging Face Hub.

The libraries read HF_ENDPOINT when they are imported, so the commands run in new processes, many in each.
"""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest

from hub import hub
from rnner.data.formats import dataset_hub as names
from rnner.data.formats.annotated import SourceFile
from rnner.errors import ConfigError, DataError

SENTENCES = [["Ada", "Lovelace", "wrote", "."], ["She", "saw", "Oslo", "."]]
TAGS = [["B-PER", "I-PER", "O", "O"], ["O", "O", "B-LOC", "O"]]
LINES = "".join(json.dumps({"tokens": w, "tags": t}) + "\n" for w, t in zip(SENTENCES, TAGS, strict=True))
SUBSETS = """\
---
configs:
- {config_name: en, data_files: en.jsonl}
- {config_name: de, data_files: de.jsonl}
---
"""
SMALL = "embeddings: {words: {size: 8}, characters: null}\nencoder: {hidden: 8}\n"
COMMANDS = """
import contextlib, io, json, sys
from rnner.cli.main import run

outcomes = []
for arguments in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    outcomes.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(outcomes))
"""
UNREADABLE = {
    "hf:ada/names:trian": ["split trian not found (did you mean train?); the splits are train, test"],
    "hf:ada/names": ["the splits are train, test; name one, such as hf:ada/names:train"],
    "hf:ada/subsets:train": ["the subsets are en, de; name one, such as hf:ada/subsets/en:train"],
    "hf:ada/subsets/fr:train": ["subset fr not found; the subsets are en, de"],
    "hf:ada/nobody:train": ["has no data set of that name", "hf auth login"],
    "hf:ada/broken:train": ["returned an error: ", "HF_HUB_OFFLINE=1"],
    "hf:ada/texts:train": ["no column tokens or words; the columns are text, label"],
    "hf:ada/cut:train": ["the data files cannot be read: JSON parse error"],
    "hf:ada/empty:train": ["no data files that can be read"],
    "hf:ada/table:train": ["its files are of the type csv; only Parquet, JSON, Arrow files can be read"],
    "hf:ada/script:train": ["requires code from the repository, which rnner never runs", "script.py"],
}


def parquet(tags):
    """Return both sentences with these tags as ClassLabel, as `push_to_hub` writes them."""
    label = datasets.ClassLabel(names=["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    features = {"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": datasets.Sequence(label)}
    columns = {"tokens": SENTENCES, "ner_tags": [[label.str2int(tag) for tag in row] for row in tags]}
    file = io.BytesIO()
    datasets.Dataset.from_dict(columns, features=datasets.Features(features)).to_parquet(file)
    return file.getvalue()


def repositories(trap):
    """Return data sets; the code of one of them would write the file `trap`."""
    split = "data/{}-00000-of-00001.parquet"
    return {
        "ada/names": {
            "README.md": b"---\nlicense: cc0-1.0\n---\n",
            split.format("train"): parquet(TAGS),
            split.format("test"): parquet([["O"] * 4] * 2),
        },
        "ada/lines": {"train.jsonl": LINES.encode()},
        "ada/subsets": {"README.md": SUBSETS.encode(), "en.jsonl": LINES.encode(), "de.jsonl": b"{}"},
        "ada/texts": {"train.jsonl": b'{"text": "Ada", "label": 1}\n'},
        "ada/cut": {"train.jsonl": LINES[:-3].encode()},
        "ada/empty": {"README.md": b""},
        "ada/table": {"train.csv": b"token,tag\nAda,B-PER\n"},
        "ada/script": {"script.py": f"open({str(trap)!r}, 'w')\n".encode(), "train.jsonl": LINES.encode()},
        "ada/broken": None,
    }


def commands(folder, calls, **environment):
    """Return exit code, stdout and stderr of commands, run in one process with its own cache."""
    caches = {"HF_HOME": str(folder / "cache"), "RNNER_CACHE": str(folder / "cache")}
    settings = {**caches, "HF_UPDATE_DOWNLOAD_COUNTS": "0", **environment}
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS],
        input=json.dumps(calls),
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def convert(name):
    return ["data", "convert", name, "--output", "out.conll", "--overwrite"]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, trained, exported):
    """Return the outcome of each command by name, the folder they ran in, and the address of the hub."""
    folder = tmp_path_factory.mktemp("hub")
    config = "data: {train: 'hf:ada/names:train', dev: 'hf:ada/lines', test: 'hf:ada/names:test'}"
    (folder / "hub.yaml").write_text(f"{config}\n{SMALL}")
    calls = {name: convert(name) for name in UNREADABLE}
    calls["parquet"] = ["data", "convert", "hf:ada/names:train", "--output", "parquet.conll"]
    calls["lines"] = ["data", "convert", "hf:ada/lines", "--output", "lines.conll"]
    calls["stats"] = ["data", "stats", "hf:ada/names:train", "hf:ada/subsets/en:train", "--format", "json"]
    calls["check"] = ["data", "check", "hf:ada/names:train"]
    calls["split"] = ["data", "split", "hf:ada/names:train", "--output", "parts"]
    calls["train"] = ["train", "--config", "hub.yaml", "--dry-run", "--threads", "1"]
    models = {"ada/tagger": {path.name: path.read_bytes() for path in trained.iterdir() if path.is_file()}}
    models["ada/exported"] = {"model.onnx": exported.read_bytes()}
    calls["exported"] = ["predict", "Ada Lovelace slept .", "--model", "ada/exported"]
    for name, model in {"named": "ada/tagger", "here": str(trained)}.items():
        calls[f"predict {name}"] = ["predict", "Ada Lovelace slept .", "--model", model, "--format", "json"]
        calls[f"evaluate {name}"] = ["evaluate", "hf:ada/names:train", "--model", model, "--format", "json"]
        calls[f"export {name}"] = ["export", "--model", model, "--output", f"{name}.onnx"]
    train = ["train", "--config", str(trained.parent / "tiny.yaml"), "--dry-run", "--threads", "1"]
    calls["init from"] = [*train, "--init-from", "ada/tagger@main"]
    with hub(repositories(folder / "trap"), models, {"ada/tagger": "hf_mine"}) as (endpoint, asked):
        done = commands(folder, list(calls.values()), HF_ENDPOINT=endpoint, HF_TOKEN="hf_mine")
    assert any("train-00000-of-00001.parquet" in request for request in asked)
    return {
        **dict(zip(calls, done, strict=True)),
        "folder": folder,
        "endpoint": endpoint,
        "call": calls["exported"],
    }


def test_numeric_and_named_tags_give_the_same_corpus(outcomes):
    expected = "".join(
        "".join(f"{word}\t{tag}\n" for word, tag in zip(*rows, strict=True)) + "\n"
        for rows in zip(SENTENCES, TAGS, strict=True)
    )
    for kind in ("parquet", "lines"):
        code, _, err = outcomes[kind]
        assert code == 0 and "(read as dataset): 2 sentences, 8 words, 2 entities" in err
        assert (outcomes["folder"] / f"{kind}.conll").read_text() == expected


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_data_sets_give_one_clear_line(outcomes, name):
    code, out, err = outcomes[name]
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: {name}: ")
    for part in UNREADABLE[name]:
        assert part in err
    assert not (outcomes["folder"] / "out.conll").exists()


def test_code_of_data_sets_is_never_run(outcomes):
    assert not (outcomes["folder"] / "trap").exists()


def test_statistics_are_reported_by_name(outcomes):
    files = json.loads(outcomes["stats"][1])["files"]
    assert [file["path"] for file in files] == ["hf:ada/names:train", "hf:ada/subsets/en:train"]
    assert [(file["sentences"], file["tokens"], file["entities"]) for file in files] == [(2, 8, 2)] * 2


def test_a_config_may_name_data_sets(outcomes):
    code, _, err = outcomes["train"]
    assert code == 0, err
    assert "reading hf:ada/names:train" in err


@pytest.mark.parametrize("command", ["predict", "evaluate", "export"])
def test_a_model_on_the_hub_works_like_a_local_one(outcomes, command):
    (code, found, err), here = outcomes[f"{command} named"], outcomes[f"{command} here"]
    assert (code, found) == (here[0], here[1]) == (0, here[1])
    assert err.replace("named.onnx", "here.onnx") == here[2], "the download must not write to stderr"


def test_training_starts_from_a_model_on_the_hub(outcomes):
    code, _, err = outcomes["init from"]
    assert code == 0, err


@pytest.mark.parametrize("command", ["check", "split"])
def test_commands_for_column_files_say_how_to_convert(outcomes, command):
    code, _, err = outcomes[command]
    assert code == 2 and "rnner data convert hf:ada/names:train --output NEW.conll" in err


def test_the_cache_is_read_offline(outcomes):
    calls = [convert("hf:ada/names:train"), convert("hf:ada/never:train"), outcomes["call"]]
    read, never, found = commands(
        outcomes["folder"], calls, HF_ENDPOINT=outcomes["endpoint"], HF_HUB_OFFLINE="1"
    )
    assert found == outcomes["exported"] and found[0] == 0 and "Ada Lovelace" in found[1]
    (outcomes["folder"] / "out.conll").unlink()
    assert read[0] == 0 and "2 sentences" in read[2]
    assert never[0] == 1 and never[2].startswith("error: hf:ada/never:train: it is not in the cache")
    assert never[2].count("\n") == 1


def test_an_unreachable_hub_is_reported_at_once(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(DataError, match=r"hf:ada/names:train: http://127.0.0.1:9 does not respond"):
        names.load(SourceFile(Path("hf:ada/names:train")))


@pytest.mark.parametrize(
    "name", ["hf:", "hf:names", "hf:names:train", "hf:ada/names/en/x:train", "hf:a/b:c:d"]
)
def test_an_invalid_name_is_reported_with_the_expected_form(name):
    with pytest.raises(ConfigError, match="hf:owner/name:split"):
        names.parse(name)
