"""`publisher issues`: what editors do with single issues, and see of them; approving one.

Each module of commands has `register`, which adds them to the group, and is named at the end of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.issues import arguments, calendar, corrections, reports, sending
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.app.editing_state import Actor, EditingState


_EXAMPLE = "Example: publisher issues"
_DAY = "weekly 2026-01-09 --lang ar"

WordsOption = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="What the others should know.")
]
ManifestOption = Annotated[
    str | None,
    typer.Option(
        "--manifest",
        metavar="HASH",
        help="What was read, as `issues show` prints it.",
        show_default="what it is now",
    ),
]


PlanOption = Annotated[
    str | None,
    typer.Option(
        "--plan",
        metavar="HASH",
        help="The plan that was read, as `publisher api readPlan` prints it for all languages.",
        show_default="what it is now",
    ),
]


def approve_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    manifest: ManifestOption = None,
    plan: PlanOption = None,
    note: WordsOption = "",
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Approve an issue as it is, for those who get it now, in all languages or none."""
    from publisher.app.issues.approvals import ApprovalRequest, ShownPlan, approve_issues

    shown = ShownPlan(plan) if plan else None
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        requests = [
            ApprovalRequest(name, _manifest(state, actor, name, manifest), note, shown)
            for name in arguments.find_names(newsletter, day, lang)(state)
        ]
        done = [one.issue for one in approve_issues(state, actor, requests)]
        if as_json:
            common.print_json(
                [answer_of(state, actor, "readIssue", issue=one.name) for one in done]
            )
            return
    arguments.print_issues(done)


def _manifest(state: EditingState, actor: Actor, name: str, given: str | None) -> str:
    """Return the manifest that somebody names, or that of the issue as it is."""
    from publisher.app.issues.approvals import read_approvals

    if given is not None:
        return given
    found = read_approvals(state, actor, name).manifest
    if found is None:
        raise UsageError(
            f"{name}: there is nothing to approve; `publisher issues show` says why"
        )
    return found


app = typer.Typer(
    no_args_is_help=True,
    help="See and change single issues.",
    epilog='Example: publisher issues move weekly 2026-01-09 --to "2026-01-10 09:00"',
)
for _register in (
    calendar.register_moves,
    reports.register,
    corrections.register,
    sending.register,
):
    _register(app)
app.command("approve", epilog=f"{_EXAMPLE} approve {_DAY}")(approve_command)
