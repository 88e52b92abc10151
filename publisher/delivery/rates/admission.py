"""Decide which candidates may be sent now, and when the others may ask again. Pure.

Each candidate has to pass two gates, the receiving domain's and the transport's. A candidate that
the domain's gate stops gets an instant in that domain's queue, one interval after the last one,
so that not all come back at once. The queue ends at a horizon. Candidates behind it are only told
to ask again, because the instants are stored in rows and limits may change before.
"""

import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from publisher.delivery.rates.limits import DailyQuota, RateLimit, RateScope
from publisher.request_limits import FULL

# The room of a gate without limits.
_UNLIMITED = sys.maxsize
# Seconds: the length of a domain's queue, and of the time over which later candidates are spread.
QUEUE_HORIZON = 600.0
# The golden section spreads numbers evenly over a unit, however many they are.
_GOLDEN_SECTION = 0.6180339887498949


@dataclass(slots=True)
class RateGrant:
    """The decision about candidates, by their numbers. Each is in one of three places.

    Messages that are allowed and not sent after all stay counted in the buckets: sending is a
    little too slow now and then, never too fast. A day's quota can be given back.
    """

    # May be sent now.
    allowed: Sequence[int] = ()
    # Stopped by their domains: seconds until each may ask again. Round them up: who asks too
    # early may find no room and goes to the end of the queue.
    postponed: dict[int, float] = field(default_factory=dict)
    # Stopped by the transport alone.
    held: list[int] = field(default_factory=list)
    # Seconds until the transport allows one more, if it stopped any.
    transport_wait: float | None = None
    # The limits that stopped candidates, for people: `gmail.com: 5 a second`.
    reasons: tuple[str, ...] = ()


class RateAdmission:
    """What a scope allows at one moment, and when it allows more."""

    def __init__(
        self,
        limits: Sequence[RateLimit],
        tats: Mapping[str, float],
        now: float,
        quota: DailyQuota | None = None,
    ) -> None:
        self._limits = limits
        self._stored = [tats.get(one.bucket, FULL) for one in limits]
        self._tats = [
            one.pace.corrected(tat, now) for one, tat in zip(limits, self._stored, strict=True)
        ]
        self._now = now
        self._quota = quota
        self._room = min(self._rooms(), default=_UNLIMITED)
        self._passed = 0

    def _rooms(self) -> list[int]:
        rooms = [
            one.pace.room(tat, self._now)
            for one, tat in zip(self._limits, self._tats, strict=True)
        ]
        return rooms + ([self._quota.left] if self._quota else [])

    @property
    def is_open(self) -> bool:
        """Whether one more may pass."""
        return self._passed < self._room

    def let_pass(self) -> None:
        """Count one that passes."""
        self._passed += 1

    def changes(self) -> dict[str, float]:
        """Return the tats that differ from the stored ones, by bucket."""
        rows = zip(self._limits, self._stored, self._after(), strict=True)
        return {one.bucket: after for one, before, after in rows if after != before}

    def _after(self) -> list[float]:
        if not self._passed:
            return self._tats
        return [
            one.pace.after(tat, self._now, self._passed)
            for one, tat in zip(self._limits, self._tats, strict=True)
        ]

    def opening(self) -> tuple[float, str]:
        """Return the instant from which one more may pass, and the limit until then."""
        rows = zip(self._limits, self._after(), strict=True)
        openings = [(one.pace.opens_at(tat), one.text) for one, tat in rows]
        if self._quota and self._passed >= self._quota.left:
            openings.append((self._quota.opens_at, self._quota.text))
        return max(openings, default=(self._now, ""))

    def next_after(self, last: float) -> float:
        """Return the instant after `last`, at the pace of that time."""
        return last + max(one.interval_at(last) for one in self._limits)


def admit(
    scopes: Sequence[str],
    gates: Mapping[RateScope, RateAdmission],
    queue_ends: MutableMapping[str, float],
    now: float,
) -> RateGrant:
    """Let candidates pass in their order. Each has a scope, and its gate if the scope has one.

    `queue_ends` holds the last instant that was given in each scope's queue, and is updated.
    """
    grant, allowed, transport = RateGrant(), [], gates[None]
    for number, scope in enumerate(scopes):
        gate = gates.get(scope)
        if gate and not gate.is_open:
            grant.postponed[number] = _enqueue(gate, scope, queue_ends, now, number) - now
        elif not transport.is_open:
            grant.held.append(number)
        else:
            allowed.append(number)
            transport.let_pass()
            if gate:
                gate.let_pass()
    grant.allowed = allowed
    if len(allowed) < len(scopes):
        _explain(grant, scopes, gates, now)
    return grant


def _enqueue(
    gate: RateAdmission,
    scope: str,
    queue_ends: MutableMapping[str, float],
    now: float,
    number: int,
) -> float:
    """Return the instant at which a stopped candidate may ask again."""
    opens = gate.opening()[0]
    instant = max(opens, gate.next_after(queue_ends.get(scope, FULL)))
    if instant == opens or instant <= now + QUEUE_HORIZON:
        queue_ends[scope] = instant
        return instant
    return max(opens, now + QUEUE_HORIZON) + QUEUE_HORIZON * (number * _GOLDEN_SECTION % 1)


def _explain(
    grant: RateGrant,
    scopes: Sequence[str],
    gates: Mapping[RateScope, RateAdmission],
    now: float,
) -> None:
    stopped = dict.fromkeys(scopes[number] for number in grant.postponed)
    closed = [gates[scope] for scope in stopped]
    transport = gates[None]
    if not transport.is_open:
        wait = max(0.0, transport.opening()[0] - now)
        grant.transport_wait = wait
        # Their instants count from when the transport opens; but its limit may be raised before.
        wait = min(wait, QUEUE_HORIZON)
        grant.postponed = {number: wait + own for number, own in grant.postponed.items()}
        closed.append(transport)
    grant.reasons = tuple(gate.opening()[1] for gate in closed)
