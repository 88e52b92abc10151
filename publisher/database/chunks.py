"""Lists of values cut to what one SQL statement takes. Knows no table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# SQLite takes 32,766 values in one statement, older builds 999.
MAX_SQL_PARAMETERS = 900


def chunks(values: Sequence[int], size: int = MAX_SQL_PARAMETERS) -> Iterator[Sequence[int]]:
    """Cut a list of values into portions, by default of what a statement's IN takes."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
