"""The lengths of a digest's stories, chosen so that the mail fits into MAX_HTML_BYTES.

Gmail clips longer mails and hides the rest, the unsubscribe link included. From the last story to
the first, full texts become openings, then summaries, then lines; then the last stories are left out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache

from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering.stories import StoryLength

# The length of each story, lead first. Stories beyond the end are left out.
LengthPlan = tuple[StoryLength, ...]


def length_plans(wanted: LengthPlan) -> list[LengthPlan]:
    """List the plans from what is wanted to the least; each differs in one story from the last.

    The lead is shortened after all others.
    """
    plan, plans = list(wanted), [wanted]
    for target in (StoryLength.OPENING, StoryLength.SUMMARY, StoryLength.LINE):
        last = 1 if target == StoryLength.LINE else 0
        for number in range(len(plan) - 1, last - 1, -1):
            if plan[number] > target:
                plan[number] = target
                plans.append(tuple(plan))
    plans += [tuple(plan[:length]) for length in range(len(plan) - 1, 0, -1)]
    return [*plans, (StoryLength.LINE,)] if plan[0] > StoryLength.LINE else plans


def find_fitting_plan(
    plans: Sequence[LengthPlan],
    render: Callable[[LengthPlan], str],
    inline: Callable[[str], str],
    size: Callable[[str], int],
) -> tuple[LengthPlan, str] | None:
    """Return the first plan whose inlined HTML fits, with that HTML; None if even the last does not.

    Inlining takes longer than rendering, so the sizes of most plans are estimated: two plans are
    inlined, and a line through their sizes gives the others'. The chosen plan is measured.
    """

    @cache
    def rendered(number: int) -> str:
        return render(plans[number])

    @cache
    def inlined(number: int) -> str:
        return inline(rendered(number))

    def fits(number: int) -> bool:
        return size(inlined(number)) <= MAX_HTML_BYTES

    def estimate(number: int) -> float:
        before, after = size(rendered(0)), size(inlined(0))
        middle = len(plans) // 2
        slope = (after - size(inlined(middle))) / ((before - size(rendered(middle))) or 1)
        return after - slope * (before - size(rendered(number)))

    if fits(0):
        return plans[0], inlined(0)
    numbers = range(len(plans))
    number = bisect_left(numbers, True, lo=1, key=lambda one: estimate(one) <= MAX_HTML_BYTES)
    while number < len(plans) and not fits(number):
        number += 1
    while number > 1 and fits(min(number, len(plans)) - 1):
        number -= 1
    return (plans[number], inlined(number)) if number < len(plans) else None
