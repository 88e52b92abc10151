"""The addresses of everything on the web, and so its file below `public/`. Pure.

The URL scheme is defined here only. Pages end with a slash, and their file is `index.html` in a
folder of that name. Languages are canonical tags. A story has the same slug in every language.
Links of other sites in articles are made absolute here, too.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import urljoin, urlsplit

from publisher.articles.model import Article, Byline, KnownByline, LanguageVersion

if TYPE_CHECKING:
    from publisher.config import Publication

_LABEL_MARKS = frozenset(" -_.,'\u2019")  # signs in names and topics that say nothing
_MAX_SLUG_LENGTH = 80  # characters; longer names exceed file systems and lines in mails
# First names of paths below the web root that are the program's, or that browsers, search engines and proxies
# ask for: no article stands there.
_OWN_NAMES = frozenset(
    {
        *("", "index.html", "feeds", "media", "feedback", "-", "api", "healthz", "confirm"),
        *("robots.txt", "sitemap.xml", "favicon.ico", "apple-touch-icon.png", "ads.txt"),
        *("icon-192.png", "icon.svg"),
        *("assets", "sw.js", "service-worker.js", "manifest.json", "manifest.webmanifest"),
    }
)
# The icons that browsers ask for unasked, and that of a publication without a square picture.
FAVICON, HOME_SCREEN_ICON, LETTER_ICON = "favicon.ico", "apple-touch-icon.png", "icon.svg"
# In place of the page of a withdrawn article: servers send it with 410. With a leading dot, so that none
# sends it under its own name.
GONE_NAME = ".gone.html"
# In the folder of each language and at the root: servers send it with 404.
MISSING_NAME = ".missing.html"
ListKind = Literal["archive", "sections", "topics", "authors", "search"]
_LISTS = get_args(ListKind)  # folders of lists of articles, in each language's
LINK_SCHEMES = frozenset({"http", "https", "mailto"})

SubscriberPage = Literal[
    "subscribe", "confirm", "unsubscribe", "preferences", "address", "data"
]


def page_file(url_path: str) -> PurePosixPath:
    return PurePosixPath(url_path) / "index.html"


def home_path(language: str) -> str:
    return f"{language}/"


def article_path(language: str, slug: str) -> str:
    return f"{language}/stories/{slug}/"


def list_path(language: str, kind: ListKind, name: str = "") -> str:
    """Return the path of a list of a language's articles; of one topic or month, `name` is its ASCII name or like `2026-01`."""
    return f"{language}/{kind}/{name}/" if name else f"{language}/{kind}/"


def topic_path(topic: str, language: str) -> str:
    return list_path(language, "topics", label_slug(topic))


def author_path(byline: Byline, language: str) -> str:
    return list_path(language, "authors", author_slug(byline))


def author_slug(byline: Byline) -> str:
    """Return the ASCII name of an author in URLs: of a known one by the key in people.toml."""
    return label_slug(byline.key if isinstance(byline, KnownByline) else byline.name)


def newsletter_path(language: str, newsletter: str) -> str:
    return f"{language}/{newsletter}/"


def issue_path(language: str, newsletter: str, day: date, suffix: str = "") -> str:
    """Return the path of an issue's page; that of a correction or an announcement has a suffix."""
    return f"{language}/{newsletter}/{day.isoformat()}/{suffix}{'/' if suffix else ''}"


def subscriber_page_path(language: str, kind: SubscriberPage) -> str:
    return f"{language}/{kind}/"


def feed_path(name: str, suffix: str) -> str:
    """Return the path of a feed's subscription document; a language's feed has its tag as name."""
    return f"feeds/{name}.{suffix}"


def private_feed_path(language: str, token: str, form: str) -> str:
    """Return the path of a subscriber's own feed; `form` is the name of its format."""
    return f"{language}/feeds/of/{token}.{form}"


def feed_archive_path(name: str, number: int, suffix: str) -> str:
    """Return the path of an archive document of a feed; the oldest has number 1."""
    return f"feeds/{name}/archive/{number}.{suffix}"


def feed_page_path(language: str, rest: str = "") -> str:
    """Return the path of the page that says how to subscribe; `rest` is like "topics/harbour"."""
    return f"{language}/feeds/{rest}/" if rest else f"{language}/feeds/"


def author_page_path(language: str, key: str) -> str:
    """Return the path of the page of the feed of an author who stands in people.toml."""
    return feed_page_path(language, f"authors/{key}")


def all_feeds_page_path() -> str:
    """Return the path of that page for the feed of all languages."""
    return "feeds/"


def feed_style_path(language: str) -> str:
    return f"feeds/style.{language}.css"


def icon_path() -> str:
    """Return the path of the publication's icon for feeds and search engines: a PNG of 192 pixels a side."""
    return "icon-192.png"


def page_icon_path(publication: Publication) -> str:
    """Return the path of the icon that pages name: the same, or a letter if the design has no square picture."""
    return icon_path() if publication.design.icon_picture else LETTER_ICON


