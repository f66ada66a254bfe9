"""Threads that share a loaded model find what each would find alone."""

import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import rnner
from rnner.export.writer import to_onnx
from rnner.model.folder import save_config_and_vocabulary, save_weights
from tiny_corpus import DEV, TRAIN, config_of, tagger_that_composes, words_of

SETTINGS = ("embeddings.document=true",)
WORDS = sorted({word for words in words_of(TRAIN + DEV) for word in words})


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model that uses documents and composes words, as a folder and as an exported file."""
    folder = tmp_path_factory.mktemp("threads")
    tagger, vocabulary = tagger_that_composes(*SETTINGS)
    save_config_and_vocabulary(folder, config_of(*SETTINGS), vocabulary)
    save_weights(folder, tagger)
    (folder / "model.onnx").write_bytes(to_onnx(tagger, vocabulary).SerializeToString())
    return {"torch": folder, "onnx": folder / "model.onnx"}


@pytest.fixture
def eager_threads():
    """Make threads switch as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def texts_of(seed):
    """Return texts of known words and of one word that only this thread has."""
    draw = random.Random(seed)
    return [" ".join(draw.choices([*WORDS, f"Word{seed}"], k=draw.randint(1, 30))) for _ in range(6)]


def all_answers(pipeline, texts):
    """Return the entities from every method, and their probabilities."""
    words = [text.split() for text in texts]
    documents = pipeline.with_readings(pipeline.documents(texts), 2)
    asked = [pipeline(texts), pipeline.tag(words), pipeline.tag(words, [0, 0, 0, 1, 1, 1])]
    asked += [[entities for _, entities in readings] for found in documents for readings in found.nbest()]
    found = [entity for answer in asked for entities in answer for entity in entities]
    return [(e.label, e.start, e.end, e.text) for e in found], [e.score for e in found]


@pytest.mark.parametrize("backend", ["torch", "onnx"])
def test_threads_do_not_affect_each_other(models, backend, eager_threads, monkeypatch):
    monkeypatch.setattr("rnner.data.vocabulary._CACHED_FORMS", 20)  # so that it is emptied often
    alone = [all_answers(rnner.load(models[backend]), texts_of(seed)) for seed in range(8)]
    shared = rnner.load(models[backend])
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: all_answers(shared, texts_of(seed % 8)), range(24)))
    for (entities, scores), (known, probable) in zip(together, alone * 3, strict=True):
        assert entities == known != []
        assert scores == pytest.approx(probable, abs=1e-5)


def test_a_loaded_model_is_never_in_training_mode(models):
    tagger = rnner.load(models["torch"]).decoder.tagger
    assert not any(module.training for module in tagger.modules())
