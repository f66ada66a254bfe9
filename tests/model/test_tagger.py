"""The tagger: results do not depend on the batch, tags are legal, and it learns."""

import pytest
import torch

from rnner.data.bags import bags_of_words
from rnner.data.encoded_split import EncodedSplit
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.model.folder import load_model, save_config_and_vocabulary, save_weights
from rnner.nn.cells import cell_names, get_cell
from rnner.scoring.metrics import score
from rnner.tags import TagError, to_spans
from rnner.training.progress import DevResult
from rnner.training.trainer import Trainer
from tiny_corpus import (
    CHARACTERS,
    DEV,
    TRAIN,
    config_of,
    split_of,
    tagger_of,
    tagger_that_composes,
    tagger_with_context,
    vocabulary_of,
    words_of,
)

CELLS = ["rnn", "gru", "gru_reset_after", "lstm", "none"]
SENTENCES = [*words_of(TRAIN), *words_of(DEV), ["Hogwarts"], ["."]]


def emissions(tagger, vocabulary, sentences):
    """Emissions of each sentence, without padding."""
    batch = vocabulary.encode(sentences).to("cpu")
    with torch.no_grad():
        return [row[:length] for row, length in zip(tagger(batch), batch.lengths.tolist(), strict=True)]


def test_the_built_in_cells_are_the_ones_tested():
    assert set(CELLS) == {name for name in cell_names() if get_cell(name).__module__ == "rnner.nn.cells"}


@pytest.mark.parametrize("characters", CHARACTERS)
@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("cell", CELLS)
def test_results_do_not_depend_on_the_batch(cell, head, characters):
    options = (f"encoder.cell={cell}", "encoder.layers=2", f"head={head}", *CHARACTERS[characters])
    tagger, vocabulary = tagger_of(*options)
    alone = [emissions(tagger, vocabulary, [words])[0] for words in SENTENCES]
    together = emissions(tagger, vocabulary, SENTENCES)
    backward = emissions(tagger, vocabulary, SENTENCES[::-1])[::-1]
    for one, two, three in zip(alone, together, backward, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-5)
        torch.testing.assert_close(one, three, rtol=0, atol=1e-5)

    found = [TaggerDecoder(tagger, vocabulary, sentences=n).scored_spans(SENTENCES) for n in (1, 3, 64)]
    shuffled = TaggerDecoder(tagger, vocabulary, sentences=4).scored_spans(SENTENCES[::-1])[::-1]
    assert any(found[0])
    for other in (*found[1:], shuffled):
        assert [[span[:3] for span in spans] for spans in other] == [
            [span[:3] for span in spans] for spans in found[0]
        ]
        scores = [[span.score for spans in run for span in spans] for run in (other, found[0])]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("scheme", ["bioes", "iob1", "iob2", "binary"])
def test_both_heads_decode_only_legal_tags(head, scheme):
    vocabulary = vocabulary_of(scheme=scheme)
    greedy_was_illegal = False
    for seed in range(5):
        tagger, _ = tagger_of(f"head={head}", f"data.scheme={scheme}", vocabulary=vocabulary, seed=seed)
        batch = vocabulary.encode(SENTENCES).to("cpu")
        with torch.no_grad():
            scores = tagger(batch)
            path = tagger.head.decode(scores, batch.lengths)
        for row, greedy, length in zip(path, scores.argmax(-1), batch.lengths.tolist(), strict=True):
            to_spans([vocabulary.tags[tag] for tag in row[:length]], scheme)
            try:
                to_spans([vocabulary.tags[tag] for tag in greedy[:length]], scheme)
            except TagError:
                greedy_was_illegal = True
    assert greedy_was_illegal or scheme == "binary"  # else this test could not fail


