"""The log of an annotator's decisions: an append-only file that several processes may write to.

A decision is on disk (fsync) before `DecisionLog.add` returns. A crash can only cut off the last line, whose
decision was never confirmed; the next use of the log moves it to `FILE.unfinished`. `rnner train` reads the
file as it is (`rnner.data.formats.decisions` describes it).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import IO, Any

from rnner.data.formats.annotated import CharSpan, SourceFile
from rnner.data.formats.decisions import ACCEPT, ANSWERS, UNDO, check
from rnner.data.formats.json_records import Record
from rnner.data.formats.span_records import read_record
from rnner.data.json_text import decode_line, surrogate_problem
from rnner.errors import DataError, RnnerError
from rnner.system.file_lock import locked
from rnner.system.files import sync_folder
from rnner.tags import LABEL_RULE, is_label

_OWN_KEYS = ("text", "tokens", "entities", "answer", "decision")


class StaleDecisionError(RnnerError):
    """A decision that was made without knowing the last one about the same text, for example in another tab.

    Args:
        last: the last decision.
    """

    def __init__(self, last: Decision) -> None:
        self.last = last
        super().__init__(f"this text has been decided elsewhere in the meantime ({last.answer})")


@dataclass(frozen=True)
class Decision:
    """A decision about a text.

    Attributes:
        text: the text.
        answer: accept (the text has exactly these entities), skip, or undo (the text is undecided again).
        entities: the entities, in order, without overlaps; characters of the text.
        tokens: the words of the text if the input gave them; None for text that `rnner` tokenizes.
        keys: further keys of the text's record in the input, such as an id; they are kept.
        request: an arbitrary name of the request. A request that is repeated is recorded once.
        number: the number of the decision in its log, from 1; 0 before it is recorded.
    """

    text: str
    answer: str = ACCEPT
    entities: Sequence[CharSpan] = ()
    tokens: Sequence[str] | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    request: str = ""
    number: int = 0


class DecisionLog:
    """The decisions in a file, in order. Threads, processes and browser tabs may share the file.

    Args:
        path: the file; created by the first decision.

    Raises:
        DataError: the file exists and is not a log of decisions; the message has the line.
        UsageError: another process keeps the file locked.
        OSError: the file cannot be opened.

    Examples:
        >>> import tempfile
        >>> log = DecisionLog(Path(tempfile.mkdtemp()) / "decisions.jsonl")
        >>> first = log.add(Decision("Ada wrote.", entities=[CharSpan(0, 3, "PER")]))
        >>> log.add(Decision("It rained.", answer="skip")).number
        2
        >>> log.add(Decision("It rained.", answer="undo"), seen=2).number
        3
        >>> [(decision.text, decision.answer) for decision in log.decisions()]
        [('Ada wrote.', 'accept')]
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread_lock = threading.Lock()
        self._clear()
        if path.exists():
            self.refresh()

    def add(self, decision: Decision, *, seen: int | None = None) -> Decision:
        """Record a decision, and return it with its number. It is on disk when this returns.

        Args:
            decision: the decision. If its request has been recorded before, nothing is written.
            seen: the number of the last decision about this text that the annotator knew of, 0 for none;
                None records the decision in any case.

        Raises:
            StaleDecisionError: a later decision than `seen` exists.
            DataError: the decision is not valid: entities overlap or exceed the text, a label is not valid.
            UsageError: another process keeps the file locked.
            OSError: it cannot be written. The log is then as it was before.
        """
        _check(decision)
        with self._open() as file:
            if known := self._by_request.get(decision.request):
                return known
            last = self._last.get(decision.text)
            if seen is not None and last is not None and last.number != seen:
                raise StaleDecisionError(last)
            self._append(file, _line(decision, self._count + 1))
            return self._last[decision.text]

    def refresh(self) -> None:
        """Read what other processes have appended."""
        with self._open():
            pass

    def decisions(self) -> list[Decision]:
        """Return the last decision of each text, in order, except undone ones."""
        with self._thread_lock:
            return [decision for decision in self._last.values() if decision.answer != UNDO]

    def last(self, text: str) -> Decision | None:
        """Return the last decision about a text, which may be `undo`; None if there is none."""
        with self._thread_lock:
            return self._last.get(text)

    def __len__(self) -> int:
        """Return the number of decisions, including replaced and undone ones."""
        with self._thread_lock:
            return self._count

    # --- the file ------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        self._last: dict[str, Decision] = {}
        self._by_request: dict[str, Decision] = {}
        self._count = self._lines = self._size = 0
        self._file: tuple[int, int] | None = None  # device and number of the file that was read

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """Open and lock the file, and read what is new."""
        with self._thread_lock:
            is_new = not self.path.exists()
            with self.path.open("a+b", buffering=0) as file, locked(file.fileno(), str(self.path)):
                if is_new:
                    sync_folder(self.path.parent)
                self._catch_up(file)
                yield file

    def _catch_up(self, file: IO[bytes]) -> None:
        state = os.fstat(file.fileno())
        if self._file != (state.st_dev, state.st_ino) or state.st_size < self._size:  # another file
            self._clear()
            self._file = (state.st_dev, state.st_ino)
        file.seek(self._size)
        *lines, rest = _read_all(file).split(b"\n")
        for line in lines:
            self._take(line + b"\n")
        if not rest:
            return
        if _is_json(rest):  # only the end of the line is missing
            self._append(file, b"\n", start=rest)
        else:
            self._set_aside(file, rest)

    def _take(self, line: bytes) -> None:
        """Apply a line of the file."""
        number = self._lines + 1
        if line.strip():
            try:
                decision = _decision(line.decode(), self.path, number, self._count + 1)
            except UnicodeDecodeError:
                raise DataError("this line is not UTF-8", self.path, number) from None
            self._last.pop(decision.text, None)  # so that the order is that of the last decisions
            self._last[decision.text] = decision
            if decision.request:
                self._by_request[decision.request] = decision
            self._count += 1
        self._lines, self._size = number, self._size + len(line)

    def _append(self, file: IO[bytes], data: bytes, *, start: bytes = b"") -> None:
        """Append to the file; `start` is the beginning of the line, which it already has."""
        before = self._size + len(start)
        try:
            _write_all(file, data)
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise
        self._take(start + data)

    def _set_aside(self, file: IO[bytes], rest: bytes) -> None:
        """Move an unfinished line to another file."""
        with self.unfinished.open("ab", buffering=0) as aside:
            _write_all(aside, rest + b"\n")
            os.fsync(aside.fileno())
        file.truncate(self._size)
        os.fsync(file.fileno())

    @property
    def unfinished(self) -> Path:
        """The file of unfinished lines, if there are any."""
        return self.path.with_name(f"{self.path.name}.unfinished")


