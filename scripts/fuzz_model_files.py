"""Fuzz the files of models: each malformed one must give a model that answers, or one clear line.

    python scripts/fuzz_model_files.py --cases 10000
    python scripts/fuzz_model_files.py --only onnx:17 --keep found

Models, ONNX files, checkpoints and entries of the corpus cache are changed: bytes are flipped, cut, inserted
and overwritten with numbers; keys and values of JSON and YAML are exchanged, removed and replaced; tensors
are renamed, retyped and filled with NaN; operators and attributes of graphs are replaced. In most cases the
checksums are computed again afterwards, or else nothing behind them would be tested.

Each case is loaded and used in a process of its own, with at most 1 GB more address space than before, and 20
seconds. A failure is an exception that is not an RnnerError, a message of several lines, a probability that
is not one, a cache entry that changes the corpus, or the end of the process.

Prints the number of cases by kind and outcome, and the largest memory and time; the exit code is 1 if there
is a failure. Case i of a kind and seed is always the same.
"""

from __future__ import annotations

import json
import logging
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import onnx
import onnxruntime  # noqa: F401 - loaded once, before the cases
import torch
from common import argument_parser, log, require_at_least, run_script
from model_mutations import damage, forge, forge_cache, forge_header, forge_json, forge_tensors, forge_yaml
from onnx_mutations import forge_onnx, sealed

import rnner
from rnner.config import parse_config
from rnner.data import corpus_cache
from rnner.data.corpus import read_split, resolve
from rnner.errors import RnnerError
from rnner.export.runtime import FILES_KEY, digests
from rnner.export.writer import export_into_folder, export_standalone
from rnner.model.file_names import CARD, CHECKPOINT, CONFIG, MANIFEST, METRICS, ONNX, VOCABULARY, WEIGHTS
from rnner.model.folder import load_metrics, load_model, save_metrics, save_weights
from rnner.model.manifest import file_states, read_manifest, write_manifest
from rnner.model.names import find_model
from rnner.pipeline import Pipeline
from rnner.system.files import cache_folder
from rnner.training.checkpoint import load_checkpoint
from rnner.training.run import InterruptedRun, run_training
from rnner.training.setup import TrainingSetup, make_trainer, prepare_training

MEMORY = 1 << 30  # bytes
SECONDS = 20
_LONGEST_LINE, _CONFIG_PROBLEMS = 1000, 25
TEXT = "Konrad Zuse met Ada Lovelace in Berlin-Mitte. The Łódź office of Bletchley Park Ltd. closed in 1997."
_SETTINGS = (
    "data.train=sample:train",
    "data.dev=sample:dev",
    "embeddings={words: {size: 8}, casing: 3}",
    "embeddings.characters={encoder: recurrent, cell: gru, size: 4, hidden: 5}",
    "embeddings.document=true",
    "embeddings.lexicon=true",
    "encoder={cell: gru, hidden: 8, layers: 2}",
    "training.epochs=1",
)


class Outcome(NamedTuple):
    """What became of a case."""

    kind: str  # "answer", "error" or "failure"
    message: str
    megabytes: int
    seconds: float


# --- the originals -----------------------------------------------------------------------------------------


class Originals:
    """Well-formed files, from which the malformed ones are made.

    Attributes:
        small: a model of every kind of feature but vectors, with its graph.
        bundled: the bundled model.
        alone: the small model as a standalone ONNX file.
        run: an interrupted run.
        setup: the setup of that run.
    """

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)
        logging.getLogger("rnner").setLevel(logging.ERROR)
        config = parse_config({"data": {"train": "sample:train"}}, _SETTINGS)
        self.setup: TrainingSetup = prepare_training(config, device=torch.device("cpu"))
        self.run = folder / "run"
        steps = iter(range(10))
        try:
            for _ in run_training(self.setup, self.run, stop=lambda: next(steps, None) is None):
                pass
        except InterruptedRun:
            pass
        self.small = folder / "small"
        self.small.mkdir()
        for name in (CONFIG, VOCABULARY):
            shutil.copyfile(self.run / name, self.small / name)
        save_weights(self.small, self.setup.tagger)
        (self.small / CARD).write_text("A card.\n", encoding="utf-8")
        scores = dict.fromkeys(("precision", "recall", "f1"), 0.5)
        training = {"epochs": 1, "best_epoch": 1, "seconds": 1.5}
        save_metrics(self.small, {"dev": scores, "train": training})
        export_into_folder(load_model(self.small))
        self.bundled = find_model(None)
        self.alone = folder / "small.onnx"
        export_standalone(load_model(self.small), self.alone)
        os.environ["RNNER_CACHE"] = str(folder / "cache")
        corpus_cache.MIN_BYTES = 0
        self.source = resolve("sample:dev")
        self.digest = read_split(self.source).digest
        (self.entry,) = (cache_folder() / "corpora").glob("*.arrow")
        self._use_all()

    def _use_all(self) -> None:
        """Use every kind once: what is imported and compiled here need not be in each process."""
        _use_folder(self.small)
        _use_folder(self.bundled)
        _use(self.alone)
        _use(self.small / ONNX)
        _resume(self.run, prepare_training(self.setup.config, device=torch.device("cpu")))

    def model(self, draw: Random) -> Path:
        """Return one of the models, mostly the small one."""
        return self.small if draw.random() < 0.8 else self.bundled


