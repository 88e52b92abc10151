"""Whether both parts of a mail contain each story in its author's words: all of them, in order.

The template may arrange stories in any way, as long as they are not mixed. Template code that an
article shows to readers although it was meant for a program is found here as well.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from publisher.articles.content.parser import leftover_code
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail, clip_text, finding, finding_of, story_name
from publisher.gate.passages import PassageText
from publisher.i18n.messages import message

if TYPE_CHECKING:
    from publisher.rendering.model import StoryText


@dataclass(frozen=True, slots=True)
class _FoundStory:
    """Where a story is in a part, as numbers of letters, and what is wrong with it.

    `fault` is about the first damaged passage, `more` counts the others; `joined` is about the
    first passage that shares its line with other words.
    """

    start: int
    end: int
    fault: str | None = None
    more: int = 0
    joined: str | None = None


@dataclass(frozen=True, slots=True)
class _PassageFinder:
    """Where passages are in a part: everywhere, and where they have their lines to themselves."""

    part: PassageText
    known: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)

    def find(self, words: PassageText) -> tuple[list[int], list[int]]:
        """Return all places of a passage in order, and those where it stands alone."""
        found = self.known.get(words.source)
        if found is None:
            every = self.part.every(words)
            alone = [place for place in every if self.part.stand_alone(words, place)]
            found = self.known[words.source] = (every, alone)
        return found


_Passages = Sequence[PassageText]
_Choice = Sequence[list[int]]


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look for every story in both parts."""
    read = {
        story: [words for p in story.passages if (words := PassageText(p)).letters]
        for story in mail.stories
    }
    stories = {story: passages for story, passages in read.items() if passages}
    if stories:
        html = PassageText(mail.document.visible_text)
        yield from _check_part("story-html", "story-html-joined", stories, html)
        yield from _check_part(
            "story-text", "story-text-joined", stories, PassageText(mail.text)
        )
    for story in mail.stories:
        # What the story also shows as code is meant so.
        for leftover in leftover_code(story.passages, story.code):
            yield finding(
                "story-template",
                "story",
                "%(story)s contains %(code)s",
                story=story_name(story),
                code=clip_text(leftover),
            )


def _check_part(
    code: str, joined: str, stories: Mapping[StoryText, _Passages], part: PassageText
) -> Iterator[Finding]:
    places = _places(stories, part)
    for story, place in places.items():
        if place.fault:
            fault = place.fault
            if place.more:
                fault = message("%(fault)s (and %(more)s more)", fault=fault, more=place.more)
            yield finding_of(code, story_name(story), fault)
        if place.joined:
            yield finding_of(joined, story_name(story), place.joined)
    whole = {s: p for s, p in places.items() if not p.fault and len(stories[s]) > 1}
    ordered = sorted(whole, key=lambda story: whole[story].start)
    for story, following in pairwise(ordered):
        if whole[following].start < whole[story].end:
            problem = message(
                "its words are mixed with those of %(following)s",
                following=story_name(following),
            )
            if story.passages == following.passages:
                problem = message("it is there once, and another story has the same words")
            yield finding_of(code, story_name(story), problem)


def _places(
    stories: Mapping[StoryText, _Passages], part: PassageText
) -> dict[StoryText, _FoundStory]:
    """Find a place for every story, one that no other story has if possible.

    The longest come first: the words of a short one may also stand within a long one.
    """
    found: dict[StoryText, _FoundStory] = {}
    taken: list[_FoundStory] = []
    finder = _PassageFinder(part)
    lengths = {s: sum([len(words.letters) for words in stories[s]]) for s in stories}
    for story in sorted(stories, key=lengths.__getitem__, reverse=True):
        place = found[story] = _place(finder, stories[story], taken)
        # A story of one passage may stand anywhere, also in a table of contents.
        if not place.fault and len(stories[story]) > 1:
            taken.append(place)
    return {story: found[story] for story in stories}


