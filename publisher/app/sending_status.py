"""How far an issue is while it is sent, for any number of people who look at the same time.

The ledger is counted at most every `MAX_AGE`, for all of them. The rate is that of the last minutes in
which somebody looked.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from publisher.app.issue_groups import find_issue_group
from publisher.app.issues import require_issue
from publisher.delivery.ledger.counts import (
    PendingTail,
    count_deliveries,
    find_tail,
    recount_rows,
)
from publisher.delivery.ledger.local_times import last_due_at
from publisher.delivery.states import OPEN_STATES, DeliveryState, summarise_counts
from publisher.issues.model import IssueState

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.app.editing_state import EditingState
    from publisher.issues.model import Issue

# Counts are at most so old.
MAX_AGE = timedelta(seconds=2)
# How long the number of an issue's rows is taken for known: it changes when records are merged.
_TOTAL_KNOWN = timedelta(seconds=30)
# The rate is that of so long, at most.
_RATE_PERIOD = timedelta(minutes=5)
# Looks that are remembered for the rate.
_MAX_LOOKS = 150
# In these states, no counts are stored with the issue.
_OPEN = (IssueState.SENDING, IssueState.PAUSED)
# Issues that are remembered; the one that was looked at longest ago is forgotten.
_MAX_ISSUES = 50


class StopCounts(NamedTuple):
    """What pausing or cancelling stops: what has been sent, is under way, and waits."""

    sent: int
    under_way: int
    waiting: int


def stop_counts(count: Mapping[str, int]) -> StopCounts:
    """Return what a stop means, from counts by state."""
    under_way = count.get(DeliveryState.ATTEMPTING, 0)
    waiting = sum(count.get(state, 0) for state in OPEN_STATES) - under_way
    return StopCounts(count.get(DeliveryState.SENT, 0), under_way, waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingStatus:
    """How far an issue is, at an instant. `counts` add up to `planned`, as in reports.

    `rate` is in mails a minute; it and `ends_at` are None while they can't be known.
    """

    name: str
    language: str
    state: IssueState
    reason: str | None
    at: datetime
    counts: Mapping[str, int]
    stop: StopCounts
    rate: float | None = None
    ends_at: datetime | None = None

    @property
    def planned(self) -> int:
        """All deliveries."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """The deliveries that are final or in doubt."""
        return self.planned - self.stop.under_way - self.stop.waiting

    @property
    def is_changing(self) -> bool:
        """Whether it is worth looking again soon."""
        return self.state is IssueState.SENDING or self.stop.under_way > 0


@dataclass(slots=True)
class SendingWatch:
    """Remembers the last counts of issues. For any number of threads."""

    _statuses: dict[tuple[object, str], SendingStatus] = field(default_factory=dict)
    _looks: dict[tuple[object, str], deque[tuple[datetime, int]]] = field(default_factory=dict)
    # The last time that all rows were counted, the counts, and pending rows that need no counting.
    _whole: dict[tuple[object, str], tuple[datetime, Counter[str], PendingTail | None]] = field(
        default_factory=dict
    )
    # The names of the same issue in all languages, and when they were read.
    _groups: dict[tuple[object, str], tuple[datetime, tuple[str, ...]]] = field(
        default_factory=dict
    )
    _lock: Lock = field(default_factory=Lock)

    def look_at_group(self, state: EditingState, name: str) -> tuple[SendingStatus, ...]:
        """Return how far an issue is in each language; the same objects while they are not too old."""
        key, now = (state.settings.folders.root, name), state.clock.now()
        at, names = self._groups.get(key, (now, ()))
        if not names or not at <= now < at + MAX_AGE:
            group, _issue = find_issue_group(state, name)
            names = tuple(one.issue.name for one in group.issues)
            self._groups[key] = now, names
        return tuple(self.look(state, one) for one in names)

    def look(self, state: EditingState, name: str) -> SendingStatus:
        """Return how far an issue is; raise UsageError if there is none of that name."""
        key, now = (state.settings.folders.root, name), state.clock.now()
        # Whoever comes meanwhile waits for these counts, instead of counting again.
        with self._lock:
            known = self._statuses.get(key)
            if known is None or not known.at <= now < known.at + MAX_AGE:
                known = self._read(state, key, now)
                self._remember(key, known)
            return known

    def forget(self, state: EditingState, name: str) -> None:
        """Let the next look count again, since somebody has just changed an issue."""
        with self._lock:
            self._statuses.pop((state.settings.folders.root, name), None)
            self._whole.pop((state.settings.folders.root, name), None)

    def _remember(self, key: tuple[object, str], status: SendingStatus) -> None:
        self._statuses.pop(key, None)
        self._statuses[key] = status
        if len(self._statuses) > _MAX_ISSUES:
            oldest = next(iter(self._statuses))
            del self._statuses[oldest]
            self._looks.pop(oldest, None)
            self._whole.pop(oldest, None)
            self._groups.pop(oldest, None)

    def _count(
        self, connection: Connection, key: tuple[object, str], issue: Issue, now: datetime
    ) -> Counter[str]:
        at, whole, tail = self._whole.get(key, (now, Counter[str](), None))
        if whole and issue.state in _OPEN and at <= now < at + _TOTAL_KNOWN:
            return recount_rows(connection, issue.id, whole, tail)
        count = count_deliveries(connection, [issue.id])[issue.id]
        tail = find_tail(connection, issue.id) if issue.state in _OPEN else None
        self._whole[key] = now, count, tail
        return count

    def _read(
        self, state: EditingState, key: tuple[object, str], now: datetime
    ) -> SendingStatus:
        with state.database.reading() as connection:
            issue = require_issue(connection, key[1])
            count = self._count(connection, key, issue, now)
            is_sending = issue.state is IssueState.SENDING
            last = last_due_at(connection, issue.id, now) if is_sending else None
        stop = stop_counts(count)
        looks = self._looks.setdefault(key, deque(maxlen=_MAX_LOOKS))
        looks.append((now, count.total() - stop.under_way - stop.waiting))
        rate = rate_of(looks) if is_sending else None
        return SendingStatus(
            name=issue.name,
            language=issue.language,
            state=issue.state,
            reason=issue.reason,
            at=now,
            counts=summarise_counts(count),
            stop=stop,
            rate=rate,
            ends_at=expected_end(now, stop, rate, last),
        )


def rate_of(looks: deque[tuple[datetime, int]]) -> float | None:
    """Return mails a minute, from looks at how many were done; forgets those that are too old. Pure."""
    while len(looks) > 1 and looks[-1][0] - looks[0][0] > _RATE_PERIOD:
        looks.popleft()
    (first, before), (last, after) = looks[0], looks[-1]
    seconds = (last - first).total_seconds()
    # Deliveries in doubt may have been sent again.
    return 60 * max(0, after - before) / seconds if seconds > 0 else None


def expected_end(
    now: datetime, stop: StopCounts, rate: float | None, last_due: datetime | None
) -> datetime | None:
    """Return when the last mail leaves, as far as can be known. Pure.

    `last_due` is when the last row is due that waits for its subscriber's hour.
    """
    left = stop.under_way + stop.waiting
    if not left or not rate:
        return last_due if left else None
    end = now + timedelta(minutes=left / rate)
    return max(end, last_due) if last_due else end
