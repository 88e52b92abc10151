"""Settings of `publisher web`: where it listens, and which proxies it believes."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from publisher.config.values import ConfigTable, require_list

_MAX_PORT = 65_535


# Copied into configurations of web servers: no character with a meaning there.
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def _listen_address(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if not found or int(found["port"]) > _MAX_PORT:
        raise ValueError(f"{value!r} is no address to listen on; write one like 127.0.0.1:8100")
    return value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(
            f"{value!r} is no address or network; write one like 192.0.2.7 or 10.0.0.0/8"
        ) from None


class WebSettings(ConfigTable):
    """The table [web]."""

    # Whether subscribers' pages are served by `publisher web`; without it, pages say to write.
    enabled: bool = True
    # Where it listens, and where the web server in front of it finds it.
    address: Annotated[str, AfterValidator(_listen_address)] = "127.0.0.1:8100"
    # Whose X-Forwarded-For counts: addresses and networks of proxies.
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(require_list)
    ] = ("127.0.0.0/8", "::1/128")

    @property
    def host(self) -> str:
        """The host of the address, without the brackets of IPv6."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port of the address."""
        return int(self.address.rpartition(":")[2])
