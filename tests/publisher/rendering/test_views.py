"""What templates see of a publication and its articles: labels, related articles and feeds."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from publisher.articles.model import Article, ArticleStatus, Byline, Origin, Picture
from publisher.config import Publication
from publisher.rendering import ArticleView, views
from publisher.rendering.placeholders import ALL_PLACEHOLDERS
from publisher.testing import SAMPLE_PUBLICATION, sample_article

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://news.example.org"


@pytest.fixture
def publication() -> Publication:
    return Publication.model_validate({**SAMPLE_PUBLICATION, "description": {"ar": "وصف"}})


def variant(language: str, **changes: Any) -> Article:
    return sample_article(language=language, title=f"In {language}", **changes)


def test_a_publication_is_shown_in_the_language_of_the_page(publication: Publication) -> None:
    view = views.publication_view(publication, "zh-Hans")
    assert (view.title, view.language) == ("灯笼", "zh-Hans")
    assert (view.url, view.since) == (URL, 2026)
    assert views.publication_view(publication, "ar").title == "The Lantern"
    assert views.publication_view(publication, "ar").description == "وصف"
    assert view.languages == ("en", "zh-Hans", "zh-Hant", "ar")


def test_an_article_is_a_fallback_only_in_another_language(publication: Publication) -> None:
    item = views.article_view(publication, variant("en"), "en", [variant("en")])
    assert item.shown_as is None
    assert item.translations == ()
    assert item.url == f"{URL}/en/stories/story-1/"
    assert views.article_view(publication, variant("en"), "ar", []).shown_as == "fallback"
    alone = variant("ar", origin=Origin.TRANSLATION)
    assert not views.article_view(publication, alone, "ar", []).is_late


@pytest.mark.parametrize("language", ["zh-Hant", "en"])
def test_a_conversion_is_labelled_wherever_it_is_shown(
    publication: Publication, language: str
) -> None:
    converted = variant("zh-Hant", origin=Origin.CONVERTED)
    assert views.article_view(publication, converted, language, []).shown_as == "converted"


@pytest.mark.parametrize(
    ("origin", "days", "late"),
    [
        (Origin.TRANSLATION, 2, False),
        (Origin.TRANSLATION, 3, True),
        (Origin.ORIGINAL, 3, False),
        (Origin.CONVERTED, 3, False),
    ],
)
def test_a_translation_is_late_after_two_days(
    publication: Publication, origin: Origin, days: int, late: bool
) -> None:
    first = variant("en", available_at=NEW_YEAR)
    second = variant("ar", origin=origin, available_at=NEW_YEAR + timedelta(days=days))
    assert views.article_view(publication, second, "ar", [first, second]).is_late is late


def test_translations_come_in_the_order_of_the_publication(publication: Publication) -> None:
    elsewhere = variant("zh-Hans", url="https://example.net/x")
    found = [variant("ar"), elsewhere, variant("fr"), variant("en"), variant("zh-Hant")]
    links = views.article_translations(publication, variant("zh-Hant"), found)
    assert [(link.language, link.url) for link in links] == [
        ("en", f"{URL}/en/stories/story-1/"),
        ("zh-Hans", "https://example.net/x"),
        ("ar", f"{URL}/ar/stories/story-1/"),
    ]


def other(number: int, *topics: str, **changes: Any) -> Article:
    return sample_article(story_id=number, topics=topics, **changes)


def numbers(mine: Article, pool: list[Article], leave_out: set[int] | None = None) -> list[int]:
    return [found.story_id for found in views.related_articles(mine, pool, leave_out or set())]


def test_more_shared_topics_come_first_and_then_the_newest() -> None:
    mine = other(1, "rivers", "maps", section="Crafts")
    pool = [
        other(2, "rivers", published_at=NEW_YEAR),
        other(3, "rivers", published_at=NEW_YEAR + timedelta(days=1)),
        other(4, "rivers", "maps", published_at=NEW_YEAR - timedelta(days=9)),
        other(5, "cats"),
    ]
    assert numbers(mine, pool) == [4, 3, 2]


def test_what_shares_a_topic_or_section_is_related_but_nothing_that_is_on_the_page() -> None:
    assert numbers(other(1, section="Crafts"), [other(2, section="Crafts")]) == [2]
    assert numbers(other(1, section="Crafts"), [other(2, "Crafts")]) == [2]
    assert numbers(other(1), [other(2), other(3, "rivers")]) == []
    mine = other(1, "rivers")
    assert numbers(mine, [mine, other(2, "rivers"), other(3, "rivers")], {3}) == [2]
    pool = [other(number, "rivers") for number in (5, 4, 3, 2)]
    assert numbers(other(1, "rivers"), pool) == [2, 3, 4]


def test_related_articles_are_shown_with_their_addresses(publication: Publication) -> None:
    near = other(2, url="https://example.net/x")
    item = views.article_view(publication, variant("en"), "en", [], [near])
    (line,) = item.related
    assert (line.title, line.url, line.language) == ("Story 2", "https://example.net/x", "en")


def test_a_page_announces_its_own_language_s_feeds_first_and_one_language_has_no_feed_of_all(
    publication: Publication,
) -> None:
    lines = views.feed_lines(publication, "ar")
    assert len(lines) == 15
    assert [line.url for line in lines[:4]] == [
        f"{URL}/feeds/ar.rss.xml",
        f"{URL}/feeds/ar.atom.xml",
        f"{URL}/feeds/ar.json",
        f"{URL}/feeds/en.rss.xml",
    ]
    assert [line.language for line in lines[::3]] == ["ar", "en", "zh-Hans", "zh-Hant", None]
    assert [line.name for line in lines[:3]] == ["RSS", "Atom", "JSON Feed"]
    assert lines[6].title == "灯笼"
    assert lines[-1].title == "The Lantern"
    assert lines[-1].url == f"{URL}/feeds/all.json"
    alone = Publication.model_validate({**SAMPLE_PUBLICATION, "languages": ["en"]})
    assert [line.language for line in views.feed_lines(alone, "en")] == ["en"] * 3


def test_a_feed_of_a_topic_has_an_address_in_each_format(publication: Publication) -> None:
    found = views.feed_addresses(publication, "ar/topics/rivers")
    assert [(address.name, address.url) for address in found] == [
        ("RSS", f"{URL}/feeds/ar/topics/rivers.rss.xml"),
        ("Atom", f"{URL}/feeds/ar/topics/rivers.atom.xml"),
        ("JSON Feed", f"{URL}/feeds/ar/topics/rivers.json"),
    ]


# An article must not get at its readers' values


def laden(token: str) -> Article:
    """Make an article that holds a reader's token wherever words or addresses go."""
    return sample_article(
        title=f"Title {token}",
        summary=f"Summary {token}",
        html=f'<p>{token} <a href="https://example.net/{token}">x</a></p>',
        text=f"Text {token}",
        bylines=(Byline(name=f"Name {token}", affiliation=f"House {token}"),),
        translators=(f"Translator {token}",),
        section=f"Section {token}",
        topics=(f"Topic {token}",),
        picture=Picture(src=f"https://example.net/{token}.png", alt=f"Alt {token}"),
        url=f"https://example.net/{token}",
    )


