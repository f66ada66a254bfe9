"""A vocabulary of three sentences, and what the tests of vocabularies share."""

import numpy as np

from rnner.data.vectors import Vectors
from rnner.data.vocabulary import Vocabulary
from tiny_corpus import counted

SENTENCES = [
    ["Harry", "Potter", "met", "Hermione", "Granger", "in", "London", "in", "1997", "."],
    ["Hermione", "met", "Harry", "in", "2003", ",", "and", "Harry", "laughed", "."],
    ["They", "met", "in", "the", "café", "at", "10:30", "."],
]
LABELS = ["LOC", "PER"]
N_GRAMS = ["ger>", "<gr", "ang", "rry", "obb", "<bbc"]


def build(sentences=SENTENCES, labels=LABELS, scheme="iob2", **options):
    return Vocabulary.build(counted(sentences), labels=labels, scheme=scheme, **options)


def vectors(*words, dimension=3):
    matrix = np.arange(1, len(words) * dimension + 1, dtype=np.float32).reshape(len(words), dimension)
    return Vectors(list(words), matrix)


def batch_forms(vocabulary, sentences):
    """Return word id, casing and characters without padding of each word of each sentence."""
    batch = vocabulary.encode(sentences)
    result = []
    for i, length in enumerate(batch.lengths.tolist()):
        rows = batch.forms[i, :length].tolist()
        result.append(
            [
                (
                    int(batch.words[row]),
                    int(batch.casing[row]),
                    [c for c in batch.characters[row].tolist() if c],
                )
                for row in rows
            ]
        )
    return result
