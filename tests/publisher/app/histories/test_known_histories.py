"""Short histories: what once went wrong, undoing a leaving, moving, and erasing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from publisher.app.leaving import LeaveScope
from publisher.app.preferences import EnteredPreferences
from tests.publisher.app.histories.play import MINUTES
from tests.publisher.app.histories.sending import LANGUAGES, NEWSLETTERS
from tests.publisher.app.histories.verbs import History
from tests.publisher.conftest import PublicationFolder

ANN = "ann@example.org"
BOTH = ("first", "second")


@pytest.fixture
def play(new_publication: Callable[..., PublicationFolder]) -> History:
    return History.start(new_publication(languages=LANGUAGES, newsletters=NEWSLETTERS))


def join(play: History, **chosen: Any) -> None:
    """Let Ann subscribe to both newsletters, and choose."""
    play.now += MINUTES
    play.join(ANN, BOTH, "en")
    play.confirm(play.newest("confirm"), by_code=False)
    values = {"languages": ("en",), "newsletters": BOTH} | chosen
    play.choose(play.newest("welcome"), EnteredPreferences(**values))


def publish(play: History, story: int, *languages: str) -> None:
    play.now += MINUTES
    play.publish(story, languages or ("en",), "Tides")


def wait(play: History, days: float, *, kill: int | None = None) -> None:
    """Let days pass. In the last cycle the sender dies after some steps, if `kill` says so."""
    for left in range(int(days * 2), 0, -1):
        play.tick(kill if left == 1 else None)


def leave(play: History, newsletter: str) -> None:
    play.now += MINUTES
    values = {"first": "weekly"} if newsletter == "second" else {}
    others = tuple(name for name in BOTH if name != newsletter)
    entered = EnteredPreferences(
        languages=("en",), newsletters=others, cadences=values, hour="20"
    )
    play.choose(play.newest("welcome"), entered)


def wait_for_a_mail(play: History) -> None:
    """Let Ann get a first mail, and let another one of the first newsletter wait for its sender."""
    join(play, cadences={"second": "daily"})
    publish(play, 1)
    wait(play, 0.5)
    publish(play, 2)
    wait(play, 1, kill=0)


def move(play: History, address: str) -> None:
    play.ask_to_move(play.newest("welcome"), address)
    play.confirm_move(play.newest("confirm-address"))


def addresses(play: History) -> list[str]:
    return [one.received.address for one in play.letters if one.kind == "issue"]


def stories(play: History) -> list[set[int]]:
    return [
        {story for story, _tag in one.received.stories}
        for one in play.letters
        if one.kind == "issue"
    ]


def test_what_waited_in_a_newsletter_that_is_left_comes_in_the_other_one(play: History) -> None:
    join(play, cadences={"first": "weekly", "second": "daily"}, hour="20")
    wait(play, 1)
    # It is Saturday. The digest of Sunday at 20:00 has it, so Monday's weekly does not.
    publish(play, 1)
    wait(play, 1.5)
    assert stories(play) == []
    leave(play, "second")
    publish(play, 2)
    wait(play, 9)
    assert stories(play) == [{1, 2}]


def test_what_a_dead_sender_held_and_nobody_wants_any_more_comes_in_the_other_newsletter(
    play: History,
) -> None:
    join(play, cadences={"first": "weekly", "second": "daily"}, hour="20")
    # Friday's article is in the digest of Saturday at 20:00. Its sender dies at midnight.
    publish(play, 1)
    wait(play, 2, kill=4)
    assert stories(play) == []
    leave(play, "second")
    wait(play, 2)
    assert stories(play) == [{1}]


def test_who_comes_back_in_one_of_several_languages_keeps_the_others(play: History) -> None:
    join(play, languages=("en", "ar"))
    play.leave(play.newest("welcome"), LeaveScope.ALL)
    play.now += MINUTES
    play.join(ANN, BOTH, "ar")
    play.confirm(play.newest("confirm"), by_code=False)
    publish(play, 1, "en")
    wait(play, 1)
    assert stories(play) == [{1}]


def test_what_came_between_leaving_and_undoing_it_is_sent_after_it(play: History) -> None:
    join(play)
    play.leave(play.newest("welcome"), LeaveScope.ALL)
    publish(play, 1)
    wait(play, 1)
    assert stories(play) == []
    play.undo_leaving(play.newest("goodbye"))
    publish(play, 2)
    wait(play, 1)
    assert stories(play) == [{1, 2}]


@pytest.mark.parametrize("scope", LeaveScope)
def test_a_mail_that_waits_when_its_newsletter_is_left_is_not_sent(
    play: History, scope: LeaveScope
) -> None:
    wait_for_a_mail(play)
    play.leave(play.newest("issue"), scope)
    publish(play, 3)
    wait(play, 3)
    # The next digest of the other newsletter brings it, unless that was left, too.
    assert stories(play) == ([{1}] if scope is LeaveScope.ALL else [{1}, {2, 3}])


def test_a_mail_that_waits_goes_to_the_new_address(play: History) -> None:
    wait_for_a_mail(play)
    move(play, "ann.new@example.net")
    wait(play, 0.5)
    assert addresses(play) == [ANN, "ann.new@example.net"]


def test_a_mail_that_waits_goes_to_the_old_address_once_a_move_is_undone(
    play: History,
) -> None:
    wait_for_a_mail(play)
    move(play, "ann.new@example.net")
    play.undo_move(play.newest("address-changed"))
    wait(play, 0.5)
    assert addresses(play) == [ANN, ANN]


def test_mails_that_wait_for_two_who_are_the_same_come_once(play: History) -> None:
    play.now += MINUTES
    play.join("bob@example.org", BOTH, "en")
    play.confirm(play.newest("confirm"), by_code=False)
    wait_for_a_mail(play)
    move(play, "bob@example.org")
    wait(play, 3)
    mine = [one for one in play.letters if one.kind == "issue" and one.person.moves]
    assert [set(one.received.stories) for one in mine] == [{(1, "en")}, {(2, "en")}]


def test_who_moved_and_was_erased_is_nowhere_and_no_import_brings_her_back(
    play: History,
) -> None:
    join(play)
    publish(play, 1)
    wait(play, 0.5)
    play.ask_to_move(play.newest("issue"), "Ann.New@Example.net")
    play.confirm_move(play.newest("confirm-address"))
    publish(play, 2)
    wait(play, 1)
    assert [one.received.address for one in play.letters if one.kind == "issue"] == [
        ANN,
        "Ann.New@example.net",
    ]
    assert "ann.new@example.net" in play.sending.stored_text()
    play.erase("ANN.NEW@example.net")
    play.import_again([ANN.upper(), "ann.new@example.net"])
    assert play.model.persons == []
