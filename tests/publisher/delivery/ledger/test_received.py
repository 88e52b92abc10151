"""What a subscriber has got by another issue is not sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import Connection, insert, update

from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.ledger.retries import retry_failed
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from subscribers import resubscribe, unsubscribe
from subscribers.tables import subscriber_alias
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready, subscribe

S = DeliveryState
ANN, FORMER = 1, 7


@pytest.fixture
def publication(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Return a publication with a subscriber and two stories."""
    publication = new_publication(languages=["en"])
    subscribe(publication, ("ann@example.com", "en"))
    with publication.database.writing() as connection:
        resubscribe(connection, "ann@example.com", "daily", NOW)
    for name in ("a", "b"):
        publication.write(f"{name}.md", title=name.upper(), date="2026-01-08")
    publication.pick_up()
    return publication


def earlier(connection: Connection, state: DeliveryState, *stories: int, to: int = ANN) -> None:
    """Store an issue with a ledger that carried some stories, and one row of it."""
    issues.add_occurrence(
        connection,
        newsletter="daily",
        language="en",
        day=date(2026, 1, 8),
        due_at=NOW,
        reason=None,
    )
    one = issues.issue_by_name(connection, "daily-en-2026-01-08")
    assert one is not None
    for target in (IssueState.ASSEMBLING, IssueState.READY, IssueState.SENDING):
        one = issues.move_issue(connection, one, target)
    issues.select_articles(connection, one, [(story, story) for story in stories])
    row = {"issue_id": one.id, "subscriber_id": to, "state": state}
    instants = dict.fromkeys(("due_at", "next_at", "changed_at"), NOW)
    connection.execute(insert(delivery).values(row | instants))


def opened(publication: PublicationFolder, issue: Issue) -> tuple[str, str | None, bool]:
    """Open the issue's ledger; return the state and cause of Ann's row, and if it is a variant's."""
    with publication.database.writing() as connection:
        assert open_ledger(connection, publication.settings, issue, NOW) == 1
        assert open_ledger(connection, publication.settings, issue, NOW) == 0
    (row,) = (one for one in publication.rows(delivery) if one["issue_id"] == issue.id)
    return row["state"], row["reason_key"], row["variant_id"] is not None


@pytest.mark.parametrize(
    "state", [S.PENDING, S.CLAIMED, S.ATTEMPTING, S.DEFERRED, S.SENT, S.IN_DOUBT]
)
def test_a_story_that_was_or_will_be_sent_is_not_sent_again(
    publication: PublicationFolder, state: DeliveryState
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, state, 1, 2)
    assert opened(publication, issue) == (S.SUPPRESSED, "had-everything", False)


@pytest.mark.parametrize("state", [S.BOUNCED, S.FAILED, S.SUPPRESSED, S.CANCELLED])
def test_a_story_of_a_mail_that_did_not_arrive_is_sent(
    publication: PublicationFolder, state: DeliveryState
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, state, 1)
    assert opened(publication, issue) == (S.PENDING, None, False)


@pytest.mark.parametrize("state", [S.PENDING, S.DEFERRED])
def test_a_story_of_a_mail_that_waits_and_is_not_wanted_any_more_is_sent(
    publication: PublicationFolder, state: DeliveryState
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, state, 1)
        unsubscribe(connection, "ann@example.com", "daily", NOW)
    assert opened(publication, issue) == (S.PENDING, None, False)
    (other,) = (one for one in publication.rows(delivery) if one["issue_id"] != issue.id)
    assert (other["state"], other["reason_key"]) == (S.SUPPRESSED, "unsubscribed")


def test_who_has_got_a_part_gets_the_rest(publication: PublicationFolder) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1), (2, 2)])
        earlier(connection, S.SENT, 1)
    assert opened(publication, issue) == (S.PENDING, None, True)


def test_what_went_to_a_record_that_was_merged_counts(publication: PublicationFolder) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, S.SENT, 1, to=FORMER)
        alias = {"former_id": FORMER, "subscriber_id": ANN, "merged_at": NOW}
        connection.execute(insert(subscriber_alias).values(alias))
    assert opened(publication, issue) == (S.SUPPRESSED, "had-everything", False)


@pytest.mark.parametrize("state", [S.PENDING, S.DEFERRED])
def test_what_waits_for_a_record_that_was_merged_does_not_count(
    publication: PublicationFolder, state: DeliveryState
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, state, 1, to=FORMER)
        alias = {"former_id": FORMER, "subscriber_id": ANN, "merged_at": NOW}
        connection.execute(insert(subscriber_alias).values(alias))
    assert opened(publication, issue) == (S.PENDING, None, False)


def test_what_others_have_got_does_not_count(publication: PublicationFolder) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        earlier(connection, S.SENT, 1, to=FORMER)
    assert opened(publication, issue) == (S.PENDING, None, False)


@pytest.mark.parametrize(("story", "again"), [(1, (0, 1)), (2, (1, 0))])
def test_a_mail_that_bounced_is_not_tried_again_if_a_story_of_it_was_sent_since(
    publication: PublicationFolder, story: int, again: tuple[int, int]
) -> None:
    issue = ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(1, 1)])
        open_ledger(connection, publication.settings, issue, NOW)
        issue = issues.move_issue(connection, issue, IssueState.SENDING)
        connection.execute(update(delivery).values(state=S.CLAIMED))
        connection.execute(update(delivery).values(state=S.ATTEMPTING))
        connection.execute(update(delivery).values(state=S.BOUNCED))
        earlier(connection, S.SENT, story)
        assert retry_failed(connection, issue, [S.BOUNCED], [], NOW) == again
