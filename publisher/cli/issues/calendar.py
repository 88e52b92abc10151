"""`publisher calendar` and `plan`: what went out and what comes; `publisher issues move` and `restore`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from publisher.app.opening import open_state
from publisher.cli import common
from publisher.cli.api import answer_of
from publisher.cli.exit_codes import echo
from publisher.cli.issues import arguments
from publisher.cli.issues.output import occurrence_line
from publisher.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from publisher.app.editing_state import Actor, EditingState
    from publisher.app.issues.calendar import Calendar, CalendarEntry, ClockChange
    from publisher.app.issues.occurrences import ChangedOccurrence, OccurrenceKey
    from publisher.issues.planner import UpcomingIssue

    _Verb = Callable[[EditingState, Actor, OccurrenceKey], list[ChangedOccurrence]]


_SHIFTS = {
    "gap": "the clocks skip this time: sent later",
    "fold": "the clocks repeat this time: sent the first time",
}


def calendar_table(calendar: Calendar) -> Table:
    """Return the entries as a table."""
    table = common.make_table(
        "Newsletter", "Language", "Day", "Local time", "UTC", "State", "Note"
    )
    for one in calendar.entries:
        table.add_row(
            one.newsletter,
            one.language,
            one.day.isoformat(),
            common.format_local(one.at),
            f"{one.due_at:%a %Y-%m-%d %H:%M}",
            one.state,
            "; ".join(_entry_notes(one)),
        )
    return table


def _entry_notes(one: CalendarEntry) -> Iterator[str]:
    if one.kind == "correction":
        yield "a correction"
    if one.is_overdue:
        yield "due already: the next cycle decides it"
    if one.reason:
        yield one.reason
    if one.scheduled_at and one.change:
        yield f"moved from {one.scheduled_at:%Y-%m-%d %H:%M} UTC by {one.change.actor}"
    if one.shifted:
        yield _SHIFTS[one.shifted]
    if one.local_time:
        yield "at each subscriber's local time; made at the time in UTC"
    if one.conflicts_with:
        yield f"within an hour of {', '.join(map(str, one.conflicts_with))}"


def calendar_notes(calendar: Calendar) -> Iterator[str]:
    """Yield lines about the days: changes of clocks, and changes without effect."""
    for one in calendar.clock_changes:
        yield f"{one.day}: the clocks of {one.timezone} change, {_offsets(one)}"
    for change in calendar.ignored:
        yield (
            f"{change.newsletter}-{change.language}-{change.day}: was changed by {change.actor}, and"
            " its schedule has no such day any more"
        )
    yield from _waiting_lines(calendar)


def _waiting_lines(calendar: Calendar) -> Iterator[str]:
    for one in calendar.waiting:
        what = f"waits until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "draft"
        title = f": {one.title}" if one.title else ""
        yield f"{what}: {one.source}: {one.file}{title}"
    if calendar.drafts_by_name:
        yield f"and {common.count_noun(calendar.drafts_by_name, 'draft')} that sites leave out by name"


def _offsets(one: ClockChange) -> str:
    return " to ".join(f"UTC{_signed(offset)}" for offset in (one.before, one.after))


def _signed(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


_WEEKS = 5


def calendar_command(  # options
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    first: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="The first day.", show_default="today"),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--until", metavar="DAY", help="The last day.", show_default="5 weeks"),
    ] = None,
    ics: Annotated[
        Path | None,
        typer.Option("--ics", metavar="FILE", help="Write an iCalendar file instead."),
    ] = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Show what went out and what comes, in local time and UTC; changes nothing."""
    since = arguments.parse_day(first, "--from") if first else None
    until = arguments.parse_day(last, "--until") if last else None
    with common.editing(directory, None, common.parse_now(now)) as (state, actor):
        from publisher.app.issues.calendar import read_calendar

        today = state.clock.now().astimezone(state.settings.zone()).date()
        since = since or today
        # The last day there is: which years are refused is said where days are read.
        until = until or since + min(timedelta(weeks=_WEEKS), date.max - since)
        if until < since:
            raise UsageError(f"--until: {until} is before the first day, {since}")
        if ics is not None:
            from publisher.app.issues.calendar import write_calendar

            content = write_calendar(state, since, until)
            with common.writing_file(ics):
                ics.write_bytes(content)
            return
        if as_json:
            query = {"first": since, "last": until}
            common.print_json(answer_of(state, actor, "readCalendar", query))
            return
        calendar = read_calendar(state, since, until)
    common.stdout_console().print(calendar_table(calendar))
    echo("\n".join(calendar_notes(calendar)))


_CLOCK_CHANGE_NOTES = {
    "gap": "the clocks skip this time: sent later",
    "fold": "the clocks repeat this time: sent the first time",
    None: "",
}


