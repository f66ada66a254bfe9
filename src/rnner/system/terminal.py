"""Text that is safe to show on a terminal."""

from __future__ import annotations

import re

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def printable(text: str, *, keep: str = "") -> str:
    """Replace control characters, line separators and lone surrogates with visible one-column symbols.

    Args:
        text: any text.
        keep: characters that are left as they are.
    """
    return _UNSAFE.sub(lambda match: match[0] if match[0] in keep else _symbol(match[0]), text)


def _symbol(control: str) -> str:
    if control in "\n\t":
        return "⏎" if control == "\n" else "⇥"
    if control < "\x20":
        return chr(0x2400 + ord(control))
    return "␡" if control == "\x7f" else "�"
