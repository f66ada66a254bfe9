"""The five shapes of recurrent network, each trained for real, each beside a baseline."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from statistics import geometric_mean
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rnner.lab import small_networks as parts
from rnner.lab.small_networks import Reader, Tell, fit, inside, padded, sample
from rnner.lab.translation import Translator, spelled, word_by_word
from rnner.render.pictures import Figure, bars
from rnner.scoring.evaluation import evaluate
from rnner.scoring.metrics import score
from rnner.tags import to_spans

END = "\n"  # the character after the last of a name
Result = tuple[str, float, float, list[str]]  # what is measured, of the baseline and the network; examples


def tagger(seed: int, quick: bool, **encoder: Any) -> Result:
    """Each word to name or not, knowing its sentence or not; the baseline takes capitals for names."""
    decoder, test = parts.small_tagger(seed, 3 if quick else 12, **encoder), sample("test")
    sentences = test.sentences()[0]
    capitals = [to_spans([str(int(word[0].isupper())) for word in words], "binary") for words in sentences]
    examples = []
    for words in [words for words in sentences if len(words) < 13][:4]:
        names = [" ".join(words[a:b]) for a, b, _ in decoder.spans([words])[0]]
        examples.append(f"{' '.join(words)} -> {', '.join(names)}")
    baseline = score(list(test.all_spans()), capitals, test.lengths.tolist()).f1
    return "F1 of names", baseline, evaluate(decoder, test).f1, examples


def many_to_one(seed: int, quick: bool) -> Result:
    """A sentence to its genre, one of nine, from the last state; the baseline is the most frequent."""
    splits = [sample("train"), sample("test")]
    known = parts.known_words(splits[0])
    read = [parts.words_as_numbers(split.sentences()[0], known) for split in splits]
    genres = [torch.tensor(split.documents.tolist()) for split in splits]  # each is a document
    torch.manual_seed(seed)
    model = Reader(len(known), 9, "gru", 50, 50)

    def loss() -> Tensor:
        rows = torch.randint(len(genres[0]), (32,))
        _, (last,) = model(*(part[rows] for part in read[0]))
        return F.cross_entropy(model.output(last), genres[0][rows])

    fit(model, loss, 60 if quick else 200)
    _, (last,) = model(*read[1])
    guesses = genres[0].mode().values, model.output(last).argmax(dim=1)
    baseline, network = (float((guess == genres[1]).float().mean()) for guess in guesses)
    return "accuracy", baseline, network, []


def one_to_many(seed: int, quick: bool) -> Result:
    """A label to a new name of that kind; the baseline knows how frequent each character is."""
    train, others = _names("train"), _names("dev") + _names("test")
    characters = "".join(name + END for _, name in train)
    symbols = parts.numbered(*characters, *(label for label, _ in train))
    test = [own for own in others if own not in train and set(own[1]) <= set(characters)]
    torch.manual_seed(seed)
    draw, model = random.Random(seed), Reader(len(symbols), len(symbols), "gru", 128, 32)

    def loss(names: Sequence[tuple[str, str]]) -> Tensor:
        rows, lengths = padded([symbols[own] for own in (label, *name, END)] for label, name in names)
        scores, _ = model(rows[:, :-1], lengths - 1)
        known = inside(lengths - 1)
        return F.cross_entropy(scores[known], rows[:, 1:][known])

    fit(model, lambda: loss(draw.sample(train, 64)), 100 if quick else 200)
    counts, unseen = Counter(characters), "".join(name + END for _, name in test)
    frequency = geometric_mean(counts[own] / len(characters) for own in unseen)
    examples = []
    for label, heat in product(("PER", "LOC", "ORG"), (0.5, 1.0)):
        drawn = [generate(model, symbols, label, heat) for _ in range(4)]
        examples.append(f"{label}, temperature {heat}: {', '.join(drawn)}")
    with torch.no_grad():
        return "P of a character", frequency, math.exp(-float(loss(test))), examples


def _names(part: str) -> list[tuple[str, str]]:
    split = sample(part, "iob2")
    pairs = zip(split.sentences()[0], split.all_spans(), strict=True)
    return [(label, " ".join(words[a:b])) for words, spans in pairs for a, b, label in spans]


@torch.no_grad()
def generate(model: Reader, symbols: dict[str, int], label: str, temperature: float) -> str:
    """Draw a name of at most 30 characters, each with P proportional to exp(score / temperature)."""
    characters, name, state = list(symbols), [label], None
    while name[-1] != END and len(name) <= 30:
        scores, state = model(torch.tensor([[symbols[name[-1]]]]), torch.tensor([1]), state)
        name.append(characters[int(torch.multinomial((scores[0, 0] / temperature).softmax(dim=0), 1))])
    return "".join(name[1:]).strip()


def encoder_decoder(seed: int, quick: bool) -> Result:
    """A number in words to its digits; the baseline gives each word its own digits."""
    draw = random.Random(seed)
    numbers = draw.sample(range(1_000_000), 20_000)
    unseen, seen = numbers[: 50 if quick else 300], numbers[300:]
    torch.manual_seed(seed)
    model = Translator(32, 128)
    fit(model, lambda: model.loss(draw.sample(seen, 64)), 200 if quick else 1200)
    words, digits = [spelled(number) for number in unseen], [str(number) for number in unseen]
    found = [[model.translate(row, beam) for row in words] for beam in (1, 4)]
    found.append([word_by_word(row) for row in words])
    greedy, beam, baseline = (sum(map(str.__eq__, own, digits)) / len(digits) for own in found)
    examples = [f"{' '.join(row)}: {own}" for row, own in zip(words[:4], found[1], strict=False)]
    return "exact", baseline, beam, [f"greedy {greedy:.3f}, a beam of 4 {beam:.3f}", *examples]


SHAPES: dict[str, Callable[[int, bool], Result]] = {
    "one-to-one": partial(tagger, cell="none", bidirectional=False),
    "one-to-many": one_to_many,
    "many-to-one": many_to_one,
    "many-to-many": partial(tagger, cell="lstm"),
    "encoder-decoder": encoder_decoder,
}


def measure(names: Sequence[str], seed: int, quick: bool, tell: Tell) -> dict[str, Any]:
    """Train and measure the shapes of those names."""
    figures = {}
    for name in names:
        tell(f"trains {name}")
        started = time.perf_counter()
        result = dict(
            zip(("measure", "baseline", "network", "examples"), SHAPES[name](seed, quick), strict=True)
        )
        figures[name] = {**result, "seconds": round(time.perf_counter() - started, 1)}
    return figures


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """Bars of baseline and network."""
    axes, kinds = figure.subplots(), ("baseline", "network")
    groups = {kind: [row[kind] for row in figures.values()] for kind in kinds}
    bars(axes, groups, [f"{name}\n{row['measure']}" for name, row in figures.items()])
