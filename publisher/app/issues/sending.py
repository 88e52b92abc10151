"""When an issue is sent, and how far it is while it is sent: now, later, not yet, not at all; pause and resume.

Each verb names what it found if it comes too late: of many that are called at once, one changes the issue, and the
others raise IssueError with the truth. While an issue is sent, its ledger is counted at most every `MAX_AGE`, for any
number of people who look. The rate is that of the last minutes in which somebody looked.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import NamedTuple

from sqlalchemy import Connection

from publisher.app.editing_state import Actor, Change, EditingState, Permission
from publisher.app.issues import lookup
from publisher.config import Edition
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.lifecycle import count_deliveries
from publisher.delivery.ledger.reports import last_due_at
from publisher.delivery.states import OPEN_STATES, DeliveryState, summarise_counts
from publisher.errors import IssueError, TransitionError
from publisher.i18n.messages import message
from publisher.issues import model, store
from publisher.issues.model import Issue
from publisher.issues.schedule import set_reminders

MAX_AGE = timedelta(seconds=2)  # counts are at most so old
_RATE_PERIOD = timedelta(minutes=5)  # the rate is that of so long, at most
_MAX_LOOKS = 150  # looks that are remembered for the rate
# Issues that are remembered; the one that was looked at longest ago is forgotten.
_MAX_ISSUES = 50


class StopCounts(NamedTuple):
    """What pausing or cancelling stops: what has been sent, is under way, and waits."""

    sent: int
    under_way: int
    waiting: int


def stop_counts(count: Mapping[str, int]) -> StopCounts:
    under_way = count.get(DeliveryState.ATTEMPTING, 0)
    waiting = sum(count.get(state, 0) for state in OPEN_STATES) - under_way
    return StopCounts(count.get(DeliveryState.SENT, 0), under_way, waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingStatus:
    """How far an issue is: `counts` add up to `planned`; `rate` (mails a minute) and `ends_at` if they are known."""

    issue: Issue
    at: datetime
    counts: Mapping[str, int]
    stop: StopCounts
    rate: float | None = None
    ends_at: datetime | None = None

    @property
    def planned(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """The deliveries that are final or in doubt."""
        return self.planned - self.stop.under_way - self.stop.waiting

    @property
    def is_changing(self) -> bool:
        return self.issue.state is model.IssueState.SENDING or self.stop.under_way > 0


@dataclass(slots=True)
class SendingWatch:
    """Remembers the last counts of issues. For any number of threads."""

    _statuses: dict[tuple[object, str], SendingStatus] = field(default_factory=dict)
    _looks: dict[tuple[object, str], deque[tuple[datetime, int]]] = field(default_factory=dict)
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
            group, _issue = lookup.find_issue_group(state, name)
            names = tuple(one.issue.name for one in group.issues)
            self._groups[key] = now, names
        return tuple(self.look(state, one) for one in names)

    def look(self, state: EditingState, name: str) -> SendingStatus:
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

    def _remember(self, key: tuple[object, str], status: SendingStatus) -> None:
        self._statuses.pop(key, None)
        self._statuses[key] = status
        if len(self._statuses) > _MAX_ISSUES:
            oldest = next(iter(self._statuses))
            del self._statuses[oldest]
            self._looks.pop(oldest, None)
            self._groups.pop(oldest, None)

    def _read(
        self, state: EditingState, key: tuple[object, str], now: datetime
    ) -> SendingStatus:
        with state.database.reading() as connection:
            issue = lookup.require_issue(connection, key[1])
            count = count_deliveries(connection, [issue.id])[issue.id]
            is_sending = issue.state is model.IssueState.SENDING
            last = last_due_at(connection, issue.id, now) if is_sending else None
        stop = stop_counts(count)
        looks = self._looks.setdefault(key, deque(maxlen=_MAX_LOOKS))
        looks.append((now, count.total() - stop.under_way - stop.waiting))
        rate = rate_of(looks) if is_sending else None
        return SendingStatus(
            issue=issue,
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
    """Return when the last mail leaves, if known. Pure. `last_due`: when the last row is due that waits for a local hour."""
    left = stop.under_way + stop.waiting
    if not left or not rate:
        return last_due if left else None
    end = now + timedelta(minutes=left / rate)
    return max(end, last_due) if last_due else end


def pause_sending(
    state: EditingState, actor: Actor, name: str, reason: str | None = None
) -> StopCounts:
    """Stop sending an issue until it is resumed; return how far it was. Mails that are under way are completed."""
    permission = Permission.PAUSE_SENDING
    with changing_issue(state, actor, "pause", permission, name) as (change, issue):
        change.details["reason"] = reason
        now = state.clock.now()
        lifecycle.pause_issue(
            change.connection, issue, reason or message("paused by hand"), now
        )
        found = stop_counts(lifecycle.count_rows(change.connection, [issue.id])[issue.id])
        change.details["deliveries"] = found._asdict()
        return found


def resume_sending(state: EditingState, actor: Actor, name: str) -> None:
    """Continue a paused issue where it stopped; deferred mail is tried at once."""
    permission = Permission.CONTROL_SENDING
    with changing_issue(state, actor, "resume", permission, name) as (change, issue):
        # A ready issue may become `sending` as well, but only when its ledger is inserted.
        if issue.state is not model.IssueState.PAUSED:
            raise issue.saying(
                "%(issue)s: is %(state)s, not paused; `publisher status` shows which issues are paused"
            )
        lifecycle.resume_issue(change.connection, issue, state.clock.now())


def cancel_sending(
    state: EditingState, actor: Actor, name: str, reason: str | None = None
) -> Mapping[str, int]:
    """End an issue for good; return its deliveries by state, as reports count them."""
    permission = Permission.CONTROL_SENDING
    with changing_issue(state, actor, "cancel", permission, name) as (change, issue):
        connection, now = change.connection, state.clock.now()
        lifecycle.cancel_issue(connection, issue, reason or message("cancelled by hand"), now)
        found = summarise_counts(lifecycle.count_rows(connection, [issue.id])[issue.id])
        change.details.update(reason=reason, deliveries=dict(found))
        return found


@contextmanager
def changing_issue(
    state: EditingState, actor: Actor, verb: str, permission: Permission, name: str
) -> Iterator[tuple[Change, Issue]]:
    """Open a transaction for an issue; raise IssueError for a state that it can't change to."""
    try:
        with state.changing(actor, verb, name) as change:
            issue = lookup.require_issue(change.connection, name)
            actor.require(permission, issue.language)
            yield change, issue
    except TransitionError as error:
        why = _refusal_text(error)
        raise IssueError.saying("%(issue)s: %(why)s", issue=name, why=why) from error


