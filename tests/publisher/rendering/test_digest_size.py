"""Making a digest fit: which stories give way, in which order, and that it ends."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering.digest import LengthPlan, find_fitting_plan, length_plans
from publisher.rendering.digest_stories import StoryLength

FULL, OPENING, SUMMARY, LINE = (
    StoryLength.FULL,
    StoryLength.OPENING,
    StoryLength.SUMMARY,
    StoryLength.LINE,
)

wanted = st.lists(st.sampled_from(StoryLength), min_size=1, max_size=25).map(tuple)
WEIGHTS = {FULL: 20_000, OPENING: 4_000, SUMMARY: 2_500, LINE: 900}


STYLE = "x" * 91


def write(plan: LengthPlan) -> str:
    """Write a document as large as a plan asks for, before styles go into its elements."""
    return "<html><body>" + "".join(
        f'<p class="{shape.name}">{"x" * WEIGHTS[shape]}</p>' for shape in plan
    )


def finish(html: str) -> str:
    return html.replace("<p ", f'<p style="{STYLE}" ')


def search(plan: LengthPlan) -> tuple[LengthPlan, str] | None:
    return find_fitting_plan(length_plans(plan), write, finish, len)


def test_what_fits_is_left_alone() -> None:
    assert search((FULL, FULL)) == ((FULL, FULL), finish(write((FULL, FULL))))


def test_stories_give_way_from_the_last_and_the_lead_comes_last() -> None:
    assert length_plans((FULL, FULL, SUMMARY)) == [
        (FULL, FULL, SUMMARY),
        (FULL, OPENING, SUMMARY),
        (OPENING, OPENING, SUMMARY),
        (OPENING, SUMMARY, SUMMARY),
        (SUMMARY, SUMMARY, SUMMARY),
        (SUMMARY, SUMMARY, LINE),
        (SUMMARY, LINE, LINE),
        (SUMMARY, LINE),
        (SUMMARY,),
        (LINE,),
    ]


@given(wanted)
def test_each_plan_tells_less_than_the_one_before_in_one_story(plan: LengthPlan) -> None:
    for before, after in pairwise(length_plans(plan)):
        length = len(after)
        differing = [n for n in range(length) if before[n] != after[n]]
        assert len(differing) + len(before) - length == 1
        assert all(after[n] < before[n] for n in differing)


@given(wanted)
def test_the_least_is_the_lead_in_one_line(plan: LengthPlan) -> None:
    assert length_plans(plan)[-1] == (LINE,)


@given(wanted)
def test_the_first_plan_that_fits_is_found(plan: LengthPlan) -> None:
    expected = next(
        choice for choice in length_plans(plan) if len(finish(write(choice))) <= MAX_HTML_BYTES
    )
    assert search(plan) == (expected, finish(write(expected)))


def test_at_most_four_plans_are_inlined() -> None:
    finished: list[str] = []

    def counted(html: str) -> str:
        finished.append(html)
        return finish(html)

    assert find_fitting_plan(length_plans((FULL,) * 20), write, counted, len) is not None
    assert len(finished) <= 4


@given(wanted)
def test_what_was_reckoned_too_small_is_not_taken(plan: LengthPlan) -> None:
    """Styles that only come with a shape that the first plan did not have."""

    def surprising(html: str) -> str:
        return finish(html).replace('class="LINE"', f'class="LINE" title="{"x" * 2_000}"')

    found = find_fitting_plan(length_plans(plan), write, surprising, len)
    assert found is not None
    assert len(found[1]) <= MAX_HTML_BYTES


def test_nothing_fits_where_even_a_line_is_too_long() -> None:
    assert (
        find_fitting_plan(
            length_plans((FULL, FULL)), write, finish, lambda _html: MAX_HTML_BYTES + 1
        )
        is None
    )