@pytest.mark.parametrize(("cell", "head"), [("lstm", "crf"), ("gru", "softmax")])
def test_a_tagger_overfits_ten_sentences_and_survives_reloading(tmp_path, cell, head):
    options = [f"encoder.cell={cell}", f"head={head}", "training.epochs=25", "training.average=null"]
    options += [f"dropout.{part}=0" for part in ("words", "input", "hidden", "output")]
    options += ["training.learning_rate=0.03", "encoder.hidden=16"]
    config, train = config_of(*options), split_of(TRAIN)
    tagger, vocabulary = tagger_of(*options)
    decoder = TaggerDecoder(tagger, vocabulary)
    words, gold = train.sentences()[0], list(train.all_spans())

    def evaluate():
        return DevResult(score(gold, decoder.spans(words), train.lengths.tolist()), 0.0)

    trainer = Trainer(tagger, vocabulary, train, config.training, evaluate)
    losses = [event.loss for event in trainer.fit() if hasattr(event, "dev")]
    assert losses[-1] < 0.1 * losses[0]
    assert decoder.spans(words) == gold

    save_config_and_vocabulary(tmp_path, config, vocabulary)
    save_weights(tmp_path, tagger)
    model = load_model(tmp_path)
    again = TaggerDecoder(model.tagger, model.vocabulary)
    everything = words + words_of(DEV)
    assert again.scored_spans(everything) == decoder.scored_spans(everything)


def test_the_loss_of_a_batch_is_the_mean_over_its_sentences():
    tagger, vocabulary = tagger_of()
    words, tags = split_of(TRAIN).sentences()
    together = tagger.loss(vocabulary.encode(words, tags).to("cpu"))
    alone = [tagger.loss(vocabulary.encode([w], [t]).to("cpu")) for w, t in zip(words, tags, strict=True)]
    torch.testing.assert_close(together, torch.stack(alone).mean())


def test_a_batch_without_tags_has_no_loss():
    tagger, vocabulary = tagger_of()
    with pytest.raises(ValueError, match="needs a batch with tags"):
        tagger.loss(vocabulary.encode(SENTENCES).to("cpu"))


def test_features_of_a_form_are_computed_once():
    tagger, vocabulary = tagger_of()
    seen = []
    tagger.characters.register_forward_hook(lambda module, given, result: seen.append(given[0].shape[0]))
    batch = vocabulary.encode([["London", "London", "London"], ["London", "rained"]]).to("cpu")
    tagger(batch)
    assert seen == [2]


# --- documents and a lexicon -------------------------------------------------------------------------------

DOCUMENTS = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3]  # of the sentences of TRAIN


def test_with_documents_and_a_lexicon_too_results_do_not_depend_on_the_batch():
    tagger, vocabulary = tagger_with_context()
    numbers = [*DOCUMENTS, 2, 0, 4, 2, 5]
    bags = bags_of_words(SENTENCES, numbers, vocabulary.row)

    def emissions_of(places):
        batch = vocabulary.encode([SENTENCES[i] for i in places], bags=[bags[i] for i in places]).to("cpu")
        rows = zip(places, tagger(batch), batch.lengths.tolist(), strict=True)
        return {i: row[:length] for i, row, length in rows}

    everything = range(len(SENTENCES))
    together, backward = emissions_of(everything), emissions_of(everything[::-1])
    for i in everything:
        torch.testing.assert_close(emissions_of([i])[i], together[i], rtol=0, atol=1e-5)
        torch.testing.assert_close(backward[i], together[i], rtol=0, atol=1e-5)


@pytest.mark.parametrize("make", [tagger_of, tagger_that_composes])
def test_training_and_prediction_use_the_same_document(make):
    tagger, vocabulary = make("embeddings.document=true")
    split = split_of(TRAIN, documents=DOCUMENTS)
    (sentences, tags), rows = split.sentences(), [7, 0, 5, 1]
    bags = bags_of_words(sentences, DOCUMENTS, vocabulary.row)
    plain = vocabulary.encode(*[[of[i] for i in rows] for of in (sentences, tags, bags)]).to("cpu")
    batch = EncodedSplit(vocabulary, split, bags=True).batch(rows).to("cpu")
    assert bool(batch.bags.composition.rows.any()) == (make is tagger_that_composes)
    torch.testing.assert_close(vectors_of_documents(tagger, batch), vectors_of_documents(tagger, plain))
    torch.testing.assert_close(tagger.loss(batch), tagger.loss(plain))


