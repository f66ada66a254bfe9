"""What the words to come tell: "He said, Teddy Roosevelt ..." and "He said, Teddy bears ..."."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.lab.small_networks import Tell, sample, small_tagger
from rnner.render.pictures import Figure, bars
from rnner.scoring.evaluation import evaluate
from rnner.tags import label_of


def name_probabilities(decoder: TaggerDecoder, words: list[str]) -> list[float]:
    """For each word, how probable it is that it belongs to a name."""
    names = [n for n, tag in enumerate(decoder.vocabulary.tags) if label_of(tag) is not None]
    return decoder.marginals([words])[0][:, names].sum(dim=1).tolist()


def measure(
    sentences: Sequence[list[str]], models: Mapping[str, TaggerDecoder], seed: int, quick: bool, tell: Tell
) -> dict[str, Any]:
    """The models side by side; without any, forward-only and bidirectional ones, means over several seeds."""
    groups, f1 = {name: [decoder] for name, decoder in models.items()}, {}
    for name in () if models else ("forward-only", "bidirectional"):
        both, seeds, epochs = name == "bidirectional", 1 if quick else 5, 4 if quick else 10
        tell(f"{name}: trains {seeds} on the sample corpus")
        groups[name] = [small_tagger(seed + n, epochs, cell="gru", bidirectional=both) for n in range(seeds)]
        f1[name] = mean(evaluate(one, sample("test")).f1 for one in groups[name])
    rows = []
    for words in sentences:
        each = {name: [name_probabilities(one, words) for one in own] for name, own in groups.items()}
        means = {name: [mean(at) for at in zip(*own, strict=True)] for name, own in each.items()}
        rows.append({"words": words, "names": means})
    return {"f1": f1, "sentences": rows}


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """Bars for each word of each sentence, one a model."""
    rows = figures["sentences"]
    for axes, row in zip(figure.subplots(len(rows), 1, squeeze=False)[:, 0], rows, strict=True):
        bars(axes, row["names"], row["words"])
        axes.set(ylim=(0, 1.1), ylabel="P(name)")
