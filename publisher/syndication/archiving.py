"""Which entries leave a subscription document for archive documents. Pure.

An archive document is closed for ever once it is written (RFC 5005 section 4), so entries
leave in lots: with one at a time, each archive document would hold one. A subscription
document therefore holds between four fifths of what fits into it and all of that, and exactly
all of it after a lot that was larger anyway. Knows no database and no format.
"""

from __future__ import annotations

from collections.abc import Sequence

# A fifth leaves the newest forty of fifty in place, and makes archive documents of ten.
_SMALLEST_SHARE = 5


def count_fitting(sizes: Sequence[int], most: int, most_bytes: int) -> int:
    """Say how many entries, newest first, fit into a document: `most` at most.

    One that is larger than a whole document may be stands beside the others: else nobody who
    polls would ever see what came at the same time.
    """
    total = 0
    for number, size in enumerate(sizes[:most]):
        total += size if size <= most_bytes else 0
        if total > most_bytes:
            return number
    return min(len(sizes), most)


def count_leaving(count: int, fit: int) -> int:
    """Say how many of `count` entries leave, oldest first, where `fit` of the newest may stay."""
    surplus = count - fit
    if surplus <= 0:
        return 0
    smallest = max(1, fit // _SMALLEST_SHARE)
    return max(surplus, min(smallest, count - 1))


def split_evenly(count: int, most: int) -> list[int]:
    """Divide what leaves into archive documents of `most` entries at most, nearly equal ones."""
    if not count:
        return []
    documents = -(-count // most)
    size, larger = divmod(count, documents)
    return [size + 1] * larger + [size] * (documents - larger)


def split_by_size(sizes: Sequence[int], most_bytes: int) -> list[int]:
    """Divide entries in order into runs that fit into a document each; gives their lengths.

    One that does not fit anywhere has a run of its own.
    """
    found: list[int] = []
    total = 0
    for size in sizes:
        if found and total + size <= most_bytes:
            found[-1] += 1
            total += size
        else:
            found.append(1)
            total = size
    return found
