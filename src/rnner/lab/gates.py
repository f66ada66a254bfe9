"""What gates do at each word, and how much of each word the memory keeps.

Claim of the notes: the update gate of a GRU, Γ_u = σ(W_u [c<t-1>, x<t>] + b_u), opens at "cats" and stays
closed until "were", so the memory c<t> = Γ_u * c̃<t> + (1 - Γ_u) * c<t-1> keeps the number of the subject.

How to read it: one row per word, in reading order, and one shade for each group of units, with the largest
mean Γ_u on the left. The last column is the share of the word that the memory still holds at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import torch
from rich.console import Group, RenderableType
from rich.table import Table
from torch import Tensor

from rnner.data.bags import bags_of_words
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import UsageError
from rnner.lab.memory import WORD_IDS, train_agreement
from rnner.lab.small_networks import Log
from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell
from rnner.nn.recurrent import Recurrent, RecurrentLayer, Stack
from rnner.render.plotting import Figure, caption
from rnner.render.tables import text_bar
from rnner.system.terminal import printable

_CAPTION = (
    "A bright cell is an open gate; in the last panel, a bright column is a word that the memory still "
    "holds several words later."
)

_GATE_BLOCKS: dict[type[Cell], dict[str, int]] = {  # index of each gate's block of weight rows
    GRUCell: {"Γ_u": 1, "Γ_r": 0},
    GRUResetAfterCell: {"Γ_u": 1, "Γ_r": 0},
    LSTMCell: {"Γ_u": 0, "Γ_f": 1, "Γ_o": 3},
}

LayerInput = tuple[str, Recurrent, Tensor]  # name, layer, and the layer's input x [b, t, i]


def tagger_inputs(decoder: TaggerDecoder, sentences: Sequence[list[str]]) -> list[LayerInput]:
    """Record the input of each recurrent layer of a tagger for sentences of equal length, each a document."""
    layers, inputs = cast(Stack, decoder.tagger.encoder).layers, []
    hooks = [layer.register_forward_pre_hook(lambda _, given: inputs.append(given[0])) for layer in layers]
    numbers, row = range(len(sentences)), decoder.vocabulary.row
    bags = bags_of_words(sentences, numbers, row) if decoder.uses_documents else None
    decoder.tagger.eval()(decoder.vocabulary.encode(sentences, bags=bags).to(decoder.device))
    for hook in hooks:
        hook.remove()
    found = []
    for number, (layer, x) in enumerate(zip(layers, inputs, strict=True), start=1):
        for one in cast(RecurrentLayer, layer).directions:
            name = f"layer {number}, " * (len(layers) > 1) + ("backward" if one.reverse else "forward")
            found.append((name, one, x.detach()))
    return found


def agreement_inputs(
    cell: str, words: Tensor, seed: int, steps: int, log: Log, **sentences: int
) -> LayerInput:
    """Train a network with `train_agreement`; return cell name, layer and layer input for words `[b, t]`."""
    log(f"{cell}: learning agreement (the cats which ... were full)")
    model = train_agreement(cell, seed, steps, **sentences)
    return cell, model.layer, model.embedding(words).detach()


@torch.no_grad()
def gate_values(cell: Cell, x: Tensor) -> dict[str, Tensor]:
    """Return the gates `[t, h]` of a GRU or LSTM for words x `[t, i]`.

    Raises:
        UsageError: the cell is neither a GRU nor an LSTM.
    """
    if type(cell) not in _GATE_BLOCKS:
        raise UsageError(f"{type(cell).__name__} has no known gates; use a model with gru or lstm cells")
    state, values = cell.initial_state(x[:1]), []
    for projected in cell.project(x)[:, None]:
        values.append(torch.sigmoid(projected + state[0] @ cell.W_aa.T))
        state = cell.step(projected, state)
    blocks = torch.cat(values).chunk(cell.gates, dim=-1)
    gates = {name: blocks[block] for name, block in _GATE_BLOCKS[type(cell)].items()}
    if isinstance(cell, GRUResetAfterCell):
        gates["Γ_u"] = 1 - gates["Γ_u"]  # the cell's own gate is z = 1 - Γ_u
    return gates


def kept_shares(gates: dict[str, Tensor]) -> Tensor:
    """Return the share `[t, t]` of word t (column) that the memory holds at word s (row), mean over units.

    Since c<t> = Γ_u * c̃<t> + Γ_f * c<t-1>, with Γ_f = 1 - Γ_u in a GRU, this is Γ_u<t> Γ_f<t+1> ... Γ_f<s>.
    A row of a GRU sums to 1 minus the share that is left of the initial state.
    """
    write = gates["Γ_u"]
    keep = gates.get("Γ_f", 1 - write)
    shares, rows = torch.zeros_like(write), []
    for t in range(len(write)):
        shares = shares * keep[t]
        shares[t] = write[t]
        rows.append(shares.mean(dim=-1))
    return torch.stack(rows)


def measure(
    words: list[str], decoder: TaggerDecoder | None, seed: int, quick: bool, log: Log
) -> dict[str, Any]:
    """Return the gates over a sentence, in reading order, of a tagger or of a GRU trained on agreement."""
    if decoder is None:
        if unknown := [word for word in words if word.lower() not in WORD_IDS]:
            raise UsageError(f"{unknown[0]}: unknown word; without --model, use only {', '.join(WORD_IDS)}")
        ids, steps = torch.tensor([[WORD_IDS[word.lower()] for word in words]]), 400 if quick else 2000
        recorded = [agreement_inputs("gru", ids, seed, steps, log, joined=2, longest=10)]
    else:
        recorded = tagger_inputs(decoder, [words])
    found = {}
    for name, layer, x in recorded:
        gates = gate_values(layer.cell, x[0].flip(0) if layer.reverse else x[0])
        order = gates["Γ_u"].mean(dim=0).argsort(descending=True)
        found[name] = {
            "words": words[::-1] if layer.reverse else words,
            "gates": {gate: values[:, order].tolist() for gate, values in gates.items()},
            "kept": kept_shares(gates).tolist(),
        }
    return found


def table(results: dict[str, Any]) -> RenderableType:
    """Render one table per layer and direction, with one row per word."""
    tables = []
    for name, row in results.items():
        rendered = Table(box=None, title=name, title_justify="left", padding=(0, 1, 0, 0))
        rendered.add_column("word", max_width=16, no_wrap=True)
        for title in (*(f"{gate}: units, mean" for gate in row["gates"]), "left at the end"):
            rendered.add_column(title, no_wrap=True)
        width = 51 // len(row["gates"]) - 6
        for word, left, *gates in zip(row["words"], row["kept"][-1], *row["gates"].values(), strict=True):
            units = [f"{_shades(values, width)} {sum(values) / len(values):.2f}" for values in gates]
            rendered.add_row(printable(word), *units, f"{left:.2f} {text_bar(left, 10)}")
        tables.append(rendered)
    return Group(*tables)


def _shades(shares: Sequence[float], width: int) -> str:
    """Return at most `width` characters, each the mean of neighbouring shares in [0, 1]."""
    borders = [round(n * len(shares) / width) for n in range(width + 1)]
    groups = [shares[a:b] for a, b in pairwise(borders) if a < b]
    return "".join(" ░▒▓█"[min(4, int(5 * sum(group) / len(group)))] for group in groups)


def plot(figure: Figure, results: dict[str, Any]) -> None:
    """Draw one row of heat maps per layer and direction: each gate, and what the memory keeps."""
    columns = 1 + max(len(row["gates"]) for row in results.values())
    figure.set_size_inches(3.6 * columns, 3.6 * len(results))
    grid = figure.subplots(len(results), columns, squeeze=False)
    for (name, row), panels in zip(results.items(), grid, strict=True):
        ticks, words = range(len(row["words"])), row["words"]
        maps = {f"{gate}, {name}": [*zip(*own, strict=True)] for gate, own in row["gates"].items()}
        maps["What the memory keeps of each word"] = row["kept"]
        for axes, (title, values) in zip(panels, maps.items(), strict=True):
            image = axes.imshow(values, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            axes.set(title=title, yticks=[], xlabel="word", ylabel="unit, by mean Γ_u")
            axes.set_xticks(ticks, words, rotation=60, ha="right", rotation_mode="anchor")
            axes.grid(visible=False)
        axes.set_yticks(ticks, words)
        axes.set_ylabel("after reading this word")
        figure.colorbar(image, ax=axes, label="0: closed or forgotten, 1: open or kept")
    caption(figure, _CAPTION)
