"""Connections to servers of the tests, and what becomes of them."""

import ssl
from pathlib import Path

import pytest
from pydantic import SecretStr

from publisher.config.delivery import Tls
from publisher.delivery.transports.base import Unreachable
from publisher.delivery.transports.smtp.commands import Capabilities
from publisher.delivery.transports.smtp.connect import SmtpServer, connect_to_server
from tests.publisher.delivery.transports.smtp.scripted import (
    SOON,
    Script,
    Scripted,
)

PASSWORD = "correct horse"
USERS = {"news": PASSWORD}


def a_server(
    port: int,
    *,
    tls: Tls = Tls.NONE,
    authorities: Path | None = None,
    host: str = "127.0.0.1",
    timeout: float = SOON,
    name: str | None = "client.example.org",
    user: str | None = None,
    password: str = PASSWORD,
) -> SmtpServer:
    context = None if tls is Tls.NONE else ssl.create_default_context(cafile=authorities)
    secret = SecretStr(password) if user else None
    return SmtpServer(host, port, tls, context, timeout, hello=name, user=user, password=secret)


def offers_of(server: SmtpServer) -> Capabilities:
    wire, offers = connect_to_server(server)
    wire.quit()
    return offers


def failure(server: SmtpServer) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        offers_of(server)
    return caught.value


def failing(script: Script, **changes: object) -> Unreachable:
    """Fail to connect to a script."""
    with Scripted(script) as scripted:
        return failure(a_server(scripted.port, **changes))  # type: ignore[arg-type]
