"""The pipeline: exact offsets for any text, batch and thread."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
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


@pytest.mark.parametrize("text", ["Harry met Ron .", ""])
def test_a_single_text_is_a_type_error_with_advice(text):
    with pytest.raises(TypeError, match=r"takes a list of texts: pipeline\(\[text\]\)"):
        PIPELINE(text)
    with pytest.raises(TypeError, match="takes lists of words"):
        PIPELINE.tag(text)
    with pytest.raises(TypeError, match=r"takes lists of words.*pipeline\(texts\)"):
        PIPELINE.tag([text])
    with pytest.raises(TypeError, match="takes lists of words"):
        PIPELINE.tag([["Harry"], text])


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
