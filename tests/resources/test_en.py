"""The bundled English model: small, complete and good at first examples."""

from importlib import resources
from pathlib import Path

import pytest

import rnner
from rnner.export.runtime import choose_backend, load_onnx
from rnner.model.file_names import ONNX
from rnner.model.folder import load_model
from rnner.model.names import BUNDLED_LABELS, find_model

FOLDER = Path(str(resources.files("rnner") / "resources" / "en"))
NOTES = "Harry Potter and Hermione Granger invented a new spell."
NEWS = "Angela Merkel met Emmanuel Macron in Berlin on Tuesday, Reuters reported."
NAMES = [("PER", "Angela Merkel"), ("PER", "Emmanuel Macron"), ("LOC", "Berlin"), ("ORG", "Reuters")]


@pytest.fixture(scope="module")
def en():
    return rnner.load("en")


def found(pipeline, text):
    return [(entity.label, entity.text) for entity in pipeline([text])[0]]


def test_it_is_the_default_and_named_en():
    assert find_model("en") == find_model(None) == FOLDER
    assert tuple(load_model(FOLDER).vocabulary.labels) == tuple(sorted(BUNDLED_LABELS))


def test_it_finds_names_in_the_sentence_of_the_notes(en):
    assert found(en, NOTES) == [("PER", "Harry Potter"), ("PER", "Hermione Granger")]


@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_it_works_in_any_case(en, change):
    assert found(en, change(NEWS)) == [(label, change(name)) for label, name in NAMES]


def test_teddy_roosevelt_is_a_person(en):
    (entity,) = en(["He said, Teddy Roosevelt was a great president."])[0]
    assert (entity.label, entity.text) == ("PER", "Teddy Roosevelt") and entity.score > 0.9


def test_torch_and_onnx_find_the_same(en):
    graph = rnner.Pipeline(load_onnx(choose_backend(FOLDER, "onnx")))
    texts = [NOTES, NEWS, NEWS.lower(), "im at jfk w/ sam rn", "#Paris @ada 北京 ПРИВЕТ " + "x" * 300, ""]
    for own, other in zip(en(texts), graph(texts), strict=True):
        assert [(e.label, e.start, e.end) for e in own] == [(e.label, e.start, e.end) for e in other]
        assert [e.score for e in own] == pytest.approx([e.score for e in other], abs=1e-5)


def test_all_files_together_are_under_ten_megabytes():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    kept = {"config.yaml", "vocabulary.json", "model.safetensors", ONNX, "metrics.json", "README.md"}
    kept.add("manifest.json")
    assert sizes.keys() == kept and sum(sizes.values()) < 10_000_000


def test_the_card_names_every_source_and_licence():
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for source in ("W-NUT 2017", "WikiGold", "Broad Twitter Corpus", "Universal NER", "GloVe", "CC0"):
        assert source in card
    assert card.count("CC BY") >= 4 and "PDDL" in card


def test_the_config_has_no_absolute_paths():
    config = load_model(FOLDER).config
    for path in (config.data.train, config.data.dev, config.embeddings.words.vectors):
        assert path and not Path(path).is_absolute()
