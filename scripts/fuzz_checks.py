"""Properties that must hold for every file, however corrupted, for fuzz_data.py. Not a script itself.

Each function takes a `Trial` and yields descriptions of problems. An RnnerError is an outcome, not a problem;
any other exception is a problem, which the caller catches.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from fuzz_counts import COUNTS
from fuzz_model import RuleJob

from rnner.cli.prediction import write_predictions, write_table, write_tagged_columns
from rnner.cli.prediction_failures import Failures
from rnner.cli.prediction_kind import guess_kind
from rnner.cli.prediction_source import open_source
from rnner.cli.prediction_stream import open_input
from rnner.cli.progress_display import PredictionProgress
from rnner.data.corpus import read_split
from rnner.data.formats.annotated import SourceFile, decide_scheme
from rnner.data.formats.column_layout import Layout
from rnner.data.formats.columns import ConllReader
from rnner.data.formats.detect import detect_format
from rnner.data.formats.registry import (
    FORMATS,
    TEXT_FORMATS,
    TOKEN_FORMATS,
    WRITABLE,
    read_documents,
    read_sentences,
)
from rnner.errors import RnnerError
from rnner.render.json_output import to_json
from rnner.scoring.evaluation import predictions_reports
from rnner.scoring.metrics import score_entities
from rnner.scoring.pairing import pair
from rnner.scoring.passages import read_annotated_file
from rnner.system.files import is_partial
from rnner.tags import SCHEMES, from_spans, to_spans
from rnner.workbench.check.check import check
from rnner.workbench.check.findings import CheckReport
from rnner.workbench.check.lenient_reader import ColumnFile, read_file
from rnner.workbench.check.repair import repair
from rnner.workbench.convert import convert

T = TypeVar("T")
TARGETS = {  # format -> suffix
    name: (*FORMATS[name].suffixes, ".txt")[0].removeprefix(".") for name in WRITABLE
}
_SKIPPED = re.compile("skipped|left out|not read")
_PREDICTION_FORMATS = (
    *("jsonl",) * 4,
    *("conll",) * 3,
    "csv",
    "json",
    "html",
    "text",
    "binary",
)  # rich is slow: no table
_REPORTS = 0.05  # share of files for which the full report of `rnner evaluate` is computed


@dataclass
class Trial:
    """A file or folder under test.

    Attributes:
        path: the file that is read, or the folder.
        draw: makes all random choices.
        form: its detected format; empty if none is.
        illegal: the rule for tags that follow no scheme.
        outcomes: the result of each step, for the summary.
    """

    path: Path
    draw: Random
    form: str = ""
    illegal: Any = "error"
    outcomes: list[str] = field(default_factory=list)

    def step(self, name: str, function: Callable[[], T]) -> T | None:
        """Call a function and record the outcome. Return None for an RnnerError; it must have a message."""
        try:
            result = function()
        except RnnerError as error:
            message = str(error)
            assert message.strip(), "an error without a message"
            message.encode()
            assert len(message) < 20_000 or "\n  " in message, f"an error of {len(message)} characters"
            self.outcomes.append(f"{name}: error")
            return None
        self.outcomes.append(f"{name}: done")
        return result


def problems(trial: Trial) -> Iterator[str]:
    """Yield a description of each problem with a file."""
    trial.illegal = trial.draw.choice(("error", "conlleval"))
    trial.form = trial.step("detect", lambda: detect_format(trial.path)) or ""
    if trial.path.is_file():
        yield from column_problems(trial)
    if trial.form:
        yield from reading_problems(trial)
        yield from conversion_problems(trial)
        yield from scoring_problems(trial)
    yield from prediction_problems(trial)


# --- column files: every row is a token --------------------------------------------------------------------


def column_problems(trial: Trial) -> Iterator[str]:
    """Read, check and repair a file."""
    path, data = trial.path, trial.path.read_bytes()
    split = trial.step(f"read {trial.form}", lambda: read_split(path, illegal=trial.illegal))
    if split is not None and trial.form == "conll":
        yield from _row_problems(path, data, int(split.lengths.sum()))
    file = trial.step("check", lambda: read_file(path))
    if file is not None:
        report = check([file])
        to_json(report.to_dict())
        yield from _check_problems(file, report, data)
        (repaired,) = repair([file])
        removed = len(file.lines) - len(repaired.file.lines)
        if not 0 <= removed <= repaired.changed["tag"]:  # pieces of words are joined
            yield f"repair removed {removed} lines, but {repaired.changed['tag']} are counted"
        if trial.form == "conll" and not report.count("error") and split is None:
            yield f"check finds no error, but reading fails: {trial.outcomes}"


def rows(data: bytes, layout: Layout) -> set[int]:
    """Return the numbers, from 1, of lines that are not blank, a comment, a document mark or a header."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode(errors="surrogateescape").replace("\r\n", "\n")
    lines = enumerate(text.removesuffix("\r").split("\n"), 1)
    return {number for number, line in lines if layout.is_row(line)}


