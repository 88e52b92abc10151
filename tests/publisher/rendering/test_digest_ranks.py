"""Ranks of a digest's stories, and the languages, dates and marks that it names once."""

import re
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Literal

import pytest

from publisher.articles.model import Byline
from publisher.assembly.gate_run import check_digest
from publisher.languages import autonym
from publisher.rendering import Digest
from publisher.rendering.digest_stories import BRIEF_COLUMNS, Quotation
from publisher.rendering.model import LanguageLink
from publisher.rendering.plaintext import display_width
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample
from tests.publisher.rendering.reading import words
from tests.publisher.rendering.test_digest import RENDERER, one, sample_digest, tree

without_controls = partial(re.sub, "[\u2066-\u2069]", "")


def ranked(*, content: Literal["summary", "full"] = "summary") -> Digest:
    """An issue of six stories, each with a picture and in the languages of its sisters."""
    items = tuple(
        replace(
            made,
            url=f"{made.url}{index}/",
            article=replace(made.article, title=f"Tide {index}", section=None),
        )
        for index in range(6)
        for made in [sample.item("en", 0)]
    )
    return RENDERER.digest(sample.issue("en", items=items, content=content, pictures="all"))


def test_after_the_lead_three_stories_have_pictures_and_the_rest_are_briefs() -> None:
    root = tree(ranked())
    titles = [(e.get("class"), words(e)) for e in root.iter("h2", "h3")]
    assert titles == [
        ("headline-lead", "Tide 0"),
        *(("headline-feature", f"Tide {number}") for number in (1, 2, 3)),
        *(("headline-brief", f"Tide {number}") for number in (4, 5)),
    ]
    assert [image.get("width") for image in root.iter("img")] == ["600", "152", "152", "152"]
    briefs = [words(e) for e in root.iter("p") if e.get("class") == "summary-brief"]
    assert len(briefs) == 2
    assert all(display_width(text) <= BRIEF_COLUMNS for text in briefs)


def test_a_story_that_stands_elsewhere_has_its_site_in_place_of_the_time_to_read_it() -> None:
    made = sample.item("en", 0)
    away = replace(made.article, url="https://www.xn--mgbh0fb.example/tides?a=1")
    digest = RENDERER.digest(sample.issue("en", items=(replace(made, article=away), made)))
    shown = [words(e) for e in tree(digest).iter("p") if e.get("class") == "byline"]
    assert [text.rpartition(" · ")[2] for text in shown] == ["مثال.example", "4 min"]
    lines = [without_controls(line) for line in digest.text.splitlines()]
    assert {"مثال.example", "4 min"} <= set(lines)


def test_a_brief_stands_closer_to_the_brief_below_it_than_to_anything_else() -> None:
    cells = [
        e.get("class")
        for e in tree(ranked()).iter("td")
        if "item" in e.get("class", "").split()
    ]
    assert cells == ["item lead", *["item next"] * 3, "item next close", "item"]


def test_each_story_has_its_picture_above_where_mails_have_whole_texts() -> None:
    images = [image.get("width") for image in tree(ranked(content="full")).iter("img")]
    assert images == ["600"] * 6


def test_languages_of_a_story_are_named_where_the_issue_is_not_in_them_too() -> None:
    content = sample.issue("en", items=(item := sample.item("en"),))
    assert "Also in" not in RENDERER.digest(content).html
    alone = RENDERER.digest(replace(content, sisters=()))
    for part in (words(tree(alone)), alone.text):
        assert f"Also in: {autonym(item.translations[0].language)}" in without_controls(part)


def test_many_languages_are_one_link() -> None:
    content = sample.issue("en", items=(sample.item("en", translations=()),))
    many = tuple(
        LanguageLink(language=tag, url=f"{sample.URL}/{tag}/weekly/2026-01-09/")
        for tag in ("bg", "cs", "da", "de", "el", "es", "et", "fi", "fr")
    )
    digest = RENDERER.digest(replace(content, sisters=many))
    assert words(one(tree(digest), "tongues")) == "Choose a language"
    assert f"Choose a language\n{content.web_url}\n" in digest.text
    few = RENDERER.digest(replace(content, sisters=many[:8]))
    assert words(one(tree(few), "tongues")).startswith("Български · Čeština · Dansk")
    story = RENDERER.digest(
        replace(content, items=(sample.item("en", translations=many),), sisters=())
    )
    assert words(one(tree(story), "also")) == "Choose a language"


