"""The pipeline: exact offsets for any text, batch and thread."""

import asyncio
import copy
import multiprocessing
import os
import pickle
import re
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import rnner
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import ModelError, UsageError
from rnner.model.folder import save_config_and_vocabulary, save_weights
from rnner.pipeline import Pipeline
from rnner.text.entity import Entity
from tiny_corpus import DEV, TRAIN, config_of, tagger_of, tagger_with_context, words_of


def pipeline_of(*overrides, seed=3, **options):
    tagger, vocabulary = tagger_of(*overrides, seed=seed)
    return Pipeline(TaggerDecoder(tagger, vocabulary, **options))


# An untrained model finds many entities, which tests offsets well.
PIPELINE = pipeline_of()
TEXTS = [
    "Harry Potter and Hermione Granger invented a new spell.",
    "Lucius Malfoy 👨‍👩‍👧 visited 🇮🇸 Reykjavík — at 10:30.",
    "Zu\u0308rich und Mu\u0308nchen\tliegen\r\nnicht in\u00a0Wales.\n\nIt  rained.  ",
    "  \t leading space, and O'Brien's 3.5 U.S. dollars…",
    "東京に行く。ハリーは London に着いた。",
    "Ron:\n- Hogwarts\n- Gringotts (London)\n",
    "\ufeffDobby is \u200bfree!",
]


def flat(found):
    return [[(e.label, e.start, e.end) for e in entities] for entities in found]


def scores(found):
    return [entity.score for entities in found for entity in entities]


@pytest.mark.parametrize("text", TEXTS)
def test_offsets_index_the_unchanged_text(text):
    (entities,) = PIPELINE([text])
    assert entities
    end = 0
    for entity in entities:
        assert isinstance(entity, Entity)
        assert end <= entity.start < entity.end <= len(text)
        assert text[entity.start : entity.end] == entity.text
        assert entity.text == entity.text.strip() != ""
        assert entity.label in PIPELINE.labels and 0 <= entity.score <= 1
        end = entity.end


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), max_size=3))
def test_offsets_hold_for_any_text(texts):
    found = PIPELINE(texts)
    assert len(found) == len(texts)
    for text, entities in zip(texts, found, strict=True):
        assert all(text[e.start : e.end] == e.text and e.text and 0 <= e.score <= 1 for e in entities)
        assert all(left.end <= right.start for left, right in pairwise(entities))


@pytest.mark.parametrize("text", ["", " ", "\n\n\t", "\u00a0"])
def test_a_text_without_words_has_no_entities(text):
    assert PIPELINE([text]) == [[]]
    assert flat(PIPELINE([text, TEXTS[0]])) == [[], *flat(PIPELINE([TEXTS[0]]))]


def test_empty_input_gives_empty_output():
    assert PIPELINE([]) == [] and PIPELINE.tag([]) == []
    assert PIPELINE.tag([[]]) == [[]] and PIPELINE.tag_documents([[]])[0].entities() == []


@pytest.mark.parametrize("text", TEXTS)
def test_one_text_gives_its_entities_without_a_list(text):
    assert PIPELINE(text) == PIPELINE([text])[0]
    assert PIPELINE.documents(text) == PIPELINE.documents([text])[0]
    assert PIPELINE("") == []


def test_any_iterable_of_texts_is_accepted():
    known = PIPELINE(TEXTS)
    assert PIPELINE(tuple(TEXTS)) == PIPELINE(text for text in TEXTS) == known
    assert PIPELINE(np.array(TEXTS)) == known


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "takes a text or a list of texts, not None"),
        (3, "takes a text or a list of texts, not 3 (int)"),
        (b"Harry", "takes a text or a list of texts, not b'Harry' (bytes)"),
        (
            {"text": "Harry met Ron."},
            "takes a text or a list of texts, not {'text': ",
        ),
        (["Harry met Ron.", None], "texts[1] is None, expected a string"),
        (["Harry met Ron.", "", float("nan")], "texts[2] is nan (float), expected a string"),
        ([7], "texts[0] is 7 (int), expected a string"),
        ([["Harry", "met", "Ron"]], "texts[0] is ['Harry', 'met', 'Ron'] (list), expected a string"),
    ],
)
def test_what_is_not_a_text_is_reported_with_its_index(texts, message):
    for call in (PIPELINE, PIPELINE.documents):
        with pytest.raises(TypeError, match=re.escape(message)):
            call(texts)


@pytest.mark.parametrize(
    ("sentences", "message"),
    [
        (
            "Harry met Ron .",
            "sentences is 'Harry met Ron .' (str), expected a list of words; for texts, call",
        ),
        (["Harry met Ron ."], "sentences[0] is 'Harry met Ron .' (str), expected a list of words; for texts"),
        ([["Harry"], ""], "sentences[1] is '' (str), expected a list of words"),
        ([["Harry"], None], "sentences[1] is None, expected a list of words"),
        ([["Harry"], ["met", float("nan")]], "sentences[1][1] is nan (float), expected a string"),
    ],
)
def test_what_is_not_a_list_of_words_is_reported_with_its_index(sentences, message):
    for call in (PIPELINE.tag, PIPELINE.tag_documents):
        with pytest.raises(TypeError, match=re.escape(message)):
            call(sentences)


