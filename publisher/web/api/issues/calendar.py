"""Operations about the calendar: what is due when; move, skip and restore one occurrence."""

from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import AliasPath, Field, NaiveDatetime

from publisher.app.editing_state import Permission
from publisher.app.issues import occurrences
from publisher.app.issues.calendar import ClockChange, read_calendar
from publisher.errors import UsageError
from publisher.ingest.reports.source_facts import WaitingDocument
from publisher.web.api.operations import About, ApiValue, Instant, Name, OperationTable, Text
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()

_MOST_DAYS = 366
LocalTime = Annotated[
    NaiveDatetime, Field(description="In the edition's time zone, without an offset.")
]
_SHOWN = timedelta(weeks=5)  # days that are shown if nobody says until when


class CalendarItem(ApiValue):
    """An issue, or an occurrence of which none was made yet."""

    name: str
    newsletter: str
    language: str
    day: date = Field(description="The date of the schedule, which names the issue.")
    due_at: Instant
    local: datetime = Field(
        validation_alias="at", description="In the edition's time zone, with its offset."
    )
    timezone: str
    state: str = Field(description='The state of the issue, or "planned".')
    reason: str | None
    scheduled_at: Instant | None = Field(description="Without the change, if it was moved.")
    conflicts_with: list[date] = Field(description="Days of the same edition within an hour.")
    kind: str
    shifted: str | None = Field(
        description="`gap` if the clocks skip this time, `fold` if they repeat it."
    )
    local_time: bool = Field(description="It goes out at each subscriber's own hour.")
    overdue: bool = Field(
        validation_alias="is_overdue", description="The next cycle decides what becomes of it."
    )
    changed_by: str | None = Field(validation_alias=AliasPath("change", "actor"), default=None)


class ChangeWithoutEffect(ApiValue):
    """A change of an occurrence that its schedule does not have any more."""

    newsletter: str
    language: str
    day: date
    actor: str


class CalendarDays(ApiValue):
    """What is due on some days."""

    entries: list[CalendarItem]
    clock_changes: list[ClockChange]
    ignored: list[ChangeWithoutEffect]


class Drafts(ApiValue):
    """Drafts by name, then what waits for a date, the next one first."""

    drafts: list[WaitingDocument] = Field(validation_alias="waiting")
    drafts_by_name: int = Field(
        description="Further ones, by folder or name, that are not read."
    )


class OccurrenceState(ApiValue):
    """An occurrence after a change."""

    newsletter: str
    language: str
    day: date
    due_at: Instant
    skip_reason: str | None


@OPERATIONS.add("GET /calendar", Permission.VIEW, about=About.EACH)
def _read_calendar(
    request: ApiRequest,
    *,
    first: Annotated[date | None, Field(description="By default today.")] = None,
    last: Annotated[date | None, Field(description="By default 5 weeks after it.")] = None,
    language: Name | None = None,
) -> CalendarDays:
    """Read what is due on some days."""
    today = request.state.clock.now().astimezone(request.state.settings.zone()).date()
    first = first or today
    last = last or min(first, date.max - _SHOWN) + _SHOWN
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise ProblemError(422, f"last: is 0 to {_MOST_DAYS - 1} days after first")
    languages = request.languages(Permission.VIEW, language)
    try:
        found = read_calendar(request.state, first, last)
    except UsageError as error:
        raise ProblemError(422, f"first: {error}") from error
    return CalendarDays.of(
        found,
        entries=[
            CalendarItem.of(x, x.issue) for x in found.entries if x.issue.language in languages
        ],
        ignored=[x for x in found.ignored if x.language in languages],
    )


@OPERATIONS.add("GET /drafts", Permission.VIEW)
def _list_drafts(request: ApiRequest) -> Drafts:
    """List drafts, and documents that wait for a date."""
    today = request.state.clock.now().astimezone(request.state.settings.zone()).date()
    return Drafts.of(read_calendar(request.state, today, today))


@OPERATIONS.add("POST /calendar/<language>/move", Permission.MOVE_ISSUE)
def _move_occurrence(
    request: ApiRequest, language: str, *, newsletter: Name, day: date, to: LocalTime
) -> OccurrenceState:
    """Move an issue to another time."""
    key = _key(newsletter, day, language)
    return occurrence_state(*request.call(occurrences.move_occurrence, key, to))


@OPERATIONS.add("POST /calendar/<language>/skip", Permission.MOVE_ISSUE)
def _skip_occurrence(
    request: ApiRequest, language: str, *, newsletter: Name, day: date, reason: Text = ""
) -> OccurrenceState:
    """Skip an issue; the next one has its articles."""
    key = _key(newsletter, day, language)
    return occurrence_state(*request.call(occurrences.skip_occurrence, key, reason))


@OPERATIONS.add("POST /calendar/<language>/restore", Permission.MOVE_ISSUE)
def _restore_occurrence(
    request: ApiRequest, language: str, *, newsletter: Name, day: date
) -> OccurrenceState:
    """Undo moving or skipping an issue."""
    key = _key(newsletter, day, language)
    return occurrence_state(*request.call(occurrences.restore_occurrence, key))


def _key(newsletter: str, day: date, language: str) -> occurrences.OccurrenceKey:
    return occurrences.OccurrenceKey(newsletter=newsletter, day=day, languages=(language,))


def occurrence_state(changed: occurrences.ChangedOccurrence) -> OccurrenceState:
    return OccurrenceState.of(changed.edition, changed.change, due_at=changed.occurrence.due_at)
