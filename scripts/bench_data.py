"""Measure how fast corpora are read and cached, and how much memory a large one needs.

    python scripts/bench_data.py CORPUS.conll [--tokens 10000000] [--memory-tokens 20000000] [--json F]

Reading: CORPUS is repeated up to --tokens tokens and read from its file into the arrays that batches are
built from (tags converted to BIOES, vocabulary given). "cold" reads the file and writes the cache, "warm"
finds it there. The table shows wall time and CPU time; on a busy machine, use the latter.

Memory: a tagger of 32 units trains a tenth of an epoch on sentences of random words from a fixed list, once
on a small corpus and once on a large one, each in a separate process. The table shows the peak anonymous
memory (RssAnon in /proc/self/status, Linux only) from the start of reading to the last step. Unlike
memory-mapped files, anonymous memory cannot be released when memory runs short. "context" enables
embeddings.document and embeddings.lexicon.

Temporary files of a few hundred megabytes are written to --folder. Takes a few minutes on one thread; run
nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import argument_parser, write_json

from rnner.config import parse_config
from rnner.data.corpus import read_split
from rnner.data.encoded_split import EncodedSplit
from rnner.data.vocabulary import Vocabulary
from rnner.training.run import InterruptedRun, run_training
from rnner.training.setup import prepare_training

SMALL = 200_000  # tokens in the corpus that the large one is compared with
WORDS, NAMES = 20_000, 2_000  # distinct words, of which the first are names
DOCUMENT = 25  # sentences per document
CONTEXT = ("embeddings.document=true", "embeddings.lexicon=true")


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.train is not None:
        print(json.dumps(_train(arguments.train, context=arguments.context)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        os.environ["RNNER_CACHE"] = str(folder / "cache")
        rows = [*_reading(arguments, folder), *_memory(arguments, folder)]
    write_json(arguments.json, rows)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("corpus", type=Path, nargs="?", help="column file with tags")
    parser.add_argument("--tokens", type=int, default=10_000_000, help="tokens to read")
    parser.add_argument("--memory-tokens", type=int, default=20_000_000, help="tokens of the large corpus")
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)  # the process of the memory part
    parser.add_argument("--context", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.corpus is None and arguments.train is None:
        parser.error("missing CORPUS; name a column file with tags")
    return arguments


# --- reading -----------------------------------------------------------------------------------------------


def _reading(arguments: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    one = read_split(arguments.corpus, scheme="bioes")
    vocabulary = Vocabulary.build(one.counts, labels=one.labels, scheme="bioes")
    times = -(-arguments.tokens // int(one.lengths.sum()))
    path = folder / "repeated.conll"
    with path.open("wb") as out:
        for _ in range(times):
            out.write(arguments.corpus.read_bytes() + b"\n\n")
    print(f"{'reading':10} {'tokens':>12} {'seconds':>8} {'CPU':>8} {'tokens/s':>12} {'of CPU':>12}")
    for what in ("cold", "warm"):
        clock, cpu = time.perf_counter(), time.process_time()
        split = read_split(path, scheme="bioes")
        EncodedSplit(vocabulary, split)
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        tokens = int(split.lengths.sum())
        print(f"{what:10} {tokens:12,} {clock:8.2f} {cpu:8.2f} {tokens / clock:12,.0f} {tokens / cpu:12,.0f}")
        yield {"reading": what, "tokens": tokens, "seconds": clock, "cpu_seconds": cpu}


# --- memory ------------------------------------------------------------------------------------------------


def _memory(arguments: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    print(f"\n{'memory':10} {'tokens':>12} {'steps':>8} {'RssAnon, MB':>12} {'added, MB':>10}")
    generate(folder / "dev.conll", 20_000, seed=0)
    for tokens in (SMALL, arguments.memory_tokens):
        generate(folder / f"{tokens}.conll", tokens, seed=1)
    for kind, options in (("plain", []), ("context", ["--context"])):
        small = 0.0
        for tokens in (SMALL, arguments.memory_tokens):
            command = [sys.executable, __file__, "--train", str(folder / f"{tokens}.conll"), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = {"memory": kind, "tokens": tokens, **json.loads(done.stdout)}
            small = small or row["rss_anon_mb"]
            added = row["rss_anon_mb"] - small
            print(f"{kind:10} {tokens:12,} {row['steps']:8,} {row['rss_anon_mb']:12,.0f} {added:10,.0f}")
            yield row


def generate(path: Path, tokens: int, *, seed: int) -> None:
    """Write a column file of about `tokens` tokens: random sentences of the same words for every size."""
    generator = np.random.default_rng(seed)
    labels = ("PER", "LOC", "ORG", "MISC")
    rows = [f"w{i} {'B-' + labels[i % 4] if i < NAMES else 'O'}\n" for i in range(WORDS)]
    lengths = generator.integers(5, 25, tokens // 15)
    with path.open("w", encoding="utf-8") as out:
        for sentence, length in enumerate(lengths.tolist()):
            if sentence % DOCUMENT == 0:
                out.write("-DOCSTART- O\n\n")
            # The square makes low numbers more frequent, like the frequent words of a language.
            words = (generator.random(length) ** 2 * WORDS).astype(int)[::-1]
            out.write("".join([rows[word] for word in words.tolist()]) + "\n")


def _train(path: Path, *, context: bool) -> dict[str, Any]:
    """Train a tenth of an epoch. Return the number of steps and the peak anonymous memory."""
    overrides = [
        "embeddings.words.size=32",
        "embeddings.characters=null",
        "encoder.hidden=32",
        "training.batch_sentences=32",
        *(CONTEXT if context else ()),
    ]
    tree = {"data": {"train": str(path), "dev": str(path.with_name("dev.conll"))}}
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _peak_memory() as peak:
        job = prepare_training(parse_config(tree, overrides), device=torch.device("cpu"))
        steps, asked = len(job.corpus.train) // 32 // 10, count(1)
        with suppress(InterruptedRun):
            for _ in run_training(job, Path(folder), stop=lambda: next(asked) == steps):
                pass
    return {"steps": steps, "rss_anon_mb": peak[0]}


@contextmanager
def _peak_memory() -> Iterator[list[float]]:
    """Sample the anonymous memory of this process every 20 ms and yield a list with its peak in MB."""
    peak, done = [_rss_anon_mb()], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _rss_anon_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _rss_anon_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
