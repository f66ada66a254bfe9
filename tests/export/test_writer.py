"""Exported models: a valid file with the same entities and probabilities as in torch."""

from functools import cache
from itertools import product

import onnx
import pytest
import torch

from rnner import __version__
from rnner.data.bags import bags_of_words
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError
from rnner.export import runtime as exported
from rnner.export.onnx_file import CHECKSUM_KEY
from rnner.export.operators import _OPERATORS
from rnner.export.runtime import load_onnx
from rnner.export.writer import to_onnx
from rnner.model.build import build_encoder
from rnner.nn.cells import Cell, cell_names, get_cell
from rnner.nn.embeddings import quantize
from tiny_corpus import (
    CHARACTERS,
    DEV,
    TEST,
    TRAIN,
    config_of,
    tagger_of,
    tagger_that_composes,
    tagger_with_context,
    words_of,
)

EXPORTED = [name for name in cell_names() if get_cell(name) in _OPERATORS]
ODD = [["Hagrid-in-London", "Azkaban", "x" * 150, "1997"], [""], ["Neville"], ["Hagrid", "evil", "Potter"]]
SENTENCES = [*words_of(TRAIN), *ODD, *words_of(DEV), *words_of(TEST)]
DOCUMENTS = [*[0] * 5, *[1] * 6, -1, -1, *[2] * (len(SENTENCES) - 13)]


def exported_to(path, tagger, vocabulary, **options):
    path.write_bytes(to_onnx(tagger, vocabulary).SerializeToString())
    return load_onnx(path, threads=1, **options)


