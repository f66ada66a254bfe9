"""A cache of values computed for word forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

import torch
from torch import Tensor

_AT_ONCE = 1024  # forms that are computed together
_BYTES = 48 << 20  # size of a generation; a form takes 3.6 kB with a BiLSTM of 100 units per direction


class FormCache:
    """Tables with a row for each word form, kept while there is room. Threads may share the cache.

    There are two generations of tables. Rows are only added to the young one. When it is full it becomes the
    old one, and forms that are needed again are copied from there into new tables. So unused forms are
    eventually dropped, and a thread can safely read the tables it was given.

    Args:
        compute: returns tables `[n, w_i]` for n forms; the row of a form must not depend on other forms.
        widths: w_i, the number of columns, of each table.
        capacity: forms per generation; None for as many as fit into 48 MB.
    """

    def __init__(
        self, compute: Callable[[list[str]], list[Tensor]], widths: Sequence[int], capacity: int | None = None
    ) -> None:
        self._compute, self._widths = compute, widths
        self._capacity = max(1, _BYTES // (4 * sum(widths))) if capacity is None else capacity
        self._young, self._old = _Generation(widths, self._capacity), _Generation(widths, 0)
        self._lock = Lock()

    def rows(self, forms: Sequence[str]) -> tuple[list[Tensor], Tensor]:
        """Return the tables, which must not be changed, and the rows `[n]` int64 of n >= 1 distinct forms."""
        while True:
            with self._lock:
                missing = [f for f in forms if f not in self._young.places and f not in self._old.places]
                if not missing:
                    return self._young_rows(forms)
            missing.sort(key=len)  # forms of similar length are computed together
            for start in range(0, len(missing), _AT_ONCE):
                some = missing[start : start + _AT_ONCE]
                computed = self._compute(some)  # may take long, so the lock is not held
                with self._lock:
                    if self._young.free < len(some):
                        self._old, self._young = self._young, self._new_generation(len(forms))
                    self._young.add(some, computed)

    def _young_rows(self, forms: Sequence[str]) -> tuple[list[Tensor], Tensor]:
        """Return the same as `rows` for cached forms, after copying old ones into the young generation."""
        young, old = self._young, self._old
        stray = [form for form in forms if form not in young.places]
        if young.free < len(stray):
            self._young = self._new_generation(len(forms))
            self._young.add(*young.select([form for form in forms if form in young.places]))
            self._old = young
        if stray:
            self._young.add(*old.select(stray))
        places = self._young.places
        return list(self._young.tables), torch.tensor([places[form] for form in forms])

    def _new_generation(self, least: int) -> _Generation:
        return _Generation(self._widths, max(self._capacity, least))


class _Generation:
    """Tables that are filled row by row.

    Attributes:
        tables: `[capacity, w_i]` each; the first rows are filled, one for each form in `places`.
        places: the row of each form.
        free: number of empty rows.
    """

    def __init__(self, widths: Sequence[int], capacity: int) -> None:
        self.tables = [torch.empty(capacity, width) for width in widths]  # untouched pages take no memory
        self.places: dict[str, int] = {}
        self.free = capacity

    def add(self, forms: Sequence[str], tables: Sequence[Tensor]) -> None:
        """Add the forms that are not in the tables yet, given n forms and their rows; n rows must be free."""
        begin = len(self.places)
        new = [i for i, form in enumerate(forms) if form not in self.places]
        for mine, rows in zip(self.tables, tables, strict=True):
            mine[begin : begin + len(new)] = rows if len(new) == len(forms) else rows[new]
        self.places.update(zip((forms[i] for i in new), range(begin, begin + len(new)), strict=True))
        self.free -= len(new)

    def select(self, forms: list[str]) -> tuple[list[str], list[Tensor]]:
        """Return forms and their rows."""
        places = torch.tensor([self.places[form] for form in forms], dtype=torch.int64)
        return forms, [table.index_select(0, places) for table in self.tables]
