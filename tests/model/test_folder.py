"""The model folder: saving and loading are inverse, and problems are reported in one line."""

import json
import os
import re

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError
from rnner.model.archive import read_model_files
from rnner.model.build import build_tagger, compress_vectors
from rnner.model.folder import (
    load_metrics,
    load_model,
    save_config_and_vocabulary,
    save_metrics,
    save_weights,
)
from rnner.system.process_memory import peak_memory_mb
from rnner.system.tensor_files import write_tensors
from tiny_corpus import (
    CHARACTERS,
    N_GRAMS,
    TRAIN,
    config_of,
    tagger_of,
    tagger_that_composes,
    tagger_with_context,
    vocabulary_of,
    words_of,
)

FILES = ["config.yaml", "vocabulary.json", "model.safetensors"]
SECRET = "root:x:0:0" * 1000


def save(folder, *overrides, **options):
    tagger, vocabulary = tagger_of(*overrides, **options)
    save_config_and_vocabulary(folder, config_of(*overrides), vocabulary)
    save_weights(folder, tagger)
    return tagger, vocabulary


_SCORES = {"precision": 0.4, "recall": 0.6, "f1": 0.5}
METRICS = {"dev": _SCORES, "train": {"epochs": 3, "best_epoch": 2, "seconds": 9.5}}


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    save(folder)
    return folder


def refused(folder, reported=None):
    """Return the one-line error of loading a folder."""
    with pytest.raises(ModelError, match=reported) as caught:
        load_model(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert message.count("\n") <= 1  # a second line is a hint
    return message


# --- saving and loading ------------------------------------------------------------------------------------


@pytest.mark.parametrize("characters", CHARACTERS)
@pytest.mark.parametrize(("cell", "head"), [("lstm", "crf"), ("gru", "softmax"), ("gru_reset_after", "crf")])
def test_a_loaded_model_is_bit_identical(tmp_path, cell, head, characters):
    options = (f"encoder.cell={cell}", f"head={head}", "encoder.layers=2", *CHARACTERS[characters])
    tagger, vocabulary = save(tmp_path, *options)
    model = load_model(tmp_path)
    assert model.config == config_of(*options)
    assert model.vocabulary.to_json() == vocabulary.to_json()
    one, other = tagger.state_dict(), model.tagger.state_dict()
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert not model.tagger.training
    sentences = words_of("Harry met the unseen wizard in Zürich .")
    found = TaggerDecoder(model.tagger, model.vocabulary).scored_spans(sentences)
    assert found == TaggerDecoder(tagger, vocabulary).scored_spans(sentences)


def test_a_model_with_documents_and_a_lexicon_is_restored(tmp_path):
    tagger, vocabulary = tagger_with_context()
    config = config_of("embeddings.document=true", "embeddings.lexicon=true")
    save_config_and_vocabulary(tmp_path, config, vocabulary)
    save_weights(tmp_path, tagger)
    model, sentences, documents = load_model(tmp_path), words_of(TRAIN), [0, 0, 0, 1, 1, 1, 1, 2, 2, -1]
    assert model.config == config and model.vocabulary.lexicon.counts == vocabulary.lexicon.counts
    assert torch.equal(model.tagger.document.gate.weight, tagger.document.gate.weight)
    found = TaggerDecoder(model.tagger, model.vocabulary).scored_spans(sentences, documents)
    assert any(found) and found == TaggerDecoder(tagger, vocabulary).scored_spans(sentences, documents)


@pytest.mark.parametrize("change", [{"lexicon": None}, {"lexicon": {"harry": [1]}}, {"lexicon": 5}])
def test_a_missing_or_malformed_lexicon_is_refused(tmp_path, change):
    tagger, vocabulary = tagger_with_context()
    config = config_of("embeddings.document=true", "embeddings.lexicon=true")
    save_config_and_vocabulary(tmp_path, config, vocabulary)
    save_weights(tmp_path, tagger)
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    refused(tmp_path)


@pytest.fixture
def composing(tmp_path):
    """A tagger that composes words, its vocabulary and its folder."""
    tagger, vocabulary = tagger_that_composes()
    save_config_and_vocabulary(tmp_path, config_of(), vocabulary)
    save_weights(tmp_path, tagger)
    return tagger, vocabulary, tmp_path


def test_a_model_that_composes_words_is_restored(composing):
    tagger, vocabulary, folder = composing
    model, sentences = load_model(folder), words_of(TRAIN + "Bellatrix Bank-London met Harry .")
    assert model.vocabulary == vocabulary and model.vocabulary.n_grams == N_GRAMS
    assert torch.equal(model.tagger.words.vectors, tagger.words.vectors)
    found = TaggerDecoder(model.tagger, model.vocabulary).scored_spans(sentences)
    assert any(found) and found == TaggerDecoder(tagger, vocabulary).scored_spans(sentences)


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"n_grams": None}, "from different models"),
        ({"n_grams": []}, "from different models"),
        ({"n_grams": N_GRAMS[1:]}, "from different models"),
        ({"n_grams": [*N_GRAMS, "lon"]}, "from different models"),
        ({"n_grams": 3}, "'n_grams' is not a list of strings"),
        ({"n_grams": [*N_GRAMS[1:], N_GRAMS[1]]}, "in 'n_grams'"),
        ({"vector_words": ["the", "in"]}, "from different models"),
    ],
)
def test_n_grams_that_do_not_match_the_weights_are_refused(composing, change, reported):
    path = composing[-1] / "vocabulary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    refused(path.parent, reported)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_frozen_vectors_keep_their_dtype(tmp_path, precision):
    known, config = vocabulary_of(), config_of(f"embeddings.words.precision={precision}")
    vocabulary = type(known)(
        known.words, ["potion", "wand"], known.characters, known.tags, known.scheme, known.labels
    )
    rows = compress_vectors(torch.randn(2, 8), precision)
    save_config_and_vocabulary(tmp_path, config, vocabulary)
    save_weights(tmp_path, build_tagger(config, vocabulary, rows))
    loaded = load_model(tmp_path).tagger.words
    assert loaded.vectors.dtype == getattr(torch, precision) and torch.equal(loaded.vectors, rows.values)
    assert precision == "float16" or torch.equal(loaded.scales, rows.scales)


