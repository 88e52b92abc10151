"""A publication's site as a configuration of nginx, with the same answers as our own server.

It is made from the tables of `headers`: names of variables, lines of maps, locations, and the
access log. The console's own host stands beside the publication's site; a console that is reached on this
machine only has none.
"""

import re
from collections.abc import Iterable, Mapping
from textwrap import indent
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit
from zlib import crc32

from publisher.config import Settings
from publisher.errors import UsageError
from publisher.serving.headers import (
    ACCEPTS_PAGE,
    ALLOWED_METHODS,
    COMMON_HEADERS,
    HIDDEN_PATHS,
    MEDIA_TYPES,
    PLAIN_TEXT,
    PREFLIGHT_HEADERS,
    STYLED_TYPE,
    STYLED_VARY,
    UNKNOWN_MEDIA_TYPE,
    WELL_KNOWN,
    DocumentKind,
    accepts_feed_pattern,
    cors_headers,
    document_kinds,
    dynamic_pattern,
    feed_media_types,
    link_value,
    styled_feed_pattern,
    styled_suffixes,
)
from publisher.site.former_addresses import NGINX_RULES
from publisher.urls import GONE_NAME

# Characters with a meaning to nginx, even within quotes.
_UNSAFE = re.compile(r"""["'`$\\{}\x00-\x1f\x7f]""")


class SiteLocation(NamedTuple):
    """A publication's URL in parts, and its folder on the server, all safe in a configuration.

    `prefix` is the URL's path and ends with a slash; `origin` is the URL up to its path.
    """

    scheme: str
    host: str
    port: int | None
    origin: str
    prefix: str
    root: str


def locate_site(settings: Settings, root: str | None) -> SiteLocation:
    """Return the site's location; without a `root`, its folder is `public/` on this machine.

    Raises UsageError for a path that no configuration can hold.
    """
    url = urlsplit(settings.publication.url)
    prefix = _safe("publication.url", f"{unquote(url.path)}/")
    folder = _safe("--root", (root or str(settings.folders.public)).rstrip("/"))
    origin = f"{url.scheme}://{url.netloc}"
    return SiteLocation(url.scheme, settings.publication.host, url.port, origin, prefix, folder)


def site_title(settings: Settings) -> str:
    """Return the publication's title in its first language."""
    publication = settings.publication
    return publication.title(publication.default_language)


def config_block(head: str, lines: Iterable[str]) -> str:
    """Return a block in braces, with its lines indented by one step."""
    inner = "\n".join(line.rstrip() for line in lines)
    return f"{head} {{\n{indent(inner, '    ')}\n}}"


