"""A feedforward network with a fixed window, compared with a recurrent network.

Claims of the notes: a feedforward network on one-hot words has far more weights, reads inputs of limited
length, and does not share what it learns between positions.

How to read it: the number of weights; the longest input; and F1 on early and late words. Trained on the first
words of each sentence only, a network that shares nothing between positions fails on the later ones.
"""

from __future__ import annotations

from typing import Any

import torch
from rich.console import RenderableType
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.lab.small_networks import Log, RNNModel, encode, length_mask, pad, sample_split, train, word_ids
from rnner.render.plotting import Figure, caption, grouped_bars
from rnner.render.tables import numeric_table

_CAPTION = (
    "A feedforward network learns each position separately, so it finds few names where training showed few; "
    "an RNN uses the same weights everywhere."
)

MAX_LENGTH = 30  # T_x of the feedforward network
EARLY = 8  # number of words at the start of a sentence that count as early
Examples = tuple[Tensor, Tensor, Tensor]  # words [b, t], lengths [b], names [b, t] (0 or 1)


class FeedforwardNetwork(nn.Module):
    """ŷ = W_2 tanh(W_1 [x<1>; ...; x<T_x>] + b_1) + b_2: the scores of all positions from all words."""

    def __init__(self, symbols: int, hidden: int) -> None:
        super().__init__()
        self.symbols = symbols
        self.W_1 = nn.Embedding(MAX_LENGTH * symbols, hidden)  # W_1 times one-hot words is a lookup
        self.b_1 = nn.Parameter(torch.zeros(hidden))
        self.output = nn.Linear(hidden, MAX_LENGTH)
        nn.init.normal_(self.W_1.weight, std=0.1)

    def forward(self, words: Tensor, lengths: Tensor) -> tuple[Tensor, None]:
        """Map words `[b, t]`, t <= T_x, to scores `[b, t, 1]` and None (an `RNNModel` returns a state)."""
        t = words.shape[1]
        columns = self.W_1(words + self.symbols * torch.arange(t)) * length_mask(lengths)[..., None]
        return self.output(torch.tanh(columns.sum(dim=1) + self.b_1))[:, :t, None], None


def measure(seed: int, quick: bool, log: Log) -> dict[str, Any]:
    """Train both networks on the beginnings of sentences and on whole ones; score early and late words."""
    training, dev, test = (sample_split(part).sentences() for part in ("train", "dev", "test"))
    ids, rows = word_ids(sample_split("train")), []
    tests = _examples((dev[0] + test[0], dev[1] + test[1]), ids, MAX_LENGTH)
    for shown in (EARLY, MAX_LENGTH):
        for network in ("standard", "RNN"):
            log(f"{network} network: training on words 1-{shown} of each sentence")
            torch.manual_seed(seed)
            standard = network == "standard"
            model = FeedforwardNetwork(len(ids), 50) if standard else RNNModel(len(ids), 1, "rnn", 50, 50)
            _train(model, _examples(training, ids, shown), 150 if quick else 400)
            weights, f1 = sum(map(Tensor.numel, model.parameters())), early_and_late_f1(model, tests)
            rows.append({"network": network, "shown": shown, "weights": weights, "f1": f1})
    return {
        "positions": MAX_LENGTH,
        "first": EARLY,
        "words_known": len(ids),
        "too_long": sum(len(words) > MAX_LENGTH for words in dev[0] + test[0]),
        "test_sentences": len(tests[1]),
        "networks": rows,
    }


def _examples(split: tuple[list[list[str]], list[list[str]]], ids: dict[str, int], longest: int) -> Examples:
    words, lengths = encode((row[:longest] for row in split[0]), ids)
    return words, lengths, pad([int(tag) for tag in row[:longest]] for row in split[1])[0]


def _train(model: nn.Module, examples: Examples, steps: int) -> None:
    def batch_loss() -> Tensor:
        rows = torch.randint(len(examples[0]), (64,))
        words, lengths, names = (part[rows] for part in examples)
        mask, t = length_mask(lengths), int(lengths.max())
        scores = model(words[:, :t], lengths)[0].squeeze(2)
        return F.binary_cross_entropy_with_logits(scores[mask], names[:, :t][mask].float())

    train(model, batch_loss, steps)


@torch.no_grad()
def early_and_late_f1(model: nn.Module, examples: Examples) -> list[float]:
    """Return F1 of name words among the early words of sentences, and among the rest."""
    words, lengths, names = examples
    found, gold = (model(words, lengths)[0].squeeze(2) > 0) & length_mask(lengths), names == 1
    parts = [(found[:, part], gold[:, part]) for part in (slice(0, EARLY), slice(EARLY, None))]
    return [float(2 * (found & gold).sum() / (found.sum() + gold.sum())) for found, gold in parts]


def table(results: dict[str, Any]) -> RenderableType:
    """Render one row per network and training set."""
    first, last = results["first"], results["positions"]
    titles = ("weights", "longest input", f"F1, words 1-{first}", f"F1, words {first + 1}-{last}")
    rendered = numeric_table("network", "trained on words", *titles, text=2)
    for row in results["networks"]:
        longest = str(last) if row["network"] == "standard" else "any"
        scores = (f"{f1:.2f}" for f1 in row["f1"])
        rendered.add_row(row["network"], f"1-{row['shown']}", f"{row['weights']:,}", longest, *scores)
    too_long = f"{results['too_long']} of {results['test_sentences']} test sentences"
    rendered.caption = f"F1 of the words of names; {too_long} do not fit into the window"
    return rendered


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw one panel per training set, with bars for early and late words of both networks."""
    figure.set_size_inches(9, 3.5)
    for axes, shown in zip(figure.subplots(1, 2, sharey=True), (EARLY, MAX_LENGTH), strict=True):
        groups = {row["network"]: row["f1"] for row in results["networks"] if row["shown"] == shown}
        grouped_bars(axes, groups, [f"names in words 1-{EARLY}", f"in words {EARLY + 1}-{MAX_LENGTH}"])
        axes.set(title=f"Trained on words 1-{shown}", ylabel="F1 of words")
    caption(figure, _CAPTION)
