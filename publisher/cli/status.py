"""`publisher status`: the state of a publication."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from publisher.cli.common import (
    CURRENT_FOLDER,
    FolderArgument,
    JsonOption,
    count_noun,
    format_local,
    make_table,
    open_state,
    parse_now,
    print_json,
    read_settings,
    rfc3339_or_none,
    stdout_console,
)
from publisher.delivery.states import summarize_counts

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from publisher.app.status import IssueStatus, PublicationStatus
    from publisher.config import Settings
    from publisher.delivery.ledger.reports import ReasonCounts

# Latest issues in the table; --json has more.
_ISSUES_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog="Example: publisher status --json my-publication")(
        status_command
    )


def status_command(
    directory: FolderArgument = CURRENT_FOLDER, *, as_json: JsonOption = False
) -> None:
    """Show articles, subscribers, issues and deliveries, and what is wrong, if anything."""
    now = parse_now(None).now()
    settings = read_settings(directory)

    from publisher.app.failure_causes import failure_causes
    from publisher.app.status import collect_status
    from publisher.heartbeat import read_heartbeat

    with open_state(settings) as database, database.reading() as connection:
        facts = collect_status(connection, settings, now)
        causes = failure_causes(connection, _shown(facts))
    beaten = read_heartbeat(settings.folders.heartbeat)
    if as_json:
        print_json(_as_json(settings, facts, beaten, causes))
    else:
        _show(stdout_console(), settings, facts, beaten, causes)


def _as_json(
    settings: Settings,
    facts: PublicationStatus,
    beaten: datetime | None,
    causes: Mapping[int, ReasonCounts],
) -> dict[str, Any]:
    from publisher.app import failure_causes

    publication = settings.publication
    return {
        "title": publication.title(publication.default_language),
        "url": publication.url,
        "last_cycle": rfc3339_or_none(beaten),
        "stories": facts.stories,
        "languages": {
            line.language: {
                "articles": line.articles,
                "converted": line.conversions,
                "held_back": line.held_back,
                "subscribers": line.subscribers,
            }
            for line in facts.languages
        },
        "articles_in_other_languages": facts.elsewhere,
        "subscribers_in_other_languages": facts.unserved,
        "feeds": facts.feeds,
        "pings": _pings_as_json(facts),
        "quarantine": [{"file": path, "reason": reason} for path, reason in facts.quarantine],
        "issues": [
            _issue_as_json(made)
            | {"causes": failure_causes.causes_as_json(causes.get(made.issue.id, Counter()))}
            for line in facts.languages
            for made in line.issues
        ],
    }


def _pings_as_json(facts: PublicationStatus) -> dict[str, Any]:
    return {
        "waiting": facts.pings_waiting,
        "failed": [
            {"hub": hub, "feed": topic, "answer": answer}
            for hub, topic, answer in facts.pings_failed
        ],
    }


def _issue_as_json(made: IssueStatus) -> dict[str, Any]:
    issue, count = made.issue, made.deliveries
    return {
        "name": issue.name,
        "newsletter": issue.newsletter,
        "language": issue.language,
        "day": issue.day.isoformat(),
        "due": rfc3339_or_none(issue.due_at),
        "state": issue.state.value,
        "reason": issue.reason,
        "articles": made.articles,
        "warnings": made.warnings,
        "deliveries": {"planned": count.total(), **summarize_counts(count)},
    }


def _show(
    console: Console,
    settings: Settings,
    facts: PublicationStatus,
    beaten: datetime | None,
    causes: Mapping[int, ReasonCounts],
) -> None:
    from publisher.app import failure_causes

    publication = settings.publication
    title = publication.title(publication.default_language)
    cycle = f"last cycle {format_local(beaten)}" if beaten else "no cycle has been run yet"
    console.print(
        f"{title}: {count_noun(facts.stories, 'story', 'stories')}, "
        f"{count_noun(facts.feeds, 'feed')}; {cycle}"
    )
    console.print(_languages(facts))
    if shown := _shown(facts):
        console.print(_issues(shown))
    for made in shown:
        for line in (
            *failure_causes.explain_state(made.issue),
            *failure_causes.explain_failures(made, causes.get(made.issue.id, Counter())),
        ):
            console.print(line)
    _show_the_rest(console, facts)


def _show_the_rest(console: Console, facts: PublicationStatus) -> None:
    for tag, count in facts.elsewhere.items():
        articles = count_noun(count, "article")
        console.print(f"{articles} in {tag}, which is not one of the languages")
    for tag, count in facts.unserved.items():
        subscribers = count_noun(count, "subscriber")
        console.print(f"{subscribers} of {tag}, which is not one of the languages")
    if facts.pings_waiting:
        console.print(f"{count_noun(facts.pings_waiting, 'ping')} to hubs waiting")
    for hub, topic, answer in facts.pings_failed:
        console.print(f"Not notified: {hub} of {topic}: {answer}", style="yellow")
    for path, reason in facts.quarantine:
        console.print(f"Quarantined: {path}: {reason}", style="yellow")


def _languages(facts: PublicationStatus) -> Table:
    table = make_table("Language")
    for heading in ("Articles", "of them converted", "Held back", "Subscribers"):
        table.add_column(heading, justify="right")
    for line in facts.languages:
        numbers = (line.articles, line.conversions, line.held_back, line.subscribers)
        table.add_row(line.language, *map(str, numbers))
    return table


def _shown(facts: PublicationStatus) -> list[IssueStatus]:
    shown = [made for line in facts.languages for made in line.issues]
    shown.sort(key=lambda made: (made.issue.due_at, made.issue.id), reverse=True)
    return shown[:_ISSUES_SHOWN]


def _issues(shown: list[IssueStatus]) -> Table:
    """Return the table of issues, by the names that other commands take; fits into 80 columns."""
    table = make_table()
    table.add_column("Issue", no_wrap=True)
    table.add_column("State", overflow="fold")
    for heading in ("Articles", "Warnings"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("Deliveries", min_width=len("Deliveries"))
    for made in shown:
        table.add_row(
            made.issue.name,
            made.issue.state.replace("_", " "),
            str(made.articles),
            str(made.warnings or ""),
            _sum(made),
        )
    return table


def _sum(made: IssueStatus) -> str:
    """Return the number of deliveries as a sum of states, like `3 = 2 sent + 1 deferred`."""
    parts = [
        f"{n} {s.replace('_', ' ')}" for s, n in summarize_counts(made.deliveries).items() if n
    ]
    return f"{made.deliveries.total()} = {' + '.join(parts)}" if parts else ""
