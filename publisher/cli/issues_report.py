"""`publisher issues report`: what became of every mail of a newsletter's day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    editing,
    make_table,
    print_json,
    stdout_console,
)
from publisher.cli.issue_arguments import (
    DayArgument,
    LanguagesOption,
    NewsletterArgument,
    parse_day,
)
from publisher.cli.terminal_text import echo

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.issue_report import DayReport, IssueReport

# Mail providers that are listed by name.
_PROVIDERS = 10
_WORDS = {"in_doubt": "in doubt", "suppressed": "not wanted"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "report", epilog="Example: publisher issues report weekly 2026-01-09 --lang ar"
    )(issues_report_command)


def issues_report_command(
    newsletter: NewsletterArgument,
    day: DayArgument,
    directory: FolderArgument = CURRENT_FOLDER,
    *,
    languages: LanguagesOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what became of every planned mail: by language, mail provider and cause."""
    with editing(directory, None) as (state, _actor):
        from publisher.app.issue_report import report_day

        report = report_day(state, newsletter, parse_day(day), languages or ())
    if as_json:
        print_json(report.as_dict())
        return
    console = stdout_console()
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
    table = make_table(heading, "planned", *(_WORDS.get(one, one) for one in used))
    for name, line in lines.items():
        counts = (sum(line.values()), *(line[state] for state in used))
        table.add_row(name, *(f"{count:,}" for count in counts))
    return table


def _causes_table(one: IssueReport) -> Table:
    table = make_table(one.name, "state", "why")
    for cause in one.causes:
        why = [cause.sentence, *_said(cause.words)]
        table.add_row(f"{cause.count:,}", _WORDS.get(cause.state, cause.state), "\n".join(why))
    return table


def _said(words: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in words]
