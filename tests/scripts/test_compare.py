"""Tests for compare_cells.py and compare_backends.py."""

import sys

import numpy as np
import pytest

from rnner.decoding.spans import ScoredSpan
from rnner.decoding.tagger_decoder import TaggerDecoder
from tiny_corpus import TRAIN, tagger_with_context, words_of, write_columns


@pytest.fixture
def compare_backends(script):
    return script("compare_backends")


@pytest.mark.parametrize(
    ("name", "cell", "both"), [("gru", "gru", "false"), ("bigru", "gru", "true"), ("none", "none", "false")]
)
def test_a_cell_name_sets_the_direction(script, name, cell, both):
    assert script("compare_cells").overrides(name) == [
        f"encoder.cell={cell}",
        f"encoder.bidirectional={both}",
    ]


@pytest.mark.slow
def test_compare_cells_resumes(run_script, tmp_path):
    output = tmp_path / "cells"
    arguments = ("--output", output, "--rounds", "1", "--seeds", "1")
    run_script("compare_cells", *arguments, "--cells", "bigru")
    trained = (output / "bigru-1" / "metrics.json").read_bytes()
    rows, result = run_script("compare_cells", *arguments, "--cells", "none,bigru")
    assert (output / "bigru-1" / "metrics.json").read_bytes() == trained
    assert [row[0] for row in rows] == ["cell", "none", "bigru"]
    assert result["bigru"]["seeds"] == [1]
    assert result["bigru"]["parameters"] > result["none"]["parameters"]


def test_compare_backends_end_to_end(compare_backends, finished_run, tmp_path, monkeypatch, capsys):
    corpus = write_columns(tmp_path / "some.conll", TRAIN)
    arguments = ["compare_backends.py", str(finished_run[1]), str(corpus), "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr("torch.set_num_threads", lambda _: None)
    with pytest.raises(SystemExit) as stopped:
        compare_backends.main()
    output = capsys.readouterr().out
    assert stopped.value.code == 0
    assert "some.conll: 10 sentences, " in output and " 0 sentences differ" in output
    assert all(f"{name} " in output for name in ("torch", "onnx"))


def test_differences_are_distinguished_from_ties(compare_backends):
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

    comparison = compare_backends.compare(decoder, Other(), *context)
    (difference,) = comparison.differences
    apart = np.log(best.probability) - np.log(second.probability)
    assert difference.apart == pytest.approx(apart, abs=1e-4) and difference.words == sentences[place]
    assert str(difference).startswith("  NO TIE") and "differ, 0 of them ties" in str(comparison)
    assert compare_backends.compare(decoder, decoder, *context).differences == []
