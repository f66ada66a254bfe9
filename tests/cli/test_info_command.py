"""`rnner info`: versions, and the description of a model."""

import torch

from rnner import __version__


def rows(out):
    """Return the table before the first blank line."""
    return dict(line.split(None, 1) for line in out.partition("\n\n")[0].splitlines())


def test_versions_and_cells(rnner):
    outcome = rnner("info")
    table = rows(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert table["rnner"] == __version__
    assert table["torch"] == torch.__version__
    assert {"rnn", "gru", "gru_reset_after", "lstm", "none"} <= set(table["cells"].split(", "))


def test_a_model_with_its_labels_size_and_layers(rnner, trained):
    outcome = rnner("info", "--model", trained)
    table = rows(outcome.out)
    assert table["labels"] == "LOC, ORG, PER"
    assert table["scheme"] == "bioes"
    assert int(table["weights"].replace(",", "")) > 1000
    layers = outcome.out.partition("\n\n")[2]
    assert "GRU" in layers
    assert "CRFHead" in layers
