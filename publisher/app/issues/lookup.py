"""Find issues and editions by what a person names: an issue's name, or newsletter, day and language. Reads only."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby, islice

from sqlalchemy import Connection, and_, select

from publisher.app.editing_state import EditingState
from publisher.config import Edition, Settings
from publisher.database import Database
from publisher.delivery.ledger.lifecycle import is_pruned
from publisher.errors import IssueError, LanguageError, UsageError
from publisher.issues import model, planner, store
from publisher.issues.digests import subjects_and_warnings
from publisher.issues.tables import issue_table
from publisher.languages import match, normalise


def require_rows(connection: Connection, settings: Settings, issue: model.Issue) -> None:
    if is_pruned(connection, issue.id):
        raise issue.saying(
            "%(issue)s: who got it was deleted after %(days)s days (delivery.keep_deliveries); "
            "its report still has the counts",
            days=settings.delivery.keep_deliveries,
        )


def list_upcoming(
    settings: Settings, database: Database, now: datetime, most: int
) -> list[planner.EditionIssue]:
    """Return the issues of all editions that are due already, then the next ones, also those that were made ahead."""
    with database.reading() as connection:
        planned = planner.read_planning(connection, settings)
        upcoming = planner.upcoming_issues(settings, planned, now, most)
        upcoming += issues_made_ahead(connection, settings, now)
    return sorted(upcoming, key=lambda one: one.issue.due_at)[:most]


def issues_made_ahead(
    connection: Connection, settings: Settings, now: datetime
) -> Iterator[planner.EditionIssue]:
    """Yield the issues that were made before they are due, and those that wait."""
    states = (model.IssueState.SCHEDULED, *model.SELECTED_STATES)
    for issue in store.issues_in_state(connection, *states):
        edition = settings.edition(issue.newsletter, issue.language)
        if edition and (issue.due_at > now or issue.reason_key in model.WAIT_REASONS):
            yield planner.EditionIssue(edition, issue)


def require_issue(connection: Connection, name: str) -> model.Issue:
    """Return the issue of a name; raise UsageError if there is none."""
    issue = store.issue_by_name(connection, name)
    if issue is None:
        raise UsageError.saying(
            "%(issue)s: no such issue; `publisher status` lists them", issue=name
        )
    return issue


def require_edition(settings: Settings, issue: model.Issue) -> Edition:
    edition = settings.edition(issue.newsletter, issue.language)
    if edition is None:
        raise issue.saying("%(issue)s: %(why)s", why=model.EDITION_REMOVED)
    return edition


def language_of_issue(database: Database, name: str) -> str:
    with database.reading() as connection:
        return require_issue(connection, name).language


def _editions_of(settings: Settings, newsletter: str) -> list[Edition]:
    editions = list(settings.editions_of(newsletter))
    if not editions:
        raise UsageError.saying(
            "%(newsletter)s: no such newsletter; there are: %(names)s",
            newsletter=newsletter,
            names=", ".join(known.name for known in settings.newsletters) or "none",
        )
    return editions


def find_edition(settings: Settings, newsletter: str, language: str | None) -> Edition:
    """Return a newsletter's edition, the first one without a language; raise UsageError."""
    editions = _editions_of(settings, newsletter)
    if language is None:
        return editions[0]
    if chosen := _in_language(editions, language):
        return chosen[0]
    languages = ", ".join(edition.language for edition in editions)
    raise UsageError(f"{newsletter} has no edition in {language}; there are: {languages}")


def choose_editions(
    settings: Settings, newsletter: str | None, language: str | None
) -> list[Edition]:
    """Return editions of one newsletter or all, in one language or all, by language. Raise UsageError if there is none."""
    names = [newsletter] if newsletter is not None else [n.name for n in settings.newsletters]
    editions = [edition for name in names for edition in _editions_of(settings, name)]
    if not editions:
        raise UsageError("there is no newsletter; add a table [[newsletter]]")
    order = settings.publication.languages
    editions.sort(key=lambda edition: order.index(edition.language))
    if language is None:
        return editions
    if chosen := _in_language(editions, language):
        return chosen
    languages = ", ".join(dict.fromkeys(edition.language for edition in editions))
    raise UsageError(f"there is no edition in {language}; there are: {languages}")


def _in_language(editions: Sequence[Edition], tag: str) -> list[Edition]:
    """Return the editions in the language that a tag of any form means; raise UsageError."""
    try:
        language = match(normalise(tag), [edition.language for edition in editions])
    except LanguageError as error:
        raise UsageError(str(error)) from None
    return [edition for edition in editions if edition.language == language]


