"""Whatever happens in whatever order, no mail leaves that was not approved as it is, and none twice.

More of it: `pytest --hypothesis-profile=full` plays 500 sequences of each pair of languages.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.publisher.app.approval_play import PEOPLE, TERMINAL, Scene
from tests.publisher.app.approving import newsletter
from tests.publisher.conftest import PublicationFolder

Make = Callable[..., PublicationFolder]
Move = tuple[Any, ...]
PAIRS = [("en", "ar"), ("zh-Hans", "ar")]
# Sequences of each pair, for one example of the profile.
TIMES = 5 if settings().max_examples >= 100 else 1
JUST = st.just


def moves(languages: tuple[str, ...]) -> st.SearchStrategy[Move]:
    """Return what may happen. What sends comes often: what was never sent shows nothing."""
    tags, people = st.sampled_from(languages), st.sampled_from(PEOPLE)
    actors = st.sampled_from((*PEOPLE, TERMINAL))
    groups = st.lists(actors, min_size=1, max_size=3, unique=True)
    edit = st.tuples(JUST("edit"), actors, tags)
    approve = st.tuples(JUST("approve"), groups, tags)
    role = st.sampled_from(
        [("role", one, *only) for one in PEOPLE for only in ((), languages, languages[:1])]
        + [("account", one, is_able) for one in PEOPLE for is_able in (True, False)]
    )
    article, template = st.tuples(JUST("article"), tags), JUST(("template",))
    due, send = JUST(("due",)), st.tuples(JUST("send"), JUST(TERMINAL), tags)
    change = st.one_of(article, article, template, role, edit)
    race = st.tuples(JUST("race"), st.sampled_from(["prepared", "opened"]), change)
    cut = st.tuples(st.just("crash"), st.integers(1, 3), st.one_of(edit, approve, template))
    return st.one_of(
        *[approve] * 5,
        *[edit] * 2,
        *[due] * 3,
        *[send] * 2,
        *[race.map(flat)] * 3,
        *[cut.map(flat)] * 2,
        role,
        article,
        template,
        st.tuples(JUST("changes"), people, tags),
        st.tuples(JUST("changes"), people, tags),
        st.tuples(st.sampled_from(["undo", "hold", "unedit"]), JUST(TERMINAL), tags),
        JUST(("cycle",)),
    )


def flat(move: tuple[str, object, Move]) -> Move:
    verb, how, inner = move
    return (verb, how, *inner)


@pytest.mark.parametrize("languages", PAIRS)
def test_no_mail_leaves_without_its_approvals_and_none_twice(
    new_publication: Make, languages: tuple[str, ...]
) -> None:
    scene, number = scene_of(new_publication, languages), count(1)

    @settings(
        max_examples=TIMES * settings().max_examples,
        suppress_health_check=[HealthCheck.too_slow],
        phases=(Phase.reuse, Phase.generate),  # to shrink one takes minutes, and they are short
    )
    @given(st.lists(moves(languages), min_size=6, max_size=14))
    def play_all(sequence: list[Move]) -> None:
        which = next(number)
        with scene.begin() as play:
            for move in [*sequence, ("due",)]:
                play.play(*move)
                assert play.faults == [], f"sequence {which}"
                if play.is_over:
                    break

    play_all()


def scene_of(new_publication: Make, languages: tuple[str, ...]) -> Scene:
    terms = newsletter(approval="two", edition={"ar": {"approval": "one"}})
    return Scene(new_publication(languages=[*languages], newsletters=[terms]), languages)


def test_with_its_approvals_an_issue_leaves_and_a_fault_would_be_found(
    new_publication: Make,
) -> None:
    with scene_of(new_publication, PAIRS[0]).begin() as play:
        play.play("approve", ["ann", "bob"], "en")
        play.play("approve", ["cyd"], "ar")
        assert not play.sent
        play.play("due")
        assert (play.is_over, play.faults) == (True, [])
        shown = play.shown("en")
        assert play.model.faults("en", shown) == []
        other = (*shown[:-1], "another page")
        assert play.model.faults("en", other) == ["en: opened with [], edited by []"]
        play.model.verdicts["en"].append(("cyd", "changes", shown))
        assert "somebody asked for changes" in play.model.faults("en", shown)[0]
        play.role("bob")
        assert play.model.faults("en", shown)[0] == "en: opened with ['ann'], edited by []"
