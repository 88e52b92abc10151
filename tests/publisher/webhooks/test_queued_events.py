"""Which facts make events, each queued with its fact, and that none has an address of a subscriber."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from publisher.issues import store as issues
from publisher.issues.model import IssueState
from publisher.webhooks import queue, store
from publisher.webhooks.events import EventType
from publisher.webhooks.tables import webhook_delivery_table
from subscribers import (
    ConsentSource,
    SubscriberStatus,
    choose_newsletters,
    find_subscriber,
    suppress,
    unsubscribe,
)
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

ANN, BOB = "ann@example.com", "bob@example.com"


def add_webhook(publication: PublicationFolder, *events: EventType) -> None:
    with publication.database.writing() as connection:
        store.insert_webhook(connection, "secret", "https://example.org/", events, NOW)


def queued(publication: PublicationFolder) -> list[tuple[str, dict[str, Any]]]:
    with publication.database.writing() as connection:
        queue.take_new_events(connection, NOW)
        rows = connection.execute(
            select(webhook_delivery_table).order_by(webhook_delivery_table.c.id)
        )
        found = [(row.type, row.data) for row in rows]
    assert not any("@" in str(data) for _type, data in found)
    return found


def test_an_issue_makes_events_on_its_way(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, (ANN, "en"))
    add_webhook(publication, EventType.ISSUE_SENDING, EventType.ISSUE_SENT)
    pipeline = pipeline_of(publication)
    pipeline.prepare()
    pipeline.deliver()
    issue = {
        "issue": "weekly-en-2026-01-09",
        "newsletter": "weekly",
        "language": "en",
        "day": "2026-01-09",
    }
    assert queued(publication) == [
        ("issue.sending", {**issue, "state": "sending"}),
        ("issue.sent", {**issue, "state": "sent"}),
    ]


@pytest.mark.parametrize(
    ("way", "kinds"),
    [
        (
            [IssueState.AWAITING_APPROVAL, IssueState.READY],
            ["issue.awaiting_approval", "issue.approved"],
        ),
        ([IssueState.READY], []),
        ([IssueState.READY, IssueState.SENDING, IssueState.PAUSED], None),
        ([IssueState.READY, IssueState.SENDING, IssueState.PARTIAL], None),
        ([IssueState.READY, IssueState.SENDING, IssueState.FAILED], None),
        ([IssueState.CANCELLED], ["issue.cancelled"]),
    ],
)
def test_each_change_of_state_makes_the_event_that_its_name_says(
    publication: PublicationFolder, way: list[IssueState], kinds: list[str] | None
) -> None:
    add_webhook(publication)
    with publication.database.writing() as connection:
        issues.add_occurrence(
            connection,
            newsletter="weekly",
            language="en",
            day=NOW.date(),
            due_at=NOW,
            reason=None,
        )
        one = issues.issue_by_name(connection, "weekly-en-2026-01-09")
        assert one is not None
        for target in [IssueState.ASSEMBLING, *way]:
            one = issues.move_issue(connection, one, target)
    ends = {"paused": "paused", "partial": "sent", "failed": "failed"}
    expected = kinds or (["issue.sending", f"issue.{ends[way[-1]]}"] if len(way) > 2 else [])
    found = queued(publication)
    assert [kind for kind, _data in found] == expected
    assert not found or found[-1][1]["state"] in {way[-1], "awaiting_approval", "ready"}


def test_a_published_article_makes_an_event_with_its_address(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    pipeline_of(publication).prepare()
    found = dict(queued(publication))
    url = publication.settings.publication.url
    assert found["article.published"] == {
        "story": "tides",
        "language": "en",
        "title": "Tides",
        "url": f"{url}/en/stories/tides/",
    }


def test_an_article_makes_its_event_when_its_embargo_ends_and_only_once(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication, EventType.ARTICLE_PUBLISHED)
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-10")
    pipeline_of(publication).prepare()
    assert queued(publication) == []
    publication.at(NOW + timedelta(days=2))
    pipeline_of(publication).prepare()
    publication.write("en/tides.md", "The tide waits not.", title="Tides", date="2026-01-10")
    pipeline_of(publication).prepare()
    assert [kind for kind, _data in queued(publication)] == ["article.published"]


def test_changes_of_consent_make_events_with_the_number_of_the_subscriber(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"))
    add_webhook(publication)
    with publication.database.writing() as connection:
        ann = find_subscriber(connection, ANN)
        assert ann is not None
        unsubscribe(connection, ANN, "weekly", NOW)
        choose_newsletters(connection, ann.id, {"weekly": True}, NOW)
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, NOW)
        # Neither is the wish of anybody.
        suppress(connection, BOB, SubscriberStatus.BOUNCED, NOW)
        unsubscribe(connection, BOB, None, NOW, source=ConsentSource.IMPORT)
    about = {"subscriber": ann.id, "newsletter": "weekly"}
    assert queued(publication) == [
        ("subscriber.unsubscribed", {**about, "by": "subscriber"}),
        ("subscriber.subscribed", {**about, "by": "subscriber"}),
        ("subscriber.unsubscribed", {**about, "by": "mail"}),
    ]
    assert len(queued(publication)) == 3


def test_an_event_of_a_subscriber_has_the_time_of_the_change(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"))
    add_webhook(publication)
    before = NOW - timedelta(minutes=5)
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, "weekly", before)
    queued(publication)
    (row,) = publication.rows(webhook_delivery_table)
    assert (row["occurred_at"], row["due_at"]) == (before, NOW)


def test_what_happened_before_a_webhook_was_added_or_while_it_was_disabled_makes_no_event(
    publication: PublicationFolder,
) -> None:
    subscribe(publication, (ANN, "en"), (BOB, "en"))
    with publication.database.writing() as connection:
        unsubscribe(connection, ANN, None, NOW)
    add_webhook(publication)
    with publication.database.writing() as connection:
        store.close_webhook(connection, 1, "it answered 410 Gone", NOW)
        unsubscribe(connection, BOB, None, NOW)
        store.reopen_webhook(connection, 1, NOW)
    assert queued(publication) == []


def test_more_changes_than_one_portion_take_are_queued_in_the_next_runs(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_PORTION", 2)
    people = [f"reader{number}@example.com" for number in range(5)]
    subscribe(publication, *((one, "en") for one in people))
    add_webhook(publication)
    with publication.database.writing() as connection:
        for one in people:
            unsubscribe(connection, one, None, NOW)
    counts = [len(queued(publication)) for _run in range(6)]
    assert counts[-1] == 5
    assert counts == sorted(counts)
    assert counts[0] < 5


def test_a_translation_whose_original_changes_makes_an_event_each_time(
    publication: PublicationFolder,
) -> None:
    add_webhook(publication, EventType.TRANSLATION_STALE)
    matter = {"title": "Tides", "date": "2026-01-05"}
    publication.write("en/tides.md", "The tide waits.", **matter)
    publication.write("ar/tides.md", "Translated.", **matter)
    publication.pick_up()
    assert queued(publication) == []
    for hour, words in ((1, "The tide waits not."), (2, "It waits for nobody.")):
        publication.write("en/tides.md", words, **matter)
        publication.at(NOW + timedelta(hours=hour)).pick_up()
    event = ("translation.stale", {"story": "tides", "language": "ar"})
    assert queued(publication) == [event, event]
