"""`publisher run`: the service, or one cycle."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli import logs
from publisher.cli.common import HERE, Directory, Now, clock_of, console
from publisher.cli.progress import progress
from publisher.config import load
from publisher.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "run",
        epilog="Example: publisher run --once --now 2026-01-09T12:00:00Z my-publication",
    )(run)


def run(
    directory: Directory = HERE,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Run one cycle and exit, instead of going on.")
    ] = False,
    now: Now = None,
) -> int:
    """Pick up articles, make what is due, write feeds, pages and mail; then wait for more.

    Running again, or after any crash, makes nothing twice. SIGTERM ends the service cleanly.
    """
    clock = clock_of(now)
    if now and not once:
        raise UsageError("--now: a service needs a clock that goes on; add --once")
    settings = load(directory)

    # What a press is made of takes half a second to load; errors above should not wait for it.
    from publisher.cli import summary
    from publisher.cycle import press
    from publisher.heartbeat import beat
    from publisher.locking import alone

    heartbeat = settings.folders.var / "heartbeat"
    with alone(settings.folders), press(settings, clock) as machine:
        if not once:
            from publisher.scheduling import Service

            logs.set_up("INFO")
            Service(machine, heartbeat, summary.log_report).run()
            return 0
        with progress() as tell:
            report = machine.run(tell)
        beat(heartbeat, clock.now())
        summary.show(console(), settings, machine.database, report, clock.now())
    return 1 if report.problems else 0
