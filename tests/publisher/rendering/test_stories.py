"""How a digest tells a story: in whole sentences, and the same in both parts."""

from dataclasses import replace

import pytest

from publisher.rendering import ArticleView
from publisher.rendering.digest_stories import (
    SUMMARY_COLUMNS,
    TITLE_COLUMNS,
    StoryLength,
    StorySource,
    whole_sentences,
)
from publisher.rendering.plaintext import display_width
from tests.publisher.rendering import sample


def source(item: ArticleView | None = None, **changes: object) -> StorySource:
    made = item or sample.item("en")
    article = replace(made.article, **changes)  # type: ignore[arg-type]  # fields by name
    return StorySource(replace(made, article=article), sample.publication(article.language))


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("One tide. Another tide. A third.", 24, "One tide. Another tide."),
        ("One tide. Another tide.", 9, "One tide."),
        ("潮水来了。潮水走了。又来了。", 20, "潮水来了。潮水走了。"),
        ("جاء المد. ثم عاد.", 10, "جاء المد."),
        ("A title without a stop", 30, "A title without a stop"),
        (
            "Dr. Sample came at 8 a.m. and left. Then it rained.",
            40,
            "Dr. Sample came at 8 a.m. and left.",
        ),
        ("", 30, ""),
        ("  \n ", 30, ""),
    ],
)
def test_a_summary_is_whole_sentences(text: str, columns: int, said: str) -> None:
    assert whole_sentences(text, columns) == said


def test_a_sentence_that_goes_on_and_on_is_left_out_rather_than_cut() -> None:
    assert whole_sentences("tide and " * 40 + "ebb.", 40) == ""
    assert display_width(whole_sentences("tide and " * 40 + "ebb.", 200)) > 200


def test_each_shape_tells_less_than_the_larger_one() -> None:
    told = [
        source(html=sample.body("A tide came in. ") * 30).at_length(shape)
        for shape in StoryLength
    ]
    words = [len("".join(shown.passages)) for shown in told]
    assert words == sorted(words)
    assert len(set(words)) == 4
    assert [shown.length for shown in told] == list(StoryLength)
    assert [shown.whole for shown in told] == [False, False, False, True]


def test_a_story_without_a_body_has_its_summary_or_its_title() -> None:
    assert source(html="").at_length(StoryLength.FULL).length == StoryLength.SUMMARY
    assert source(html="", summary="").at_length(StoryLength.FULL).passages == (
        "The ferry that learned to wait for the tide",
    )


def test_an_opening_that_is_the_whole_body_leaves_nothing_to_read() -> None:
    assert source(html="<p>A tide came in.</p>").at_length(StoryLength.OPENING).whole


def test_a_title_without_end_does_not_fill_a_mail() -> None:
    title = source(title="tide " * 10_000).at_length(StoryLength.LINE).title
    assert display_width(title) <= TITLE_COLUMNS


def test_a_picture_that_is_left_out_is_reported_to_the_editor() -> None:
    (note,) = source(picture=replace(sample.PICTURE, height=None)).notes(StoryLength.SUMMARY)
    assert note.code == "picture-left-out"
    assert "The ferry that learned to wait" in note.text
    assert "give width and height" in note.text
    assert list(source().notes(StoryLength.SUMMARY)) == []
    assert list(source(picture=None).notes(StoryLength.SUMMARY)) == []


def test_a_picture_on_another_server_is_left_out_because_it_would_track_opens() -> None:
    elsewhere = source(picture=replace(sample.PICTURE, src="https://cdn.example.net/a.png"))
    assert elsewhere.at_length(StoryLength.SUMMARY).picture is None
    (note,) = elsewhere.notes(StoryLength.SUMMARY)
    assert "another server" in note.text
    own = source(picture=replace(sample.PICTURE, src=f"{sample.URL}/media/a.png"))
    assert own.at_length(StoryLength.SUMMARY).picture is not None


def test_pictures_within_a_text_are_reported_where_the_text_is_shown() -> None:
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


def test_a_summary_never_takes_more_than_its_columns_by_much() -> None:
    long = source(summary="A tide came in, and went. " * 50).summary
    assert SUMMARY_COLUMNS - 30 < display_width(long) <= SUMMARY_COLUMNS
