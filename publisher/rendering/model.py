"""What templates are given: frozen values with everything decided, nothing to look up.

Whoever makes an issue fills these in; templates only lay them out. Knows no database, no
schedule and no reader: what differs from reader to reader is a token (`publisher.rendering.placeholders`)
that delivery replaces in the finished text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from publisher.articles.model import Article, Picture
from publisher.rendering.palette import Palette


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationView:
    """The publication as readers of one language see it; `url` has no slash at its end.

    `feeds_url` is the page that says how to follow it by feed, `opml_url` the list of all feeds.
    `headings` is the kind of type that titles are set in; a `logo` stands for the title.
    """

    title: str
    description: str
    url: str
    address: str
    language: str
    languages: tuple[str, ...]
    since: int
    feeds_url: str
    opml_url: str
    palette: Palette
    headings: Literal["serif", "sans"] = "serif"
    logo: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageLink:
    """Where the same thing is in another language."""

    language: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
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
    related: tuple[RelatedArticle, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """A line of "you might also like"."""

    title: str
    url: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueContent:
    """Everything that one issue says.

    `day` is its occurrence, `web_url` its copy on the web, `sisters` the same issue in other
    languages, `more` how many further articles there were for which it had no room, `more_url`
    where they are. `content` says how much of each article a mail carries, `blocks` what stands
    there besides.
    """

    house: PublicationView
    newsletter: str
    title: str
    day: date
    items: tuple[ArticleView, ...]
    sisters: tuple[LanguageLink, ...]
    web_url: str
    more: int = 0
    more_url: str = ""
    content: Literal["summary", "full"] = "summary"
    blocks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMail:
    """A mail about a subscription itself; `newsletters` are titles, as the reader knows them."""

    kind: Literal["confirm", "welcome", "goodbye"]
    house: PublicationView
    newsletters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """An issue in a list of issues."""

    title: str
    day: date
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed in a page's head and foot.

    `title` is the publication's in the feed's `language`, which is None for the feed of all
    languages; `name` is the format's, as people call it ("Atom").
    """

    title: str
    language: str | None
    name: str
    url: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAddress:
    """Where a feed is in one format; `name` is the format's, as people call it ("Atom")."""

    name: str
    url: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPageLink:
    """Where it says how to follow another feed.

    `language` is that of the title, where it is not the page's.
    """

    title: str
    url: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedGroup:
    """Other feeds, all of them of one kind, in the order in which they are listed."""

    kind: Literal["language", "topic", "author"]
    links: tuple[FeedPageLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContent:
    """Everything that the page says on how to follow one feed.

    `title` is the publication's title, the topic or the author's name, `language` the feed's
    (None where each entry has its own), `url` the page's own address. The first of `formats` is
    the one that is recommended. `articles` are the newest few, `sisters` the same page in other
    languages, `all_url` the page for the feed of all languages, where there are several.
    """

    kind: Literal["language", "topic", "author", "all"]
    title: str
    description: str
    affiliation: str | None
    language: str | None
    url: str
    formats: tuple[FeedAddress, ...]
    articles: tuple[ArticleView, ...]
    others: tuple[FeedGroup, ...]
    sisters: tuple[LanguageLink, ...]
    opml_url: str
    all_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTexts:
    """What a feed carries for an item: plain title and summary, and HTML."""

    title: str
    summary: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """A list page: a language's front page, or one newsletter's archive."""

    house: PublicationView
    title: str
    url: str
    articles: tuple[ArticleView, ...]
    issues: tuple[IssueLine, ...]
    sisters: tuple[LanguageLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryText:
    """A story as a digest tells it: its words in order, block by block, as plain text."""

    language: str
    url: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestNote:
    """Something that the editor should know of a digest, in English; `code` is stable."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A rendered issue: what is frozen, hashed and sent. Reader tokens are still in it.

    `stories` are the words that both parts carry, `notes` what was left out or shortened, `quoted`
    further words that people wrote, such as names, sections, titles of other articles.
    """

    subject: str
    preheader: str
    html: str
    text: str
    stories: tuple[StoryText, ...] = ()
    notes: tuple[DigestNote, ...] = ()
    quoted: tuple[str, ...] = ()
