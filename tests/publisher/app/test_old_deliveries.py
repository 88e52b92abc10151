"""Old ledgers: the rows are deleted and the counts stay, and nobody gets a story twice because of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, update

from publisher.app import deliveries
from publisher.app.corrections import CorrectionRequest, correct_issue
from publisher.app.editing_state import find_terminal_actor
from publisher.app.issue_report import report_issue
from publisher.app.issues import require_issue, require_rows
from publisher.app.preferences import switch_language
from publisher.delivery.ledger import pruning
from publisher.delivery.ledger.lifecycle import reconcile_issues, sweep_cancelled
from publisher.delivery.ledger.pruning import prune_ledgers
from publisher.delivery.ledger.received import ReceivedStories
from publisher.delivery.ledger.reports import OutcomeCount, count_outcomes
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.errors import IssueError
from publisher.issues.tables import issue_table
from subscribers.tables import subscriber
from tests.publisher.app.editing import editing_state
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import DAY, number_of, outbox, subscribe
from tests.publisher.printing import pipeline_of

WEEKLY = {"name": "weekly", "schedule": "0 8 * * FRI", "timezone": "UTC", "max_age": 1000}
LATER = NOW + timedelta(days=406)
NAME = f"weekly-en-{DAY}"
KEEP = timedelta(days=400)


@pytest.fixture
def sent(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """An English issue that eleven have got; one mail bounced."""
    publication = new_publication(languages=["en", "ar"], newsletters=[WEEKLY])
    publication.write("en/tides.md", "The tide waits.", title="Tides", key="tides")
    subscribe(publication, *((f"reader-{n}@example.com", "en") for n in range(11)))
    subscribe(publication, ("ann@elsewhere.example", "en"))
    pipeline_of(publication).run()
    _set(publication, DeliveryState.BOUNCED, "ann@elsewhere.example", "no-mailbox")
    return publication


def _set(
    publication: PublicationFolder, state: DeliveryState, address: str, key: str | None
) -> None:
    number = number_of(publication.database, address)
    row = delivery.c.subscriber_id == number
    with publication.database.writing() as connection:
        connection.execute(update(delivery).where(row).values(state=state, reason_key=key))
        connection.execute(update(issue_table).values(state="partial"))
        reconcile_issues(connection, [1], NOW)


def _rows(publication: PublicationFolder) -> int:
    with publication.database.reading() as connection:
        query = select(func.count()).select_from(delivery).where(delivery.c.issue_id == 1)
        return int(connection.execute(query).scalar_one())


def test_a_cycle_deletes_who_got_an_old_issue_and_reports_stay_the_same(
    sent: PublicationFolder,
) -> None:
    before = report_issue(editing_state(sent), NAME)
    pipeline_of(sent.at(NOW + timedelta(days=399))).prepare()
    assert _rows(sent) == 12
    pipeline_of(sent.at(LATER)).prepare()
    assert _rows(sent) == 0
    with sent.database.writing() as connection:  # what a late answer and a restore do
        reconcile_issues(connection, [1], LATER)
        sweep_cancelled(connection, LATER)
    after = report_issue(editing_state(sent), NAME)
    assert after.only_counts
    assert not before.only_counts
    assert (after.state, after.counts) == ("partial", before.counts)
    assert after.counts["sent"] == 11
    assert {name: one["bounced"] for name, one in after.providers.items()} == {
        "example.com": 0,
        # A domain of one subscriber may be her name.
        "other": 1,
    }
    assert [(one.key, one.count) for one in after.causes] == [("no-mailbox", 1)]


def test_deleting_goes_on_where_it_was_interrupted(sent: PublicationFolder) -> None:
    assert [prune_ledgers(sent.database, KEEP, LATER, most=5) for _ in range(4)] == [5, 5, 2, 0]
    assert report_issue(editing_state(sent), NAME).counts["sent"] == 11


def test_rows_stay_while_one_is_in_doubt(sent: PublicationFolder) -> None:
    _set(sent, DeliveryState.IN_DOUBT, "ann@elsewhere.example", "interrupted")
    assert prune_ledgers(sent.database, KEEP, LATER) == 0
    state = editing_state(sent)
    deliveries.decide_doubts(state, find_terminal_actor(state, None), NAME, resend=False)
    assert prune_ledgers(sent.database, KEEP, LATER) == 12


def test_rows_can_be_kept_for_ever(sent: PublicationFolder) -> None:
    kept = sent.settings.delivery.model_copy(update={"keep_deliveries": 0})
    sent.settings = replace(sent.settings, delivery=kept)
    pipeline_of(sent.at(LATER)).prepare()
    assert _rows(sent) == 12


def test_what_needs_the_rows_says_that_they_were_deleted(sent: PublicationFolder) -> None:
    assert prune_ledgers(sent.database, KEEP, LATER) == 12
    state = editing_state(sent.at(LATER))
    actor = find_terminal_actor(state, None)
    request = CorrectionRequest(
        newsletter="weekly", day=DAY, languages=("en",), subject="It does not", text="Wrong."
    )
    with pytest.raises(IssueError, match="who got it was deleted after 400 days"):
        correct_issue(state, actor, request)
    with pytest.raises(IssueError, match="who got it was deleted after 400 days"):
        next(deliveries.delivery_pages(sent.settings, sent.database, NAME))
    with sent.database.reading() as connection:
        issue = require_issue(connection, NAME)
        with pytest.raises(IssueError, match="its report still has the counts"):
            require_rows(connection, sent.settings, issue)


def _correct(publication: PublicationFolder) -> None:
    state = editing_state(publication.at(LATER))
    request = CorrectionRequest(
        newsletter="weekly", day=DAY, languages=("en",), subject="It does not", text="Wrong."
    )
    correct_issue(state, find_terminal_actor(state, None), request)


def test_rows_stay_while_a_correction_waits_for_them(sent: PublicationFolder) -> None:
    _correct(sent)
    assert prune_ledgers(sent.database, KEEP, LATER) == 0


def test_rows_stay_if_somebody_corrects_the_issue_while_they_are_counted(
    sent: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counted(connection: Connection, issue_id: int) -> list[OutcomeCount]:
        _correct(sent)
        return count_outcomes(connection, issue_id)

    monkeypatch.setattr(pruning, "count_outcomes", counted)
    assert prune_ledgers(sent.database, KEEP, LATER) == 0
    assert _rows(sent) == 12


def test_a_translation_of_an_old_story_goes_only_to_those_who_can_not_have_got_it(
    sent: PublicationFolder,
) -> None:
    pipeline_of(sent.at(LATER)).run()
    assert _rows(sent) == 0
    with sent.database.writing() as connection:
        number = number_of(sent.database, "reader-3@example.com")
        assert switch_language(connection, sent.settings, number, "ar", LATER)
        subscribed = "UPDATE subscriber SET created_at = '2027-03-01T00:00:00Z' WHERE id = 11"
        connection.exec_driver_sql(subscribed)
        assert switch_language(connection, sent.settings, 11, "ar", LATER)
    sent.write("ar/tides.ar.md", "المد ينتظر.", title="المد", key="tides")
    # The plan of an issue groups subscribers by it.
    received = ReceivedStories([1], {1: frozenset({7})}, {}, pruned=[1])
    query = select(subscriber.c.id, *received.mails(subscriber.c.id))
    with sent.database.reading() as connection:
        rows = connection.execute(query).all()
    assert {row.id for row in rows if not received.stories_of(*row[1:])} == {11}
    before = outbox(sent).keys()
    pipeline_of(sent.at(LATER + timedelta(days=8))).run()
    found = [content for name, content in outbox(sent).items() if name not in before]
    assert len(found) == 1
    assert b"To: Ann Example <reader-10@example.com>" in found[0]
