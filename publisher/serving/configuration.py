"""What configurations of nginx and Caddy share: the site's place, the console's host, paths of pages.

The console's own host stands beside the publication's site. A console that is reached on this
machine only has none. `publisher web` answers some paths among all others of the site: our own
server and the configurations follow one table of them. Patterns mean the same in Python, PCRE and
RE2. Paths are relative to the web root, without a leading slash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from textwrap import indent
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Settings


# Characters with a meaning to nginx or Caddy, even within quotes.
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


def config_block(head: str, lines: Iterable[str], step: str = "    ") -> str:
    """Return a block in braces, with its lines indented by one step."""
    inner = "\n".join(line.rstrip() for line in lines)
    return f"{head} {{\n{indent(inner, step)}\n}}"


def _safe(name: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(
            f"{name}: {path!r} is not an absolute path; write one like /srv/publication/public"
        )
    found = _UNSAFE.search(path)
    if found:
        raise UsageError(
            f"{name}: {path!r} contains {found[0]!r}, which web servers misread; choose a path without it"
        )
    return path


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


def caddy_console(settings: Settings) -> list[str]:
    """Return the site of the console."""
    if not has_console_host(settings):
        return []
    block = partial(config_block, step="\t")
    passed = [
        block("request_body", [f"max_size {_MOST_MEGABYTES}MB"]),
        f"reverse_proxy {settings.console.address}",
    ]
    heading = "# The editors' console, which `publisher console` answers."
    return [f"{heading}\n{block(settings.console.url, passed)}"]


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
