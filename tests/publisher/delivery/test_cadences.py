"""Whatever a subscriber chooses and when: each article once, and none is lost.

Nothing is rendered; selection, ledger and preferences are the real ones. A mail is a row that was due and
still wanted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select

from publisher.assembly.select import select_due
from publisher.delivery.ledger import attempts, claims, leases
from publisher.delivery.ledger.variant_rows import release_variant, waiting_variants
from publisher.delivery.retry_policy import StateChange
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
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
from subscribers import (
    Cadence,
    load_preferences,
    pause_subscriber,
    resume_subscriber,
    store_preferences,
)
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import a_dispatcher, number_of, subscribe

ANN = "ann@example.org"
START = datetime(2026, 1, 15, 6, tzinfo=UTC)
DAILY = {"name": "weekly", "schedule": "0 8 * * *", "max_articles": 50}


@dataclass
class CadenceRun:
    """Days of a daily newsletter, and one subscriber who changes her mind. `published` and `mails` are numbers of stories."""

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
        a_dispatcher(publication).open_ready_issues()
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


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Make = Callable[..., PublicationFolder]


def test_a_weekly_digest_has_the_week_once_and_a_change_back_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.publish()
    run.go(DAY)
    run.publish()
    run.choose(Cadence.WEEKLY)
    run.go(DAY)
    run.publish()
    # Monday's digest, 2026-01-19, is opened on Sunday at 10:00 and sent at 08:00.
    run.go(3 * DAY)
    run.publish()
    run.go(2 * DAY)
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(2 * DAY)
    assert run.mails() == [("weekly", "0"), ("weekly.weekly", "1 2"), ("weekly", "3 4")]


def test_after_a_pause_one_issue_has_what_was_missed(new_publication: Make) -> None:
    run = CadenceRun.start(new_publication)
    run.publish()
    run.go(DAY)
    run.pause(3 * DAY)
    for _day in range(3):
        run.publish()
        run.go(DAY)
    run.publish()
    run.go(DAY)
    run.publish()
    run.go(DAY)
    assert run.mails() == [("weekly", "0"), ("weekly", "1 2 3 4"), ("weekly", "5")]


def test_a_pause_that_begins_after_the_opening_loses_nothing(new_publication: Make) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.DAILY)
    run.publish()
    # Opened for tomorrow at her hour, and not sent yet.
    run.go(6 * HOUR)
    run.pause(2 * DAY)
    run.go(3 * DAY)
    run.publish()
    run.go(3 * DAY)
    assert run.mails() == [("weekly.daily", "0 1")]


def test_a_pause_that_begins_while_a_digest_waits_for_her_hour_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.WEEKLY)
    run.publish()
    # Monday's digest is opened on Sunday, with what came on Thursday.
    run.go(3 * DAY + 12 * HOUR)
    run.pause(2 * DAY)
    run.go(4 * DAY)
    run.publish()
    run.go(4 * DAY)
    assert run.mails() == [("weekly.weekly", "0 1")]


def test_a_digest_that_waits_for_her_hour_and_is_not_wanted_any_more_loses_nothing(
    new_publication: Make,
) -> None:
    run = CadenceRun.start(new_publication)
    run.choose(Cadence.WEEKLY, hour=20)
    run.publish()
    # The digest of Monday at 20:00 is opened on Sunday.
    run.go(3 * DAY + 12 * HOUR)
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(14 * HOUR)
    run.choose(Cadence.WEEKLY)
    run.go(2 * DAY)
    assert run.mails() == [("weekly", "0 1")]


@pytest.mark.parametrize("seed", range(3))
def test_random_choices_never_repeat_and_never_lose_an_article(
    new_publication: Make, seed: int
) -> None:
    chance = random.Random(seed)  # a test, not a secret
    run = CadenceRun.start(new_publication)
    for _turn in range(10):
        match chance.choice(["publish", "publish", "publish", "choose", "pause", "resume"]):
            case "publish":
                run.publish()
            case "choose":
                run.choose(chance.choice([*Cadence]))
            case "pause":
                run.pause(chance.randint(1, 200) * HOUR)
            case "resume":
                run.resume()
        run.go(chance.randint(1, 90) * HOUR)
    run.resume()
    run.choose(Cadence.ISSUE)
    run.publish()
    run.go(3 * DAY)
    got = [int(story) for _key, stories in run.mails() for story in stories.split()]
    assert sorted(got) == [*range(len(run.published))]
