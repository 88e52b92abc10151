"""Where everything is on the web, and so where its file lies below `public/`. Pure.

The one place that knows the scheme: pages end with a slash and are `index.html` in a folder
of that name; languages are canonical tags; stories go by their slug in every language.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from publisher.articles.model import Article, LanguageVersion
    from publisher.config import Publication


def page_file(url_path: str) -> PurePosixPath:
    """Give the file below the web root that answers for a page's path."""
    return PurePosixPath(url_path) / "index.html"


def home_path(language: str) -> str:
    """Give the path of a language's front page."""
    return f"{language}/"


def article_path(language: str, slug: str) -> str:
    """Give the path of an article's page."""
    return f"{language}/stories/{slug}/"


def newsletter_path(language: str, newsletter: str) -> str:
    """Give the path of an edition's archive."""
    return f"{language}/{newsletter}/"


def issue_path(language: str, newsletter: str, day: date) -> str:
    """Give the path of an issue's page."""
    return f"{language}/{newsletter}/{day.isoformat()}/"


def letter_path(language: str, kind: Literal["unsubscribe", "preferences"]) -> str:
    """Give the path of the pages for leaving and for changing."""
    return f"{language}/{kind}/"


def feed_path(name: str, suffix: str) -> str:
    """Give the path of a feed's subscription document; a language's feed is named by its tag."""
    return f"feeds/{name}.{suffix}"


def feed_archive_path(name: str, number: int, suffix: str) -> str:
    """Give the path of one of a feed's archive documents, which count from 1."""
    return f"feeds/{name}/archive/{number}.{suffix}"


def feed_page_path(language: str, rest: str = "") -> str:
    """Give the path of the page that says how to subscribe; `rest` is as "topics/harbour"."""
    return f"{language}/feeds/{rest}/" if rest else f"{language}/feeds/"


def all_feeds_page_path() -> str:
    """Give the path of that page for the feed of all languages."""
    return "feeds/"


def feed_style_path(language: str) -> str:
    """Give the path of the stylesheet of a language's feeds."""
    return f"feeds/style.{language}.css"


def opml_path() -> str:
    """Give the path of the list of all feeds."""
    return "feeds/index.opml"


def absolute_url(publication: Publication, path: str) -> str:
    """Give the URL of a path below the web root."""
    return f"{publication.url}/{path.removeprefix('/')}"


def article_url(publication: Publication, article: Article | LanguageVersion) -> str:
    """Give the URL of an article: where it lives, or else its page here."""
    return article.url or absolute_url(
        publication, article_path(article.language, article.slug)
    )
