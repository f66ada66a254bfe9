"""What the comparing scripts compute by themselves, and that each does its work from end to end."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rnner.data.corpus import read_split, resolve
from rnner.decoding.decoder import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import UsageError
from tiny import DEV, SMALL, TRAIN, split_of, tagger_with_context, words_of, write_columns

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def load(name):
        spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def crossvalidate(script):
    return script("crossvalidate")


@pytest.mark.parametrize("documents", [[0] * 11, [0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6]])
def test_every_sentence_is_in_one_fold(crossvalidate, documents):
    folds = crossvalidate.draw_folds(np.array(documents), 3, seed=0)
    assert sorted(np.concatenate(folds).tolist()) == list(range(11))
    assert all(np.all(np.diff(fold) > 0) for fold in folds)


def test_a_document_is_not_divided(crossvalidate):
    documents = np.repeat(np.arange(7), [3, 1, 4, 1, 5, 9, 2])
    folds = [set(documents[fold].tolist()) for fold in crossvalidate.draw_folds(documents, 3, seed=0)]
    assert sorted(len(fold) for fold in folds) == [2, 2, 3]
    assert sorted(name for fold in folds for name in fold) == list(range(7))


def test_folds_of_sentences_where_documents_are_too_few(crossvalidate):
    folds = crossvalidate.draw_folds(np.array([0] * 6 + [1] * 5), 3, seed=0)
    assert sorted(map(len, folds)) == [3, 4, 4]


def test_the_seed_draws_the_folds(crossvalidate):
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


def test_documents_that_are_cut_stay_apart_in_the_files_of_a_fold(crossvalidate, tmp_path):
    rows = "\n\n".join(f"-DOCSTART- O\n\n{'a' * i} O\n\n{'b' * i} O" for i in range(1, 4))
    (tmp_path / "corpus.conll").write_text(rows + "\n")
    whole = read_split(tmp_path / "corpus.conll")
    files = crossvalidate.write_fold(tmp_path / "corpus.conll", np.array([0, 2, 4]), len(whole), tmp_path)
    assert [read_split(file).documents.tolist() for file in files] == [[0, 1, 2], [0, 1, 2]]


def test_folds_together_count_entities_not_folds(crossvalidate):
    small = {"support": 1, "predicted": 1, "correct": 1}
    large = {"support": 99, "predicted": 49, "correct": 29}
    told = crossvalidate.together([small, large])
    assert (told["precision"], told["recall"], told["f1"]) == (30 / 50, 30 / 100, 60 / 150)


def test_folds_without_entities_score_nothing(crossvalidate):
    empty = {"support": 0, "predicted": 0, "correct": 0}
    assert crossvalidate.together([empty, empty])["f1"] == 0


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


def test_the_crf_learns(crossvalidate):
    pytest.importorskip("sklearn_crfsuite")
    train = split_of(TRAIN, scheme="iob2")
    assert crossvalidate.crf_scores((train, train))["f1"] == 1
    assert crossvalidate.crf_scores((train, split_of(DEV, scheme="iob2")))["support"] == 5


def test_a_crf_that_is_not_installed_is_told(crossvalidate, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn_crfsuite", None)
    with pytest.raises(UsageError, match="pip install sklearn-crfsuite"):
        crossvalidate.crfsuite()


@pytest.mark.parametrize(
    ("name", "cell", "both"), [("gru", "gru", "false"), ("bigru", "gru", "true"), ("none", "none", "false")]
)
def test_a_cells_name_tells_the_directions(script, name, cell, both):
    told = script("compare_cells").overrides(name)
    assert told == [f"encoder.cell={cell}", f"encoder.bidirectional={both}"]


def test_a_spread_needs_two_values(script):
    spread = script("trainings").spread
    assert (spread([0.5]), spread([0.4, 0.6])) == ("0.5000", "0.5000 ± 0.1414")


def call(name, folder, *arguments):
    """A script's exit code, its table without the rule, what it said beside, its JSON file."""
    config = folder / "small.yaml"
    config.write_text("data: {train: train.conll}\n")
    write_columns(folder / "train.conll", "\n".join([TRAIN] * 4))
    command = [sys.executable, SCRIPTS / f"{name}.py", *arguments, "--config", config, "--json", "told.json"]
    done = subprocess.run(
        [*map(str, command), "--set", *SMALL], cwd=folder, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()]
    return [row for row in rows if set(row) != {"---"}], json.loads((folder / "told.json").read_text())


@pytest.mark.slow
def test_cross_validation_from_end_to_end(tmp_path):
    rows, told = call("crossvalidate", tmp_path, "train.conll", "--folds", "2", "--jobs", "2")
    assert [row[0] for row in rows] == ["fold", "1", "2", "mean ± sd", "all folds together"]
    assert rows[-1][1:3] == ["40", "72"]
    assert told["together"]["rnner"]["support"] == 72 and told["sentences"] == [20, 20]


