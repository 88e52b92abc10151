"""Making a digest fit: stories are told more shortly, by rule, until the mail is small enough.

Gmail clips what is longer and hides the rest, unsubscribe link and all. From the last story
to the first, bodies become openings, openings summaries, summaries lines; then the last
stories are left to the web. Knows no template: whoever renders says how large it came out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from lxml import etree

from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering.stories import StoryLength

LengthPlan = tuple[StoryLength, ...]


def length_plans(wanted: LengthPlan) -> list[LengthPlan]:
    """List every way to tell the stories, from what is wanted to the least, lead first.

    Each differs from the one before in one story; the lead gives way last of all.
    """
    plan, made = list(wanted), [wanted]
    for target in (StoryLength.OPENING, StoryLength.SUMMARY, StoryLength.LINE):
        last = 1 if target == StoryLength.LINE else 0
        for number in range(len(plan) - 1, last - 1, -1):
            if plan[number] > target:
                plan[number] = target
                made.append(tuple(plan))
    made += [tuple(plan[:length]) for length in range(len(plan) - 1, 0, -1)]
    return [*made, (StoryLength.LINE,)] if plan[0] > StoryLength.LINE else made


def find_fitting_plan(
    choices: Sequence[LengthPlan],
    write: Callable[[LengthPlan], str],
    finish: Callable[[str], str],
    size: Callable[[str], int],
) -> tuple[LengthPlan, str] | None:
    """Find the first plan whose finished HTML has at most MOST_BYTES; None if the last has more.

    Finishing (inlining) takes longer than writing. So only the first plan and one that
    tells little are finished for their sizes; from these is reckoned what the others come to, and
    what is chosen is checked.
    """
    written = write(choices[0])
    made = finish(written)
    if size(made) <= MAX_HTML_BYTES:
        return choices[0], made
    growth = _InliningGrowth.of(made, finish(write(choices[len(choices) // 2])))

    def reckoned(written: str) -> float:
        return size(written) + growth.of_written(written)

    # What inlining takes away, whatever the plan: the style sheet itself.
    rest = size(made) - reckoned(written)

    def may_fit(plan: LengthPlan) -> bool:
        return reckoned(write(plan)) + rest <= MAX_HTML_BYTES

    likely = bisect_left(choices, True, lo=1, key=may_fit)
    for plan in choices[likely:] or choices[-1:]:
        made = finish(write(plan))
        if size(made) <= MAX_HTML_BYTES:
            return plan, made
    return None


_Kind = tuple[str, str]


class _InliningGrowth:
    """By how many bytes inlining makes HTML longer: the mean of its styles, by tag and class."""

    def __init__(self, bytes_of: dict[_Kind, float]) -> None:
        self._bytes_of = bytes_of
        styled = [length for length in bytes_of.values() if length]
        self._usual = sum(styled) / max(1, len(styled))

    @classmethod
    def of(cls, *inlined: str) -> _InliningGrowth:
        """Learn from documents that have been inlined."""
        counted: Counter[_Kind] = Counter()
        lengths: Counter[_Kind] = Counter()
        for kind, style in chain.from_iterable(map(_styled, inlined)):
            counted[kind] += 1
            lengths[kind] += len(f' style="{style}"'.encode()) if style else 0
        return cls({kind: lengths[kind] / times for kind, times in counted.items()})

    def of_written(self, written: str) -> float:
        """Reckon for a document that has not; a kind that is new counts as the usual one."""
        kinds = Counter(kind for kind, _style in _styled(written))
        return sum(self._bytes_of.get(kind, self._usual) * n for kind, n in kinds.items())


def _styled(html: str) -> Iterator[tuple[_Kind, str]]:
    tree = etree.fromstring(html, etree.HTMLParser(huge_tree=True))
    for element in tree.iter("*"):
        yield (str(element.tag), element.get("class", "")), element.get("style", "")
