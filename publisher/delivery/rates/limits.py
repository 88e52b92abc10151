"""The limits that the settings ask for, as named buckets, and which domains share one. Pure.

A scope is what a limit applies to: the whole transport (None), or a receiving domain. The domains
of one [[delivery.domain]] table are one scope, named after the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from publisher.config.delivery import DeliverySettings, RateSettings
from publisher.delivery.rates.throttle import Throttle
from publisher.gcra import Pace, per_hour, per_second

RateScope = str | None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """One limit: its bucket, its pace now, and its text for people.

    The limit of a throttle grows with it.
    """

    bucket: str
    pace: Pace
    text: str
    throttle: Throttle | None = None

    def interval_at(self, instant: float) -> float:
        """Return the seconds from one message to the next at an instant, which may be ahead."""
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
        """Return the scope of a receiving domain."""
        return self._scopes.get(domain, domain)

    def domains_of(self, scope: str) -> tuple[str, ...]:
        """Return the domains of a scope."""
        return self._domains.get(scope, (scope,))

    def name_of(self, scope: RateScope) -> str:
        """Return a scope's name in the database: `smtp`, `smtp/gmail.com`."""
        return self._transport if scope is None else f"{self._transport}/{scope}"

    def scope_named(self, name: str) -> RateScope:
        """Return the scope with this name."""
        return None if name == self._transport else name.removeprefix(f"{self._transport}/")

    def fixed(self, scope: RateScope) -> tuple[RateLimit, ...]:
        """Return the limits that the settings put on a scope."""
        return self._fixed.get(scope, ())

    def max_per_second(self, scope: RateScope) -> float | None:
        """Return the most messages a second in the long run. None: no limit."""
        return min((limit.pace.per_second for limit in self.fixed(scope)), default=None)

    def throttled(self, scope: RateScope, throttle: Throttle, now: float) -> RateLimit:
        """Return the limit of a throttled scope."""
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
    """Return the name of a throttled scope's bucket."""
    return f"{name}/slowed"
