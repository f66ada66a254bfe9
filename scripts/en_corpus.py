"""The corpus that the bundled English model is trained on, put together from five open ones.

    python scripts/en_corpus.py DATA data/en
    EN=data/en VECTORS=glove.6B.100d.txt rnner train --config configs/en.yaml --output runs/en

DATA holds, as they are published:

    wnut17/{train,dev,test}.conll       W-NUT 2017 (Derczynski et al. 2017), CC BY 4.0
    wikigold/wikigold.conll             WikiGold (Balasuriya et al. 2009), CC BY 4.0
    btc/{a,b,e,f,g,h}.conll             Broad Twitter Corpus (Derczynski et al. 2016), CC BY 4.0
    uner_ewt/{dev,test}.iob2            Universal NER on UD English EWT (Mayhew et al. 2024), CC BY-SA 4.0

The fifth is the sample corpus of the package, CC0. Written are train.conll, dev.conll and of each source
its held-out part, test-SOURCE.conll, in IOB2 with the marks of documents.

Labels become PER, LOC and ORG: of W-NUT a corporation or a group is an ORG. What has no such label (MISC
of WikiGold and the sample, products and works of W-NUT) is outside, since the other sources do not
annotate it. The names of accounts, which BTC cuts in two ("@" and "name") and annotates in most places
and W-NUT does not, are one word, as `rnner predict` reads them, and outside.

Who is in which part: the sample and W-NUT as published; of BTC a, b, e and g are train, h is dev, f is
test; of UNER's dev a tenth of the documents is dev and the rest train, its test is test; WikiGold is cut
by documents, 80, 10 and 10 per cent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from trainings import guarded

from rnner.data.corpus import read_split, resolve
from rnner.data.formats.columns import write_conll
from rnner.data.splits import Split
from rnner.data.token_table import UNMARKED
from rnner.tags import Span, from_spans
from rnner.workbench.partition import partition

LABELS = {
    "PER": "PER",
    "LOC": "LOC",
    "ORG": "ORG",
    "person": "PER",
    "location": "LOC",
    "corporation": "ORG",
    "group": "ORG",
}
SEED = 1


class Sentence(NamedTuple):
    """Words, entities, and what tells the document; None: the sentence is one of its own."""

    words: list[str]
    spans: list[Span]
    document: str | None


Parts = dict[str, list[Sentence]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder of the corpora")
    parser.add_argument("output", type=Path, help="folder for train.conll, dev.conll and test-SOURCE.conll")
    arguments = parser.parse_args()
    sources = read_sources(arguments.data)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        together = [sentence for source in sources.values() for sentence in source[part]]
        write(together, arguments.output / f"{part}.conll")
    for name, source in sources.items():
        write(source["test"], arguments.output / f"test-{name}.conll")
    for name, source in sources.items():
        counts = [f"{part} {len(sentences):,}" for part, sentences in source.items()]
        print(f"{name}: sentences of {', '.join(counts)}", file=sys.stderr)


def read_sources(data: Path) -> dict[str, Parts]:
    """The parts of each source."""
    btc = {"train": "abeg", "dev": "h", "test": "f"}
    wikigold = cut(read_split(data / "wikigold/wikigold.conll"), train=0.8, dev=0.1, test=0.1)
    ewt = cut(read_split(data / "uner_ewt/dev.iob2"), train=0.9, dev=0.1)
    return {
        "sample": {part: everything(read_split(resolve(f"sample:{part}"))) for part in btc},
        "wikigold": wikigold,
        "btc": {
            part: [
                without_accounts(sentence)
                for letter in letters
                for sentence in everything(read_split(data / f"btc/{letter}.conll"))
            ]
            for part, letters in btc.items()
        },
        "wnut17": {part: everything(read_split(data / f"wnut17/{part}.conll")) for part in btc},
        "uner_ewt": {**ewt, "test": everything(read_split(data / "uner_ewt/test.iob2"))},
    }


def everything(split: Split) -> list[Sentence]:
    """All sentences of a split, with the labels that are kept."""
    words, _ = split.sentences()
    return [
        Sentence(own, renamed(spans), None if document == UNMARKED else f"{split.path} {document}")
        for own, spans, document in zip(words, split.all_spans(), split.documents.tolist(), strict=True)
    ]


def renamed(spans: Sequence[Span]) -> list[Span]:
    """The entities that have one of our labels."""
    return [span._replace(label=LABELS[span.label]) for span in spans if span.label in LABELS]


def without_accounts(sentence: Sentence) -> Sentence:
    """The sentence with "@" and an annotated word after it as one word that is no name."""
    words, spans = list(sentence.words), list(sentence.spans)
    for at in [i for i, word in enumerate(words[:-1]) if word == "@"][::-1]:
        if any(span.start <= at + 1 < span.end for span in spans):
            words[at : at + 2] = ["".join(words[at : at + 2])]
            apart = [span for span in spans if span.end <= at or span.start > at + 1]
            spans = [_moved(span) if span.start > at else span for span in apart]
    return sentence._replace(words=words, spans=spans)


def _moved(span: Span) -> Span:
    """A span after two words that became one."""
    return span._replace(start=span.start - 1, end=span.end - 1)


def cut(split: Split, **shares: float) -> Parts:
    """A split cut into parts by documents."""
    found = partition(split, list(shares.values()), seed=SEED, by_document=True)
    sentences = everything(split)
    return {
        name: [sentences[i] for i in part.tolist()] for name, part in zip(shares, found.parts, strict=True)
    }


def write(sentences: Sequence[Sentence], path: Path) -> None:
    """Write a column file: the sentences without a document first, since a mark holds until the next."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        last = None
        for sentence in sorted(sentences, key=lambda sentence: sentence.document is not None):
            if sentence.document != last:
                out.write("-DOCSTART-\tO\n\n")
                last = sentence.document
            write_conll([sentence.words], [from_spans(sentence.spans, len(sentence.words), "iob2")], out)


if __name__ == "__main__":
    sys.exit(guarded(main))
