"""Subscribers as docs/reference describes them: what they decided, and what they want. Without SQL.

Times are instants in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

# The editions of each newsletter.
EDITIONS = {"first": ("en", "ar", "zh-Hant"), "second": ("en", "zh-Hant")}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_MONTH = 31 * DAY
_serial = count()


@dataclass(eq=False)
class Request:
    """A request to subscribe: valid for 72 hours, until it is confirmed or what it asks for is left."""

    newsletters: tuple[str, ...]
    language: str
    at: datetime
    person: Person
    confirmed: bool = False
    cancelled: bool = False
    reminded: bool = False

    def is_open(self, now: datetime) -> bool:
        return not (self.confirmed or self.cancelled) and now < self.at + 72 * HOUR


@dataclass(eq=False)
class Move:
    """A change of address, from one that a person had to one that she wants."""

    person: Person
    old: str
    new: str
    at: datetime
    confirmed_at: datetime | None = None
    is_undone: bool = False


@dataclass(eq=False)
class Departure:
    """What ended when a person left: of which newsletter, and what was before. None is the record."""

    newsletter: str | None
    before: dict[str | None, str | None]
    at: datetime
    serial: int


@dataclass(eq=False)
class Person:
    """Somebody on record. `states` are by newsletter: pending, active or left; so is `status`."""

    address: str
    created: datetime
    languages: tuple[str, ...]
    status: str
    states: dict[str, str]
    number: int = 0
    generation: int = 0
    consented: dict[str, datetime] = field(default_factory=dict)
    cadences: dict[str, str] = field(default_factory=dict)
    cadence_changes: dict[str, datetime] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    length: str = ""
    hour: int | None = None
    timezone: str = ""
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    merges: list[datetime] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    # What was decided, by whomever: a serial number, and a newsletter or None for the record.
    decisions: list[tuple[int, str | None]] = field(default_factory=list)
    # Newsletters that she may have missed articles of, from when on and until when.
    missed: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    addresses: set[str] = field(default_factory=set)
    got: set[int] = field(default_factory=set)
    # By the key of an issue or digest: when the last one was due that was meant for her.
    served: dict[str, datetime] = field(default_factory=dict)
    merged_into: Person | None = None

    @property
    def current(self) -> Person:
        """Who has the record now."""
        return self.merged_into.current if self.merged_into else self

    @property
    def active(self) -> list[str]:
        return [name for name, state in self.states.items() if state == "active"]

    @property
    def gets_any(self) -> bool:
        return self.status == "active" and bool(self.active)

    @property
    def has_profile(self) -> bool:
        return len(self.languages) > 1 or bool(self.length) or bool(self.topics)

    def key_of(self, newsletter: str) -> str:
        """What she gets of a newsletter: its issues, or one of its digests."""
        cadence = self.cadences.get(newsletter)
        return f"{newsletter}.{cadence}" if cadence else newsletter

    def gets(self, key: str) -> bool:
        newsletter = key.partition(".")[0]
        is_active = self.status == "active" and self.states.get(newsletter) == "active"
        return is_active and self.key_of(newsletter) == key

    def wants(self, key: str, now: datetime) -> bool:
        return self.gets(key) and not self.is_paused(now)

    def is_paused(self, now: datetime) -> bool:
        return self.paused_until is not None and self.paused_until > now

    def language_of(self, newsletter: str) -> str | None:
        """The edition that serves her: the first of her languages that the newsletter has."""
        return next((tag for tag in self.languages if tag in EDITIONS[newsletter]), None)

    def decide(
        self, now: datetime, changes: dict[str | None, str]
    ) -> dict[str | None, str | None]:
        """Store states of newsletters, and of the record (None). Return what was before."""
        before: dict[str | None, str | None] = {}
        for name, state in changes.items():
            old = self.status if name is None else self.states.get(name)
            if old == state:
                continue
            before[name] = old
            self.decisions.append((next(_serial), name))
            if name is None:
                self.status = state
                continue
            self.states[name] = state
            if state == "active":
                self.consented[name] = now
        return before

    def is_past(self, departure: Departure) -> bool:
        """Whether something was decided since about what was left."""
        later = {name for serial, name in self.decisions if serial > departure.serial}
        if departure.newsletter is None:
            return bool(later)
        return bool(later & {departure.newsletter, None})

    def cancel_requests(self, newsletter: str | None, now: datetime) -> None:
        for one in self.requests:
            if one.is_open(now) and (newsletter is None or newsletter in one.newsletters):
                one.cancelled = True

    def owed_since(self, key: str, now: datetime) -> datetime | None:
        """From when on she is owed what she missed: see cadence.md, Catching up."""
        newsletter = key.partition(".")[0]
        joined = self.consented.get(newsletter, self.created)
        times = [(at, at) for at in self.merges]
        if newsletter in self.cadence_changes:
            times += [(self.cadence_changes[newsletter],) * 2]
        if self.paused_at and self.paused_until and self.paused_until <= now:
            times += [(self.paused_at, self.paused_until)]
        last = self.served.get(key)
        owed = [
            max(begin - _MONTH, joined)
            for begin, end in times
            if joined <= end and (last is None or last <= end)
        ]
        owed += [
            begin
            for name, begin, end in self.missed
            if name == newsletter and joined <= end and (last is None or last <= end)
        ]
        return min(owed).replace(hour=0, minute=0, second=0) if owed else None
