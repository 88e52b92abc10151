"""`publisher plan`: what goes out next; `publisher issues move` and `skip`: change that."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.cli.issues.output import occurrence_line

if TYPE_CHECKING:
    from publisher.issues.planner import EditionIssue


_CLOCK_CHANGE_NOTES = {
    "gap": "the clocks skip this time: sent later",
    "fold": "the clocks repeat this time: sent the first time",
    None: "",
}
_COLUMNS = ("Newsletter", "Language", "Local time", "Zone", "UTC", "Note")
_NextOption = Annotated[
    int, typer.Option("--next", min=1, max=1000, help="How many occurrences to list.")
]


@common.command("plan", "--next 20 my-publication", takes="DIR --now --json")
def plan_command(
    given: common.Given, *, count: _NextOption = 20, ics: Path | None = None
) -> None:
    """List what goes out next, in local time and UTC; changes nothing.

    --ics FILE: Write an iCalendar file instead, of a month before today to a year after it.
    """
    if ics is not None:
        _write_calendar(given, ics)
        return
    now, settings = given.clock.now(), given.settings
    from publisher.app.articles import count_archived_articles
    from publisher.app.issues.lookup import list_upcoming

    with open_state(given.settings) as database:
        upcoming = list_upcoming(settings, database, now, count)
        archived = count_archived_articles(database)
    if given.as_json:
        common.print_json([_as_json(issue, archived, now) for issue in upcoming])
        return
    table = common.make_table(_COLUMNS, (_row(issue, now) for issue in upcoming))
    common.stdout_console().print(table)
    for line in _archive_lines(archived):
        echo(line)


def _write_calendar(given: common.Given, file: Path) -> None:
    from publisher.app.issues.calendar import write_current_calendar

    with given.editing() as (state, _actor):
        content = write_current_calendar(state)
    with common.writing_file(file):
        file.write_bytes(content)


def _archive_lines(archived: Mapping[str, int]) -> Iterator[str]:
    for source, count in archived.items():
        articles = common.count_noun(count, "article")
        yield f"{source}: its first import, {articles}, is an archive and is not mailed"
        yield f"    publisher articles announce {shlex.quote(source)}   # mails them all the same"


def _as_json(
    one: EditionIssue, archived: Mapping[str, int], now: datetime
) -> dict[str, object]:
    return {
        "newsletter": one.edition.newsletter,
        "language": one.edition.language,
        "day": one.issue.day.isoformat(),
        "local": one.local.isoformat(),
        "timezone": one.edition.timezone,
        "utc": common.rfc3339_or_none(one.issue.due_at),
        "shifted": one.shifted,
        "local_time": one.edition.local_time,
        "overdue": one.issue.due_at <= now,
        # Of an issue that is made already; null if it is not.
        "state": one.issue.state if one.issue.id else None,
        # What it waits for; null for nothing.
        "waits": one.waits or None,
        # Articles of each source that no issue carries, since they are an archive.
        "archive": dict(archived),
    }


def _row(one: EditionIssue, now: datetime) -> tuple[str, ...]:
    return (
        one.edition.newsletter,
        one.edition.language,
        common.format_local(one.local),
        one.edition.timezone,
        f"{one.issue.due_at:%a %Y-%m-%d %H:%M}",
        _note(one, now),
    )


def _note(one: EditionIssue, now: datetime) -> str:
    is_overdue = one.issue.due_at <= now and not one.waits
    overdue = "due already: the next cycle sends it" if is_overdue else ""
    local = "at each subscriber's local time; made at the time in UTC"
    notes = (
        overdue,
        one.issue.state.replace("_", " ") if one.issue.id else "",
        one.waits,
        local if one.edition.local_time else "",
        _CLOCK_CHANGE_NOTES[one.shifted],
    )
    return "; ".join(filter(None, notes))


@common.command(
    "issues move", 'weekly 2026-01-09 --to "2026-01-10 09:00"', takes="DIR --as --now --json"
)
def issues_move_command(
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    *,
    to: str,
    lang: arguments.LanguagesOption = None,
) -> None:
    """Move one issue that is still to come. It keeps its date in names and addresses.

    --to TIME: The new local date and time, in the time zone of each edition.
    """
    local = arguments.parse_local_time(to)
    from publisher.app.issues.occurrences import OccurrenceKey, move_occurrence

    key = OccurrenceKey(
        newsletter=newsletter, day=arguments.parse_day(day), languages=tuple(lang or ())
    )
    with given.editing() as (state, actor):
        done = move_occurrence(state, actor, key, local)
    if given.as_json:
        from publisher.web.api.issues.calendar import occurrence_state

        common.print_json(
            [occurrence_state(changed).model_dump(mode="json") for changed in done]
        )
    else:
        echo("\n".join(map(occurrence_line, done)))


@common.command(
    "issues skip",
    'weekly 2026-01-09 --lang ar --note "a holiday"',
    takes="DIR --as --now --json",
)
def issues_skip_command(
    given: common.Given,
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    *,
    lang: arguments.LanguagesOption = None,
    note: str = "",
) -> None:
    """Have no issue on a date, whether it is made already or still to come.

    The next issue may have its articles. `publisher api restoreOccurrence` undoes it while the issue is
    not made. One that is being sent is stopped by `cancel`.

    --note TEXT: The reason.
    """
    from publisher.app.issues.occurrences import OccurrenceKey, skip_day

    key = OccurrenceKey(
        newsletter=newsletter, day=arguments.parse_day(day), languages=tuple(lang or ())
    )
    with given.editing() as (state, actor):
        done = skip_day(state, actor, key, note)
    if given.as_json:
        names = [{"issue": skipped.name, "state": "skipped"} for skipped in done]
        facts = common.rows_as_json(done, "reason", "was_made")
        common.print_json([one | more for one, more in zip(names, facts, strict=True)])
        return
    for skipped in done:
        echo(f"{skipped.name} is skipped: {skipped.reason}")
