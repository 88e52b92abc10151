"""The limits that the settings ask for, how they are lowered for a while, and the warm-up. Pure.

A limit is a named bucket; its scope is the whole transport (None), or the receiving domains of one [[delivery.domain]]
table, named after the first. If a fifth of the messages of late were refused for now (421, 45x), the rate is halved; it
grows again by a quarter for each minute without. Instants are seconds since the epoch, and arguments.

The warm-up bounds how many messages of a new sender may go on a day in UTC.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from publisher.config.delivery import DeliverySettings, RateSettings, WarmupSettings
from publisher.request_limits import CLOCK_TOLERANCE, Pace, per_hour, per_second

_GROWTH = math.log(1.25) / 60  # per second without a complaint: a quarter more in a minute
# Seconds: replies to messages that were under way already are one complaint, not a hundred.
_SAME_COMPLAINT = 10.0
# Messages a second. One in ten seconds is enough to notice that the other side has recovered.
MIN_RATE = 0.1
# Messages a second to be halved if there is no limit and too little was sent to measure.
_DEFAULT_RATE = 1.0
_WINDOW = 10.0  # seconds for which sends are counted; counts older than two windows are dropped
_MIN_SENDS = 10  # fewer messages than these are no measurement
_TOLERATED_SHARE = 0.2  # of messages, so many may be refused for now without a consequence
_CREDIT = 20  # messages taken as accepted before the first: a single refusal is no share
_EXPLICIT_WEIGHT = 10  # so many complaints is a reply worth that names our amount or speed


@dataclass(frozen=True, slots=True)
class Throttle:
    """A rate (messages a second) at the instant `since`, on its way back to `target`."""

    per_second: float
    since: float
    target: float

    def at(self, instant: float) -> float:
        if instant >= self.ends_at:  # beyond it, growth would only overflow
            return self.target
        return self.per_second * math.exp(_GROWTH * max(0.0, instant - self.since))

    @property
    def ends_at(self) -> float:
        return self.since + math.log(self.target / self.per_second) / _GROWTH

    def is_over(self, now: float) -> bool:
        return self.at(now) >= self.target

    def is_fresh(self, now: float) -> bool:
        return now < self.since + _SAME_COMPLAINT

    def corrected(self, now: float) -> Throttle:
        """Return it with a possible start: it can't have begun in the future."""
        return replace(self, since=now) if self.since > now + CLOCK_TOLERANCE else self


def tighten(
    before: Throttle | None, limit: float | None, measured: float | None, now: float
) -> Throttle:
    """Return the throttle after a complaint: halves the rate `measured` of late, if known, as that may be far below `limit`."""
    if before and before.is_fresh(now):
        return before
    if before and not before.is_over(now):
        present, target = _least(before.at(now), measured), before.target
    elif limit is not None:
        present, target = _least(limit, measured), limit
    else:
        present = target = measured or _DEFAULT_RATE
    return Throttle(max(present / 2, min(MIN_RATE, present)), now, target)


def _least(rate: float, measured: float | None) -> float:
    return rate if measured is None else min(rate, measured)


@dataclass(slots=True)
class _Window:
    """Messages and complaints since an instant, by receiving domain."""

    since: float = 0.0
    sends: Counter[str] = field(default_factory=Counter)
    complaints: Counter[str] = field(default_factory=Counter)


class RecentSends:
    """This process's messages of the last ten to twenty seconds, and how many were refused for now."""

    def __init__(self) -> None:
        self._older, self._newer = _Window(), _Window()

    def add(self, domains: Iterable[str], now: float) -> None:
        self._turn(now)
        self._newer.sends.update(domains)

    def complain(self, domain: str, now: float, *, is_explicit: bool) -> None:
        """Count a complaint; `is_explicit` if it says that we send too much or too fast."""
        self._turn(now)
        self._newer.complaints[domain] += _EXPLICIT_WEIGHT if is_explicit else 1

    def _turn(self, now: float) -> None:
        age = now - self._newer.since
        if not 0 <= age < _WINDOW:
            self._older = self._newer if _WINDOW <= age < 2 * _WINDOW else _Window(now)
            self._newer = _Window(now)

    def per_second(self, domains: Iterable[str] | None, now: float) -> float | None:
        """Return messages a second, to some domains or to all. None: too few to measure."""
        if now - self._newer.since >= 2 * _WINDOW:
            return None
        count = _count(self._older.sends, domains) + _count(self._newer.sends, domains)
        return count / max(1.0, now - self._older.since) if count >= _MIN_SENDS else None

    def is_much_refused(self, domains: Collection[str], *, others: bool = False) -> bool:
        """Return whether too many messages to these domains, or to all others, were refused."""
        sends = complaints = 0
        for window in (self._older, self._newer):
            sends += _count(window.sends, domains, others=others)
            complaints += _count(window.complaints, domains, others=others)
        return complaints >= _TOLERATED_SHARE * (sends + _CREDIT)

    def forget_complaints(self, domains: Collection[str] | None) -> None:
        """Drop the complaints about some domains, or all (None): they have had their consequence."""
        for complaints in (self._older.complaints, self._newer.complaints):
            for domain in [*complaints] if domains is None else domains:
                del complaints[domain]


