"""The one thing that a sender asks: who may go now. Settings, rows and memory put together.

Every method is for the caller's writing transaction, so that all processes share one count; if
that is rolled back, the memory is a little too careful for a second. Decides nothing by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import chain
from math import inf

import structlog
from sqlalchemy import Connection

from publisher.config.delivery import DeliverySettings
from publisher.delivery.rates import buckets, warmup
from publisher.delivery.rates.admission import RateGate, RateGrant, admit
from publisher.delivery.rates.limits import RateLimit, RateLimits, RateScope
from publisher.delivery.rates.recent import RecentSends
from publisher.delivery.rates.throttle import Throttle, tighten
from publisher.delivery.rates.warmup import DailyQuota

log = structlog.get_logger()

# Seconds until what other processes have slowed is looked up again.
LOOK_EVERY = 1.0


class RateLimiter:
    """The rates of one transport; for one thread, in a process that may not be alone."""

    def __init__(self, settings: DeliverySettings, transport: str) -> None:
        self._transport = transport
        self._limits = RateLimits(settings, transport)
        self._warmup = settings.warmup
        self._recent = RecentSends()
        self._looked_at = -inf
        self._slowings: dict[RateScope, Throttle] = {}
        # The last instant given to somebody of a domain who was kept.
        self._ahead: dict[str, float] = {}

    def grant(self, connection: Connection, domains: Sequence[str], now: float) -> RateGrant:
        """Say who may go now, of candidates for these receiving domains, in their order.

        `now` is the real time in seconds since the epoch, read within the transaction: in
        whatever order processes come, none may be behind the last by more than a clock slips.
        """
        self._look(connection, now)
        day, quota = self._today(connection, now)
        if not (self._limits.is_bounded or self._slowings or quota):
            self._recent.add(domains, now)
            return RateGrant(range(len(domains)))
        scopes = [self._limits.scope_of(domain) for domain in domains]
        gates = self._gates(connection, {None, *scopes}, quota, now)
        grant = admit(scopes, gates, self._ahead, now)
        changes = chain.from_iterable(gate.changes().items() for gate in gates.values())
        buckets.write_tats(connection, dict(changes))
        if quota and grant.allowed:
            buckets.add_sent(connection, self._transport, day, len(grant.allowed))
        self._recent.add((domains[number] for number in grant.allowed), now)
        return grant

    def closed(self, connection: Connection, now: float) -> RateGrant:
        """Say for how long the transport lets nobody go, and why, without letting anybody go."""
        self._look(connection, now)
        _day, quota = self._today(connection, now)
        gate = self._gates(connection, {None}, quota, now)[None]
        if gate.is_open:
            return RateGrant()
        opens_at, words = gate.opening()
        return RateGrant(transport_wait=max(0.0, opens_at - now), reasons=(words,))

    def give_back(self, connection: Connection, count: int, now: float) -> None:
        """Hear that so many who might go did not: the day's quota is theirs still."""
        if self._warmup:
            buckets.subtract_sent(connection, self._transport, warmup.day_of(now), count)

    def slow_down(self, connection: Connection, domain: str | None, now: float) -> None:
        """Hear that a receiving domain says that it gets too much; None: the transport itself.

        What is said within ten seconds is one complaint.
        """
        scope = None if domain is None else self._limits.scope_of(domain)
        known = self._slowings.get(scope)
        if known and known.is_fresh(now):
            return
        name = self._limits.name_of(scope)
        before = buckets.read_throttle(connection, name)
        measured = self._recent.pace(self._domains(scope), now)
        after = tighten(before, self._limits.bound(scope), measured, now)
        self._slowings[scope] = after
        if after != before:
            buckets.write_throttle(connection, name, after)
            log.info("slowed down", scope=name, per_second=round(after.pace, 3))

    def _domains(self, scope: RateScope) -> tuple[str, ...] | None:
        return None if scope is None else self._limits.domains_of(scope)

    def _look(self, connection: Connection, now: float) -> None:
        """Look up what was slowed, by whomever, now and then; and forget what is over."""
        if 0 <= now - self._looked_at < LOOK_EVERY:
            return
        if now < self._looked_at:  # the clock was set back, and places with it
            self._ahead.clear()
        self._looked_at = now
        self._ahead = {scope: at for scope, at in self._ahead.items() if at > now}
        found = buckets.read_throttles(connection, self._transport)
        over = [name for name, one in found.items() if one.mended(now).is_over(now)]
        if over:
            buckets.delete_throttles(connection, over)
        self._slowings = {
            self._limits.scope_named(name): self._mended(connection, name, one, now)
            for name, one in found.items()
            if name not in over
        }

    def _mended(self, connection: Connection, name: str, one: Throttle, now: float) -> Throttle:
        mended = one.mended(now)
        if mended != one:
            buckets.write_throttle(connection, name, mended)
        return mended

    def _gates(
        self,
        connection: Connection,
        scopes: Collection[RateScope],
        quota: DailyQuota | None,
        now: float,
    ) -> dict[RateScope, RateGate]:
        """Make the gates of scopes that have any; the transport has one always."""
        limits = {scope: self._standing(scope, now) for scope in scopes}
        names = [one.bucket for some in limits.values() for one in some]
        tats = buckets.read_tats(connection, names) if names else {}
        return {
            scope: RateGate(some, tats, now, quota if scope is None else None)
            for scope, some in limits.items()
            if some or scope is None
        }

    def _standing(self, scope: RateScope, now: float) -> Sequence[RateLimit]:
        fixed, one = self._limits.fixed(scope), self._slowings.get(scope)
        if one is None or one.is_over(now):
            return fixed
        return (*fixed, self._limits.slowed(scope, one, now))

    def _today(self, connection: Connection, now: float) -> tuple[date, DailyQuota | None]:
        day = warmup.day_of(now)
        allowed = warmup.daily_allowance(self._warmup, day) if self._warmup else None
        if allowed is None:
            return day, None
        gone = buckets.sent_on(connection, self._transport, day)
        return day, warmup.daily_quota(allowed, gone, day)
