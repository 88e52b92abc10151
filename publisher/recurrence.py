"""Local dates and instants of a schedule. Pure.

A schedule is a set of local dates and one local time. An occurrence is identified by its date,
so that a change of the clocks or of the zone's rules can't duplicate it. As in RFC 5545 section
3.3.5, a time in a gap moves forward by the gap, and a repeated time counts once, the first time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from dateutil.rrule import rrulebase, rrulestr

from publisher.i18n.messages import joined, message, untranslated

_CRON_FIELDS = 5
# Rules without a start count intervals from this Monday, so that "every second week" means the
# same weeks in every edition.
_RRULE_EPOCH = date(2001, 1, 1)
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rule for dates (`text`: cron or RRULE) and the local time of day."""

    text: str
    kind: Literal["cron", "rrule"]
    at: time
    start: date | None = None

    def dates(self, since: date) -> Iterator[date]:
        first = max(since, self.start) if self.start else since
        return self._cron(first) if self.kind == "cron" else self._rrule(first)

    def _cron(self, first: date) -> Iterator[date]:
        midnight = datetime.combine(first, time())
        return map(datetime.date, CronSim(self.text, midnight - timedelta(minutes=1)))

    def _rrule(self, first: date) -> Iterator[date]:
        rule = _rule(self.text, self.start or _begin_before(first, self.text))
        for moment in rule.xafter(datetime.combine(first, time()), inc=True):
            yield moment.date()

    @cache  # noqa: B019  # schedules are few, small values that live as long as the program
    def days_a_month(self) -> int:
        first = max(date(2027, 1, 1), self.start or date.min)
        month = first + timedelta(days=31)
        return sum(1 for _day in takewhile(lambda day: day < month, self.dates(first)))

    @cache  # noqa: B019  # as above
    def weekdays(self) -> frozenset[int]:
        """Return the weekdays (Monday is 0), or none if they are not the same ones every week."""
        monday = max(date(2027, 1, 4), self.start or date.min)
        monday += timedelta(days=-monday.weekday() % 7)
        last = monday + timedelta(weeks=4)
        days = [*takewhile(lambda day: day < last, self.dates(monday))]
        found = frozenset(day.weekday() for day in days)
        return found if len(days) == 4 * len(found) else frozenset()