def _row_problems(path: Path, data: bytes, words: int) -> Iterator[str]:
    reader = ConllReader(path)
    read = [line for sentence in reader for line in sentence.lines]
    if lost := rows(data, reader.layout) - set(read):
        yield f"lines that were not read as a token: {sorted(lost)[:5]}"
    if words != len(read):
        yield f"{words} words from {len(read)} rows"


def _check_problems(file: ColumnFile, report: CheckReport, data: bytes) -> Iterator[str]:
    reported = {finding.line for finding in report.findings}
    known = reported | {line for sentence in file.sentences for line in sentence.lines}
    if not file.layout_problem and (lost := rows(data, file.layout) - known):
        yield f"lines that check neither reads nor reports: {sorted(lost)[:5]}"
    if file.layout_problem and not report.count("error"):
        yield "check detects no layout but reports no error"


# --- other formats: every row or record is read, or counted in a note --------------------------------------


def reading_problems(trial: Trial) -> Iterator[str]:
    """Compare the number of units in a file (words, rows, records) with those read and those in notes."""
    if (form := trial.form) not in COUNTS:
        return
    source = SourceFile(trial.path)
    items = trial.step(f"count {form}", lambda: list(FORMATS[form].read(source)))
    if items is None:
        return
    expected, read = COUNTS[form](trial.path, items)
    skipped = sum(times for note, times in (source.notes + source.unread).items() if _SKIPPED.search(note))
    if expected is not None and not read <= expected <= read + skipped:
        counts = f"{expected} units, of which {read} were read and {skipped} skipped"
        yield f"{form}: {counts}: {source.note_lines()}"


# --- conversion: what is written reads back equal ----------------------------------------------------------


def conversion_problems(trial: Trial) -> Iterator[str]:
    """Convert a file to another format, with random rules, and compare."""
    path, draw, form = trial.path, trial.draw, trial.form
    to, scheme = draw.choice(list(TARGETS)), draw.choice(SCHEMES)
    out, source = path.parent / f"out.{TARGETS[to]}", SourceFile(path)
    rules: Any = {
        "scheme": scheme,
        "align": draw.choice(("strict", "strict", "expand", "contract")),
        "overlaps": draw.choice(("error", "error", "longest", "first")),
        "illegal": trial.illegal,
    }
    done = trial.step(f"convert to {to}", lambda: convert(source, out, form=form, to=to, **rules))
    left = [other.name for other in path.parent.iterdir() if is_partial(other)]
    if left or out.exists() != (done is not None):
        yield f"convert to {to} leaves {left or out.exists()}"
    if done is None:
        return
    before: list[Any]
    after: list[Any]
    if to in TEXT_FORMATS:
        if to == "webanno":
            return  # its documents are joined
        before = _documents(SourceFile(path), form, trial.illegal)
        after = _documents(SourceFile(out), to, "error")
    elif form in TOKEN_FORMATS or (rules["align"], rules["overlaps"]) == ("strict", "error"):
        before = _tags(SourceFile(path), form, trial.illegal, scheme)
        after = _tags(SourceFile(out), to, "error", scheme)
    else:
        return
    if before != after:
        different = next(pair for pair in zip_longest(before, after) if pair[0] != pair[1])
        yield f"converted from {form} to {to}, {different[0]} reads back as {different[1]}"


def _tags(source: SourceFile, form: str, illegal: Any, scheme: str) -> list[Any]:
    """Return the words of each sentence and their tags, converted to one scheme."""
    sentences = read_sentences(source, form)
    found = decide_scheme(source, sentences, illegal)
    return [(s.words, from_spans(to_spans(s.tags, found), len(s.words), scheme)) for s in sentences]


def _documents(source: SourceFile, form: str, illegal: Any) -> list[Any]:
    """Return each text and its distinct entities, sorted."""
    return [(it.text, sorted(set(it.spans))) for it in read_documents(source, form, illegal)]


# --- rnner evaluate --predictions: a file agrees with itself -----------------------------------------------


