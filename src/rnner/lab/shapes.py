"""The five shapes of recurrent networks, each trained and compared with a baseline.

Claim of the notes: the same cell serves one-to-one, one-to-many, many-to-one and many-to-many tasks, the last
with inputs and outputs of equal or of different length.

How to read it: a score on held-out data for a baseline that learns little or nothing, and for the network.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from statistics import geometric_mean
from typing import Any, NamedTuple

import torch
from rich.console import Group, RenderableType
from torch import Tensor
from torch.nn import functional as F

from rnner.lab.small_networks import (
    Log,
    RNNModel,
    encode,
    sample_split,
    symbol_ids,
    train,
    train_tagger,
    word_ids,
)
from rnner.lab.translation import Translator, spell, word_by_word
from rnner.render.plotting import Figure, caption, grouped_bars
from rnner.render.tables import numeric_table
from rnner.scoring.evaluation import evaluate
from rnner.scoring.metrics import score
from rnner.system.terminal import printable
from rnner.tags import to_spans

_CAPTION = (
    "A network has learned its task if its bar is higher than that of the baseline, which needs no training."
)

END = "\n"  # marks the end of a name


class Result(NamedTuple):
    """Name of the score, scores of the baseline and the network, and examples of what the network does."""

    measure: str
    baseline: float
    network: float
    examples: list[str]


def tagging(seed: int, quick: bool, **encoder: Any) -> Result:
    """Tag words as names, with or without context; the baseline tags every capitalised word."""
    decoder, test = train_tagger(seed, 3 if quick else 12, **encoder), sample_split("test")
    sentences = test.sentences()[0]
    capitals = [to_spans([str(int(word[0].isupper())) for word in words], "binary") for words in sentences]
    examples = []
    for words in [words for words in sentences if len(words) < 13][:4]:
        names = [" ".join(words[a:b]) for a, b, _ in decoder.spans([words])[0]]
        examples.append(f"{' '.join(words)} -> {', '.join(names)}")
    baseline = score(list(test.all_spans()), capitals, test.lengths.tolist()).f1
    return Result("F1 of names", baseline, evaluate(decoder, test).f1, examples)


def many_to_one(seed: int, quick: bool) -> Result:
    """Classify a sentence by its genre, one of nine; the baseline is the most frequent genre."""
    splits = [sample_split("train"), sample_split("test")]
    ids = word_ids(splits[0])
    words = [encode(split.sentences()[0], ids) for split in splits]
    genres = [torch.tensor(split.documents.tolist()) for split in splits]  # one document per genre
    torch.manual_seed(seed)
    model = RNNModel(len(ids), 9, "gru", 50, 50)

    def batch_loss() -> Tensor:
        rows = torch.randint(len(genres[0]), (32,))
        _, (last,) = model(*(part[rows] for part in words[0]))
        return F.cross_entropy(model.output(last), genres[0][rows])

    train(model, batch_loss, 60 if quick else 200)
    _, (last,) = model(*words[1])
    guesses = genres[0].mode().values, model.output(last).argmax(dim=1)
    baseline, network = (float((guess == genres[1]).float().mean()) for guess in guesses)
    return Result("accuracy", baseline, network, [])


def one_to_many(seed: int, quick: bool) -> Result:
    """Generate a name from its label; the baseline is the frequency of each character."""
    training, others = _names("train"), _names("dev") + _names("test")
    characters = "".join(name + END for _, name in training)
    ids = symbol_ids(*characters, *(label for label, _ in training))
    test = [pair for pair in others if pair not in training and set(pair[1]) <= set(characters)]
    torch.manual_seed(seed)
    draw, model = random.Random(seed), RNNModel(len(ids), len(ids), "gru", 128, 32)

    def loss(names: Sequence[tuple[str, str]]) -> Tensor:
        return model.next_symbol_loss(
            [ids[symbol] for symbol in (label, *name, END)] for label, name in names
        )

    train(model, lambda: loss(draw.sample(training, 64)), 100 if quick else 200)
    counts, unseen = Counter(characters), "".join(name + END for _, name in test)
    frequency = geometric_mean(counts[character] / len(characters) for character in unseen)
    examples = []
    for label, temperature in product(("PER", "LOC", "ORG"), (0.5, 1.0)):
        names = [generate(model, ids, label, temperature) for _ in range(4)]
        examples.append(f"{label}, temperature {temperature}: {', '.join(names)}")
    with torch.no_grad():
        return Result("probability per character", frequency, math.exp(-float(loss(test))), examples)


def _names(part: str) -> list[tuple[str, str]]:
    """Return the label and text of each entity."""
    split = sample_split(part, "iob2")
    pairs = zip(split.sentences()[0], split.all_spans(), strict=True)
    return [(label, " ".join(words[a:b])) for words, spans in pairs for a, b, label in spans]


@torch.no_grad()
def generate(model: RNNModel, ids: dict[str, int], label: str, temperature: float) -> str:
    """Draw a name of up to 30 characters, each with P proportional to exp(score / temperature)."""
    characters, name, state = list(ids), [label], None
    while name[-1] != END and len(name) <= 30:
        scores, state = model(torch.tensor([[ids[name[-1]]]]), torch.tensor([1]), state)
        name.append(characters[int(torch.multinomial((scores[0, 0] / temperature).softmax(dim=0), 1))])
    return "".join(name[1:]).strip()


def encoder_decoder(seed: int, quick: bool) -> Result:
    """Translate a number in words to its digits; the baseline translates each word alone."""
    draw = random.Random(seed)
    numbers = draw.sample(range(1_000_000), 20_000)
    unseen, seen = numbers[: 50 if quick else 300], numbers[300:]
    torch.manual_seed(seed)
    model = Translator(32, 128)
    train(model, lambda: model.loss(draw.sample(seen, 64)), 200 if quick else 1200)
    words, digits = [spell(number) for number in unseen], [str(number) for number in unseen]
    found = [[model.translate(row, beam) for row in words] for beam in (1, 4)]
    found.append([word_by_word(row) for row in words])
    greedy, beam, baseline = (sum(map(str.__eq__, own, digits)) / len(digits) for own in found)
    examples = [f"greedy: {greedy:.3f}, beam of 4: {beam:.3f}"]
    examples += [f"{' '.join(row)}: {own}" for row, own in zip(words[:4], found[1], strict=False)]
    return Result("exact match", baseline, beam, examples)


SHAPES: dict[str, Callable[[int, bool], Result]] = {
    "one-to-one": partial(tagging, cell="none", bidirectional=False),
    "one-to-many": one_to_many,
    "many-to-one": many_to_one,
    "many-to-many": partial(tagging, cell="lstm"),
    "encoder-decoder": encoder_decoder,
}


def measure(shapes: Sequence[str], seed: int, quick: bool, log: Log) -> dict[str, Any]:
    """Train and score networks of these shapes."""
    results = {}
    for name in shapes:
        log(f"training {name}")
        started = time.perf_counter()
        result = SHAPES[name](seed, quick)._asdict()
        results[name] = {**result, "seconds": round(time.perf_counter() - started, 1)}
    return results


def table(results: dict[str, Any]) -> RenderableType:
    """Render one row per shape, and below them the examples of each."""
    rendered = numeric_table("shape", "measure", "baseline", "network", "seconds", text=2)
    examples = []
    for name, row in results.items():
        scores = (f"{row['baseline']:.3f}", f"{row['network']:.3f}", f"{row['seconds']:.0f}")
        rendered.add_row(name, row["measure"], *scores)
        if row["examples"]:
            examples += [f"\n{name}", *(f"  {printable(example)}" for example in row["examples"])]
    return Group(rendered, *examples)


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw the scores of baseline and network for each shape."""
    figure.set_size_inches(10, 3.5)
    groups = {kind: [row[kind] for row in results.values()] for kind in ("baseline", "network")}
    axes = figure.subplots()
    grouped_bars(axes, groups, [f"{name}\n{row['measure']}" for name, row in results.items()])
    axes.set(title="Each shape against its baseline", ylabel="score, between 0 and 1")
    caption(figure, _CAPTION)
