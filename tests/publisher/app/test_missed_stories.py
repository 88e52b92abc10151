"""Stories that a change of mind or a cancelled issue would have lost: brought later, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from publisher.accounts.actor import terminal_actor
from publisher.app import leaving
from publisher.app.issue_control import cancel_sending
from publisher.app.leaving import LeaveScope
from publisher.app.preferences import switch_language
from publisher.delivery.outcomes import Outcome, SendStatus
from publisher.mail.signed_links import SignedLink
from subscribers import UndoOutcome, find_subscriber, last_leaving
from tests.publisher.app.reading import DAY, Reading
from tests.publisher.conftest import PublicationFolder, editing_state

DAILY = {"name": "daily", "schedule": "0 8 * * *"}
OTHER = {"name": "weekly", "schedule": "0 9 * * *"}
LATER = Outcome(SendStatus.DEFERRED, "the mailbox is full")

Reader = Callable[..., Reading]


@pytest.fixture
def reader(new_publication: Callable[..., PublicationFolder]) -> Reader:
    def make(*languages: str, newsletters: Any = (DAILY, OTHER)) -> Reading:
        return Reading(new_publication(languages=languages, newsletters=newsletters))

    return make


def test_what_another_issue_left_out_for_a_cancelled_one_comes_with_the_next(
    reader: Reader,
) -> None:
    reading = reader("en")
    ann = reading.join("ann", "en", newsletters="daily weekly")
    reading.join("bob", "en", newsletters="weekly")
    reading.join("cyd", "en", newsletters="daily")
    reading.write(1, "en")
    reading.transport.outcomes = {ann: LATER, "cyd@example.com": LATER}
    reading.run()
    assert reading.read == {"bob": ["Story 1 in en"]}
    state = editing_state(reading.publication)
    cancel_sending(state, terminal_actor(), "daily-en-2026-01-09")
    reading.transport.outcomes = None
    reading.write(2, "en")
    reading.next_day()
    # The daily brings the news first; the weekly, what it had left out.
    assert reading.read["ann"] == ["Story 2 in en", "Story 1 in en"]
    assert reading.read["bob"] == ["Story 1 in en", "Story 2 in en"]
    # Who follows only the cancelled newsletter gets its next issue, as after any cancelled one.
    assert reading.read["cyd"] == ["Story 2 in en"]
    reading.write(3, "en")
    reading.next_day()
    assert reading.read["ann"][2:] == ["Story 3 in en"]


def test_what_another_newsletter_left_out_for_one_that_was_left_comes_with_its_next_issue(
    reader: Reader,
) -> None:
    reading = reader("en")
    ann = reading.join("ann", "en", newsletters="daily weekly")
    reading.write(1, "en")
    reading.transport.outcomes = {ann: LATER}
    reading.run()
    reading.transport.outcomes = None
    leave(reading, ann)
    reading.publication.at(reading.publication.clock.now() + DAY / 4)
    reading.run()
    assert issues_read(reading) == []
    reading.next_day()
    assert issues_read(reading) == []
    reading.write(2, "en")
    reading.next_day()
    assert issues_read(reading) == ["Story 2 in en, Story 1 in en"]


def leave(reading: Reading, email: str) -> SignedLink:
    """Leave the daily by a link, and return the link that undoes it."""
    now = reading.publication.clock.now()
    with reading.publication.database.writing() as connection:
        person = find_subscriber(connection, email)
        assert person is not None
        link = SignedLink("unsubscribe", person.id, "daily")
        assert leaving.leave(connection, link, LeaveScope.NEWSLETTER, now)
        left = last_leaving(connection, person.id, "daily")
    assert left is not None
    return SignedLink("undo", person.id, number=left.id)


def issues_read(reading: Reading) -> list[str]:
    """Return what Ann got, without mails that have no story, such as the goodbye."""
    return [titles for titles in reading.read["ann"] if titles]


def undo(reading: Reading, link: SignedLink) -> None:
    with reading.publication.database.writing() as connection:
        now = reading.publication.clock.now()
        assert leaving.undo(connection, link, now) is UndoOutcome.UNDONE


def test_the_issue_after_an_undone_leaving_has_what_was_missed(reader: Reader) -> None:
    reading = reader("en", newsletters=(DAILY,))
    ann = reading.join("ann", "en")
    reading.join("bob", "en")
    reading.write(1, "en")
    reading.run()
    # The mail of this day waits, and is suppressed the next day.
    reading.transport.outcomes = {ann: LATER}
    reading.write(2, "en")
    reading.next_day()
    link = leave(reading, ann)
    reading.transport.outcomes = None
    reading.write(3, "en")
    reading.next_day()
    undo(reading, link)
    assert issues_read(reading) == ["Story 1 in en"]
    reading.write(4, "en")
    reading.next_day()
    reading.write(5, "en")
    reading.next_day()
    assert issues_read(reading)[1:] == [
        "Story 4 in en, Story 3 in en, Story 2 in en",
        "Story 5 in en",
    ]


def test_mail_that_still_waits_when_a_leaving_is_undone_is_sent_as_it_is(
    reader: Reader,
) -> None:
    reading = reader("en", newsletters=(DAILY,))
    ann = reading.join("ann", "en")
    reading.transport.outcomes = {ann: LATER}
    reading.write(1, "en")
    reading.run()
    undo(reading, leave(reading, ann))
    reading.transport.outcomes = None
    reading.write(2, "en")
    reading.next_day()
    assert sorted(reading.read["ann"]) == ["Story 1 in en", "Story 2 in en"]


def test_a_switch_to_an_edition_that_comes_more_often_loses_nothing(reader: Reader) -> None:
    """The Arabic edition comes on Fridays; the first day is one."""
    fridays = {**DAILY, "edition": {"ar": {"schedule": "0 8 * * FRI"}}}
    reading = reader("en", "ar", newsletters=(fridays,))
    reading.join("ann", "ar")
    reading.join("bob", "en")

    def day(story: int) -> None:
        reading.write(story, "en", "ar")
        reading.next_day()

    def switch(language: str) -> None:
        publication = reading.publication
        with publication.database.writing() as connection:
            person = find_subscriber(connection, "ann@example.com")
            assert person is not None
            now = publication.clock.now()
            assert switch_language(connection, publication.settings, person.id, language, now)

    reading.write(1, "en", "ar")
    reading.run()
    day(2)
    day(3)
    assert reading.read["ann"] == ["Story 1 in ar"]
    switch("en")
    day(4)
    assert reading.read["ann"][1:] == ["Story 4 in en, Story 3 in en, Story 2 in en"]
    # Back again: Friday's issue has what came since, and nothing that she has got.
    switch("ar")
    for story in (5, 6, 7, 8):
        day(story)
    assert reading.read["ann"][2:] == [
        "Story 8 in ar, Story 7 in ar, Story 6 in ar, Story 5 in ar"
    ]
