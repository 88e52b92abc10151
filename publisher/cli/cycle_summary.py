"""The summary after a cycle: per language, what was made, where it is, and what comes next."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from feeds import FEED_FORMATS
from publisher import urls
from publisher.app.pipeline import CycleReport
from publisher.app.status import (
    IssueStatus,
    LanguageStatus,
    PublicationStatus,
    collect_status,
)
from publisher.cli.common import count_noun, format_local
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import Transport
from publisher.issues.model import STATES_WITH_PAGE, Issue
from publisher.issues.planner import UpcomingIssue
from publisher.languages import autonym

log = structlog.get_logger()


def log_report(report: CycleReport) -> None:
    """Log a cycle that did anything."""
    picked = report.picked_up
    if picked.has_changes or report.issues or report.feeds or report.problems:
        log.info(
            "cycle",
            new=picked.new,
            changed=picked.changed,
            removed=picked.removed,
            quarantined=picked.quarantined,
            issues=report.issues,
            feeds=report.feeds,
            problems=[*report.problems, *filter(None, [report.settings_problem])],
        )


def print_summary(
    console: Console, settings: Settings, database: Database, report: CycleReport, now: datetime
) -> None:
    """Print what a cycle did, and the state after it."""
    with database.reading() as connection:
        facts = collect_status(connection, settings, now)
    transport = create_transport(settings)
    console.print(_opening(settings, report, facts, transport.done))
    console.print(_standing(facts))
    console.print(_places(settings, facts, transport))
    for path, reason in facts.quarantine:
        console.print(f"Quarantined: {path}: {reason}")
    for problem in report.problems:
        console.print(f"Problem: {problem}", style="red")
    console.print(f"All files are below {_nearby(settings.folders.root)}")


def _nearby(folder: Path) -> Path:
    """Return a folder relative to the current one, if it is below it."""
    here = Path.cwd()
    return folder.relative_to(here) if here in folder.parents else folder


def _opening(
    settings: Settings, report: CycleReport, facts: PublicationStatus, done: str
) -> str:
    publication = settings.publication
    picked = report.picked_up
    changes = {
        "new": picked.new,
        "changed": picked.changed,
        "moved": picked.moved,
        "removed": picked.removed,
        "in quarantine": picked.quarantined,
    }
    articles = ", ".join(f"{count} {what}" for what, count in changes.items() if count)
    sent = report.sent.messages
    return (
        f"{publication.title(publication.default_language)}: "
        f"{count_noun(facts.stories, 'story', 'stories')}, articles: {articles or 'nothing new'}; "
        f"{count_noun(report.issues, 'issue')} made, {count_noun(sent, 'mail')} {done}, "
        f"{count_noun(report.feeds, 'feed')} changed"
    )


def _standing(facts: PublicationStatus) -> Table:
    """Return a table with the latest and the next issue per language and newsletter."""
    table = Table()
    headings = ("Language", "Articles", "Newsletter", "Latest issue", "Mails", "Goes out next")
    for heading in headings:
        table.add_column(heading, justify="right" if heading == "Mails" else "left")
    for line in facts.languages:
        heads = iter([(f"{autonym(line.language)} ({line.language})", _articles(line))])
        latest, coming = by_newsletter(line)
        for name in coming or [""]:
            made = latest.get(name)
            table.add_row(
                *next(heads, ("", "")),
                name,
                _issue(made) if made else "none yet",
                str(made.deliveries.total() or "") if made else "",
                format_local(coming[name].local) if name in coming else "",
            )
        table.add_section()
    return table


def _articles(line: LanguageStatus) -> str:
    parts = [str(line.articles)]
    if line.conversions:
        parts.append(f"{line.conversions} converted")
    if line.held_back:
        parts.append(f"{line.held_back} held back")
    return ", ".join(parts)


def by_newsletter(
    line: LanguageStatus,
) -> tuple[dict[str, IssueStatus], dict[str, UpcomingIssue]]:
    """Return a language's latest and next issue of each newsletter."""
    latest: dict[str, IssueStatus] = {}
    for made in line.issues:
        latest.setdefault(made.issue.newsletter, made)
    coming = {upcoming.edition.newsletter: upcoming for upcoming in line.upcoming}
    return latest, coming


def _issue(made: IssueStatus) -> str:
    issue = made.issue
    if issue.reason:
        return f"{issue.day} {issue.state}: {issue.reason}"
    return f"{issue.day} {issue.state}, {count_noun(made.articles, 'article')}"


def _places(settings: Settings, facts: PublicationStatus, transport: Transport) -> Table:
    """Return a table of the places of the latest issues and the feeds."""
    public = settings.folders.public.name
    table = Table()
    for heading in ("Language", "Digests on the web", "Mails", "Feeds"):
        table.add_column(heading, overflow="fold")
    for line in facts.languages:
        made: dict[str, Issue] = {}
        for issue in (shown.issue for shown in line.issues):
            if issue.state in STATES_WITH_PAGE:
                made.setdefault(issue.newsletter, issue)
        pages = [urls.issue_path(i.language, i.newsletter, i.day) for i in made.values()]
        table.add_row(
            line.language,
            "\n".join(f"{public}/{path}" for path in pages),
            "\n".join(map(transport.destination, made.values())),
            "\n".join(
                f"{public}/{urls.feed_path(line.language, f.suffix)}" for f in FEED_FORMATS
            ),
        )
        table.add_section()
    return table
