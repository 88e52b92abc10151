"""What the settings allow, as buckets with names; and which domains share one. Pure.

A scope is what a bound is about: the transport as a whole (None), or a receiving domain. Domains
that one table names are one scope, called after the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from publisher.config.delivery import DeliverySettings, RateSettings
from publisher.delivery.rates.gcra import Pace, per_hour, per_second
from publisher.delivery.rates.throttle import Throttle

RateScope = str | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One bound: the bucket that keeps it, its pace now, and how people are told.

    One that stands because of a slowing grows, and `slowing` says how.
    """

    bucket: str
    pace: Pace
    words: str
    slowing: Throttle | None = None

    def interval_at(self, instant: float) -> float:
        """Give the seconds from one message to the next, at an instant that may lie ahead."""
        return 1 / self.slowing.at(instant) if self.slowing else self.pace.interval


class RateLimits:
    """The bounds of one transport."""

    def __init__(self, settings: DeliverySettings, transport: str) -> None:
        self._transport = transport
        self._domains = {one.names[0]: one.names for one in settings.domain}
        self._scopes = {name: one.names[0] for one in settings.domain for name in one.names}
        self._fixed: dict[RateScope, tuple[RateLimit, ...]] = {
            None: self._said(None, settings.rate)
        }
        for one in settings.domain:
            self._fixed[one.names[0]] = self._said(one.names[0], one)
        self.is_bounded = any(self._fixed.values())

    def scope_of(self, domain: str) -> str:
        """Give the scope of a receiving domain."""
        return self._scopes.get(domain, domain)

    def domains_of(self, scope: str) -> tuple[str, ...]:
        """List the domains of a scope."""
        return self._domains.get(scope, (scope,))

    def name_of(self, scope: RateScope) -> str:
        """Name a scope, as the database does: `smtp`, `smtp/gmail.com`."""
        return self._transport if scope is None else f"{self._transport}/{scope}"

    def scope_named(self, name: str) -> RateScope:
        """Give the scope that has a name; the other way round."""
        return None if name == self._transport else name.removeprefix(f"{self._transport}/")

    def fixed(self, scope: RateScope) -> tuple[RateLimit, ...]:
        """List the bounds that the settings put on a scope."""
        return self._fixed.get(scope, ())

    def bound(self, scope: RateScope) -> float | None:
        """Give the most messages a second that the settings let go in the long run."""
        return min((limit.pace.per_second for limit in self.fixed(scope)), default=None)

    def slowed(self, scope: RateScope, slowing: Throttle, now: float) -> RateLimit:
        """Give the bound of a scope that was slowed."""
        pace = slowing.at(now)
        words = f"{self._who(scope)}: slowed to {pace:.2g} a second"
        return RateLimit(throttle_bucket(self.name_of(scope)), per_second(pace), words, slowing)

    def _who(self, scope: RateScope) -> str:
        return self._transport if scope is None else scope

    def _said(self, scope: RateScope, rate: RateSettings) -> tuple[RateLimit, ...]:
        name, who, found = self.name_of(scope), self._who(scope), []
        if rate.per_second:
            words = f"{who}: {rate.per_second:,g} a second"
            found.append(RateLimit(f"{name}/second", per_second(rate.per_second), words))
        if rate.per_hour:
            words = f"{who}: {rate.per_hour:,} an hour"
            found.append(RateLimit(f"{name}/hour", per_hour(rate.per_hour), words))
        return tuple(found)


def throttle_bucket(name: str) -> str:
    """Name the bucket of a scope that was slowed, from the scope's own name."""
    return f"{name}/slowed"