def assert_same(found, expected):
    """Check that entities are equal, and probabilities up to rounding."""
    places = [[[span[:3] for span in spans] for spans in each] for each in (found, expected)]
    assert places[0] == places[1] and any(places[0])
    scores = [[span.score for spans in each for span in spans] for each in (found, expected)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def kinds():
    """Yield every cell with one and two directions and layers, and the other options in turn."""
    makers, heads = [tagger_of, tagger_with_context, tagger_that_composes], ["crf", "softmax"]
    for i, (cell, both, layers) in enumerate(product(EXPORTED, ["true", "false"], [1, 2])):
        spelt = list(CHARACTERS)[(i + i // 4) % 3]
        options = [f"encoder.cell={cell}", f"encoder.bidirectional={both}", f"encoder.layers={layers}"]
        options += [*CHARACTERS[spelt], f"head={heads[(i + i // 2) % 2]}"]
        options += [f"embeddings.characters.cell={cell}"] if spelt == "recurrent" else []
        options += ["embeddings.casing=0"] if i % 4 == 1 else []
        maker = makers[(i + i // 4 + i // 12) % 3]
        yield pytest.param(maker, options, id="-".join([cell, both, str(layers), spelt, maker.__name__]))


def test_the_cases_cover_all_layers():
    reported = [case.id for case in kinds()]
    assert {"rnn", "gru", "gru_reset_after", "lstm", "none"} <= set(EXPORTED)
    assert len(reported) == 4 * len(EXPORTED)
    for part in [*CHARACTERS, "context", "composes", "tagger_of"]:
        assert len({name.split("-")[0] for name in reported if part in name}) >= 3, part


@pytest.mark.parametrize("make", [tagger_of, tagger_with_context])
def test_the_threshold_is_exported(make, tmp_path):
    tagger, vocabulary = make("threshold=0.1")
    loaded = exported_to(tmp_path / "model.onnx", tagger, vocabulary)
    assert loaded.threshold == 0.1
    assert_same(loaded.scored_spans(SENTENCES), TaggerDecoder(tagger, vocabulary).scored_spans(SENTENCES))


@pytest.mark.parametrize("options", [(), ("threshold=0.1",)])
def test_the_agreement_is_exported(options, tmp_path):
    tagger, vocabulary = tagger_with_context("agreement=0.7", *options)
    loaded = exported_to(tmp_path / "model.onnx", tagger, vocabulary, sentences=5)
    assert loaded.agreement == 0.7
    expected = TaggerDecoder(tagger, vocabulary).scored_spans(SENTENCES, DOCUMENTS)
    assert_same(loaded.scored_spans(SENTENCES, DOCUMENTS), expected)


@pytest.mark.parametrize(("make", "options"), list(kinds()))
def test_entities_and_probabilities_equal_torch(make, options, tmp_path):
    tagger, vocabulary = make(*options)
    found = exported_to(tmp_path / "model.onnx", tagger, vocabulary, sentences=5)
    expected = TaggerDecoder(tagger, vocabulary)
    assert_same(found.scored_spans(SENTENCES, DOCUMENTS), expected.scored_spans(SENTENCES, DOCUMENTS))


def context_and_pieces():
    """Return a tagger that uses documents and composes words."""
    return tagger_that_composes("embeddings.document=true")


@cache
def everything():
    return context_and_pieces()


def test_results_do_not_depend_on_the_batch(tmp_path):
    tagger, vocabulary = everything()
    path = tmp_path / "model.onnx"
    one = exported_to(path, tagger, vocabulary, sentences=1)
    assert one.uses_documents
    for size in (3, 64):
        many = load_onnx(path, sentences=size)
        assert_same(many.scored_spans(SENTENCES, DOCUMENTS), one.scored_spans(SENTENCES, DOCUMENTS))


def test_windows_equal_torch(tmp_path):
    tagger, vocabulary = everything()
    long = [[word for words in SENTENCES for word in words] * 2, SENTENCES[0]]
    found = exported_to(tmp_path / "model.onnx", tagger, vocabulary, window=16)
    assert_same(found.scored_spans(long), TaggerDecoder(tagger, vocabulary, window=16).scored_spans(long))


def test_readings_equal_torch(tmp_path):
    tagger, vocabulary = everything()
    found = exported_to(tmp_path / "model.onnx", tagger, vocabulary).readings(SENTENCES, 3, DOCUMENTS)
    expected = TaggerDecoder(tagger, vocabulary).readings(SENTENCES, 3, DOCUMENTS)
    for own, others in zip(found, expected, strict=True):
        assert [reading.spans for reading in own] == [reading.spans for reading in others]
        reported = [reading.probability for reading in own]
        assert reported == pytest.approx([reading.probability for reading in others], abs=1e-5)


@pytest.mark.parametrize("make", [tagger_of, tagger_with_context, context_and_pieces])
def test_the_file_is_valid_and_has_its_metadata(make):
    tagger, vocabulary = make()
    model = to_onnx(tagger, vocabulary)
    onnx.checker.check_model(model, full_check=True)
    reported = {entry.key: entry.value for entry in model.metadata_props}
    assert reported[exported.VERSION_KEY] == model.producer_version == __version__
    keys = {
        exported.FORMAT_KEY,
        exported.VERSION_KEY,
        exported.VOCABULARY_KEY,
        exported.VECTOR_WORDS_KEY,
        exported.TRANSITIONS_KEY,
        CHECKSUM_KEY,
    }
    assert reported.keys() == keys | ({exported.N_GRAMS_KEY} if vocabulary.n_grams else set())
    assert reported[exported.VECTOR_WORDS_KEY].split("\n")[:-1] == sorted(vocabulary.vector_words)
    given = {wanted.name for wanted in model.graph.input}
    assert ("counts" in given) == (tagger.document is not None)
    assert ("composed" in given) == (vocabulary.n_grams is not None)
    assert ("lexicon" in given) == (vocabulary.lexicon is not None)


def test_half_precision_vectors_are_stored_as_such():
    tagger, vocabulary = everything()
    tagger.words.vectors = tagger.words.vectors.half()
    kept = {array.name: array for array in to_onnx(tagger, vocabulary).graph.initializer}
    assert kept["frozen_vectors"].data_type == onnx.TensorProto.FLOAT16
    assert len(kept["frozen_vectors"].raw_data) == 2 * tagger.words.vectors.numel()


def test_int8_vectors_are_stored_as_such_and_results_equal_torch(tmp_path):
    tagger, vocabulary = context_and_pieces()
    tagger.words.vectors, tagger.words.scales = quantize(tagger.words.vectors)
    kept = {array.name: array for array in to_onnx(tagger, vocabulary).graph.initializer}
    assert kept["frozen_vectors"].data_type == onnx.TensorProto.INT8
    found, expected = (
        exported_to(tmp_path / "model.onnx", tagger, vocabulary),
        TaggerDecoder(tagger, vocabulary),
    )
    assert_same(found.scored_spans(SENTENCES, DOCUMENTS), expected.scored_spans(SENTENCES, DOCUMENTS))


def test_recurrences_become_onnx_operators():
    for cell, operator in {"rnn": "RNN", "gru": "GRU", "gru_reset_after": "GRU", "lstm": "LSTM"}.items():
        nodes = to_onnx(*tagger_of(f"encoder.cell={cell}", "encoder.layers=2")).graph.node
        assert [node.op_type for node in nodes if node.op_type in ("RNN", "GRU", "LSTM")] == [operator] * 2


class OwnCell(Cell):
    gates = 1

    def step(self, x, state):
        return (torch.tanh(x),)


def test_a_cell_without_an_operator_is_refused():
    tagger, vocabulary = tagger_of()
    tagger.encoder = build_encoder(
        config_of("encoder.cell=rnn").encoder, tagger.encoder.input_size, between=0
    )
    layer = tagger.encoder.layers[0]
    for part in (layer.forward_layer, layer.backward_layer):
        part.cell = OwnCell(layer.input_size, 8)
    with pytest.raises(ModelError, match=r"ONNX has no operator for the cell OwnCell; it has one for: gru, "):
        to_onnx(tagger, vocabulary)


def test_a_model_too_large_for_a_file_is_refused(monkeypatch):
    monkeypatch.setattr("rnner.export.writer._MAX_BYTES", 1000)
    with pytest.raises(ModelError, match=r"larger than the 2 GB .*embeddings\.words\.limit"):
        to_onnx(*tagger_of())


def test_documents_are_counts_of_distinct_words():
    _, vocabulary = everything()
    sentences = [["London", "Hagrid", "London", "in"], ["in", "London"]]
    batch = vocabulary.encode(sentences, bags=bags_of_words(sentences, [0, 1], vocabulary.row))
    given = exported.graph_inputs(batch)
    known = {vocabulary.word_id("in"): [1, 1], vocabulary.word_id("London"): [2, 1]}
    assert given["document_words"].tolist() == [*sorted(known), 0]  # composed words come last
    assert given["counts"].T.tolist() == [*(known[row] for row in sorted(known)), [1, 0]]
    assert given["document_composed"].tolist() == [2] and given["document_of"].tolist() == [0, 1]
