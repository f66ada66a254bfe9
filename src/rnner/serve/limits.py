"""The limits of the service; each is an option of `rnner serve`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What the service accepts.

    Attributes:
        body: bytes of a request's body. With n readings, the text may have body / (1 + n) characters.
        text: characters of a text.
        texts: texts of a request.
        nbest: readings per sentence.
        queue: requests that wait for the model.
        seconds: time for each of three steps: receiving a request, answering it, sending the answer.
        connections: open connections.
    """

    body: int = 1_000_000
    text: int = 100_000
    texts: int = 1_000
    nbest: int = 20
    queue: int = 128
    seconds: float = 30.0
    connections: int = 256
