"""Who must get what of each issue, without SQL: subscribers as docs/reference describes them, and issues."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

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


# When an issue is due. Issues of the second newsletter, and all digests, are sent at local time.
SCHEDULES = {"first": time(8), "second": time(18)}
WEEKDAYS_OF_SECOND = {1, 4}
CADENCES = ("daily", "weekly", "monthly")
# In the order in which issues of one instant are opened.
KEYS = ("first", "second", *(f"{name}.{cadence}" for name in EDITIONS for cadence in CADENCES))
# A date begins at 10:00 UTC of the day before, in the earliest time zone.
_DATE_BEGINS = time(10)
Story = tuple[int, str]
Edition = tuple[str, str]


@dataclass(frozen=True)
class Version:
    """A story in a language, and when it became available."""

    language: str
    at: datetime


@dataclass(frozen=True)
class Mail:
    """A mail that somebody must get: of which issue, with which articles, and how long they are."""

    address: str
    key: str
    language: str
    day: date
    stories: frozenset[Story]
    length: str


@dataclass(eq=False)
class PlannedIssue:
    """An issue of an edition or a digest, with the time in which its articles became available."""

    key: str
    language: str
    day: date
    due_at: datetime
    since: datetime | None
    until: datetime


@dataclass(eq=False)
class Row:
    """What an issue has for a person, and when its mail is due."""

    issue: PlannedIssue
    person: Person
    stories: frozenset[Story]
    due_at: datetime
    length: str

    @property
    def mail(self) -> Mail:
        one = self.issue
        return Mail(
            self.person.address, one.key, one.language, one.day, self.stories, self.length
        )

    def is_wanted(self, now: datetime) -> bool:
        return self.person.wants(self.issue.key, now)


@dataclass
class Model:
    """All that happened, and who must get what of it."""

    persons: list[Person] = field(default_factory=list)
    # Addresses that no import adds: of persons who were erased, or have another one now.
    barred: set[str] = field(default_factory=set)
    stories: dict[int, list[Version]] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    cutoffs: dict[Edition, datetime] = field(default_factory=dict)
    # What an edition's issues had, and what those had that are only for persons with a profile.
    carried: dict[Edition, set[int]] = field(default_factory=dict)
    ready: list[PlannedIssue] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def find(self, address: str) -> Person | None:
        return next((one for one in self.persons if one.address == address.lower()), None)

    def publish(
        self, story: int, languages: tuple[str, ...], topic: str, now: datetime
    ) -> None:
        versions = self.stories.setdefault(story, [])
        self.topics.setdefault(story, topic)
        known = {one.language for one in versions}
        versions += [Version(tag, now) for tag in languages if tag not in known]

    # --- issues

    def plan(self, now: datetime) -> None:
        """Make the issues that are due, in the cycle at noon."""
        today, tomorrow = now.date(), now.date() + DAY
        begins = datetime.combine(today, _DATE_BEGINS, now.tzinfo)
        for key in KEYS:
            newsletter, _dot, cadence = key.partition(".")
            if not _is_due(newsletter, cadence, tomorrow):
                continue
            at = datetime.combine(today, SCHEDULES["first"], now.tzinfo)
            is_local = key != "first"
            day, due_at = (tomorrow, begins) if is_local else (today, at)
            if cadence and not any(one.gets(key) for one in self.persons):
                for language in EDITIONS[newsletter]:
                    self.cutoffs[key, language] = due_at
                continue
            for language in EDITIONS[newsletter]:
                since = self.cutoffs.get((key, language))
                issue = PlannedIssue(key, language, day, due_at, since, now)
                if self._has_articles(issue):
                    self.cutoffs[key, language] = now
                    self.ready.append(issue)

    def _has_articles(self, issue: PlannedIssue) -> bool:
        """Whether there is something new in the issue's language, or for one of its subscribers."""
        edition = (issue.key, issue.language)
        carried = self.carried.setdefault(edition, set())
        window = (issue.since, issue.until)
        own = self._news((issue.language,), (), window)
        if own:
            carried.update(story for story, _tag in own)
            return True
        wanted = {
            story
            for one in self._members(issue, issue.until)
            if one.has_profile
            for story, _tag in self._news(one.languages, one.topics, window)
        }
        new = wanted - carried
        carried |= new
        return bool(new)

    def _members(self, issue: PlannedIssue, now: datetime) -> list[Person]:
        newsletter = issue.key.partition(".")[0]
        return [
            one
            for one in self.persons
            if one.wants(issue.key, now) and one.language_of(newsletter) == issue.language
        ]

    def _news(
        self,
        languages: tuple[str, ...],
        topics: tuple[str, ...],
        window: tuple[datetime | None, datetime],
    ) -> set[Story]:
        """Each story in the first language that it is written in, if that is new."""
        since, until = window
        found = set()
        for story, versions in self.stories.items():
            if topics and self.topics[story] not in topics:
                continue
            there = {one.language: one.at for one in versions if one.at <= until}
            best = next((tag for tag in languages if tag in there), None)
            if best is not None and (since is None or there[best] > since):
                found.add((story, best))
        return found

    def waits(self, person: Person, newsletter: str = "") -> bool:
        """Whether a mail, or one of a newsletter, waits for its hour or its sender."""
        keys = [row.issue.key for row in self.rows if row.person is person]
        return any(key.partition(".")[0] == newsletter or not newsletter for key in keys)

    def owe_former_edition(
        self, person: Person, languages: tuple[str, ...], now: datetime
    ) -> None:
        """Owe what the edition of her former language had not brought, and the new one has."""
        for name in person.active:
            key, editions = person.key_of(name), EDITIONS[name]
            old = person.language_of(name)
            new = next((tag for tag in languages if tag in editions), None)
            if old is None or new is None or old == new:
                continue
            since, had = self._brought(key, old), self._brought(key, new)
            if had is not None and (since is None or since < had):
                person.missed.append((name, since or now - 62 * DAY, now))

    def _brought(self, key: str, language: str) -> datetime | None:
        waiting = [one for one in self.ready if (one.key, one.language) == (key, language)]
        return waiting[0].since if waiting else self.cutoffs.get((key, language))

    def open(self, now: datetime) -> None:
        """Give each issue that is ready a row for everybody whom it has something for."""
        for issue in sorted(self.ready, key=lambda one: (one.due_at, KEYS.index(one.key))):
            for person in self._members(issue, now):
                self._open_for(issue, person, now)
        self.ready.clear()

    def _open_for(self, issue: PlannedIssue, person: Person, now: datetime) -> None:
        since, owed = issue.since, person.owed_since(issue.key, now)
        if since is not None and owed is not None:
            since = min(since, owed)
        coming = {
            story
            for row in self.rows
            if row.person is person and row.is_wanted(now)
            for story, _tag in row.stories
        }
        news = self._news(person.languages, person.topics, (since, issue.until))
        left = {one for one in news if one[0] not in person.got | coming}
        person.served[issue.key] = max(issue.due_at, person.served.get(issue.key, issue.due_at))
        if left:
            length = "full" if person.length == "full" else "summary"
            due_at = now if issue.key == "first" else max(now, _local(issue, person))
            self.rows.append(Row(issue, person, frozenset(left), due_at, length))

    def due(self, now: datetime) -> list[Row]:
        """The rows whose mails must be sent now, if a sender runs."""
        return [one for one in self.rows if one.due_at <= now and one.is_wanted(now)]

    def drop_unwanted(self, now: datetime) -> None:
        """A complete run ends the rows that were due and are not wanted."""
        self.rows = [one for one in self.rows if one.due_at > now or one.is_wanted(now)]

    def take(self, row: Row) -> None:
        """Somebody got a mail."""
        stories = {story for story, _tag in row.stories}
        assert not stories & row.person.got, "an article twice"
        row.person.got |= stories
        self.rows.remove(row)

    # --- records

    def add(self, person: Person) -> Person:
        person.addresses.add(person.address)
        self.persons.append(person)
        return person

    def remove(self, person: Person) -> None:
        self.persons.remove(person)
        self.rows = [row for row in self.rows if row.person is not person]

    def move(self, person: Person, address: str, now: datetime) -> None:
        """Give a person another address. Whoever has it is the same person."""
        person.cancel_requests(None, now)
        other = self.find(address)
        if other is not None and other is not person:
            self._merge(other, person, now)
        if address != person.address:
            self.barred.add(person.address)
        self.barred.discard(address)
        person.address = address
        person.addresses.add(address)
        person.generation += 1

    def _merge(self, former: Person, kept: Person, now: datetime) -> None:
        self.remove(former)
        former.merged_into = kept
        for name, state in former.states.items():
            if name not in kept.states:
                kept.states[name] = state
                _hand_over(name, former.consented, kept.consented)
                _hand_over(name, former.cadences, kept.cadences)
                _hand_over(name, former.cadence_changes, kept.cadence_changes)
        kept.decisions = sorted({*kept.decisions, *former.decisions})
        order = ("pending", "active", "left")
        united = {
            name: max(state, former.states.get(name, state), key=order.index)
            for name, state in kept.states.items()
        }
        if "left" in (kept.status, former.status):
            kept.decide(now, {None: "left"} | dict.fromkeys(united, "left"))
        else:
            kept.decide(now, {None: "active"} | united)
        for request in former.requests:
            request.person = kept
        kept.requests = sorted(kept.requests + former.requests, key=lambda one: one.at)
        kept.asked += former.asked
        kept.addresses |= former.addresses
        kept.got |= former.got
        kept.merges += [*former.merges, now]


def _hand_over(name: str, source: dict[str, Any], target: dict[str, Any]) -> None:
    if name in source:
        target[name] = source[name]


def _is_due(newsletter: str, cadence: str, tomorrow: date) -> bool:
    match cadence:
        case "weekly":
            return tomorrow.weekday() == 0
        case "monthly":
            return tomorrow.day == 1
        case "":
            return newsletter == "first" or tomorrow.weekday() in WEEKDAYS_OF_SECOND
    return True


def _local(issue: PlannedIssue, person: Person) -> datetime:
    at = SCHEDULES[issue.key.partition(".")[0]] if person.hour is None else time(person.hour)
    local = datetime.combine(issue.day, at, ZoneInfo(person.timezone or "UTC"))
    return local.astimezone(issue.until.tzinfo)
