"""Score the bundled English model on unseen text, optionally along with spaCy's small model.

    python scripts/en_corpus.py DATA data/en
    python scripts/evaluate_en.py data/en/test-*.conll other.conll [--spacy-python PYTHON] [--model DIR]

Each file is scored as it is, in lower case and in upper case. Labels are mapped to PER, LOC and ORG as in
`scripts/en_corpus.py`. Prints a table of entity F1 as counted by conlleval, in per cent. Takes a few
minutes.

PYTHON belongs to an environment with spaCy and a package of its model en_core_web_sm. It gets the same
sentences, split into the same words. Its PERSON counts as PER, its GPE, LOC and FAC as LOC, its ORG as ORG.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from common import argument_parser, markdown_table, run_script, write_json
from en_corpus import Sentence, all_sentences

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
    parser = argument_parser(__doc__)
    parser.add_argument("corpora", nargs="+", type=Path, help="column files with tags")
    parser.add_argument("--model", default="en")
    parser.add_argument("--spacy-python", type=Path, metavar="PYTHON")
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    arguments = parser.parse_args()
    pipeline = rnner.load(arguments.model)
    rows: list[list[object]] = [["file", "case", "entities", "rnner", "spaCy"]]
    for path in arguments.corpora:
        sentences = all_sentences(read_split(path, illegal="conlleval"))
        entities = sum(len(sentence.spans) for sentence in sentences)
        for case, change in CASES.items():
            words = [[change(word) for word in sentence.words] for sentence in sentences]
            ours, theirs = f1(predict(pipeline, words, sentences), sentences), ""
            if arguments.spacy_python is not None:
                theirs = f1(predict_with_spacy(arguments.spacy_python, words), sentences)
            rows.append([path.stem, case, entities, ours, theirs])
    print(markdown_table(rows))
    write_json(arguments.json, {"rows": rows[1:]})


def predict(
    pipeline: rnner.Pipeline, words: Sequence[list[str]], sentences: Sequence[Sentence]
) -> list[list[Span]]:
    """Find entities with an rnner model, using the documents of the sentences."""
    numbers: dict[str, int] = {}
    documents = [
        -1 if sentence.document is None else numbers.setdefault(sentence.document, len(numbers))
        for sentence in sentences
    ]
    return pipeline.decoder.spans(words, documents)


def predict_with_spacy(python: Path, words: Sequence[list[str]]) -> list[list[Span]]:
    """Find entities with spaCy's model in another Python."""
    done = subprocess.run(
        [str(python), "-c", SPACY], input=json.dumps(words), stdout=subprocess.PIPE, encoding="utf-8"
    )
    if done.returncode:
        raise TrainingError(f"{python}: spaCy failed; install spacy and a package of en_core_web_sm there")
    return [[Span(*span) for span in spans] for spans in json.loads(done.stdout)]


def f1(found: Sequence[Sequence[Span]], sentences: Sequence[Sentence]) -> str:
    """Return the micro-averaged F1 of entities in per cent."""
    pairs = [(set(own), set(sentence.spans)) for own, sentence in zip(found, sentences, strict=True)]
    correct = sum(len(own & gold) for own, gold in pairs)
    return f"{200 * correct / max(1, sum(len(own) + len(gold) for own, gold in pairs)):.1f}"


if __name__ == "__main__":
    sys.exit(run_script(main))
