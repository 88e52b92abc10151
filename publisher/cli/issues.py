"""`publisher issues`: what editors do with single issues, and see of them.

Each module of commands has `register`, which adds them to the group, and a line at the end of this one.
"""

from __future__ import annotations

import typer

from publisher.cli import (
    issues_correct,
    issues_decide,
    issues_edit,
    issues_move,
    issues_plan,
    issues_report,
    issues_send,
    issues_show,
    issues_skip,
)

app = typer.Typer(
    no_args_is_help=True,
    help="See and change single issues.",
    epilog='Example: publisher issues move weekly 2026-01-09 --to "2026-01-10 09:00"',
)
issues_move.register(app)
issues_plan.register(app)
issues_report.register(app)
issues_correct.register(app)
issues_show.register(app)
issues_edit.register(app)
issues_decide.register(app)
issues_send.register(app)
issues_skip.register(app)