# By the state that an issue can't change to.
_REMEDIES = {
    "paused": message("only an issue that is being sent can be paused"),
    "cancelled": message(
        "sent mail can't be recalled; `publisher issues correct` mails a correction of it"
    ),
    "sending": message("its remaining mail stays unsent"),
}
_STATUS = message("`publisher status` shows the state of each issue")


def _refusal_text(error: TransitionError) -> str:
    state, target = (
        model.STATE_WORDS[model.IssueState(name)] for name in (error.source, error.target)
    )
    if error.source == error.target:
        return message("is %(state)s already", state=state)
    remedy = _REMEDIES.get(error.target, _STATUS)
    return message(
        "is %(state)s, and can't become %(target)s; %(remedy)s",
        state=state,
        target=target,
        remedy=remedy,
    )


_NOT_SENT = model.SELECTED_STATES | {model.IssueState.SCHEDULED}
_FINAL = frozenset({model.IssueState.SKIPPED, model.IssueState.CANCELLED})
_MAX_REASON = 500
# How far ahead an issue is scheduled: a year with a digit too many is refused, not waited for.
FARTHEST = timedelta(days=366)
# What `summarise_counts` counts, as people say it.
_ROW_WORDS = {
    "sent": message("sent"),
    "deferred": message("deferred"),
    "bounced": message("bounced"),
    "failed": message("failed"),
    "in_doubt": message("in doubt"),
    "suppressed": message("suppressed"),
    "cancelled": message("cancelled"),
    "waiting": message("waiting"),
}


def send_now(state: EditingState, actor: Actor, name: str) -> Issue:
    """Send a ready issue before its hour, or a held one. The first mail leaves after the time in which it can be undone."""
    with _changing(state, actor, "send-now", Permission.CONTROL_SENDING, name) as one:
        issue, send_at = one.issue, one.now + one.edition.undo_now
        if issue.state is not model.IssueState.READY:
            raise one.refusal()
        if issue.send_at is not None and issue.send_at <= send_at:
            raise issue.saying(
                "%(issue)s: goes out at %(when)s already", when=_instant(issue.send_at)
            )
        values = {"reason": None, "reason_key": None}
        return store.touch_issue(one.connection, issue, send_at=send_at, **values)


