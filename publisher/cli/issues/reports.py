"""`publisher issues list`, `show` and `report`: what issues have, and what became of mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.cli.issues.output import list_lines, overdue_line, shown_lines

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues.deliveries import DayReport, IssueReport


_EXAMPLE = "Example: publisher issues"


def list_issues_command(  # options
    newsletter: arguments.NewsletterArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """List the latest issues of a newsletter, and the stories that were left out of them."""
    from publisher.app.issues.overview import (
        list_left_out,
        list_of_newsletter,
        overdue_of_newsletter,
    )

    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        if as_json:
            common.print_json(_listed(state, actor, newsletter, lang))
            return
        found = list_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        overdue = overdue_of_newsletter(state, actor, newsletter, tuple(lang or ()))
        languages = dict.fromkeys(one.language for one in found)
        left = [x for tag in languages for x in list_left_out(state, actor, newsletter, tag)]
    echo("\n".join([*map(overdue_line, overdue), *list_lines(found, left)]))
    if overdue:
        echo("publisher status says why no cycle has made it")


def _listed(
    state: EditingState, actor: Actor, newsletter: str, lang: list[str] | None
) -> list[dict[str, Any]]:
    """Return the latest issues, as `listIssues` answers for each language."""
    from publisher.app.issues.lookup import choose_languages

    choose_languages(state.settings, newsletter, tuple(lang or ()))
    tags: list[str | None] = [*lang] if lang else [None]
    queries = [{"newsletter": newsletter, "language": tag} for tag in tags]
    return [x for q in queries for x in answer_of(state, actor, "listIssues", q)["issues"]]


def show_issue_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.IssueDayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Show an issue: its stories, edits, approvals, the manifest to approve, and who did not get it, and why."""
    from publisher.app.issues.approvals import read_approvals, read_plan_to_sign
    from publisher.app.issues.deliveries import report_issue
    from publisher.app.issues.overview import read_issue_overview

    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        found, names = [], arguments.find_names(newsletter, day, lang)(state)
        if as_json:
            common.print_json([_whole(state, actor, name) for name in names])
            return
        for name in names:
            approvals = read_approvals(state, actor, name)
            plan = read_plan_to_sign(state, approvals)
            overview, report = (
                read_issue_overview(state, actor, name),
                report_issue(state, name),
            )
            found.append((overview, approvals, plan, report))
    echo("\n".join(line for one in found for line in shown_lines(one)))


# What `show --json` prints of an issue, by the operation that answers it.
_OPERATIONS = {
    "issue": "readIssue",
    "contents": "readContents",
    "approvals": "readApprovals",
    "report": "readReport",
}


def _whole(state: EditingState, actor: Actor, name: str) -> dict[str, Any]:
    """Return all that the API has of an issue, and the plan that an approval may name."""
    from publisher.app.issues.approvals import read_approvals, read_plan_to_sign

    answers = {
        key: answer_of(state, actor, one, issue=name) for key, one in _OPERATIONS.items()
    }
    plan = read_plan_to_sign(state, read_approvals(state, actor, name))
    signed = plan and {"hash": plan.hash, "recipients": plan.recipients, "moved": plan.moved}
    return answers | {"plan": signed}


# Mail providers that are listed by name.
_PROVIDERS = 10


_WORDS = {"in_doubt": "in doubt", "suppressed": "not wanted"}


def issues_report_command(
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    languages: arguments.LanguagesOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Show what became of every planned mail: by language, mail provider and cause."""
    with common.editing(directory, None) as (state, _actor):
        from publisher.app.issues.deliveries import report_day

        report = report_day(state, newsletter, arguments.parse_day(day), languages or ())
    if as_json:
        common.print_json(report.as_dict())
        return
    console = common.stdout_console()
    echo(f"{report.newsletter} {report.day}: {report.planned:,} mails planned")
    console.print(_counts_table("Edition", _by_edition(report)))
    if report.planned:
        console.print(_counts_table("Mail provider", _by_provider(report)))
    for one in report.issues:
        if one.reason:
            echo(f"{one.name} is {one.state.replace('_', ' ')}: {one.reason}")
        if one.only_counts:
            echo(f"{one.name}: who got it was deleted since; these counts stay")
        if one.causes:
            console.print(_causes_table(one))
        for kind, count in one.returned.items():
            echo(f"{one.name}: {count:,} came back later, {kind}")


def _by_edition(report: DayReport) -> dict[str, Mapping[str, int]]:
    return {f"{one.language} ({one.state})": one.counts for one in report.issues}


def _by_provider(report: DayReport) -> dict[str, Mapping[str, int]]:
    found = report.providers
    largest = sorted(found, key=lambda name: (-found[name].total(), name))
    shown: dict[str, Mapping[str, int]] = {
        name or "(erased subscribers)": found[name] for name in largest[:_PROVIDERS]
    }
    if others := largest[_PROVIDERS:]:
        shown[f"{len(others):,} others"] = sum((found[one] for one in others), Counter[str]())
    return shown


def _counts_table(heading: str, lines: Mapping[str, Mapping[str, int]]) -> Table:
    """Return a table of counts by state; states of which there are none are left out."""
    states = [*dict.fromkeys(state for line in lines.values() for state in line)]
    used = [state for state in states if any(line[state] for line in lines.values())]
    table = common.make_table(heading, "planned", *(_WORDS.get(one, one) for one in used))
    for name, line in lines.items():
        counts = (sum(line.values()), *(line[state] for state in used))
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _causes_table(one: IssueReport) -> Table:
    table = common.make_table(one.name, "state", "why")
    for cause in one.causes:
        why = [cause.sentence, *_said(cause.words)]
        table.add_row(f"{cause.count:,}", _WORDS.get(cause.state, cause.state), "\n".join(why))
    return table


def _said(words: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in words]


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    app.command("list", epilog=f"{_EXAMPLE} list weekly --lang en")(list_issues_command)
    app.command("show", epilog=f"{_EXAMPLE} show weekly 2026-01-09 --lang en")(
        show_issue_command
    )
    app.command(
        "report", epilog="Example: publisher issues report weekly 2026-01-09 --lang ar"
    )(issues_report_command)