def test_saving_is_deterministic(tmp_path):
    for name in ("one", "two"):
        save(tmp_path / name)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    again = load_model(tmp_path / "one")
    save_config_and_vocabulary(tmp_path / "three", again.config, again.vocabulary)
    save_weights(tmp_path / "three", again.tagger)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "three" / file).read_bytes()


def test_a_saved_model_has_exactly_three_files(model):
    assert sorted(path.name for path in model.iterdir()) == sorted(FILES)


def test_the_folder_may_be_a_symbolic_link(tmp_path, model):
    (tmp_path / "alias").symlink_to(model)
    assert load_model(tmp_path / "alias").vocabulary.words == load_model(model).vocabulary.words


# --- folders that are not models ---------------------------------------------------------------------------


def test_a_missing_folder(tmp_path):
    refused(tmp_path / "nowhere", "model folder not found")


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"weights")
    refused(tmp_path / "model.bin", "is a file; expected a model folder")


def test_a_folder_without_a_model(tmp_path):
    refused(tmp_path, "is not an rnner model")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02")
    refused(tmp_path, "is not an rnner model")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model, name):
    (model / name).unlink()
    assert "train --resume" not in refused(model, f"incomplete: it has no {name}")


def test_an_unfinished_run_says_how_to_resume(model):
    (model / "model.safetensors").unlink()
    (model / "checkpoint").mkdir()
    refused(model, "has no model.safetensors; .*--resume")


def test_a_finished_run_without_weights_cannot_be_resumed(model):
    (model / "log.jsonl").write_text("")
    save_metrics(model, METRICS)
    (model / "model.safetensors").unlink()
    assert "--resume" not in refused(model, "incomplete: it has no model.safetensors")


@pytest.mark.parametrize("name", [*FILES, "model.onnx", "metrics.json", "README.md"])
@pytest.mark.parametrize("kind", ["directory", "fifo", "link", "link within", "broken link"])
def test_a_folder_entry_that_is_not_a_regular_file_is_not_opened(tmp_path, model, name, kind):
    secret = tmp_path / "secret"
    secret.write_text("password")
    (model / name).unlink(missing_ok=True)
    if kind == "directory":
        (model / name).mkdir()
    elif kind == "fifo":
        os.mkfifo(model / name)
    else:
        target = {"link": secret, "link within": "config.yaml", "broken link": "gone"}[kind]
        (model / name).symlink_to(target)
    reported = "is a symbolic link; .*cp -rL" if "link" in kind else "is not a regular file"
    for read in (load_model, read_model_files):
        with pytest.raises(ModelError, match=f"{name}: {reported}") as caught:
            read(model)
        assert "password" not in str(caught.value)


def test_variables_in_the_config_of_a_model_are_text(model, monkeypatch):
    monkeypatch.setenv("SECRET", "hf_token")
    config = (model / "config.yaml").read_text()
    (model / "config.yaml").write_text(config.replace("train: ", "train: ${SECRET}/"))
    assert load_model(model).config.data.train.startswith("${SECRET}/")
    (model / "config.yaml").write_text(config.replace("head: crf", "head: ${SECRET}"))
    assert "hf_token" not in refused(model, r"head: '\$\{SECRET\}'")


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": SECRET},
        {"tokenizer": [SECRET]},
        {"scheme": {SECRET: SECRET}},
        {"labels": [SECRET, SECRET]},
        {"words": [SECRET] * 5},
        {"tags": [SECRET]},
    ],
)
def test_an_error_quotes_one_short_line_of_the_vocabulary(model, change):
    vocabulary = json.loads((model / "vocabulary.json").read_text())
    (model / "vocabulary.json").write_text(json.dumps(vocabulary | change))
    assert len(refused(model)) < 600