def test_tag_counts_words():
    sentences = [*words_of(TRAIN), [], *words_of(DEV)]
    found = PIPELINE.tag(sentences)
    assert any(found) and len(found) == len(sentences)
    for words, entities in zip(sentences, found, strict=True):
        for entity in entities:
            assert 0 <= entity.start < entity.end <= len(words)
            assert entity.text == " ".join(words[entity.start : entity.end])


def test_tag_documents_joins_words_with_spaces():
    sentences = words_of(DEV)
    for words, document, entities in zip(
        sentences, PIPELINE.tag_documents(sentences), PIPELINE.tag(sentences), strict=True
    ):
        assert document.text == " ".join(words)
        assert [(e.label, e.text) for e in document.entities()] == [(e.label, e.text) for e in entities]
        assert all(document.text[e.start : e.end] == e.text for e in document.entities())


def test_words_of_scripts_without_spaces_are_joined_without_spaces():
    words = ["王", "小", "明", "在", "IBM", "2020", "年", "，", "Oslo", "Harry", "。"]
    (document,), (entities,) = PIPELINE.tag_documents([words]), PIPELINE.tag([words])
    assert document.text == "王小明在IBM 2020年，Oslo Harry。"
    assert [token.text for token in document.sentences[0]] == words
    assert all(document.text[t.start : t.end] == t.text for t in document.sentences[0])
    assert [e.text for e in document.entities()] == [e.text for e in entities] and entities
    assert all(document.text[e.start : e.end] == e.text for e in document.entities())


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_results_do_not_depend_on_the_batch(head):
    texts = [*TEXTS, *(" ".join(words) for words in words_of(TRAIN + DEV)), ""]
    known = pipeline_of(f"head={head}", sentences=64)(texts)
    for size in (1, 2, 7):
        found = pipeline_of(f"head={head}", sentences=size)(texts)
        assert flat(found) == flat(known)
        assert scores(found) == pytest.approx(scores(known), abs=1e-5)
    turned = pipeline_of(f"head={head}")(texts[::-1])[::-1]
    assert flat(turned) == flat(known)
    alone = [pipeline_of(f"head={head}")([text])[0] for text in texts]
    assert flat(alone) == flat(known)


def test_threads_find_the_same():
    texts = TEXTS * 3
    known = PIPELINE(texts)
    fresh = pipeline_of()  # nothing is cached yet
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda n: (fresh(texts), n)[0], range(16)):
            assert found == known


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_after_predicting_does_not_wait_for_threads_of_its_parent():
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        known = PIPELINE(TEXTS)
        torch.randn(1_000_000).exp()  # starts the threads
        if (child := os.fork()) == 0:
            signal.alarm(30)
            torch.randn(1_000_000).exp()
            os._exit(0 if flat(PIPELINE(TEXTS)) == flat(known) else 1)
    finally:
        torch.set_num_threads(threads)
    assert os.waitpid(child, 0) == (child, 0)


def test_tasks_of_asyncio_find_the_same():
    async def in_threads():
        return await asyncio.gather(*(asyncio.to_thread(PIPELINE, TEXTS) for _ in range(8)))

    known = PIPELINE(TEXTS)
    assert all(found == known for found in asyncio.run(in_threads()))


def test_predicting_is_repeatable():
    assert PIPELINE(TEXTS) == PIPELINE(TEXTS)
    assert not PIPELINE.decoder.tagger.training


def test_above_removes_improbable_entities():
    (document,) = PIPELINE.documents([TEXTS[0]])
    found = sorted(entity.score for entity in document.entities())
    assert document.above(0.0).entities() == document.entities()
    assert document.above(1.1).entities() == []
    kept = document.above(found[0] + 1e-9).entities()
    assert kept == [entity for entity in document.entities() if entity.score > found[0]]
    assert len(document.entities()) == len(found), "the document itself does not change"


def test_load_reads_a_folder(tmp_path):
    save_config_and_vocabulary(tmp_path, config_of(), PIPELINE.vocabulary)
    save_weights(tmp_path, PIPELINE.decoder.tagger)
    loaded = rnner.load(tmp_path)
    assert isinstance(loaded, rnner.Pipeline)
    assert loaded(TEXTS) == PIPELINE(TEXTS)
    assert loaded.labels == ["LOC", "MISC", "ORG", "PER"]
    assert rnner.load(str(tmp_path), device="auto").labels == loaded.labels


# --- pickling and display ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A model folder."""
    folder = tmp_path / "model"
    save_config_and_vocabulary(folder, config_of(), PIPELINE.vocabulary)
    save_weights(folder, PIPELINE.decoder.tagger)
    return folder


