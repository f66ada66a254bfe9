"""Tests for the benchmarks: generated texts and corpora, timing in turns."""

import json
import subprocess
import sys

import pytest

from rnner.data.corpus import read_split
from tiny_corpus import TRAIN, write_columns


def test_a_standard_deviation_needs_two_values(script):
    summary = script("common").mean_and_deviation
    assert (summary([0.5]), summary([0.4, 0.6])) == ("0.5000", "0.5000 ± 0.1414")


def test_generated_corpora_of_all_sizes_have_the_same_words(script, tmp_path):
    generate = script("bench_data").generate
    for tokens in (20_000, 60_000):
        generate(tmp_path / f"{tokens}.conll", tokens, seed=tokens)
    small, large = (read_split(tmp_path / f"{tokens}.conll") for tokens in (20_000, 60_000))
    assert abs(large.lengths.sum() / 60_000 - 1) < 0.05
    assert large.labels == small.labels == ["LOC", "MISC", "ORG", "PER"]
    assert len(large.counts) <= script("bench_data").WORDS
    assert len(large.counts.keys() & small.counts.keys()) > 0.8 * len(small.counts)


@pytest.mark.slow
def test_bench_data_end_to_end(script, tmp_path):
    corpus = write_columns(tmp_path / "train.conll", "\n".join([TRAIN] * 4))
    output, path = tmp_path / "result.json", script("bench_data").__file__
    command = [sys.executable, path, corpus, "--tokens", "3000", "--json", output]
    command += ["--memory-tokens", "300000", "--folder", tmp_path]
    subprocess.run(command, check=True, capture_output=True)
    rows = json.loads(output.read_text())
    kinds = [row.get("reading") or row["memory"] for row in rows]
    assert kinds == ["cold", "warm", "plain", "plain", "context", "context"]
    assert all(row["tokens"] >= 3000 for row in rows)
    assert {path.name for path in tmp_path.iterdir()} == {"train.conll", "result.json"}


def test_a_large_text_has_the_requested_size_and_new_words(script, tmp_path):
    bench = script("bench_prediction")
    corpus = bench.read([str(write_columns(tmp_path / "corpus.conll", TRAIN))])
    assert corpus.texts[0] == "Harry Potter and Hermione Granger invented a new spell."
    assert corpus.tokens == sum(map(len, corpus.words))
    bench.write_large(tmp_path / "large.txt", corpus, 20_000)
    text = (tmp_path / "large.txt").read_text()
    assert 20_000 <= len(text.encode()) < 22_000 and text.count("\n\n") > 20
    assert len(set(text.split())) > 100, "some words are new"


def test_tasks_take_turns_and_medians_count(script):
    calls = []
    seconds = {"one": iter([9.0, 1.0, 4.0, 2.0]), "other": iter([9.0, 8.0, 8.0, 1.0])}
    tasks = {name: lambda name=name: calls.append(name) or next(seconds[name]) for name in seconds}
    assert script("timing").median_speeds(tasks, 80, 3, warm_up=1) == {"one": 40.0, "other": 10.0}
    assert calls == ["one", "other"] * 4


@pytest.mark.slow
def test_bench_serve_end_to_end(script, trained, tmp_path):
    corpus = write_columns(tmp_path / "train.conll", "\n".join([TRAIN] * 4))
    output, path = tmp_path / "result.json", script("bench_serve").__file__
    command = [sys.executable, path, trained, corpus, "--clients", "4", "--seconds", "2", "--rounds", "1"]
    subprocess.run([*command, "--json", output], check=True, capture_output=True)
    figures = json.loads(output.read_text())
    assert figures["load"]["undocumented"] == {}
    assert figures["load"]["statuses"]["200"] > 10
    assert figures["batches"]["different"] == 0
    assert figures["batches"]["share"] > 0
