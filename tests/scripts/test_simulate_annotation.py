"""scripts/simulate_annotation.py: rounds of annotation on the tiny corpus."""

import json
import sys

import pytest

from overfit_corpus import write_corpus


@pytest.fixture
def simulate(script, tmp_path, monkeypatch):
    """Run the script with two short rounds."""
    module = script("simulate_annotation")
    write_corpus(tmp_path)
    monkeypatch.setattr(module, "ROUNDS", {"uncertain": (3, 8), "random": (3, 8)})
    monkeypatch.setattr(module, "_EPOCHS", 1)
    monkeypatch.setattr(module, "_STEPS", 1)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["simulate_annotation.py", *map(str, arguments)])
        module.main()

    return call


def test_both_orders_start_equal_and_the_curves_can_be_drawn_again(simulate, tmp_path, capsys):
    curves, picture = tmp_path / "curves.json", tmp_path / "new" / "curves.png"
    simulate("--wnut17", tmp_path, "--seeds", 1, "--json", curves)
    table = capsys.readouterr().out
    found = {curve["order"]: curve["points"] for curve in json.loads(curves.read_text())}
    assert found["uncertain"][0] == found["random"][0]
    assert [point[0] for point in found["uncertain"]] == [3, 8]
    assert all(first[1:3] <= last[1:3] for first, last in found.values())  # words and entities
    simulate("--draw", curves, "--picture", picture)
    assert capsys.readouterr().out == table
    assert picture.read_bytes().startswith(b"\x89PNG") and picture.stat().st_size < 80_000
