"""How a digest tells its stories, and which give way when they are too long."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.mail_limits import MAX_HTML_BYTES
from publisher.rendering import ArticleView
from publisher.rendering.digest import LengthPlan, find_fitting_plan, length_plans
from publisher.rendering.digest_stories import (
    SUMMARY_COLUMNS,
    TITLE_COLUMNS,
    StoryLength,
    StoryRank,
    StorySource,
    whole_sentences,
)
from publisher.rendering.plaintext import display_width
from tests.publisher.rendering import sample


def source(item: ArticleView | None = None, **changes: object) -> StorySource:
    made = item or sample.item("en")
    article = replace(made.article, **changes)  # type: ignore[arg-type]  # fields by name
    return StorySource(replace(made, article=article), sample.issue(article.language))


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("One tide. Another tide. A third.", 24, "One tide. Another tide."),
        ("One tide. Another tide.", 9, "One tide."),
        ("潮水来了。潮水走了。又来了。", 20, "潮水来了。潮水走了。"),
        ("جاء المد. ثم عاد.", 10, "جاء المد."),
        ("A title without a stop", 30, "A title without a stop"),
        ("Dr. Sample came at 8 a.m. and left. Then it rained.", 40, "Dr. Sample came at 8 a.m. and left."),
        ("", 30, ""),
        ("  \n ", 30, ""),
    ],
)  # fmt: skip
def test_a_summary_is_whole_sentences(text: str, columns: int, said: str) -> None:
    assert whole_sentences(text, columns) == said


def test_summaries_and_titles_stay_within_their_columns() -> None:
    assert whole_sentences("tide and " * 40 + "ebb.", 40) == ""
    assert display_width(whole_sentences("tide and " * 40 + "ebb.", 200)) > 200
    title = source(title="tide " * 10_000).at_length(StoryLength.LINE, StoryRank.LEAD).title
    assert display_width(title) <= TITLE_COLUMNS
    long = source(summary="A tide came in, and went. " * 50).summary
    assert SUMMARY_COLUMNS - 30 < display_width(long) <= SUMMARY_COLUMNS


def test_each_shape_tells_less_than_the_larger_one() -> None:
    told = [
        source(html=sample.body("A tide came in. ") * 30).at_length(shape, StoryRank.LEAD)
        for shape in StoryLength
    ]
    words = [len("".join(shown.passages)) for shown in told]
    assert words == sorted(words)
    assert len(set(words)) == 4
    assert [shown.length for shown in told] == list(StoryLength)
    assert [shown.whole for shown in told] == [False, False, False, True]


def test_a_story_has_its_body_summary_or_title_and_an_opening_may_be_all_of_it() -> None:
    assert (
        source(html="").at_length(StoryLength.FULL, StoryRank.LEAD).length
        == StoryLength.SUMMARY
    )
    assert source(html="", summary="").at_length(StoryLength.FULL, StoryRank.LEAD).passages == (
        "The ferry that learned to wait for the tide",
    )
    assert (
        source(html="<p>A tide came in.</p>")
        .at_length(StoryLength.OPENING, StoryRank.LEAD)
        .whole
    )


def test_pictures_that_are_left_out_are_reported_to_the_editor() -> None:
    (note,) = source(picture=replace(sample.PICTURE, height=None)).notes(StoryLength.SUMMARY)
    assert note.code == "picture-left-out"
    assert "The ferry that learned to wait" in note.text
    assert "give width and height" in note.text
    assert list(source().notes(StoryLength.SUMMARY)) == []
    assert list(source(picture=None).notes(StoryLength.SUMMARY)) == []
    elsewhere = source(picture=replace(sample.PICTURE, src="https://cdn.example.net/a.png"))
    assert elsewhere.at_length(StoryLength.SUMMARY, StoryRank.LEAD).picture is None
    (note,) = elsewhere.notes(StoryLength.SUMMARY)
    assert "another server" in note.text
    own = source(picture=replace(sample.PICTURE, src=f"{sample.URL}/media/a.png"))
    assert own.at_length(StoryLength.SUMMARY, StoryRank.LEAD).picture is not None
    bare = source(html='<p>Tide.</p><p><img src="/media/map.svg" alt="A map"></p>')
    assert list(bare.notes(StoryLength.SUMMARY)) == []
    (note,) = bare.notes(StoryLength.FULL)
    assert "map.svg" in note.text


@pytest.mark.parametrize(
    ("language", "text", "noted"),
    [
        ("en", "tide " * 60, True),
        ("en", "tide " * 61, False),
        ("zh-Hans", "潮" * 160, True),
        ("zh-Hans", "潮" * 161, False),
    ],
)
def test_a_note_is_as_short_as_three_or_four_lines(
    language: str, text: str, noted: bool
) -> None:
    assert source(sample.item(language), text=text).is_note == noted


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


def test_what_fits_is_left_alone_and_nothing_fits_where_even_a_line_is_too_long() -> None:
    assert search((FULL, FULL)) == ((FULL, FULL), finish(write((FULL, FULL))))
    assert (
        find_fitting_plan(
            length_plans((FULL, FULL)), write, finish, lambda _html: MAX_HTML_BYTES + 1
        )
        is None
    )


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
