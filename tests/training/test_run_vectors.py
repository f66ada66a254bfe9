"""Runs with word vectors from a file."""

import pytest
import torch

from rnner.data import subwords
from rnner.data.subwords import learn
from rnner.data.vectors import read_vectors
from rnner.errors import DataError, ModelError
from rnner.model.folder import load_model
from rnner.training.run import check_same_config, train
from rnner.training.setup import prepare
from runs import CPU, run, stopped_after
from tiny import corpus_config

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
def test_vectors_of_a_file_are_tuned_or_left_as_they_are(tmp_path, tune):
    vectors = vector_file(tmp_path / "vectors.txt", [*COMMON, "quaffle"])
    config = corpus_config(tmp_path, vectors, f"embeddings.words.tune={tune}", "training.epochs=1")
    job = prepare(config, device=CPU)
    assert job.config.embeddings.words.size == 5, "the file decides"
    assert job.coverage is not None and 0.1 < job.coverage.share < 0.9
    batch = job.vocabulary.encode([["in", "quaffle"]]).to("cpu")
    before = job.tagger.words(batch.words).detach().clone()
    expected = [[(COMMON.index("in") * 7 + j * 3) % 11 / 10 for j in range(5)]]
    torch.testing.assert_close(before[:1], torch.tensor(expected), atol=1e-3, rtol=0)
    list(train(job, tmp_path / "run"))
    after = job.tagger.words(batch.words)
    assert torch.equal(before[0], after[0]) == (tune == "false")
    assert torch.equal(before[1], after[1]), "a word that train lacks is never trained"
    load_model(tmp_path / "run")


@pytest.mark.parametrize(("size", "told"), [(5, 0), (7, 1)])
def test_a_size_that_is_not_that_of_the_file_is_told(tmp_path, size, told):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    config = corpus_config(tmp_path, vectors, f"embeddings.words.size={size}")
    notices = [text for text in prepare(config, device=CPU).notices if "the file decides" in text]
    assert len(notices) == told
    assert all("embeddings.words.size is 7, but" in text and "vectors of 5" in text for text in notices)


def test_vectors_that_are_tuned_one_and_all_can_be_loaded_again(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", ["london", "in", "."])
    options = ("embeddings.words.tune=true", "embeddings.words.compose=false", "training.epochs=1")
    run(tmp_path / "run", corpus_config(tmp_path, vectors, *options))
    assert load_model(tmp_path / "run").tagger.words.vectors is None


def test_vectors_too_large_for_half_precision_stay_finite(tmp_path):
    (tmp_path / "vectors.txt").write_text("in 70000.0 1.0\n. 2.0 1.0\nthe 1.0 1.0\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    assert prepare(config, device=CPU).tagger.words.vectors.max() == 70000


def test_a_vector_of_another_dimension_is_told_with_its_line(tmp_path):
    (tmp_path / "vectors.txt").write_text("the 1 2 3\nin 1 2 3\nof 1 2\n")
    config = corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'vectors.txt'}")
    with pytest.raises(DataError, match=r"vectors\.txt:3: "):
        prepare(config, device=CPU)


def test_vectors_of_another_language_are_refused(tmp_path):
    config = corpus_config(tmp_path, vector_file(tmp_path / "vectors.txt", ["galdur", "dreki", "skóli"]))
    with pytest.raises(DataError, match=r"only 0\.0 % of the training tokens have a vector"):
        prepare(config, device=CPU)


def test_a_missing_vector_file_is_told(tmp_path):
    with pytest.raises(DataError, match=r"glove\.txt"):
        prepare(corpus_config(tmp_path, f"embeddings.words.vectors={tmp_path / 'glove.txt'}"), device=CPU)


def test_a_resumed_run_with_vectors_is_that_of_the_config_as_written(tmp_path):
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


# --- words that the file lacks -----------------------------------------------------------------------------


def test_words_that_the_file_lacks_are_composed_of_n_grams_that_training_leaves_as_they_are(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", [*COMMON, "london", *HOGS])
    config = corpus_config(tmp_path, vectors, "training.epochs=1")
    job = prepare(config, device=CPU)
    read = read_vectors(tmp_path / "vectors.txt")
    n_grams, table = learn(read.words, read.matrix, 100)
    expected = torch.cat([torch.from_numpy(read.matrix), table]).half()
    assert torch.equal(job.tagger.words.vectors, expected)
    assert job.vocabulary.n_grams == n_grams and set(n_grams) == {
        "<ho",
        "hog",
        "ogs",
        "<hog",
        "hogs",
        "<hogs",
    }
    assert job.vocabulary.rows == len(job.vocabulary.words) + len(expected)
    assert "harry" in job.vocabulary.words, "no n-gram of it is known"
    list(train(job, tmp_path / "run"))
    model = load_model(tmp_path / "run")
    assert model.vocabulary == job.vocabulary and torch.equal(model.tagger.words.vectors, expected)
    batch = model.vocabulary.encode([["London-based", "Hogsmeades", "Grindelwald"]]).to("cpu")
    found = model.tagger.features(batch)[:, :5]
    torch.testing.assert_close(found[0], expected[len(COMMON)].float())
    composed = table[:-1].sum(0) / len(n_grams) ** 0.5 + table[-1]  # Hogsmeades has each of them once
    torch.testing.assert_close(found[1], composed, rtol=0, atol=0.01)
    assert torch.equal(found[2], model.tagger.words.weight[1]), "no n-gram of it is known"


@pytest.mark.parametrize("seen", [1, 5])
def test_with_tuned_vectors_others_are_composed_all_the_same(tmp_path, monkeypatch, seen):
    monkeypatch.setattr(subwords, "_SEEN", seen)
    vectors = vector_file(tmp_path / "vectors.txt", ["london", "in", "."])
    options = ("embeddings.words.tune=true", "training.epochs=1")
    run(tmp_path / "run", corpus_config(tmp_path, vectors, *options))
    model = load_model(tmp_path / "run")
    n_grams = model.vocabulary.n_grams
    assert model.vocabulary.vector_words == [] and len(model.tagger.words.vectors) == len(n_grams) + 1
    assert ("lon" in n_grams) == (seen == 1) and (n_grams == []) == (seen == 5)
    pieces = model.vocabulary.features("London-based").pieces
    assert pieces.rows.tolist() == [model.vocabulary.words.index("london")]


def test_without_a_file_or_where_it_is_not_asked_for_nothing_is_composed(tmp_path):
    vectors = vector_file(tmp_path / "vectors.txt", COMMON)
    plain = prepare(corpus_config(tmp_path), device=CPU)
    off = prepare(corpus_config(tmp_path, vectors, "embeddings.words.compose=false"), device=CPU)
    assert plain.tagger.words.vectors is None and len(off.tagger.words.vectors) == len(COMMON)
    for job in (plain, off):
        assert job.vocabulary.n_grams is None and "harry" in job.vocabulary.words
