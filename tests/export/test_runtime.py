"""Running exported models: without torch, and with every problem reported on loading."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import onnx
import pytest

import rnner
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError, UsageError
from rnner.export import runtime as exported
from rnner.export.onnx_file import CHECKSUM_KEY, with_checksum
from rnner.export.runtime import choose_backend, load_onnx
from rnner.export.writer import export_into_folder, to_onnx
from rnner.model.folder import load_model, save_config_and_vocabulary, save_weights
from rnner.pipeline import Pipeline
from tiny_corpus import config_of, tagger_of, tagger_that_composes

TEXT = "Harry Potter met Azkaban-born Hermione in London."


@pytest.fixture(scope="module")
def model():
    return tagger_that_composes("embeddings.document=true")


@pytest.fixture(scope="module")
def buffer(model):
    return to_onnx(*model).SerializeToString()


@pytest.fixture
def path(buffer, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(buffer)
    return path


def changed(path, change):
    """Return the path of the model after `change(model, metadata)`."""
    model = onnx.load(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    change(model, metadata)
    metadata.pop(CHECKSUM_KEY, None)
    onnx.helper.set_model_props(model, metadata)
    path.write_bytes(model.SerializeToString())
    return path


def test_an_exported_file_finds_the_same_as_the_model(path, model):
    found, expected = rnner.load(path), Pipeline(TaggerDecoder(*model))
    (entities,), (known,) = found([TEXT]), expected([TEXT])
    assert entities and [vars_of(each) for each in entities] == [vars_of(each) for each in known]
    assert [e.score for e in entities] == pytest.approx([e.score for e in known], abs=1e-5)
    assert found.labels == expected.labels


def vars_of(entity):
    return entity.label, entity.start, entity.end, entity.text


def test_torch_is_not_imported(path):
    reported = (
        f"import sys, rnner; from rnner.cli.main import run\n"
        f"assert rnner.load({str(path)!r})([{TEXT!r}])[0]\n"
        f"assert run(['predict', '--model', {str(path)!r}, {TEXT!r}]) == 0\n"
        "print(sorted({'torch', 'onnx', 'datasets', 'pandas', 'pyarrow', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", reported], capture_output=True, text=True, check=True)
    assert "Hermione" in done.stdout and done.stdout.splitlines()[-1] == "[]"


def test_other_files_are_refused(tmp_path):
    with pytest.raises(
        ModelError, match=r"file not found; `rnner export --model DIR --output gone.onnx` writes one"
    ):
        rnner.load(tmp_path / "gone.onnx")
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(ModelError, match=r"text.onnx: is corrupted or truncated .*; export it again"):
        rnner.load(tmp_path / "text.onnx")


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused_in_one_line(path, buffer, share):
    path.write_bytes(buffer[: int(share * len(buffer))])
    with pytest.raises(ModelError, match=r"model\.onnx: is .*export") as reported:
        load_onnx(path)
    assert "\n" not in str(reported.value)


def test_an_onnx_model_of_others_is_refused(path):
    changed(path, lambda model, metadata: metadata.clear())
    with pytest.raises(ModelError, match="is an ONNX model, but not one written by `rnner export`"):
        load_onnx(path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (exported.FORMAT_KEY, "9", "version is '9', but this rnner reads 1; export it again"),
        (exported.VOCABULARY_KEY, "{", "is corrupted"),
        (exported.VOCABULARY_KEY, "[]", "is corrupted"),
        (
            exported.VOCABULARY_KEY,
            '{"format_version": 1}',
            r"is corrupted \(.*'labels' is not a list of strings",
        ),
        (exported.VECTOR_WORDS_KEY, "the\n\nin\n", r"is corrupted \(expected one word per line"),
        (
            exported.N_GRAMS_KEY,
            None,
            r"is corrupted \(its graph has the unknown inputs composed, document_composed, .*pieces",
        ),
        (exported.TRANSITIONS_KEY, None, r"is corrupted \(it has no 'rnner\.moves'\); export it again"),
        (
            exported.TRANSITIONS_KEY,
            "[[0, 1]]",
            r"is corrupted \(the transitions between tags must be finite numbers of shape \[18, 18\]",
        ),
        (exported.TRANSITIONS_KEY, "[[0], [1, 2]]", "is corrupted"),
        (exported.TRANSITIONS_KEY, '"a"', "is corrupted"),
        (exported.THRESHOLD_KEY, "1.5", r"is corrupted \(rnner\.threshold is 1\.5, not between 0 and 1"),
        (exported.AGREEMENT_KEY, "0", r"is corrupted \(rnner\.agreement is 0\.0, not between 0 and 1"),
        (exported.THRESHOLD_KEY, "much", "is corrupted"),
    ],
)
def test_invalid_metadata_is_refused(path, key, value, message):
    def change(model, metadata):
        metadata[key] = value
        if value is None:
            del metadata[key]

    with pytest.raises(ModelError, match=message) as reported:
        load_onnx(changed(path, change))
    assert "\n" not in str(reported.value)


def test_a_graph_with_other_tags_is_refused(path):
    changed(path, lambda model, metadata: metadata.update(other_vocabulary()))
    with pytest.raises(ModelError, match="its graph does not output the emissions of 2 tags"):
        load_onnx(path)


def other_vocabulary():
    model = to_onnx(*tagger_that_composes("embeddings.document=true"))
    reported = {entry.key: entry.value for entry in model.metadata_props}
    vocabulary = json.loads(reported[exported.VOCABULARY_KEY])
    vocabulary |= {"scheme": "binary", "labels": ["NAME"], "tags": ["0", "1"]}
    return {
        exported.VOCABULARY_KEY: json.dumps(vocabulary),
        exported.TRANSITIONS_KEY: "[[0,0,0],[0,0,0],[0,0,0]]",
    }


def test_a_vocabulary_larger_than_the_graph_is_refused(path):
    def change(model, metadata):
        metadata[exported.VECTOR_WORDS_KEY] = "".join(f"w{i}\n" for i in range(100, 300)) + "zebra\n"

    with pytest.raises(ModelError, match=r"is corrupted \('frozen_vectors' has 17 rows instead of 213\)"):
        load_onnx(changed(path, change))


def test_it_runs_on_the_cpu(path):
    with pytest.raises(UsageError, match=r"run only on the CPU"):
        rnner.load(path, device="cuda")


def test_threads_get_the_same_results(path):
    texts = [f"{TEXT} Then {name} left." for name in ("Ada", "Bo", "Cy", "Hagrid", "Draco", "Luna")]
    known = rnner.load(path)(texts)
    shared = rnner.load(path)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: shared(texts), range(8)):
            assert found == known


@pytest.mark.parametrize("missing", ["onnxruntime", "onnx"])
def test_a_missing_package_is_named(path, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=r'pip install "rnner\[onnx\]"'):
        load_onnx(path) if missing == "onnxruntime" else to_onnx(*tagger_of())


# --- in a model's folder -----------------------------------------------------------------------------------


@pytest.fixture
def folder(model, tmp_path):
    """A model folder with its exported graph."""
    tagger, vocabulary = model
    folder = tmp_path / "folder"
    save_config_and_vocabulary(folder, config_of("embeddings.document=true"), vocabulary)
    save_weights(folder, tagger)
    export_into_folder(load_model(folder))
    return folder


def test_a_graph_in_a_folder_finds_the_same_and_refers_to_the_weights(folder, path):
    found, expected = rnner.load(folder, backend="onnx"), rnner.load(folder, backend="torch")
    (entities,), (known,) = found([TEXT]), expected([TEXT])
    assert entities and [vars_of(each) for each in entities] == [vars_of(each) for each in known]
    assert [e.score for e in entities] == pytest.approx([e.score for e in known], abs=1e-5)
    graph = onnx.load(folder / exported.ONNX, load_external_data=False).graph
    outside = {each.name for each in graph.initializer if each.external_data}
    assert outside == {"frozen_vectors", "trained_vectors"}
    assert not any(each.raw_data for each in graph.initializer if each.name in outside)


def test_a_graph_in_a_folder_is_standard_onnx(folder, model):
    tagger, _ = model
    onnx.checker.check_model(str(folder / exported.ONNX), full_check=True)
    read = onnx.load(folder / exported.ONNX)
    table = next(each for each in read.graph.initializer if each.name == "frozen_vectors")
    assert (onnx.numpy_helper.to_array(table) == tagger.words.vectors.numpy()).all()


@pytest.mark.parametrize("name", ["config.yaml", "vocabulary.json", "model.safetensors"])
def test_a_changed_folder_is_refused(folder, name):
    changed = bytearray((folder / name).read_bytes())
    changed[-3] ^= 1
    (folder / name).write_bytes(changed)
    with pytest.raises(ModelError, match=rf"{name} changed since the export.*`rnner export .* --overwrite`"):
        load_onnx(folder / exported.ONNX)


def test_a_folder_without_its_vocabulary_is_refused(folder):
    (folder / "vocabulary.json").unlink()
    with pytest.raises(ModelError, match="works only in its model folder"):
        load_onnx(folder / exported.ONNX)


@pytest.mark.parametrize("files", ["", "[", "[" * 100_000, "{}", "3"])
def test_invalid_digests_are_refused(folder, files):
    graph = onnx.load(folder / exported.ONNX, load_external_data=False)
    reported = {entry.key: entry.value for entry in graph.metadata_props} | {exported.FILES_KEY: files}
    onnx.helper.set_model_props(graph, reported)
    (folder / exported.ONNX).write_bytes(with_checksum(graph.SerializeToString()))
    with pytest.raises(ModelError, match="other files changed since the export"):
        load_onnx(folder / exported.ONNX)


@pytest.mark.parametrize("name", ["config.yaml", "vocabulary.json", "model.safetensors", "model.onnx"])
def test_a_symbolic_link_in_the_folder_is_refused(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match=f"{name}: is a symbolic link"):
        load_onnx(folder / exported.ONNX)


def test_a_graph_outside_its_folder_is_refused(folder, tmp_path):
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((folder / exported.ONNX).read_bytes())
    with pytest.raises(
        ModelError, match=r"works only in its model folder.*`rnner export --model DIR --output OUT.onnx`"
    ):
        load_onnx(alone)


def test_corrupt_weights_are_refused(folder):
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(
        ModelError, match=r"model\.safetensors changed since the export; copy the model folder"
    ):
        load_onnx(folder / exported.ONNX)


def test_a_standalone_file_may_be_in_a_folder(folder, model, buffer):
    (folder / exported.ONNX).write_bytes(buffer)
    sentences = [["Harry", "Potter", "met", "Hermione"]]
    expected = TaggerDecoder(*model).spans(sentences)
    assert load_onnx(folder / exported.ONNX).spans(sentences) == expected


def test_the_backend_chooses_folder_or_file(folder, path, monkeypatch):
    beside = folder / exported.ONNX
    assert [choose_backend(folder, name) for name in ("auto", "torch", "onnx")] == [folder, folder, beside]
    assert choose_backend(folder, "auto", fast_start=True) == beside
    assert choose_backend(path, "auto", fast_start=True) == choose_backend(path, "onnx") == path
    with pytest.raises(UsageError, match="needs the model folder that this file was exported from"):
        choose_backend(path, "torch")
    monkeypatch.setattr(exported, "find_spec", lambda name: None)
    assert choose_backend(folder, "auto", fast_start=True) == folder
    beside.unlink()
    assert choose_backend(folder, "auto", fast_start=True) == folder
    with pytest.raises(UsageError, match=f"`rnner export --model {folder}` adds it"):
        choose_backend(folder, "onnx")
