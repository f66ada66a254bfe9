"""How well the bundled English model finds names in texts that it has not seen, beside spaCy's small model.

    python scripts/en_corpus.py DATA data/en
    python scripts/evaluate_en.py data/en/test-*.conll other.conll [--spacy-python PYTHON] [--model DIR]

Each file is read as it is, in lower-case and in upper-case; labels become PER, LOC and ORG as in
`scripts/en_corpus.py`. Told is entity F1 as conlleval counts, in per cent.

PYTHON is that of an environment with spaCy and a package of its model en_core_web_sm, which is given the same
sentences as the same words; its PERSON is PER, its GPE, LOC and FAC are LOC, its ORG is ORG.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from en_corpus import Sentence, everything
from trainings import guarded, table, write_json

import rnner
from rnner.data.corpus import read_split
from rnner.errors import TrainingError
from rnner.tags import Span

CASES: dict[str, Callable[[str], str]] = {"": str, "lower": str.lower, "upper": str.upper}

SPACY = """
import importlib, json, pkgutil, sys
from spacy.tokens import Doc
labels = {"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "ORG": "ORG"}
name = next(module.name for module in pkgutil.iter_modules() if module.name.startswith("en_core_web_sm"))
nlp = importlib.import_module(name).load(exclude=["tagger", "parser", "attribute_ruler", "lemmatizer"])
sentences = json.load(sys.stdin)
docs = nlp.pipe(Doc(nlp.vocab, words=[word or "_" for word in words]) for words in sentences)
found = [[[e.start, e.end, labels[e.label_]] for e in doc.ents if e.label_ in labels] for doc in docs]
json.dump(found, sys.stdout)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", nargs="+", type=Path, help="column files with tags")
    parser.add_argument("--model", default="en")
    parser.add_argument("--spacy-python", type=Path, metavar="PYTHON")
    parser.add_argument("--json", type=Path, help="also write all figures here")
    arguments = parser.parse_args()
    pipeline = rnner.load(arguments.model)
    rows: list[list[object]] = [["file", "case", "entities", "rnner", "spaCy"]]
    for path in arguments.corpora:
        sentences = everything(read_split(path, illegal="conlleval"))
        for name, change in CASES.items():
            words = [[change(word) for word in sentence.words] for sentence in sentences]
            own = f1(found_by(pipeline, words, sentences), sentences)
            other = None
            if arguments.spacy_python is not None:
                other = f1(found_by_spacy(arguments.spacy_python, words), sentences)
            number = sum(len(sentence.spans) for sentence in sentences)
            rows.append(
                [
                    path.stem,
                    name,
                    number,
                    *(f"{100 * each:.1f}" if each is not None else "" for each in (own, other)),
                ]
            )
    print(table(rows))
    write_json(arguments.json, {"rows": rows[1:]})


def found_by(
    pipeline: rnner.Pipeline, words: Sequence[list[str]], sentences: Sequence[Sentence]
) -> list[list[Span]]:
    """What a model of ours finds, given the documents."""
    numbers: dict[str, int] = {}
    documents = [
        -1 if sentence.document is None else numbers.setdefault(sentence.document, len(numbers))
        for sentence in sentences
    ]
    return pipeline.decoder.spans(words, documents)


def found_by_spacy(python: Path, words: Sequence[list[str]]) -> list[list[Span]]:
    """What spaCy's model finds, in an environment of its own."""
    done = subprocess.run(
        [str(python), "-c", SPACY], input=json.dumps(words), stdout=subprocess.PIPE, encoding="utf-8"
    )
    if done.returncode:
        raise TrainingError(f"{python}: spaCy could not be run; has it a package en_core_web_sm?")
    return [[Span(*span) for span in spans] for spans in json.loads(done.stdout)]


def f1(found: Sequence[Sequence[Span]], sentences: Sequence[Sentence]) -> float:
    """Micro-averaged F1 of entities."""
    pairs = [(set(own), set(sentence.spans)) for own, sentence in zip(found, sentences, strict=True)]
    right = sum(len(own & gold) for own, gold in pairs)
    return 2 * right / max(1, sum(len(own) + len(gold) for own, gold in pairs))


if __name__ == "__main__":
    sys.exit(guarded(main))
