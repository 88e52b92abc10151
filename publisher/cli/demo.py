"""`publisher demo`: a week of the demo publication."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from publisher.app.state import open_state
from publisher.cli.common import stdout_console

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.app.pipeline import CycleReport


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", epilog="Example: publisher demo build/demo")(demo_command)


def demo_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A new folder, or that of an earlier demo.")
    ],
) -> int:
    """Publish a week of the demo publication and show what went where."""
    from publisher.app.pipeline import add_reports
    from publisher.app.status import take_snapshot
    from publisher.cli import cycle_summary
    from publisher.demo import publish_demo

    screen = stdout_console()
    reports: list[CycleReport] = []

    def show(now: datetime, report: CycleReport) -> None:
        reports.append(report)
        picked = report.picked_up
        screen.print(
            f"{now:%A %Y-%m-%d}: {picked.new} new articles, {report.issues} issues made, "
            f"{report.sent.messages} mails written, {report.feeds} feeds changed"
        )

    settings, now = publish_demo(directory, show)
    total = add_reports(reports)
    with open_state(settings) as database:
        snapshot = take_snapshot(settings, database, now)
    cycle_summary.print_summary(screen, settings, snapshot, total)
    path = urlsplit(settings.publication.url).path
    screen.print(
        f"Look at it: publisher web {directory}, then http://{settings.web.address}{path}/",
        soft_wrap=True,
    )
    return 1 if total.problems else 0
