"""From column text to one optimizer step, with the library alone, without the command line.

Run it with `python examples/train_step.py`.
"""

import tempfile
from pathlib import Path

import torch
from torch import nn

from rnner.data.corpus import read_split
from rnner.data.vocabulary import Vocabulary
from rnner.model.build import build_head
from rnner.model.tagger import Tagger
from rnner.nn.cells import LSTMCell
from rnner.nn.embeddings import WordEmbedding
from rnner.nn.recurrent import Bidirectional, Recurrent

TEXT = """
Ada B-PER
Lovelace I-PER
wrote O
to O
Charles B-PER
Babbage I-PER
. O

London B-LOC
slept O
. O
"""


def main() -> None:
    """Take one step and print the loss before and after it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.conll"
        path.write_text(TEXT, encoding="utf-8")
        split = read_split(path, scheme="bioes")
    vocabulary = Vocabulary.build(split.counts, labels=split.labels, scheme=split.scheme, min_count=1)
    batch = vocabulary.encode(*split.sentences()).to("cpu")

    torch.manual_seed(1)
    words = WordEmbedding(len(vocabulary.words), 50)
    encoder = Bidirectional(Recurrent(LSTMCell(50, 32)), Recurrent(LSTMCell(50, 32), reverse=True))
    tagger = Tagger(words=words, encoder=encoder, head=build_head("crf", vocabulary))
    optimizer = torch.optim.AdamW(tagger.parameters(), lr=0.01)

    loss = tagger.loss(batch)
    loss.backward()
    nn.utils.clip_grad_norm_(tagger.parameters(), 5.0)
    optimizer.step()
    print(f"loss before the step {loss:.3f}, after it {tagger.loss(batch):.3f}")


if __name__ == "__main__":
    main()
