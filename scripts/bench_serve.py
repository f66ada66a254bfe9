"""Measure `rnner serve` under load: errors, times, memory, and its speed compared with offline prediction.

    python scripts/bench_serve.py src/rnner/resources/en src/rnner/resources/sample/train.conll
    python scripts/bench_serve.py MODEL wikigold.conll --clients 64 --seconds 60 --json F

Starts a service on this machine and does two things:

1. Clients send one text each, again as soon as they have the answer. Prints the number of answers by status,
   the median time and the 99th percentile, and the memory of the service after a third of the time and at the
   end. A tenth of the texts contains new words, so that caches are full when memory is measured.
2. Four clients send requests of 32 texts. Prints the speed, and its share of the speed of the same model in a
   process that does nothing else, from text to JSON. The two take turns.

The service and offline prediction use one thread each; the clients share the processors with the service. Run
nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
from bench_prediction import _resident, as_text, read
from common import RNNER, argument_parser, log, markdown_table, require_at_least, run_script, write_json
from timing import seconds

from rnner.decoding.tagger_decoder import load_decoder
from rnner.pipeline import Pipeline
from rnner.render.json_output import document_json, to_json

_TEXTS = 32  # texts of a request in the second part
_BATCH_CLIENTS = 4  # clients in the second part
_NEW_WORDS = 0.1  # share of texts with a new word
_HEAD = (
    "POST /predict HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
)
_DOCUMENTED = (429, 503)


def main() -> None:
    arguments = _arguments()
    require_at_least(1, arguments, "clients", "seconds", "rounds")
    torch.set_num_threads(1)
    texts = [as_text(words) for words in read(arguments.files).words]
    with service(arguments.model) as (process, port):
        rows = {"load": load(arguments, process, port, texts), "batches": batches(arguments, port, texts)}
    write_json(arguments.json, rows)


def _arguments() -> argparse.Namespace:
    parser = argument_parser(__doc__)
    parser.add_argument("model", type=Path, help="model folder")
    parser.add_argument("files", nargs="+", help="annotated files, whose sentences are the texts")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=int, default=60, help="duration of the first part")
    parser.add_argument("--rounds", type=int, default=5, help="of the second part")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


@contextmanager
def service(model: Path) -> Iterator[tuple[int, int]]:
    """Start a service; yield its process number and port."""
    command = [*RNNER, "serve", "--model", str(model), "--port", "0", "--threads", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.search(r" at http://[^:]+:(\d+);", line)
        if match is None:
            raise SystemExit(line + process.stderr.read())
        try:
            yield process.pid, int(match[1])
        finally:
            process.terminate()
        if messages := process.stderr.read().strip():
            log(f"the service reported: {messages}")


class Client:
    """A connection to the service, used for one request after the other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, content: dict[str, Any]) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        reader, writer = self._streams
        body = json.dumps(content).encode()
        writer.write(_HEAD.format(len(body)).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        answer = await reader.readexactly(int(length[1]))
        if b"connection: close" in head:
            self.close()
        return int(head.split()[1]), answer

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


# --- many clients ------------------------------------------------------------------------------------------


def load(arguments: argparse.Namespace, process: int, port: int, texts: Sequence[str]) -> dict[str, Any]:
    """Run the first part, print its figures and return them."""
    statuses: Counter[str] = Counter()
    times: list[float] = []
    memory: list[float] = []
    end = time.monotonic() + arguments.seconds

    async def client(number: int) -> None:
        draw, connection = random.Random(number), Client(port)
        while time.monotonic() < end:
            text = draw.choice(texts)
            if draw.random() < _NEW_WORDS:
                text += " " + "".join(draw.choices("aeiourstlnmk", k=8)).title()
            started = time.perf_counter()
            try:
                status, answer = await connection.post({"text": text})
            except (OSError, asyncio.IncompleteReadError) as error:
                statuses[type(error).__name__] += 1
                connection.close()
                continue
            statuses[str(status)] += 1
            if status == 200:
                times.append(time.perf_counter() - started)
                assert json.loads(answer)["text"] == text
            else:
                await asyncio.sleep(0.1)
        connection.close()

    async def watch() -> None:
        while time.monotonic() < end:
            memory.append(_resident(process))
            await asyncio.sleep(1)

    async def run() -> None:
        await asyncio.gather(watch(), *(client(number) for number in range(arguments.clients)))

    asyncio.run(run())
    cuts = quantiles(times, n=100)
    third = max(1, len(memory) // 3)
    undocumented = {name: n for name, n in statuses.items() if name not in ("200", *map(str, _DOCUMENTED))}
    figures = {
        "clients": arguments.clients,
        "statuses": dict(statuses),
        "undocumented": undocumented,
        "per_second": len(times) / arguments.seconds,
        "p50_ms": 1e3 * cuts[49],
        "p99_ms": 1e3 * cuts[98],
        "memory_mb": {"third": max(memory[:third]), "end": max(memory[-third:])},
    }
    answers = ", ".join(f"{name}: {n:,}" for name, n in sorted(statuses.items()))
    rows = [
        ["clients", f"{arguments.clients} for {arguments.seconds} s"],
        ["answers by status", answers],
        ["undocumented errors", sum(undocumented.values())],
        ["answers per second", f"{figures['per_second']:,.0f}"],
        ["median time", f"{figures['p50_ms']:,.1f} ms"],
        ["99th percentile", f"{figures['p99_ms']:,.1f} ms"],
        ["memory, first third", f"{max(memory[:third]):,.0f} MB"],
        ["memory, last third", f"{max(memory[-third:]):,.0f} MB"],
    ]
    print(markdown_table([["load", ""], *rows]))
    return figures


# --- requests of several texts -----------------------------------------------------------------------------


def batches(arguments: argparse.Namespace, port: int, texts: Sequence[str]) -> dict[str, Any]:
    """Run the second part, print its figures and return them."""
    groups = [list(texts[start : start + _TEXTS]) for start in range(0, len(texts), _TEXTS)]
    characters = sum(map(len, texts))
    pipeline = Pipeline(load_decoder(arguments.model))
    speeds: dict[str, list[float]] = {"service": [], "offline": []}

    def offline() -> list[str]:
        return [to_json(document_json(document)) for document in pipeline.documents(texts)]

    expected = [_entities(json.loads(item)) for item in offline()]
    answers = [item for answer in _serve(port, groups) for item in json.loads(answer)]
    different = sum(_entities(item) != one for item, one in zip(answers, expected, strict=True))
    for number in range(arguments.rounds):
        speeds["service"].append(characters / seconds(lambda: _serve(port, groups)))
        speeds["offline"].append(characters / seconds(offline))
        log(f"round {number + 1}: " + ", ".join(f"{name} {own[-1]:,.0f}" for name, own in speeds.items()))
    served, alone = median(speeds["service"]), median(speeds["offline"])
    rows = [
        ["offline", f"{alone:,.0f}", "1.00"],
        [f"service, {_TEXTS} texts per request", f"{served:,.0f}", f"{served / alone:.2f}"],
    ]
    print(markdown_table([["", "characters/s", "share"], *rows]))
    print(f"texts with different entities: {different} of {len(texts):,}")
    return {"service": served, "offline": alone, "share": served / alone, "different": different}


def _serve(port: int, groups: Sequence[Sequence[str]]) -> list[bytes]:
    """Return the answers of the service to the groups, in order."""
    answers: list[bytes] = [b""] * len(groups)
    waiting = iter(enumerate(groups))

    async def client() -> None:
        connection = Client(port)
        for number, group in waiting:
            status, answers[number] = await connection.post({"texts": list(group)})
            assert status == 200, answers[number]
        connection.close()

    async def run() -> None:
        await asyncio.gather(*(client() for _ in range(_BATCH_CLIENTS)))

    asyncio.run(run())
    return answers


def _entities(item: dict[str, Any]) -> list[tuple[str, int, int]]:
    return [(entity["label"], entity["start"], entity["end"]) for entity in item["entities"]]


if __name__ == "__main__":
    sys.exit(run_script(main))
