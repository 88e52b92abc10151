"""The header fields of a document, by its path: media type, freshness, links and CORS; and what is a page.

A browser shows a feed with its style sheet only if its media type is that of any XML. Our own server and nginx follow
these tables: patterns mean the same in Python and PCRE. Paths are relative to the web root, without a leading slash.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from feeds import FEED_FORMATS
from publisher import urls
from publisher.config import Settings

_MINUTE = 60
# A day: an archive document gets no new entry, but an entry can be withdrawn from it.
_DAY = 24 * 60 * _MINUTE
_YEAR = 365 * _DAY  # the usual "for ever" of caches: RFC 9111 defines none

# Names of feeds. Narrow, since the path is copied into the Link header.
_NAMES = "[A-Za-z0-9._~/-]+"

# Media types by the last suffix. The table of the operating system differs by machine.
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "opml": "text/x-opml; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "zip": "application/zip",
    "gz": "application/gzip",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "webm": "video/webm",
}
UNKNOWN_MEDIA_TYPE = "application/octet-stream"
PLAIN_TEXT = MEDIA_TYPES["txt"]
_TEXT = re.compile(r"text/.*|application/(?:.+\+)?(?:json|xml)(?:;.*)?|image/svg\+xml")

# Never served: names with a leading dot (except .well-known, RFC 8615), incomplete files, and
# compressed copies of feeds, which are encodings and not resources of their own.
HIDDEN_PATHS = r"(?:.*/)?\.[^/]*(?:/.*)?|.*\.part|feeds/.*\.(?:gz|br)"
WELL_KNOWN = ".well-known/"

# Pages share their origin with subscribers' own pages: what slips through an article runs nothing, and no
# other site shows them in a frame. Own templates may have styles in a page; pictures may be elsewhere.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src * data:; media-src *; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# On every answer: browsers must not guess another media type.
COMMON_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", _POLICY),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)
_EXPOSED_HEADERS = "ETag, Link"  # fields that scripts of other sites may read
# What they may send. Conditional requests need a preflight (Fetch standard, CORS).
PREFLIGHT_HEADERS = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", str(_DAY)),
)
ALLOWED_METHODS = "GET, HEAD, OPTIONS"


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """Documents with the same header fields: those whose whole path matches, of the first kind. Any site's scripts read `public` ones."""

    name: str
    pattern: str
    cache_control: str
    public: bool = False
    rels: tuple[str, ...] = ()


def document_kinds(settings: Settings) -> tuple[DocumentKind, ...]:
    soon = f"public, max-age={settings.feeds.ttl * _MINUTE}"
    # Archive documents are never announced, so they name no hub (WebSub section 4).
    formats = f"(?:{'|'.join(map(re.escape, feed_media_types()))})"
    archives = rf"feeds/{_NAMES}/archive/[0-9]+\.{formats}"
    subscriptions = rf"feeds/{_NAMES}\.{formats}"
    return (
        DocumentKind("media", "(?:media|assets)/.*", f"public, max-age={_YEAR}, immutable"),
        DocumentKind(
            "archive", archives, f"public, max-age={_DAY}", public=True, rels=("self",)
        ),
        DocumentKind("feed", subscriptions, soon, public=True, rels=("hub", "self")),
        DocumentKind("list", rf"feeds/{_NAMES}\.(?:opml|css)", soon, public=True),
        DocumentKind("page", ".*", soon),
    )


def document_kind(path: str, settings: Settings) -> DocumentKind:
    return next(kind for kind in document_kinds(settings) if _is(kind.pattern, path))


def is_hidden(path: str) -> bool:
    return not path.startswith(WELL_KNOWN) and _is(HIDDEN_PATHS, path)


def feed_media_types() -> dict[str, str]:
    """Return media types by the end of a feed's name: the last suffix alone is ambiguous."""
    return {form.suffix: f"{form.media_type}; charset=utf-8" for form in FEED_FORMATS}


