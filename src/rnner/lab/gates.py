"""What gates decide at each word, Γ = σ(W [a<t-1>, x<t>] + b), and what the memory kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from rnner.data.bags import bags_of
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.errors import UsageError
from rnner.lab import memory
from rnner.lab.small_networks import Tell
from rnner.nn.cells import Cell, GRUCell, GRUResetAfterCell, LSTMCell
from rnner.nn.recurrent import Bidirectional, Recurrent, Stack
from rnner.render.pictures import Figure

_BLOCKS: dict[type[Cell], dict[str, int]] = {  # which block of the weights' rows is which gate
    GRUCell: {"Γ_u": 1, "Γ_r": 0},
    GRUResetAfterCell: {"Γ_u": 1, "Γ_r": 0},
    LSTMCell: {"Γ_u": 0, "Γ_f": 1, "Γ_o": 3},
}


Heard = tuple[str, Recurrent, Tensor]  # a recurrence with its name, and what it read: x [b, t, i]


def listen(decoder: TaggerDecoder, sentences: Sequence[list[str]]) -> list[Heard]:
    """What each recurrence of a tagger reads of sentences of one length, each a document of its own."""
    layers, read = cast(Stack, decoder.tagger.encoder).layers, []
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0])) for layer in layers]
    bags = bags_of(sentences, range(len(sentences)), decoder.vocabulary.row) if decoder.documents else None
    decoder.tagger.eval()(decoder.vocabulary.encode(sentences, bags=bags).to(decoder.device))
    for hook in hooks:
        hook.remove()
    found = []
    for number, (layer, x) in enumerate(zip(layers, read, strict=True), start=1):
        both = (layer.forward_layer, layer.backward_layer) if isinstance(layer, Bidirectional) else (layer,)
        for one in cast("tuple[Recurrent, ...]", both):
            name = f"layer {number}, " * (len(layers) > 1) + ("backward" if one.reverse else "forward")
            found.append((name, one, x.detach()))
    return found


def agreeing(cell: str, words: Tensor, seed: int, steps: int, tell: Tell, **sentences: int) -> Heard:
    """A cell that has learnt agreement first, and what it reads of words `[b, t]`; see `memory.learn`."""
    tell(f"{cell}: learns that the cats which ... were full")
    model = memory.learn(cell, seed, steps, **sentences)
    return cell, model.layer, model.embedding(words).detach()


@torch.no_grad()
def open_gates(cell: Cell, x: Tensor) -> dict[str, Tensor]:
    """The gates `[t, h]` of a GRU or LSTM at words x `[t, i]`; UsageError for a cell without known gates."""
    if type(cell) not in _BLOCKS:
        raise UsageError(f"{type(cell).__name__} has no gates that are known: take a model of gru or lstm")
    state, opened = cell.initial_state(x[:1]), []
    for projected in cell.project(x)[:, None]:
        opened.append(torch.sigmoid(projected + state[0] @ cell.W_aa.T))
        state = cell.step(projected, state)
    blocks = torch.cat(opened).chunk(cell.gates, dim=-1)
    gates = {name: blocks[block] for name, block in _BLOCKS[type(cell)].items()}
    if isinstance(cell, GRUResetAfterCell):
        gates["Γ_u"] = 1 - gates["Γ_u"]  # its z
    return gates


def what_is_kept(gates: dict[str, Tensor]) -> Tensor:
    """How much of what was written at word t (column) is in the memory at word s (row): `[t, t]`.

    c<t> = Γ_u * c̃ + Γ_f * c<t-1>, where a GRU's Γ_f is 1 - Γ_u, so it is Γ_u<t> Γ_f<t+1> ... Γ_f<s>, here its
    mean over the units. A row of a GRU sums to 1, less what is left of the zeros at the start.
    """
    write = gates["Γ_u"]
    keep = gates.get("Γ_f", 1 - write)
    now, rows = torch.zeros_like(write), []
    for t in range(len(write)):
        now = now * keep[t]
        now[t] = write[t]
        rows.append(now.mean(dim=-1))
    return torch.stack(rows)


def measure(
    words: list[str], decoder: TaggerDecoder | None, seed: int, quick: bool, tell: Tell
) -> dict[str, Any]:
    """The gates over a sentence, in the order of reading: of a tagger, or of a GRU that learns agreement."""
    if decoder is None:
        if unknown := [word for word in words if word.lower() not in memory.WORDS]:
            raise UsageError(f"{unknown[0]}: unknown without --model; known are {', '.join(memory.WORDS)}")
        numbers = torch.tensor([[memory.WORDS[word.lower()] for word in words]])
        heard = [agreeing("gru", numbers, seed, 400 if quick else 2000, tell, joined=2, longest=10)]
    else:
        heard = listen(decoder, [words])
    found = {}
    for name, layer, x in heard:
        gates = open_gates(layer.cell, x[0].flip(0) if layer.reverse else x[0])
        order = gates["Γ_u"].mean(dim=0).argsort(descending=True)
        opened = {gate: values[:, order].tolist() for gate, values in gates.items()}
        read = words[::-1] if layer.reverse else words
        found[name] = {"words": read, "gates": opened, "kept": what_is_kept(gates).tolist()}
    return found


def draw(figure: Figure, figures: dict[str, Any]) -> None:
    """A row of heat maps a recurrence: each gate, and what was kept."""
    columns = 1 + max(len(one["gates"]) for one in figures.values())
    grid = figure.subplots(len(figures), columns, squeeze=False)
    for (direction, one), row in zip(figures.items(), grid, strict=True):
        ticks, words = range(len(one["words"])), one["words"]
        units = {f"{name}, {direction}: units": [*zip(*of, strict=True)] for name, of in one["gates"].items()}
        maps = {**units, "what is held (row) of each word (column)": one["kept"]}
        for axes, (title, values) in zip(row, maps.items(), strict=True):
            shown = axes.imshow(values, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
            axes.set(title=title, yticks=[])
            axes.set_xticks(ticks, words, rotation=60, ha="right", rotation_mode="anchor")
            axes.grid(visible=False)
        axes.set_yticks(ticks, words)
        figure.colorbar(shown, ax=axes)
