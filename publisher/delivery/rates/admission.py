"""Who of many may go now, and when the others may ask again. Pure: no row, no clock.

Each candidate has two gates to pass, the receiving domain's and the transport's. Whom the domain
keeps gets a place of her own in its queue, an instant at the domain's pace behind the last who
was kept, so that not all come back at once. The queue ends at a horizon; behind it people are
only told to ask again: what they are told is kept in rows, and bounds may change before.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

from publisher.delivery.rates.gcra import FULL
from publisher.delivery.rates.limits import RateLimit, RateScope
from publisher.delivery.rates.warmup import DailyQuota

# Where nothing is bounded.
ENDLESS = sys.maxsize
# Seconds: the queue's length, and how widely those are strewn who find no place in it.
HORIZON = 600.0
# Strews numbers evenly over a unit, however many they are: the golden section.
EVENLY = 0.6180339887498949


@dataclass(slots=True)
class RateGrant:
    """What became of candidates: each is in one of three places, by her number.

    What is allowed and not used after all is lost to the buckets, which have counted it: a little
    too slow now and then, and never too fast. A day's quota can have it back.
    """

    # May go now.
    allowed: Sequence[int] = ()
    # Kept by their domains: seconds until it is worth asking for each. Round them up, since who
    # comes early may find no room, and is sent to the end of the queue.
    put_off: dict[int, float] = field(default_factory=dict)
    # Kept by the transport alone.
    held: list[int] = field(default_factory=list)
    # Seconds until the transport lets one more go, if it is closed and anybody was kept.
    transport_wait: float | None = None
    # What keeps them, for people: `gmail.com: 5 a second`.
    reasons: tuple[str, ...] = ()


class RateGate:
    """What a scope lets go at one moment, and when it lets more."""

    def __init__(
        self,
        limits: Sequence[RateLimit],
        tats: Mapping[str, float],
        now: float,
        quota: DailyQuota | None = None,
    ) -> None:
        self._limits = limits
        self._written = [tats.get(one.bucket, FULL) for one in limits]
        self._tats = [
            one.pace.mended(tat, now) for one, tat in zip(limits, self._written, strict=True)
        ]
        self._now = now
        self._quota = quota
        self._room = min(self._rooms(), default=ENDLESS)
        self._taken = 0

    def _rooms(self) -> list[int]:
        rooms = [
            one.pace.room(tat, self._now)
            for one, tat in zip(self._limits, self._tats, strict=True)
        ]
        return rooms + ([self._quota.left] if self._quota else [])

    @property
    def is_open(self) -> bool:
        """Whether one more may pass."""
        return self._taken < self._room

    def let_pass(self) -> None:
        """Count one who passes."""
        self._taken += 1

    def changes(self) -> dict[str, float]:
        """Give the tats that are not as they were written, by bucket."""
        rows = zip(self._limits, self._written, self._after(), strict=True)
        return {one.bucket: after for one, before, after in rows if after != before}

    def _after(self) -> list[float]:
        if not self._taken:
            return self._tats
        return [
            one.pace.after(tat, self._now, self._taken)
            for one, tat in zip(self._limits, self._tats, strict=True)
        ]

    def opening(self) -> tuple[float, str]:
        """Give the instant from which one more may pass, and what keeps her until then."""
        rows = zip(self._limits, self._after(), strict=True)
        openings = [(one.pace.opens_at(tat), one.words) for one, tat in rows]
        if self._quota and self._taken >= self._quota.left:
            openings.append((self._quota.opens_at, self._quota.words))
        return max(openings, default=(self._now, ""))

    def behind(self, last: float) -> float:
        """Give the instant that follows one, at the pace that there will be then."""
        return last + max(one.interval_at(last) for one in self._limits)


def admit(
    scopes: Sequence[str],
    gates: Mapping[RateScope, RateGate],
    ahead: MutableMapping[str, float],
    now: float,
) -> RateGrant:
    """Let candidates pass, in their order; each has a scope, and its gate if it has one.

    `ahead` has the last instant that was given to somebody in a scope's queue, and is carried on.
    """
    grant, allowed, transport = RateGrant(), [], gates[None]
    for number, scope in enumerate(scopes):
        gate = gates.get(scope)
        if gate and not gate.is_open:
            grant.put_off[number] = _queue(gate, scope, ahead, now, number) - now
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


def _queue(
    gate: RateGate, scope: str, ahead: MutableMapping[str, float], now: float, number: int
) -> float:
    """Give the instant at which somebody who is kept may ask again."""
    opens = gate.opening()[0]
    place = max(opens, gate.behind(ahead.get(scope, FULL)))
    if place == opens or place <= now + HORIZON:
        ahead[scope] = place
        return place
    return max(opens, now + HORIZON) + HORIZON * (number * EVENLY % 1)


def _explain(
    grant: RateGrant, scopes: Sequence[str], gates: Mapping[RateScope, RateGate], now: float
) -> None:
    kept = [gates[scope] for scope in dict.fromkeys(scopes[number] for number in grant.put_off)]
    transport = gates[None]
    if not transport.is_open:
        wait = max(0.0, transport.opening()[0] - now)
        grant.transport_wait = wait
        # Their places count from when anybody can go at all; but a bound may be raised before.
        wait = min(wait, HORIZON)
        grant.put_off = {number: wait + own for number, own in grant.put_off.items()}
        kept.append(transport)
    grant.reasons = tuple(gate.opening()[1] for gate in kept)
