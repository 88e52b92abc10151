"""Threads that tests start, and whose end they wait for, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")

# Seconds; nothing here takes one, and a machine that is busy may take ten.
LONG = 30.0


class Beside(Generic[T]):
    """A call in a thread of its own, and what it gave."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._given: list[T] = []
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self._given.append(self._call())

    def given(self) -> T:
        """Wait for its end; an error within is no answer."""
        self.thread.join(LONG)
        assert not self.thread.is_alive(), "did not end"
        (given,) = self._given
        return given


@contextmanager
def ended(*threads: threading.Thread) -> Iterator[None]:
    """Start threads, and see that they have ended."""
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive(), "did not end"


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    waiting = threading.Event()
    for _ in range(int(LONG / 0.002)):
        if condition():
            return
        waiting.wait(0.002)
    raise AssertionError("never came to be so")
