"""Leaving by a link, without a page: as mail that comes in does it."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from publisher.app import leaving
from publisher.app.leaving import LeaveScope
from publisher.mail.signed_links import SignedLink, sign_link
from publisher.testing import SECRET, MemoryTransport
from subscribers import UndoOutcome, find_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.notices.people import mails, notify, text_of

ANN = "ann@example.com"


@pytest.fixture
def ann(publication: PublicationFolder) -> PublicationFolder:
    subscribe(publication, (ANN, "en"))
    return publication


def link(publication: PublicationFolder, newsletter: str = "weekly") -> SignedLink:
    with publication.database.reading() as connection:
        person = find_subscriber(connection, ANN)
    assert person is not None
    token = sign_link(SECRET, "unsubscribe", person.id, newsletter=newsletter)
    found = leaving.read_leave_link(SECRET, token)
    assert found is not None
    return found


def newsletters(connection: Connection) -> tuple[str, ...]:
    person = find_subscriber(connection, ANN)
    assert person is not None
    return person.newsletters


@pytest.mark.parametrize(
    ("newsletter", "scope"), [("weekly", "newsletter"), ("weekly", "all"), ("", "newsletter")]
)
def test_a_subscriber_leaves_and_comes_back_by_links(
    ann: PublicationFolder, newsletter: str, scope: str
) -> None:
    found = link(ann, newsletter)
    with ann.database.writing() as connection:
        assert leaving.leave(connection, found, LeaveScope(scope), NOW)
        assert not leaving.leave(connection, found, LeaveScope(scope), NOW)
        assert newsletters(connection) == ()
        page = leaving.read_leave_page(connection, ann.settings, SECRET, found, "en", NOW)
        assert page is not None
        assert (page.address, page.gets_it, page.gets_others) == (
            "a•••@example.com",
            False,
            False,
        )
        undo = leaving.read_undo_link(SECRET, page.undo)
        assert undo is not None
        shown = leaving.read_undo_page(connection, ann.settings, undo, "en")
        assert shown is not None
        assert shown.title == (
            "The week" if (newsletter, scope) == ("weekly", "newsletter") else ""
        )
        assert leaving.undo(connection, undo, NOW) is UndoOutcome.UNDONE
        assert newsletters(connection) == ("weekly",)


def test_a_pause_ends_after_a_month_and_needs_something_to_pause(
    ann: PublicationFolder,
) -> None:
    found = link(ann)
    with ann.database.writing() as connection:
        until = leaving.pause_instead(connection, found, NOW)
        page = leaving.read_leave_page(connection, ann.settings, SECRET, found, "en", NOW)
        assert page is not None
        assert page.gets_it
        assert page.paused_until == until
        leaving.leave(connection, found, LeaveScope.ALL, NOW)
        assert leaving.pause_instead(connection, found, NOW) is None


def test_damaged_links_and_unknown_subscribers_are_nobody_s(ann: PublicationFolder) -> None:
    assert leaving.read_leave_link(SECRET, "x") is None
    assert leaving.read_undo_link(SECRET, "x") is None
    nobody = SignedLink("unsubscribe", 99, "weekly")
    with ann.database.writing() as connection:
        assert not leaving.leave(connection, nobody, LeaveScope.ALL, NOW)
        assert leaving.pause_instead(connection, nobody, NOW) is None
        page = leaving.read_leave_page(connection, ann.settings, SECRET, nobody, "en", NOW)
        assert page is None
        undo = SignedLink("undo", 99, number=1)
        assert leaving.undo(connection, undo, NOW) is UndoOutcome.ENDED
        assert leaving.read_undo_page(connection, ann.settings, undo, "en") is None


@pytest.mark.parametrize("scope", LeaveScope)
def test_an_undo_is_told_to_whoever_was_told_of_the_leaving(
    ann: PublicationFolder, scope: LeaveScope
) -> None:
    found = link(ann)
    with ann.database.writing() as connection:
        leaving.leave(connection, found, scope, NOW)
    transport = MemoryTransport()
    notify(ann, transport)
    with ann.database.writing() as connection:
        page = leaving.read_leave_page(connection, ann.settings, SECRET, found, "en", NOW)
        assert page is not None
        undo = leaving.read_undo_link(SECRET, page.undo)
        assert undo is not None
        assert leaving.undo(connection, undo, NOW) is UndoOutcome.UNDONE
        assert leaving.undo(connection, undo, NOW) is UndoOutcome.ALREADY
    notify(ann, transport)
    _goodbye, told = mails(one.message.content for one in transport.taken)
    assert told["Subject"] == "You are subscribed to The Lantern again"
    assert told["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "If it was not you, leave with one click" in " ".join(text_of(told).split())


def test_an_undo_before_the_goodbye_left_sends_neither(ann: PublicationFolder) -> None:
    found = link(ann)
    with ann.database.writing() as connection:
        leaving.leave(connection, found, LeaveScope.ALL, NOW)
        page = leaving.read_leave_page(connection, ann.settings, SECRET, found, "en", NOW)
        assert page is not None
        undo = leaving.read_undo_link(SECRET, page.undo)
        assert undo is not None
        leaving.undo(connection, undo, NOW)
    assert notify(ann).sent == 0
