"""Which subscribers get a row, and its first state: what others sent, and what is owed, counts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from publisher.delivery.ledger.audience import load_owed, owed_since
from publisher.delivery.ledger.lifecycle import retry_failed
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from subscribers.audiences import Interruption, load_interruptions
from subscribers.changes import resubscribe, suppress
from subscribers.model import SubscriberStatus
from subscribers.preferences import Cadence, pause_subscriber
from subscribers.tables import subscriber_alias, subscription
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.delivery.ledger.open_ledgers import ANN, BOB, CYD, OpenLedger, S
from tests.subscribers.leaving import unsubscribe

DAY = timedelta(days=1)
MIDNIGHT = datetime(2026, 1, 9, tzinfo=UTC)
# Of Ann: the record that she has, and one that was merged into it.
RECORD, FORMER = 1, 7
GETS_IT, HAD_IT = (S.PENDING, None, False), (S.SUPPRESSED, "had-everything", False)


def test_the_ledger_is_opened_once_for_the_whole_audience(
    publication: PublicationFolder,
) -> None:
    issue = mailing.ready_for(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    with publication.database.writing() as connection:
        assert open_ledger(connection, publication.settings, issue, NOW) == 3
        assert open_ledger(connection, publication.settings, issue, NOW) == 0
    assert mailing.counts(publication, issue) == {"pending": 3}


def test_only_active_subscribers_of_the_served_languages_get_a_row(
    publication: PublicationFolder,
) -> None:
    tags = {"ann": "en", "bob": "en", "cyd": "en", "dan": "ar", "eve": "en-GB"}
    issue = mailing.ready_for(
        publication, *((f"{name}@example.com", tag) for name, tag in tags.items())
    )
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", NOW)
        suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
        assert open_ledger(connection, publication.settings, issue, NOW) == 2
    with publication.database.reading() as connection:
        rows = connection.scalars(
            select(delivery.c.subscriber_id).order_by("subscriber_id")
        ).all()
    # Cyd and Eve.
    assert rows == [3, 5]


def test_a_new_row_is_due_and_not_attempted(ledger: OpenLedger) -> None:
    row = ledger.rows[ANN]
    assert (row.state, row.epoch, row.lease_id, row.reason) == ("pending", 0, None, None)
    assert (row.attempts, row.tried_at) == (0, None)
    assert row.due_at == row.next_at == row.changed_at == NOW


def test_an_interrupted_opening_leaves_no_rows(publication: PublicationFolder) -> None:
    issue = mailing.ready_for(publication, (ANN, "en"))

    def cut_off() -> None:
        with publication.database.writing() as connection:
            assert open_ledger(connection, publication.settings, issue, NOW) == 1
            raise mailing.Interrupted

    with pytest.raises(mailing.Interrupted):
        cut_off()
    assert mailing.counts(publication, issue) == {}


# --- what a subscriber has got by another issue is not sent again


@pytest.fixture
def with_stories(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    """Return a publication with Ann and two stories."""
    publication = new_publication(languages=["en"])
    mailing.subscribe(publication, (ANN, "en"))
    with publication.database.writing() as connection:
        resubscribe(connection, ANN, "daily", NOW)
    for name in ("a", "b"):
        publication.write(f"{name}.md", title=name.upper(), date="2026-01-08")
    publication.pick_up()
    return publication


def carrying(publication: PublicationFolder, *stories: int) -> Issue:
    """Make an issue that waits to be sent, and carries these stories."""
    issue = mailing.ready(publication)
    with publication.database.writing() as connection:
        issues.select_articles(connection, issue, [(story, story) for story in stories])
    return issue


def earlier(
    connection: Connection, state: DeliveryState, *stories: int, to: int = RECORD
) -> None:
    """Store an issue with a ledger that carried some stories, and one row of it."""
    planned = Issue(newsletter="daily", language="en", day=date(2026, 1, 8), due_at=NOW)
    issues.add_occurrence(connection, planned)
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


SENT_OR_WAITS = (S.PENDING, S.CLAIMED, S.ATTEMPTING, S.DEFERRED, S.SENT, S.IN_DOUBT)


@pytest.mark.parametrize(
    ("state", "to", "is_merged", "found"),
    [
        *((state, RECORD, False, HAD_IT) for state in SENT_OR_WAITS),
        *((state, RECORD, False, GETS_IT) for state in S if state not in SENT_OR_WAITS),
        (S.SENT, FORMER, True, HAD_IT),
        *((state, FORMER, True, GETS_IT) for state in (S.PENDING, S.DEFERRED)),
        # What others have got does not count.
        (S.SENT, FORMER, False, GETS_IT),
    ],
)
def test_a_story_that_was_or_will_be_sent_is_not_sent_again(
    with_stories: PublicationFolder,
    state: DeliveryState,
    to: int,
    *,
    is_merged: bool,
    found: tuple[str, str | None, bool],
) -> None:
    issue = carrying(with_stories, 1)
    with with_stories.database.writing() as connection:
        earlier(connection, state, 1, 2, to=to)
        if is_merged:
            alias = {"former_id": FORMER, "subscriber_id": RECORD, "merged_at": NOW}
            connection.execute(insert(subscriber_alias).values(alias))
    assert opened(with_stories, issue) == found


@pytest.mark.parametrize("state", [S.PENDING, S.DEFERRED])
def test_a_story_of_a_mail_that_waits_and_is_not_wanted_any_more_is_sent(
    with_stories: PublicationFolder, state: DeliveryState
) -> None:
    issue = carrying(with_stories, 1)
    with with_stories.database.writing() as connection:
        earlier(connection, state, 1)
        unsubscribe(connection, ANN, "daily", NOW)
    assert opened(with_stories, issue) == GETS_IT
    (other,) = (one for one in with_stories.rows(delivery) if one["issue_id"] != issue.id)
    assert (other["state"], other["reason_key"]) == (S.SUPPRESSED, "unsubscribed")


def test_who_has_got_a_part_gets_the_rest(with_stories: PublicationFolder) -> None:
    issue = carrying(with_stories, 1, 2)
    with with_stories.database.writing() as connection:
        earlier(connection, S.SENT, 1)
    assert opened(with_stories, issue) == (S.PENDING, None, True)


@pytest.mark.parametrize(("story", "again"), [(1, (0, 1)), (2, (1, 0))])
def test_a_mail_that_bounced_is_not_tried_again_if_a_story_of_it_was_sent_since(
    with_stories: PublicationFolder, story: int, again: tuple[int, int]
) -> None:
    issue = carrying(with_stories, 1)
    with with_stories.database.writing() as connection:
        open_ledger(connection, with_stories.settings, issue, NOW)
        issue = issues.move_issue(connection, issue, IssueState.SENDING)
        for state in (S.CLAIMED, S.ATTEMPTING, S.BOUNCED):
            connection.execute(update(delivery).values(state=state))
        earlier(connection, S.SENT, story)
        assert retry_failed(connection, issue, [S.BOUNCED], [], NOW) == again


# --- what is owed after an interruption, and until when


PAUSE = Interruption(1, NOW, NOW + 5 * DAY)
EARLIER = Interruption(1, NOW - 3 * DAY, NOW + 4 * DAY)


@pytest.mark.parametrize(
    ("found", "served_after", "owed"),
    [
        ([PAUSE], 0, {1: MIDNIGHT}),
        ([PAUSE], 5, {1: MIDNIGHT}),
        ([PAUSE], 6, {}),
        # The earliest of several counts.
        ([Interruption(1, NOW, NOW + DAY), EARLIER], 2, {1: MIDNIGHT - 3 * DAY}),
        ([PAUSE, EARLIER], 6, {}),
    ],
)
def test_the_first_issue_due_after_the_interruption_ends_what_is_owed(
    found: list[Interruption], served_after: int, owed: dict[int, datetime]
) -> None:
    assert owed_since(found, {1: NOW + served_after * DAY} if served_after else {}) == owed


def test_only_interruptions_that_have_ended_count_and_nothing_before_the_subscription(
    publication: PublicationFolder,
) -> None:
    mailing.subscribe(publication, ("ann@example.org", "en"), ("bob@example.org", "en"))
    ann, bob = (
        mailing.number_of(publication.database, f"{one}@example.org") for one in ("ann", "bob")
    )
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        pause_subscriber(connection, ann, NOW + 3 * DAY, NOW)
        mailing.choose_cadence(connection, bob, Cadence.WEEKLY)

        def found(connection: Connection, key: str, now: datetime) -> list[Interruption]:
            return load_interruptions(connection, key, now - 62 * DAY, now)

        assert found(connection, "weekly", NOW + 2 * DAY) == []
        assert found(connection, "weekly", NOW + 3 * DAY) == [
            Interruption(ann, NOW - 2 * DAY, NOW + 3 * DAY)
        ]
        assert found(connection, "weekly", NOW + 66 * DAY) == []
        assert found(connection, "weekly.weekly", NOW) == [
            Interruption(bob, NOW - 2 * DAY, NOW)
        ]


def test_what_waited_for_a_record_that_was_merged_is_owed(
    publication: PublicationFolder,
) -> None:
    mailing.subscribe(publication, ("ann@example.org", "en"))
    ann = mailing.number_of(publication.database, "ann@example.org")
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        alias = {"former_id": 7, "subscriber_id": ann, "merged_at": NOW}
        connection.execute(insert(subscriber_alias).values(alias))
        found = load_interruptions(connection, "weekly", NOW - 62 * DAY, NOW + DAY)
    assert found == [Interruption(ann, NOW - 2 * DAY, NOW)]


@pytest.mark.parametrize(
    ("state", "is_owed"),
    [
        *((S.PENDING, False), (S.SENT, False), (S.SUPPRESSED, False)),
        *((S.BOUNCED, True), (S.FAILED, True), (S.CANCELLED, True)),
    ],
)
def test_what_a_mail_had_that_did_not_arrive_is_still_owed(
    publication: PublicationFolder, state: DeliveryState, is_owed: bool
) -> None:
    mailing.subscribe(publication, ("ann@example.org", "en"))
    ann = mailing.number_of(publication.database, "ann@example.org")
    first, later = mailing.ready(publication), mailing.ready(publication, "ar")
    with publication.database.writing() as connection:
        connection.execute(update(subscription).values(consented_at=NOW - 2 * DAY))
        pause_subscriber(connection, ann, NOW - DAY / 4, NOW - DAY)
        row = {"issue_id": first.id, "subscriber_id": ann, "state": state}
        instants = dict.fromkeys(("due_at", "next_at", "changed_at"), NOW)
        connection.execute(insert(delivery).values(row | instants))
        owed = load_owed(connection, later, NOW + DAY)
    assert owed == ({ann: ("en", None, MIDNIGHT - 2 * DAY)} if is_owed else {})
