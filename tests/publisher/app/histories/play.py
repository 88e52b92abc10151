"""The time of a history, in the program and in the model: what comes is exactly what must come.

`verbs` has what people do. After each verb the mails about subscriptions are sent, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from sqlalchemy import Connection, insert, select

from publisher.app.own_links import read_preferences_link
from publisher.articles.model import ArticleStatus, Origin
from publisher.articles.tables import article, story
from publisher.testing import SECRET
from subscribers import find_subscriber
from tests.publisher.app.histories.model import KEYS, Mail, Model
from tests.publisher.app.histories.people import DAY, EDITIONS, Departure, Move, Person, Request
from tests.publisher.app.histories.sending import Received, Sending
from tests.publisher.conftest import PublicationFolder

# A Friday: digests of a month and of a week come soon.
START = datetime(2026, 1, 30, 6, tzinfo=UTC)
MINUTES = timedelta(minutes=11)
# What may come to an address that nobody has confirmed.
_TO_ANYBODY = {"confirm", "reminder", "confirm-address"}


@dataclass(eq=False)
class Letter:
    """A mail in a mailbox, whose it was, and what it is about."""

    received: Received
    person: Person
    generation: int
    newsletter: str = ""
    about: Request | Move | Departure | None = None

    @property
    def is_current(self) -> bool:
        """Whether its links have not ended."""
        one = self.person
        return one.merged_into is None and one.generation == self.generation

    @property
    def kind(self) -> str:
        return self.received.kind


@dataclass
class Play:
    """A history: what is done, in the program and in the model."""

    sending: Sending
    now: datetime
    model: Model = field(default_factory=Model)
    letters: list[Letter] = field(default_factory=list)
    # Kinds, addresses and more of the mails that must come now.
    _expected: list[tuple[str, str, Person, Request | Move | Departure | None]] = field(
        default_factory=list
    )

    @classmethod
    def start(cls, publication: PublicationFolder) -> Self:
        """Begin with a program that has been running: what comes is new to each digest."""
        play = cls(Sending(publication), START)
        play.sending.cycle(START)
        digests = (
            (key, tag) for key in KEYS if "." in key for tag in EDITIONS[key.split(".")[0]]
        )
        play.model.cutoffs = dict.fromkeys(digests, START)
        return play

    # --- articles and time

    def publish(self, number: int, languages: tuple[str, ...], topic: str) -> None:
        self.model.publish(number, languages, topic, self.now)
        topic = self.model.topics[number]
        with self._writing() as connection:
            known = connection.execute(select(story.c.id).where(story.c.id == number)).scalar()
            if known is None:
                name = f"story-{number}"
                connection.execute(insert(story).values(id=number, key=name, slug=name))
            for version in self.model.stories[number]:
                if version.at == self.now:
                    _write(connection, number, version.language, topic, self.now)

    def tick(self, kill: int | None, *, sends: bool = True) -> None:
        """Run a cycle at the next noon, or only the sender at the next midnight.

        `kill` is the step at which the sender dies.
        """
        start = self.now.replace(hour=0, minute=0)
        hours = 12 if self.now.hour < 12 else 24
        self.now = start + timedelta(hours=hours)
        if self.now.hour:
            self.sending.cycle(self.now)
            self.model.plan(self.now)
            self._remind()
        for person in self.model.persons:
            person.moves = [one for one in person.moves if not self._is_over(one)]
        self._settle()
        if not sends:
            return
        self.model.open(self.now)
        if kill is None:
            self.sending.send(self.now)
            self._receive(is_complete=True)
            self.model.drop_unwanted(self.now)
        else:
            self.sending.die_sending(self.now, kill)
            self._receive(is_complete=False)
        self._note_suppressed()

    def _is_over(self, move: Move) -> bool:
        if move.confirmed_at:
            return self.now >= move.confirmed_at + 7 * DAY
        return self.now >= move.at + 3 * DAY

    def _remind(self) -> None:
        for person in self.model.persons:
            last = person.requests[-1] if person.requests else None
            was_reminded = any(one.reminded for one in person.requests)
            if last is None or was_reminded or not last.is_open(self.now):
                continue
            if last.at <= self.now - DAY:
                last.reminded = True
                self._expect("reminder", person, last)

    def _receive(self, *, is_complete: bool) -> None:
        """What came is exactly what is due; if the sender died, a part of it."""
        due = self.model.due(self.now)
        rows = {(row.person.number, row.mail): row for row in due}
        assert len(rows) == len(due)
        came = []
        for number, one in self.sending.delivered():
            address = one.address.lower()
            mail = Mail(address, one.key, one.language, one.day, one.stories, one.length)
            came.append((number, mail))
            newsletter = one.key.partition(".")[0]
            person = next((p for p in self.model.persons if p.number == number), None)
            assert person is not None, f"a mail to nobody on record: {mail}"
            assert newsletter in person.active, f"a mail after leaving: {mail}"
            letter = Letter(one, person, person.generation, newsletter)
            self.letters.append(letter)
        assert len(set(came)) == len(came)
        if is_complete:
            assert set(came) == rows.keys()
        else:
            assert set(came) <= rows.keys()
        for key in came:
            self.model.take(rows[key])

    def _note_suppressed(self) -> None:
        """A row that is not wanted may end at any time. One that is wanted never does."""
        gone = self.sending.suppressed()
        for row in [*self.model.rows]:
            one = row.issue
            if (row.person.number, one.key, one.language, one.day) in gone:
                assert not row.is_wanted(self.now), f"suppressed, but wanted: {row.mail}"
                self.model.rows.remove(row)

    # --- what all verbs need

    @property
    def _settings(self) -> Any:
        return self.sending.publication.settings

    @property
    def _database(self) -> Any:
        return self.sending.publication.database

    def newest(self, *kinds: str) -> Letter:
        """Return the newest mail of some kinds."""
        return next(one for one in reversed(self.letters) if one.kind in kinds)

    def _writing(self) -> Any:
        return self._database.writing()

    def _reader(self, connection: Connection, letter: Letter) -> Person | None:
        """Return whose preferences the link of a mail opens: hers, unless the link has ended."""
        token = letter.received.links["preferences"]
        found = read_preferences_link(connection, SECRET, token)
        person = letter.person if letter.is_current else None
        if person not in self.model.persons:
            person = None
        assert (found.id if found else None) == (person.number if person else None)
        return person

    def _decide(self, person: Person, changes: dict[str | None, str]) -> dict[Any, Any]:
        """Store what somebody decided. What waited in a newsletter that is left may be owed by others."""
        waits = [name for name in person.states if self.model.waits(person, name)]
        before = person.decide(self.now, changes)
        left = [name for name in waits if name in before and changes[name] == "left"]
        others = set(person.active) if left else set()
        # Until the waiting mail is not sent, half a day later.
        person.missed += [(name, self.now - 31 * DAY, self.now + DAY) for name in others]
        return before

    def _expect(
        self,
        kind: str,
        person: Person,
        about: Request | Move | Departure | None = None,
        to: str = "",
    ) -> None:
        self._expected.append((kind, (to or person.address).lower(), person, about))

    def _settle(self) -> list[Letter]:
        """Send the mails about subscriptions: they are those that are expected. Time passes."""
        self._number_persons()
        came = self.sending.notify(self.now)
        expected, self._expected = self._expected, []
        assert Counter((one.kind, one.address.lower()) for one in came) == Counter(
            (kind, to) for kind, to, _person, _about in expected
        )
        new = []
        for one in came:
            key = (one.kind, one.address.lower())
            found = next(entry for entry in expected if entry[:2] == key)
            expected.remove(found)
            _kind, _to, person, about = found
            self._check_confirmed(one, person)
            new.append(Letter(one, person, person.generation, "", about))
        self.letters += new
        return new

    def _check_confirmed(self, one: Received, person: Person) -> None:
        if person.status == "pending" or one.address.lower() not in person.addresses:
            assert one.kind in _TO_ANYBODY | {"already-subscribed"}, one

    def _number_persons(self) -> None:
        with self._database.reading() as connection:
            for person in self.model.persons:
                if not person.number:
                    found = find_subscriber(connection, person.address)
                    assert found is not None, f"not stored: {person.address}"
                    person.number = found.id


def _write(
    connection: Connection, number: int, language: str, topic: str, now: datetime
) -> None:
    empty: dict[str, Any] = {"bylines": [], "translators": [], "offered": []}
    connection.execute(
        insert(article).values(
            **empty,
            story_id=number,
            language=language,
            origin=Origin.ORIGINAL,
            status=ArticleStatus.READY,
            declared=ArticleStatus.READY,
            title=f"Story {number}",
            summary="",
            html="",
            text="",
            topics=[topic],
            published_on=now.date(),
            published_at=now,
            available_at=now,
            updated_at=now,
            content_hash="0",
        )
    )
