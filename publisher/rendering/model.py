"""The values that templates get: frozen, with everything decided.

`publisher.rendering.views` makes them. What differs between subscribers is not here: templates write
placeholders for it (`publisher.rendering.filters`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from publisher.articles.model import Article, Picture
from publisher.rendering.colours_and_fonts import Palette


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicationView:
    """The publication in one language.

    `url` has no slash at its end. `feeds_url` is the page on following by feed, `opml_url` the list
    of all feeds. `headings` is the kind of type of titles. `masthead` says whose name heads a mail, the
    publication's (`name`) or the newsletter's. A `logo` replaces that name.
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
    masthead: Literal["name", "newsletter"] = "name"
    logo: Picture | None = None
    icon_url: str = ""
    subscribe_url: str = ""  # of the form to subscribe; empty if there is none
    privacy_url: str = ""  # of the privacy notice; empty if the settings name none
    feeds: tuple[FeedLine, ...] = ()  # in the head and foot of the site's pages


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageLink:
    """The address of the same page in another language."""

    language: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleView:
    """One article in one issue or on one page.

    `shown_as` is `fallback` for an article in another language than the issue's, `converted` for one whose script was
    converted by machine. `is_late` marks a translation that came well after its original; `original_on` is then the
    original's date, unless that is the day on which the translation appeared. `published` is the moment for programs
    elsewhere, in the publication's time zone, with the article's day in nearly all others. `related` are other articles
    in the same language. `corrected_on` is set of one that a newsletter carried with other words. `original_url` is the
    address of the story's original, where it is another article and known. `previous` and `next` appeared before and
    after it in its language; they are set on its own page.
    """

    article: Article
    url: str
    published: datetime
    shown_as: Literal["fallback", "converted"] | None = None
    is_late: bool = False
    translations: tuple[LanguageLink, ...] = ()
    related: tuple[RelatedArticle, ...] = ()
    previous: RelatedArticle | None = None
    next: RelatedArticle | None = None
    corrected_on: date | None = None
    original_url: str | None = None
    original_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHead:
    """What the head of a page says to machines.

    `fallback_url` is the same page for readers of none of its languages (`x-default`). `locales` are those of Open
    Graph, the page's own first. `picture` is shown where the page is shared, `data` is JSON-LD.
    """

    fallback_url: str
    locales: tuple[str, ...]
    picture: Picture | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedArticle:
    """A line of "you might also like", or the article before or after another."""

    title: str
    url: str
    language: str


