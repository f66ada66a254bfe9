"""The message when memory runs out: it names the largest input file and gives advice for the command."""

from __future__ import annotations

import os
from collections.abc import Sequence

_WHOLE_FILE = "the whole file is read into memory; split it, or check that it has the right format"
_ADVICE = {
    "train": "lower training.batch_tokens, or split long sentences (rnner data check finds them)",
    "evaluate": "lower --batch, or evaluate part of the file at a time",
    "predict": "lower --batch and --window, or split long texts and records",
    "data": _WHOLE_FILE,
}
_MESSAGES = ("allocate memory", "out of memory")  # of torch and onnxruntime, in lower case


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception was caused by a lack of memory, on the CPU or a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(it in str(error).lower() for it in _MESSAGES)


def describe(arguments: Sequence[str]) -> str:
    """Return the message for the command with these arguments. It names the largest file among them."""
    command = next((it for it in arguments if not it.startswith("-")), "")
    files = [it for it in arguments if os.path.isfile(it)]
    place = f"{max(files, key=os.path.getsize)}: " if files else ""
    return f"{place}out of memory: {_ADVICE.get(command, 'close other programs, or use a smaller input')}"