# --- cases: each writes malformed files into a folder, and returns what to do with them ---------------------


def model_case(originals: Originals, folder: Path, draw: Random) -> Callable[[], None]:
    """Change files of a model folder that PyTorch loads."""
    path = _copy(originals.model(draw), folder, draw)
    (path / ONNX).unlink()
    for _ in range(draw.choice((1, 1, 1, 2))):
        _change(
            path / draw.choice((WEIGHTS, WEIGHTS, VOCABULARY, VOCABULARY, CONFIG, METRICS, MANIFEST)), draw
        )
    if draw.random() < 0.6:
        write_manifest(path)
    elif draw.random() < 0.3:
        (path / MANIFEST).unlink(missing_ok=True)
    return partial(_use_folder, path)


def onnx_case(originals: Originals, folder: Path, draw: Random) -> Callable[[], None]:
    """Change an ONNX file, alone or in its folder."""
    if draw.random() < 0.6:
        path = folder / "my.onnx"
        shutil.copyfile(originals.alone, path)
        _change(path, draw)
        return partial(_use, path)
    path = _copy(originals.model(draw), folder, draw)
    _change(path / draw.choice((ONNX, ONNX, ONNX, WEIGHTS, VOCABULARY)), draw)
    if draw.random() < 0.7:
        _seal_graph(path)
    return partial(_use, path / ONNX)


def checkpoint_case(originals: Originals, folder: Path, draw: Random) -> Callable[[], None]:
    """Change the checkpoint of an interrupted run."""
    path = _copy(originals.run, folder, draw)
    files = sorted((path / CHECKPOINT).iterdir())
    if draw.random() < 0.8:  # or else an older checkpoint may take its place
        for other in files[:-1]:
            other.unlink()
    _change(files[-1], draw)
    return partial(_resume, path, originals.setup)


def cache_case(originals: Originals, folder: Path, draw: Random) -> Callable[[], None]:
    """Change an entry of the corpus cache."""
    os.environ["RNNER_CACHE"] = str(folder)
    path = folder / "corpora" / originals.entry.name
    path.parent.mkdir()
    content = originals.entry.read_bytes()
    whole = draw.random() < 0.7
    path.write_bytes(forge(forge_cache, content, draw) if whole else damage(content, draw))
    return partial(_read_cached, originals.source, None if whole else originals.digest)


CASES = {"model": model_case, "onnx": onnx_case, "checkpoint": checkpoint_case, "cache": cache_case}
_FORGED = {".json": forge_json, ".yaml": forge_yaml, ".onnx": forge_onnx}
_SHARES = ("model",) * 4 + ("onnx",) * 3 + ("checkpoint",) * 2 + ("cache",)


def _copy(model: Path, folder: Path, draw: Random) -> Path:
    return Path(shutil.copytree(model, folder / "model"))


def _change(path: Path, draw: Random) -> None:
    data = path.read_bytes()
    if draw.random() < 0.25:
        changed = damage(data, draw)
    elif path.suffix == ".safetensors":
        changed = forge(draw.choice((forge_tensors,) * 3 + (forge_header,)), data, draw)
    else:
        changed = forge(
            {".json": forge_json, ".yaml": forge_yaml, ".onnx": forge_onnx}[path.suffix], data, draw
        )
    path.write_bytes(changed)


def _seal_graph(folder: Path) -> None:
    """Write the digests of the folder's files into its graph, as if they had been exported together."""
    try:
        model = onnx.load(folder / ONNX, load_external_data=False)
        next(each for each in model.metadata_props if each.key == FILES_KEY).value = json.dumps(
            digests(folder)
        )
        content = sealed(model)
    except Exception:  # it may be anything
        return
    (folder / ONNX).write_bytes(content)


# --- uses --------------------------------------------------------------------------------------------------


def _use(path: Path) -> None:
    _tag(rnner.load(path))


def _use_folder(path: Path) -> None:
    digests = read_manifest(path)
    if digests is not None:
        file_states(path, digests)
    pipeline = rnner.load(path, backend="torch")
    load_metrics(path)
    _tag(pipeline)
    repr(pipeline), repr(pipeline.vocabulary)