@pytest.mark.slow
def test_a_comparison_of_cells_goes_on_where_it_was(tmp_path):
    output = tmp_path / "cells"
    arguments = ("--output", output, "--rounds", "1", "--seeds", "1")
    call("compare_cells", tmp_path, *arguments, "--cells", "bigru")
    trained = (output / "bigru-1" / "metrics.json").read_bytes()
    rows, told = call("compare_cells", tmp_path, *arguments, "--cells", "none,bigru")
    assert (output / "bigru-1" / "metrics.json").read_bytes() == trained
    assert [row[0] for row in rows] == ["cell", "none", "bigru"]
    assert told["bigru"]["seeds"] == [1] and told["bigru"]["parameters"] > told["none"]["parameters"]


def test_generated_corpora_have_the_same_words_whatever_their_size(script, tmp_path):
    generate = script("bench_data").generate
    for tokens in (20_000, 60_000):
        generate(tmp_path / f"{tokens}.conll", tokens, seed=tokens)
    small, large = (read_split(tmp_path / f"{tokens}.conll") for tokens in (20_000, 60_000))
    assert abs(large.lengths.sum() / 60_000 - 1) < 0.05
    assert large.labels == small.labels == ["LOC", "MISC", "ORG", "PER"]
    assert len(large.counts) <= script("bench_data").WORDS
    assert len(large.counts.keys() & small.counts.keys()) > 0.8 * len(small.counts)


@pytest.mark.slow
def test_reading_and_memory_are_measured_from_end_to_end(tmp_path):
    corpus = write_columns(tmp_path / "train.conll", "\n".join([TRAIN] * 4))
    told = tmp_path / "told.json"
    command = [sys.executable, SCRIPTS / "bench_data.py", corpus, "--tokens", "3000", "--json", told]
    command += ["--memory-tokens", "300000", "--folder", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    rows = json.loads(told.read_text())
    kinds = [row.get("reading") or row["memory"] for row in rows]
    assert kinds == ["cold", "warm", "plain", "plain", "context", "context"]
    assert all(row["tokens"] >= 3000 for row in rows)
    assert {path.name for path in tmp_path.iterdir()} == {"train.conll", "told.json"}


@pytest.fixture
def compare_backends(script):
    return script("compare_backends")


def test_the_backends_are_compared_from_end_to_end(compare_backends, whole, tmp_path, monkeypatch, capsys):
    corpus = write_columns(tmp_path / "some.conll", TRAIN)
    arguments = ["compare_backends.py", str(whole[1]), str(corpus), "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    with pytest.raises(SystemExit) as left:
        compare_backends.main()
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert "some.conll: 10 sentences, " in told and " 0 sentences differ" in told
    assert all(f"{name} " in told for name in ("torch", "onnx"))


def test_backends_that_differ_are_told_apart_from_ties(compare_backends):
    sentences, documents = words_of(TRAIN), [0] * 5 + [-1] * 5
    tagger, vocabulary = tagger_with_context()
    decoder, context = TaggerDecoder(tagger, vocabulary), (sentences, documents)
    expected = decoder.scored_spans(*context)
    place = next(i for i, spans in enumerate(expected) if spans)
    best, second = decoder.readings(sentences, 2, documents)[place]

    class Other:
        def scored_spans(self, *_):
            others = [ScoredSpan(*span, 0.5) for span in second.spans]
            return [others if i == place else spans for i, spans in enumerate(expected)]

    found = compare_backends.compare(decoder, Other(), *context)
    (difference,) = found.differences
    apart = np.log(best.probability) - np.log(second.probability)
    assert difference.apart == pytest.approx(apart, abs=1e-4) and difference.words == sentences[place]
    assert str(difference).startswith("  NO TIE") and "differ, 0 of them ties" in str(found)
    assert compare_backends.compare(decoder, decoder, *context).differences == []


# --- bench_prediction --------------------------------------------------------------------------------------


def test_a_large_text_is_of_the_size_and_of_the_words_that_are_asked_for(script, tmp_path):
    bench = script("bench_prediction")
    corpus = bench.read([str(write_columns(tmp_path / "corpus.conll", TRAIN))])
    assert corpus.texts[
        0
    ] == "Harry Potter and Hermione Granger invented a new spell." and corpus.tokens == sum(
        map(len, corpus.words)
    )
    bench.write_large(tmp_path / "large.txt", corpus, 20_000)
    text = (tmp_path / "large.txt").read_text()
    assert 20_000 <= len(text.encode()) < 22_000 and text.count("\n\n") > 20
    assert len(set(text.split())) > 100, "some words are new"


def test_passes_take_turns_and_medians_count(script):
    bench, told = script("bench_prediction"), []
    seconds = {"one": iter([1.0, 4.0, 2.0]), "other": iter([8.0, 8.0, 1.0])}
    passes = {name: lambda name=name: told.append(name) or next(seconds[name]) for name in seconds}
    assert bench.speeds(passes, 80, 3) == {"one": 40.0, "other": 10.0}
    assert told == ["one", "other"] * 3
