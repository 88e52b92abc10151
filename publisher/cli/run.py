"""`publisher run`: the service, or one cycle."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli import log_setup
from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    NowOption,
    parse_now,
    stdout_console,
)
from publisher.cli.progress import show_progress
from publisher.config import load_settings
from publisher.disk_errors import storage_errors
from publisher.errors import StorageError, UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "run",
        epilog="Example: publisher run --once --now 2026-01-09T12:00:00Z my-publication",
    )(run_command)


def run_command(
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Run one cycle and exit, instead of going on.")
    ] = False,
    now: NowOption = None,
) -> int:
    """Pick up articles, make what is due, write feeds, pages and mail; then wait for more.

    Nothing is made or sent twice, not even after a crash. SIGTERM ends the service with exit
    code 0.
    """
    clock = parse_now(now)
    if now and not once:
        raise UsageError("--now: a service needs a clock that goes on; add --once")
    settings = load_settings(directory)

    # The pipeline takes half a second to import; the errors above should not wait for it.
    from publisher.cli import cycle_summary
    from publisher.cycle import open_pipeline
    from publisher.heartbeat import write_heartbeat
    from publisher.process_lock import hold_publication_lock

    folders = settings.folders
    with (
        storage_errors(folders.root),
        hold_publication_lock(folders),
        open_pipeline(settings, clock) as pipeline,
    ):
        if not once:
            from publisher.service import Service

            log_setup.set_up_logging("INFO")
            Service(pipeline, cycle_summary.log_report).run()
            return 0
        with show_progress() as tell:
            report = pipeline.run(tell)
        try:
            with storage_errors(folders.var):
                write_heartbeat(folders.heartbeat, clock.now())
        except StorageError as error:
            report.problems.append(str(error))
        cycle_summary.print_summary(
            stdout_console(), settings, pipeline.database, report, clock.now()
        )
    return 1 if report.problems else 0
