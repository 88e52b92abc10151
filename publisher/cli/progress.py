"""Progress of long work, on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import progress as bars
from rich.console import Console
from rich.table import Column
from rich.text import Text

from publisher.cli.exit_codes import stoppable

if TYPE_CHECKING:
    from publisher.delivery.dispatcher import Progress


_MIN_ITEMS_SHOWN = 500  # steps of fewer items are over before anyone has read a line about them
_MAX_LINES = 20  # lines per step in a file or pipe
_BAR_WIDTH = 12  # Characters; leaves room for names and numbers in 80 columns


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield a progress callback that shows each step, and stops the work after a signal."""
    if sys.stderr.isatty():
        with _display() as display, stoppable(_to_display(display)) as progress:
            yield progress
    else:
        with stoppable(_to_lines()) as progress:
            yield progress


def _display() -> bars.Progress:
    return bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(_BAR_WIDTH),
        bars.MofNCompleteColumn(),
        _RateColumn(),
        bars.TimeRemainingColumn(),
        # Gets the room that is left: where there is little, the numbers count more.
        bars.TextColumn(
            "{task.fields[note]}",
            style="yellow",
            markup=False,
            table_column=Column(no_wrap=True, ratio=1),
        ),
        console=Console(stderr=True),
        transient=True,
        expand=True,
    )


class _RateColumn(bars.ProgressColumn):
    """Items per second, recently."""

    def render(self, task: bars.Task) -> Text:
        """Return the rate, or nothing below one per second."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed and speed >= 1 else "", style="cyan")


def _to_display(display: bars.Progress) -> Progress:
    tasks: dict[str, bars.TaskID] = {}

    def show(step: str, done: int, of: int, note: str = "", /) -> None:
        if step not in tasks:
            tasks[step] = display.add_task(step, total=of, note="", completed=done)
        display.update(tasks[step], completed=done, total=of, note=note)

    return show


def _to_lines() -> Progress:
    shown: dict[str, int] = {}

    def show(step: str, done: int, of: int, note: str = "", /) -> None:
        portion = max(_MIN_ITEMS_SHOWN, of // _MAX_LINES)
        is_whole = done // portion > shown.get(step, 0) // portion
        if of >= _MIN_ITEMS_SHOWN and (is_whole or done == of != shown.get(step)):
            shown[step] = done
            sys.stderr.write(f"{step}: {done} of {of}{f', {note}' if note else ''}\n")

    return show
