"""`rnner info`: versions, and the description of a model."""

import torch

from rnner import __version__


def rows(out):
    """Return the table before the first blank line."""
    return dict(line.split(None, 1) for line in out.partition("\n\n")[0].splitlines())


def test_versions_and_cells(rnner):
    outcome = rnner("info")
    told = rows(outcome.out)
    assert (outcome.code, outcome.err) == (0, "")
    assert told["rnner"] == __version__
    assert told["torch"] == torch.__version__
    assert {"rnn", "gru", "gru_reset_after", "lstm", "none"} <= set(told["cells"].split(", "))


def test_a_model_with_its_labels_size_and_layers(rnner, trained):
    outcome = rnner("info", "--model", trained)
    told = rows(outcome.out)
    assert told["labels"] == "LOC, ORG, PER"
    assert told["scheme"] == "bioes"
    assert int(told["weights"].replace(",", "")) > 1000
    layers = outcome.out.partition("\n\n")[2]
    assert "GRU" in layers
    assert "CRFHead" in layers
