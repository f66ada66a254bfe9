"""Build the training corpus of the bundled English model from five open corpora.

    python scripts/en_corpus.py DATA data/en
    EN=data/en VECTORS=glove.6B.100d.txt rnner train --config en

DATA contains four corpora as published:

    wnut17/{train,dev,test}.conll       W-NUT 2017 (Derczynski et al. 2017), CC BY 4.0
    wikigold/wikigold.conll             WikiGold (Balasuriya et al. 2009), CC BY 4.0
    btc/{a,b,e,f,g,h}.conll             Broad Twitter Corpus (Derczynski et al. 2016), CC BY 4.0
    uner_ewt/{dev,test}.iob2            Universal NER on UD English EWT (Mayhew et al. 2024), CC BY-SA 4.0

The fifth is the sample corpus of the package, CC0. The script writes train.conll, dev.conll and the
held-out part of each source, test-SOURCE.conll, in IOB2 with document marks, and prints the number of
sentences per part. It takes a few seconds.

Labels are mapped to PER, LOC and ORG; corporations and groups of W-NUT become ORG. Other labels (MISC of
WikiGold and the sample, products and works of W-NUT) are dropped, because the other sources do not annotate
them. BTC splits account names ("@" and "name") and annotates most of them; W-NUT does not annotate them.
They become one word, as in `rnner predict`, without an annotation.

Parts: the sample and W-NUT as published; BTC a, b, e and g are train, h is dev, f is test; a tenth of the
documents of UNER's dev is dev and the rest train, its test is test; WikiGold is split by documents, 80, 10
and 10 per cent.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from common import argument_parser, run_script, write_corpus

from rnner.data.corpus import read_split, resolve
from rnner.data.splits import Split
from rnner.data.token_table import NO_DOCUMENT
from rnner.tags import Span
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
    """Words, entities and document name of a sentence; None if the sentence is a separate document."""

    words: list[str]
    spans: list[Span]
    document: str | None


Parts = dict[str, list[Sentence]]


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("data", type=Path, help="folder with the corpora")
    parser.add_argument("output", type=Path, help="folder for train.conll, dev.conll and test-SOURCE.conll")
    arguments = parser.parse_args()
    sources = read_sources(arguments.data)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev"):
        merged = [sentence for source in sources.values() for sentence in source[part]]
        write(merged, arguments.output / f"{part}.conll")
    for name, source in sources.items():
        write(source["test"], arguments.output / f"test-{name}.conll")
    for name, source in sources.items():
        counts = [f"{part} {len(sentences):,}" for part, sentences in source.items()]
        print(f"{name}: {', '.join(counts)} sentences", file=sys.stderr)


def read_sources(data: Path) -> dict[str, Parts]:
    """Read the sources and split each into its parts."""
    btc = {"train": "abeg", "dev": "h", "test": "f"}
    wikigold = split_by_document(read_split(data / "wikigold/wikigold.conll"), train=0.8, dev=0.1, test=0.1)
    ewt = split_by_document(read_split(data / "uner_ewt/dev.iob2"), train=0.9, dev=0.1)
    return {
        "sample": {part: all_sentences(read_split(resolve(f"sample:{part}"))) for part in btc},
        "wikigold": wikigold,
        "btc": {
            part: [
                merge_accounts(sentence)
                for section in sections
                for sentence in all_sentences(read_split(data / f"btc/{section}.conll"))
            ]
            for part, sections in btc.items()
        },
        "wnut17": {part: all_sentences(read_split(data / f"wnut17/{part}.conll")) for part in btc},
        "uner_ewt": {**ewt, "test": all_sentences(read_split(data / "uner_ewt/test.iob2"))},
    }


def all_sentences(split: Split) -> list[Sentence]:
    """Return all sentences of a split with mapped labels."""
    words, _ = split.sentences()
    return [
        Sentence(own, map_labels(spans), None if document == NO_DOCUMENT else f"{split.path} {document}")
        for own, spans, document in zip(words, split.all_spans(), split.documents.tolist(), strict=True)
    ]


def map_labels(spans: Sequence[Span]) -> list[Span]:
    """Map the labels of entities and drop entities with other labels."""
    return [span._replace(label=LABELS[span.label]) for span in spans if span.label in LABELS]


def merge_accounts(sentence: Sentence) -> Sentence:
    """Merge "@" and an annotated word after it into one word without an annotation."""
    words, spans = list(sentence.words), list(sentence.spans)
    for at in [i for i, word in enumerate(words[:-1]) if word == "@"][::-1]:
        if any(span.start <= at + 1 < span.end for span in spans):
            words[at : at + 2] = ["".join(words[at : at + 2])]
            others = [span for span in spans if span.end <= at or span.start > at + 1]
            spans = [
                span._replace(start=span.start - 1, end=span.end - 1) if span.start > at else span
                for span in others
            ]
    return sentence._replace(words=words, spans=spans)


def split_by_document(split: Split, **shares: float) -> Parts:
    """Split a corpus into parts by documents."""
    found = partition(split, list(shares.values()), seed=SEED, by_document=True)
    sentences = all_sentences(split)
    return {
        name: [sentences[i] for i in part.tolist()] for name, part in zip(shares, found.parts, strict=True)
    }


def write(sentences: Sequence[Sentence], path: Path) -> None:
    """Write a column file, sentences without a document first, because a mark holds until the next one."""
    write_corpus(sorted(sentences, key=lambda sentence: sentence.document is not None), path)


if __name__ == "__main__":
    sys.exit(run_script(main))
