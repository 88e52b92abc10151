"""Parts of a configuration of nginx: names of variables, lines of maps, and the access log."""

from __future__ import annotations

import re
from zlib import crc32

from publisher.serving.site_location import SiteLocation, config_block

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
    below = [f"{re.escape(place.prefix)}{one}" for one in _BEFORE_TOKENS]
    hidden = [
        map_line(
            f"~^(?<{variable_name(place, 'shown')}>{one}).",
            f"${variable_name(place, 'shown')}…",
        )
        for one in (*below, *(_BEFORE_CONSOLE_TOKENS if console else ()))
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
