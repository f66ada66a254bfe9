"""What the right context adds: "He said, Teddy Roosevelt ..." and "He said, Teddy bears ...".

Claim of the notes: whether "Teddy" belongs to a name depends on the word after it, which a forward-only
network has not read yet; a bidirectional network, ŷ<t> = g(W_y [a→<t>, a←<t>] + b_y), can tell.

How to read it: the probability that each word belongs to a name. Forward-only taggers must give "Teddy" the
same probability in both sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from rich.console import Group, RenderableType

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.lab.small_networks import Log, sample_split, train_tagger
from rnner.render.plotting import Figure, caption, grouped_bars
from rnner.render.tables import numeric_table, text_bar
from rnner.scoring.evaluation import evaluate
from rnner.system.terminal import printable
from rnner.tags import label_of

_CAPTION = (
    "A forward-only network gives a word the same probability whatever follows it; a bidirectional one "
    "can use the words that follow."
)


def measure(
    sentences: Sequence[list[str]], models: Mapping[str, TaggerDecoder], seed: int, quick: bool, log: Log
) -> dict[str, Any]:
    """Compare the models, given by name; if there are none, train taggers of each kind and average them."""
    groups, f1 = {name: [decoder] for name, decoder in models.items()}, {}
    for name in () if models else ("forward-only", "bidirectional"):
        both, seeds, epochs = name == "bidirectional", 1 if quick else 5, 4 if quick else 10
        log(f"{name}: training on the sample corpus (number of taggers: {seeds})")
        groups[name] = [train_tagger(seed + n, epochs, cell="gru", bidirectional=both) for n in range(seeds)]
        f1[name] = mean(evaluate(tagger, sample_split("test")).f1 for tagger in groups[name])
    rows = []
    for words in sentences:
        means = {}
        for name, taggers in groups.items():
            each = [name_probabilities(tagger, words) for tagger in taggers]
            means[name] = [mean(probabilities) for probabilities in zip(*each, strict=True)]
        rows.append({"words": words, "names": means})
    return {"f1": f1, "sentences": rows}


def name_probabilities(decoder: TaggerDecoder, words: list[str]) -> list[float]:
    """Return the probability that each word belongs to a name."""
    names = [n for n, tag in enumerate(decoder.vocabulary.tags) if label_of(tag) is not None]
    return decoder.marginals([words])[0][:, names].sum(dim=1).tolist()


def table(results: dict[str, Any]) -> RenderableType:
    """Render one table per sentence, with one row per word and one column per model."""
    parts: list[RenderableType] = []
    for row in results["sentences"]:
        rendered = numeric_table("P(name)", *map(printable, row["names"]), text=1 + len(row["names"]))
        for word, *shares in zip(row["words"], *row["names"].values(), strict=True):
            rendered.add_row(printable(word), *(f"{share:.2f} {text_bar(share, 25)}" for share in shares))
        parts += [rendered, ""]
    if results["f1"]:
        scores = (f"{name} {f1:.3f}" for name, f1 in results["f1"].items())
        parts.append(f"F1 on sample:test: {', '.join(scores)}")
    return Group(*parts)


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw one panel per sentence, with one bar per word and model."""
    rows = results["sentences"]
    figure.set_size_inches(9, 2.3 * len(rows))
    for axes, row in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        grouped_bars(axes, row["names"], row["words"])
        axes.set(title="Does the word belong to a name?", ylim=(0, 1.1), ylabel="probability of a name")
    caption(figure, _CAPTION)
