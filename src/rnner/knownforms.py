"""What was computed of word forms, kept for those that were met last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import numpy as np
import torch
from torch import Tensor

_TOGETHER = 256  # forms that are computed at a time
_BYTES = 64 << 20  # of all rows; a form takes 3.6 kB with a BiLSTM of 100 units a direction


class KnownForms:
    """Rows of tables for word forms, each computed once as long as there is room. Threads may share it.

    What is kept never changes what is given. When the room is full, the half that was not asked for the
    longest gives way.

    Args:
        compute: the tables `[n, w_i]` of n forms; what a form has there must not depend on the others.
        widths: w_i of each table.
        room: how many forms are kept; None: as many as 64 MB hold.
    """

    def __init__(
        self, compute: Callable[[list[str]], list[Tensor]], widths: Sequence[int], room: int | None = None
    ) -> None:
        self._compute = compute
        room = max(1, _BYTES // (4 * sum(widths))) if room is None else room
        self._tables = [torch.empty(room, width) for width in widths]  # pages never written take no memory
        self._asked = torch.zeros(room, dtype=torch.int64)  # the last call that asked for each row
        self._free = list(range(room))
        self._places: dict[str, int] = {}
        self._calls = 0
        self._lock = Lock()

    def rows(self, forms: Sequence[str], which: slice = slice(None), spare: int = 0) -> list[Tensor]:
        """Some of the tables, `[n + spare, w_i]` for n distinct forms, n at least 1; the caller's own.

        What stands in the `spare` rows at their ends is for the caller to write.
        """
        with self._lock:
            self._calls += 1
            places = np.array([self._places.get(form, -1) for form in forms])
            missing = np.flatnonzero(places < 0).tolist()
            known = torch.from_numpy(places.clip(min=0))
            self._asked[known] = self._calls
            given = []
            for table in self._tables[which]:
                given.append(table.new_empty(len(forms) + spare, table.shape[1]))
                torch.index_select(table, 0, known, out=given[-1][: len(forms)])
        missing.sort(key=lambda i: len(forms[i]))  # those that are computed together are of one length
        for start in range(0, len(missing), _TOGETHER):  # may take long: other threads need not wait
            some = missing[start : start + _TOGETHER]
            absent = [forms[i] for i in some]
            computed = self._compute(absent)
            for rows, own in zip(given, computed[which], strict=True):
                rows.index_copy_(0, torch.tensor(some), own)
            self._keep(absent, computed)
        return given

    def _keep(self, forms: list[str], tables: list[Tensor]) -> None:
        with self._lock:
            new = [i for i, form in enumerate(forms) if form not in self._places][: len(self._asked)]
            if len(new) > len(self._free):
                self._forget(len(new))
            places = [self._free.pop() for _ in new]
            at = torch.tensor(places, dtype=torch.int64)
            for table, rows in zip(self._tables, tables, strict=True):
                # All of them, but for what another thread was quicker to keep.
                table.index_copy_(0, at, rows if len(new) == len(forms) else rows[new])
            self._asked[at] = self._calls
            self._places.update(zip((forms[i] for i in new), places, strict=True))

    def _forget(self, least: int) -> None:
        """Make room for `least` forms, and for half of all."""
        stays = self._asked.argsort(descending=True, stable=True)[
            : min(len(self._asked) // 2, len(self._asked) - least)
        ]
        kept = set(stays.tolist())
        self._places = {form: place for form, place in self._places.items() if place in kept}
        self._free = [place for place in range(len(self._asked)) if place not in kept]
