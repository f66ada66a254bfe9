"""Translate numbers in words to digits (many to many) with an encoder, a decoder and beam search."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rnner.lab.small_networks import RNNModel, pad, symbol_ids
from rnner.nn.cells import GRUCell
from rnner.nn.recurrent import Recurrent

_TO_NINE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = tuple(stem + "teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine"))
_BELOW_20 = (*_TO_NINE, "ten", "eleven", "twelve", *_TEENS)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMERAL_IDS = symbol_ids(*_BELOW_20, *_TENS, "hundred", "thousand", "and")
BOUNDARY = 10  # symbol before the first digit and after the last


def spell(number: int) -> list[str]:
    """Return a number below a million in words: 4,070 is four thousand and seventy."""
    for size, word in ((1000, "thousand"), (100, "hundred")):
        many, rest = divmod(number, size)
        if many:
            return [*spell(many), word, *["and"] * (0 < rest < 100), *(spell(rest) if rest else [])]
    if number < 20:
        return [_BELOW_20[number]]
    return [_TENS[number // 10], *([_BELOW_20[number % 10]] if number % 10 else [])]


def word_by_word(words: list[str]) -> str:
    """Return the baseline: each word as digits (twenty becomes 2), regardless of context."""
    digits = {word: str(n) for numerals in (_TENS, _BELOW_20) for n, word in enumerate(numerals)}
    return "".join(digits.get(word, "") for word in words)


class Translator(nn.Module):
    """An encoder and a decoder that starts from the encoder's last state (Cho et al. 2014)."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(NUMERAL_IDS), size)
        self.encoder = Recurrent(GRUCell(size, hidden))
        self.decoder = RNNModel(BOUNDARY + 1, BOUNDARY + 1, "gru", hidden, size)

    def loss(self, numbers: list[int]) -> Tensor:
        """Return the mean cross-entropy of each digit, given the digits before it."""
        words, lengths = pad([NUMERAL_IDS[word] for word in spell(number)] for number in numbers)
        _, state = self.encoder(self.embedding(words), lengths)
        digits = ([BOUNDARY, *map(int, str(number)), BOUNDARY] for number in numbers)
        return self.decoder.next_symbol_loss(digits, state)

    @torch.no_grad()
    def translate(self, words: list[str], beam: int, longest: int = 8) -> str:
        """Return the most probable digits that beam search finds; a beam of 1 is greedy decoding."""
        x, one = self.embedding(torch.tensor([[NUMERAL_IDS[word] for word in words]])), torch.tensor([1])
        _, state = self.encoder(x, one * len(words))
        open_paths, finished = [(0.0, [BOUNDARY], state)], [(-torch.inf, "")]
        while open_paths and open_paths[0][0] > max(finished)[0] and len(open_paths[0][1]) <= longest:
            longer = []
            for log_p, path, state in open_paths:
                scores, after = self.decoder(torch.tensor([path[-1:]]), one, state)
                log_ps, symbols = scores[0, 0].log_softmax(dim=0).topk(beam)
                for more, symbol in zip(log_ps.tolist(), symbols.tolist(), strict=True):
                    longer.append((log_p + more, [*path, symbol], after))
            longer = sorted(longer, key=lambda path: -path[0])[:beam]
            finished += [
                (log_p, "".join(map(str, path[1:-1]))) for log_p, path, _ in longer if path[-1] == BOUNDARY
            ]
            open_paths = [path for path in longer if path[1][-1] != BOUNDARY]
        return max(finished)[1]
