"""The prompt of `rnner predict`: find names in each line as soon as it is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from rnner.cli.console import notice, out, print_error
from rnner.cli.prediction import ChunkResult, PredictionJob
from rnner.cli.prediction_chunks import LONGEST_TEXT, Chunk, Item
from rnner.cli.prediction_output import open_sink, write_documents, write_texts
from rnner.errors import RnnerError, UsageError
from rnner.system.terminal import printable

_PROMPT = "> "
_FIRST = "Ada Lovelace lived in London."  # the first text takes longest, so it is not one of the user's


def warmed_up(job: PredictionJob) -> Callable[[Chunk], ChunkResult]:
    """Load a model, tag a first text, and return the function that tags.

    Raises:
        RnnerError: as `PredictionJob.load` does.
    """
    tag = job.load()
    tag(Chunk([Item(_FIRST)]))
    return tag


def answer_lines(tag: Callable[[Chunk], ChunkResult], model: str, form: str, *, scores: bool) -> None:
    """Answer each line that is typed, until the user presses Ctrl-D.

    Args:
        tag: the function that tags, as `warmed_up` returns it.
        model: the name of the model.
        form: text, table, json, jsonl, conll or binary.
        scores: whether text shows probabilities.
    """
    labels = tag(Chunk([])).labels
    notice(f"model {model}: {', '.join(labels)}. Type a text and press Enter; Ctrl-D leaves.")
    for line in _typed_lines():
        try:
            _check(line)
            documents = tag(Chunk([Item(line)])).documents
        except RnnerError as error:
            print_error(str(error))
            continue
        with open_sink(None, None) as sink:
            if form != "text":
                write_documents(documents, form, sink, labels=labels)
            elif not write_texts(documents, sink, labels, scores=scores):
                out.print("no names", style="dim")
            sink.flush()


def _typed_lines() -> Iterator[str]:
    """Yield each line that is not empty. Lines can be edited and recalled where Python has readline."""
    with suppress(ImportError):
        import readline  # noqa: F401 - `input` uses it; nothing writes its history to a file
    while True:
        try:
            line = input(_PROMPT)
        except EOFError:
            return
        except UnicodeDecodeError:
            print_error("the line is not valid in the encoding of the terminal; use UTF-8")
            continue
        if line.strip():
            yield line


def _check(line: str) -> None:
    """Check that a line is text and not too long.

    Raises:
        UsageError: it is not.
    """
    if len(line) > LONGEST_TEXT:
        size = f"{len(line):,} characters; the limit is {LONGEST_TEXT:,}"
        raise UsageError(f"the line has {size}; for longer texts, use --file FILE")
    for place, character in enumerate(line, 1):
        if (character < " " and character != "\t") or "\x7f" <= character <= "\x9f":
            raise UsageError(f"character {place} is the control character {printable(character)}; remove it")
        if "\ud800" <= character <= "\udfff":
            raise UsageError(f"character {place} is not valid UTF-8; use a terminal with UTF-8")