@torch.no_grad()
def vectors_of_documents(tagger, batch):
    """Return the document vector of each sentence, [b, w]."""
    seen = []
    with tagger.document.register_forward_hook(lambda module, given, result: seen.append(result)):
        tagger(batch)
    return seen[0][batch.bags.document_of]


def test_a_document_vector_is_the_mean_of_known_and_composed_words():
    tagger, vocabulary = tagger_that_composes("embeddings.document=true")
    sentences = [["London", "3rd", "Hagrid"], ["Bank-London", "?", "Hagrid", "Bank-London"]]
    batch = vocabulary.encode(sentences, bags=bags_of_words(sentences, [0, 0], vocabulary.row)).to("cpu")
    forms = dict.fromkeys([*sentences[0], *sentences[1]])
    vectors = dict(zip(forms, tagger.features(batch)[:, :8], strict=True))
    assert vocabulary.row("3rd") == vocabulary.row("?") == (1, None)
    known = [word for words in sentences for word in words if word not in ("3rd", "?")]
    mean = torch.stack([vectors[word] for word in known]).mean(0)  # the gate starts as the plain mean
    torch.testing.assert_close(vectors_of_documents(tagger, batch), mean.expand(2, -1))


def test_a_document_of_unknown_words_is_zeros_with_finite_gradients():
    tagger, vocabulary = tagger_of("embeddings.document=true")
    unknown, known = ["Nymphadora", "Kreacher"], ["London", "Dumbledore"]
    for sentences in ([unknown], [unknown, known], [known, unknown, unknown]):
        bags = bags_of_words(sentences, range(len(sentences)), vocabulary.row)
        batch = vocabulary.encode(sentences, [["S-PER", "O"]] * len(sentences), bags).to("cpu")
        seen = vectors_of_documents(tagger, batch)
        assert seen.any(dim=1).tolist() == [words is known for words in sentences]
        tagger.zero_grad()
        loss = tagger.loss(batch)
        loss.backward()
        assert loss.isfinite()
        assert all(parameter.grad.isfinite().all() for parameter in tagger.parameters())


def test_with_documents_and_a_lexicon_every_weight_has_a_gradient():
    tagger, vocabulary = tagger_with_context("dropout.words=0")
    encoded = EncodedSplit(vocabulary, split_of(TRAIN, documents=DOCUMENTS), bags=True)
    batch = encoded.batch([7, 0, 5]).to("cpu")
    assert batch.lexicon.any()
    tagger.train().loss(batch).backward()
    for name, parameter in tagger.named_parameters():
        assert parameter.grad is not None and parameter.grad.any(), name


def test_a_tagger_with_documents_refuses_a_batch_without_them():
    tagger, vocabulary = tagger_of("embeddings.document=true")
    with pytest.raises(ValueError, match="uses whole documents"):
        tagger(vocabulary.encode(SENTENCES).to("cpu"))


def test_sizes_with_documents_and_a_lexicon_match():
    tagger, vocabulary = tagger_with_context()
    assert tagger.document.output_size == 8 and vocabulary.lexicon.size == 4 + 2
    assert tagger.encoder.input_size == 8 + 3 + 5 + 8 + 6


# --- words composed of others and of n-grams ---------------------------------------------------------------


def test_a_composed_vector_is_the_weighted_sum_of_its_rows():
    tagger, vocabulary = tagger_that_composes()
    batch = vocabulary.encode([["Hagrid", "London", "London-bank", "?", "1997"]]).to("cpu")
    found = tagger.features(batch)[:, :8]
    for place, form in ((0, "Hagrid"), (2, "London-bank")):
        pieces = vocabulary.features(form).composition
        rows = tagger.words(torch.from_numpy(pieces.rows))
        torch.testing.assert_close(found[place], torch.from_numpy(pieces.weights) @ rows)
    others = [1, 3, 4]
    assert torch.equal(found[others], tagger.words(batch.words[others]))


