"""How fast corpora are read, how soon they are there again, and what a large one costs in memory.

    python scripts/bench_data.py CORPUS.conll [--tokens 10000000] [--memory-tokens 20000000] [--json F]

Reading: CORPUS, repeated until it has so many tokens, from its file to the numbers that batches are made of
(tags converted to BIOES, vocabulary given). "cold" reads it and writes the cache, "warm" finds it there.
Seconds are of the clock and of the CPU; on a busy machine the latter are what one core needs.

Memory: a tagger of 32 units trains a tenth of an epoch on sentences of random words from a fixed list, once
for a small corpus and once for a large one, each in a process of its own. Told is the most anonymous memory
(RssAnon in /proc/self/status, so on Linux alone) from the start of reading to the last step: what cannot be
given back when memory is short, as mapped files can. "context" is with embeddings.document and
embeddings.lexicon.

Temporary files, of some hundred megabytes, lie in --folder. One thread; run nothing else meanwhile.
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

from rnner.config import parse_config
from rnner.data.corpus import read_split
from rnner.data.encoded_split import EncodedSplit
from rnner.data.vocabulary import Vocabulary
from rnner.tags import tag_inventory
from rnner.training.run import InterruptedRun, train
from rnner.training.setup import prepare

SMALL = 200_000  # tokens of the corpus that the large one is compared with
WORDS, NAMES = 20_000, 2_000  # distinct words; the first of them are names
DOCUMENT = 25  # sentences
CONTEXT = ("embeddings.document=true", "embeddings.lexicon=true")


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    if arguments.train is not None:
        print(json.dumps(_trained(arguments.train, context=arguments.context)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        os.environ["RNNER_CACHE"] = str(folder / "cache")
        rows = [*_reading(arguments, folder), *_memory(arguments, folder)]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="?", help="column file with tags")
    parser.add_argument("--tokens", type=int, default=10_000_000, help="to be read")
    parser.add_argument("--memory-tokens", type=int, default=20_000_000, help="of the large corpus")
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)  # a process of the memory part
    parser.add_argument("--context", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.corpus is None and arguments.train is None:
        parser.error("CORPUS is missing")
    return arguments


# --- reading -----------------------------------------------------------------------------------------------


def _reading(arguments: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    one = read_split(arguments.corpus, scheme="bioes")
    vocabulary = Vocabulary.build(
        one.counts, labels=one.labels, scheme="bioes", tags=tag_inventory(one.labels, "bioes")
    )
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
    print(f"\n{'memory':10} {'tokens':>12} {'steps':>8} {'RssAnon, MB':>12} {'more, MB':>10}")
    generate(folder / "dev.conll", 20_000, seed=0)
    for tokens in (SMALL, arguments.memory_tokens):
        generate(folder / f"{tokens}.conll", tokens, seed=1)
    for kind, options in (("plain", []), ("context", ["--context"])):
        least = 0.0
        for tokens in (SMALL, arguments.memory_tokens):
            command = [sys.executable, __file__, "--train", str(folder / f"{tokens}.conll"), *options]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = {"memory": kind, "tokens": tokens, **json.loads(done.stdout)}
            least = least or row["rss_anon_mb"]
            more = row["rss_anon_mb"] - least
            print(f"{kind:10} {tokens:12,} {row['steps']:8,} {row['rss_anon_mb']:12,.0f} {more:10,.0f}")
            yield row


def generate(path: Path, tokens: int, *, seed: int) -> None:
    """Write a column file of about so many tokens: random sentences of the same words for every size."""
    generator = np.random.default_rng(seed)
    labels = ("PER", "LOC", "ORG", "MISC")
    rows = [f"w{i} {'B-' + labels[i % 4] if i < NAMES else 'O'}\n" for i in range(WORDS)]
    lengths = generator.integers(5, 25, tokens // 15)
    with path.open("w", encoding="utf-8") as out:
        for sentence, length in enumerate(lengths.tolist()):
            if sentence % DOCUMENT == 0:
                out.write("-DOCSTART- O\n\n")
            # The square makes low numbers more frequent, as it is with words.
            words = (generator.random(length) ** 2 * WORDS).astype(int)[::-1]
            out.write("".join([rows[word] for word in words.tolist()]) + "\n")


def _trained(path: Path, *, context: bool) -> dict[str, Any]:
    """Train a tenth of an epoch; the steps, and the most anonymous memory meanwhile."""
    overrides = [
        "embeddings.words.size=32",
        "embeddings.characters=null",
        "encoder.hidden=32",
        "training.batch_sentences=32",
        *(CONTEXT if context else ()),
    ]
    tree = {"data": {"train": str(path), "dev": str(path.with_name("dev.conll"))}}
    with tempfile.TemporaryDirectory(dir=path.parent) as folder, _watched() as most:
        job = prepare(parse_config(tree, overrides), device=torch.device("cpu"))
        steps, asked = len(job.corpus.train) // 32 // 10, count(1)
        with suppress(InterruptedRun):
            for _ in train(job, Path(folder), stop=lambda: next(asked) == steps):
                pass
    return {"steps": steps, "rss_anon_mb": max(most)}


@contextmanager
def _watched() -> Iterator[list[float]]:
    """The anonymous memory of this process in MB, taken every 20 ms while within."""
    seen, over = [_rss_anon_mb()], threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(max(seen.pop(), _rss_anon_mb()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _rss_anon_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
