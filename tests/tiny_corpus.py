"""A tiny annotated corpus, and small models and trainers for it."""

import re
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from rnner.config import parse_config
from rnner.data.lexicon import Lexicon
from rnner.data.splits import Split
from rnner.data.token_table import TableRow, build_table
from rnner.data.vectors import Vectors
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.model.build import build_tagger
from rnner.tags import from_spans, to_spans
from rnner.training.setup import evaluate_dev
from rnner.training.trainer import Trainer

TRAIN = """
[PER Harry Potter] and [PER Hermione Granger] invented a new spell .
[PER Hermione] went back to [LOC London] in 1997 .
The [ORG Ministry of Magic] fined [PER Lucius Malfoy] .
[LOC Hogwarts] lies north of [LOC Edinburgh] , they say .
[ORG Gringotts Bank] opened in [LOC London] .
It rained .
[PER Ron Weasley] 's brother left [ORG Gringotts] for [LOC Egypt] last year .
Nobody saw the [MISC Hungarian] dragon fly over [LOC Wales] .
[PER Neville] lost his toad on the train .
[PER Minerva McGonagall] teaches at [LOC Hogwarts] .
"""
DEV = """
[PER Luna Lovegood] wrote to [PER Harry] from [LOC Cornwall] .
The [ORG Daily Prophet] is printed in [LOC London] .
It snowed .
"""
TEST = """
[PER Ginny Weasley] met [PER Neville Longbottom] in [LOC Hogsmeade] .
They drank tea .
"""

SMALL = (
    "embeddings.words.size=8",
    "embeddings.words.min_count=1",
    "embeddings.casing=3",
    "embeddings.characters.size=4",
    "embeddings.characters.hidden=5",
    "encoder.hidden=8",
    "training.batch_sentences=4",
    "training.epochs=3",
    "training.learning_rate=0.01",
)
CHARACTERS = {
    "cnn": (),
    "recurrent": ("embeddings.characters.encoder=recurrent", "embeddings.characters.cell=gru"),
    "none": ("embeddings.characters=null",),
}


def annotated(text):
    """Return the words and IOB2 tags of each line, such as `[PER Harry Potter] slept .`"""
    sentences = []
    for line in text.strip().splitlines():
        words, tags = [], []
        for label, name, word in re.findall(r"\[(\S+) ([^\]]+)\]|(\S+)", line):
            own = name.split() if label else [word]
            words += own
            tags += [f"B-{label}"] + [f"I-{label}"] * (len(own) - 1) if label else ["O"]
        sentences.append((words, tags))
    return sentences


def words_of(text):
    return [words for words, _ in annotated(text)]


def counted(sentences):
    """Return the word counts of some sentences, for `Vocabulary.build`."""
    return Counter(chain.from_iterable(sentences))


def split_of(text, scheme="bioes", name="train", documents=None):
    """Return a split with the sentences of `text`; by default they are one document."""
    sentences = annotated(text)
    rows = [
        TableRow(words, from_spans(to_spans(tags, "iob2"), len(words), scheme), document, 1)
        for (words, tags), document in zip(sentences, documents or [0] * len(sentences), strict=True)
    ]
    return Split(build_table(rows), Path(f"{name}.conll"), name, scheme)


def write_columns(path, text, separator="\t"):
    """Write the sentences of `text` as an IOB2 column file."""
    blocks = [
        "".join(f"{word}{separator}{tag}\n" for word, tag in zip(words, tags, strict=True))
        for words, tags in annotated(text)
    ]
    path.write_text("\n".join(blocks), encoding="utf-8")
    return path


def config_of(*overrides, train="train.conll", **data):
    return parse_config({"data": {"train": str(train), **data}}, [*SMALL, *overrides])


def corpus_config(folder, *overrides):
    """Write the corpus to `folder` and return a config for it."""
    files = {"train": TRAIN, "dev": DEV, "test": TEST}
    paths = {name: str(write_columns(folder / f"{name}.conll", text)) for name, text in files.items()}
    return config_of(*overrides, **paths)


def vocabulary_of(text=TRAIN, scheme="bioes", *, lexicon=False, **options):
    split = split_of(text, scheme)
    vocabulary = Vocabulary.build(
        split.counts,
        labels=split.labels,
        scheme=scheme,
        **{"min_count": 1, **options},
    )
    return replace(vocabulary, lexicon=Lexicon.learn(split, split.labels)) if lexicon else vocabulary


def tagger_of(*overrides, vocabulary=None, seed=1):
    """Return an untrained tagger with large emissions, so that it finds entities."""
    torch.manual_seed(seed)
    vocabulary = vocabulary or vocabulary_of()
    tagger = build_tagger(config_of(*overrides), vocabulary)
    with torch.no_grad():
        tagger.emission.weight.mul_(3)
    return tagger.eval(), vocabulary


def tagger_with_context(*overrides, seed=1):
    """Return an untrained tagger with a document vector, whose gate is not uniform, and a lexicon."""
    options = ("embeddings.document=true", "embeddings.lexicon=true", *overrides)
    tagger, vocabulary = tagger_of(*options, vocabulary=vocabulary_of(lexicon=True), seed=seed)
    with torch.no_grad():
        tagger.document.gate.weight.normal_(std=3)
    return tagger, vocabulary


N_GRAMS = ["<ha", "rid>", "arry", "<be", "trix", "obby", "<azk", "<her", "evi", "vil", "on>"]


def tagger_that_composes(*overrides, text=TRAIN, seed=1):
    """Return an untrained tagger that composes words without a row from known words or n-grams."""
    known = Vectors(["the", "in", ".", "london", "bank"], np.zeros((5, 8), dtype=np.float32))
    options = {"vectors": known, "n_grams": N_GRAMS}
    tagger, vocabulary = tagger_of(*overrides, vocabulary=vocabulary_of(text, **options), seed=seed)
    tagger.words.vectors.normal_(std=0.5)
    return tagger, vocabulary


def trainer_of(*overrides, evaluation=None, seed=1):
    """Return a trainer on TRAIN with an untrained tagger; by default it scores on DEV."""
    tagger, vocabulary = tagger_of(*overrides, seed=seed)
    decoder, dev = TaggerDecoder(tagger, vocabulary), split_of(DEV, name="dev")
    plan = config_of(*overrides).training
    return Trainer(
        tagger, vocabulary, split_of(TRAIN), plan, evaluation or (lambda: evaluate_dev(decoder, dev))
    )


def weights(trainer):
    return [parameter.detach().clone() for parameter in trainer.parameters]


def same(left, right):
    return all(torch.equal(one, other) for one, other in zip(left, right, strict=True))


def saved(trainer):
    return {name: tensor.clone() for name, tensor in trainer.state_dict().items()}, trainer.position
