"""A publication whose days pass, with one subscriber who changes her mind; nothing is rendered.

Selection, ledger and preferences are the real ones. A mail is a row that was due and still wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from publisher.assembly.select import select_due
from publisher.clock import SystemTimer
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.job import JobBuilder
from publisher.delivery.ledger import attempts, claims, leases
from publisher.delivery.ledger.variant_rows import release_variant, waiting_variants
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.delivery.transports import create_transport
from publisher.issues import digests
from publisher.issues import pages as issue_pages
from publisher.issues import store as issues
from publisher.issues.model import IssueState
from publisher.issues.planner import plan_issues
from publisher.issues.tables import (
    issue_article_table,
    issue_table,
    issue_variant_article_table,
)
from publisher.issues.variants import freeze_variant
from publisher.testing import SECRET
from subscribers import (
    Cadence,
    load_preferences,
    pause_subscriber,
    resume_subscriber,
    store_preferences,
)
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import number_of, subscribe

ANN = "ann@example.org"
START = datetime(2026, 1, 15, 6, tzinfo=UTC)
DAILY = {"name": "weekly", "schedule": "0 8 * * *", "max_articles": 50}


@dataclass
class CadenceRun:
    """Days of a daily newsletter. `published` and `mails` are numbers of stories."""

    publication: PublicationFolder
    now: datetime = START
    published: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, new_publication: Callable[..., PublicationFolder]) -> CadenceRun:
        run = cls(new_publication(languages=["en"], newsletters=[DAILY]))
        subscribe(run.publication, (ANN, "en"))
        run.go(timedelta())
        return run

    @property
    def subscriber(self) -> int:
        return number_of(self.publication.database, ANN)

    def publish(self) -> None:
        """Let an article become available now."""
        key = f"story-{len(self.published)}"
        self.published.append(key)
        self.publication.at(self.now).write(
            f"en/{key}.md", title=key, date=f"{self.now:%Y-%m-%d}"
        )
        self.publication.pick_up()

    def choose(self, cadence: Cadence, hour: int | None = None) -> None:
        with self.publication.database.writing() as connection:
            chosen = load_preferences(connection, self.subscriber)
            chosen = replace(chosen, cadences={"weekly": cadence}, hour=hour or chosen.hour)
            store_preferences(connection, self.subscriber, chosen, self.now)

    def pause(self, span: timedelta) -> None:
        with self.publication.database.writing() as connection:
            pause_subscriber(connection, self.subscriber, self.now + span, self.now)

    def resume(self) -> None:
        with self.publication.database.writing() as connection:
            resume_subscriber(connection, self.subscriber, self.now)

    def go(self, span: timedelta) -> None:
        """Let time pass, in cycles of twelve hours at most."""
        end = self.now + span
        while True:
            self._cycle()
            if self.now >= end:
                return
            self.now = min(end, self.now + timedelta(hours=12))

    def _cycle(self) -> None:
        publication, database = self.publication.at(self.now), self.publication.database
        plan_issues(publication.settings, database, self.now)
        select_due(publication.settings, database, self.now)
        with database.writing() as connection:
            for issue in issues.issues_in_state(connection, IssueState.ASSEMBLING):
                parts = ("subject", "preheader", "html", "text", "page", "sha256")
                digests.freeze_digest(connection, issue, dict.fromkeys(parts, "-"))
                issue_pages.mark_page_written(connection, issue, "-")
                issues.move_issue(connection, issue, IssueState.READY)
        transport = create_transport(publication.settings, "outbox")
        jobs = JobBuilder(publication.settings, database, transport, SECRET, ())
        Dispatcher(
            publication.settings,
            database,
            transport,
            publication.clock,
            SystemTimer(),
            jobs,
            None,
        ).open_ready_issues()
        with database.writing() as connection:
            self._send(connection)

    def _send(self, connection: Connection) -> None:
        """Send what is due, as delivery does: rows are claimed, checked and settled."""
        sending = [one.id for one in issues.issues_in_state(connection, IssueState.SENDING)]
        for variant in waiting_variants(connection, sending):
            parts = ("subject", "preheader", "html", "text", "sha256")
            freeze_variant(connection, variant, dict.fromkeys(parts, "-"))
            release_variant(connection, variant)
        lease = leases.create_lease(connection, "test", "idempotent", "x.lock", 1.0)
        for number in sending:
            found = claims.claim(connection, number, lease, self.now, 9)
            begun, _suppressed = attempts.begin_attempts(connection, found, self.now)
            changes = {one: StateChange(DeliveryState.SENT) for one in begun}
            attempts.settle_attempts(connection, changes, self.now)

    def mails(self) -> list[tuple[str, str]]:
        """Return the mails in the order in which they were sent: the key, and the stories."""
        sent = (
            select(delivery, issue_table.c.newsletter)
            .join(issue_table)
            .where(delivery.c.state == DeliveryState.SENT)
            .order_by(delivery.c.changed_at, delivery.c.issue_id)
        )
        with self.publication.database.reading() as connection:
            keys = {one.story_id: one.story_key for one in self.publication.all().values()}
            found = []
            for row in connection.execute(sent).all():
                own, variant = issue_article_table.c, issue_variant_article_table.c
                query = select(own.story_id).where(own.issue_id == row.issue_id)
                if row.variant_id:
                    query = select(variant.story_id).where(variant.variant_id == row.variant_id)
                numbers = connection.execute(query).scalars()
                stories = sorted(int(keys[number].rpartition("-")[2]) for number in numbers)
                found.append((row.newsletter, " ".join(map(str, stories))))
        return found
