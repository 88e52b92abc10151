"""A clock that is far ahead of the last cycle, and what was skipped while it was.

A clock that is a year ahead would have each occurrence of that year skipped for its lateness, and nothing
would go out for a year. So a cycle after a jump needs more than the clock itself, if anything would be lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy import Connection

from publisher.clock import Clock, is_confirmed, uptime
from publisher.config import Settings
from publisher.database import Database
from publisher.delivery.lineage.state import read_lineage
from publisher.issues import schedule, store
from publisher.issues.model import SELECTED_STATES, Issue, IssueState, issue_name
from publisher.issues.planner import (
    all_editions,
    editions_to_plan,
    plan_occurrences,
    read_planning,
)

log = structlog.get_logger()

# A machine that is off for a night and the day after it is usual. A day is the usual lateness, too.
PLAUSIBLE = timedelta(hours=36)
# Seconds that a service waits with a clock that nothing confirms. NTP corrects one within minutes of a start.
PATIENCE_SECONDS = 3600.0

_UNDER_WAY = (IssueState.SCHEDULED, IssueState.SENDING, *sorted(SELECTED_STATES))
_REMEDY = (
    "No article was read, and no issue planned or sent. If the clock is right, run `publisher run --once --confirm-clock`; "
    "if not, set it. A service goes on by itself when the clock is synchronised (NTP), or after an hour"
)


@dataclass(slots=True)
class ClockWatch:
    """What a process knows of its clock: whether a person confirmed it, and since when it looks wrong."""

    is_confirmed: bool = False
    uptime: Callable[[], float] = uptime
    _since: float | None = None

    def find_problem(self, settings: Settings, database: Database, clock: Clock) -> str | None:
        """Return why nothing may be planned or sent by a clock, as sentences for people; None if it may."""
        problem = find_jump(settings, database, clock.now())
        if problem is None:
            self._since = None
            return None
        if self.is_confirmed or is_confirmed(clock):
            return None
        if self._since is None:
            self._since = self.uptime()
        if self.uptime() - self._since >= PATIENCE_SECONDS:
            return None
        return f"{problem}. {_REMEDY}"


def find_jump(settings: Settings, database: Database, now: datetime) -> str | None:
    """Return what speaks against a clock: what a cycle now would lose, or had skipped in the future."""
    with database.reading() as connection:
        last, found = _last_cycle(connection, settings), read_lineage(connection)
        if last is None:
            return None
        says = f"The clock says {now:%Y-%m-%d %H:%M} UTC"
        # The last cycle may have had a time of `--now`: the machine's clock made the database.
        made_at = found.made_at if found else None
        last = max(last, made_at) if made_at and made_at <= now else last
        if now - last > PLAUSIBLE and (lost := _would_be_lost(connection, settings, now)):
            return (
                f"{says}, {schedule.format_span(now - last)} after the last cycle: {_listed(lost)} "
                "are too late and would never go out"
            )
        if last - now > PLAUSIBLE and (early := _early_skips(connection, settings, now)):
            return (
                f"{says}: {_listed([one.name for one in early])} are still to come, and were skipped "
                "as too late by a clock that was ahead. The next cycle plans them again"
            )
    return None


def _last_cycle(connection: Connection, settings: Settings) -> datetime | None:
    """Return when the last cycle planned, or a little earlier if editions have different leads."""
    planned = schedule.latest_planning(connection)
    lead = max((one.lead for one in all_editions(settings)), default=timedelta())
    return planned - lead if planned else None


def _would_be_lost(connection: Connection, settings: Settings, now: datetime) -> list[str]:
    """Return the names of what is under way, and of occurrences that a cycle now would skip as late."""
    under_way = store.issues_in_state(connection, *_UNDER_WAY)
    names = [one.name for one in under_way if one.send_at is not None]
    record = read_planning(connection, settings)
    for edition in editions_to_plan(connection, settings):
        names += (
            issue_name(edition.newsletter, edition.language, one.occurrence.day)
            for one in plan_occurrences(record, edition, now, now)
            if one.reason_key in schedule.LATE_REASONS
        )
    return names


def _listed(names: Sequence[str]) -> str:
    some = ", ".join(names[:3])
    return some if len(names) <= 3 else f"{some} and {len(names) - 3} more"  # noqa: PLR2004


def _early_skips(connection: Connection, settings: Settings, now: datetime) -> list[Issue]:
    """Return what was skipped as too late, and is not, by edition."""

    def is_early(one: Issue) -> bool:
        edition = settings.edition(one.newsletter, one.language)
        return edition is not None and schedule.may_come_back(edition, one, now)

    found = schedule.issues_due_between(
        connection, now - PLAUSIBLE, datetime.max.replace(tzinfo=now.tzinfo)
    )
    early = [one for one in found if one.reason_key in schedule.LATE_REASONS and is_early(one)]
    return sorted(early, key=_by_edition)


def _by_edition(one: Issue) -> tuple[str, str]:
    return one.newsletter, one.language


def take_back_early_skips(settings: Settings, database: Database, now: datetime) -> None:
    """Forget what was skipped as too late by a clock that was ahead, and plan it again from now."""
    with database.reading() as connection:
        last = _last_cycle(connection, settings)
        if last is None or last - now <= PLAUSIBLE:
            return
    with database.writing() as connection:
        for edition, found in groupby(_early_skips(connection, settings, now), _by_edition):
            skipped = [*found]
            since = min(now, skipped[0].due_at - timedelta(seconds=1))
            schedule.plan_again(connection, skipped, since)
            log.warning(
                "the clock was ahead: occurrences that were skipped as late are planned again",
                newsletter=edition[0],
                language=edition[1],
                since=str(skipped[0].day),
                until=str(skipped[-1].day),
                count=len(skipped),
            )
