"""Training runs with word vectors from a file."""

import pytest
import torch

from rnner.data import subwords
from rnner.data.subwords import learn_n_grams
from rnner.data.vectors import read_vectors
from rnner.errors import DataError, ModelError
from rnner.model.folder import load_model
from rnner.training.run import check_same_config, run_training
from rnner.training.setup import prepare_training
from run_helpers import CPU, run, stopped_after
from tiny_corpus import corpus_config

HOGS = ["hogsmeade", "hogsback", "hogshead", "hogsmill", "hogsty"]  # enough to learn n-grams from
COMMON = ["the", "in", "a", "to", "and", ".", "is", "he", "she", "met", "it", "they"]


def vector_file(path, words, size=5):
    rows = [
        f"{word} " + " ".join(f"{(i * 7 + j * 3) % 11 / 10}" for j in range(size))
        for i, word in enumerate(words)
    ]
    path.write_text("\n".join(rows) + "\n")
    return f"embeddings.words.vectors={path}"


@pytest.mark.parametrize("tune", ["true", "false"])
def test_vectors_are_tuned_or_frozen(tmp_path, tune):
    vectors = vector_file(tmp_path / "vectors.txt", [*COMMON, "quaffle"])
    config = corpus_config(tmp_path, vectors, f"embeddings.words.tune={tune}", "training.epochs=1")
    setup = prepare_training(config, device=CPU)
    assert setup.config.embeddings.words.size == 5, "the file decides"
    assert setup.coverage is not None and 0.1 < setup.coverage.share < 0.9
    batch = setup.vocabulary.encode([["in", "quaffle"]]).to("cpu")
    before = setup.tagger.words(batch.words).detach().clone()
    expected = [[(COMMON.index("in") * 7 + j * 3) % 11 / 10 for j in range(5)]]
    torch.testing.assert_close(before[:1], torch.tensor(expected), atol=1e-3, rtol=0)
    list(run_training(setup, tmp_path / "run"))
    after = setup.tagger.words(batch.words)
    assert torch.equal(before[0], after[0]) == (tune == "false")
    assert torch.equal(before[1], after[1]), "a word that train lacks is never trained"
    load_model(tmp_path / "run")


@pytest.mark.parametrize(("size", "count"), [(5, 0), (7, 1)])
def test_a_size_other_than_the_file_s_gives_a_notice(tmp_path, size, count):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    config = corpus_config(tmp_path, vectors, f"embeddings.words.size={size}")
    notices = [
        text for text in prepare_training(config, device=CPU).notices if "the file's size is used" in text
    ]
    assert len(notices) == count
    assert all("embeddings.words.size is 7, but" in text and "vectors of size 5" in text for text in notices)


