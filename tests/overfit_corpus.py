"""A tiny corpus that a model can overfit."""

from pathlib import Path

# Words with their tags after a bar; O is omitted.
TRAIN = """\
Ada|B-PER Lovelace|I-PER wrote to Charles|B-PER Babbage|I-PER .
The letter left London|B-LOC on Monday .
Grace|B-PER Hopper|I-PER joined Remington|B-ORG Rand|I-ORG in Philadelphia|B-LOC .
Nobody in Paris|B-LOC had heard of it .
Alan|B-PER Turing|I-PER walked from Cambridge|B-LOC to London|B-LOC .
Bell|B-ORG Labs|I-ORG hired Claude|B-PER Shannon|I-PER .
She slept on the train .
Konrad|B-PER Zuse|I-PER built a machine in Berlin|B-LOC .
The engineers of Remington|B-ORG Rand|I-ORG visited Berlin|B-LOC .
Charles|B-PER Babbage|I-PER never finished it .
Hedy|B-PER Lamarr|I-PER of Vienna|B-LOC met Alan|B-PER Turing|I-PER .
Rain fell on Philadelphia|B-LOC .
Bell|B-ORG Labs|I-ORG moved away from Cambridge|B-LOC .
It was a good year .
"""
DEV = """\
Ada|B-PER Lovelace|I-PER walked to Paris|B-LOC .
Remington|B-ORG Rand|I-ORG hired nobody .
It rained .
"""
TEST = """\
Konrad|B-PER Zuse|I-PER wrote to Bell|B-ORG Labs|I-ORG .
Vienna|B-LOC slept .
"""
CONFIG = """\
data: {train: train.conll, dev: dev.conll, test: test.conll}
embeddings:
  words: {size: 16, min_count: 1}
  characters: {size: 8, hidden: 8}
encoder: {cell: gru, hidden: 16}
dropout: {words: 0, input: 0, hidden: 0, output: 0}
training: {epochs: 30, batch_sentences: 4, learning_rate: 0.02, average: null, seed: 3}
"""


def conll(sentences: str) -> str:
    """Return the sentences in two columns."""
    rows = ("\n".join(_row(word) for word in line.split()) for line in sentences.splitlines())
    return "\n\n".join(rows) + "\n"


def _row(word: str) -> str:
    form, _, tag = word.partition("|")
    return f"{form} {tag or 'O'}"


def write_corpus(folder: Path) -> None:
    for name, sentences in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        (folder / f"{name}.conll").write_text(conll(sentences))
    (folder / "tiny.yaml").write_text(CONFIG)
