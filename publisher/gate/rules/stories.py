"""Whether both parts of a mail tell each story in the article's own words: all of them, in order.

So that what an author wrote means the same in the HTML part, in the text part and in every
language. How stories stand to each other is the template's business, as long as they are not
mixed. Knows no template.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from publisher.gate import visible_text
from publisher.gate.findings import Finding, MailPart, Rule, Severity
from publisher.gate.html_document import clip_text
from publisher.gate.mail import CheckedMail, ExpectedStory
from publisher.gate.passages import Words

# Enough of a title to know the story by.
SHOWN = 48

IN_HTML = Rule(
    code="story-html",
    severity=Severity.ERROR,
    part=MailPart.HTML,
    fix="print the story's words as they are given to the template, and filter nothing",
    why="Every word of a story stands in the mail as its author wrote it, and in her order: what "
    "is lost or changed on the way may mean something else.",
)
IN_TEXT = Rule(
    code="story-text",
    severity=Severity.ERROR,
    part=MailPart.TEXT,
    fix="print the story's words as they are given to the template, and filter nothing",
    why="Every word of a story stands in the mail as its author wrote it, and in her order: what "
    "is lost or changed on the way may mean something else.",
)
HTML_JOINED = Rule(
    code="story-html-joined",
    severity=Severity.WARNING,
    part=MailPart.HTML,
    fix="give each of the story's passages a block of its own, or see that nothing changes it",
    why="Words in one line with a story's are read with them: a “not” before them turns them "
    "around.",
)
TEXT_JOINED = Rule(
    code="story-text-joined",
    severity=Severity.WARNING,
    part=MailPart.TEXT,
    fix="give each of the story's passages lines of its own, or see that nothing changes it",
    why="Words in one line with a story's are read with them: a “not” before them turns them "
    "around.",
)
RULES = (IN_HTML, IN_TEXT, HTML_JOINED, TEXT_JOINED)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a story stands in a part, as numbers of letters; what of it is not there.

    `fault` says what is wrong with the first passage that is damaged, `more` counts the others;
    `joined` says which of its passages does not stand alone.
    """

    start: int
    end: int
    fault: str | None = None
    more: int = 0
    joined: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where passages stand in a part, each looked for once: all places, and those alone."""

    part: Words
    known: dict[str, tuple[list[int], list[int]]] = field(default_factory=dict)

    def everywhere(self, words: Words) -> list[int]:
        """Give every place of a passage, in order."""
        return self._of(words)[0]

    def alone(self, words: Words) -> list[int]:
        """Give the places where nothing else stands in its lines."""
        return self._of(words)[1]

    def _of(self, words: Words) -> tuple[list[int], list[int]]:
        found = self.known.get(words.source)
        if found is None:
            every = list(self.part.every(words))
            alone = [place for place in every if self.part.stand_alone(words, place)]
            found = self.known[words.source] = (every, alone)
        return found


Passages = Sequence[Words]
Choice = Sequence[list[int]]


def check(mail: CheckedMail) -> Iterator[Finding]:
    """Look for every story in both parts."""
    read = {
        story: [w for p in story.passages if (w := Words(p)).letters] for story in mail.stories
    }
    stories = {story: passages for story, passages in read.items() if passages}
    if stories:
        yield from _told(
            IN_HTML, HTML_JOINED, stories, Words(visible_text.visible_text(mail.tree))
        )
        yield from _told(IN_TEXT, TEXT_JOINED, stories, Words(mail.text))


def _told(
    rule: Rule, joined: Rule, stories: Mapping[ExpectedStory, Passages], part: Words
) -> Iterator[Finding]:
    places = _places(stories, part)
    for story in stories:
        place = places[story]
        if place.fault:
            more = f" (and {place.more} more)" if place.more else ""
            yield rule.broken(place.fault + more, where=named(story))
        if place.joined:
            yield joined.broken(place.joined, where=named(story))
    whole = {s: p for s, p in places.items() if not p.fault and len(stories[s]) > 1}
    ordered = sorted(whole, key=lambda story: whole[story].start)
    for story, following in pairwise(ordered):
        if whole[following].start < whole[story].end:
            problem = f"its words are mixed with those of {named(following)}"
            if story.passages == following.passages:
                problem = "it stands there once, and another story says the same"
            yield rule.broken(problem, where=named(story))


def _places(
    stories: Mapping[ExpectedStory, Passages], part: Words
) -> dict[ExpectedStory, Place]:
    """Find a place for every story, one that no other has taken if there is any.

    The longest come first: what a short one says may be found within them, too.
    """
    found: dict[ExpectedStory, Place] = {}
    taken: list[Place] = []
    known = Places(part)
    lengths = {s: sum(len(words.letters) for words in stories[s]) for s in stories}
    for story in sorted(stories, key=lengths.__getitem__, reverse=True):
        place = found[story] = _place(known, stories[story], taken)
        # One that only names a story may stand anywhere, also in a list of contents.
        if not place.fault and len(stories[story]) > 1:
            taken.append(place)
    return found


def named(story: ExpectedStory) -> str:
    """Name a story by its title and language, and its address where it has no words."""
    title = next((passage for passage in story.passages if Words(passage).letters), story.url)
    return f"“{clip_text(title, SHOWN)}” ({story.language})"


def _place(known: Places, passages: Passages, taken: Sequence[Place]) -> Place:
    """Find the last place where a story begins and all of it follows; else the best there is.

    The last, since contents and references name it as well; and one where its passages stand
    alone, if there is any.
    """
    alone = [known.alone(words) for words in passages]
    everywhere = [known.everywhere(words) for words in passages]
    avoided = taken if len(passages) > 1 else ()
    # Whoever has a place of its own is not mixed with others, whatever stands in its lines.
    for choice, others in (
        (alone, avoided),
        (everywhere, avoided),
        (alone, ()),
        (everywhere, ()),
    ):
        if found := _free(passages, choice, others):
            end = found[-1] + len(passages[-1].letters)
            joined = None if choice is alone else _joined(known.part, passages, found)
            return Place(found[0], end, joined=joined)
    return _damaged(known.part, passages, everywhere)


def _free(passages: Passages, choice: Choice, taken: Sequence[Place]) -> list[int] | None:
    """Give where passages follow each other as late as may be and without others among them."""
    limit: int | None = None
    while (begin := _latest(passages, choice, limit)) is not None:
        found = _followed(passages, choice, begin)
        end = found[-1] + len(passages[-1].letters)
        others = [other.start for other in taken if other.start < end and begin < other.end]
        if not others:
            return found
        # What begins later than this was not found, so what is free ends before the others.
        limit = min(others)
    return None


def _latest(passages: Passages, choice: Choice, limit: int | None = None) -> int | None:
    """Give the last place from which on all passages follow each other, and end by a limit.

    From behind, each as late as the one after it lets it be.
    """
    position = limit
    for words, places in zip(reversed(passages), reversed(choice), strict=True):
        length = len(words.letters)
        number = len(places) if position is None else bisect_right(places, position - length)
        if not number:
            return None
        position = places[number - 1]
    return position


def _followed(passages: Passages, choice: Choice, begin: int) -> list[int]:
    """Give where passages follow each other from a place on, up to the first that lacks."""
    found: list[int] = []
    position = begin
    for words, places in zip(passages, choice, strict=True):
        number = bisect_left(places, position)
        if number == len(places):
            break
        found.append(places[number])
        position = places[number] + len(words.letters)
    return found


def _joined(part: Words, passages: Passages, found: list[int]) -> str:
    """Name the first passage that does not stand alone."""
    number, place = next(
        (number, place)
        for number, (words, place) in enumerate(zip(passages, found, strict=True), 1)
        if not part.stand_alone(words, place)
    )
    said = part.around(place)
    return f"passage {number} of {len(passages)} stands among other words: “{said}”"


def _damaged(part: Words, passages: Passages, everywhere: Choice) -> Place:
    """Say what is wrong from the last place on where most passages follow from the first."""
    start = position = _best(passages, everywhere)
    fault, faults = None, 0
    for number, (words, places) in enumerate(zip(passages, everywhere, strict=True), 1):
        at = bisect_left(places, position)
        if at < len(places):
            position = places[at] + len(words.letters)
            continue
        faults += 1
        # Only the first is told, and comparing takes its time.
        fault = fault or f"passage {number} of {len(passages)} {part.fault(words, position)}"
    return Place(start, position, fault, faults - 1)


def _best(passages: Passages, everywhere: Choice) -> int:
    """Give the last place from which on as many passages follow as from any."""
    low, high, best = 0, len(passages) - 1, 0
    while low < high:
        middle = (low + high + 1) // 2
        begin = _latest(passages[:middle], everywhere[:middle])
        if begin is None:
            high = middle - 1
        else:
            low, best = middle, begin
    return best
