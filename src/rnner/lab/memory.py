"""How long a network remembers: "the cats which ... were", whatever nouns stand between subject and verb."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import chain, product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.lab.small_networks import Reader, Tell, fit, numbered
from rnner.render.pictures import COLOURS, Figure

SINGULARS = ("cat", "dog", "bird", "author", "farmer", "lawyer", "student", "teacher")
PLURALS = tuple(noun + "s" for noun in SINGULARS)
_CLAUSES = (("which", "already", "ate"), ("which", "always", "slept"), ("which", "never", "sang"))
_PLACES, _ALWAYS = ("near", "behind", "with", "without", "beside"), ("the", "was", "were", ".")
_ADVERBS, _ENDS = ("quietly", "today", "again", "often", "perhaps", "indeed"), ("full", "tired", "happy")
WORDS = numbered(*SINGULARS, *PLURALS, *chain(*_CLAUSES), *_PLACES, *_ADVERBS, *_ENDS, *_ALWAYS)
LONGEST = 40  # the largest distance in training
DISTANCES = (2, 5, 10, 20, 40, 60, 80)


def sentence(distance: int, draw: random.Random) -> tuple[list[str], bool]:
    """A sentence with so many words between subject and verb, and whether the subject is plural."""
    plural = draw.random() < 0.5
    between = list(draw.choice(_CLAUSES)) if distance >= 3 else []
    while len(between) < distance:
        if distance - len(between) >= 3 and draw.random() < 0.6:
            between += [draw.choice(_PLACES), "the", draw.choice(SINGULARS + PLURALS)]
        else:
            between.append(draw.choice(_ADVERBS))
    subject, verb = (draw.choice(PLURALS), "were") if plural else (draw.choice(SINGULARS), "was")
    return ["the", subject, *between, verb, draw.choice(_ENDS), "."], plural


def batch(distance: int, rows: int, draw: random.Random, joined: int = 1) -> tuple[Tensor, Tensor]:
    """Rows of joined sentences `[b, joined * (distance + 5)]`; which subjects are plural, `[b, joined]`."""
    drawn = [[sentence(distance, draw) for _ in range(joined)] for _ in range(rows)]
    words = [[WORDS[word] for one, _ in row for word in one] for row in drawn]
    return torch.tensor(words), torch.tensor([[int(plural) for _, plural in row] for row in drawn])


def verbs(model: Reader, words: Tensor, distance: int) -> Tensor:
    """The scores `[b, joined, 2]` of singular and plural before each verb of a `batch`."""
    scores, _ = model(words, torch.full((len(words),), words.shape[1]))
    return scores[:, distance + 1 :: distance + 5]  # type: ignore[no-any-return]


def learn(cell: str, seed: int, steps: int, *, joined: int = 1, longest: int = LONGEST) -> Reader:
    """A network that has read sentences of all distances up to the longest."""
    torch.manual_seed(seed)
    draw, model = random.Random(seed), Reader(len(WORDS), 2, cell, hidden=64, size=24)

    def loss() -> Tensor:
        distance = draw.randint(1, longest)
        words, plural = batch(distance, 32, draw, joined)
        return F.cross_entropy(verbs(model, words, distance).flatten(0, 1), plural.flatten())

    fit(model, loss, steps)
    return model


@torch.no_grad()
def accuracy(model: Reader, distance: int) -> float:
    """The share of verbs that agree, of 400 sentences that are the same for every network."""
    words, plural = batch(distance, 400, random.Random(f"test {distance}"))
    return float((verbs(model, words, distance).argmax(-1) == plural).float().mean())


def measure(cells: Sequence[str], seed: int, quick: bool, tell: Tell) -> dict[str, Any]:
    """Train each cell for a short and a long while with several seeds, and measure it at each distance."""
    seeds, found = range(seed, seed + (2 if quick else 5)), {}
    for steps, cell in product((300,) if quick else (300, 1600), cells):
        tell(f"{cell}: {len(seeds)} times {steps} steps of 32 sentences")
        models = [learn(cell, one, steps) for one in seeds]
        rows = torch.tensor([[accuracy(model, n) for n in DISTANCES] for model in models])
        figures = {"mean": rows.mean(dim=0), "deviation": rows.std(dim=0), "seeds": rows}
        found[f"{cell}, {steps} steps"] = {name: own.tolist() for name, own in figures.items()}
    return {"distances": DISTANCES, "longest_in_training": LONGEST, "accuracy": found}


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """A panel for each length of training: accuracy against distance, a curve a cell, a thin one a seed."""
    lengths = list(dict.fromkeys(name.partition(", ")[2] for name in figures["accuracy"]))
    for axes, steps in zip(figure.subplots(1, len(lengths), squeeze=False)[0], lengths, strict=True):
        rows = {name: row for name, row in figures["accuracy"].items() if name.endswith(f", {steps}")}
        for n, (name, row) in enumerate(rows.items()):
            style = {"color": COLOURS[n % 6], "marker": "osD^v*"[n % 6], "markersize": 9 - 2 * (n % 4)}
            axes.plot(figures["distances"], [*zip(*row["seeds"], strict=True)], **style, alpha=0.25)
            axes.plot(figures["distances"], row["mean"], **style, label=name.partition(", ")[0], lw=2.5)
        axes.axhline(0.5, linestyle=":", color="gray")
        axes.axvspan(LONGEST, max(DISTANCES) + 2, color="gray", alpha=0.12, lw=0)
        axes.annotate("none in training", (LONGEST + 1, 0.32))
        axes.set(xlabel="words between", ylabel="verbs that agree", ylim=(0.3, 1.04), title=f"after {steps}")
        axes.legend(loc="lower left")
