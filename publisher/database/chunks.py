"""Splits lists of values to the number of parameters that one SQL statement takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# SQLite takes 32,766 values in one statement, older builds 999.
MAX_SQL_PARAMETERS = 900


def chunks(values: Sequence[int], size: int = MAX_SQL_PARAMETERS) -> Iterator[Sequence[int]]:
    """Yield the values in lists of `size`, by default as many as an IN clause takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
