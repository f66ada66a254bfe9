"""What was computed of word forms, kept for those that were met last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import torch
from torch import Tensor

_TOGETHER = 1024  # forms that are computed at a time
_BYTES = 48 << 20  # of a generation's rows; a form takes 3.6 kB with a BiLSTM of 100 units a direction


class FormCache:
    """Rows of tables for word forms, each computed once as long as there is room. Threads may share it.

    There are two generations of tables. Rows are only ever added to the younger one; when it is full it
    becomes the older one, and what is asked for again moves from there into new tables. So forms that are
    not asked for fall away in time, and whoever holds tables may read them without a thought for others.

    Args:
        compute: the tables `[n, w_i]` of n forms; what a form has there must not depend on the others.
        widths: w_i of each table.
        room: how many forms a generation has; None: as many as 48 MB hold.
    """

    def __init__(
        self, compute: Callable[[list[str]], list[Tensor]], widths: Sequence[int], room: int | None = None
    ) -> None:
        self._compute, self._widths = compute, widths
        self._room = max(1, _BYTES // (4 * sum(widths))) if room is None else room
        self._young, self._old = _Generation(widths, self._room), _Generation(widths, 0)
        self._lock = Lock()

    def rows(self, forms: Sequence[str]) -> tuple[list[Tensor], Tensor]:
        """The tables, to be read only, and the row `[n]` int64 in them of n distinct forms, n at least 1."""
        while True:
            with self._lock:
                absent = [f for f in forms if f not in self._young.places and f not in self._old.places]
                if not absent:
                    return self._in_young(forms)
            absent.sort(key=len)  # those that are computed together are of one length
            for start in range(0, len(absent), _TOGETHER):
                some = absent[start : start + _TOGETHER]
                computed = self._compute(some)  # may take long: other threads need not wait
                with self._lock:
                    if self._young.free < len(some):
                        self._old, self._young = self._young, self._generation(len(forms))
                    self._young.add(some, computed)

    def _in_young(self, forms: Sequence[str]) -> tuple[list[Tensor], Tensor]:
        """As `rows`, for forms that are known; those of the older generation move."""
        young, old = self._young, self._old
        stray = [form for form in forms if form not in young.places]
        if young.free < len(stray):
            self._young = self._generation(len(forms))
            self._young.add(*young.of([form for form in forms if form in young.places]))
            self._old = young
        if stray:
            self._young.add(*old.of(stray))
        places = self._young.places
        return list(self._young.tables), torch.tensor([places[form] for form in forms])

    def _generation(self, least: int) -> _Generation:
        return _Generation(self._widths, max(self._room, least))


class _Generation:
    """Tables that are filled row by row.

    Attributes:
        tables: `[room, w_i]` each, of which as many rows are written as there are places.
        places: the row of each form.
    """

    def __init__(self, widths: Sequence[int], room: int) -> None:
        self.tables = [torch.empty(room, width) for width in widths]  # pages never written take no memory
        self.places: dict[str, int] = {}
        self.free = room
        """Rows that are left."""

    def add(self, forms: Sequence[str], tables: Sequence[Tensor]) -> None:
        """Add n forms, but for those that are there; n rows must be left."""
        begin = len(self.places)
        new = [i for i, form in enumerate(forms) if form not in self.places]
        for mine, rows in zip(self.tables, tables, strict=True):
            mine[begin : begin + len(new)] = rows if len(new) == len(forms) else rows[new]
        self.places.update(zip((forms[i] for i in new), range(begin, begin + len(new)), strict=True))
        self.free -= len(new)

    def of(self, forms: list[str]) -> tuple[list[str], list[Tensor]]:
        """Forms that are there, and their rows."""
        places = torch.tensor([self.places[form] for form in forms], dtype=torch.int64)
        return forms, [table.index_select(0, places) for table in self.tables]