def test_a_model_with_only_tuned_vectors_can_be_loaded(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", ["london", "in", "."])
    options = ("embeddings.words.tune=true", "embeddings.words.compose=false", "training.epochs=1")
    run(tmp_path / "run", corpus_config(tmp_path, vectors, *options))
    assert load_model(tmp_path / "run").tagger.words.vectors is None


def test_vectors_too_large_for_half_precision_stay_finite(tmp_path):
    (tmp_path / "vectors.txt").write_text("in 70000.0 1.0\n. 2.0 1.0\nthe 1.0 1.0\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    assert prepare_training(config, device=CPU).tagger.words.vectors.max() == 70000


def test_a_vector_of_another_dimension_is_reported_with_its_line(tmp_path):
    (tmp_path / "vectors.txt").write_text("the 1 2 3\nin 1 2 3\nof 1 2\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    with pytest.raises(DataError, match=r"vectors\.txt:3: "):
        prepare_training(config, device=CPU)


def test_vectors_of_another_language_are_refused(tmp_path):
    config = corpus_config(tmp_path, vector_file(tmp_path / "vectors.txt", ["galdur", "dreki", "skóli"]))
    with pytest.raises(DataError, match=r"only 0\.0 % of the training tokens have a vector"):
        prepare_training(config, device=CPU)


def test_a_missing_vector_file_is_reported(tmp_path):
    with pytest.raises(DataError, match=r"glove\.txt"):
        prepare_training(
            corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'glove.txt'}"), device=CPU
        )


def test_a_run_with_vectors_is_resumed_only_with_the_same_vectors(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    config = corpus_config(tmp_path, vectors)
    stopped_after(tmp_path / "run", config, 2)
    check_same_config(tmp_path / "run", config)
    run(tmp_path / "run", config, resume=True)
    vector_file(tmp_path / "vectors.txt", COMMON[::-1])
    stopped_after(tmp_path / "other", config, 2)
    vector_file(tmp_path / "vectors.txt", COMMON)
    with pytest.raises(ModelError, match="other data"):
        run(tmp_path / "other", config, resume=True)


# --- words without a vector --------------------------------------------------------------------------------


def test_words_without_a_vector_are_composed_of_frozen_n_grams(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", [*COMMON, "london", *HOGS])
    config = corpus_config(tmp_path, vectors, "training.epochs=1")
    setup = prepare_training(config, device=CPU)
    read = read_vectors(tmp_path / "vectors.txt")
    n_grams, table = learn_n_grams(read.words, read.matrix, 100)
    expected = torch.cat([torch.from_numpy(read.matrix), table]).half()
    assert torch.equal(setup.tagger.words.vectors, expected)
    assert setup.vocabulary.n_grams == n_grams and set(n_grams) == {
        "<ho",
        "hog",
        "ogs",
        "<hog",
        "hogs",
        "<hogs",
    }
    assert setup.vocabulary.rows == len(setup.vocabulary.words) + len(expected)
    assert "harry" in setup.vocabulary.words, "no n-gram of it is known"
    list(run_training(setup, tmp_path / "run"))
    model = load_model(tmp_path / "run")
    assert model.vocabulary == setup.vocabulary and torch.equal(model.tagger.words.vectors, expected)
    batch = model.vocabulary.encode([["London-based", "Hogsmeades", "Grindelwald"]]).to("cpu")
    found = model.tagger.features(batch)[:, :5]
    torch.testing.assert_close(found[0], expected[len(COMMON)].float())
    composed = table[:-1].sum(0) / len(n_grams) ** 0.5 + table[-1]  # Hogsmeades has each of them once
    torch.testing.assert_close(found[1], composed, rtol=0, atol=0.01)
    assert torch.equal(found[2], model.tagger.words.weight[1]), "no n-gram of it is known"


@pytest.mark.parametrize("seen", [1, 5])
def test_words_are_composed_also_with_tuned_vectors(tmp_path, monkeypatch, seen):
    monkeypatch.setattr(subwords, "_MIN_COUNT", seen)
    vectors = vector_file(tmp_path / "vectors.txt", ["london", "in", "."])
    options = ("embeddings.words.tune=true", "training.epochs=1")
    run(tmp_path / "run", corpus_config(tmp_path, vectors, *options))
    model = load_model(tmp_path / "run")
    n_grams = model.vocabulary.n_grams
    assert model.vocabulary.vector_words == [] and len(model.tagger.words.vectors) == len(n_grams) + 1
    assert ("lon" in n_grams) == (seen == 1) and (n_grams == []) == (seen == 5)
    pieces = model.vocabulary.features("London-based").composition
    assert pieces.rows.tolist() == [model.vocabulary.words.index("london")]


def test_without_vectors_or_with_compose_off_nothing_is_composed(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    plain = prepare_training(corpus_config(tmp_path), device=CPU)
    off = prepare_training(corpus_config(tmp_path, vectors, "embeddings.words.compose=false"), device=CPU)
    assert plain.tagger.words.vectors is None and len(off.tagger.words.vectors) == len(COMMON)
    for setup in (plain, off):
        assert setup.vocabulary.n_grams is None and "harry" in setup.vocabulary.words
