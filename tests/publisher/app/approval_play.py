"""Sequences of what may happen to issues that need approvals, and a model of what may be sent after each.

The model notes by itself who edited, and who decided about which bytes. It reads no approvals, no roles and
no manifest from the database: what the product counts may be wrong. From the database it reads the bytes
that somebody would have seen, and whether an edit or a verdict was committed before a crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from random import Random
from typing import Any, cast
from unittest.mock import patch

from sqlalchemy import Engine, Table, event, func, select

from publisher.accounts.model import Actor, Grant, Role, account_actor, terminal_actor
from publisher.accounts.store import disable_account, enable_account, find_account, set_grants
from publisher.app.issues.approvals import read_approvals, request_changes
from publisher.app.issues.edits import EditRequest, edit_issue
from publisher.app.issues.sending import hold_issue, send_now, undo_sending
from publisher.app.operation import cycle as pipeline
from publisher.app.operation.cycle import Pipeline
from publisher.assembly import assemble
from publisher.assembly.gate_run import GateRun
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.lineage.quarantine import ClockWatch
from publisher.delivery.lineage.witness import forget_witness
from publisher.delivery.transports.base import ACCEPTED_OUTCOME, Outcome, OutgoingMessage
from publisher.errors import PublisherError
from publisher.gate.findings import GateReport
from publisher.issues import tables
from publisher.issues.editing import EditKind
from publisher.issues.model import SELECTED_STATES, IssueState
from publisher.rendering import Digest, IssueContent, Renderer, renderer
from publisher.testing import SECRET, MemoryTransport
from tests.databases import copy_test_database, forget_server
from tests.publisher.app import approving
from tests.publisher.app.approving import approve_issue, newsletter
from tests.publisher.conftest import PublicationFolder, editing_state
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import write_issue_pages

NEEDED = {"en": 2, "ar": 1, "zh-Hans": 2, "zh-Hant": 1}
PEOPLE = ("ann", "bob", "cyd")
TERMINAL = "terminal"
STEP = timedelta(minutes=10)
_FROZEN = {IssueState.AWAITING_APPROVAL, IssueState.READY}
_MARK = re.compile(r"(?:Subject|Text|Template) \d+")
_PARTS = ("subject", "preheader", "html", "text", "page")
# There is one issue of each language.
_STATES = select(tables.issue_table.c.language, tables.issue_table.c.state).order_by(
    tables.issue_table.c.id
)
_BYTES = select(*(tables.digest_table.c[name] for name in _PARTS)).join(tables.issue_table)
Shown = tuple[str, ...]


def converted(languages: tuple[str, ...]) -> dict[str, str]:
    """Return the languages whose articles are converted, each with that of their source."""
    return {"zh-Hant": "zh-Hans"} if {"zh-Hant", "zh-Hans"} <= {*languages} else {}


class Killed(BaseException):  # nothing of the program handles it
    """The process ends before a commit."""


@dataclass
class Model:
    """What somebody knows who has watched. `may` are the languages that people may approve."""

    may: dict[str, set[str]]
    disabled: set[str] = field(default_factory=set)
    # By language: the authors of edits by their number, and who has decided what about which bytes.
    edits: dict[str, dict[int, str]] = field(default_factory=dict)
    subjects: dict[int, str] = field(default_factory=dict)
    verdicts: dict[str, list[tuple[str, str, Shown]]] = field(default_factory=dict)

    def faults(self, language: str, shown: Shown) -> list[str]:
        """Return why an issue may not be sent as it is."""
        able = {one for one in PEOPLE if one not in self.disabled and language in self.may[one]}
        last = {who: what for who, what, seen in self.verdicts[language] if seen == shown}
        heard = {who: what for who, what in last.items() if who in able | {TERMINAL}}
        editors = {*self.edits[language].values()}
        good = {who for who, what in heard.items() if what == "approve"} - editors
        found = []
        if len(good) < NEEDED[language]:
            found.append(f"{language}: opened with {sorted(good)}, edited by {sorted(editors)}")
        if "changes" in heard.values():
            found.append(f"{language}: opened while somebody asked for changes")
        return found


class Scene:
    """A publication whose issues wait for approval, and which each sequence begins with anew."""

    def __init__(self, publication: PublicationFolder, languages: tuple[str, ...]) -> None:
        self.publication, self.languages = (
            publication.at(approving.DUE - approving.DAY),
            languages,
        )
        self.converted = converted(languages)
        self.written = [tag for tag in languages if tag not in self.converted]
        self.renderer = Renderer(publication.settings.folders.templates)
        self._kept = publication.settings.folders.root / "kept.db"
        approving.fill(publication, *self.written)
        subscribe(publication, *((f"ann-{tag}@example.com", tag) for tag in self.converted))
        for tag in languages:
            self._have_variant(tag)
        for tag in self.written:
            self.write(tag, 0)
        for name in PEOPLE:
            approving.person(publication, name, Grant(Role.EDITOR), Grant(Role.APPROVER))
        # Somebody who could approve: nobody may approve alone what he or she edited.
        approving.person(publication, "root", Grant(Role.ADMINISTRATOR))
        publication.at(approving.DUE - 2 * approving.HOUR)
        with Play(self).as_it_is():
            self.pipeline(MemoryTransport()).run()
        publication.database.close()
        forget_server(copy_test_database(publication.settings.folders.database, self._kept))

    def _have_variant(self, tag: str) -> None:
        """Add a subscriber with another length than the newsletter's."""
        address = f"bea-{tag.lower()}@example.com"
        subscribe(self.publication, (address, tag))
        approving.prefer_full_texts(self.publication, address)

    @contextmanager
    def begin(self) -> Iterator[Play]:
        """Have the database as it was after the first cycle, for one sequence."""
        made = self.publication
        # What is closed opens again at the next transaction, and keeps its compiled statements.
        made.database.close()
        copy_test_database(self._kept, made.settings.folders.database)
        forget_witness(made.settings)
        for tag in self.written:
            self.write(tag, 0)
        made.at(approving.DUE - 2 * approving.HOUR)
        play = Play(self)
        with play.as_it_is():
            yield play

    def write(self, tag: str, version: int) -> Path:
        title = approving.TITLES[tag][0]
        # With the title, as a text that is that of another language is no translation.
        words = f"{title}. Text {version}."
        return self.publication.write(f"{tag}/tides.md", words, title=title, date="2026-01-05")

    def pipeline(self, transport: MemoryTransport) -> Pipeline:
        made = self.publication
        return Pipeline(
            settings=made.settings,
            database=made.database,
            renderer=self.renderer,
            transport=transport,
            clock=made.clock,
            secret=SECRET,
            # The time is the test's, and may be later than the machine's.
            watch=ClockWatch(is_confirmed=True),
        )


