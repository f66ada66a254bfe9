"""Code shared by the experiments: a small recurrent network, its training and its data, and small taggers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.config import parse_config
from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.nn.cells import State, get_cell
from rnner.nn.recurrent import Recurrent
from rnner.training.setup import make_trainer, prepare_training

Log = Callable[[str], None]  # called with a line of progress


class RNNModel(nn.Module):
    """Embeddings of `size`, one recurrent layer of any registered cell, and ŷ<t> = W_ya a<t> + b_y."""

    def __init__(self, symbols: int, outputs: int, cell: str, hidden: int, size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size)
        self.layer = Recurrent(get_cell(cell)(size, hidden))
        self.output = nn.Linear(hidden, outputs)

    def forward(self, symbols: Tensor, lengths: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Map symbols `[b, t]` to scores `[b, t, outputs]` and the state after each row's last symbol."""
        a, state = self.layer(self.embedding(symbols), lengths, state)
        return self.output(a), state

    def next_symbol_loss(self, rows: Iterable[Sequence[int]], state: State | None = None) -> Tensor:
        """Return the mean cross-entropy of each symbol but the first, given the symbols before it."""
        symbols, lengths = pad(rows)
        scores, _ = self(symbols[:, :-1], lengths - 1, state)
        mask = length_mask(lengths - 1)
        return F.cross_entropy(scores[mask], symbols[:, 1:][mask])


def train(model: nn.Module, batch_loss: Callable[[], Tensor], steps: int) -> None:
    """Train with AdamW, gradient clipping and a learning rate that falls linearly to 0.

    `batch_loss` draws a batch and returns its loss.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.0, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    for _ in range(steps):
        optimizer.zero_grad()
        batch_loss().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()


def pad(rows: Iterable[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Return rows of ids as one tensor `[b, t]` int64, padded with 0, and their lengths `[b]`."""
    tensors = [torch.tensor(row) for row in rows]
    return nn.utils.rnn.pad_sequence(tensors, batch_first=True), torch.tensor([len(row) for row in tensors])


def length_mask(lengths: Tensor) -> Tensor:
    """Return a mask `[b, t]` (bool) that is False in the padding."""
    return torch.arange(int(lengths.max())) < lengths[:, None]


def symbol_ids(*symbols: str) -> dict[str, int]:
    """Number the distinct symbols from 0, in order of first occurrence."""
    return {symbol: number for number, symbol in enumerate(dict.fromkeys(symbols))}


def sample_split(part: str, scheme: str = "binary") -> Split:
    """Read `train`, `dev` or `test` of the sample corpus."""
    return read_split(resolve(f"sample:{part}"), scheme=scheme)


def word_ids(split: Split) -> dict[str, int]:
    """Number the words that occur at least twice, from 2; other words are 1 if capitalised, else 0."""
    return symbol_ids("unknown", "Unknown", *(word for word, count in split.counts.items() if count >= 2))


def encode(sentences: Iterable[list[str]], ids: dict[str, int]) -> tuple[Tensor, Tensor]:
    """Return sentences as padded `word_ids` `[b, t]`, and their lengths `[b]`."""
    return pad([ids.get(word, int(word[0].isupper())) for word in words] for words in sentences)


_TAGGER_CONFIG: dict[str, Any] = {
    "data": {"train": "sample:train", "dev": "sample:dev", "scheme": "binary"},
    "embeddings": {"words": {"size": 50}, "characters": {"hidden": 30}, "casing": 10},
    "dropout": {"words": 0.1, "input": 0.3, "output": 0.3},
    "head": "softmax",  # with a CRF, the tag of a word would depend on later tags
}


def train_tagger(seed: int, epochs: int, **encoder: Any) -> TaggerDecoder:
    """Train a tagger of names (tags 1 and 0) on the sample corpus.

    `encoder` sets keys of the config's `encoder` section.
    """
    training = {"epochs": epochs, "batch_sentences": 8, "average": None, "seed": seed}
    config = parse_config({**_TAGGER_CONFIG, "encoder": {"hidden": 50, **encoder}, "training": training})
    setup = prepare_training(config, device=torch.device("cpu"))
    for _ in make_trainer(setup).fit():
        pass
    return TaggerDecoder(setup.tagger, setup.vocabulary)
