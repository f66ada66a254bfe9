"""Gates follow the equations; kept shares follow the gates."""

import pytest
import torch

from rnner.decoding.tagger_decoder import load_decoder
from rnner.errors import UsageError
from rnner.lab.gates import gate_values, kept_shares, measure, tagger_inputs
from rnner.nn.cells import get_cell
from rnner.nn.loop import run_loop

GATED = ["gru", "gru_reset_after", "lstm"]


def states_of(cell, x):
    """Return each state tensor before and after each word, `[t, h]`."""
    states = [cell.initial_state(x[:1])]
    for word in x:
        states.append(run_loop(cell, word[None, None], torch.tensor([1]), states[-1])[1])
    rows = [torch.cat(own) for own in zip(*states, strict=True)]
    return [(own[:-1], own[1:]) for own in rows]


@pytest.fixture(params=GATED)
def cell(request):
    torch.manual_seed(2)
    return get_cell(request.param)(3, 6)


@torch.no_grad()
def test_the_next_state_follows_from_the_gates(cell):
    x = torch.randn(5, 3)
    gates, states = gate_values(cell, x), states_of(cell, x)
    candidate = cell.project(x).chunk(cell.gates, dim=1)[2]
    W = cell.W_aa.chunk(cell.gates)[2]
    if "Γ_o" in gates:
        (a, new_a), (c, new_c) = states
        memory = gates["Γ_u"] * torch.tanh(candidate + a @ W.T) + gates["Γ_f"] * c
        torch.testing.assert_close(new_a, gates["Γ_o"] * torch.tanh(new_c))
    else:
        ((c, new_c),) = states
        inner = (gates["Γ_r"] * c) @ W.T
        if hasattr(cell, "b_cc"):
            inner = gates["Γ_r"] * (c @ W.T + cell.b_cc)
        memory = gates["Γ_u"] * torch.tanh(candidate + inner) + (1 - gates["Γ_u"]) * c
    torch.testing.assert_close(new_c, memory)


def test_kept_shares_of_a_gru_sum_to_one_with_the_start():
    gates = gate_values(get_cell("gru")(3, 6), torch.randn(9, 3))
    left = torch.cumprod(1 - gates["Γ_u"], dim=0).mean(dim=1)
    torch.testing.assert_close(kept_shares(gates).sum(dim=1) + left, torch.ones(9))


def test_a_word_is_kept_until_a_gate_forgets_it():
    write = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    keep = torch.tensor([[1.0], [1.0], [0.5], [0.0]])
    assert kept_shares({"Γ_u": write, "Γ_f": keep})[:, 0].tolist() == [1, 1, 0.5, 0]


def test_a_cell_without_gates_is_an_error():
    with pytest.raises(UsageError, match="RNNCell has no known gates; use a model with gru or lstm cells"):
        gate_values(get_cell("rnn")(3, 6), torch.randn(2, 3))


@pytest.fixture(scope="module")
def decoder(finished_run):
    return load_decoder(finished_run[1])


@torch.no_grad()
def test_recorded_inputs_are_those_of_the_tagger(decoder):
    words = ["Ada", "left", "London", "."]
    outputs = [layer(x, torch.tensor([4]))[0] for _, layer, x in tagger_inputs(decoder, [words])]
    emissions = decoder.tagger.emission(torch.cat(outputs, dim=-1))
    torch.testing.assert_close(emissions, decoder.tagger(decoder.vocabulary.encode([words]).to("cpu")))


def test_both_directions_are_in_reading_order(decoder):
    results = measure(["Ada", "left", "London"], decoder, 0, True, str)
    assert [(name, own["words"]) for name, own in results.items()] == [
        ("forward", ["Ada", "left", "London"]),
        ("backward", ["London", "left", "Ada"]),
    ]
    for own in results.values():
        assert len(own["kept"]) == 3
        assert all(len(gate) == 3 for gate in own["gates"].values())


def test_words_unknown_to_the_agreement_network_are_errors():
    with pytest.raises(UsageError, match="Oslo: unknown word; without --model, use only cat, "):
        measure(["The", "cat", "Oslo"], None, 0, True, str)