def test_a_pickled_pipeline_needs_no_files(folder):
    loaded = rnner.load(folder)
    data = pickle.dumps(loaded)
    copied = copy.deepcopy(loaded)
    shutil.rmtree(folder)
    for again in (pickle.loads(data), copied, copy.deepcopy(copied)):
        assert again(TEXTS) == PIPELINE(TEXTS)
        assert repr(again) == repr(loaded)
    assert pickle.dumps(copied) == data


def test_the_same_pickle_is_loaded_once(folder):
    data = pickle.dumps(rnner.load(folder))
    assert pickle.loads(data) is pickle.loads(data)


def test_worker_processes_receive_a_pipeline(folder):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(rnner.load(folder), [TEXTS]) == [PIPELINE(TEXTS)]


def test_a_model_that_changed_since_it_was_loaded_is_not_pickled(folder):
    loaded = rnner.load(folder)
    save_weights(folder, pipeline_of(seed=5).decoder.tagger)
    with pytest.raises(ModelError, match="has changed since it was loaded; load it again"):
        pickle.dumps(loaded)
    with pytest.raises(TypeError, match=r"only pipelines returned by rnner\.load can be pickled"):
        pickle.dumps(PIPELINE)


def test_a_pipeline_says_what_it_is(folder):
    text = repr(rnner.load(folder))
    assert text.startswith(f"Pipeline({str(folder)!r}, labels=['LOC', 'MISC', 'ORG', 'PER'], scheme=")
    assert repr(PIPELINE).startswith("Pipeline(labels=")


def test_the_public_names_are_listed():
    assert set(dir(rnner)) >= {"Document", "Entity", "Pipeline", "RnnerError", "load"}
    assert all(getattr(rnner, name) is not None for name in dir(rnner))
    with pytest.raises(AttributeError, match="no attribute 'laod'"):
        _ = rnner.laod


def test_load_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(ModelError, match="model folder not found"):
        rnner.load(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="--code takes a Python file"):
        rnner.load(tmp_path, code=tmp_path / "gone.py")
    with pytest.raises(UsageError, match="--device gpu"):
        rnner.load(tmp_path, device="gpu")


# --- whole documents ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reader():
    """A pipeline whose model uses whole documents."""
    tagger, vocabulary = tagger_with_context()
    return Pipeline(TaggerDecoder(tagger, vocabulary))


def test_each_text_is_one_document(reader):
    sentences = [words for words in words_of(TRAIN) if words[-1] == "."][:3]
    text, other = " ".join(word for words in sentences for word in words), "It rained in Wales ."
    first, second = reader.documents([text, other])
    assert [[token.text for token in tokens] for tokens in first.sentences] == sentences
    expected = reader.tag([*sentences, other.split()], [0, 0, 0, 1])
    found = [[entity.score for entity in first.entities()], [entity.score for entity in second.entities()]]
    assert found[0] == pytest.approx(scores(expected[:3]), abs=1e-5)
    assert found[1] == pytest.approx(scores(expected[3:]), abs=1e-5)
    assert found[0] != pytest.approx(scores(reader.tag(sentences)), abs=1e-4)


def test_readings_use_the_same_document_as_entities(reader):
    (document,) = reader.with_readings(reader.documents(["Harry left London . He saw Egypt ."]), 1)
    sentences = [[token.text for token in tokens] for tokens in document.sentences]
    assert len(sentences) == 2
    reported = [reading.probability for (reading,) in document.readings]
    expected = reader.with_readings(reader.tag_documents(sentences), 1)
    alone = [document.readings[0][0].probability for document in expected]
    assert [[span[:3] for span in spans] for spans in document.spans] == [
        [tuple(span) for span in reading.spans] for (reading,) in document.readings
    ]
    assert reported != pytest.approx(alone, abs=1e-4)


def test_readings_of_tagged_sentences_use_the_same_documents_as_entities(reader):
    sentences, numbers = words_of(TRAIN), [0] * 5 + [1] * 5
    found = reader.with_readings(reader.tag_documents(sentences, numbers), 1, numbers)
    reported = [document.readings[0][0].probability for document in found]
    assert reported == pytest.approx(
        [reading.probability for (reading,) in reader.decoder.readings(sentences, 1, numbers)], abs=1e-5
    )
    assert [[span[:3] for span in document.spans[0]] for document in found] == [
        [tuple(span) for span in document.readings[0][0].spans] for document in found
    ]
    alone = reader.with_readings(reader.tag_documents(sentences), 1)
    assert reported != pytest.approx([document.readings[0][0].probability for document in alone], abs=1e-4)


def test_tag_uses_document_numbers(reader):
    sentences, documents = words_of(TRAIN), [-1, 0, 0, 0, 1, 1, 2, 2, 2, 2]
    expected = reader.tag(sentences, documents)
    found = reader.tag_documents(sentences, documents)
    assert [[e.score for e in document.entities()] for document in found] == [
        [e.score for e in entities] for entities in expected
    ]
    assert scores(reader.tag(sentences[:1])) == pytest.approx(scores(expected[:1]), abs=1e-5)
    assert scores(reader.tag(sentences)) != pytest.approx(scores(expected), abs=1e-4)
