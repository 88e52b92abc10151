"""Showing how far long work is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

Tell = Callable[[str, int, int], None]

# Work of fewer pieces is over before anyone has read a line about it.
WORTH_TELLING = 500


@contextmanager
def progress() -> Iterator[Tell]:
    """Give a function that is told a step's name, how many are done, and of how many."""
    if sys.stderr.isatty():
        with _bars() as bars:
            yield _on(bars)
    else:
        yield _line


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _on(bars: Progress) -> Tell:
    tasks = {}

    def tell(step: str, done: int, of: int) -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=of)
        bars.update(tasks[step], completed=done, total=of)

    return tell


def _line(step: str, done: int, of: int) -> None:
    if of >= WORTH_TELLING and (done == of or done % WORTH_TELLING == 0):
        sys.stderr.write(f"{step}: {done} of {of}\n")