def plan_command(
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    count: Annotated[
        int, typer.Option("--next", min=1, max=1000, help="How many occurrences to list.")
    ] = 20,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """List what goes out next, in local time and UTC; changes nothing."""
    clock = common.parse_now(now)
    settings = common.read_settings(directory)

    from publisher.app.articles import count_archived_articles
    from publisher.app.issues.lookup import list_upcoming

    with open_state(settings) as database:
        lines = list_upcoming(settings, database, clock.now(), count)
        archived = count_archived_articles(database)
    if as_json:
        common.print_json([_as_json(line, archived, clock.now()) for line in lines])
    else:
        common.stdout_console().print(_table(lines, clock.now()))
        for line in _archive_lines(archived):
            echo(line)


def _archive_lines(archived: Mapping[str, int]) -> Iterator[str]:
    for source, count in archived.items():
        articles = common.count_noun(count, "article")
        yield f"{source}: its first import, {articles}, is an archive and is not mailed"
        yield f"    publisher articles announce {shlex.quote(source)}   # mails them all the same"


def _as_json(
    line: UpcomingIssue, archived: Mapping[str, int], now: datetime
) -> dict[str, object]:
    return {
        "newsletter": line.edition.newsletter,
        "language": line.edition.language,
        "day": line.occurrence.day.isoformat(),
        "local": line.local.isoformat(),
        "timezone": line.edition.timezone,
        "utc": common.rfc3339_or_none(line.occurrence.due_at),
        "shifted": line.occurrence.shifted,
        "local_time": line.edition.local_time,
        "overdue": line.occurrence.due_at <= now,
        # Of an issue that is made already; null if it is not.
        "state": line.state,
        # What it waits for; null for nothing.
        "waits": line.waits or None,
        # Articles of each source that no issue carries, since they are an archive.
        "archive": dict(archived),
    }


def _table(lines: list[UpcomingIssue], now: datetime) -> Table:
    table = common.make_table("Newsletter", "Language", "Local time", "Zone", "UTC", "Note")
    for line in lines:
        table.add_row(
            line.edition.newsletter,
            line.edition.language,
            common.format_local(line.local),
            line.edition.timezone,
            f"{line.occurrence.due_at:%a %Y-%m-%d %H:%M}",
            _note(line, now),
        )
    return table


def _note(line: UpcomingIssue, now: datetime) -> str:
    is_overdue = line.occurrence.due_at <= now and not line.waits
    overdue = "due already: the next cycle sends it" if is_overdue else ""
    local = "at each subscriber's local time; made at the time in UTC"
    notes = (
        overdue,
        line.state.replace("_", " ") if line.state else "",
        line.waits,
        local if line.edition.local_time else "",
        _CLOCK_CHANGE_NOTES[line.occurrence.shifted],
    )
    return "; ".join(filter(None, notes))


def register_moves(app: typer.Typer) -> None:
    """Add the commands."""
    example = "Example: publisher issues"
    app.command("move", epilog=f'{example} move weekly 2026-01-09 --to "2026-01-10 09:00"')(
        issues_move_command
    )
    app.command("restore", epilog=f"{example} restore weekly 2026-01-09 --lang ar")(
        issues_restore_command
    )


def issues_move_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="TIME",
            help="The new local date and time, in the time zone of each edition.",
        ),
    ],
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Move one issue that is still to come. It keeps its date in names and addresses."""
    local = arguments.parse_local_time(to)

    from publisher.app.issues.occurrences import move_occurrence

    done = _changed(
        directory,
        (newsletter, day, lang),
        acting,
        now,
        lambda state, actor, key: move_occurrence(state, actor, key, local),
    )
    _print(done, as_json=as_json)


def issues_restore_command(  # noqa: PLR0913  # options
    newsletter: arguments.NewsletterArgument,
    day: arguments.DayArgument,
    directory: common.FolderArgument = common.CURRENT_FOLDER,
    *,
    lang: arguments.LanguagesOption = None,
    acting: common.ActorOption = None,
    now: common.NowOption = None,
    as_json: common.JsonOption = False,
) -> None:
    """Undo `move`, or `skip` of an issue that was not made: it goes out when its schedule says so."""
    from publisher.app.issues.occurrences import restore_occurrence

    done = _changed(directory, (newsletter, day, lang), acting, now, restore_occurrence)
    _print(done, as_json=as_json)


def _changed(
    directory: Path,
    which: tuple[str, str, list[str] | None],
    acting: str | None,
    now: str | None,
    verb: _Verb,
) -> list[ChangedOccurrence]:
    newsletter, day, languages = which

    from publisher.app.issues.occurrences import OccurrenceKey

    key = OccurrenceKey(
        newsletter=newsletter, day=arguments.parse_day(day), languages=tuple(languages or ())
    )
    with common.editing(directory, acting, common.parse_now(now)) as (state, actor):
        return verb(state, actor, key)


def _print(done: list[ChangedOccurrence], *, as_json: bool) -> None:
    if as_json:
        from publisher.web.api.issues.calendar import occurrence_state

        common.print_json([occurrence_state(one).model_dump(mode="json") for one in done])
    else:
        echo("\n".join(map(occurrence_line, done)))


def register(app: typer.Typer) -> None:
    """Add what this module has."""
    app.command("calendar", epilog="Example: publisher calendar --until 2026-12-31")(
        calendar_command
    )
    app.command("plan", epilog="Example: publisher plan --next 20 my-publication")(plan_command)