def media_type(path: str) -> str:
    name = PurePosixPath(path).name
    if path.startswith("feeds/"):
        for suffix, feed_type in feed_media_types().items():
            if name.endswith(f".{suffix}"):
                return feed_type
    return MEDIA_TYPES.get(name.rpartition(".")[2], UNKNOWN_MEDIA_TYPE)


def is_text(media_type: str) -> bool:
    """Return whether documents of a media type become much smaller when they are compressed."""
    return _TEXT.fullmatch(media_type) is not None


def compressed_types() -> list[str]:
    """Return these media types as they are sent: nginx compares them with their parameters."""
    types = (*MEDIA_TYPES.values(), *feed_media_types().values())
    return sorted({one for one in types if is_text(one)})


def link_value(kind: DocumentKind, settings: Settings, self_url: str) -> str:
    """Return the value of the Link header, where feed readers look for hub and self (WebSub section 4); empty for none."""
    targets = {"hub": [*map(link_target, settings.feeds.hubs)], "self": [self_url]}
    return ", ".join(f'<{url}>; rel="{rel}"' for rel in kind.rels for url in targets[rel])


def link_target(url: str) -> str:
    return quote(url, safe=":/?@!&()*+,=%[]~")


def headers_for(path: str, settings: Settings) -> tuple[tuple[str, str], ...]:
    kind = document_kind(path, settings)
    links = link_value(kind, settings, link_target(urls.public_url(settings.publication, path)))
    return (
        ("Content-Type", media_type(path)),
        ("Cache-Control", kind.cache_control),
        *((("Link", links),) if links else ()),
        *(cors_headers() if kind.public else ()),
        *COMMON_HEADERS,
    )


def cors_headers() -> tuple[tuple[str, str], ...]:
    return (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", _EXPOSED_HEADERS),
    )


def _is(pattern: str, path: str) -> bool:
    return re.fullmatch(pattern, path, re.DOTALL) is not None


STYLED_TYPE = MEDIA_TYPES["xml"]
STYLED_VARY = "Accept, Accept-Encoding"

# Browsers accept text/html. Feed readers may accept it too, but then they accept feeds as well.
ACCEPTS_PAGE = r"(?:^|[\s,])text/html(?:[\s,;]|$)"


def styled_suffixes() -> list[str]:
    return [form.suffix for form in FEED_FORMATS if form.styled]


def styled_feed_pattern() -> str:
    return rf"feeds/.*\.(?:{'|'.join(map(re.escape, styled_suffixes()))})"


def accepts_feed_pattern() -> str:
    types = "|".join(re.escape(form.media_type) for form in FEED_FORMATS if form.styled)
    return rf"(?:^|[\s,])(?:{types})(?:[\s,;]|$)"


def is_styled(path: str) -> bool:
    return re.fullmatch(styled_feed_pattern(), path, re.DOTALL) is not None


def is_browser(accept: str) -> bool:
    """Return whether an Accept header is a browser's that opens a page (RFC 9110, 12.5.1), whatever the weights."""
    return _names(ACCEPTS_PAGE, accept) and not _names(accepts_feed_pattern(), accept)


def _names(pattern: str, accept: str) -> bool:
    return re.search(pattern, accept, re.IGNORECASE) is not None


# Any language: mails of before may name one that the publication has given up.
_LANGUAGE = "[A-Za-z][A-Za-z0-9-]*"
# Pages of a language, which take the place of static ones of the same path.
_PAGES = ("subscribe", "confirm", "unsubscribe", "preferences", "address", "data")


def dynamic_pattern(settings: Settings) -> str:
    """Return the pattern of whole paths that are answered for each request; "" for none."""
    if not settings.web.enabled:
        return ""
    pages = "|".join(_PAGES)
    return f"{_LANGUAGE}/(?:{pages})(?:/.*)?|{_LANGUAGE}/feeds/of/.*|feedback/.*|-/.*"
