"""A weekly newsletter that is planned, sent, killed, backed up, restored and recovered.

Issues are made without articles or templates. Messages are counted by issue and subscriber.
"""

import shutil
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from pydantic import SecretStr
from sqlalchemy import select

from publisher import urls
from publisher.accounts.model import terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.operation.backup import Backup, back_up_publication, restore_publication
from publisher.app.operation.databases import Recovery, preview_recovery, recover_database
from publisher.clock import FixedClock
from publisher.config import Folders
from publisher.database import Database, open_database
from publisher.database.dialect import copy_file
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.delivery.lineage.recovery import Choices
from publisher.delivery.lineage.witness import FOLDER, forget_witness
from publisher.delivery.tables import delivery
from publisher.delivery.transports.base import Outcome, OutgoingMessage, TransportConnection
from publisher.issues import digests, store
from publisher.issues.model import IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import issue_table
from publisher.testing import SECRET, FakeTimer, MemoryTransport
from subscribers.tables import subscriber
from tests.databases import copy_test_database, new_database, on_postgresql
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.delivery.stepped_run import WORKERS, SteppedRun, Times
from tests.publisher.mail.samples import an_issue_mail

_IS_RECIPIENT = subscriber.c.id == delivery.c.subscriber_id
# Rows that a worker holds.
PROMISED = 2
WEEK = timedelta(days=7)
LETTER = an_issue_mail("en")
PARTS = {
    "subject": LETTER.subject,
    "preheader": "",
    "page": "",
    "sha256": "0",
    "html": LETTER.html,
    "text": LETTER.text,
}


