"""`publisher issues list`, `show` and `diff`: issues that are made, what they have, what has changed."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    ActorOption,
    FolderArgument,
    JsonOption,
    NowOption,
    editing,
    parse_now,
    print_json,
)
from publisher.cli.issue_arguments import (
    IssueDayArgument,
    LanguagesOption,
    NewsletterArgument,
)
from publisher.cli.issue_diff_output import diff_json, diff_lines
from publisher.cli.issue_output import (
    left_out_json,
    list_json,
    list_lines,
    shown_json,
    shown_lines,
)
from publisher.cli.issue_verbs import find_names
from publisher.cli.occurrence_output import overdue_line
from publisher.cli.terminal_text import echo

_EXAMPLE = "Example: publisher issues"
_RevisionOption = Annotated[
    int | None,
    typer.Option("--from", metavar="N", help="The older revision.", show_default="the last"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", epilog=f"{_EXAMPLE} list weekly --lang en")(list_issues_command)
    app.command("show", epilog=f"{_EXAMPLE} show weekly 2026-01-09 --lang en")(
        show_issue_command
    )
    app.command("diff", epilog=f"{_EXAMPLE} diff weekly 2026-01-09 --lang en")(
        diff_issue_command
    )


def list_issues_command(  # options
    newsletter: NewsletterArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the latest issues of a newsletter, and the stories that were left out of them."""
    from publisher.app.issue_overview import (
        list_left_out,
        list_of_newsletter,
        overdue_of_newsletter,
    )

    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = list_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        overdue = overdue_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        languages = dict.fromkeys(one.language for one in found)
        left = [x for tag in languages for x in list_left_out(state, actor, newsletter, tag)]
    if as_json:
        missed = [
            {"issue": x.name, "at": x.at.isoformat(), "reason": x.reason} for x in overdue
        ]
        shown = {"overdue": missed, "issues": list_json(found)}
        print_json(shown | {"left_out": [left_out_json(x) for x in left]})
    else:
        echo("\n".join([*map(overdue_line, overdue), *list_lines(found, left)]))
        if overdue:
            echo("publisher status says why no cycle has made it")


def show_issue_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an issue: its stories, edits, approvals, the manifest to approve, and who did not get it, and why."""
    from publisher.app.issue_approvals import read_approvals, read_plan_to_sign
    from publisher.app.issue_overview import read_issue_overview
    from publisher.app.issue_report import report_issue

    with editing(directory, acting, parse_now(now)) as (state, actor):
        found = []
        for name in find_names(newsletter, day, lang)(state):
            approvals = read_approvals(state, actor, name)
            plan = read_plan_to_sign(state, approvals)
            overview, report = (
                read_issue_overview(state, actor, name),
                report_issue(state, name),
            )
            found.append((overview, approvals, plan, report))
    if as_json:
        print_json([shown_json(one) for one in found])
    else:
        echo("\n".join(line for one in found for line in shown_lines(one)))


def diff_issue_command(  # noqa: PLR0913  # options
    newsletter: NewsletterArgument,
    day: IssueDayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    lang: LanguagesOption = None,
    old: _RevisionOption = None,
    new: Annotated[
        int | None,
        typer.Option("--to", metavar="N", help="The newer one.", show_default="today's"),
    ] = None,
    acting: ActorOption = None,
    now: NowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what changed between two revisions of an issue."""
    from publisher.app.issue_overview import compare_revisions

    with editing(directory, acting, parse_now(now)) as (state, actor):
        names = find_names(newsletter, day, lang)(state)
        found = {name: compare_revisions(state, actor, name, old, new) for name in names}
    if as_json:
        print_json([diff_json(name, one) for name, one in found.items()])
    else:
        echo("\n".join(x for name, one in found.items() for x in diff_lines(name, one)))
