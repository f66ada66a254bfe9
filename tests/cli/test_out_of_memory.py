"""The message when memory runs out."""

import sys

import pytest

from rnner.cli.console import report_error
from rnner.cli.out_of_memory import describe, is_out_of_memory


def test_it_names_the_largest_file_and_gives_advice_for_the_command(tmp_path):
    (tmp_path / "small.yaml").write_text("a")
    (tmp_path / "large.txt").write_text("aaa")
    arguments = ["predict", "--file", str(tmp_path / "large.txt"), str(tmp_path / "small.yaml")]
    advice = "lower --batch and --window, or split long texts and records"
    assert describe(arguments) == f"{tmp_path / 'large.txt'}: out of memory: {advice}"
    assert describe(["train", "--config", "none.yaml"]).startswith(
        "out of memory: lower training.batch_tokens"
    )
    assert "whole file" in describe(["data", "check", str(tmp_path / "large.txt")])
    assert describe([]).startswith("out of memory: close other programs")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("shape mismatch"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_libraries_have_their_own_ways_to_say_it(error, expected):
    assert is_out_of_memory(error) is expected


def test_it_is_reported_as_an_error(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["rnner", "train"])
    assert report_error(MemoryError()) == 1
    assert capsys.readouterr().err.startswith("error: out of memory: lower training.batch_tokens")