def shown(publication: Publication, article: Article, *near: Article) -> ArticleView:
    variants = [article, variant("ar", url=article.url)]
    return views.view_for_mail(views.article_view(publication, article, "en", variants, near))


def test_pages_and_feeds_show_every_text_as_it_is(publication: Publication) -> None:
    article = laden("@@ROWCOUNT")
    item = views.article_view(
        publication, article, "en", [article, variant("ar", url=article.url)]
    )
    assert item.article == article
    assert item.url == item.translations[0].url == "https://example.net/@@ROWCOUNT"


@pytest.mark.parametrize("token", ALL_PLACEHOLDERS)
def test_no_field_of_an_article_keeps_a_placeholder(
    publication: Publication, token: str
) -> None:
    item = shown(publication, laden(token), laden(token))
    assert token not in repr(item)
    assert (item.article.status, item.article.origin) == (ArticleStatus.READY, Origin.ORIGINAL)
    assert isinstance(item.article.status, ArticleStatus)
    assert item.article.published_on == date(2026, 1, 5)


@pytest.mark.parametrize("text", ["ann@example.com", "@@ROWCOUNT", "@@ -1,3 +1,4 @@ def f():"])
def test_what_holds_no_token_is_left_as_it_is(publication: Publication, text: str) -> None:
    plain = laden(text)
    assert shown(publication, plain).article == plain
