"""Graphs that rnner does not write are refused before onnxruntime opens them; damaged files are noticed."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rnner.errors import ModelError
from rnner.export.onnx_file import NO_CHECKSUM, checksum, read_onnx, with_checksum
from rnner.export.runtime import load_onnx, verify_onnx
from rnner.export.writer import export_into_folder, export_standalone
from rnner.model.folder import LoadedModel, load_model, save_config_and_vocabulary, save_metrics, save_weights
from rnner.model.manifest import file_states, read_manifest
from tiny_corpus import config_of, tagger_that_composes

OPTIONS = "embeddings.document=true"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "my.onnx"
    export_standalone(LoadedModel(path, config_of(OPTIONS), *reversed(tagger_that_composes(OPTIONS))), path)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "my.onnx"


def refused(path, original, change, reported):
    """Check that the file is refused, in one line, after `change(model)`, with a checksum that fits."""
    model = onnx.load_from_string(original)
    change(model)
    path.write_bytes(with_checksum(model.SerializeToString()))
    with pytest.raises(ModelError, match=reported) as caught:
        load_onnx(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


def constant(model, name):
    return next(each for each in model.graph.initializer if each.name == name)


def set_constant(model, name, array):
    constant(model, name).CopyFrom(numpy_helper.from_array(array, name))


def insert(model, *nodes, constants=()):
    """Insert operators at the start of the graph."""
    old = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *old])
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(value), name) for name, value in constants
    )


# --- damage ------------------------------------------------------------------------------------------------


def test_a_written_file_is_loaded(path, original):
    path.write_bytes(original)
    load_onnx(path)
    assert read_onnx(original).metadata["rnner.sha256"] == checksum(original) != NO_CHECKSUM


def test_every_flipped_bit_is_noticed(path, original):
    for place in range(0, len(original), 997):
        changed = bytearray(original)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ModelError) as caught:
            load_onnx(path)
        assert "\n" not in str(caught.value)


def test_a_file_of_an_older_version_has_no_checksum_and_is_loaded(path, original):
    model = onnx.load_from_string(original)
    del model.metadata_props[-1]
    path.write_bytes(model.SerializeToString())
    load_onnx(path)
    with pytest.raises(ModelError, match="has no checksum"):
        verify_onnx(path)


def test_a_checksum_that_is_still_to_be_filled_in_is_not_verified(path, original):
    path.write_bytes(original.replace(checksum(original).encode(), NO_CHECKSUM.encode()))
    with pytest.raises(ModelError, match="has no checksum"):
        verify_onnx(path)


# --- operators ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("operator", ["Loop", "If", "Scan", "Range", "Expand", "Tile", "ConstantOfShape"])
def test_other_operators_are_refused(path, original, operator):
    def change(model):
        insert(model, helper.make_node(operator, ["words"], ["x"]))

    refused(path, original, change, f"has the operator '{operator}', which rnner does not write")


def test_operators_of_other_domains_are_refused(path, original):
    def change(model):
        model.graph.node[0].domain = "com.microsoft"

    refused(path, original, change, "field 7 is unexpected")


def test_functions_are_refused(path, original):
    def change(model):
        node = helper.make_node("Identity", ["a"], ["b"])
        model.functions.append(helper.make_function("own", "F", ["a"], ["b"], [node], []))

    refused(path, original, change, "field 25 is unexpected")


def test_a_graph_in_an_attribute_is_refused(path, original):
    def change(model):
        inner = helper.make_graph([], "inner", [], [])
        model.graph.node[0].attribute.append(helper.make_attribute("body", inner))

    refused(path, original, change, "field 6 is unexpected")


def test_unknown_attributes_are_refused(path, original):
    def change(model):
        model.graph.node[0].attribute.append(helper.make_attribute("axis", 1))

    refused(path, original, change, "has the unknown attribute 'axis'")


def test_conversions_to_text_are_refused(path, original):
    def change(model):
        insert(model, helper.make_node("Cast", ["words"], ["x"], to=TensorProto.STRING))

    refused(path, original, change, "unknown type")


def test_external_data_is_refused(path, original):
    def change(model):
        tensor = constant(model, "casing_table")
        onnx.external_data_helper.set_external_data(tensor, "/etc/passwd")
        tensor.ClearField("raw_data")

    refused(path, original, change, "'casing_table' are not in")


# --- sizes -------------------------------------------------------------------------------------------------


def test_a_value_of_gigabytes_is_refused(path, original):
    def change(model):
        pads = ("pads", [0, 0, 0, 1 << 40])
        insert(model, helper.make_node("Pad", ["casing_table", "pads"], ["x"]), constants=[pads])

    refused(path, original, change, "computes far more numbers than it has weights")


def test_a_value_that_is_doubled_forty_times_is_refused(path, original):
    def change(model):
        names = ["casing_table", *(f"x{i}" for i in range(40))]
        nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in itertools.pairwise(names)]
        insert(model, *nodes)

    refused(path, original, change, "computes far more numbers than it has weights")


def test_a_value_that_grows_with_the_cube_of_the_text_is_refused(path, original):
    def change(model):
        nodes = [
            helper.make_node("Unsqueeze", ["words", "last"], ["column"]),
            helper.make_node("Mul", ["column", "words"], ["square"]),
            helper.make_node("Unsqueeze", ["square", "last"], ["deep"]),
            helper.make_node("Mul", ["deep", "words"], ["cube"]),
        ]
        insert(model, *nodes, constants=[("last", [-1])])

    refused(path, original, change, "grows too fast")


def test_a_shape_that_is_computed_is_refused(path, original):
    def change(model):
        insert(model, helper.make_node("Reshape", ["casing_table", "words"], ["x"]))

    refused(path, original, change, "a shape that is not a constant")


def test_too_many_operators_are_refused(path, original):
    def change(model):
        insert(model, *(helper.make_node("Identity", ["words"], [f"x{i}"]) for i in range(6000)))

    refused(path, original, change, "too many operators")


@pytest.mark.parametrize("dims", [[10**12, 10], [-1, 10], [10], []])
def test_sizes_that_do_not_fit_the_bytes_are_refused(path, original, dims):
    def change(model):
        del constant(model, "casing_table").dims[:]
        constant(model, "casing_table").dims.extend(dims)

    refused(path, original, change, "'casing_table'")


# --- numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["emission_weight", "encoder_0_W", "trained_vectors"])
def test_weights_that_are_not_finite_are_refused(path, original, name, number):
    def change(model):
        array = numpy_helper.to_array(constant(model, name)).copy()
        array.reshape(-1)[0] = number
        set_constant(model, name, array)

    refused(path, original, change, f"'{name}' have a number that is NaN or infinite")


@pytest.mark.parametrize("dtype", [np.float64, np.uint8, np.int32, np.complex64])
def test_other_types_are_refused(path, original, dtype):
    def change(model):
        set_constant(
            model, "emission_bias", numpy_helper.to_array(constant(model, "emission_bias")).astype(dtype)
        )

    refused(path, original, change, "'emission_bias' have an unknown type")


@pytest.mark.parametrize("trained", [0, -1, 10**15])
def test_another_number_of_words_is_refused(path, original, trained):
    refused(
        path,
        original,
        lambda model: set_constant(model, "trained", np.array(trained)),
        "does not expect the",
    )


# --- manifest ----------------------------------------------------------------------------------------------


def test_an_export_into_a_folder_enters_the_manifest(tmp_path):
    tagger, vocabulary = tagger_that_composes(OPTIONS)
    save_config_and_vocabulary(tmp_path, config_of(OPTIONS), vocabulary)
    save_weights(tmp_path, tagger)
    save_metrics(tmp_path, {})
    for _ in range(2):
        export_into_folder(load_model(tmp_path))
        assert set(file_states(tmp_path, read_manifest(tmp_path)).values()) == {"ok"}
        load_onnx(tmp_path / "model.onnx")
