"""Why a standard network is not enough: a fixed window of positions, nothing shared between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.lab.small_networks import (
    Reader,
    Tell,
    fit,
    inside,
    known_words,
    padded,
    sample,
    words_as_numbers,
)
from rnner.render.pictures import Figure, bars

POSITIONS = 30  # T_x of the standard network
FIRST = 8  # so many words of a sentence are its beginning
Examples = tuple[Tensor, Tensor, Tensor]  # words [b, t], lengths [b], names [b, t] (0 or 1)


class Standard(nn.Module):
    """ŷ = W_2 tanh(W_1 [x<1>; ...; x<T_x>] + b_1) + b_2: a score a position, from all positions at once."""

    def __init__(self, symbols: int, hidden: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.W_1 = nn.Embedding(POSITIONS * symbols, hidden)  # W_1 times one-hot words is a look-up
        self.b_1 = nn.Parameter(torch.zeros(hidden))
        self.output = nn.Linear(hidden, POSITIONS)
        nn.init.normal_(self.W_1.weight, std=0.1)

    def forward(self, words: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        """Words `[b, t]`, t at most T_x, to scores `[b, t, 1]`, with None for a Reader's state."""
        t = words.shape[1]
        columns = self.W_1(words + self.symbols * torch.arange(t)) * inside(lengths)[..., None]
        return self.output(torch.tanh(columns.sum(dim=1) + self.b_1))[:, :t, None], None


def measure(seed: int, quick: bool, tell: Tell) -> dict[str, Any]:
    """Train both on beginnings and on all, and score them on names early and late in a sentence."""
    train, dev, test = (sample(part).sentences() for part in ("train", "dev", "test"))
    known, rows = known_words(sample("train")), []
    symbols = len(known)
    tests = _examples((dev[0] + test[0], dev[1] + test[1]), known, POSITIONS)
    for shown in (FIRST, POSITIONS):
        for network in ("standard", "RNN"):
            tell(f"{network} network: learns from words 1-{shown} of each sentence")
            torch.manual_seed(seed)
            model = Standard(symbols, 50) if network == "standard" else Reader(symbols, 1, "rnn", 50, 50)
            _learn(model, _examples(train, known, shown), 150 if quick else 400)
            size = sum(weight.numel() for weight in model.parameters())
            rows.append({"network": network, "shown": shown, "weights": size, "f1": _f1(model, tests)})
    too_long = sum(len(words) > POSITIONS for words in dev[0] + test[0])
    sizes = {"positions": POSITIONS, "first": FIRST, "words_known": symbols, "too_long": too_long}
    return {**sizes, "test_sentences": len(tests[1]), "networks": rows}


def _examples(split: tuple[list[list[str]], list[list[str]]], known: dict[str, int], most: int) -> Examples:
    words, lengths = words_as_numbers((row[:most] for row in split[0]), known)
    return words, lengths, padded([int(tag) for tag in row[:most]] for row in split[1])[0]


def _learn(model: nn.Module, examples: Examples, steps: int) -> None:
    def loss() -> Tensor:
        rows = torch.randint(len(examples[0]), (64,))
        words, lengths, names = (part[rows] for part in examples)
        read, t = inside(lengths), int(lengths.max())
        scores = model(words[:, :t], lengths)[0].squeeze(2)
        return F.binary_cross_entropy_with_logits(scores[read], names[:, :t][read].float())

    fit(model, loss, steps)


@torch.no_grad()
def _f1(model: nn.Module, examples: Examples) -> list[float]:
    """F1 of the words of names, among the first words and among those after them."""
    words, lengths, names = examples
    found, true = (model(words, lengths)[0].squeeze(2) > 0) & inside(lengths), names == 1
    parts = [(found[:, at], true[:, at]) for at in (slice(0, FIRST), slice(FIRST, None))]
    return [float(2 * (one & other).sum() / (one.sum() + other.sum())) for one, other in parts]


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """Bars of both networks, early and late, for either training."""
    for axes, shown in zip(figure.subplots(1, 2, sharey=True), (FIRST, POSITIONS), strict=True):
        groups = {row["network"]: row["f1"] for row in figures["networks"] if row["shown"] == shown}
        bars(axes, groups, [f"names in words 1-{FIRST}", f"in words {FIRST + 1}-{POSITIONS}"])
        axes.set(title=f"Trained on words 1-{shown} of each sentence", ylabel="F1 of words")