PicturesShown = Literal["lead", "all", "none"]  # which stories of a digest show their picture


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionNote:
    """A correction on the page of an issue: its words, or a link to the page of the one that was mailed."""

    day: date
    subject: str
    html: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueContent:
    """The content of one issue in one language.

    `day` is the issue's occurrence, `number` counts the newsletter's issues in this language from 1 and is 0 if
    unknown, `web_url` its copy on the web, `archive_url` the list of the newsletter's issues, `sisters` the same issue
    in other languages. `more` articles had no room; they are at `more_url`. `content` is how much of each article a
    mail carries, `pictures` which stories show their picture, `blocks` the optional parts (`notes`, `quotation`).
    `cadence` is empty, or that of a digest of the newsletter: `daily`, `weekly` or `monthly`; the renderer adds it to
    `title`. `withdrawn` articles were in the digest and are not shown any more. `subject`, `preheader` and
    `introduction`, clean HTML, are what editors wrote; empty for the program's own, and for no introduction. `quoted`
    is the story and the text that they chose to quote, and an empty text for no quotation. `corrections` are those of
    an editor since, on the page only.
    """

    publication: PublicationView
    newsletter: str
    title: str
    day: date
    items: tuple[ArticleView, ...]
    sisters: tuple[LanguageLink, ...]
    web_url: str
    more: int = 0
    more_url: str = ""
    content: Literal["summary", "full"] = "summary"
    pictures: PicturesShown = "all"
    number: int = 0
    archive_url: str = ""
    blocks: frozenset[str] = frozenset()
    cadence: str = ""
    withdrawn: int = 0
    subject: str = ""
    preheader: str = ""
    introduction: str = ""
    quoted: tuple[int, str] | None = None
    corrections: tuple[CorrectionNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMail:
    """A mail about a subscription itself. `kind` is the folder of its templates.

    `newsletters` are their titles; a goodbye without any is one to all of them. `latest` are the
    newest issues of a welcome. `mailbox` is the address that takes commands by mail, empty if none
    does. `has_pages` says that subscribers' pages are served; without them, links open a mail. `has_code`
    and `has_new_address` say which of the values a mail has that some lack.
    """

    kind: str
    publication: PublicationView
    newsletters: tuple[str, ...] = ()
    # Title, description (may be empty) and, in a welcome, the reader's date of the next issue of each of
    # these of which either is known.
    about: tuple[tuple[str, str, date | None], ...] = ()
    latest: tuple[IssueLine, ...] = ()
    mailbox: str = ""
    has_code: bool = False
    has_pages: bool = True
    has_new_address: bool = False
    is_again: bool = False  # a welcome after a leaving was undone
    # Links for somebody in whose name a mail asked to leave `newsletters`, or all.
    asks_to_leave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueLine:
    """An issue in a list of issues."""

    title: str
    day: date
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAddress:
    """The address of a feed in one format; `name` is the format's usual name ("Atom")."""

    name: str
    url: str
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine(FeedAddress):
    """A feed in a page's head and foot.

    `title` is the publication's in the feed's `language`, which is None for the feed of all languages.
    """

    title: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPageLink:
    """A link to the page of another feed; `language` is the title's, if not the page's."""

    title: str
    url: str
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedGroup:
    """Other feeds of one kind, in the order in which they are listed."""

    kind: Literal["language", "topic", "author", "more"]
    links: tuple[FeedPageLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedContent:
    """The content of a page on how to follow one feed.

    `title` is the publication's title, the topic or the author's name. `language` is the feed's, None
    where each entry has its own. `url` is the page's address. The first of `formats` is the
    recommended one. `articles` are the newest few, `sisters` the same page in other languages.
    `opml_url` is the list of all feeds, `language_opml_url` that of the feeds in one language without those of topics
    and authors. `all_url` is the page for the feed of all languages, if there are several.
    """

    kind: Literal["language", "topic", "author", "all", "issues", "recordings"]
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
    language_opml_url: str | None = None
    all_url: str | None = None
    list_url: str = ""  # the list of all its articles; empty if there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedNoteLine:
    """An entry in the note of a feed for people who open it in a browser."""

    title: str
    url: str
    language: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedTexts:
    """The texts of a feed's entry: title and summary are plain."""

    title: str
    summary: str
    content_html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewsletterLine:
    """A newsletter on the front page, with the address of the list of its issues."""

    title: str
    description: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLine:
    """A list in the list of all: a month by its first day, a section, topic or author; and the number of its articles."""

    url: str
    count: int
    title: str = ""
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContent:
    """The content of a list page: a language's front page, or one newsletter's archive.

    The first of `articles` leads the front page; `newsletters` and `sections` are on the front page only.
    """

    publication: PublicationView
    title: str
    description: str
    url: str
    articles: tuple[ArticleView, ...]
    issues: tuple[IssueLine, ...]
    sisters: tuple[LanguageLink, ...]
    newsletters: tuple[NewsletterLine, ...] = ()
    sections: tuple[ArchiveLine, ...] = ()


ArchiveKind = Literal["archive", "month", "sections", "topics", "authors", "search", "part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveContent:
    """The content of a page that lists articles: of a month, by its first day, or of a section, topic or author.

    A page of kind `archive` has all `months` and `sections`, and `topics` and `authors` with most articles.
    `articles` come without their texts; the pages with `newer` and `older` ones are beside it. The `search` has
    the `months`, its `script` by its path below the web root, and the number of `parts` of the index.
    """

    url: str
    kind: ArchiveKind = "archive"
    title: str = ""
    day: date | None = None
    articles: tuple[ArticleView, ...] = ()
    newer_url: str = ""
    older_url: str = ""
    months: tuple[ArchiveLine, ...] = ()
    sections: tuple[ArchiveLine, ...] = ()
    topics: tuple[ArchiveLine, ...] = ()
    authors: tuple[ArchiveLine, ...] = ()
    sisters: tuple[LanguageLink, ...] = ()
    script: str = ""
    parts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryText:
    """The text of a story in a digest, block by block, as both parts of the mail have it.

    `code` are those of the article's texts of code that contain code of templates.
    """

    language: str
    url: str
    passages: tuple[str, ...]
    code: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestNote:
    """A remark on a digest for the editor, in English; `code` never changes, `fix` says what to do."""

    code: str
    text: str
    fix: str = "read the mail and see whether it still says enough without it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A rendered mail, with placeholders for what differs between subscribers.

    `stories` are the texts that both parts carry, `notes` say what was left out or shortened.
    `quoted` are further texts that people wrote: names, sections, titles of other articles. `words` is the
    language of the program's words in a mail about a subscription.
    """

    subject: str
    preheader: str
    html: str
    text: str
    stories: tuple[StoryText, ...] = ()
    notes: tuple[DigestNote, ...] = ()
    quoted: tuple[str, ...] = ()
    words: str = ""