def _begin_before(first: date, text: str) -> date:
    """Return a day before `first` from which a rule without a start has the same dates as from the epoch.

    A rule counts its dates from its start, and those of days are many. After a whole number of intervals it
    begins again, whether these are days or weeks; rules of months and years have few dates.
    """
    if "FREQ=DAILY" not in text and "FREQ=WEEKLY" not in text:
        return _RRULE_EPOCH
    interval = re.search(r"INTERVAL=(\d+)", text)
    period = timedelta(weeks=52 * int(interval[1] if interval else 1))
    return _RRULE_EPOCH + max(0, (first - _RRULE_EPOCH) // period) * period


@lru_cache(maxsize=64)
def _rule(text: str, start: date) -> rrulebase:
    """Return a rule that remembers its dates: to find those of 2026 it begins at its start."""
    rule: rrulebase = rrulestr(text, dtstart=datetime.combine(start, time()), cache=True)
    return rule


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A local date, its instant in UTC, and whether the time is in a gap or repeated."""

    day: date
    due_at: datetime
    shifted: Literal["gap", "fold"] | None = None


@cache
def parse_schedule(text: str, *, at: time | None = None, start: date | None = None) -> Schedule:
    """Parse a cron line of five fields, or an RRULE (RFC 5545 3.3.10) and its `at`. Raises ValueError: `problem; remedy`."""
    if re.search(r"\bFREQ\s*=", text, re.IGNORECASE):
        return _parse_rrule(text, at, start)
    return _parse_cron(text, at, start)


def _parse_cron(text: str, at: time | None, start: date | None) -> Schedule:
    fields, given = text.split(), repr(text)
    advice = message('write five fields like "0 8 * * FRI" (minute hour day month weekday)')
    if len(fields) != _CRON_FIELDS:
        advice = message("%(advice)s or FREQ=WEEKLY;BYDAY=FR", advice=advice)
        raise _wrong(message("%(text)s is neither cron nor RRULE", text=given), advice)
    if at:
        remedy = message("leave out at = %(at)s", at=at.strftime("%H:%M"))
        raise _wrong(message("%(text)s has a time already", text=given), remedy)
    if not (fields[0].isdecimal() and fields[1].isdecimal()):
        remedy = message(
            'write one minute and one hour, like "0 8 * * *", and a second newsletter for a second time'
        )
        raise _wrong(message("%(text)s names more than one time a day", text=given), remedy)
    try:
        CronSim(text, datetime(2027, 1, 1))  # noqa: DTZ001  # local dates have no zone yet
    except CronSimError as error:
        words = untranslated(str(error))
        problem = message("%(text)s is no cron line (%(words)s)", text=given, words=words)
        raise _wrong(problem, advice) from None
    return Schedule(text, "cron", time(int(fields[1]), int(fields[0])), start)


def _parse_rrule(text: str, at: time | None, start: date | None) -> Schedule:
    rule, given = "".join(text.upper().split()).removeprefix("RRULE:"), repr(text)
    if at is None:
        raise _wrong(
            message("%(text)s has no time of day", text=given), message('add at = "08:00"')
        )
    _check_parts(dict(part.partition("=")[::2] for part in rule.split(";")), given, start)
    schedule = Schedule(rule, "rrule", at, start)
    try:
        found = next(islice(schedule.dates(start or _RRULE_EPOCH), 1), None)
    except (ValueError, TypeError, OverflowError) as error:
        words = untranslated(str(error))
        problem = message("%(text)s is no RRULE (%(words)s)", text=given, words=words)
        raise _wrong(problem, message("write FREQ=WEEKLY;BYDAY=FR")) from None
    if found is None:
        remedy = message("name a day that exists")
        raise _wrong(message("%(text)s never happens", text=given), remedy)
    return schedule


def _check_parts(parts: Mapping[str, str], given: str, start: date | None) -> None:
    """Raise ValueError for parts of an RRULE that dateutil takes, and that make no dates."""
    if parts.get("FREQ") not in _FREQUENCIES or {"BYHOUR", "BYMINUTE", "BYSECOND"} & set(parts):
        remedy = message("use FREQ=%(known)s", known="|".join(_FREQUENCIES))
        raise _wrong(message("%(text)s is not a rule for days", text=given), remedy)
    # dateutil loops forever on an interval of 0.
    if not re.fullmatch(r"0*[1-9]\d{0,3}", parts.get("INTERVAL", "1")):
        remedy = message("write INTERVAL=1 or more, up to 9999")
        raise _wrong(message("%(text)s has no such interval", text=given), remedy)
    if not re.fullmatch(r"\d{8}", parts.get("UNTIL", "20260101")):
        remedy = message("write UNTIL=20261231, the last day it counts")
        raise _wrong(message("%(text)s ends at no date", text=given), remedy)
    if "COUNT" in parts and start is None:
        remedy = message("add start = 2026-01-01")
        raise _wrong(message("%(text)s counts, but from when", text=given), remedy)


def _wrong(problem: str, remedy: str) -> ValueError:
    return ValueError(joined(problem, remedy))


def occurrences(
    schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """Yield the occurrences due in (after, until], in order. Both have a time zone."""
    # One day more on both sides: the zone or a gap may move an instant past midnight.
    since = after.astimezone(zone).date() - timedelta(days=1)
    last = until.astimezone(zone).date() + timedelta(days=1)
    for day in takewhile(lambda day: day <= last, schedule.dates(since)):
        occurrence = at_local_time(day, schedule.at, zone)
        if after < occurrence.due_at <= until:
            yield occurrence


def at_local_time(day: date, at: time, zone: ZoneInfo) -> Occurrence:
    local = datetime.combine(day, at, tzinfo=zone)
    due_at = local.astimezone(UTC)
    if due_at.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        return Occurrence(day, due_at, "gap")
    if local.replace(fold=1).utcoffset() != local.utcoffset():
        return Occurrence(day, due_at, "fold")
    return Occurrence(day, due_at)