@pytest.mark.parametrize("key", ["encoder.hidden", "encoder.cell", "data.scheme", "head", "encoder.KEY"])
@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: 1}], ids=["text", "list", "section"])
def test_an_error_quotes_one_short_line_of_a_value(model, key, value):
    config = yaml.safe_load((model / "config.yaml").read_text())
    *sections, name = key.split(".")
    branch = config[sections[0]] if sections else config
    branch[name.replace("KEY", SECRET)] = value
    (model / "config.yaml").write_text(yaml.dump(config))
    assert len(refused(model)) < 800


@pytest.mark.parametrize(
    "text", ["!!python/{} 1", "{!r}: 1", "&{0} 1\nb: *{0}", "a: 1\n{0}: 1\n{0}: 2", "[{0}"]
)
def test_an_error_quotes_one_short_line_of_the_config(model, text):
    (model / "config.yaml").write_text(text.format(SECRET))
    assert len(refused(model)) < 400


def test_files_that_the_config_names_are_not_opened(model, tmp_path):
    pipe = tmp_path / "pipe"  # to open it would wait for ever
    os.mkfifo(pipe)
    config = (model / "config.yaml").read_text()
    (model / "config.yaml").write_text(re.sub(r"(train|dev|vectors): \S+", rf"\1: {pipe}", config))
    assert load_model(model).config.embeddings.words.vectors == str(pipe)


@pytest.mark.parametrize("name", ["vocabulary.json", "model.safetensors"])
@pytest.mark.parametrize("share", [0.0, 0.003, 0.1, 0.37, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(model, name, share):
    content = (model / name).read_bytes()
    cut = content[: int(len(content) * share)]
    (model / name).write_bytes(cut)
    refused(model)


def test_a_truncated_config_is_refused_unless_it_describes_the_same_network(model):
    whole = (model / "config.yaml").read_bytes()
    shapes = {name: t.shape for name, t in load_model(model).tagger.state_dict().items()}
    refusals = 0
    for cut in range(0, len(whole), 19):
        (model / "config.yaml").write_bytes(whole[:cut])
        try:
            tagger = load_model(model).tagger
        except ModelError:
            refusals += 1
        else:
            assert {name: t.shape for name, t in tagger.state_dict().items()} == shapes
            assert cut > whole.index(b"encoder:"), "the part before it describes the network"
    assert refusals > 10


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "content", [b"\0\1\2\3" * 50, b"\x80\x04\x95.", b"null", b"[1, 2]", b'"text"', b"\xff\xfe"]
)
def test_foreign_content_is_refused(model, name, content):
    (model / name).write_bytes(content)
    refused(model)


def test_swapped_files_are_refused(tmp_path, model):
    other = tmp_path / "other"
    save(other, vocabulary=vocabulary_of("[PER Ron] sat in the [LOC Burrow] ."))
    (model / "vocabulary.json").write_bytes((other / "vocabulary.json").read_bytes())
    refused(model, "config and vocabulary require .*from different models")


def with_config(model, **changes):
    config = load_model(model).config.model_dump()
    for key, value in changes.items():
        section, _, name = key.rpartition("__")
        part = config
        for step in section.split("__") if section else []:
            part = part[step]
        part[name] = value
    (model / "config.yaml").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "reported"),
    [
        ({"encoder__hidden": 9}, "from different models"),
        ({"encoder__layers": 2}, "has no weights"),
        ({"encoder__cell": "gru"}, "from different models"),
        ({"head": "softmax"}, "'head.* are not in the config"),
        ({"embeddings__characters": None}, "'characters.* are not in the config"),
        ({"data__scheme": "iob2"}, "has the scheme iob2, but the vocabulary has bioes"),
        ({"encoder__bidirectional": False}, "from different models"),
    ],
)  # fmt: skip
def test_a_config_that_does_not_match_the_weights_is_refused(model, change, reported):
    with_config(model, **change)
    refused(model, reported)


def test_unexpected_tensors_are_refused(model):
    tensors = load_file(model / "model.safetensors")
    save_file({**tensors, "backdoor": torch.zeros(1)}, model / "model.safetensors")
    refused(model, "has the weights 'backdoor', which are not in the config")


@pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex64, torch.float64])
def test_vectors_with_another_dtype_are_refused(tmp_path, dtype):
    known = vocabulary_of()
    vocabulary = type(known)(known.words, ["wand"], known.characters, known.tags, known.scheme, known.labels)
    save(tmp_path, vocabulary=vocabulary)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["words.vectors"] = tensors["words.vectors"].to(dtype)
    save_file(tensors, tmp_path / "model.safetensors")
    refused(tmp_path, "'words.vectors' is torch.* expected torch.float16 or torch.float32")


