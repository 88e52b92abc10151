"""The rate limiter: which messages may be sent now, by rows that all processes share, and when others may ask again.

Every method runs in the caller's writing transaction, whose lock keeps true what is read here. If it is rolled back,
what is remembered is a little too careful for a second. Each candidate passes two gates, the receiving domain's and
the transport's. One that the domain's stops gets an instant in its queue, one interval after the last one, up to a
horizon: those behind it only ask again, because the instants are stored in rows and limits may change before.
"""

import json
import sys
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from itertools import chain
from math import inf

import sqlalchemy as sa

from publisher.config.delivery import DeliverySettings
from publisher.database.dialect.sql import KEYED, greatest, json_list, upsert, upsert_by_key
from publisher.database.metadata import metadata
from publisher.delivery.rates import limits as rates
from publisher.delivery.transports.base import Outcome, ThrottleScope
from publisher.log import log
from publisher.request_limits import FULL

# Instants are seconds since the epoch. A scope's name is `smtp`, or `smtp/gmail.com`.
rate_bucket = sa.Table(
    "rate_bucket",
    metadata,
    # The scope's name and the kind of limit: `smtp/gmail.com/second`.
    sa.Column("name", sa.Text, primary_key=True),
    # When it will be full again (`publisher.request_limits`).
    sa.Column("tat", sa.Float, nullable=False),
    info=KEYED,
)

rate_throttle = sa.Table(
    "rate_throttle",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    # Messages a second at the instant `since`, and at the end of the throttle.
    sa.Column("per_second", sa.Float, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("target", sa.Float, nullable=False),
    info=KEYED,
)

warmup_day = sa.Table(
    "warmup_day",
    metadata,
    sa.Column("transport", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    info=KEYED,
)

_UNLIMITED = sys.maxsize  # the room of a gate without limits
# Seconds: the length of a domain's queue, and of the time over which later candidates are spread.
QUEUE_HORIZON = 600.0
# The golden section spreads numbers evenly over a unit, however many they are.
_GOLDEN_SECTION = 0.6180339887498949


@dataclass(slots=True)
class RateGrant:
    """The decision about candidates, by their numbers. What is allowed and not sent after all stays counted in the buckets."""

    allowed: Sequence[int] = ()  # may be sent now
    # Stopped by their domains: seconds until each may ask again. Round them up: who asks too
    # early may find no room and goes to the end of the queue.
    postponed: dict[int, float] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)  # stopped by the transport alone
    # Seconds until the transport allows one more, if it stopped any.
    transport_wait: float | None = None
    # The limits that stopped candidates, for people: `gmail.com: 5 a second`.
    reasons: tuple[str, ...] = ()


class RateAdmission:
    """What a scope allows at one moment, and when it allows more."""

    def __init__(
        self,
        limits: Sequence[rates.RateLimit],
        tats: Mapping[str, float],
        now: float,
        quota: rates.DailyQuota | None = None,
    ) -> None:
        stored = [(limit, tats.get(limit.bucket, FULL)) for limit in limits]
        # Each limit with its tat as it is stored, and as it can be now.
        self._limits = [(limit, tat, limit.pace.corrected(tat, now)) for limit, tat in stored]
        self._now = now
        self._quota = quota
        rooms = [limit.pace.room(tat, now) for limit, _stored, tat in self._limits]
        self._room = min([*rooms, *([quota.left] if quota else [])], default=_UNLIMITED)
        self._passed = 0

    @property
    def is_open(self) -> bool:
        return self._passed < self._room

    def let_pass(self) -> None:
        self._passed += 1

    def changes(self) -> dict[str, float]:
        return {
            limit.bucket: self._after(limit, tat)
            for limit, stored, tat in self._limits
            if self._after(limit, tat) != stored
        }

    def _after(self, limit: rates.RateLimit, tat: float) -> float:
        return limit.pace.after(tat, self._now, self._passed) if self._passed else tat

    def opening(self) -> tuple[float, str]:
        """Return the instant from which one more may pass, and the limit until then."""
        openings = [
            (limit.pace.opens_at(self._after(limit, tat)), limit.text)
            for limit, _stored, tat in self._limits
        ]
        if self._quota and self._passed >= self._quota.left:
            openings.append((self._quota.opens_at, self._quota.text))
        return max(openings, default=(self._now, ""))

    def next_after(self, last: float) -> float:
        return last + max(limit.interval_at(last) for limit, _, _ in self._limits)


def admit(
    scopes: Sequence[str],
    gates: Mapping[rates.RateScope, RateAdmission],
    queue_ends: MutableMapping[str, float],
    now: float,
) -> RateGrant:
    """Let candidates, each with a scope, pass its gate in order; `queue_ends` has the last instant given in each, and is updated."""
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
    opens = gate.opening()[0]
    instant = max(opens, gate.next_after(queue_ends.get(scope, FULL)))
    if instant == opens or instant <= now + QUEUE_HORIZON:
        queue_ends[scope] = instant
        return instant
    return max(opens, now + QUEUE_HORIZON) + QUEUE_HORIZON * (number * _GOLDEN_SECTION % 1)


def _explain(
    grant: RateGrant,
    scopes: Sequence[str],
    gates: Mapping[rates.RateScope, RateAdmission],
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


_NAMES = json_list("names", sa.Text())  # one JSON value, however many names there are

_TATS = sa.select(rate_bucket.c.name, rate_bucket.c.tat).where(rate_bucket.c.name.in_(_NAMES))


def read_tats(connection: sa.Connection, names: Iterable[str]) -> dict[str, float]:
    rows = connection.execute(_TATS, {"names": json.dumps([*names])})
    return {row.name: row.tat for row in rows}


def write_tats(connection: sa.Connection, changes: Mapping[str, float]) -> None:
    rows = [{"name": name, "tat": tat} for name, tat in changes.items()]
    if rows:
        connection.execute(upsert_by_key(connection, rate_bucket), rows)


_TRANSPORT = sa.bindparam("transport", type_=sa.Text())
_THROTTLES = sa.select(rate_throttle).where(
    (rate_throttle.c.name == _TRANSPORT)
    | (
        sa.func.substr(rate_throttle.c.name, 1, sa.func.length(_TRANSPORT) + 1)
        == _TRANSPORT + "/"
    )
)


def read_throttles(connection: sa.Connection, transport: str) -> dict[str, rates.Throttle]:
    rows = connection.execute(_THROTTLES, {"transport": transport})
    return {name: rates.Throttle(rate, since, target) for name, rate, since, target in rows}


def write_throttle(connection: sa.Connection, name: str, throttle: rates.Throttle) -> None:
    connection.execute(
        upsert_by_key(connection, rate_throttle), {"name": name, **asdict(throttle)}
    )


def delete_throttles(connection: sa.Connection, names: Iterable[str]) -> None:
    scopes = [*names]
    values = {"names": json.dumps(scopes)}
    connection.execute(sa.delete(rate_throttle).where(rate_throttle.c.name.in_(_NAMES)), values)
    values = {"names": json.dumps([rates.throttle_bucket(name) for name in scopes])}
    connection.execute(sa.delete(rate_bucket).where(rate_bucket.c.name.in_(_NAMES)), values)


_SENT_ON = sa.select(warmup_day.c.count).where(
    warmup_day.c.transport == sa.bindparam("transport"), warmup_day.c.day == sa.bindparam("day")
)


def sent_on(connection: sa.Connection, transport: str, day: date) -> int:
    values = {"transport": transport, "day": day}
    return connection.execute(_SENT_ON, values).scalar_one_or_none() or 0


def add_sent(connection: sa.Connection, transport: str, day: date, count: int) -> None:
    statement = upsert(connection, warmup_day).values(transport=transport, day=day, count=count)
    more = {"count": warmup_day.c.count + statement.excluded.count}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["transport", "day"], set_=more)
    )