def scoring_problems(trial: Trial) -> Iterator[str]:
    """Score a file against itself: F1 is 1 if it has entities."""
    gold = trial.step("score", lambda: read_annotated_file(SourceFile(trial.path), trial.form))
    if gold is None:
        return
    pairing = pair(gold, [read_annotated_file(SourceFile(trial.path), trial.form)])
    truth, found = pairing.gold.annotation, pairing.predicted[0]
    scores = score_entities(truth.spans, found.spans)
    if gold.labels and scores.f1 != 1:
        yield f"a file scored against itself has F1 {scores.f1}"
    if trial.draw.random() < _REPORTS:
        (report,) = predictions_reports(pairing)
        to_json(report.to_dict())
        if gold.labels and report.scores.f1 != 1:
            yield f"the report on a file scored against itself has F1 {report.scores.f1}"
    trial.outcomes.append("score: F1 1" if gold.labels else "score: no entity")


# --- rnner predict: every record is read, left out with a count, or marked ---------------------------------


@dataclass
class _Prediction:
    """The kind of an input of `rnner predict`, the output, and whether all of the input was read."""

    kind: str
    text: str
    complete: bool


def prediction_problems(trial: Trial) -> Iterator[str]:
    """Predict over a file with random options, and read the output."""
    form = trial.draw.choice(_PREDICTION_FORMATS)
    rule = trial.draw.choice(("stop", "skip", "mark", "mark") if form[:4] == "json" else ("stop", "skip"))
    found = trial.step("predict", lambda: _predict(trial.path, form, rule))
    if found is None:
        return
    trial.outcomes.append(f"predict from {found.kind}: {'all' if found.complete else 'with errors'}")
    if form in ("json", "jsonl"):
        yield from _record_problems(trial, found, form, rule)
    elif form == "conll" and found.kind == "conll" and found.complete:
        yield from _column_output_problems(_lossy(trial.path), found.text)


def _column_output_problems(before: str, after: str) -> Iterator[str]:
    """Compare a column file with its copy that has one more column."""
    pairs = zip_longest(
        before.removesuffix("\n").removesuffix("\r").split("\n"), after.removesuffix("\n").split("\n")
    )
    for number, (line, copied) in enumerate(pairs, 1):
        if line is None or copied is None or not copied.startswith(line.rstrip(" \t")):
            yield f"line {number}, {line!r}, became {copied!r}"
            return


def _predict(path: Path, form: str, rule: str) -> _Prediction:
    failures, sink = Failures(rule), io.StringIO()
    job = RuleJob(path, {}, form)
    kind = "annotated"
    if path.is_file():
        with open_input(path) as stream:
            kind = guess_kind(stream).kind
    with ExitStack() as stack:
        stack.enter_context(redirect_stderr(io.StringIO()))  # notes
        progress = stack.enter_context(PredictionProgress(shown=False))
        source = stack.enter_context(open_source((), path, None, None, failures))
        if source.columns is not None and form == "conll":
            write_tagged_columns(source.columns, failures, job, 1, progress, sink)
        elif source.table is not None and form == "csv":
            write_table(source.table, failures, job, 1, progress, sink, ",")
        else:
            write_predictions(source, job, 1, progress, sink, scores=False)
    try:
        failures.finish()
    except RnnerError as error:
        assert str(error).strip()
        return _Prediction(kind, sink.getvalue(), complete=False)
    return _Prediction(kind, sink.getvalue(), complete=True)


def _record_problems(trial: Trial, found: _Prediction, form: str, rule: str) -> Iterator[str]:
    """Check the number of records, and that rnner reads its own predictions."""
    lines = found.text.splitlines() if form == "json" else found.text.removesuffix("\n").split("\n")
    records = json.loads(found.text) if form == "json" else [json.loads(line) for line in lines if line]
    if found.kind == "jsonl" and (found.complete or rule == "mark"):
        expected = [line for line in _lossy(trial.path).split("\n") if line and not line.isspace()]
        if len(records) != len(expected):
            yield f"{len(expected)} records, but {len(records)} predictions"
    named = sum(len(record.get("entities", ())) for record in records)
    if not named or not found.complete:
        return
    out = trial.path.parent / "predictions.jsonl"
    out.write_text(found.text, encoding="utf-8")
    again = trial.step("convert predictions", lambda: read_documents(SourceFile(out), detect_format(out)))
    if again is None:
        yield f"rnner cannot read its predictions ({form})"
    elif (spans := sum(len(document.spans) for document in again)) != named:
        yield f"{named} predicted entities, but {spans} are read from the predictions"


def _lossy(path: Path) -> str:
    return path.read_bytes().decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