@pytest.mark.parametrize("dtype", [torch.int32, torch.float64, torch.float16, torch.uint8, torch.bool])
@pytest.mark.parametrize("name", ["emission.bias", "words.weight", "head.moves"])
def test_weights_with_another_dtype_are_refused(model, name, dtype):
    tensors = load_file(model / "model.safetensors")
    tensors[name] = tensors[name].to(dtype)
    write_tensors(model / "model.safetensors", tensors)
    refused(model, f"'{name}' is {dtype}, expected torch.float32")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("name", ["emission.bias", "words.weight", "characters.bias"])
def test_weights_that_are_not_finite_are_refused(model, name, number):
    tensors = load_file(model / "model.safetensors")
    tensors[name].reshape(-1)[-1] = number
    write_tensors(model / "model.safetensors", tensors)
    refused(model, f"'{name}' has a number that is NaN or infinite")


@pytest.mark.parametrize(
    "change",
    [
        {"encoder__hidden": 60000},
        {"encoder__hidden": 60000, "encoder__layers": 60},
        {"embeddings__words__size": 65000},
        {"embeddings__characters__hidden": 10**9},
        {"embeddings__characters__hidden": 10**30},
        {"embeddings__casing": 10**15},
        {"embeddings__casing": 2**63},
    ],
)
def test_huge_sizes_in_the_config_take_no_memory(model, change):
    with_config(model, **change)
    before = peak_memory_mb(torch.device("cpu"))
    refused(model)
    assert peak_memory_mb(torch.device("cpu")) - before < 100


def test_an_unknown_cell_asks_for_its_code(model):
    with_config(model, encoder__cell="grandmother")
    assert "--code FILE" in refused(model, "no cell is named 'grandmother'")


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ["O"]},
        {"tags": ["O", "B-PER", "B-PER"]},
        {"labels": ["", "PER"]},
        {"labels": "PER"},
        {"scheme": "binary"},
        {"scheme": ["bioes"]},
        {"scheme": None},
        {"words": []},
        {"words": [1, 2, 3]},
        {"characters": ["<pad>", "<unknown>", "ab"]},
        {"format_version": 99},
        {"format_version": None},
    ],
)
def test_an_invalid_vocabulary_is_refused(model, change):
    vocabulary = json.loads((model / "vocabulary.json").read_text())
    (model / "vocabulary.json").write_text(json.dumps({**vocabulary, **change}))
    assert "vocabulary.json" in refused(model)


def test_deeply_nested_json_is_refused(model):
    (model / "vocabulary.json").write_text("[" * 100_000)
    refused(model, "vocabulary.json: is corrupted")


def test_a_folder_that_cannot_be_read_is_refused(model, monkeypatch):
    def deny(path, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.exists", deny)
    refused(model, "cannot be read .Permission denied")


# --- metrics -----------------------------------------------------------------------------------------------


def test_metrics_are_restored_and_none_for_an_unfinished_run(tmp_path):
    assert load_metrics(tmp_path) is None
    save_metrics(tmp_path, METRICS | {"label": "Ærø"})
    assert load_metrics(tmp_path) == METRICS | {"label": "Ærø"}


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '"f1"'])
def test_corrupt_metrics_are_refused(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ModelError, match=r"metrics\.json: is"):
        load_metrics(tmp_path)


@pytest.mark.parametrize("part", ["dev", "train", "test"])
@pytest.mark.parametrize("value", [None, [], {}, "0.9", {"f1": "0.9"}])
def test_metrics_without_the_figures_of_a_run_are_refused(tmp_path, part, value):
    save_metrics(tmp_path, METRICS | {part: value})
    with pytest.raises(ModelError, match=rf"metrics\.json: {part}\.\w+ is not a number; .*--overwrite"):
        load_metrics(tmp_path)


@pytest.mark.parametrize("kind", ["F\n4", "\x1b[2J", "x" * 10_000])
def test_a_message_of_the_parser_becomes_one_short_line(model, kind):
    path = model / "model.safetensors"
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["emission.bias"]["dtype"] = kind
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])
    message = refused(model, "is corrupted or truncated")
    assert "\n" not in message and len(message) < 500


def test_weights_whose_scores_overflow_are_an_error(model):
    tensors = load_file(model / "model.safetensors")
    tensors["emission.weight"].sign_().mul_(3e38)
    write_tensors(model / "model.safetensors", tensors)
    loaded = load_model(model)
    with pytest.raises(ModelError, match="scores overflow"):
        TaggerDecoder(loaded.tagger, loaded.vocabulary).scored_spans(words_of(TRAIN))
