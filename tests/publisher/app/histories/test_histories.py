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

from publisher.app.leaving import LeaveScope
from publisher.app.preferences import EnteredPreferences
from tests.databases import delete_all_rows
from tests.publisher.app.histories.model import CADENCES
from tests.publisher.app.histories.people import EDITIONS
from tests.publisher.app.histories.play import MINUTES, Letter
from tests.publisher.app.histories.sending import LANGUAGES, NEWSLETTERS
from tests.publisher.app.histories.verbs import History
from tests.publisher.conftest import PublicationFolder

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
    # A history takes seconds.
    examples = max(1, settings().max_examples // 3)
    bounds = settings(stateful_step_count=STEPS, max_examples=examples)
    run_state_machine_as_test(cast(Any, lambda: Histories(publication)), settings=bounds)