def _safe(name: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(
            f"{name}: {path!r} is not an absolute path; write one like /srv/publication/public"
        )
    unsafe = _UNSAFE.search(path)
    if unsafe:
        raise UsageError(
            f"{name}: {path!r} contains {unsafe[0]!r}, which web servers misread; choose a path without it"
        )
    return path


# Where packages of nginx have it.
_ACCESS_LOG = "/var/log/nginx/access.log"
# Below the publication's path: private feeds, and webhooks of providers.
_BEFORE_TOKENS = ("[^/]+/feeds/of/", "feedback/[^/]+/")
# On the console's host: files of calendars, and feeds of translators. Both are read without signing in.
_BEFORE_CONSOLE_TOKENS = ("/calendar/(?=[^/]*[.]ics)", "/translations/feeds/")


def log_format(place: SiteLocation, *, console: bool) -> list[str]:
    """Return the format of the access log, without what identifies a subscriber or lets somebody in.

    It is in the query, in Referer, and in some paths; `console` if those of the console are logged, too.
    """
    below = [f"{re.escape(place.prefix)}{path}" for path in _BEFORE_TOKENS]
    hidden = [
        map_line(
            f"~^(?<{variable_name(place, 'shown')}>{path}).",
            f"${variable_name(place, 'shown')}…",
        )
        for path in (*below, *(_BEFORE_CONSOLE_TOKENS if console else ()))
    ]
    logged = variable_name(place, "logged")
    line = (
        f'$remote_addr - [$time_local] "$request_method ${logged} $server_protocol" $status '
        '$body_bytes_sent "$http_user_agent"'
    )
    return [
        config_block(f"map $uri ${logged}", [*hidden, "default $uri;"]),
        f"log_format {variable_name(place, 'log')} '{line}';",
    ]


def log_directives(place: SiteLocation) -> list[str]:
    """Return the directives of the logs, for a server block."""
    return [
        f"access_log {_ACCESS_LOG} {variable_name(place, 'log')};",
        "# Its lines have whole requests and Referer fields, with the tokens of subscribers' links.",
        "error_log stderr emerg;",
    ]


def variable_name(place: SiteLocation, header: str) -> str:
    """Return a variable's name that is unique to the publication.

    Short for every host: nginx's hash table holds names of about 40 characters.
    """
    site = crc32(f"{place.host}{place.prefix}".encode())
    name = header.removeprefix("Access-Control-").replace("-", "_").lower()
    return f"site_{site:08x}_{name}"


def map_line(key: str, value: str) -> str:
    """Return a line of a map."""
    return f"{quoted_text(key)} {quoted_text(value)};"


def quoted_text(text: str) -> str:
    """Quote a text for nginx, which reads a backslash literally unless a quote follows."""
    return '"' + text.replace('"', '\\"') + '"'


# As much as `publisher console` takes: a list of subscribers that is imported, in a form.
_MOST_MEGABYTES = 201
# The console lets only editors send large bodies; nginx would store anybody's.
_NGINX_BODIES = (f"client_max_body_size {_MOST_MEGABYTES}m;", "proxy_request_buffering off;")
_DEFAULT_PORT = 443


def has_console_host(settings: Settings) -> bool:
    """Return whether a web server has to pass requests on to the console."""
    return settings.console.enabled and settings.console.is_secure


def nginx_console(settings: Settings, logged: list[str]) -> list[str]:
    """Return server blocks for the console; `logged` are the directives of its access log."""
    if not has_console_host(settings):
        return []
    name = settings.console.name
    port = urlsplit(settings.console.url).port or _DEFAULT_PORT
    folder = f"/etc/letsencrypt/live/{name}"
    passed = [
        f"proxy_pass http://{settings.console.address};",
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        *_NGINX_BODIES,
    ]
    server = [
        f"listen {port} ssl;",
        f"listen [::]:{port} ssl;",
        f"server_name {name};",
        f"ssl_certificate {folder}/fullchain.pem;",
        f"ssl_certificate_key {folder}/privkey.pem;",
        *logged,
        config_block("location /", passed),
    ]
    moved = [
        "listen 80;",
        "listen [::]:80;",
        f"server_name {name};",
        *logged,
        f"return 301 {settings.console.url}$request_uri;",
    ]
    heading = "# The editors' console, which `publisher console` answers."
    return [f"{heading}\n{config_block('server', moved)}", config_block("server", server)]


# Internal path of feeds for browsers. With a leading dot, so that no document has it.
_PAGE_FOLDER = ".page/"

_HEADING = """\
# {title}, for nginx 1.18 or newer: a file that its http block includes.
# `publisher webserver nginx` writes it from publication.toml.
# It takes the whole host; docs/reference/serving.md says what to do for two publications on one."""


def nginx_config(settings: Settings, root: str | None = None, *, brotli: bool = False) -> str:
    """Return a site, to be included in nginx's http block.

    `root` is the folder of `public/` on the server; without it, the folder on this machine.
    `brotli` needs ngx_brotli's static module: without the module nginx does not start. Raises
    UsageError for a path that no configuration can hold.
    """
    place = locate_site(settings, root)
    maps, pages = _maps(settings, place), dynamic_pattern(settings)
    asked = [map_line(f"~*{accepts_feed_pattern()}", ""), map_line(f"~*{ACCEPTS_PAGE}", "1")]
    logged = log_directives(place) if pages else []
    proxied = [_proxied(place, pages, settings.web.address)] if pages else []
    server = config_block("server", _server(place, maps, brotli, logged, proxied))
    console = has_console_host(settings)
    parts = [
        _HEADING.format(title=site_title(settings)),
        *maps.values(),
        _options(place, pages),
        _gone(place),
        *(log_format(place, console=console) if pages or console else []),
        config_block(f"map $http_accept ${variable_name(place, 'browser')}", asked),
        *_to_https(place, logged),
        server,
        *nginx_console(settings, log_directives(place)),
    ]
    return "\n\n".join(parts) + "\n"


def _maps(settings: Settings, place: SiteLocation) -> Mapping[str, str]:
    """Return maps from a request to a header's value, by the header's name.

    An empty value omits the header, as does a map without a matching line. One add_header per
    map in the server block is inherited by all locations.
    """
    kinds = document_kinds(settings)
    public = f"${variable_name(place, 'Access-Control-Allow-Origin')}"
    path = f"${variable_name(place, 'path')}"
    allow, *exposed = cors_headers()
    by_path: dict[str, dict[DocumentKind, str]] = {
        "Cache-Control": {kind: kind.cache_control for kind in kinds},
        allow[0]: {kind: allow[1] for kind in kinds if kind.public},
    }
    lines = {
        name: (path, [map_line(_path(place, kind.pattern), value[kind]) for kind in value])
        for name, value in by_path.items()
    }
    lines["Link"] = (path, _links(settings, place))
    lines["Vary"] = (path, [map_line(_path(place, styled_feed_pattern()), STYLED_VARY)])
    lines |= {name: (public, [map_line(allow[1], value)]) for name, value in exposed}
    asked = f'"$request_method {public}"'
    lines |= {
        name: (asked, [map_line(f"OPTIONS {allow[1]}", value)])
        for name, value in PREFLIGHT_HEADERS
    }
    methods = [
        map_line("GET", ""),
        map_line("HEAD", ""),
        f"default {quoted_text(ALLOWED_METHODS)};",
    ]
    lines["Allow"] = ("$request_method", methods)
    return {
        name: config_block(f"map {source} ${variable_name(place, name)}", table)
        for name, (source, table) in lines.items()
    }


def _links(settings: Settings, place: SiteLocation) -> list[str]:
    """Return the lines of the Link header, with the part of the path that matched."""
    below = variable_name(place, "below")
    self_url = f"{place.origin}{quote(place.prefix)}${below}"
    return [
        map_line(
            _path(place, f"(?<{below}>{kind.pattern})"), link_value(kind, settings, self_url)
        )
        for kind in document_kinds(settings)
        if kind.rels
    ]


def _options(place: SiteLocation, pages: str) -> str:
    """Return the map that says which OPTIONS requests are answered here: not those for pages."""
    others = f"(?!{re.escape(place.prefix)}(?:{pages})\\z)" if pages else ""
    lines = [map_line(f"~(?s)^OPTIONS {others}", "1")]
    return config_block(f'map "$request_method $uri" ${variable_name(place, "options")}', lines)


def _gone(place: SiteLocation) -> str:
    """Return the map to the file that is there if the page at a path was withdrawn."""
    below = variable_name(place, "page")
    line = map_line(_path(place, f"(?<{below}>.*)"), f"{place.root}/${below}/{GONE_NAME}")
    return config_block(f"map $uri ${variable_name(place, 'gone')}", [line])


def _proxied(place: SiteLocation, pages: str, address: str) -> str:
    """Return the location of subscribers' pages, which `publisher web` answers."""
    passed = [
        f"proxy_pass http://{address};",
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header Host $host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        "client_max_body_size 1m;",
        "# An empty one, so that the header fields of static files are not inherited.",
        'add_header Link "";',
    ]
    return config_block(f"location {_matching(place, pages)}", passed)


def _server(
    place: SiteLocation,
    maps: Mapping[str, str],
    brotli: bool,
    logged: list[str],
    proxied: list[str],
) -> list[str]:
    return [
        *_listening(place),
        *logged,
        "",
        *([f"root {quoted_text(place.root)};"] if place.prefix == "/" else []),
        "index index.html;",
        "absolute_redirect off;",
        "",
        "etag on;",
        "# Its default, exact, asks for the very date of the last answer.",
        "if_modified_since before;",
        "gzip_static on;",
        "gzip_vary on;",
        "# Proxies and content networks name themselves; they get gzip all the same.",
        "gzip_proxied any;",
        "gzip_http_version 1.0;",
        "brotli_static on;" if brotli else "# brotli_static on;  # with ngx_brotli's module",
        "",
        config_block(
            "types", [f"{quoted_text(kind)} {suffix};" for suffix, kind in MEDIA_TYPES.items()]
        ),
        f"default_type {UNKNOWN_MEDIA_TYPE};",
        "",
        # On errors too: a 405 has to name the allowed methods.
        *(
            f"add_header {name} ${variable_name(place, name)}{' always' * (name == 'Allow')};"
            for name in maps
        ),
        *(f"add_header {name} {quoted_text(value)} always;" for name, value in COMMON_HEADERS),
        "# The path that was asked for; browsers that ask for a feed are sent to another below.",
        f"set ${variable_name(place, 'path')} $uri;",
        config_block(f"if (${variable_name(place, 'options')})", ["return 204;"]),
        "",
        *proxied,
        "# Old addresses of articles, once there are any. Reload nginx when they change.",
        f"include {quoted_text(f'{place.root}/{NGINX_RULES}*')};",
        *_locations(place),
    ]


def _locations(place: SiteLocation) -> list[str]:
    plain = ["types { }", f"default_type {quoted_text(PLAIN_TEXT)};"]
    gone, html = (
        variable_name(place, "gone"),
        f"default_type {quoted_text(MEDIA_TYPES['html'])};",
    )
    hidden = f"(?!{re.escape(WELL_KNOWN)})(?:{HIDDEN_PATHS})"
    return [
        "# A folder without a page: nginx would say that it is there, but forbidden.",
        "error_page 403 =404 @missing;",
        "error_page 404 @missing;",
        config_block("location @missing", [*plain, r'return 404 "Not Found\n";']),
        "# Pages that were withdrawn: what is left of them says so.",
        config_block(f"if (-f ${gone})", ["return 410;"]),
        "error_page 410 @gone;",
        config_block(
            "location @gone", ["root /;", "types { }", html, f"try_files ${gone} =410;"]
        ),
        _page(place),
        config_block(f"location {_matching(place, hidden)}", ["return 404;"]),
        *(_feeds(place, suffix, kind) for suffix, kind in feed_media_types().items()),
        *_below_a_path(place),
    ]


def _page(place: SiteLocation) -> str:
    """Return the location of feeds that browsers show.

    Without an entity tag, since it would equal the feed's, and a browser could show a copy that
    it fetched as a feed.
    """
    shown = [
        "internal;",
        "types { }",
        f"default_type {quoted_text(STYLED_TYPE)};",
        "etag off;",
        "gzip_vary off;",
        _alias(place, f"${variable_name(place, 'file')}"),
    ]
    pattern = re.escape(_PAGE_FOLDER) + _file(place, "feeds/.*")
    return config_block(f"location {_matching(place, pattern)}", shown)


def _feeds(place: SiteLocation, suffix: str, media_type: str) -> str:
    pattern = _file(place, rf"feeds/.*\.{re.escape(suffix)}")
    file = f"${variable_name(place, 'file')}"
    typed = ["types { }", f"default_type {quoted_text(media_type)};"]
    if place.prefix != "/":
        typed.append(_alias(place, file))
    if suffix in styled_suffixes():
        there = f"rewrite ^ {quoted_text(f'{place.prefix}{_PAGE_FOLDER}{file}')} last;"
        browsers = config_block(f"if (${variable_name(place, 'browser')})", [there])
        typed = [browsers, "gzip_vary off;", *typed]
    return config_block(f"location {_matching(place, pattern)}", typed)


def _file(place: SiteLocation, pattern: str) -> str:
    """Match a path as a named group: a map that is evaluated meanwhile overwrites numbered ones."""
    return f"(?<{variable_name(place, 'file')}>{pattern})"


def _below_a_path(place: SiteLocation) -> list[str]:
    """Return the locations of a publication below a path of its host."""
    if place.prefix == "/":
        return []
    bare = place.prefix.rstrip("/")
    return [
        config_block(f"location {quoted_text(place.prefix)}", [_alias(place, "")]),
        config_block(
            f"location = {quoted_text(bare)}", [f"return 301 {quoted_text(place.prefix)};"]
        ),
        config_block("location = /", [f"return 302 {quoted_text(place.prefix)};"]),
        config_block("location /", ["return 404;"]),
    ]


def _alias(place: SiteLocation, rest: str) -> str:
    return f"alias {quoted_text(f'{place.root}/{rest}')};"


def _listening(place: SiteLocation) -> list[str]:
    if place.scheme == "http":
        return [*_listen(place.port or 80), f"server_name {_host(place)};"]
    folder = f"/etc/letsencrypt/live/{place.host}"
    return [
        *_listen(place.port or 443, " ssl"),
        f"server_name {_host(place)};",
        f"ssl_certificate {folder}/fullchain.pem;",
        f"ssl_certificate_key {folder}/privkey.pem;",
    ]


def _to_https(place: SiteLocation, logged: list[str]) -> list[str]:
    if place.scheme == "http":
        return []
    there = f"return 301 {place.origin}$request_uri;"
    return [
        config_block("server", [*_listen(80), f"server_name {_host(place)};", *logged, there])
    ]


def _listen(port: int, more: str = "") -> list[str]:
    return [f"listen {port}{more};", f"listen [::]:{port}{more};"]


def _host(place: SiteLocation) -> str:
    return f"[{place.host}]" if ":" in place.host else place.host


def _path(place: SiteLocation, pattern: str) -> str:
    return f"~{_whole(place, pattern)}"


def _matching(place: SiteLocation, pattern: str) -> str:
    return f"~ {quoted_text(_whole(place, pattern))}"


def _whole(place: SiteLocation, pattern: str) -> str:
    r"""Match a whole path, line feeds included; $ would match before a last line feed."""
    return rf"(?s)^{re.escape(place.prefix)}(?:{pattern})\z"
