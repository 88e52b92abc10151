"""Signals: a command ends at its next safe place, or at once if the signal comes twice."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from publisher.delivery.progress import Progress

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """A signal ended the command; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted when SIGINT or SIGTERM comes. Outside the main thread, change nothing."""
    if threading.current_thread() is threading.main_thread():
        with _handling(_interrupt):
            yield
    else:
        yield


@contextmanager
def stoppable(progress: Progress) -> Iterator[Progress]:
    """Yield a progress callback that raises Interrupted once SIGINT or SIGTERM has come.

    Work calls it at safe places: what was being sent or written has been recorded. A second
    signal interrupts at once. For the main thread, like all signal handlers.
    """
    received: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if received:
            raise Interrupted(number)
        received.append(number)
        sys.stderr.write("publisher: stopping after the work that has begun\n")

    def checked(step: str, done: int, of: int, note: str = "", /) -> None:
        if received:
            raise Interrupted(received[0])
        progress(step, done, of, note)

    with _handling(handle):
        yield checked


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupted(number)


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    before = {one: signal.signal(one, handler) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, previous in before.items():
            signal.signal(one, previous)
