"""What editors do, killed with -9 at any step: all of it is done or nothing, the audit log says which.

Afterwards the verb is tried again if it is not on record, a cycle runs, and everything is as if nothing had
been killed: rows, audit log and mails.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from shutil import rmtree
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, select

from publisher.accounts import audit
from publisher.accounts.model import Grant, Role
from publisher.app.issues.sending import send_now
from publisher.app.operation.cycle import Pipeline
from publisher.delivery.issue_opening import open_due_issues
from publisher.delivery.lineage.witness import forget_witness
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Transport
from publisher.issues.model import IssueState
from publisher.rendering import Renderer
from publisher.site import sitemaps
from publisher.testing import SECRET, MemoryTransport
from tests import databases
from tests.publisher.app import approving
from tests.publisher.conftest import Make, PublicationFolder, editing_state
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.killed_verbs import (
    NAME,
    OWNER,
    VERBS,
    announce_closing,
    correct,
    is_killed,
)
from tests.slow.publisher.delivery.crashes.scene import say

LATER = approving.DUE + approving.HOUR
# Of so many steps one is killed: imports and cycles have many like each other.
IMPORT_STEPS = int(os.environ.get("CRASH_IMPORT_STEPS", by_lane(5, 1)))
CYCLE_STEPS = int(os.environ.get("CRASH_CYCLE_STEPS", by_lane(23, 4)))
# So do some verbs. Which of their steps are killed changes from day to day.
VERB_STEPS = by_lane({"edit": 2, "announce": 2, "arrange": 3}, {})
TODAY = datetime.now(UTC).toordinal()
# After so many kills that left nothing, the verb is tried again: rows are compared after each.
RETRIED = by_lane(8, 1)
# Nothing of these is part of what a verb does, but of who has sent or written in between, of mails to
# translators, which each cycle sends, and of how files looked, which takes their age into account.
_OTHERS = {"alembic_version", "send_lease", "audit_entry", "source_item", "site_page"}
_OTHERS |= {"translator", "queue_item", "secret_fingerprint"}

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")

BEGUN, ENDED = ("begin-import", OWNER), ("import-subscribers", OWNER)

Rows = dict[str, list[tuple[Any, ...]]]
Entries = list[tuple[str, str]]


@dataclass(frozen=True)
class Seen:
    """All rows, what the audit log says, and how often somebody got which issue."""

    rows: Rows
    entries: Entries
    mails: list[tuple[str, str]]

    def differences(self, other: Seen) -> dict[str, list[Any]]:
        """Return what one of two has and the other does not, by table."""
        found: dict[str, list[Any]] = {
            name: sorted({*rows} ^ {*other.rows[name]}, key=repr)
            for name, rows in self.rows.items()
        }
        found["audit_entry"] = [self.entries, other.entries] * (self.entries != other.entries)
        found["mails"] = [self.mails, other.mails] * (self.mails != other.mails)
        return {name: rows for name, rows in found.items() if rows}


def _value(value: Any) -> Any:
    """Return what is compared of a value: of an instant its hour, since sending takes its time."""
    if isinstance(value, str) and _INSTANT.match(value):
        return value[:13]
    return repr(value) if isinstance(value, list | dict) else value


def _rows_of(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    # Each cycle reminds of issues that wait for approval when it begins.
    # And notes on which server the database is, where leases have random numbers.
    ignored = {"issue": "reminders", "lineage": "server", "delivery": "lease_id"}
    columns = [one for one in table.columns if one.name != ignored.get(table.name)]
    rows = (tuple(map(_value, row)) for row in connection.execute(select(*columns)))
    # Sitemaps say at which cycle each has changed.
    return [row for row in rows if row[0] != sitemaps.FILES]


class Scene:
    """A publication whose issues wait for approval, as it is before a verb."""

    def __init__(self, publication: PublicationFolder) -> None:
        self.publication = publication.at(approving.DUE - 2 * approving.HOUR)
        self._kept = publication.settings.folders.root / "kept.db"
        self._renderer = Renderer(publication.settings.folders.templates)
        # They are the same before and after a step, and take longer to read than their rows.
        self._tables = MetaData()

    def cycle(self, now: datetime) -> list[tuple[str, str]]:
        """Run a cycle, and return who got which issue."""
        transport = MemoryTransport()
        assert not self.pipeline(now, transport).run().problems
        taken = [one for one in transport.taken if one.folder.startswith("weekly/")]
        return sorted((one.recipient, one.folder) for one in taken)

    def pipeline(self, now: datetime, transport: Transport) -> Pipeline:
        made = self.publication.at(now)
        return Pipeline(
            settings=made.settings,
            database=made.database,
            renderer=self._renderer,
            transport=transport,
            clock=made.clock,
            secret=SECRET,
        )

    def do(self, verb: str) -> None:
        VERBS[verb](editing_state(self.publication))

    def keep(self) -> None:
        """Have it as it is now before each step."""
        self._now = self.publication.clock.now()
        self.publication.database.close()
        kept = databases.copy_test_database(
            self.publication.settings.folders.database, self._kept
        )
        databases.forget_server(kept)

    def restore(self) -> None:
        self.publication.database.close()
        databases.copy_test_database(self._kept, self.publication.settings.folders.database)
        forget_witness(self.publication.settings)
        self.publication.at(self._now)

    def is_killed(self, verb: str, step: int) -> bool:
        made, folder = self.publication, self.publication.settings.folders.root
        made.database.close()
        environment = databases.environment_of(folder) | {"PUBLISHER_SECRET": SECRET}
        found = is_killed(folder, environment, made.clock.now(), verb, step)
        with made.database.writing() as connection:
            databases.reset_ids(connection)
        return found

    def rows(self) -> Rows:
        with self.publication.database.reading() as connection:
            if not self._tables.tables:
                self._tables.reflect(connection, only=lambda name, _tables: name not in _OTHERS)
            # Tables that others refer to are reflected, too.
            tables = [one for one in self._tables.sorted_tables if one.name not in _OTHERS]
            return {one.name: _rows_of(connection, one) for one in tables}

    def entries(self) -> Entries:
        """Return what the audit log says, whose chain is whole."""
        with self.publication.database.reading() as connection:
            assert audit.find_fault(connection, editing_state(self.publication).secret) is None
            log = audit.read_log(connection)
        return [(entry.verb, entry.actor) for _number, entry in reversed(log)]

    def after_cycles(self) -> Seen:
        # The first one completes what is on record.
        mails = self.cycle(self._now + approving.HOUR / 6) + self.cycle(
            max(LATER, self._now + approving.HOUR)
        )
        assert len({*mails}) == len(mails)
        return Seen(self.rows(), self.entries(), mails)


def approved(scene: Scene) -> None:
    scene.do("approve")


def edited(scene: Scene) -> None:
    scene.do("edit")


def sent_soon(scene: Scene) -> None:
    scene.do("approve")
    send_now(editing_state(scene.publication), approving.TERMINAL, NAME)


def sending(scene: Scene) -> None:
    """Have the ledger open, and nothing sent yet."""
    scene.do("approve")
    made = scene.publication
    scene.pipeline(approving.DUE, MemoryTransport()).prepare()
    with made.database.writing() as connection:
        open_due_issues(connection, made.settings, approving.DUE)
    assert approving.issue_of(made).state is IssueState.SENDING


def paused(scene: Scene) -> None:
    sending(scene)
    scene.do("pause")


def sent(scene: Scene) -> None:
    scene.do("approve")
    assert len(scene.cycle(LATER)) == 2


def waiting(_scene: Scene) -> None:
    """Leave it as the first cycle has made it."""


BEFORE: dict[str, Callable[[Scene], None]] = {
    "approve": waiting,
    "request-changes": approved,
    "edit": approved,
    "arrange": approved,
    "undo-edit": edited,
    "send-now": approved,
    "undo": sent_soon,
    "pause": sending,
    "resume": paused,
    "cancel": sending,
    "correct": sent,
    "announce": waiting,
}


def prepare(publication: PublicationFolder) -> None:
    publication.at(approving.DUE - approving.DAY)
    approving.fill(publication, "en", "ar")
    subscribe(publication, ("bob-en@example.com", "en"))
    approving.person(publication, "ann", Grant(Role.APPROVER))
    approving.person(publication, "eve", Grant(Role.EDITOR))
    approving.person(publication, "root", Grant(Role.ADMINISTRATOR))
    Scene(publication).cycle(approving.DUE - 2 * approving.HOUR)


def scene_of(prepared_publication: Make, **terms: str) -> Scene:
    newsletters = [approving.newsletter(**terms)]
    return Scene(prepared_publication(prepare, languages=["en", "ar"], newsletters=newsletters))


@pytest.fixture
def scene(prepared_publication: Make) -> Scene:
    return scene_of(prepared_publication)


def test_an_import_killed_at_any_step_is_on_record_and_completed_by_another_one(
    scene: Scene,
) -> None:
    scene.keep()
    before, known = scene.rows(), scene.entries()
    scene.do("import")
    expected, done = scene.rows(), [*known, BEGUN, ENDED]
    assert scene.entries() == done
    stored = set[int]()
    for step in count(1, IMPORT_STEPS):
        scene.restore()
        if not scene.is_killed("import", step):
            break
        entries, rows = scene.entries(), scene.rows()
        assert entries in (known, [*known, BEGUN]), f"step {step}"
        if rows != before:
            assert entries == [*known, BEGUN], f"step {step}"
        stored.add(len(rows["subscriber"]))
        scene.do("import")
        assert scene.rows() == expected, f"step {step}"
        assert scene.entries() == [*entries, BEGUN, ENDED]
    say("import:", step // IMPORT_STEPS, "kills, with so many subscribers:", sorted(stored))
    # It was cut off before, after and between some of its transactions.
    assert len(stored) > 2
    assert (scene.rows(), scene.entries()) == (expected, done)


def test_a_cycle_killed_at_any_step_sends_an_approved_issue_once(scene: Scene) -> None:
    scene.do("approve")
    scene.publication.at(LATER)
    require_one_mail_each(scene)


@pytest.mark.parametrize("what", ["correction", "announcement"])
def test_a_cycle_killed_at_any_step_mails_a_correction_or_an_announcement_once(
    prepared_publication: Make, what: str
) -> None:
    scene = scene_of(prepared_publication, approval="none")
    assert len(scene.cycle(LATER)) == 3
    state = editing_state(scene.publication)
    if what == "correction":
        mailed = correct(state)[0].mailed
    else:
        mailed = announce_closing(state, "en")[0].issue
    assert mailed
    scene.publication.at(LATER + approving.HOUR)
    require_one_mail_each(scene, mailed.name)


def require_one_mail_each(scene: Scene, name: str = NAME) -> None:
    """Kill a cycle at some of its steps, and complete it: both subscribers get one mail."""
    scene.keep()
    known = scene.entries()
    folder = scene.publication.settings.folders.outbox
    for step in count(1, CYCLE_STEPS):
        scene.restore()
        rmtree(folder, ignore_errors=True)
        is_killed = scene.is_killed("cycle", step)
        if is_killed:
            scene.do("cycle")
        sent = sum(f"/{name}." in file for file in outbox(scene.publication))
        states = {row["state"] for row in scene.publication.rows(delivery)}
        assert sent == 2, (
            f"step {step}: {states}, {approving.issue_of(scene.publication, name)}"
        )
        assert approving.issue_of(scene.publication, name).state is IssueState.SENT
        assert states == {"sent"}
        assert scene.entries() == known
        if not is_killed:
            break
    say("cycle:", step // CYCLE_STEPS, "kills")
    assert step > 20


# At night each is killed on both databases. By day each on one of them, and what two people may do at once
# on both.
ON_SERVER = {"approve", "undo-edit", "undo", "pause", "resume", "request-changes"}
assert BEFORE.keys() >= ON_SERVER
IN_FILE = {*BEFORE} - ON_SERVER | {"approve"}
BY_DAY = ON_SERVER if databases.on_postgresql() else IN_FILE


@pytest.mark.parametrize("verb", [one for one in BEFORE if one in by_lane(BY_DAY, {*BEFORE})])
def test_a_verb_killed_at_any_step_is_done_and_on_record_or_neither(
    scene: Scene, verb: str
) -> None:
    BEFORE[verb](scene)
    scene.keep()
    before, known = scene.rows(), scene.entries()
    scene.do(verb)
    expected = scene.after_cycles()
    assert len(expected.entries) == len(known) + (2 if verb == "arrange" else 1)
    done = 0
    every = VERB_STEPS.get(verb, 1)
    for step in count(1 + TODAY % every, every):
        scene.restore()
        if not scene.is_killed(verb, step):
            break
        if scene.entries() == known:
            assert scene.rows() == before, f"step {step}"
            if (step - 1) % RETRIED:
                continue
            scene.do(verb)
        else:
            done += 1
        found = scene.after_cycles().differences(expected)
        assert not found, f"step {step}: {found}"
    say(verb, step // every, "kills,", done, "of them when it was on record")
    assert step > 2
    assert not scene.after_cycles().differences(expected)