def _tag(pipeline: Pipeline) -> None:
    for text in (TEXT, TEXT.lower() * 3):
        for entity in pipeline(text):
            assert text[entity.start : entity.end] == entity.text, entity
            assert math.isfinite(entity.score) and -1e-6 <= entity.score <= 1 + 1e-6, entity
    pipeline.with_readings(pipeline.documents([TEXT]), 2)


def _resume(run: Path, setup: TrainingSetup) -> None:
    trainer = make_trainer(setup)
    load_checkpoint(run, trainer, setup.fingerprint)
    steps = trainer.fit()
    next(steps)
    next(steps)


def _read_cached(source: Path, digest: str | None) -> None:
    split = read_split(source)
    words, tags = split.sentences()
    assert [len(own) for own in words] == [len(own) for own in tags], "words without tags"
    assert digest is None or split.digest == digest, "another corpus"


# --- running a case ----------------------------------------------------------------------------------------


def try_case(originals: Originals, kind: str, number: int, seed: int, keep: Path | None = None) -> Outcome:
    """Make a case and use it in a process of its own."""
    draw = Random(f"{seed}/{kind}/{number}")
    environment = os.environ["RNNER_CACHE"]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        try:
            use = CASES[kind](originals, Path(name), draw)
            outcome = _in_a_process(use)
        finally:
            os.environ["RNNER_CACHE"] = environment
        if outcome.kind == "failure" and keep is not None:
            shutil.copytree(name, keep / f"{kind}-{seed}-{number}", dirs_exist_ok=True)
    return outcome


def _in_a_process(use: Callable[[], None]) -> Outcome:
    (read, write), start = os.pipe(), time.monotonic()
    pid = os.fork()
    if not pid:
        os.close(read)
        try:
            before = _memory("VmRSS")
            kind, message = _judged(use)
            reply = f"{kind}\0{_memory('VmHWM') - before}\0{message}"
            os.write(write, reply.encode(errors="replace"))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        kind, _, rest = pipe.read().decode().partition("\0")
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - start
    if kind:
        megabytes, _, message = rest.partition("\0")
        return Outcome(kind, message, int(megabytes), seconds)
    end = os.waitstatus_to_exitcode(status)
    took = f"took more than {SECONDS} s" if -end == signal.SIGALRM else f"the process ended with {end}"
    return Outcome("failure", took, 0, seconds)


def _judged(use: Callable[[], None]) -> tuple[str, str]:
    """Run a case with bounded memory and time; return its outcome and a message."""
    limit = int((_memory("VmSize") << 20) + MEMORY)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.alarm(SECONDS)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        use()
    except RnnerError as error:
        lines = str(error).split("\n")
        longest = max(map(len, lines))
        if longest > _LONGEST_LINE or len(lines) > (_CONFIG_PROBLEMS if CONFIG in lines[0] else 1):
            return "failure", f"a message of {len(lines)} lines of {longest} characters: {lines[0][:300]}"
        return "error", str(error)
    except BaseException:
        return "failure", traceback.format_exc()[-3000:]
    return "answer", ""


def _memory(name: str) -> int:
    """Return a figure of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) >> 10
    return 0


def _numbers(cases: int, only: str | None) -> Iterator[tuple[str, int]]:
    if only is not None:
        kind, _, number = only.partition(":")
        yield kind, int(number)
        return
    for i in range(cases):
        yield _SHARES[i % len(_SHARES)], i


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", metavar="KIND:NUMBER", help="run this case only")
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    arguments = parser.parse_args()
    require_at_least(1, arguments, "cases")
    outcomes, worst = Counter[tuple[str, str]](), {"megabytes": 0.0, "seconds": 0.0}
    with tempfile.TemporaryDirectory(prefix="fuzz-originals-") as name:
        originals = Originals(Path(name))
        for done, (kind, number) in enumerate(_numbers(arguments.cases, arguments.only), 1):
            outcome = try_case(originals, kind, number, arguments.seed, arguments.keep)
            outcomes[kind, outcome.kind] += 1
            worst = {key: max(value, getattr(outcome, key)) for key, value in worst.items()}
            if outcome.kind == "failure" or arguments.only:
                log(f"{kind}:{number}: {outcome.kind}: {outcome.message}")
            if done % 1000 == 0:
                log(f"{done:,} cases, {sum(n for (_, k), n in outcomes.items() if k == 'failure')} failures")
    for kind in CASES:
        counts = [f"{outcomes[kind, each]:6,} {each}s" for each in ("answer", "error", "failure")]
        print(f"{kind:12}", *counts)
    print(f"at most {worst['megabytes']:,.0f} MB more than before, and {worst['seconds']:.1f} s")
    if any(kind == "failure" for _, kind in outcomes.elements()):
        raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(run_script(main))
