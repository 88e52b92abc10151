"""Operations about the calendar: what is due when; move, skip and restore one occurrence."""

from datetime import date, datetime, timedelta

from pydantic import AliasPath, Field, NaiveDatetime

from publisher.app.editing_state import Permission
from publisher.app.issues import occurrences
from publisher.app.issues.calendar import read_calendar
from publisher.errors import UsageError
from publisher.web.api.operations import About, ApiValue, Instant, Name, OperationTable, Text
from publisher.web.api.problems import ProblemError
from publisher.web.api.requests import ApiRequest

OPERATIONS = OperationTable()

_MOST_DAYS = 366
# Days that are shown if nobody says until when.
_SHOWN = timedelta(weeks=5)


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


class ClockChangeValue(ApiValue):
    """A day on which the clocks of a time zone change, with its offsets from UTC."""

    timezone: str
    day: date
    before: timedelta
    after: timedelta


class ChangeWithoutEffect(ApiValue):
    """A change of an occurrence that its schedule does not have any more."""

    newsletter: str
    language: str
    day: date
    actor: str


class CalendarDays(ApiValue):
    """What is due on some days."""

    entries: list[CalendarItem]
    clock_changes: list[ClockChangeValue]
    ignored: list[ChangeWithoutEffect]


class CalendarQuery(ApiValue):
    """Which days are shown."""

    first: date | None = Field(default=None, description="By default today.")
    last: date | None = Field(default=None, description="By default 5 weeks after the first.")
    language: Name | None = None


class DraftValue(ApiValue):
    """A document of a source; without `until` it is a draft."""

    source: str
    file: str
    title: str | None
    language: str | None
    until: Instant | None


class Drafts(ApiValue):
    """Drafts by name, then what waits for a date, the next one first."""

    drafts: list[DraftValue] = Field(validation_alias="waiting")
    drafts_by_name: int = Field(
        description="Further ones, by folder or name, that are not read."
    )


class OccurrenceName(ApiValue):
    """An occurrence of a newsletter."""

    newsletter: Name
    day: date


class MovedOccurrence(OccurrenceName):
    """Where an occurrence is moved."""

    to: NaiveDatetime = Field(
        description="Local, in the edition's time zone, without an offset."
    )


class SkippedOccurrence(OccurrenceName):
    """Why an occurrence is skipped."""

    reason: Text = ""


class OccurrenceState(ApiValue):
    """An occurrence after a change."""

    newsletter: str
    language: str
    day: date
    due_at: Instant
    skip_reason: str | None


@OPERATIONS.add("GET /calendar", Permission.VIEW, about=About.EACH)
def _read_calendar(request: ApiRequest, query: CalendarQuery) -> CalendarDays:
    """Read what is due on some days."""
    today = request.state.clock.now().astimezone(request.state.settings.zone()).date()
    first = query.first or today
    last = query.last or min(first, date.max - _SHOWN) + _SHOWN
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise ProblemError(422, f"last: is 0 to {_MOST_DAYS - 1} days after first")
    languages = request.languages(Permission.VIEW, query.language)
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
    request: ApiRequest, language: str, body: MovedOccurrence
) -> OccurrenceState:
    """Move an issue to another time."""
    (done,) = request.call(occurrences.move_occurrence, _key(body, language), body.to)
    return occurrence_state(done)


@OPERATIONS.add("POST /calendar/<language>/skip", Permission.MOVE_ISSUE)
def _skip_occurrence(
    request: ApiRequest, language: str, body: SkippedOccurrence
) -> OccurrenceState:
    """Skip an issue; the next one has its articles."""
    (done,) = request.call(occurrences.skip_occurrence, _key(body, language), body.reason)
    return occurrence_state(done)


@OPERATIONS.add("POST /calendar/<language>/restore", Permission.MOVE_ISSUE)
def _restore_occurrence(
    request: ApiRequest, language: str, body: OccurrenceName
) -> OccurrenceState:
    """Undo moving or skipping an issue."""
    (done,) = request.call(occurrences.restore_occurrence, _key(body, language))
    return occurrence_state(done)


def _key(body: OccurrenceName, language: str) -> occurrences.OccurrenceKey:
    return occurrences.OccurrenceKey(
        newsletter=body.newsletter, day=body.day, languages=(language,)
    )


def occurrence_state(changed: occurrences.ChangedOccurrence) -> OccurrenceState:
    return OccurrenceState.of(changed.edition, changed.change, due_at=changed.occurrence.due_at)
