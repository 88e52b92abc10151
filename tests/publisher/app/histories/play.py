"""A publication that cycles, sends and is killed, and a history of it: what is done there and in the model."""

import re
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from functools import partial
from typing import Any, Self

from sqlalchemy import Connection, select, text

from publisher.app.subscribers.access import read_preferences_link
from publisher.app.subscribers.joining import delete_expired_requests, send_reminders
from publisher.app.subscribers.personal_tables import forget_former_addresses
from publisher.articles.tables import article
from publisher.assembly.select import select_due
from publisher.clock import FixedClock
from publisher.config.web import JoiningSettings
from publisher.database.retry_queue import has_work
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Outcome, OutgoingMessage, TransportConnection
from publisher.gate.mail import CheckedMail
from publisher.issues import digests
from publisher.issues import digests as issue_pages
from publisher.issues import store as issues
from publisher.issues.digests import IssueVariant, article_ids_of_variant
from publisher.issues.model import Issue, IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import issue_table
from publisher.notices.composer import NoticeComposer
from publisher.notices.ledger import NOTICE_POLICY
from publisher.notices.sender import Notices, PersonalMailSender
from publisher.rendering import Digest, SystemMail
from publisher.testing import SECRET, FakeTimer, MemoryTransport
from subscribers.store import find_subscriber
from tests.databases import on_postgresql
from tests.publisher.app.histories.model import (
    DAY,
    EDITIONS,
    KEYS,
    Departure,
    Mail,
    Model,
    Move,
    Person,
    Request,
)
from tests.publisher.app.stored_rows import insert_article
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.stepped_run import WORKERS, SteppedRun, Times

LANGUAGES = ("en", "ar", "zh-Hant")
_ALL = {"max_articles": 100, "max_age": 366, "digests": ["daily", "weekly", "monthly"]}
NEWSLETTERS = (
    {"name": "first", "schedule": "0 8 * * *"} | _ALL,
    {
        "name": "second",
        "schedule": "0 18 * * TUE,FRI",
        "local_time": True,
        "languages": list(EDITIONS["second"]),
    }
    | _ALL,
)
_STORY = re.compile(r"Story (\d+) in ([\w-]+)")
_LINK = re.compile(r"^(\w+): .*[?]t=(\S+)$", re.MULTILINE)
_ONE_CLICK = re.compile(r"[?]t=([^>]+)>")
_LENGTH = re.compile(r"^Length: (\w+)$", re.MULTILINE)
SUMMARY = "summary"
_LINKS = "preferences: @@PREFERENCES@@\n"


@dataclass(frozen=True)
class Received:
    """A message in somebody's mailbox: its links by kind, and what it says.

    `kind` is that of a notice, or "issue".
    """

    address: str
    kind: str
    links: Mapping[str, str]
    key: str
    language: str
    day: Any
    stories: frozenset[tuple[int, str]]
    length: str
    code: str


class PlainComposer(NoticeComposer):
    """Composes mails that are lists of links. The gate, which has its own tests, would reject them."""

    def _check(self, mail: SystemMail, sample: CheckedMail) -> None:
        pass