def _place(
    finder: _PassageFinder, passages: _Passages, taken: Sequence[_FoundStory]
) -> _FoundStory:
    """Find the last place where a story begins and all of it follows, else the most similar.

    The last, since a table of contents and links name it as well. A place where its passages
    have their lines to themselves is preferred.
    """
    places = [finder.find(words) for words in passages]
    everywhere = [every for every, _ in places]
    alone = [alone for _, alone in places]
    avoided = taken if len(passages) > 1 else ()
    # A place of its own matters more than lines of its own.
    for choice, others in (
        (alone, avoided),
        (everywhere, avoided),
        (alone, ()),
        (everywhere, ()),
    ):
        if found := _free(passages, choice, others):
            end = found[-1] + len(passages[-1].letters)
            joined = None if choice is alone else _joined(finder.part, passages, found)
            return _FoundStory(found[0], end, joined=joined)
    return _damaged(finder.part, passages, everywhere)


def _free(
    passages: _Passages, choice: _Choice, taken: Sequence[_FoundStory]
) -> list[int] | None:
    """Return the last places where passages follow each other without another story among them."""
    limit: int | None = None
    while (begin := _latest(passages, choice, limit)) is not None:
        found = _followed(passages, choice, begin)
        end = found[-1] + len(passages[-1].letters)
        others = [other.start for other in taken if other.start < end and begin < other.end]
        if not others:
            return found
        # Nothing free begins later than this, so it must end before the others.
        limit = min(others)
    return None


def _latest(passages: _Passages, choice: _Choice, limit: int | None = None) -> int | None:
    """Return the last place from which all passages follow each other and end by a limit, looking from the end."""
    position = limit
    for words, places in zip(reversed(passages), reversed(choice), strict=True):
        length = len(words.letters)
        number = len(places) if position is None else bisect_right(places, position - length)
        if not number:
            return None
        position = places[number - 1]
    return position


def _followed(passages: _Passages, choice: _Choice, begin: int) -> list[int]:
    """Return where passages follow each other from a place on, up to the first that is missing."""
    found: list[int] = []
    position = begin
    for words, places in zip(passages, choice, strict=True):
        number = bisect_left(places, position)
        if number == len(places):
            break
        found.append(places[number])
        position = places[number] + len(words.letters)
    return found


def _joined(part: PassageText, passages: _Passages, found: list[int]) -> str:
    """Describe the first passage that shares its line with other words."""
    number, place = next(
        (number, place)
        for number, (words, place) in enumerate(zip(passages, found, strict=True), 1)
        if not part.stand_alone(words, place)
    )
    excerpt = part.around(place)
    return message(
        "passage %(number)s of %(whole)s shares its line with other words: “%(excerpt)s”",
        number=number,
        whole=len(passages),
        excerpt=excerpt,
    )


def _damaged(part: PassageText, passages: _Passages, everywhere: _Choice) -> _FoundStory:
    """Describe what is wrong from the last place on from which most passages follow."""
    start = position = _best(passages, everywhere)
    fault, faults = None, 0
    for number, (words, places) in enumerate(zip(passages, everywhere, strict=True), 1):
        at = bisect_left(places, position)
        if at < len(places):
            position = places[at] + len(words.letters)
            continue
        faults += 1
        # Only the first is described, since comparing takes long.
        fault = fault or message(
            "passage %(number)s of %(whole)s %(fault)s",
            number=number,
            whole=len(passages),
            fault=part.fault(words, position),
        )
    return _FoundStory(start, position, fault, faults - 1)


def _best(passages: _Passages, everywhere: _Choice) -> int:
    """Return the last place from which as many passages follow as from any."""
    low, high, best = 0, len(passages) - 1, 0
    while low < high:
        middle = (low + high + 1) // 2
        begin = _latest(passages[:middle], everywhere[:middle])
        if begin is None:
            high = middle - 1
        else:
            low, best = middle, begin
    return best
