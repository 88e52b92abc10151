"""What templates are given: frozen values with everything decided, nothing to look up.

Whoever makes an issue fills these in; templates only lay them out. Knows no database, no
schedule and no reader: what differs from reader to reader is a token (`publisher.rendering.tokens`)
that delivery replaces in the finished text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from publisher.articles.model import Article


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The publication as readers of one language see it; `url` has no slash at its end."""

    title: str
    description: str
    url: str
    address: str
    language: str
    languages: tuple[str, ...]
    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageLink:
    """Where the same thing is in another language."""

    language: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article as one issue or page shows it.

    `shown_as` says why it is not simply an article in the issue's language: it is shown in
    another language (`fallback`), or its script was converted by machine (`converted`).
    `is_late` marks a translation that came well after its original. `related` are other
    articles in the same language, with their URLs.
    """

    article: Article
    url: str
    shown_as: Literal["fallback", "converted"] | None = None
    is_late: bool = False
    translations: tuple[LanguageLink, ...] = ()
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A line of "you might also like"."""

    title: str
    url: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueContent:
    """Everything that one issue says.

    `day` is its occurrence, `web_url` its copy on the web, `sisters` the same issue in other
    languages, `more` how many further articles there were for which it had no room, `more_url`
    where they are.
    """

    house: House
    newsletter: str
    title: str
    day: date
    items: tuple[Item, ...]
    sisters: tuple[LanguageLink, ...]
    web_url: str
    more: int = 0
    more_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """An issue in a list of issues."""

    title: str
    day: date
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed in a page's head and foot."""

    title: str
    url: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """A list page: a language's front page, or one newsletter's archive."""

    house: House
    title: str
    url: str
    articles: tuple[Item, ...]
    issues: tuple[IssueLine, ...]
    sisters: tuple[LanguageLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A rendered issue: what is frozen, hashed and sent. Reader tokens are still in it."""

    subject: str
    preheader: str
    html: str
    text: str