def undo_sending(state: EditingState, actor: Actor, name: str) -> Issue:
    """Take back "send now", or the last approval, before the first mail. It goes out when it is due, or is held if that has passed."""
    with _changing(state, actor, "undo", Permission.PAUSE_SENDING, name) as one:
        issue = one.issue
        if issue.state is not model.IssueState.READY:
            raise one.refusal()
        if issue.send_at is None:
            raise issue.saying("%(issue)s: is held; nothing is to be undone")
        if issue.send_at == issue.due_at > one.now:
            when = _instant(issue.due_at)
            raise issue.saying(
                "%(issue)s: goes out when it is due, at %(when)s; hold it instead", when=when
            )
        is_to_come = issue.due_at > one.now and not issue.is_unscheduled
        send_at = issue.due_at if is_to_come else None
        return store.touch_issue(one.connection, issue, send_at=send_at)


def schedule_issue(state: EditingState, actor: Actor, name: str, send_at: datetime) -> Issue:
    """Have an issue sent at an instant, once it is approved. Its name and its date stay."""
    with _changing(state, actor, "schedule", Permission.MOVE_ISSUE, name) as one:
        one.details["send_at"] = send_at.isoformat()
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        if send_at <= one.now:
            raise one.issue.saying(
                "%(issue)s: %(when)s has passed; send it now instead", when=_instant(send_at)
            )
        if send_at > one.now + FARTHEST:
            raise one.issue.saying(
                "%(issue)s: %(when)s is more than a year away", when=_instant(send_at)
            )
        is_about_schedule = one.issue.reason_key == model.IssueReason.NOT_IN_SCHEDULE
        values = {"reason": None, "reason_key": None} if is_about_schedule else {}
        # Whoever was reminded of the former time is reminded of this one.
        set_reminders(one.connection, one.issue, 0)
        return store.touch_issue(one.connection, one.issue, send_at=send_at, **values)


def hold_issue(state: EditingState, actor: Actor, name: str) -> Issue:
    """Keep an issue from being sent until somebody schedules it, or sends it now."""
    with _changing(state, actor, "hold", Permission.PAUSE_SENDING, name) as one:
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        if one.issue.send_at is None:
            raise one.issue.saying("%(issue)s: is held already")
        return store.touch_issue(one.connection, one.issue, send_at=None)


def skip_issue(state: EditingState, actor: Actor, name: str, reason: str) -> Issue:
    """Send an issue never. The next one may have its articles."""
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise IssueError.saying(
            "%(issue)s: say why, in at most %(most)s characters", issue=name, most=_MAX_REASON
        )
    with _changing(state, actor, "skip", Permission.MOVE_ISSUE, name) as one:
        one.details["reason"] = reason
        if one.issue.state not in _NOT_SENT:
            raise one.refusal()
        key = model.IssueReason.SKIPPED_BY_EDITOR
        return store.give_up_issue(one.connection, one.issue, reason.strip(), key, one.now)


@dataclass(frozen=True, slots=True)
class _Changing:
    connection: Connection
    details: dict[str, object]
    issue: Issue
    edition: Edition
    now: datetime

    def refusal(self) -> IssueError:
        """Return why it is too early or too late for a verb, with numbers if it is being sent."""
        issue = self.issue
        if issue.state in {*_NOT_SENT, *_FINAL}:
            if issue.reason is None:
                return issue.saying("%(issue)s: is %(state)s")
            return issue.saying("%(issue)s: is %(state)s (%(why)s)", why=issue.reason)
        counts = summarise_counts(lifecycle.count_rows(self.connection, [issue.id])[issue.id])
        rows = [
            message("%(count)s %(why)s", count=number, why=_ROW_WORDS[state])
            for state, number in counts.items()
            if number
        ] or [message("0 mails")]
        if issue.state is model.IssueState.SENDING:
            return issue.saying(
                "%(issue)s: is %(state)s (%(rows)s); pause or cancel it", rows=rows
            )
        return issue.saying("%(issue)s: is %(state)s (%(rows)s)", rows=rows)


@contextmanager
def _changing(
    state: EditingState, actor: Actor, verb: str, permission: Permission, name: str
) -> Iterator[_Changing]:
    with changing_issue(state, actor, verb, permission, name) as (change, issue):
        edition = lookup.require_edition(state.settings, issue)
        yield _Changing(change.connection, change.details, issue, edition, state.clock.now())


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"
