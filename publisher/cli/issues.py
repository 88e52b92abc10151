"""`publisher issues`: what editors do with single issues."""

from __future__ import annotations

import typer

from publisher.cli import issues_move

app = typer.Typer(
    no_args_is_help=True,
    help="Change single issues before they are sent.",
    epilog='Example: publisher issues move weekly 2026-01-09 --to "2026-01-10 09:00"',
)
issues_move.register(app)
