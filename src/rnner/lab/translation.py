"""Numbers written out to digits, many to many of different length: an encoder, a decoder, beam search."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rnner.lab.small_networks import Reader, inside, numbered, padded
from rnner.nn.cells import GRUCell
from rnner.nn.recurrent import Recurrent

_TO_NINE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = tuple(stem + "teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine"))
_BELOW_20 = (*_TO_NINE, "ten", "eleven", "twelve", *_TEENS)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
WORDS = numbered(*_BELOW_20, *_TENS, "hundred", "thousand", "and")
END = 10  # the symbol before the first digit and after the last


def spelled(number: int) -> list[str]:
    """A number below a million in words: 4,070 is four thousand and seventy."""
    for size, word in ((1000, "thousand"), (100, "hundred")):
        many, rest = divmod(number, size)
        if many:
            return [*spelled(many), word, *["and"] * (0 < rest < 100), *(spelled(rest) if rest else [])]
    if number < 20:
        return [_BELOW_20[number]]
    return [_TENS[number // 10], *([_BELOW_20[number % 10]] if number % 10 else [])]


def word_by_word(words: list[str]) -> str:
    """The baseline: each word its own digits (twenty: 2), whatever stands around it."""
    digits = {word: str(n) for own in (_TENS, _BELOW_20) for n, word in enumerate(own)}
    return "".join(digits.get(word, "") for word in words)


class Translator(nn.Module):
    """The encoder's last state is all that the decoder knows of the words (Cho et al. 2014)."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), size)
        self.encoder = Recurrent(GRUCell(size, hidden))
        self.decoder = Reader(END + 1, END + 1, "gru", hidden, size)

    def loss(self, numbers: list[int]) -> Tensor:
        """Mean cross-entropy of the digits of numbers, each given the digits before it."""
        words, lengths = padded([WORDS[word] for word in spelled(number)] for number in numbers)
        digits, sizes = padded([END, *map(int, str(number)), END] for number in numbers)
        _, state = self.encoder(self.embedding(words), lengths)
        scores, _ = self.decoder(digits[:, :-1], sizes - 1, state)
        return F.cross_entropy(scores[inside(sizes - 1)], digits[:, 1:][inside(sizes - 1)])

    @torch.no_grad()
    def translate(self, words: list[str], beam: int, longest: int = 8) -> str:
        """The most probable digits found, so many beginnings being followed at a time; 1 is greedy."""
        read, one = self.embedding(torch.tensor([[WORDS[word] for word in words]])), torch.tensor([1])
        _, state = self.encoder(read, one * len(words))
        begun, ended = [(0.0, [END], state)], [(-torch.inf, "")]
        while begun and begun[0][0] > max(ended)[0] and len(begun[0][1]) <= longest:
            grown = []
            for log, path, state in begun:
                scores, after = self.decoder(torch.tensor([path[-1:]]), one, state)
                logs, symbols = scores[0, 0].log_softmax(dim=0).topk(beam)
                for more, symbol in zip(logs.tolist(), symbols.tolist(), strict=True):
                    grown.append((log + more, [*path, symbol], after))
            grown = sorted(grown, key=lambda own: -own[0])[:beam]
            ended += [(log, "".join(map(str, path[1:-1]))) for log, path, _ in grown if path[-1] == END]
            begun = [own for own in grown if own[1][-1] != END]
        return max(ended)[1]
