"""The spaCy component: entities on spaCy's tokens, and a model that is saved with the pipeline."""

import copy
import pickle

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

import rnner
from rnner.errors import ModelError

TEXT = (
    "Ada Lovelace wrote to Charles Babbage. Nobody in Paris had heard of it.\n\nRain fell on Philadelphia. "
)
NAMES = [("Ada Lovelace", "PER"), ("Charles Babbage", "PER"), ("Paris", "LOC"), ("Philadelphia", "LOC")]


def pipeline_of(model, *before, **config):
    nlp = spacy.blank("en")
    for name in before:
        nlp.add_pipe(name)
    nlp.add_pipe("rnner", config={"model": str(model), **config})
    return nlp


@pytest.fixture(scope="module")
def nlp(trained):
    return pipeline_of(trained)


def names(doc):
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_spacy_finds_the_factory(nlp):
    assert "rnner" in spacy.blank("de").factory_names
    assert nlp.analyze_pipes()["summary"]["rnner"]["assigns"][0] == "doc.ents"


@pytest.mark.parametrize("form", ["trained", "exported"])
def test_entities_and_probabilities_are_set(request, form):
    model = request.getfixturevalue(form)
    doc = pipeline_of(model)(TEXT)
    found = rnner.load(model)([TEXT])[0]
    assert names(doc) == NAMES == [(entity.text, entity.label) for entity in found]
    assert [(ent.start_char, ent.end_char) for ent in doc.ents] == [(e.start, e.end) for e in found]
    assert [ent._.rnner_score for ent in doc.ents] == pytest.approx([e.score for e in found], abs=1e-5)
    assert doc[0].ent_iob_ == "B" and doc[2].ent_iob_ == "O"


def test_a_stream_is_tagged_in_batches_and_in_order(nlp, monkeypatch):
    texts = ["", "  \n", *TEXT.split(". "), TEXT]
    asked = []
    tag = nlp.get_pipe("rnner").pipeline.tag
    monkeypatch.setattr(nlp.get_pipe("rnner").pipeline, "tag", lambda *a: asked.append(a) or tag(*a))
    docs = list(nlp.pipe(texts, batch_size=4))
    assert len(asked) == 2 and asked[0][1] == [2, 3, 3], "sentences know their document"
    assert [doc.text for doc in docs] == texts
    assert [names(doc) for doc in docs] == [names(nlp(text)) for text in texts]


def sentences_of(nlp, text):
    asked = []
    finder = nlp.get_pipe("rnner")
    finder.pipeline.decoder, decoder = Recorder(finder.pipeline.decoder, asked), finder.pipeline.decoder
    nlp(text)
    finder.pipeline.decoder = decoder
    return asked


class Recorder:
    """A decoder that records its sentences."""

    def __init__(self, decoder, asked):
        self._decoder, self._asked = decoder, asked

    def scored_spans(self, sentences, documents):
        self._asked += sentences
        return self._decoder.scored_spans(sentences, documents)


def test_sentences_come_from_the_pipeline_or_rnner(nlp, trained):
    text = "Nobody slept... in Paris; it\n\nrained. "
    own = [["Nobody", "slept", "...", "in", "Paris", ";", "it"], ["rained", "."]]
    assert sentences_of(nlp, text) == own
    with_senter = pipeline_of(trained, "sentencizer")
    with_senter.get_pipe("sentencizer").punct_chars = {";"}
    assert sentences_of(with_senter, text) == [own[0][:6], ["it", "rained", "."]]


def test_an_entity_may_span_white_space(nlp):
    doc = Doc(nlp.vocab, ["Ada", " ", "Lovelace", "slept", "."], [True, False, True, False, False])
    assert [(ent.start, ent.end) for ent in nlp.get_pipe("rnner")(doc).ents] == [(0, 3)]


@pytest.mark.parametrize(
    ("overwrite", "kept"), [(False, ["Lovelace wrote", "had"]), (True, ["Ada Lovelace", "had"])]
)
def test_existing_entities_are_kept_or_replaced(trained, overwrite, kept):
    nlp = pipeline_of(trained, overwrite=overwrite)
    doc = nlp.make_doc(TEXT)
    doc.ents = [Span(doc, 1, 3, label="X"), Span(doc, 10, 11, label="Y")]
    assert [ent.text for ent in nlp(doc).ents] == [
        kept[0],
        "Charles Babbage",
        "Paris",
        kept[1],
        "Philadelphia",
    ]


def test_a_saved_pipeline_contains_its_model(nlp, trained, exported, tmp_path):
    for model in (exported, trained):  # into the same folder
        pipeline_of(model).to_disk(tmp_path / "saved")
        nothing = {"components.rnner.model": "gone"}
        loaded = spacy.load(tmp_path / "saved", config=nothing)
        assert names(loaded(TEXT)) == NAMES
        assert loaded.pipe_labels["rnner"] == ["LOC", "ORG", "PER"]
        loaded.to_disk(tmp_path / "saved")  # into its own folder
        assert names(spacy.load(tmp_path / "saved", config=nothing)(TEXT)) == NAMES
    assert not (tmp_path / "saved" / "rnner" / "model.onnx").exists()


def test_bytes_and_copies_contain_the_model(nlp):
    other = spacy.blank("en")
    other.add_pipe("rnner", config={"model": "gone"})
    other.from_bytes(nlp.to_bytes())
    assert names(other(TEXT)) == NAMES
    finder = other.get_pipe("rnner")
    for again in (copy.deepcopy(finder), pickle.loads(pickle.dumps(nlp.get_pipe("rnner")))):
        assert names(again(nlp.make_doc(TEXT))) == NAMES
    with pytest.raises(ModelError, match=r"are not an rnner model; component\.to_bytes\(\)"):
        finder.from_bytes(b"\x81\xa4evil\xc4\x00")


def test_spacy_can_score_it(nlp):
    gold = nlp.make_doc(TEXT)
    gold.ents = [Span(gold, 0, 2, label="PER")]
    scores = nlp.evaluate([Example(nlp.make_doc(TEXT), gold)])
    assert (scores["ents_p"], scores["ents_r"]) == (0.25, 1.0)


def test_errors_go_through_spacys_error_handler(trained):
    nlp = pipeline_of("gone")
    with pytest.raises(ModelError, match="gone: model folder not found"):
        nlp(TEXT)
    left_out = []
    nlp.set_error_handler(
        lambda name, finder, docs, error: left_out.append((name, len(docs), str(error)[:5]))
    )
    assert list(nlp.pipe([TEXT, TEXT])) == [] and left_out == [("rnner", 2, "gone:")]
    with pytest.raises(ValueError, match="model"):
        pipeline_of(trained, overwrite="perhaps")
