"""How many words a network remembers: "the cats which already ate ... were full".

Claim of the notes: a plain RNN forgets whether "cats" is plural before it reads "were"; a GRU and an LSTM
remember. The number of words between subject and verb varies, and other nouns among them say nothing about
the verb.

How to read it: the share of verbs that agree with their subject, by the number of words between them. 0.5 is
chance. Distances beyond `MAX_DISTANCE` do not occur in training.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain, product
from typing import Any

import torch
from rich.console import RenderableType
from torch import Tensor
from torch.nn import functional as F

from rnner.lab.small_networks import Log, RNNModel, symbol_ids, train
from rnner.render.plotting import COLOURS, Figure, caption
from rnner.render.tables import numeric_table

_CAPTION = (
    "A network that has forgotten the subject can only guess: its line drops to the dotted one. Thick "
    "lines are means over the seeds, thin lines single seeds."
)

SINGULARS = ("cat", "dog", "bird", "author", "farmer", "lawyer", "student", "teacher")
PLURALS = tuple(noun + "s" for noun in SINGULARS)
_CLAUSES = (("which", "already", "ate"), ("which", "always", "slept"), ("which", "never", "sang"))
_PREPOSITIONS, _OTHERS = ("near", "behind", "with", "without", "beside"), ("the", "was", "were", ".")
_ADVERBS = ("quietly", "today", "again", "often", "perhaps", "indeed")
_ADJECTIVES = ("full", "tired", "happy")
WORD_IDS = symbol_ids(
    *SINGULARS, *PLURALS, *chain(*_CLAUSES), *_PREPOSITIONS, *_ADVERBS, *_ADJECTIVES, *_OTHERS
)
MAX_DISTANCE = 40  # in training
DISTANCES = (2, 5, 10, 20, 40, 60, 80)


def make_sentence(distance: int, draw: random.Random) -> tuple[list[str], bool]:
    """Return a sentence with `distance` words between subject and verb, and whether the subject is plural."""
    plural = draw.random() < 0.5
    between = list(draw.choice(_CLAUSES)) if distance >= 3 else []
    while len(between) < distance:
        if distance - len(between) >= 3 and draw.random() < 0.6:
            between += [draw.choice(_PREPOSITIONS), "the", draw.choice(SINGULARS + PLURALS)]
        else:
            between.append(draw.choice(_ADVERBS))
    subject, verb = (draw.choice(PLURALS), "were") if plural else (draw.choice(SINGULARS), "was")
    return ["the", subject, *between, verb, draw.choice(_ADJECTIVES), "."], plural


def make_batch(distance: int, rows: int, draw: random.Random, joined: int = 1) -> tuple[Tensor, Tensor]:
    """Return rows of joined sentences `[b, joined * (distance + 5)]`, and whether subjects are plural.

    The latter is `[b, joined]` int64, 1 for plural.
    """
    drawn = [[make_sentence(distance, draw) for _ in range(joined)] for _ in range(rows)]
    words = [[WORD_IDS[word] for sentence, _ in row for word in sentence] for row in drawn]
    return torch.tensor(words), torch.tensor([[int(plural) for _, plural in row] for row in drawn])


def verb_scores(model: RNNModel, words: Tensor, distance: int) -> Tensor:
    """Return the scores of singular and plural just before each verb of a batch, `[b, joined, 2]`."""
    scores, _ = model(words, torch.full((len(words),), words.shape[1]))
    return scores[:, distance + 1 :: distance + 5]  # type: ignore[no-any-return]


def train_agreement(
    cell: str, seed: int, steps: int, *, joined: int = 1, longest: int = MAX_DISTANCE
) -> RNNModel:
    """Train a network to predict the grammatical number of the verb, at distances from 1 to `longest`."""
    torch.manual_seed(seed)
    draw, model = random.Random(seed), RNNModel(len(WORD_IDS), 2, cell, hidden=64, size=24)

    def batch_loss() -> Tensor:
        distance = draw.randint(1, longest)
        words, plural = make_batch(distance, 32, draw, joined)
        return F.cross_entropy(verb_scores(model, words, distance).flatten(0, 1), plural.flatten())

    train(model, batch_loss, steps)
    return model


@torch.no_grad()
def accuracy(model: RNNModel, distance: int) -> float:
    """Return the share of verbs that agree in 400 sentences, which are the same for every network."""
    words, plural = make_batch(distance, 400, random.Random(f"test {distance}"))
    return float((verb_scores(model, words, distance).argmax(-1) == plural).float().mean())


def measure(cells: Sequence[str], seed: int, quick: bool, log: Log) -> dict[str, Any]:
    """Train each cell briefly and for longer, with several seeds, and measure it at each distance."""
    seeds, found = range(seed, seed + (2 if quick else 5)), {}
    for steps, cell in product((300,) if quick else (300, 1600), cells):
        log(f"{cell}: {steps} steps of 32 sentences, for {len(seeds)} seeds")
        models = [train_agreement(cell, one, steps) for one in seeds]
        rows = torch.tensor([[accuracy(model, distance) for distance in DISTANCES] for model in models])
        values = {"mean": rows.mean(dim=0), "deviation": rows.std(dim=0), "seeds": rows}
        found[f"{cell}, {steps} steps"] = {name: tensor.tolist() for name, tensor in values.items()}
    return {"distances": DISTANCES, "longest_in_training": MAX_DISTANCE, "accuracy": found}


def table(results: dict[str, Any]) -> RenderableType:
    """Render one row per cell and length of training, one column per distance."""
    rendered = numeric_table("words between", *map(str, results["distances"]))
    for name, row in results["accuracy"].items():
        pairs = zip(row["mean"], row["deviation"], strict=True)
        rendered.add_row(name, *(f"{mean:.2f}±{deviation:.2f}" for mean, deviation in pairs))
    longest = results["longest_in_training"]
    rendered.caption = (
        f"share of verbs that agree (mean ± deviation); chance: 0.50; training: up to {longest} words"
    )
    return rendered


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw accuracy against distance: one panel per length of training, one thick line per cell."""
    figure.set_size_inches(9, 4)
    lengths = list(dict.fromkeys(name.partition(", ")[2] for name in results["accuracy"]))
    for axes, steps in zip(figure.subplots(1, len(lengths), squeeze=False)[0], lengths, strict=True):
        rows = {name: row for name, row in results["accuracy"].items() if name.endswith(f", {steps}")}
        for n, (name, row) in enumerate(rows.items()):
            style = {"color": COLOURS[n % 6], "marker": "osD^v*"[n % 6], "markersize": 9 - 2 * (n % 4)}
            axes.plot(results["distances"], [*zip(*row["seeds"], strict=True)], **style, alpha=0.25)
            axes.plot(results["distances"], row["mean"], **style, label=name.partition(", ")[0], lw=2.5)
        axes.axhline(0.5, linestyle=":", color="gray")
        axes.axvspan(MAX_DISTANCE, max(DISTANCES) + 2, color="gray", alpha=0.12, lw=0)
        axes.annotate("not in training", (MAX_DISTANCE + 1, 0.32))
        axes.set(title=f"Agreement after {steps}", ylim=(0.3, 1.04))
        axes.set(xlabel="words between subject and verb", ylabel="share of verbs that agree")
        axes.legend(loc="lower left")
    caption(figure, _CAPTION)
