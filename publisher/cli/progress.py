"""Showing how far long work is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from publisher.cli.interrupts import ProgressCallback, stoppable

# Work of fewer pieces is over before anyone has read a line about it.
_MIN_ITEMS_SHOWN = 500
# A file gets no more lines than this for one step, however long it is.
_MAX_LINES = 20
# Short, so that names and numbers fit into 80 columns beside it.
_BAR_WIDTH = 12


@contextmanager
def show_progress() -> Iterator[ProgressCallback]:
    """Give a function that is told how far a step is, and stops the work when asked to."""
    if sys.stderr.isatty():
        with _bars() as bars, stoppable(_on(bars)) as tell:
            yield tell
    else:
        with stoppable(_in_lines()) as tell:
            yield tell


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(_BAR_WIDTH),
        MofNCompleteColumn(),
        _PaceColumn(),
        TimeRemainingColumn(),
        # Whatever room is left: where there is little, the numbers count more.
        TextColumn(
            "{task.fields[note]}",
            style="yellow",
            markup=False,
            table_column=Column(no_wrap=True, ratio=1),
        ),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    )


class _PaceColumn(ProgressColumn):
    """How many a second, of late."""

    def render(self, task: Task) -> Text:
        """Write the pace, if there is one yet."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed and speed >= 1 else "", style="cyan")


def _on(bars: Progress) -> ProgressCallback:
    tasks: dict[str, TaskID] = {}

    def tell(step: str, done: int, of: int, note: str = "") -> None:
        if step not in tasks:
            tasks[step] = bars.add_task(step, total=of, note="", completed=done)
        bars.update(tasks[step], completed=done, total=of, note=note)

    return tell


def _in_lines() -> ProgressCallback:
    told: dict[str, int] = {}

    def tell(step: str, done: int, of: int, note: str = "") -> None:
        portion = max(_MIN_ITEMS_SHOWN, of // _MAX_LINES)
        is_whole = done // portion > told.get(step, 0) // portion
        if of >= _MIN_ITEMS_SHOWN and (is_whole or done == of != told.get(step)):
            told[step] = done
            sys.stderr.write(f"{step}: {done} of {of}{f', {note}' if note else ''}\n")

    return tell