def test_composed_words_in_documents_do_not_depend_on_the_batch():
    tagger, vocabulary = tagger_that_composes("embeddings.document=true")
    torch.nn.init.normal_(tagger.document.gate.weight, std=3)
    sentences = [*SENTENCES, ["Bellatrix", "Bank-London", "1997"], ["1997"]]
    documents = [*DOCUMENTS, 2, 0, 4, 2, 5, 5, 6]
    found = [
        TaggerDecoder(tagger, vocabulary, sentences=n).scored_spans(sentences, documents) for n in (1, 3, 64)
    ]
    assert any(found[0])
    for other in found[1:]:
        assert [[span[:3] for span in spans] for spans in other] == [
            [span[:3] for span in spans] for spans in found[0]
        ]
        scores = [[span.score for spans in run for span in spans] for run in (other, found[0])]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


def test_composed_words_do_not_depend_on_the_batch():
    tagger, vocabulary = tagger_that_composes()
    sentences = [*SENTENCES, ["London"], ["Bellatrix", "Bank-London", "Bellatrix"]]
    assert all(vocabulary.features(name).composition is not None for name in ("Harry", "Bellatrix"))
    alone = [emissions(tagger, vocabulary, [words])[0] for words in sentences]
    together = emissions(tagger, vocabulary, sentences)
    backward = emissions(tagger, vocabulary, sentences[::-1])[::-1]
    for one, two, three in zip(alone, together, backward, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-5)
        torch.testing.assert_close(one, three, rtol=0, atol=1e-5)
    found = [TaggerDecoder(tagger, vocabulary, sentences=n).spans(sentences) for n in (1, 3, 64)]
    assert any(found[0]) and found[0] == found[1] == found[2]


def test_composed_words_train_their_trained_pieces_but_not_frozen_ones():
    text = "\n".join(["[PER Hermione] ."] * 10)
    tagger, vocabulary = tagger_that_composes("dropout.words=0", text=text)
    before = tagger.words.vectors.clone()
    batch = vocabulary.encode([["Hermione-in-London", "Hagrid"]], [["S-PER", "S-PER"]]).to("cpu")
    tagger.train().loss(batch).backward()
    learnt = tagger.words.weight.grad.any(dim=1).nonzero().flatten().tolist()
    assert learnt == [vocabulary.word_id("Hermione")]
    assert torch.equal(tagger.words.vectors, before)


def test_a_dropped_composed_word_is_the_unknown_word():
    tagger, vocabulary = tagger_that_composes("dropout.words=0.5")
    batch = vocabulary.encode([["Hagrid", "London-bank", "in", "London", "Dobby", "bank"]]).to("cpu")
    composed = (batch.words == 0).nonzero().flatten().tolist()
    assert composed == [0, 1, 4]
    known, unknown = tagger.features(batch)[:, :8], tagger.words.weight[1]
    draws = torch.stack([tagger.train().features(batch)[:, :8] for _ in range(40)])
    dropped, kept = (draws == unknown).all(dim=2), (draws == known).all(dim=2)
    assert (dropped ^ kept).all()
    for form in range(6):
        assert 5 < dropped[:, form].sum() < 35, "each is sometimes dropped and sometimes not"


def test_dropped_composed_words_train_only_the_unknown_word():
    text = "\n".join(["[PER Hermione] ."] * 10)
    tagger, vocabulary = tagger_that_composes("dropout.words=0.99", text=text)
    batch = vocabulary.encode([["Hermione-in-London"]], [["S-PER"]]).to("cpu")
    assert batch.words.tolist() == [0]
    tagger.train().loss(batch).backward()
    assert tagger.words.weight.grad.any(dim=1).nonzero().flatten().tolist() == [1]
