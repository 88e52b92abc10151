"""The addresses of everything on the web, and so its file below `public/`. Pure.

The URL scheme is defined here only. Pages end with a slash, and their file is `index.html` in a
folder of that name. Languages are canonical tags. A story has the same slug in every language.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from publisher.articles.model import Article, LanguageVersion
    from publisher.config import Publication


def page_file(url_path: str) -> PurePosixPath:
    """Return the file below the web root for the path of a page."""
    return PurePosixPath(url_path) / "index.html"


def home_path(language: str) -> str:
    """Return the path of a language's home page."""
    return f"{language}/"


def article_path(language: str, slug: str) -> str:
    """Return the path of an article's page."""
    return f"{language}/stories/{slug}/"


def newsletter_path(language: str, newsletter: str) -> str:
    """Return the path of an edition's archive."""
    return f"{language}/{newsletter}/"


def issue_path(language: str, newsletter: str, day: date) -> str:
    """Return the path of an issue's page."""
    return f"{language}/{newsletter}/{day.isoformat()}/"


def letter_path(language: str, kind: Literal["unsubscribe", "preferences"]) -> str:
    """Return the path of the page about unsubscribing or about preferences."""
    return f"{language}/{kind}/"


def feed_path(name: str, suffix: str) -> str:
    """Return the path of a feed's subscription document; a language's feed has its tag as name."""
    return f"feeds/{name}.{suffix}"


def feed_archive_path(name: str, number: int, suffix: str) -> str:
    """Return the path of an archive document of a feed; the oldest has number 1."""
    return f"feeds/{name}/archive/{number}.{suffix}"


def feed_page_path(language: str, rest: str = "") -> str:
    """Return the path of the page that says how to subscribe; `rest` is like "topics/harbour"."""
    return f"{language}/feeds/{rest}/" if rest else f"{language}/feeds/"


def all_feeds_page_path() -> str:
    """Return the path of that page for the feed of all languages."""
    return "feeds/"


def feed_style_path(language: str) -> str:
    """Return the path of the stylesheet of a language's feeds."""
    return f"feeds/style.{language}.css"


def opml_path() -> str:
    """Return the path of the list of all feeds."""
    return "feeds/index.opml"


def public_url(publication: Publication, path: str) -> str:
    """Return the URL of a path below the web root."""
    return f"{publication.url}/{path.removeprefix('/')}"


def article_url(publication: Publication, article: Article | LanguageVersion) -> str:
    """Return the URL of an article: its own, if it is published elsewhere, or that of its page."""
    return article.url or public_url(publication, article_path(article.language, article.slug))
