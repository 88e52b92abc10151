"""A publication's site for Caddy: the answers of our own server, as a Caddyfile.

Written from the tables of `headers`, so that Caddy says of a document what we say. Pure.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from publisher.serving.headers import (
    ALLOWED_METHODS,
    COMMON_HEADERS,
    FEED_MEDIA_TYPES,
    HIDDEN_PATHS,
    MEDIA_TYPES,
    PREFLIGHT_HEADERS,
    UNKNOWN_MEDIA_TYPE,
    WELL_KNOWN,
    DocumentKind,
    cors_headers,
    document_kinds,
    link_value,
)
from publisher.serving.negotiation import (
    ACCEPTS_FEED,
    ACCEPTS_PAGE,
    STYLED_FEED,
    STYLED_TYPE,
    STYLED_VARY,
)
from publisher.serving.site_location import SiteLocation, config_block, locate_site, site_title

if TYPE_CHECKING:
    from collections.abc import Iterable

    from publisher.config import Settings

_HEADING = """\
# {title}, for Caddy 2.6 or newer: a Caddyfile, or a part of one.
# `publisher webserver caddy` writes it from publication.toml.
# It takes the whole host; docs/reference/serving.md says what to do for two publications on one."""

# As `caddy fmt` would have it.
block = partial(config_block, step="\t")


def caddy_config(settings: Settings, root: str | None = None) -> str:
    """Write a site, to be a Caddyfile or a part of one.

    `root` is where `public/` lies on the server, if not where it does on this machine. Raises
    UsageError for a path that can't be written down.
    """
    place = locate_site(settings, root)
    errors = block("handle_errors", ["respond `{err.status_text}` {err.status_code}"])
    site = block(place.origin, [*_placed(place, _site(settings, place)), errors])
    return f"{_HEADING.format(title=site_title(settings))}\n\n{site}\n"


def _placed(place: SiteLocation, site: list[str]) -> list[str]:
    """Put the site below the path of the publication's URL."""
    if place.prefix == "/":
        return [block("route", site)]
    bare = place.prefix.rstrip("/")
    return [
        f"redir / `{place.prefix}` 302",
        f"redir `{bare}` `{place.prefix}` 301",
        block(f"handle_path `{place.prefix}*`", [block("route", site)]),
        block("handle", ["error 404"]),
    ]


def _site(settings: Settings, place: SiteLocation) -> list[str]:
    """Write the steps, in the order in which they are taken; of two headers the later stays."""
    known = document_kinds(settings)
    return [
        f"root * `{place.root}`",
        *(_header("", [one]) for one in COMMON_HEADERS),
        *_methods(known),
        block("@hidden", [f"not path `/{WELL_KNOWN}*`", f"path_regexp {_whole(HIDDEN_PATHS)}"]),
        "error @hidden 404",
        *_types(),
        *(
            line
            for kind in reversed(known)
            for line in _kind(kind, link_value(kind, settings, _self_url(place, kind)))
        ),
        *_varying(known),
        *_browsers(),
        block("file_server", ["index index.html", "precompressed br gzip"]),
    ]


def _methods(known: tuple[DocumentKind, ...]) -> list[str]:
    return [
        "@unread not method GET HEAD",
        _header("@unread", [("Allow", ALLOWED_METHODS)]),
        block("@asked", ["method OPTIONS", f"path_regexp {_public(known)}"]),
        _header("@asked", [*cors_headers(), *PREFLIGHT_HEADERS]),
        "@options method OPTIONS",
        "respond @options 204",
        "error @unread 405",
    ]


def _public(known: tuple[DocumentKind, ...]) -> str:
    return _whole("|".join(kind.pattern for kind in known if kind.public))


def _types() -> list[str]:
    """Write the types down, since Caddy would ask the machine for them."""
    feeds = [
        rf"~(?s)^/feeds/.*\.{re.escape(end)}$ `{kind}`"
        for end, kind in FEED_MEDIA_TYPES.items()
    ]
    pages = f"~/$ `{MEDIA_TYPES['html']}`"
    others = [rf"~\.{suffix}$ `{kind}`" for suffix, kind in MEDIA_TYPES.items()]
    return [
        block(
            "map {path} {media_type}", [*feeds, pages, *others, f"default {UNKNOWN_MEDIA_TYPE}"]
        ),
        # Headers of a document are for a document: on a 404 a cache would keep them.
        "@there file {path} {path}index.html",
        _header("@there", [("Content-Type", "{media_type}")]),
    ]


def _varying(known: tuple[DocumentKind, ...]) -> list[str]:
    """Write down what an answer depends on.

    Caddy says so of the copies only; caches would give the plain document to everybody.
    Deferred, it takes the place of what Caddy says.
    """
    styled = f"path_regexp {_whole(STYLED_FEED)}"
    others = [f"path_regexp {_public(known)}", f"not {styled}", "file"]
    return [
        block("@styled", [styled, "file"]),
        block("header @styled", [f"Vary `{STYLED_VARY}`", "defer"]),
        block("@packed", others),
        block("header @packed", ["Vary Accept-Encoding", "defer"]),
    ]


def _browsers() -> list[str]:
    """Give browsers a feed as they show it, without a tag: it would be the one of the feed.

    They ask again by its date, since the tag of the feed that they may have is not heard.
    """
    asking = [
        f"path_regexp {_whole(STYLED_FEED)}",
        f"header_regexp Accept `(?i){ACCEPTS_PAGE}`",
        f"not header_regexp Accept `(?i){ACCEPTS_FEED}`",
        "file",
    ]
    return [
        block("@browser", asking),
        _header("@browser", [("Content-Type", STYLED_TYPE)]),
        "header @browser -ETag",
        "request_header @browser -If-None-Match",
    ]


def _kind(kind: DocumentKind, links: str) -> list[str]:
    matching = [
        f"path_regexp {kind.name} {_whole(kind.pattern)}",
        "file {path} {path}index.html",
    ]
    fields = [("Cache-Control", kind.cache_control), *((("Link", links),) if links else ())]
    return [
        block(f"@{kind.name}", matching),
        _header(f"@{kind.name}", [*fields, *(cors_headers() if kind.public else ())]),
    ]


def _self_url(place: SiteLocation, kind: DocumentKind) -> str:
    """Write the URL of a document from what its pattern has matched.

    Caddy matches a path cleaned up, but has no other name for the path than as it was sent.
    """
    return f"{place.origin}{quote(place.prefix)}{{http.regexp.{kind.name}.1}}"


def _whole(pattern: str) -> str:
    """Match a whole path, and line feeds by a dot; keep what is below the root as number one."""
    return f"`(?s)^/({pattern})$`"


def _header(matcher: str, fields: Iterable[tuple[str, str]]) -> str:
    return block(f"header {matcher}".rstrip(), [f"{name} `{value}`" for name, value in fields])