class Play:
    """One sequence. `faults` is what was wrong with it."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.publication = scene, scene.publication
        self.model = Model(may={name: {*NEEDED} for name in PEOPLE})
        for tag in scene.languages:
            self.model.edits[tag], self.model.verdicts[tag] = {}, []
        self.texts = dict.fromkeys(scene.languages, 0)
        self.templates = self.count = 0
        # What an issue may have that is opened, by language.
        self.opened: dict[str, set[str]] = {}
        self.sent: set[tuple[str, str]] = set()
        self.faults: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether all is sent: nothing can go wrong any more."""
        return len(self.sent) == 2 * len(self.scene.languages)

    @contextmanager
    def as_it_is(self) -> Iterator[None]:
        """Have the templates of now, and render little: what is sent is what is looked at."""

        def small(_publication: Any, _renderer: Any, _issue: Any, content: IssueContent) -> Any:
            return self.digest(content), GateRun(cast("Any", None), GateReport(findings=()))

        with ExitStack() as stack:
            for where, name, value in (
                (
                    renderer,
                    "templates_fingerprint",
                    lambda *_folders: f"templates {self.templates}",
                ),
                (Renderer, "issue_page", lambda _self, _content: self.page),
                (assemble, "render_passing_digest", small),
                (pipeline, "write_site", write_issue_pages),
                (pipeline, "publish_feeds", lambda *_all: (0, [])),
            ):
                stack.enter_context(patch.object(where, name, value))
            yield

    @property
    def page(self) -> str:
        """The page of an issue that is made now: it says from which articles."""
        return f"<p>{self.texts}</p>"

    def digest(self, content: IssueContent) -> Digest:
        """Return a mail with all that sequences change, and nothing else."""
        words = [*(item.article.html for item in content.items), f"Template {self.templates}"]
        text = "\n".join(words)
        return Digest(
            subject=content.subject or content.title,
            preheader="",
            html=f"<html><body>{text}</body></html>",
            text=text,
        )

    def play(self, verb: str, *arguments: Any) -> None:
        """Let something happen, and look at what has come of it."""
        with suppress(PublisherError):  # a verb may refuse
            getattr(self, verb)(*arguments)
        self.look()

    # --- what editors do

    def edit(self, name: str, language: str) -> None:
        self.count += 1
        subject = f"Subject {self.count}"
        request = EditRequest(EditKind.SUBJECT, subject)
        before = self._last(tables.issue_edit_table)
        try:
            self._act(edit_issue, name, language, request, self.scene.renderer)
        finally:
            if (number := self._last(tables.issue_edit_table)) > before:
                self.model.edits[language][number] = name
                self.model.subjects[number] = subject

    def unedit(self, name: str, language: str) -> None:
        edits = self.model.edits[language]
        if not edits:
            return
        number = max(edits)
        try:
            self._act(edit_issue, name, language, number, self.scene.renderer)
        finally:
            if self._is_undone(number):
                del edits[number]

    def approve(self, names: list[str], language: str) -> None:
        for name in names:
            with suppress(PublisherError):
                self._decide("approve", name, language)

    def changes(self, name: str, language: str) -> None:
        self._decide("changes", name, language, "no")

    def _decide(self, verdict: str, name: str, language: str, *note: str) -> None:
        verb = approve_issue if verdict == "approve" else request_changes
        before, shown = self._last(tables.issue_approval_table), self.shown(language)
        read = read_approvals(self._state, self._actor(name), self._name(language)).manifest
        try:
            self._act(verb, name, language, read or "", *note)
        finally:
            if self._last(tables.issue_approval_table) > before:
                self.model.verdicts[language].append((name, verdict, shown))

    def send(self, name: str, language: str) -> None:
        self._act(send_now, name, language)
        self.cycle()

    def undo(self, name: str, language: str) -> None:
        self._act(undo_sending, name, language)

    def hold(self, name: str, language: str) -> None:
        self._act(hold_issue, name, language)

    # --- what changes meanwhile

    def article(self, language: str) -> None:
        """Change an article; that of a conversion changes with its source."""
        self.count += 1
        source = self.scene.converted.get(language, language)
        self.scene.write(source, self.count)
        for tag in self.scene.languages:
            if source in {tag, self.scene.converted.get(tag)}:
                self.texts[tag] = self.count
        self.publication.pick_up()

    def template(self) -> None:
        self.templates += 1

    def role(self, name: str, *languages: str) -> None:
        """Let somebody approve these languages only."""
        self.model.may[name] = {*languages}
        grants = [Grant(Role.EDITOR), *(Grant(Role.APPROVER, tag) for tag in languages)]
        with self.publication.database.writing() as connection:
            set_grants(connection, self._number(name), grants)

    def account(self, name: str, is_able: bool) -> None:
        with self.publication.database.writing() as connection:
            if is_able:
                self.model.disabled.discard(name)
                enable_account(connection, self._number(name))
            else:
                self.model.disabled.add(name)
                now = self.publication.clock.now()
                disable_account(connection, self._number(name), now)

    # --- cycles, and what they are cut off by

    def cycle(self) -> None:
        self.publication.at(self.publication.clock.now() + STEP)
        self._pipeline().run()

    def due(self) -> None:
        self.publication.at(max(approving.DUE, self.publication.clock.now()))
        self.cycle()

    def race(self, step: str, verb: str, *arguments: Any) -> None:
        """Begin a cycle that is due, have something happen after a step, and send."""
        self.publication.at(max(approving.DUE, self.publication.clock.now()) + STEP)
        self._pipeline().prepare()
        if step == "opened":
            with self.publication.database.writing() as connection:
                now = self.publication.clock.now()
                open_due_issues(connection, self.publication.settings, now)
            self.look()
        with suppress(PublisherError):
            getattr(self, verb)(*arguments)
        self._pipeline().deliver()

    def crash(self, number: int, verb: str, *arguments: Any) -> None:
        """Have something happen that ends before its commit of this number."""
        left = number

        def at_commit(_connection: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        event.listen(Engine, "commit", at_commit)
        try:
            with suppress(Killed):
                getattr(self, verb)(*arguments)
        finally:
            event.remove(Engine, "commit", at_commit)

    def prepare(self) -> None:
        self._pipeline().prepare()

    # --- what is looked at

    def look(self) -> None:
        """Compare each issue with the model: whether it may be opened, and whether it is whole."""
        with self.publication.database.reading() as connection:
            states = connection.execute(_STATES).all()
        assert len(states) == len(self.scene.languages)
        for tag, state in states:
            if state in _FROZEN:
                self._look_at_edits(tag)
            is_open = state not in SELECTED_STATES | {IssueState.SKIPPED}
            if is_open and tag not in self.opened:
                self._look_at_opening(tag)

    def _look_at_edits(self, tag: str) -> None:
        numbers = self.model.edits[tag]
        latest = self.model.subjects[max(numbers)] if numbers else None
        subject, *_rest = self.shown(tag)
        if latest != (subject if subject.startswith("Subject ") else None):
            self.faults.append(f"{tag}: waits with {subject!r}, edited to {latest!r}")

    def _look_at_opening(self, tag: str) -> None:
        shown = self.shown(tag)
        self.faults += self.model.faults(tag, shown)
        if shown[-1] != self.page:
            self.faults.append(f"{tag}: opened with {shown[-1]}, articles are {self.page}")
        self.opened[tag] = {*_MARK.findall(" ".join(shown)), f"Text {self.texts[tag]}"}

    def shown(self, language: str) -> Shown:
        """Return what somebody sees of an issue now: its bytes. The page says from which articles."""
        with self.publication.database.reading() as connection:
            query = _BYTES.where(tables.issue_table.c.language == language)
            return tuple(connection.execute(query).one())

    def take(self, outgoing: OutgoingMessage) -> Outcome:
        newsletter, language, day = outgoing.folder.split("/")
        if newsletter == approving.TO_STAFF:
            return ACCEPTED_OUTCOME
        self.look()
        key = outgoing.recipient, f"{newsletter} {day}"
        if key in self.sent:
            self.faults.append(f"{key}: sent twice")
        self.sent.add(key)
        parsed = message_from_bytes(outgoing.message.content, policy=default)
        words = [str(parsed["Subject"])]
        words += [part.get_content() for part in parsed.walk() if not part.is_multipart()]
        found, signed = {*_MARK.findall(" ".join(words))}, self.opened[language]
        if not found or found - signed:
            self.faults.append(f"{key}: has {sorted(found)}, approved were {sorted(signed)}")
        return ACCEPTED_OUTCOME

    # --- short ways

    @property
    def _state(self) -> Any:
        return editing_state(self.publication)

    def _pipeline(self) -> Pipeline:
        return self.scene.pipeline(MemoryTransport(outcomes=self.take))

    def _name(self, language: str) -> str:
        return f"weekly-{language}-2026-01-09"

    def _act(self, verb: Any, name: str, language: str, *arguments: Any) -> None:
        verb(self._state, self._actor(name), self._name(language), *arguments)

    def _actor(self, name: str) -> Actor:
        if name == TERMINAL:
            return terminal_actor()
        with self.publication.database.reading() as connection:
            account = find_account(connection, f"{name}@example.org")
        assert account is not None
        return account_actor(account, "")

    def _number(self, name: str) -> int:
        number = self._actor(name).account_id
        assert number is not None
        return number

    def _last(self, table: Table) -> int:
        with self.publication.database.reading() as connection:
            return connection.execute(select(func.max(table.c.id))).scalar_one() or 0

    def _is_undone(self, number: int) -> bool:
        undone = tables.issue_edit_table.c.undone_at
        query = select(undone).where(tables.issue_edit_table.c.id == number)
        with self.publication.database.reading() as connection:
            return connection.execute(query).scalar_one() is not None


Move = tuple[Any, ...]
# Each language is in two groups. Traditional Chinese is translated in one, and converted in the other.
GROUPS = [("en", "ar", "zh-Hant"), ("zh-Hans", "ar", "zh-Hant"), ("en", "zh-Hans")]
# How often each happens. What sends comes often: what was never sent shows nothing.
_WEIGHTS = {
    "approve": 15,
    "due": 9,
    "race": 9,
    "edit": 6,
    "send": 6,
    "crash": 6,
    "changes": 6,
    "article": 3,
    "template": 3,
    "cycle": 3,
    "role": 6,
    "account": 4,
    "undo": 1,
    "hold": 1,
    "unedit": 1,
}
_EVERYBODY = (*PEOPLE, TERMINAL)
# What may happen in the middle of a cycle, and what may be cut off before a commit.
_IN_CYCLE = ("article", "article", "template", "role", "edit")
_CUT_OFF = ("edit", "approve", "template")


@dataclass
class Seen:
    """What sequences have shown: faults, each with its sequence, and how many mails left."""

    faults: list[tuple[int, list[Move], list[str]]] = field(default_factory=list)
    mails: int = 0


class Chance:
    """Chooses moves."""

    def __init__(self, number: int, languages: tuple[str, ...]) -> None:
        self._random, self._languages = Random(number), languages
        # What somebody may approve from some time on.
        self._some = ((), languages[:1], languages[1:], languages)

    def sequence(self) -> list[Move]:
        """Return moves; the last one sends what may be sent."""
        verbs = [*_WEIGHTS]
        count = self._random.randint(6, 14)
        chosen = self._random.choices(verbs, [*_WEIGHTS.values()], k=count)
        return [*map(self._move, chosen), ("due",)]

    def _move(self, verb: str) -> Move:
        one, tag = self._random.choice, self._random.choice(self._languages)
        rest: dict[str, Callable[[], Move]] = {
            "approve": lambda: (self._random.sample(_EVERYBODY, one((1, 2, 3))), tag),
            "edit": lambda: (one(_EVERYBODY), tag),
            "changes": lambda: (one(PEOPLE), tag),
            "article": lambda: (tag,),
            "role": lambda: (one(PEOPLE), *one(self._some)),
            "account": lambda: (one(PEOPLE), one((True, False, False))),
            "race": lambda: (one(("prepared", "opened")), *self._move(one(_IN_CYCLE))),
            "crash": lambda: (one((1, 2, 3)), *self._move(one(_CUT_OFF))),
            **dict.fromkeys(("send", "undo", "hold", "unedit"), lambda: (TERMINAL, tag)),
            **dict.fromkeys(("due", "cycle", "template"), lambda: ()),
        }
        return verb, *rest[verb]()


def scene_of(make: Callable[..., PublicationFolder], languages: tuple[str, ...]) -> Scene:
    editions = {tag: {"approval": "one"} for tag in languages if NEEDED[tag] == 1}
    for tag in converted(languages):
        editions[tag]["missing"] = "convert"
    terms = newsletter(approval="two", edition=editions)
    return Scene(make(languages=[*languages], newsletters=[terms]), languages)


def play_sequences(scene: Scene, numbers: Iterable[int]) -> Seen:
    seen = Seen()
    for number in numbers:
        moves = Chance(number, scene.languages).sequence()
        with scene.begin() as play:
            _play(play, moves)
        seen.mails += len(play.sent)
        if play.faults:
            seen.faults.append((number, moves, play.faults))
    return seen


def _play(play: Play, moves: list[Move]) -> None:
    for move in moves:
        play.play(*move)
        if play.is_over or play.faults:
            break