def subtract_sent(connection: sa.Connection, transport: str, day: date, count: int) -> None:
    """Subtract messages that were not sent after all. Never below 0: midnight may lie between."""
    less = greatest(warmup_day.c.count - count, 0)
    of_day = (warmup_day.c.transport == transport) & (warmup_day.c.day == day)
    connection.execute(sa.update(warmup_day).where(of_day).values(count=less))


_REFRESH_INTERVAL = 1.0  # seconds between reads of the throttles that others have written


class RateLimiter:
    """The rates of one transport. For one thread; other processes may use the same buckets."""

    def __init__(self, settings: DeliverySettings, transport: str) -> None:
        self._transport = transport
        self._limits = rates.RateLimits(settings, transport)
        self._warmup = settings.warmup
        self._recent = rates.RecentSends()
        self._refreshed_at = -inf
        self._throttles: dict[rates.RateScope, rates.Throttle] = {}
        self._queue_ends: dict[str, float] = {}

    def grant(
        self,
        connection: sa.Connection,
        domains: Sequence[str],
        now: float,
        *,
        obeys_quota: bool = True,
    ) -> RateGrant:
        """Decide which candidates for these receiving domains may be sent now; `now` was read within the transaction.

        Without `obeys_quota` they count into the day's quota and do not wait for it.
        """
        self._refresh(connection, now)
        day, quota = self._today(connection, now)
        if not (self._limits.has_limits or self._throttles or quota):
            self._recent.add(domains, now)
            return RateGrant(range(len(domains)))
        scopes = [self._limits.scope_of(domain) for domain in domains]
        bound = quota if obeys_quota else None
        gates = self._gates(connection, {None, *scopes}, bound, now)
        grant = admit(scopes, gates, self._queue_ends, now)
        changes = chain.from_iterable(gate.changes().items() for gate in gates.values())
        write_tats(connection, dict(changes))
        if quota and grant.allowed:
            add_sent(connection, self._transport, day, len(grant.allowed))
        self._recent.add((domains[number] for number in grant.allowed), now)
        return grant

    def closed(self, connection: sa.Connection, now: float) -> RateGrant:
        """Return for how long the transport allows nothing, and why. Counts nothing."""
        self._refresh(connection, now)
        _day, quota = self._today(connection, now)
        gate = self._gates(connection, {None}, quota, now)[None]
        if gate.is_open:
            return RateGrant()
        opens_at, text = gate.opening()
        return RateGrant(transport_wait=max(0.0, opens_at - now), reasons=(text,))

    def refund_quota(self, connection: sa.Connection, count: int, now: float) -> None:
        if self._warmup:
            subtract_sent(connection, self._transport, rates.day_of(now), count)

    def complain(
        self, connection: sa.Connection, domain: str, now: float, outcome: Outcome
    ) -> None:
        """Count a refusal of a message to a domain, and slow down after too many; the transport only if other domains refuse, too."""
        is_about_server = outcome.throttle is ThrottleScope.TRANSPORT
        scope = self._limits.scope_of(domain)
        throttles = [
            self._throttles.get(scope),
            self._throttles.get(None) if is_about_server else None,
        ]
        if any(throttle and throttle.is_fresh(now) for throttle in throttles):
            return  # about a message that was under way when the rate was halved
        own = self._limits.domains_of(scope)
        self._recent.complain(domain, now, is_explicit=outcome.names_rate)
        if is_about_server and self._recent.is_much_refused(own, others=True):
            self.slow_down(connection, None, now)
        elif self._recent.is_much_refused(own):
            self.slow_down(connection, domain, now)

    def slow_down(self, connection: sa.Connection, domain: str | None, now: float) -> None:
        scope = None if domain is None else self._limits.scope_of(domain)
        throttle = self._throttles.get(scope)
        if throttle and throttle.is_fresh(now):
            return
        name = self._limits.name_of(scope)
        before = read_throttles(connection, self._transport).get(name)
        domains = None if scope is None else self._limits.domains_of(scope)
        measured = self._recent.per_second(domains, now)
        after = rates.tighten(before, self._limits.max_per_second(scope), measured, now)
        self._throttles[scope] = after
        if after != before:
            self._recent.forget_complaints(domains)
            write_throttle(connection, name, after)
            log.info("slowed down", scope=name, per_second=round(after.per_second, 3))

    def _refresh(self, connection: sa.Connection, now: float) -> None:
        """Read the throttles of all processes now and then, and delete those that are over."""
        if 0 <= now - self._refreshed_at < _REFRESH_INTERVAL:
            return
        if now < self._refreshed_at:  # the clock was set back: queued instants are meaningless
            self._queue_ends.clear()
        self._refreshed_at = now
        self._queue_ends = {scope: at for scope, at in self._queue_ends.items() if at > now}
        stored = read_throttles(connection, self._transport)
        over = [
            name for name, throttle in stored.items() if throttle.corrected(now).is_over(now)
        ]
        if over:
            delete_throttles(connection, over)
        self._throttles = {
            self._limits.scope_named(name): self._corrected(connection, name, throttle, now)
            for name, throttle in stored.items()
            if name not in over
        }

    def _corrected(
        self, connection: sa.Connection, name: str, throttle: rates.Throttle, now: float
    ) -> rates.Throttle:
        corrected = throttle.corrected(now)
        if corrected != throttle:
            write_throttle(connection, name, corrected)
        return corrected

    def _gates(
        self,
        connection: sa.Connection,
        scopes: Collection[rates.RateScope],
        quota: rates.DailyQuota | None,
        now: float,
    ) -> dict[rates.RateScope, RateAdmission]:
        """Return the gates of scopes that have limits. The transport always has one."""
        limits = {scope: self._limits_now(scope, now) for scope in scopes}
        names = [one.bucket for some in limits.values() for one in some]
        tats = read_tats(connection, names) if names else {}
        return {
            scope: RateAdmission(some, tats, now, quota if scope is None else None)
            for scope, some in limits.items()
            if some or scope is None
        }

    def _limits_now(self, scope: rates.RateScope, now: float) -> Sequence[rates.RateLimit]:
        fixed, throttle = self._limits.fixed(scope), self._throttles.get(scope)
        if throttle is None or throttle.is_over(now):
            return fixed
        return (*fixed, self._limits.throttled(scope, throttle, now))

    def _today(
        self, connection: sa.Connection, now: float
    ) -> tuple[date, rates.DailyQuota | None]:
        day = rates.day_of(now)
        allowed = rates.daily_allowance(self._warmup, day) if self._warmup else None
        if allowed is None:
            return day, None
        sent = sent_on(connection, self._transport, day)
        return day, rates.daily_quota(allowed, sent, day)
