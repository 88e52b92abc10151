"""A publication's site as a Caddyfile, with the same answers as our own server.

It is made from the tables of `headers`.
"""

import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote

from publisher.config import Settings
from publisher.serving.configuration import (
    SiteLocation,
    caddy_console,
    config_block,
    dynamic_pattern,
    locate_site,
    site_title,
)
from publisher.serving.headers import (
    ACCEPTS_PAGE,
    ALLOWED_METHODS,
    COMMON_HEADERS,
    HIDDEN_PATHS,
    MEDIA_TYPES,
    PREFLIGHT_HEADERS,
    STYLED_TYPE,
    STYLED_VARY,
    UNKNOWN_MEDIA_TYPE,
    WELL_KNOWN,
    DocumentKind,
    accepts_feed_pattern,
    cors_headers,
    document_kinds,
    feed_media_types,
    link_value,
    styled_feed_pattern,
)
from publisher.site.former_addresses import CADDY_RULES
from publisher.urls import GONE_NAME

_HEADING = """\
# {title}, for Caddy 2.6 or newer: a Caddyfile, or a part of one.
# `publisher webserver caddy` writes it from publication.toml.
# It takes the whole host; docs/reference/serving.md says what to do for two publications on one."""

# As `caddy fmt` would have it.
block = partial(config_block, step="\t")


def caddy_config(settings: Settings, root: str | None = None) -> str:
    """Return a site, as a Caddyfile or a part of one.

    `root` is the folder of `public/` on the server; without it, the folder on this machine.
    Raises UsageError for a path that no configuration can hold.
    """
    place = locate_site(settings, root)
    errors = block("handle_errors", ["respond `{err.status_text}` {err.status_code}"])
    moved = [
        "# Old addresses of articles, once there are any. Reload Caddy when they change.",
        f"import `{place.root}/{CADDY_RULES}*`",
    ]
    own = [*_pages(settings, place), *moved, *_placed(place, _site(settings, place))]
    site = block(place.origin, [block("route", own), errors])
    parts = [_HEADING.format(title=site_title(settings)), site, *caddy_console(settings)]
    return "\n\n".join(parts) + "\n"


def _placed(place: SiteLocation, site: list[str]) -> list[str]:
    """Return the site below the path of the publication's URL."""
    if place.prefix == "/":
        return site
    bare = place.prefix.rstrip("/")
    return [
        f"redir / `{place.prefix}` 302",
        f"redir `{bare}` `{place.prefix}` 301",
        block(f"handle_path `{place.prefix}*`", [block("route", site)]),
        block("handle", ["error 404"]),
    ]


def _pages(settings: Settings, place: SiteLocation) -> list[str]:
    """Return the directives for subscribers' pages, which `publisher web` answers."""
    pages = dynamic_pattern(settings)
    if not pages:
        return []
    pattern = f"`(?s)^{re.escape(place.prefix)}({pages})$`"
    return [f"@pages path_regexp {pattern}", f"reverse_proxy @pages {settings.web.address}"]


def _site(settings: Settings, place: SiteLocation) -> list[str]:
    """Return the directives in their order; of two values of a header the later one counts."""
    known = document_kinds(settings)
    return [
        f"root * `{place.root}`",
        _header("", COMMON_HEADERS),
        *_methods(known),
        block("@hidden", [f"not path `/{WELL_KNOWN}*`", f"path_regexp {_whole(HIDDEN_PATHS)}"]),
        "error @hidden 404",
        *_gone(),
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


def _gone() -> list[str]:
    """Return the answer for pages that were withdrawn: what is left of them says so."""
    words = [
        "rewrite * {http.matchers.file.relative}",
        # Else the file server answers 304 or a part, and only the status says 410.
        *("request_header -If-*", "request_header -Range"),
        _header("", [("Content-Type", MEDIA_TYPES["html"])]),
        block("file_server", ["status 410"]),
    ]
    return [f"@gone file {{path}}/{GONE_NAME}", block("route @gone", words)]


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
    """Return the media types; Caddy's own come from the operating system."""
    feeds = [
        rf"~(?s)^/feeds/.*\.{re.escape(end)}$ `{kind}`"
        for end, kind in feed_media_types().items()
    ]
    pages = f"~/$ `{MEDIA_TYPES['html']}`"
    others = [rf"~\.{suffix}$ `{kind}`" for suffix, kind in MEDIA_TYPES.items()]
    return [
        block(
            "map {path} {media_type}", [*feeds, pages, *others, f"default {UNKNOWN_MEDIA_TYPE}"]
        ),
        # Only for files that exist: a cache would keep these fields of a 404.
        "@there file {path} {path}index.html",
        _header("@there", [("Content-Type", "{media_type}")]),
    ]


def _varying(known: tuple[DocumentKind, ...]) -> list[str]:
    """Return the Vary fields.

    Caddy sends Vary with compressed copies only, so that caches would serve the plain document to
    everybody. Deferred, the field replaces Caddy's.
    """
    styled = f"path_regexp {_whole(styled_feed_pattern())}"
    others = [f"path_regexp {_public(known)}", f"not {styled}", "file"]
    return [
        block("@styled", [styled, "file"]),
        block("header @styled", [f"Vary `{STYLED_VARY}`", "defer"]),
        block("@packed", others),
        block("header @packed", ["Vary Accept-Encoding", "defer"]),
    ]


def _browsers() -> list[str]:
    """Return the directives that make browsers show feeds.

    Without an entity tag, since it would equal the feed's. Browsers revalidate by date, since
    If-None-Match is removed from their requests.
    """
    asking = [
        f"path_regexp {_whole(styled_feed_pattern())}",
        f"header_regexp Accept `(?i){ACCEPTS_PAGE}`",
        f"not header_regexp Accept `(?i){accepts_feed_pattern()}`",
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
    """Return the URL of a document by what its pattern has matched.

    Caddy matches the cleaned path, but its variable for the path is the one that was sent.
    """
    return f"{place.origin}{quote(place.prefix)}{{http.regexp.{kind.name}.1}}"


def _whole(pattern: str) -> str:
    """Match a whole path, line feeds included; group 1 is the path below the root."""
    return f"`(?s)^/({pattern})$`"


def _header(matcher: str, fields: Iterable[tuple[str, str]]) -> str:
    return block(f"header {matcher}".rstrip(), [f"{name} `{value}`" for name, value in fields])