# The ledger is not open yet.
BEFORE_LEDGER = (model.IssueState.SCHEDULED, *model.SELECTED_STATES)


def choose_languages(
    settings: Settings, newsletter: str, languages: Collection[str]
) -> list[Edition]:
    """Return the editions of a newsletter or digest, in some languages or in all; raise UsageError."""
    if not languages:
        return choose_editions(settings, newsletter, None)
    chosen = [
        edition for tag in languages for edition in choose_editions(settings, newsletter, tag)
    ]
    return list({edition.language: edition for edition in chosen}.values())


def find_day(
    connection: Connection,
    settings: Settings,
    editions: Sequence[Edition],
    day: date,
    now: datetime,
    suffix: str = "",
) -> list[planner.EditionIssue]:
    """Return what some editions have on a day, or their announcements. Raise IssueError if none has anything."""
    planned = planner.read_planning(connection, settings)
    of_day: list[planner.EditionIssue] = []
    for edition in editions:
        name = model.issue_name(edition.newsletter, edition.language, day, suffix)
        if issue := store.issue_by_name(connection, name):
            of_day.append(planner.EditionIssue(edition, issue))
        elif not suffix:
            coming = planner.upcoming_of(edition, planned, now)
            of_day += islice((one for one in coming if one.issue.day == day), 1)
    if not of_day:
        name, what = editions[0].newsletter, suffix or "issue"
        raise IssueError(f"{name} has no {what} on {day}; `publisher plan` lists those to come")
    return of_day


def next_day(
    connection: Connection, settings: Settings, editions: Sequence[Edition], now: datetime
) -> date:
    """Return the next day on which one of some editions has an issue whose ledger is not open."""
    waiting = store.issues_in_state(connection, *BEFORE_LEDGER)
    names = {(edition.newsletter, edition.language) for edition in editions}
    days = [
        issue.day
        for issue in waiting
        if (issue.newsletter, issue.language) in names and not issue.serial
    ]
    planned = planner.read_planning(connection, settings)
    for edition in editions:
        days += [one.issue.day for one in islice(planner.upcoming_of(edition, planned, now), 1)]
    if not days:
        raise IssueError(f"{editions[0].newsletter}: no issue is to come")
    return min(days)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueInLanguage:
    """An issue in one language; without a digest, `subject` is empty and `warnings` None."""

    issue: model.Issue
    subject: str = ""
    articles: int = 0
    warnings: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueGroup:
    """A newsletter's issues of one day, in the publication's order of languages."""

    newsletter: str
    day: date
    issues: tuple[IssueInLanguage, ...]

    def in_language(self, language: str) -> IssueInLanguage | None:
        return next((one for one in self.issues if one.issue.language == language), None)


def find_issue_group(state: EditingState, name: str) -> tuple[IssueGroup, model.Issue]:
    with state.database.reading() as connection:
        issue = require_issue(connection, name)
        (group,) = _groups(connection, state.settings, same_issues(connection, [issue.id]))
    return group, issue


def same_issues(connection: Connection, numbers: Sequence[int]) -> list[model.Issue]:
    """Return issues by their ids, and the same ones in other languages."""
    same, named = issue_table.alias(), issue_table
    columns = ("newsletter", "day", "serial", "kind")
    alike = and_(*(named.c[name] == same.c[name] for name in columns))
    joined = named.join(same, alike)
    query = select(named.c.id).select_from(joined).where(same.c.id.in_(numbers))
    return store.issues_by_ids(connection, [*connection.execute(query).scalars()])


def _groups(
    connection: Connection, settings: Settings, found: Iterable[model.Issue]
) -> list[IssueGroup]:
    order = {tag: place for place, tag in enumerate(settings.publication.languages)}

    def key(issue: model.Issue) -> tuple[date, str, int, str]:
        return issue.day, issue.newsletter, issue.serial, issue.kind

    issues = sorted(found, key=lambda one: order.get(one.language, len(order)))
    ids = [one.id for one in issues]
    counts, frozen = (
        store.article_counts(connection, ids),
        subjects_and_warnings(connection, ids),
    )

    def summary(issue: model.Issue) -> IssueInLanguage:
        subject, warnings = frozen.get(issue.id, ("", None))
        articles = counts.get(issue.id, 0)
        return IssueInLanguage(
            issue=issue, subject=subject, articles=articles, warnings=warnings
        )

    return [
        IssueGroup(newsletter=newsletter, day=day, issues=tuple(map(summary, same)))
        for (day, newsletter, *_rest), same in groupby(
            sorted(issues, key=key, reverse=True), key=key
        )
    ]
