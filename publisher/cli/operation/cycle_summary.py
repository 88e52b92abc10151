"""The summary after a cycle: per language, what was made, where it is, and what comes next."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from publisher.app.operation import status
from publisher.app.operation.cycle import CycleReport
from publisher.cli.articles import quarantine_lines, summarise_articles
from publisher.cli.common import count_noun, format_local, make_table
from publisher.config import Settings
from publisher.issues.planner import EditionIssue
from publisher.languages import autonym
from publisher.log import log


def log_report(report: CycleReport) -> None:
    picked = report.picked_up
    if picked.has_changes or report.issues or report.feeds or report.problems:
        names = ("new", "changed", "removed", "quarantined")
        counts = {name: getattr(picked, name) for name in names}
        counts |= {name: getattr(report, name) for name in ("issues", "feeds")}
        problems = [*report.problems, *filter(None, [report.settings_problem])]
        log.info("cycle", **counts, problems=problems)


def print_summary(
    console: Console, settings: Settings, facts: status.PublicationStatus, report: CycleReport
) -> None:
    places = status.list_places(settings, facts)
    console.print(_opening(settings, report, facts, places.done))
    console.print(_standing(facts))
    console.print(_places(places.languages))
    for line in (*summarise_articles(facts), *quarantine_lines(facts), *report.remarks):
        console.print(line)
    if report.is_led_elsewhere:
        console.print("Another process plans and writes files: this one sent what was due.")
    for problem in report.problems:
        console.print(f"Problem: {problem}", style="red")
    console.print(f"All files are below {_nearby(settings.folders.root)}")


def _nearby(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if here in folder.parents else folder


def _opening(
    settings: Settings, report: CycleReport, facts: status.PublicationStatus, done: str
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
    notices = f"{count_noun(report.notices.sent, 'notice')}, " if report.notices.sent else ""
    return (
        f"{publication.title(publication.default_language)}: "
        f"{count_noun(facts.stories, 'story', 'stories')}, articles: {articles or 'nothing new'}; "
        f"{count_noun(report.issues, 'issue')} made, {notices}{count_noun(sent, 'mail')} {done}, "
        f"{count_noun(report.feeds, 'feed')} changed"
    )


_HEADINGS = ("Language", "Articles", "Newsletter", "Latest issue", "Mails", "Goes out next")


def _standing(facts: status.PublicationStatus) -> Table:
    table = make_table(_HEADINGS, right={"Mails"})
    for line in facts.languages:
        heads = iter([(f"{autonym(line.language)} ({line.language})", _articles(line))])
        latest = line.latest()
        # Of several, the first one.
        coming = {issue.edition.newsletter: issue for issue in reversed(line.upcoming)}
        for name in coming or [""]:
            made = latest.get(name)
            table.add_row(
                *next(heads, ("", "")),
                name,
                _issue(made) if made else "none yet",
                str(made.deliveries.total() or "") if made else "",
                _next(coming[name]) if name in coming else "",
            )
        table.add_section()
    return table


def _articles(line: status.LanguageStatus) -> str:
    parts = [str(line.articles)]
    if line.conversions:
        parts.append(f"{line.conversions} converted")
    if line.held_back:
        parts.append(f"{line.held_back} held back")
    return ", ".join(parts)


def _issue(made: status.IssueStatus) -> str:
    issue = made.issue
    if issue.reason:
        return f"{issue.day} {issue.state}: {issue.reason}"
    return f"{issue.day} {issue.state}, {count_noun(made.articles, 'article')}"


def _next(one: EditionIssue) -> str:
    state = f", {one.issue.state.replace('_', ' ')}" if one.issue.id else ""
    return f"{format_local(one.local)}{state}"


def _places(places: list[status.LanguagePlaces]) -> Table:
    table = make_table(("Language", "Digests on the web", "Mails", "Feeds"))
    for place in places:
        table.add_row(place.language, *map("\n".join, (place.pages, place.mails, place.feeds)))
        table.add_section()
    return table
