"""Rendering web pages, feed entries and feeds' style: which template, and what it is told.

Knows no file and no folder: whoever calls writes what comes back where it belongs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from publisher.rendering.environment import Templates
from publisher.rendering.model import (
    ArticleView,
    FeedContent,
    FeedLine,
    FeedTexts,
    HomeContent,
    IssueContent,
    LanguageLink,
    PublicationView,
)

_LINE_BREAKS = re.compile("[ \t\r\n\f\v\u0085\u2028\u2029]+")


def issue_page(templates: Templates, content: IssueContent, feeds: Sequence[FeedLine]) -> str:
    """Render an issue's copy on the web, with its articles in full."""
    values = {
        "issue": content,
        "house": content.house,
        "feeds": feeds,
        "url": content.web_url,
        "sisters": content.sisters,
    }
    return templates.render("web/issue.html", content.house.language, values)


def article_page(
    templates: Templates, house: PublicationView, item: ArticleView, feeds: Sequence[FeedLine]
) -> str:
    """Render the page of one article."""
    values = {
        "item": item,
        "house": house,
        "feeds": feeds,
        "url": item.url,
        "sisters": item.translations,
    }
    return templates.render("web/article.html", house.language, values)


def home_page(templates: Templates, content: HomeContent, feeds: Sequence[FeedLine]) -> str:
    """Render a list page: a language's front page, or a newsletter's archive."""
    values = {
        "home": content,
        "house": content.house,
        "feeds": feeds,
        "url": content.url,
        "sisters": content.sisters,
    }
    return templates.render("web/home.html", content.house.language, values)


def chooser_page(
    templates: Templates,
    house: PublicationView,
    links: Sequence[LanguageLink],
    feeds: Sequence[FeedLine],
) -> str:
    """Render the page at the root, where a reader chooses a language."""
    values = {
        "house": house,
        "feeds": feeds,
        "url": f"{house.url}/",
        "sisters": (),
        "links": links,
    }
    return templates.render("web/chooser.html", house.language, values)


def letter_page(
    templates: Templates,
    house: PublicationView,
    kind: Literal["unsubscribe", "preferences"],
    sender_address: str,
    feeds: Sequence[FeedLine],
) -> str:
    """Render the page that says how to leave, or to change, by writing to the sender."""
    values = {
        "house": house,
        "feeds": feeds,
        "url": None,
        "sisters": (),
        "kind": kind,
        "sender": sender_address,
    }
    return templates.render("web/letter.html", house.language, values)


def feed_page(
    templates: Templates,
    house: PublicationView,
    content: FeedContent,
    feeds: Sequence[FeedLine],
) -> str:
    """Render the page that says how to follow a feed."""
    values = {
        "feed": content,
        "house": house,
        "feeds": feeds,
        "url": content.url,
        "sisters": content.sisters,
    }
    return templates.render("web/feed.html", house.language, values)


def feed_texts(templates: Templates, house: PublicationView, item: ArticleView) -> FeedTexts:
    """Render what a feed carries for an item; every URL in its HTML is absolute."""
    names = ("feed/title.txt", "feed/summary.txt", "feed/entry.html")
    values = {"item": item, "house": house}
    title, summary, content = templates.render_each(names, house.language, values)
    return FeedTexts(
        title=_line(title),
        summary=_line(summary),
        content=content.strip(),
    )


def _line(text: str) -> str:
    """Write a text as one line; no-break and ideographic spaces are typography, and stay."""
    return _LINE_BREAKS.sub(" ", text).strip(" ")


def feed_style(templates: Templates, house: PublicationView) -> str:
    """Render the sheet in which browsers show the raw RSS and Atom of a language."""
    return templates.render("feed/style.css", house.language, {"house": house})
