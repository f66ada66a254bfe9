"""Characters that cannot be shown, or that do something when they are, in the place of which others stand."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def plain(text: str, *, keep: str = "") -> str:
    """The text with characters that move the cursor, or cannot be written, shown by others of one column."""
    return _CONTROL.sub(lambda match: match[0] if match[0] in keep else _picture(match[0]), text)


def _picture(control: str) -> str:
    if control in "\n\t":
        return "⏎" if control == "\n" else "⇥"
    if control < "\x20":
        return chr(0x2400 + ord(control))
    return "␡" if control == "\x7f" else "�"
