"""How many requests run at once in one process.

Python runs one thread at a time, and many that are ready spend time on switching. So few requests run
at once, and one that waits, for a commit or for another server, lets others run meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Semaphore

# Requests. More than one, since a read of the disk lets another run; no more than the connections
# that the database keeps open (5), since opening one takes longer than a page.
_AT_ONCE = 4


class ConcurrencyLimit:
    """Bounds how many threads are in its blocks. Safe among threads."""

    def __init__(self) -> None:
        self._free = Semaphore(_AT_ONCE)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait until this thread may run, and count it while the block lasts."""
        with self._free:
            yield

    @contextmanager
    def released(self) -> Iterator[None]:
        """Within `held`, do not count this thread while the block lasts: it waits for others."""
        self._free.release()
        try:
            yield
        finally:
            self._free.acquire()