class Scene:
    """A publication, and what left it."""

    def __init__(self, publication: PublicationFolder, *, subscribers: int = 4) -> None:
        self.publication = publication
        self.now = NOW
        self.transport = MemoryTransport("ambiguous", connections=1, prefetch=PROMISED)
        self.known = self._copies = 0
        # How often it was killed so that the journal lacks a page.
        self.gaps = 0
        # The folders of each machine, its own first.
        self.machines = [publication.settings.folders]
        self._path = publication.settings.folders.database
        self.publication.clock = FixedClock(self.now)
        for _ in range(subscribers):
            self.join()

    @property
    def database(self) -> Database:
        return self.publication.database

    @property
    def sent(self) -> Counter[tuple[str, str]]:
        """How often each address got each issue."""
        return Counter(map(_key, self.transport.taken))

    @property
    def is_quarantined(self) -> bool:
        return self.look() is not None

    def look(self) -> str | None:
        """Compare the database with the witness, as `publisher run` does every two seconds."""
        return find_quarantine(self.publication.settings, self.database, self.now)

    def join(self) -> None:
        self.known += 1
        address = f"reader-{self.known}@example.com"
        subscribe(self.publication, (address, "en"))

    def change_machine(self) -> None:
        """Go on at the other machine: it has a `var` of its own, the database and the pages are shared."""
        first = self.machines[-1].root
        if len(self.machines) == 1:
            other = first.with_name(f"{first.name}-elsewhere")
            shutil.copytree(first, other, ignore=shutil.ignore_patterns("var", "public"))
            (other / "public").symlink_to(first / "public")
            (other / "var").mkdir()
            self.machines.append(Folders(other))
        self.machines.reverse()
        settings = self.publication.settings
        self.publication.settings = replace(settings, folders=self.machines[0])
        self.look()

    def name(self) -> str:
        """The name of this week's issue."""
        return f"weekly-en-{self.now:%Y-%m-%d}"

    # --- cycles

    def week(self) -> None:
        """Let a week pass, and run a cycle."""
        self.now += WEEK
        self.publication.at(self.now)
        self.cycle()

    def cycle(self) -> None:
        """Plan, make issues and their pages, as a cycle does."""
        if not self.is_quarantined:
            plan_issues(self.publication.settings, self.database, self.now)
        with self.database.writing() as connection:
            for issue in store.issues_in_state(connection, IssueState.SCHEDULED):
                if issue.send_at is None or self.is_quarantined:
                    continue
                made = store.move_issue(
                    connection, issue, IssueState.ASSEMBLING, assembled_at=self.now
                )
                digests.freeze_digest(connection, made, PARTS)
                path = urls.issue_path("en", issue.newsletter, issue.day)
                file = self.publication.settings.folders.public / urls.page_file(path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text("page")
                digests.mark_page_written(connection, made, "0")
                store.move_issue(connection, made, IssueState.READY)

    def send(self) -> None:
        Dispatcher(
            self.publication.settings,
            self.database,
            self.transport,
            SECRET,
            FixedClock(self.now),
        ).deliver()

    def states(self) -> dict[tuple[str, str], str]:
        """The state of each delivery, by issue and address."""
        query = (
            select(*issue_table.c["newsletter", "language", "day"], subscriber.c.email)
            .add_columns(delivery.c.state)
            .select_from(delivery.join(issue_table).join(subscriber, _IS_RECIPIENT))
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return {(f"{row[0]}-{row[1]}-{row[2]}", row[3]): row[4] for row in rows}

    def send_and_be_killed(self, random: Random) -> None:
        """Send some, in small steps, and be killed between any two of them."""
        settings, clock = self.publication.settings, FixedClock(self.now)
        times = Times(FakeTimer(self.now.timestamp()))
        parts = (settings, self.database, self.transport, SECRET, clock)
        dispatcher = Dispatcher(*parts, timer=times.wall)
        if self.is_quarantined:
            return
        dispatcher._recover()
        dispatcher.open_ready_issues()
        with self.database.reading() as connection:
            due = store.issues_in_state(connection, IssueState.SENDING)
        jobs = dispatcher._build_jobs(due)
        if not jobs:
            return

        def hand_over(claim: Claim, connection: TransportConnection) -> Outcome:
            return connection.send(jobs[claim.issue_id].compose(claim))

        run = SteppedRun(self.publication, self.transport, jobs, times)
        for _ in range(random.randrange(30)):
            if random.random() < 0.3:
                with run.batch():
                    pass
            else:
                run.step(random.randrange(WORKERS), hand_over)
        if random.random() < 0.3:
            # Killed after a commit, before the witness is written.
            with run.batch(acts=False):
                pass
            self.gaps += 1
        run.crash()

    # --- backups

    def _new_place(self) -> Path:
        self._copies += 1
        folders = self.publication.settings.folders
        return folders.root.with_name(f"{folders.root.name}-copy-{self._copies}")

    def back_up(self) -> Backup:
        settings = self.publication.settings
        return back_up_publication(settings, self._new_place(), FixedClock(self.now))

    def copy(self) -> Path:
        """Copy the database by hand, without a mark."""
        target = self._new_place()
        if not on_postgresql():
            copy_file(self.publication.settings.folders.database, target)
            return target
        self.database.close()
        copy_test_database(self._path, target)
        self._open()
        return target

    def restore(self, copy: Backup | Path) -> None:
        """Put a backup, or a plain copy, in the place of the database."""
        self.database.close()
        if on_postgresql():
            self._path = self._new_place()
            if isinstance(copy, Path):
                address = copy_test_database(copy, self._path)
            else:
                address = new_database(self._path)
            settings = self.publication.settings
            self.publication.settings = replace(
                settings, database_address=SecretStr(str(address))
            )
        elif isinstance(copy, Path):
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(copy, self._path)
        if isinstance(copy, Backup):
            restore_publication(self.publication.settings, copy.folder, FixedClock(self.now))
        self._open()

    def _open(self) -> None:
        self.publication.database = open_database(self.publication.settings.database, "normal")

    def lose_journal(self) -> None:
        shutil.rmtree(self.publication.settings.folders.var / FOLDER, ignore_errors=True)

    def lose_var(self) -> None:
        """Lose what is beside the database."""
        self.lose_journal()
        forget_witness(self.publication.settings)

    # --- recovering

    @property
    def state(self) -> EditingState:
        return EditingState(
            settings=self.publication.settings,
            database=self.database,
            secret=SECRET,
            clock=FixedClock(self.now),
        )

    @property
    def journals(self) -> list[Path]:
        """What the operator names on a server: the other machine's, or its own if it is the only one."""
        return [self.machines[-1].var] if on_postgresql() else []

    def preview(self) -> Recovery:
        return preview_recovery(self.state, terminal_actor(), Choices(), self.journals)

    def recover(
        self,
        *send: str,
        hold: Collection[str] = (),
        skip: Collection[str] = (),
        sent: Collection[str] = (),
    ) -> Recovery:
        # No two recoveries are made in the same second.
        self.now += timedelta(seconds=1)
        self.publication.at(self.now)
        choices = Choices(frozenset(send), frozenset(hold), frozenset(skip), frozenset(sent))
        return recover_database(self.state, terminal_actor(), choices, self.journals)


def _key(outgoing: OutgoingMessage) -> tuple[str, str]:
    return outgoing.folder.replace("/", "-"), outgoing.recipient
