"""The console's own host in configurations of nginx and Caddy, beside the publication's site.

A console that is reached on this machine only has none.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.serving.site_location import config_block

if TYPE_CHECKING:
    from publisher.config import Settings

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
