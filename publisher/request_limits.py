"""Limits on how often something may be asked for, which all processes share, and proof of work.

The limits are those of the generic cell rate algorithm (GCRA, ITU-T I.371), which the rates of
delivery use, too: `Pace` is pure. A bucket is one number, its `tat` (theoretical arrival time): the
instant at which it will be full again. Each message or request moves it on by one interval. It may
lie no further ahead of now than a whole burst takes. So in any window of w seconds at most
`per_second * w + burst` pass. Instants are seconds since the epoch, and arguments.

Each limit and each who asks have a bucket in the database. Its key is a keyed hash, so that no
address and no network is stored in clear.

Proof of work: a browser computes for a moment, so that thousands of requests are expensive. The
challenges are ALTCHA's, made and checked here, without a service of others. A challenge is signed;
who uses one twice is the caller's question. No other module imports altcha.
"""

import hmac
import ipaddress
import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from publisher.database.dialect.sql import KEYED, upsert_by_key
from publisher.database.metadata import metadata

FULL = 0.0  # the tat of a bucket from which nothing was ever taken: it is full
# Seconds. The database stores instants to a quarter of a microsecond; a message that comes exactly
# when it was told to must not be refused for that.
_ROUNDING = 1e-6
# Seconds by which clocks are corrected all the time. A larger step means that somebody set the
# clock, and that a tat in the future is meaningless.
CLOCK_TOLERANCE = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second in the long run, and messages at once after a pause (at least 1)."""

    per_second: float
    burst: float

    @property
    def interval(self) -> float:
        """Seconds from one message to the next."""
        return 1 / self.per_second

    def room(self, tat: float, now: float) -> int:
        """Return how many messages may go now."""
        free = now + self.burst * self.interval - max(tat, now) + _ROUNDING
        return max(0, math.floor(free * self.per_second))

    def after(self, tat: float, now: float, count: int) -> float:
        return max(tat, now) + count * self.interval

    def opens_at(self, tat: float) -> float:
        """Return the instant from which one message may go. It may be long past."""
        return tat - (self.burst - 1) * self.interval

    def corrected(self, tat: float, now: float) -> float:
        """Return a possible tat: after a clock was set back, the stored one would block for long."""
        latest = now + self.burst * self.interval
        return latest if tat > latest + CLOCK_TOLERANCE else tat


def per_second(count: float) -> Pace:
    """Return the pace of so many messages a second. The burst is one second's worth."""
    return Pace(count, max(1.0, count))


def per_hour(count: float) -> Pace:
    """Return the pace of so many messages an hour. The burst is one minute's worth."""
    return Pace(count / 3600, max(1.0, count / 60))


_KEY_PREFIX = b"rate limit:"  # keeps these hashes apart from what else the secret signs

rate_limit = sa.Table(
    "rate_limit",
    metadata,
    # A keyed hash of the limit's name and of whom it limits.
    sa.Column("key", sa.Text, primary_key=True),
    # When the bucket will be full again, in seconds since the epoch; then the row means nothing.
    sa.Column("tat", sa.Float, nullable=False),
    sa.Index("ix_rate_limit_tat", "tat"),
    info=KEYED,
)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in a period in the long run, and at most `burst` at once after a pause."""

    per: int
    burst: int
    period: timedelta

    @property
    def pace(self) -> Pace:
        """The limit as a rate in seconds."""
        return Pace(self.per / self.period.total_seconds(), self.burst)


@dataclass(frozen=True, slots=True)
class LimitKeys:
    """Makes the keys of buckets with the publication's secret."""

    secret: str

    def key(self, limit: str, who: str) -> str:
        """Return the key of a limit, such as "subscribe by address", for an address or network."""
        text = _KEY_PREFIX + f"{limit}\n{who}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret.encode(), text, "sha256").hex()[:32]


_REWRITE = (
    sa.update(rate_limit)
    .where(
        rate_limit.c.key == sa.bindparam("bucket"),
        sa.bindparam("writes", type_=sa.Integer()) == 1,
    )
    .values(tat=rate_limit.c.tat)
)


def check_limit(connection: sa.Connection, key: str, limit: Limit, now: datetime) -> int | None:
    """Count one request. Return None if it is allowed, else the seconds until one will be.

    A refused request does not count. Each new bucket deletes those that mean nothing any more. Call
    this in a transaction that writes.
    """
    at, pace = now.timestamp(), limit.pace
    stored = connection.execute(
        sa.select(rate_limit.c.tat).where(rate_limit.c.key == key)
    ).scalar()
    tat = pace.corrected(FULL if stored is None else stored, at)
    if not pace.room(tat, at):
        return max(1, math.ceil(pace.opens_at(tat) - at))
    if stored is None:
        _sweep(connection, at)
    row = {"key": key, "tat": pace.after(tat, at, 1)}
    connection.execute(upsert_by_key(connection, rate_limit), row)
    return None


def rewrite_bucket(connection: sa.Connection, key: str, *, writes: bool) -> None:
    """Write a bucket as it is, or nothing: one statement in both cases, for what must take the same time."""
    connection.execute(_REWRITE, {"bucket": key, "writes": int(writes)})


def _sweep(connection: sa.Connection, at: float) -> None:
    """Delete buckets that are full again: they mean the same as none."""
    connection.execute(sa.delete(rate_limit).where(rate_limit.c.tat < at))


CHALLENGE_LIFETIME = timedelta(hours=2)
"""How long a challenge can be solved: as long as a form can be sent."""

_ALGORITHM = "PBKDF2/SHA-256"
# Rounds of one try; 256 tries are needed on average. About a second for a browser, 3 ms to check.
_COST = 5_000
_PROOF_KEY_PREFIX = "00"
_KEY = "proof of work:"  # keeps these signatures apart from what else the secret signs


def make_challenge(secret: str, now: datetime) -> str:
    # Takes longer to import than the rest of the pages, and few need it.
    from altcha import create_challenge

    # Not ALTCHA's own time of expiry, which it compares with the clock of the machine.
    until = int((now + CHALLENGE_LIFETIME).timestamp())
    challenge = create_challenge(
        _ALGORITHM,
        _COST,
        key_prefix=_PROOF_KEY_PREFIX,
        data={"until": until},
        hmac_secret=_KEY + secret,
    )
    return json.dumps(challenge.to_dict())


def solved_challenge(secret: str, payload: str, now: datetime) -> str | None:
    """Return the name of the challenge that a payload (base64 of JSON) solves; None if it is wrong."""
    from altcha import verify_solution
    from altcha.v2 import Payload

    if not verify_solution(payload, _KEY + secret).verified:
        return None
    parameters = Payload.from_base64(payload).challenge.parameters
    until = (parameters.data or {}).get("until", 0)
    return parameters.nonce if now.timestamp() < until else None


def network_of(client: str, length_v4: int | None, length_v6: int) -> str:
    """Return the network of an IP address with prefixes of these lengths; empty for none of them, or no address."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    length = length_v4 if isinstance(address, ipaddress.IPv4Address) else length_v6
    if length is None:
        return ""
    return str(ipaddress.ip_network((address, length), strict=False))