def _count(
    counter: Counter[str], domains: Iterable[str] | None, *, others: bool = False
) -> int:
    if domains is None:
        return counter.total()
    count = sum(counter[one] for one in domains)
    return counter.total() - count if others else count


RateScope = str | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A limit: its bucket, its pace now, and its text for people. The limit of a throttle grows with it."""

    bucket: str
    pace: Pace
    text: str
    throttle: Throttle | None = None

    def interval_at(self, instant: float) -> float:
        return 1 / self.throttle.at(instant) if self.throttle else self.pace.interval


def providers_of(settings: DeliverySettings) -> dict[str, str]:
    """Return the first domain of its [[delivery.domain]] table for each domain that has one."""
    return {name: one.names[0] for one in settings.domain for name in one.names}


class RateLimits:
    """The limits of one transport."""

    def __init__(self, settings: DeliverySettings, transport: str) -> None:
        self._transport = transport
        self._domains = {one.names[0]: one.names for one in settings.domain}
        self._scopes = providers_of(settings)
        self._fixed: dict[RateScope, tuple[RateLimit, ...]] = {
            None: self._limits_of(None, settings.rate)
        }
        for one in settings.domain:
            self._fixed[one.names[0]] = self._limits_of(one.names[0], one)
        self.has_limits = any(self._fixed.values())

    def scope_of(self, domain: str) -> str:
        return self._scopes.get(domain, domain)

    def domains_of(self, scope: str) -> tuple[str, ...]:
        return self._domains.get(scope, (scope,))

    def name_of(self, scope: RateScope) -> str:
        return self._transport if scope is None else f"{self._transport}/{scope}"

    def scope_named(self, name: str) -> RateScope:
        return None if name == self._transport else name.removeprefix(f"{self._transport}/")

    def fixed(self, scope: RateScope) -> tuple[RateLimit, ...]:
        return self._fixed.get(scope, ())

    def max_per_second(self, scope: RateScope) -> float | None:
        return min((limit.pace.per_second for limit in self.fixed(scope)), default=None)

    def throttled(self, scope: RateScope, throttle: Throttle, now: float) -> RateLimit:
        rate = throttle.at(now)
        ends_at = datetime.fromtimestamp(throttle.ends_at, UTC)
        text = f"{self._label(scope)}: slowed to {rate:.2g} a second until {ends_at:%H:%M} UTC"
        return RateLimit(throttle_bucket(self.name_of(scope)), per_second(rate), text, throttle)

    def _label(self, scope: RateScope) -> str:
        return self._transport if scope is None else scope

    def _limits_of(self, scope: RateScope, rate: RateSettings) -> tuple[RateLimit, ...]:
        name, label, found = self.name_of(scope), self._label(scope), []
        if rate.per_second:
            text = f"{label}: {rate.per_second:,g} a second"
            found.append(RateLimit(f"{name}/second", per_second(rate.per_second), text))
        if rate.per_hour:
            text = f"{label}: {rate.per_hour:,} an hour"
            found.append(RateLimit(f"{name}/hour", per_hour(rate.per_hour), text))
        return tuple(found)


def throttle_bucket(name: str) -> str:
    return f"{name}/slowed"


_MAX_LOG = 700.0  # logarithms beyond this are past any limit, and past what a float can hold


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """What is left of a day, when the next one begins, and a text for people."""

    left: int
    opens_at: float
    text: str


def day_of(now: float) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def end_of(day: date) -> float:
    return datetime.combine(day + timedelta(days=1), time(), UTC).timestamp()


def daily_allowance(warmup: WarmupSettings, day: date) -> int | None:
    """Return how many messages a day allows, before the first day as on it. None: the warm-up is over."""
    days = max(0, (day - warmup.start).days)
    if days * math.log(warmup.growth) > _MAX_LOG:
        return None
    allowed = warmup.first * warmup.growth**days
    # A product that should be whole may be a little less.
    return None if allowed > warmup.until else math.floor(allowed + 1e-6)


def daily_quota(allowed: int, sent: int, day: date) -> DailyQuota:
    return DailyQuota(max(0, allowed - sent), end_of(day), f"warm-up: {allowed:,} a day")
