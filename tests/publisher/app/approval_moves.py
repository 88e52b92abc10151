"""Random sequences of what may happen to issues that need approvals; each is made from its number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.publisher.app.approval_play import NEEDED, PEOPLE, TERMINAL, Play, Scene, converted
from tests.publisher.app.approving import newsletter
from tests.publisher.conftest import PublicationFolder

Move = tuple[Any, ...]
# Each language is in two groups. Traditional Chinese is translated in one, and converted in the other.
GROUPS = [("en", "ar", "zh-Hant"), ("zh-Hans", "ar", "zh-Hant"), ("en", "zh-Hans")]
# How often each happens. What sends comes often: what was never sent shows nothing.
_WEIGHTS = {
    "approve": 15,
    "due": 9,
    "race": 9,
    "edit": 6,
    "send": 6,
    "crash": 6,
    "changes": 6,
    "article": 3,
    "template": 3,
    "cycle": 3,
    "role": 6,
    "account": 4,
    "undo": 1,
    "hold": 1,
    "unedit": 1,
}
_EVERYBODY = (*PEOPLE, TERMINAL)
# What may happen in the middle of a cycle, and what may be cut off before a commit.
_IN_CYCLE = ("article", "article", "template", "role", "edit")
_CUT_OFF = ("edit", "approve", "template")


@dataclass
class Seen:
    """What sequences have shown: faults, each with its sequence, and how many mails left."""

    faults: list[tuple[int, list[Move], list[str]]] = field(default_factory=list)
    mails: int = 0


class Chance:
    """Chooses moves."""

    def __init__(self, number: int, languages: tuple[str, ...]) -> None:
        self._random, self._languages = Random(number), languages
        # What somebody may approve from some time on.
        self._some = ((), languages[:1], languages[1:], languages)

    def sequence(self) -> list[Move]:
        """Return moves; the last one sends what may be sent."""
        verbs = [*_WEIGHTS]
        count = self._random.randint(6, 14)
        chosen = self._random.choices(verbs, [*_WEIGHTS.values()], k=count)
        return [*map(self._move, chosen), ("due",)]

    def _move(self, verb: str) -> Move:
        one, tag = self._random.choice, self._random.choice(self._languages)
        rest: dict[str, Callable[[], Move]] = {
            "approve": lambda: (self._random.sample(_EVERYBODY, one((1, 2, 3))), tag),
            "edit": lambda: (one(_EVERYBODY), tag),
            "changes": lambda: (one(PEOPLE), tag),
            "article": lambda: (tag,),
            "role": lambda: (one(PEOPLE), *one(self._some)),
            "account": lambda: (one(PEOPLE), one((True, False, False))),
            "race": lambda: (one(("prepared", "opened")), *self._move(one(_IN_CYCLE))),
            "crash": lambda: (one((1, 2, 3)), *self._move(one(_CUT_OFF))),
            **dict.fromkeys(("send", "undo", "hold", "unedit"), lambda: (TERMINAL, tag)),
            **dict.fromkeys(("due", "cycle", "template"), lambda: ()),
        }
        return verb, *rest[verb]()


def scene_of(make: Callable[..., PublicationFolder], languages: tuple[str, ...]) -> Scene:
    editions = {tag: {"approval": "one"} for tag in languages if NEEDED[tag] == 1}
    for tag in converted(languages):
        editions[tag]["missing"] = "convert"
    terms = newsletter(approval="two", edition=editions)
    return Scene(make(languages=[*languages], newsletters=[terms]), languages)


def play_sequences(scene: Scene, numbers: Iterable[int]) -> Seen:
    """Play the sequences of these numbers."""
    seen = Seen()
    for number in numbers:
        moves = Chance(number, scene.languages).sequence()
        with scene.begin() as play:
            _play(play, moves)
        seen.mails += len(play.sent)
        if play.faults:
            seen.faults.append((number, moves, play.faults))
    return seen


def _play(play: Play, moves: list[Move]) -> None:
    for move in moves:
        play.play(*move)
        if play.is_over or play.faults:
            break
