"""Settings of `publisher console`: whether there is one, its address for browsers, where it listens."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from publisher.config.values import ConfigTable, WebRoot

_MAX_PORT = 65_535


def is_loopback_name(name: str) -> bool:
    """Return whether a host name leads to this machine in every browser (RFC 6761 section 6.3)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _own_root(value: str) -> str:
    parts = urlsplit(value)
    if parts.path:
        raise ValueError(
            f"{value!r} has a path; the console needs a host name of its own, such as "
            "https://console.example.org"
        )
    if parts.scheme == "http" and not is_loopback_name(parts.hostname or ""):
        raise ValueError(
            f"{value!r} is plain http, over which browsers keep nobody signed in; write https://"
        )
    return value


class ConsoleSettings(ConfigTable):
    """The table [console]."""

    # Whether `publisher console` may be started.
    enabled: bool = True
    # Its address in browsers: no path, and another host name than the publication's.
    url: Annotated[WebRoot, AfterValidator(_own_root)] = "http://localhost:8090"
    # Where it listens, and where the web server in front of it finds it.
    host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9._:-]+$")
    port: int = Field(default=8090, ge=1, le=_MAX_PORT)
    # Whether approvers and translators get mails about issues that wait for approval.
    reminders: bool = True

    @property
    def name(self) -> str:
        """Host name of the URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def address(self) -> str:
        """Where a web server on this machine finds it, as host and port."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # compared only
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach it by https."""
        return self.url.startswith("https:")
