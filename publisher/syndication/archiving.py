"""Decide which entries move from the subscription document to archive documents. Pure.

An archive document keeps its entries once it is written (RFC 5005 section 4), with new words of those that
are revised, and without those that are withdrawn. So entries move several at
a time: one at a time, each archive document would have one entry. A subscription document
therefore has between four fifths of its maximum and all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

# At least this share of a full document moves: of 50 entries the newest 40 stay, and archive
# documents have 10.
_SMALLEST_SHARE = 5


def count_fitting(sizes: Sequence[int], most: int, most_bytes: int) -> int:
    """Return how many entries, newest first, fit into a document.

    An entry larger than `most_bytes` is not counted against it. Else it would push out the entries
    that came at the same time before anybody could read them.
    """
    total = 0
    for number, size in enumerate(sizes[:most]):
        total += size if size <= most_bytes else 0
        if total > most_bytes:
            return number
    return min(len(sizes), most)


def count_leaving(count: int, fit: int) -> int:
    """Return how many of `count` entries move, oldest first, if the newest `fit` may stay."""
    surplus = count - fit
    if surplus <= 0:
        return 0
    smallest = max(1, fit // _SMALLEST_SHARE)
    return max(surplus, min(smallest, count - 1))


def split_evenly(count: int, most: int) -> list[int]:
    """Return the numbers of entries of archive documents: at most `most` each, nearly equal."""
    if not count:
        return []
    documents = -(-count // most)
    size, larger = divmod(count, documents)
    return [size + 1] * larger + [size] * (documents - larger)


def split_by_size(sizes: Sequence[int], most_bytes: int) -> list[int]:
    """Return how many consecutive entries go into each document of at most `most_bytes`.

    An entry larger than that has a document of its own.
    """
    counts: list[int] = []
    total = 0
    for size in sizes:
        if counts and total + size <= most_bytes:
            counts[-1] += 1
            total += size
        else:
            counts.append(1)
            total = size
    return counts
