"""What the experiments are made of: a small network, how it is trained, what it reads, and small taggers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from rnner.config import parse_config
from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.nn.cells import State, get_cell
from rnner.nn.recurrent import Recurrent
from rnner.training.setup import prepare, trainer_of

Tell = Callable[[str], None]  # takes a line about how far an experiment is


class Reader(nn.Module):
    """So many symbols, as vectors of a size, into a registered cell; k outputs ŷ<t> = W_ya a<t> + b_y."""

    def __init__(self, symbols: int, outputs: int, cell: str, hidden: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size)
        self.layer = Recurrent(get_cell(cell)(size, hidden))
        self.output = nn.Linear(hidden, outputs)

    def forward(self, symbols: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Symbols `[b, t]`, lengths `[b]` to scores `[b, t, k]` and the state after each last symbol."""
        a, state = self.layer(self.embedding(symbols), lengths, state)
        return self.output(a), state


def fit(model: nn.Module, loss_of: Callable[[], Tensor], steps: int) -> None:
    """Train with AdamW, a rate that falls linearly to 0, and clipping; `loss_of` draws a batch."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def padded(rows: Iterable[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Rows of numbers as one tensor `[b, t]` int64, 0 in the padding, and their lengths `[b]`."""
    tensors = [torch.tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True), torch.tensor([len(row) for row in tensors])


def inside(lengths: Tensor) -> Tensor:
    """Where rows of lengths `[b]` are no padding: `[b, t]` bool."""
    return torch.arange(int(lengths.max())) < lengths[:, None]


def numbered(*symbols: str) -> dict[str, int]:
    """A number for each distinct symbol, from 0."""
    return {symbol: number for number, symbol in enumerate(dict.fromkeys(symbols))}


def sample(part: str, scheme: str = "binary") -> Split:
    """A part of the sample corpus: train, dev or test."""
    return read_split(resolve(f"sample:{part}"), scheme=scheme)


def known_words(split: Split) -> dict[str, int]:
    """A number for each word that stands there twice, after 0 and 1 for the others (1: with a capital)."""
    return numbered("unknown", "Unknown", *(word for word, count in split.counts.items() if count >= 2))


def words_as_numbers(sentences: Iterable[list[str]], known: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Sentences as `padded` numbers of `known_words`."""
    return padded([known.get(word, int(word[0].isupper())) for word in words] for words in sentences)


_SMALL: dict[str, Any] = {
    "data": {"train": "sample:train", "dev": "sample:dev", "scheme": "binary"},
    "embeddings": {"words": {"size": 50}, "characters": {"hidden": 30}, "casing": 10},
    "dropout": {"words": 0.1, "input": 0.3, "output": 0.3},
    "head": "softmax",  # a CRF would let the tag of a word know those after it
}


def small_tagger(seed: int, epochs: int, **encoder: Any) -> TaggerDecoder:
    """A tagger of names, label 1 or 0, trained on the sample corpus; `encoder` as in a config."""
    plan = {"epochs": epochs, "batch_sentences": 8, "average": None, "seed": seed}
    config = parse_config({**_SMALL, "encoder": {"hidden": 50, **encoder}, "training": plan})
    job = prepare(config, device=torch.device("cpu"))
    for _ in trainer_of(job).fit():
        pass
    return TaggerDecoder(job.tagger, job.vocabulary)
