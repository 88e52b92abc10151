"""Stopping a command that works for long: at its next safe place, and at once if asked again.

Safe places are where it tells how far it is. Knows nothing of the work.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class ProgressCallback(Protocol):
    """Told a step's name, how many are done, of how many, and what to add."""

    def __call__(self, step: str, done: int, of: int, note: str = "", /) -> None:
        """Show it."""
        ...


@contextmanager
def stoppable(tell: ProgressCallback) -> Iterator[ProgressCallback]:
    """Give a `tell` that raises KeyboardInterrupt once SIGINT or SIGTERM has come.

    For the main thread, as handlers of signals are. What is being sent or written when the signal
    comes is known to be done when the work ends; a second signal waits for nothing.
    """
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        sys.stderr.write("publisher: stopping, once what was begun is done\n")

    def told(step: str, done: int, of: int, note: str = "") -> None:
        if asked:
            raise KeyboardInterrupt
        tell(step, done, of, note)

    before = {one: signal.signal(one, ask) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