def opml_path(language: str = "") -> str:
    """Return the path of the list of all feeds, or of those of a language that repeat no article."""
    return f"feeds/{language or 'index'}.opml"


def is_own_path(path: str, languages: Sequence[str], newsletters: Sequence[str]) -> bool:
    """Return whether a path below the web root is, or may become, one of the program's own."""
    # On some disks, names that differ in case only are the same.
    first, _slash, rest = path.strip("/").casefold().partition("/")
    second = rest.partition("/")[0]
    if first in _OWN_NAMES or first.startswith("sitemap-"):
        return True
    if second in get_args(SubscriberPage):
        return True
    own = {
        "",
        "index.html",
        "stories",
        "feeds",
        *_LISTS,
        *(one.casefold() for one in newsletters),
    }
    return first in {one.casefold() for one in languages} and second in own


def has_own_page(path: str, languages: Sequence[str], newsletters: Sequence[str]) -> bool:
    """Return whether a path below the web root is a page of the program's that no article has."""
    first, _slash, rest = path.strip("/").partition("/")
    second = rest.partition("/")[0]
    own = {"", "index.html", "feeds", *_LISTS, *newsletters, *get_args(SubscriberPage)}
    return first in {"", "index.html", "feeds"} or (first in languages and second in own)


def path_below(url: str, path: str) -> str | None:
    """Return a path of a host relative to a web root at `url`, None if it is not below it."""
    prefix = urlsplit(url).path.rstrip("/")
    if not f"{path}/".startswith(f"{prefix}/"):
        return None
    return path.removeprefix(prefix).lstrip("/")


def redirect_file(path: str) -> PurePosixPath:
    """Return the file below the web root of the page at an old address."""
    if path.lower().endswith((".html", ".htm")):
        return PurePosixPath(path)
    return page_file(path)


def public_url(publication: Publication, path: str) -> str:
    return f"{publication.url}/{path.removeprefix('/')}"


def article_url(publication: Publication, article: Article | LanguageVersion) -> str:
    """Return the URL of an article: its own, if it is published elsewhere, or that of its page."""
    return article.url or public_url(publication, article_path(article.language, article.slug))


def story_slug(key: str, attempt: int = 0) -> str:
    """Return the ASCII name of a story in its URLs; a higher `attempt` gives another one."""
    from slugify import slugify  # many commands need no slug

    slug = slugify(key, max_length=_MAX_SLUG_LENGTH, word_boundary=True)
    if slug and not attempt:
        return slug
    seed = key if attempt <= 1 else f"{key}\n{attempt}"
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug}-{digest}" if slug else f"story-{digest}"


def section_slugs(sections: Iterable[str]) -> dict[str, str]:
    """Return the ASCII names of all sections of a language in URLs, each another one."""
    names = dict[str, str]()
    for section in sorted(sections):
        name, attempt = story_slug(section), 0
        while name in names.values():
            name, attempt = story_slug(section, attempt + 2), attempt + 1
        names[section] = name
    return names


@lru_cache(maxsize=8192)
def label_slug(label: str) -> str:
    """Return the ASCII name of a topic or author in URLs, equal for labels that differ in capitals, accents or dashes.

    Other labels have different ones: what ASCII can't tell apart, such as "C++" and "C" or words in Chinese, gets a hash.
    """
    folded = label.casefold()
    letters = [one for one in folded if one not in _LABEL_MARKS]
    is_plain = all(unicodedata.name(one, "").startswith(("LATIN", "DIGIT")) for one in letters)
    is_short = len(folded) <= _MAX_SLUG_LENGTH
    return story_slug(folded, 0 if letters and is_plain and is_short else 1)


# Links in the texts of articles


def is_relative(address: str) -> bool:
    """Return whether an address has neither scheme nor host, and is not only a fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return not (parts.scheme or parts.netloc) and bool(parts.path)


def absolute_link(address: str, base_url: str | None) -> str | None:
    """Return an address in its absolute form (RFC 3986 section 5), None if it has none.

    A fragment alone has none: it leads to a place in the article itself.
    """
    if not address or address.startswith("#"):
        return None
    try:
        joined = urljoin(base_url, address) if base_url else address
        joined = f"https:{joined}" if joined.startswith("//") else joined
        parts = urlsplit(joined)
    except ValueError:
        return None
    if parts.scheme == "mailto":
        return joined if parts.path else None
    if parts.scheme not in LINK_SCHEMES or not parts.hostname:
        return None
    return joined if parts.netloc.isascii() else _in_ascii(joined)


def _in_ascii(address: str) -> str | None:
    """Return an address with an ASCII host; nh3 would percent-encode others."""
    from feeds import FeedsError  # such hosts are rare
    from feeds.normalisation import absolute_uri

    try:
        return absolute_uri(address)
    except FeedsError:
        return None
