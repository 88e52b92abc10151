"""The SMTP transport: hands messages to the server of [delivery.smtp].

It is not idempotent: a message that was sent and not answered may have been accepted. Its TLS
context is made from the settings: trusted authorities, and our certificate.
"""

import errno
import os
import ssl
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import SMTP_PASSWORD, SmtpSettings, Tls, resolve_file
from publisher.config.values import Mailbox
from publisher.delivery.transports.base import Guarantee, MessageKey, Transport
from publisher.delivery.transports.smtp.connect import SmtpServer, connect_to_server
from publisher.delivery.transports.smtp.session import SmtpConnection
from publisher.errors import ConfigError
from publisher.issues.model import Issue


class PeerMayDisconnectSocket(ssl.SSLSocket):
    """A TLS socket that closes itself if the server has disconnected before TLS began.

    The standard library leaves such a socket open.
    """

    def getpeername(self) -> Any:
        """Return the server's address. If it has disconnected, close and raise OSError."""
        try:
            return super().getpeername()
        except OSError as error:
            self.close()
            raise ConnectionResetError(
                errno.ECONNRESET, os.strerror(errno.ECONNRESET)
            ) from error


def tls_context(settings: SmtpSettings, folder: Path) -> ssl.SSLContext | None:
    """Return the context, or None without TLS. Relative files are below the publication's folder.

    Raises ConfigError for a file that can't be read, or that holds no certificate or key.
    """
    if settings.tls is Tls.NONE:
        return None
    context = _with_authorities(settings, folder)
    context.sslsocket_class = PeerMayDisconnectSocket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate:
        _load_certificate(context, settings, settings.certificate, folder)
    return context


def _with_authorities(settings: SmtpSettings, folder: Path) -> ssl.SSLContext:
    if not settings.authorities:
        return ssl.create_default_context()
    path = _readable(settings.authorities, folder, "authorities")
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        remedy = "name a PEM file with the certificates that you trust"
        raise _wrong(folder, "authorities", f"{path} holds no certificate", remedy) from None


def _load_certificate(
    context: ssl.SSLContext, settings: SmtpSettings, named: str, folder: Path
) -> None:
    certificate = _readable(named, folder, "certificate")
    key = _readable(settings.key, folder, "key") if settings.key else None
    try:
        # Without a password here, OpenSSL would ask for one at the terminal and wait.
        context.load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        where = f"{certificate} with {key}" if key else str(certificate)
        why = getattr(error, "reason", None) or "bad password read"
        problem = f"{where} is no certificate with its key: {why.replace('_', ' ').lower()}"
        remedy = "name PEM files that go together, the key without a password"
        raise _wrong(folder, "certificate", problem, remedy) from None


def _readable(named: str, folder: Path, key: str) -> Path:
    path = resolve_file(folder, named)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        problem = f"{path} can't be read: {error.strerror}"
        remedy = "name a PEM file that this user may read"
        raise _wrong(folder, key, problem, remedy) from None


def _wrong(folder: Path, key: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(str(folder / SETTINGS_FILE), f"delivery.smtp.{key}", problem, remedy)


# Time limit in seconds for the reply to the final dot (RFC 5321 section 4.5.3.2.6). The server may
# have accepted the message; hanging up earlier would mean to send it twice.
_FINAL_REPLY_SECONDS = 600.0


class SmtpTransport(Transport):
    """Hands messages to one mail server.

    Files named in the settings are relative to `folder`, the publication's. Raises ConfigError if
    a file or the password is missing or can't be used.
    """

    name = "smtp"
    guarantee: Guarantee = "ambiguous"

    def __init__(
        self,
        settings: SmtpSettings,
        folder: Path,
        password: SecretStr | None,
        *,
        patience: float = _FINAL_REPLY_SECONDS,
    ) -> None:
        self.connections = settings.connections
        self.prefetch = settings.promised
        self.verp_separator = settings.verp_separator if settings.verp else ""
        self._bounces = settings.bounces
        self._patience = patience
        self._server = SmtpServer(
            settings.host,
            settings.port_used,
            settings.tls,
            tls_context(settings, folder),
            settings.timeout,
            hello=settings.hello,
            user=settings.user,
            password=_checked(settings, folder, password),
        )

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> SmtpConnection:  # noqa: ARG002  # the protocol has it
        """Connect and log in. Raises Unreachable, which says whether another try may help."""
        sock, capabilities = connect_to_server(self._server)
        return SmtpConnection(
            sock, capabilities, holds_lease, server=str(self._server), patience=self._patience
        )

    def envelope_from(self, sender: Mailbox) -> str:
        """Return the address for bounces of the settings, or the sender's."""
        return (self._bounces or sender).address

    def on_committed(self, lease_id: int, keys: Collection[MessageKey]) -> None:
        """Do nothing: the server has the messages."""

    def destination(self, issue: Issue) -> str:  # noqa: ARG002  # as above
        """Return the server's host and port."""
        return str(self._server)


def open_smtp(table: SmtpSettings, settings: Settings) -> SmtpTransport:
    """Return the transport of [delivery.smtp]. Raises ConfigError."""
    return SmtpTransport(table, settings.folders.root, settings.secrets.get(SMTP_PASSWORD))


def _checked(
    settings: SmtpSettings, folder: Path, password: SecretStr | None
) -> SecretStr | None:
    if settings.user is None:
        return None
    variable = SMTP_PASSWORD
    if password is None:
        problem = "missing, though [delivery.smtp] has a user"
        raise ConfigError("environment", variable, problem, f"set {variable}")
    if not password.get_secret_value().isascii():
        problem = "has characters that can't be sent to log in"
        raise ConfigError("environment", variable, problem, "choose one of ASCII alone")
    if not settings.user.isascii():
        problem = f"{settings.user!r} has characters that can't be sent to log in"
        file = str(folder / SETTINGS_FILE)
        raise ConfigError(file, "delivery.smtp.user", problem, "name a user of ASCII alone")
    return password
