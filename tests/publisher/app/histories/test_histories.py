"""Histories of subscribers, around cycles, sends and kills: everybody gets what the model says.

Longer histories, and more of them:

    HISTORY_STEPS=40 pytest --hypothesis-profile=full tests/publisher/app/histories
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from logging import CRITICAL
from typing import Any, cast

import pytest
import structlog
from hypothesis import settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    run_state_machine_as_test,
)

from publisher.app.subscribers.preferences import EnteredPreferences
from publisher.app.subscribers.unsubscribing import LeaveScope
from tests.databases import delete_all_rows
from tests.publisher.app.histories.model import CADENCES, EDITIONS
from tests.publisher.app.histories.play import LANGUAGES, MINUTES, NEWSLETTERS, Letter
from tests.publisher.app.histories.verbs import History
from tests.publisher.conftest import PublicationFolder
from tests.sizes import by_lane

STEPS = int(os.environ.get("HISTORY_STEPS", "10"))
# With capital letters: an address is the same in any letter case.
ADDRESSES = ("Ann@Example.org", "bob@example.org", "cyd@Example.net", "Dee.New@example.com")
TOPICS = ("Harbour", "Tides")
NOON = 12
# Mails that ask for a confirmation, and mails that link to preferences and unsubscribe.
ASKING = ("confirm", "reminder")
LINKING = ("issue", "welcome")
address = st.sampled_from(ADDRESSES)
language = st.sampled_from(LANGUAGES)
newsletters = st.sampled_from([("first",), ("second",), ("first", "second")])
picks = st.integers(0, 1000)
some_languages = st.lists(language, min_size=1, max_size=3, unique=True).map(tuple)
entered = st.builds(
    EnteredPreferences,
    languages=some_languages,
    newsletters=st.sampled_from([("first", "second")] * 3 + [("first",), ("second",), ()]),
    cadences=st.dictionaries(st.sampled_from(list(EDITIONS)), st.sampled_from(CADENCES)),
    topics=st.sampled_from([(), (), ("Harbour",)]),
    hour=st.sampled_from(["", "", "7", "20"]),
    timezone=st.sampled_from(["", "", "Asia/Tokyo", "America/New_York"]),
    length=st.sampled_from(["", "", "full", "summary"]),
)
# What comes after each step: an article, or none, and half a day, or none. The sender of that cycle
# sends all, is not there, or dies after some steps.
SENDS, IS_DOWN, NO_CYCLE = -1, -2, -3
then = st.tuples(
    st.one_of(st.none(), some_languages),
    st.sampled_from(TOPICS),
    st.booleans(),
    st.sampled_from([*[SENDS] * 6, *[NO_CYCLE] * 5, IS_DOWN, 0, 1, 2, 3, 4, 6, 9]),
)
Then = tuple[tuple[str, ...] | None, str, bool, int]
Act = Callable[..., None]


def rule(*kinds: str, **values: Any) -> Callable[[Act], Act]:
    """Let something happen, if there is a mail of one of some kinds. Afterwards time may pass."""

    def made(act: Act) -> Act:
        @wraps(act)
        def step(self: Histories, then: Then, **drawn: Any) -> None:
            self.play.now += MINUTES
            act(self, **drawn)
            self.go_on(*then)

        found = cast(Any, stateful.rule)(then=then, **values)(step)
        can_be = precondition(lambda self: not kinds or bool(self.found(*kinds)))
        return cast(Act, can_be(found))

    return made


class Histories(RuleBasedStateMachine):
    """All that subscribers, their owner and the program may do, in any order."""

    def __init__(self, publication: PublicationFolder) -> None:
        super().__init__()
        delete_all_rows(publication.database)
        self.play = History.start(publication)
        self.story = 0

    def found(self, *kinds: str) -> list[Letter]:
        return [one for one in self.play.letters if one.kind in kinds]

    def pick(self, pick: int, *kinds: str) -> Letter:
        """Return a mail, one of the newest as a rule."""
        found = self.found(*kinds)
        return found[-1 - pick % min(len(found), 6)]

    def go_on(
        self, languages: tuple[str, ...] | None, topic: str, is_new: bool, sender: int
    ) -> None:
        """Publish a story or translate the last one, and let half a day pass."""
        self.play.now += MINUTES
        if languages:
            self.story += 1 if is_new or not self.story else 0
            self.play.publish(self.story, languages, topic)
        if sender != NO_CYCLE:
            self.play.tick(sender if sender >= 0 else None, sends=sender != IS_DOWN)

    @initialize(first=st.lists(entered, min_size=2, max_size=3))
    def begin(self, first: list[EnteredPreferences]) -> None:
        """Some people have subscribed, and chosen; a topic is there to be chosen."""
        self.go_on(LANGUAGES, TOPICS[0], True, NO_CYCLE)
        for one, who in zip(first, ADDRESSES, strict=False):
            self.play.join(who, ("first", "second"), one.languages[0])
            self.play.confirm(self.pick(0, "confirm"), by_code=False)
            self.play.choose(self.pick(0, "welcome"), one)

    @rule(days=st.sampled_from([1, 1, 2, 3]), each=some_languages)
    def days_pass(self, days: int, each: tuple[str, ...]) -> None:
        for _half in range(days * 2):
            self.go_on(each if self.play.now.hour < NOON else None, TOPICS[1], True, SENDS)

    @rule(who=address, names=newsletters, language=language)
    def join(self, who: str, names: tuple[str, ...], language: str) -> None:
        self.play.join(who, names, language)

    @rule(*ASKING, pick=picks, by_code=st.booleans())
    def confirm(self, pick: int, by_code: bool) -> None:
        self.play.confirm(self.pick(pick, *ASKING), by_code=by_code)

    @rule(*LINKING, pick=picks, entered=entered)
    def choose(self, pick: int, entered: EnteredPreferences) -> None:
        self.play.choose(self.pick(pick, *LINKING), entered)

    @rule(*LINKING, pick=picks, language=language)
    def switch(self, pick: int, language: str) -> None:
        self.play.switch(self.pick(pick, *LINKING), language)

    @rule(*LINKING, pick=picks, hours=st.sampled_from([0, 0, 10, 30, 80, 200]))
    def pause_or_resume(self, pick: int, hours: int) -> None:
        self.play.pause(self.pick(pick, *LINKING), timedelta(hours=hours))

    @rule(*LINKING, pick=picks, scope=st.sampled_from(["newsletter", "newsletter", "all"]))
    def leave(self, pick: int, scope: str) -> None:
        self.play.leave(self.pick(pick, *LINKING), LeaveScope(scope))

    @rule("goodbye", pick=picks)
    def undo_leaving(self, pick: int) -> None:
        self.play.undo_leaving(self.pick(pick, "goodbye"))

    @rule(*LINKING, pick=picks, to=address)
    def ask_to_move(self, pick: int, to: str) -> None:
        self.play.ask_to_move(self.pick(pick, *LINKING), to)

    @rule("confirm-address", pick=picks)
    def confirm_move(self, pick: int) -> None:
        self.play.confirm_move(self.pick(pick, "confirm-address"))

    @rule("address-changed", pick=picks)
    def undo_move(self, pick: int) -> None:
        self.play.undo_move(self.pick(pick, "address-changed"))

    @rule(who=address)
    def erase(self, who: str) -> None:
        self.play.erase(who)

    @rule(who=st.lists(address, min_size=1, max_size=2, unique=True))
    def import_again(self, who: list[str]) -> None:
        self.play.import_again(who)


@pytest.mark.hypothesis
def test_whatever_subscribers_do_each_gets_exactly_her_issues(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(CRITICAL))
    publication = new_publication(languages=LANGUAGES, newsletters=NEWSLETTERS)
    # A history takes seconds: a change has three of them, a night 33.
    examples = max(1, settings().max_examples // by_lane(5, 3))
    bounds = settings(stateful_step_count=STEPS, max_examples=examples)
    run_state_machine_as_test(cast(Any, lambda: Histories(publication)), settings=bounds)


# --- short histories: what once went wrong, undoing a leaving, moving, and erasing


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
    choose(play, **chosen)


def choose(play: History, **chosen: Any) -> None:
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


@pytest.mark.parametrize(("is_undone", "to"), [(False, "ann.new@example.net"), (True, ANN)])
def test_a_mail_that_waits_goes_to_the_new_address_and_to_the_old_one_once_a_move_is_undone(
    play: History, is_undone: bool, to: str
) -> None:
    wait_for_a_mail(play)
    move(play, "ann.new@example.net")
    if is_undone:
        play.undo_move(play.newest("address-changed"))
    wait(play, 0.5)
    assert addresses(play) == [ANN, to]


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
    assert addresses(play) == [ANN, "Ann.New@example.net"]
    assert "ann.new@example.net" in play.sending.stored_text()
    play.erase("ANN.NEW@example.net")
    play.import_again([ANN.upper(), "ann.new@example.net"])
    assert play.model.persons == []


# --- cadences and pauses: each article once, and none is lost


def choose_first(play: History, *cadences: str, hour: str = "") -> None:
    """Let Ann keep the first newsletter alone, with a cadence or at each issue."""
    chosen = dict.fromkeys(("first",), *cadences) if cadences else {}
    choose(play, newsletters=("first",), cadences=chosen, hour=hour)


def pause(play: History, days: int) -> None:
    play.pause(play.newest("welcome"), timedelta(days=days))


def test_a_weekly_digest_has_the_week_once_and_a_change_back_loses_nothing(
    play: History,
) -> None:
    join(play, newsletters=("first",))
    publish(play, 1)
    wait(play, 1)
    publish(play, 2)
    choose_first(play, "weekly")
    wait(play, 1)
    publish(play, 3)
    # Monday's digest is opened on Sunday, and sent at 08:00.
    wait(play, 2)
    publish(play, 4)
    wait(play, 2)
    choose_first(play)
    publish(play, 5)
    wait(play, 2)
    assert stories(play) == [{1}, {2, 3}, {4, 5}]


def test_after_a_pause_one_issue_has_what_was_missed(play: History) -> None:
    join(play, newsletters=("first",))
    for story in range(1, 7):
        publish(play, story)
        wait(play, 1)
        if story == 1:
            pause(play, 3)
    assert stories(play) == [{1}, {2, 3, 4, 5}, {6}]


def test_what_came_out_before_a_leaving_is_undone_comes_with_the_next_issue(
    play: History,
) -> None:
    join(play, newsletters=("first",))
    for story in range(1, 4):
        publish(play, story)
        wait(play, 1)
        if story == 1:
            play.leave(play.newest("issue"), LeaveScope.NEWSLETTER)
    play.undo_leaving(play.newest("goodbye"))
    publish(play, 4)
    wait(play, 1)
    assert stories(play) == [{1}, {2, 3, 4}]


@pytest.mark.parametrize(("cadence", "opened"), [("daily", 0.5), ("weekly", 2.5)])
def test_a_pause_that_begins_while_a_digest_waits_for_her_hour_loses_nothing(
    play: History, cadence: str, opened: float
) -> None:
    join(play, newsletters=("first",), cadences={"first": cadence})
    publish(play, 1)
    # Opened for tomorrow at her hour, and not sent yet.
    wait(play, opened)
    pause(play, 2)
    wait(play, 4)
    publish(play, 2)
    wait(play, 4)
    assert stories(play) == [{1, 2}]


def test_a_digest_that_waits_for_her_hour_and_is_not_wanted_any_more_loses_nothing(
    play: History,
) -> None:
    join(play, newsletters=("first",), cadences={"first": "weekly"}, hour="20")
    publish(play, 1)
    # The digest of Monday at 20:00 is opened on Sunday.
    wait(play, 2.5)
    choose_first(play)
    publish(play, 2)
    wait(play, 1)
    choose_first(play, "weekly", hour="20")
    wait(play, 2)
    assert stories(play) == [{1, 2}]
