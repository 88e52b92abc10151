"""What an answer says about a document, from its path alone: type, freshness, links, CORS. Pure.

The tables here are the one source for our own server and for the configurations of nginx and
Caddy, so patterns keep to what Python, PCRE and RE2 understand alike. Paths are relative to
the web root and do not begin with a slash. Knows no file and no request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from feeds import FEED_FORMATS
from publisher import urls

if TYPE_CHECKING:
    from publisher.config import Settings

_MINUTE = 60
# An archive document is closed, but an entry may yet be withdrawn from it.
_DAY = 24 * 60 * _MINUTE
# What "for ever" means to caches (RFC 9111 has no word for it; a year is the custom).
_YEAR = 365 * _DAY

# Names of feeds; narrow on purpose, since the path goes into the Link header as it stands.
_NAMES = "[A-Za-z0-9._~/-]+"
_FORMATS = f"(?:{'|'.join(re.escape(one.suffix) for one in FEED_FORMATS)})"

# Types by the end of the name below feeds/, where the last suffix says too little.
FEED_MEDIA_TYPES = {one.suffix: f"{one.media_type}; charset=utf-8" for one in FEED_FORMATS}
# Types by the last suffix of the name. We do not ask the machine: its table may be any.
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

# Never served: what begins with a dot (but for .well-known, RFC 8615), what is half written,
# and a feed's compressed copies, which are encodings of it and no resources of their own.
HIDDEN_PATHS = r"(?:.*/)?\.[^/]*(?:/.*)?|.*\.part|feeds/.*\.(?:gz|br)"
WELL_KNOWN = ".well-known/"

# On every answer: a browser must not take a file for what its type does not say.
COMMON_HEADERS = (("X-Content-Type-Options", "nosniff"),)
# For scripts of other sites, which without this header do not get to see these two.
_EXPOSED_HEADERS = "ETag, Link"
# What they may send; conditional requests need asking first (Fetch standard, CORS preflight).
PREFLIGHT_HEADERS = (
    ("Access-Control-Allow-Methods", "GET, HEAD"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", str(_DAY)),
)
ALLOWED_METHODS = "GET, HEAD, OPTIONS"


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """Documents that are answered alike; the first kind whose `pattern` is the whole path.

    `public` ones may be read by scripts of any site; `rels` are the relations of the Link
    header, in order.
    """

    name: str
    pattern: str
    cache_control: str
    public: bool = False
    rels: tuple[str, ...] = ()


def document_kinds(settings: Settings) -> tuple[DocumentKind, ...]:
    """List the kinds of documents below the web root; the last takes whatever is left."""
    soon = f"public, max-age={settings.feeds.ttl * _MINUTE}"
    # Nothing is ever announced of an archive document, so it names no hub (WebSub section 4).
    archives = rf"feeds/{_NAMES}/archive/[0-9]+\.{_FORMATS}"
    subscriptions = rf"feeds/{_NAMES}\.{_FORMATS}"
    return (
        DocumentKind("media", "media/.*", f"public, max-age={_YEAR}, immutable"),
        DocumentKind(
            "archive", archives, f"public, max-age={_DAY}", public=True, rels=("self",)
        ),
        DocumentKind("feed", subscriptions, soon, public=True, rels=("hub", "self")),
        DocumentKind("list", rf"feeds/{_NAMES}\.(?:opml|css)", soon, public=True),
        DocumentKind("page", ".*", soon),
    )


def document_kind(path: str, settings: Settings) -> DocumentKind:
    """Give the kind of a document below the web root."""
    return next(kind for kind in document_kinds(settings) if _is(kind.pattern, path))


def is_hidden(path: str) -> bool:
    """Say if a path below the web root is none of the web's business."""
    return not path.startswith(WELL_KNOWN) and _is(HIDDEN_PATHS, path)


def media_type(path: str) -> str:
    """Give the Content-Type of a document below the web root."""
    name = PurePosixPath(path).name
    if path.startswith("feeds/"):
        for suffix, known in FEED_MEDIA_TYPES.items():
            if name.endswith(f".{suffix}"):
                return known
    return MEDIA_TYPES.get(name.rpartition(".")[2], UNKNOWN_MEDIA_TYPE)


def link_value(kind: DocumentKind, settings: Settings, self_url: str) -> str:
    """Write the value of the Link header (RFC 8288 section 3), or nothing where there is none.

    A subscriber looks for hub and self here before it looks into the document (WebSub section 4).
    """
    targets = {"hub": [*map(link_target, settings.feeds.hubs)], "self": [self_url]}
    return ", ".join(f'<{url}>; rel="{rel}"' for rel in kind.rels for url in targets[rel])


def link_target(url: str) -> str:
    """Write a URL so that neither a header nor a configuration can take it for more than that."""
    return quote(url, safe=":/?@!&()*+,=%[]~")


def headers_for(path: str, settings: Settings) -> tuple[tuple[str, str], ...]:
    """List what an answer says of the document at a path, besides its bytes' own properties."""
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
    """List what lets scripts of any site read an answer (Fetch standard, CORS protocol)."""
    return (
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", _EXPOSED_HEADERS),
    )


def _is(pattern: str, path: str) -> bool:
    return re.fullmatch(pattern, path, re.DOTALL) is not None