@dataclass
class Sending:
    """A publication that cycles, sends, and is killed."""

    publication: PublicationFolder
    transport: MemoryTransport = field(
        default_factory=lambda: MemoryTransport(connections=WORKERS, prefetch=2)
    )
    _seen: int = 0
    _seen_notices: int = 0

    def __post_init__(self) -> None:
        many = JoiningSettings(per_address=1000, per_domain=1000, in_all=1000)
        self.publication.settings = replace(self.publication.settings, joining=many)

    def cycle(self, now: datetime) -> None:
        """Do what a cycle does before it sends."""
        settings, database = self.publication.settings, self.publication.database
        send_reminders(settings, database, now)
        delete_expired_requests(database, now)
        forget_former_addresses(database, now)
        plan_issues(settings, database, now)
        select_due(settings, database, now)
        with database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.ASSEMBLING):
                numbers = issues.article_ids_of(connection, issue)
                parts = _parts(connection, numbers, SUMMARY)
                digests.freeze_digest(connection, issue, parts | {"page": "-"})
                issue_pages.mark_page_written(connection, issue, "-")
                issues.move_issue(connection, issue, IssueState.READY)

    def send(self, now: datetime) -> None:
        """Send all that is due, as `publisher deliver` does."""
        settings, database = self.publication.settings, self.publication.database
        clock, render = FixedClock(now), self._render_variant
        report = Dispatcher(
            settings, database, self.transport, SECRET, clock, render_variant=render
        ).deliver()
        assert report.problems == []

    def die_sending(self, now: datetime, steps: int) -> None:
        """Begin to send, and be killed after some steps of the workers."""
        dispatcher = self._dispatcher(now)
        dispatcher._recover()
        dispatcher.open_ready_issues()
        if not steps:
            return  # before the variants were rendered
        assert dispatcher._variants is not None
        dispatcher._variants.render_some(now)
        jobs = dispatcher._build_jobs(dispatcher._due_issues())
        if not jobs:
            return
        times = Times(FakeTimer(now.timestamp()))
        run = SteppedRun(self.publication, self.transport, jobs, times)
        try:
            for step in range(steps):
                if step % 3 == 0:
                    with run.batch():
                        pass
                run.step(step % WORKERS, partial(self._hand_over, run))
        finally:
            run.crash()

    def notify(self, now: datetime) -> list[Received]:
        """Send the mails about subscriptions. Return them."""
        settings, database = self.publication.settings, self.publication.database
        with database.reading() as connection:
            if not has_work(connection, NOTICE_POLICY, now):
                return []  # as send_notices does
        clock, timer = FixedClock(now), FakeTimer(now.timestamp())
        composer = PlainComposer(settings, _notice, SECRET)
        mails = Notices(settings, self.transport, composer, database)
        sender = PersonalMailSender(settings, database, self.transport, mails, clock, timer)
        sender.send_due()
        assert sender.report.problems == []
        found = [one for one in self.transport.taken if one.issue_id == 0]
        new, self._seen_notices = found[self._seen_notices :], len(found)
        return [_received(one) for one in new]

    def delivered(self) -> list[tuple[int, Received]]:
        """Return the issues' mails that came since the last call, each with the subscriber's id."""
        latest = {one.key: one for one in self.transport.taken if one.issue_id}
        settled = [key for key in self.transport.settled if key[0]]
        new, self._seen = settled[self._seen :], len(settled)
        return [(key[1], _received(latest[key])) for key in new]

    def suppressed(self) -> set[tuple[int, str, str, Any]]:
        """Return the rows that are not sent: subscriber, key, language and day."""
        query = (
            select(delivery.c.subscriber_id, *issue_table.c["newsletter", "language", "day"])
            .join(issue_table)
            .where(delivery.c.state == DeliveryState.SUPPRESSED)
        )
        with self.publication.database.reading() as connection:
            return {tuple(row) for row in connection.execute(query)}

    def stored_text(self) -> str:
        """All that is stored, in small letters."""
        if on_postgresql():
            return self._all_rows()
        path = self.publication.settings.folders.database
        with closing(sqlite3.connect(path, isolation_level=None)) as raw:
            raw.execute("VACUUM")
            assert raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        files = sorted(path.parent.glob(f"{path.name}*"))
        return b"".join(one.read_bytes() for one in files).decode("latin-1").lower()

    def _all_rows(self) -> str:
        tables = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        with self.publication.database.reading() as connection:
            names = connection.execute(tables).scalars().all()
            return "".join(
                row.lower()
                for name in names
                for row in connection.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()
            )

    def _dispatcher(self, now: datetime) -> Dispatcher:
        settings, database = self.publication.settings, self.publication.database
        return Dispatcher(
            settings,
            database,
            self.transport,
            SECRET,
            FixedClock(now),
            timer=FakeTimer(now.timestamp()),
            render_variant=self._render_variant,
        )

    def _render_variant(self, _issue: Issue, variant: IssueVariant) -> Mapping[str, Any]:
        with self.publication.database.reading() as connection:
            numbers = article_ids_of_variant(connection, variant)
            return _parts(connection, numbers, variant.length or SUMMARY)

    def _hand_over(
        self, run: SteppedRun, claim: Claim, connection: TransportConnection
    ) -> Outcome:
        return connection.send(run.jobs[claim.issue_id].compose(claim))


def _parts(connection: Connection, numbers: list[int], length: str) -> dict[str, Any]:
    rows = connection.execute(select(article).where(article.c.id.in_(numbers)))
    lines = [f"Story {row.story_id} in {row.language}" for row in rows]
    text = "\n".join([*lines, f"Length: {length}", _LINKS])
    return {"subject": "-", "preheader": "", "html": "<p>-</p>", "text": text, "sha256": "-"}


def _notice(mail: SystemMail) -> Digest:
    action = "" if mail.kind in {"welcome", "already-subscribed"} else "action: @@ACTION@@\n"
    code = "Code: @@CODE@@\n" if mail.has_code else ""
    return Digest(
        subject=mail.kind, preheader="", html="<p>-</p>", text=f"{action}{code}{_LINKS}"
    )


def _received(one: OutgoingMessage) -> Received:
    mail = message_from_bytes(one.message.content, policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\r\n", "\n")
    links = dict(_LINK.findall(text))
    if offered := mail["List-Unsubscribe"]:
        found = _ONE_CLICK.search(offered.replace(" ", "").replace("\n", ""))
        assert found is not None
        links["unsubscribe"] = found[1]
    length, code = _LENGTH.search(text), re.search(r"^Code: (\d+)$", text, re.MULTILINE)
    newsletter, language, day = one.folder.split("/")
    return Received(
        address=one.recipient,
        kind="issue" if one.issue_id else str(mail["Subject"]),
        links=links,
        key=newsletter,
        language=language,
        day=date.fromisoformat(day),
        stories=frozenset((int(number), tag) for number, tag in _STORY.findall(text)),
        length=length[1] if length else "",
        code=code[1] if code else "",
    )


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
            for version in self.model.stories[number]:
                if version.at == self.now:
                    insert_article(
                        connection, number, version.language, self.now, topics=[topic]
                    )

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