def _check(decision: Decision) -> None:
    """Raise DataError unless a decision can be recorded and read back."""
    if decision.answer not in ANSWERS:
        raise DataError(f"unknown answer {decision.answer!r}; expected one of: {', '.join(ANSWERS)}")
    if problem := surrogate_problem(decision.text):
        raise DataError(f"the text {problem}")
    for start, end, label in decision.entities:
        if not 0 <= start < end <= len(decision.text):
            size = len(decision.text)
            raise DataError(f"entity {start}-{end}: not within the text, which has {size:,} characters")
        if not label or not is_label(label):
            raise DataError(f"the label {label[:120]!r} is not valid: {LABEL_RULE}")
    for before, after in pairwise(sorted(decision.entities)):
        if after.start < before.end:
            raise DataError(f"entities {before[:2]} and {after[:2]} overlap; remove one")


def _line(decision: Decision, number: int) -> bytes:
    """Return a decision as a line of the file."""
    record = {key: value for key, value in decision.keys.items() if key not in _OWN_KEYS}
    record["text"] = decision.text
    if decision.tokens is not None:
        record["tokens"] = list(decision.tokens)
    if decision.answer == ACCEPT:
        record["entities"] = [
            {"label": label, "start": start, "end": end, "text": decision.text[start:end]}
            for start, end, label in sorted(decision.entities)
        ]
    record["answer"] = decision.answer
    at = datetime.now(UTC).isoformat(timespec="seconds")
    record["decision"] = {"number": number, "at": at}
    if decision.request:
        record["decision"]["request"] = decision.request
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _decision(line: str, path: Path, line_number: int, number: int) -> Decision:
    """Return the decision on a line."""
    record = check(Record(SourceFile(path), decode_line(line, path, line_number), line_number))
    document, value = read_record(record), record.value
    return Decision(
        document.text,
        value["answer"],
        document.spans,
        value.get("tokens"),
        {key: item for key, item in value.items() if key not in _OWN_KEYS},
        str(value["decision"].get("request", "")),
        number,
    )


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _read_all(file: IO[bytes]) -> bytes:
    return b"".join(iter(lambda: file.read(1 << 20), b""))


def _write_all(file: IO[bytes], data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]
