"""Tests for crossvalidate.py and crf_features.py: folds, the CRF, and a whole run."""

import sys

import numpy as np
import pytest

from rnner.data.corpus import read_split, resolve
from rnner.errors import UsageError
from tiny_corpus import DEV, TRAIN, split_of


@pytest.fixture
def crossvalidate(script):
    return script("crossvalidate")


@pytest.mark.parametrize("documents", [[0] * 11, [0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6]])
def test_every_sentence_is_in_one_fold(crossvalidate, documents):
    folds = crossvalidate.draw_folds(np.array(documents), 3, seed=0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(11))
    assert all(np.all(np.diff(fold) > 0) for fold in folds)


def test_documents_are_kept_whole(crossvalidate):
    documents = np.repeat(np.arange(7), [3, 1, 4, 1, 5, 9, 2])
    folds = [set(documents[fold].tolist()) for fold in crossvalidate.draw_folds(documents, 3, seed=0)]
    assert sorted(len(fold) for fold in folds) == [2, 2, 3]
    assert sorted(name for fold in folds for name in fold) == list(range(7))


def test_sentences_are_drawn_if_there_are_too_few_documents(crossvalidate):
    folds = crossvalidate.draw_folds(np.array([0] * 6 + [1] * 5), 3, seed=0)
    assert sorted(map(len, folds)) == [3, 4, 4]


def test_the_seed_decides_the_folds(crossvalidate):
    documents = np.zeros(50, dtype=np.int64)
    one, same, other = (crossvalidate.draw_folds(documents, 5, seed)[0].tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_more_folds_than_sentences_is_an_error(crossvalidate):
    with pytest.raises(UsageError, match="--folds 4: the corpus has only 3 sentences"):
        crossvalidate.draw_folds(np.zeros(3, dtype=np.int64), 4, seed=0)


def test_the_files_of_a_fold_hold_its_sentences(crossvalidate, tmp_path):
    source = resolve("sample:dev")
    whole = read_split(source)
    fold = crossvalidate.draw_folds(whole.documents, 3, seed=0)[1]
    train, test = map(read_split, crossvalidate.write_fold(source, fold, len(whole), tmp_path))
    assert test.sentences() == whole.select(fold).sentences()
    assert len(train) + len(test) == len(whole)
    assert len(np.unique(test.documents)) == len(np.unique(whole.documents[fold]))


def test_split_documents_stay_separate_in_the_files_of_a_fold(crossvalidate, tmp_path):
    rows = "\n\n".join(f"-DOCSTART- O\n\n{'a' * i} O\n\n{'b' * i} O" for i in range(1, 4))
    (tmp_path / "corpus.conll").write_text(rows + "\n")
    whole = read_split(tmp_path / "corpus.conll")
    files = crossvalidate.write_fold(tmp_path / "corpus.conll", np.array([0, 2, 4]), len(whole), tmp_path)
    assert [read_split(file).documents.tolist() for file in files] == [[0, 1, 2], [0, 1, 2]]


def test_pooled_figures_count_entities_not_folds(crossvalidate):
    small = {"support": 1, "predicted": 1, "correct": 1}
    large = {"support": 99, "predicted": 49, "correct": 29}
    pooled = crossvalidate.pooled_figures([small, large])
    assert (pooled["precision"], pooled["recall"], pooled["f1"]) == (30 / 50, 30 / 100, 60 / 150)


def test_folds_without_entities_score_zero(crossvalidate):
    empty = {"support": 0, "predicted": 0, "correct": 0}
    assert crossvalidate.pooled_figures([empty, empty])["f1"] == 0


@pytest.mark.parametrize(
    ("word", "shape"), [("Paris", "Xx"), ("F-16", "X-d"), ("...", "."), ("iPhone4S", "xXxdX"), ("東京", "x")]
)
def test_the_shape_of_a_word(script, word, shape):
    assert script("crf_features").shape(word) == shape


def test_the_crf_sees_a_word_and_its_neighbours(script):
    first, last = script("crf_features").features(["Ada", "slept"])
    assert (first["lower"], first["+1:lower"], first["+1:suffix3"]) == ("ada", "slept", "ept")
    assert (last["lower"], last["-1:prefix3"], last["-1:title"]) == ("slept", "Ada", True)
    assert first["BOS"] and "EOS" not in first and last["EOS"] and "BOS" not in last


def test_the_crf_fits_its_training_data(crossvalidate):
    pytest.importorskip("sklearn_crfsuite")
    train = split_of(TRAIN, scheme="iob2")
    assert crossvalidate.crf_scores((train, train))["f1"] == 1
    assert crossvalidate.crf_scores((train, split_of(DEV, scheme="iob2")))["support"] == 5


def test_a_missing_crf_package_is_an_error(crossvalidate, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn_crfsuite", None)
    with pytest.raises(UsageError, match="pip install sklearn-crfsuite"):
        crossvalidate.crfsuite()


@pytest.mark.slow
def test_crossvalidate_end_to_end(run_script):
    rows, result = run_script("crossvalidate", "train.conll", "--folds", "2", "--jobs", "2")
    assert [row[0] for row in rows] == ["fold", "1", "2", "mean ± sd", "all folds together"]
    assert rows[-1][1:3] == ["40", "72"]
    assert result["together"]["rnner"]["support"] == 72 and result["sentences"] == [20, 20]
