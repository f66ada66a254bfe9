"""Dropout: what is shared, what is kept, and nothing at all in evaluation."""

import pytest
import torch

from rnner.nn.dropout import LockedDropout, WordDropout


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_a_sentence_drops_the_same_features_at_every_position():
    dropped = LockedDropout(0.4)(torch.ones(20, 7, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert not torch.equal(dropped[0], dropped[1])
    assert dropped.unique().tolist() == pytest.approx([0, 1 / 0.6])
    assert dropped.mean().item() == pytest.approx(1, abs=0.05)


def test_words_become_unknown_with_the_probability_given_and_composed_ones_as_any():
    words = torch.cat([torch.zeros(10_000, dtype=torch.int64), torch.arange(2, 10_002)])
    dropped = WordDropout(0.2)(words)
    unknown = dropped == 1
    composed, others = unknown.float().split(10_000)
    assert composed.mean().item() == pytest.approx(0.2, abs=0.02)
    assert others.mean().item() == pytest.approx(0.2, abs=0.02)
    assert torch.equal(dropped[~unknown], words[~unknown])


@pytest.mark.parametrize(
    ("module", "x"), [(LockedDropout, torch.ones(2, 3, 4)), (WordDropout, torch.arange(9))]
)
def test_nothing_is_dropped_in_evaluation_or_with_probability_zero(module, x, device):
    x = x.to(device)
    assert torch.equal(module(0.9).eval()(x), x)
    assert torch.equal(module(0.0)(x), x)


@pytest.mark.parametrize("module", [LockedDropout, WordDropout])
@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_a_probability_outside_zero_to_one_is_refused(module, p):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, got {p}"):
        module(p)