def test_a_forwarded_mail_tells_where_to_subscribe_if_pages_are_served() -> None:
    content = sample.issue("en")
    publication = replace(content.publication, subscribe_url=f"{sample.URL}/en/subscribe/")
    digest = RENDERER.digest(replace(content, publication=publication))
    for part in (words(tree(digest)), digest.text):
        assert "Was this mail forwarded to you? Subscribe" in part
    assert "forwarded" not in sample_digest("en").html + sample_digest("en").text


def test_a_story_older_than_the_issues_period_has_its_date() -> None:
    item = sample.item("en")
    old = replace(item, article=replace(item.article, published_on=date(2026, 1, 1)))
    for content, dated in ((item, ""), (old, "January 1, 2026 · ")):
        digest = RENDERER.digest(sample.issue("en", items=(content,)))
        assert words(one(tree(digest), "byline")).endswith(f" · {dated}4 min")


def test_titles_of_the_text_part_are_underlined_by_rank_as_wide_as_they_are() -> None:
    text = ranked().text
    assert "\n\nTide 0\n======\n" in text
    assert "\n\nTide 1\n------\n" in text
    assert "\n\nTide 4\n" in text
    assert "Tide 4\n-" not in text
    assert "\n学会等待潮水的渡轮\n==================\n" in sample_digest("zh-Hans").text


def test_a_quotation_stands_in_the_marks_of_its_language() -> None:
    content = sample.issue(
        "zh-Hant", quoted=(sample.item("zh-Hant").article.story_id, "“潮水會來”")
    )
    digest = RENDERER.digest(content)
    assert words(one(tree(digest), "quotation-text")) == "「潮水會來」"
    assert "「潮水會來」" in digest.text


def spoken(html: str, text: str | None, *names: str) -> str:
    """Return whom an issue names beside what it quotes, in both parts of the mail."""
    item = sample.item("en")
    said = replace(item.article, html=html, bylines=tuple(Byline(name=name) for name in names))
    item = replace(item, article=said)
    chosen = (said.story_id, text) if text else None
    content = sample.issue("en", items=(item,), blocks=frozenset({"quotation"}), quoted=chosen)
    digest = RENDERER.digest(content)
    source = words(one(tree(digest), "quotation-source"))
    name = source.removesuffix(said.title).removesuffix(" · ")
    assert (f"— {name}\n{said.title}" in digest.text) == bool(name)
    return name


def test_a_quotation_names_whom_the_article_names_or_its_author_for_words_of_the_authors() -> (
    None
):
    html = "<p>Nobody rows alone.</p><blockquote><p>The tide keeps its own clock.</p>{}</blockquote>"
    named, unnamed = html.format("<p>— Ada Lee</p>"), html.format("")
    assert spoken(named, None, "Ann Example") == "Ada Lee"
    assert spoken(named, "its own clock", "Ann Example") == "Ada Lee"
    assert spoken(unnamed, None, "Ann Example") == ""
    assert spoken(unnamed, "its own clock", "Ann Example") == ""
    assert spoken(unnamed, "Nobody rows alone.", "Ann Example") == "Ann Example"
    assert spoken(unnamed, "Nobody rows alone.", "Ann Example", "Ben Ruiz") == ""
    assert spoken(unnamed, "“Nobody rows alone.”", "Ann Example") == ""


def test_a_story_with_a_picture_beside_it_runs_in_its_own_direction() -> None:
    told = sample.item("en", shown_as="fallback")
    content = sample.issue("ar", items=(sample.item("ar"), told), pictures="all")
    assert len(list(tree(RENDERER.digest(content)).iter("img"))) == 2
    report = check_digest(a_publication(), an_issue("ar"), RENDERER.digest(content)).report
    assert report.errors == ()


def test_many_languages_to_change_to_are_one_link_to_the_preferences() -> None:
    content = sample.issue("en", sisters=())
    for count, offered in ((9, True), (10, False)):
        tags = ("en", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr")[:count]
        publication = replace(content.publication, languages=tags)
        digest = RENDERER.digest(replace(content, publication=publication))
        for part in (words(tree(digest)), digest.text):
            assert ("From now on in: " in part, "Choose a language" in part) == (
                offered,
                not offered,
            )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("«تأتي الأمواج».", "«تأتي الأمواج.»"),
        ("«تأتي الأمواج.»", "«تأتي الأمواج.»"),
        ("قال «نعم»", "«قال «نعم»»"),
        ("تأتي الأمواج", "«تأتي الأمواج»"),
    ],
)
def test_a_quotation_has_the_marks_of_its_article_only_once(text: str, shown: str) -> None:
    assert (
        Quotation(text=text, language="ar", title="", url="").marked.replace("\u200f", "")
        == shown
    )
