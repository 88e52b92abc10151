"""The SMTP transport: connects to the server of [delivery.smtp] by smtplib, which no other module uses.

It is not idempotent: a message that was sent and not answered may have been accepted. TLS is as the settings ask for,
or there is no connection (RFC 3207 section 6, RFC 8314 section 4.1).
"""

import base64
import binascii
import errno
import functools
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.delivery import SMTP_PASSWORD, SmtpSettings, Tls, resolve_file
from publisher.config.values import Mailbox
from publisher.delivery.transports.base import Guarantee, MessageKey, Transport, Unreachable
from publisher.delivery.transports.smtp import protocol
from publisher.delivery.transports.smtp.classify import PERMANENT
from publisher.delivery.transports.smtp.session import SmtpConnection
from publisher.errors import ConfigError
from publisher.issues.model import Issue

# A name with a dot (RFC 5321 section 4.1.2). Servers refuse others in EHLO.
_FULL_NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 3
_MAX_TEXT = 120
_EHLO_OK = 250
# With a name, smtplib does not look up its own, which may take long. The name is not used.
_UNUSED_NAME = "localhost"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where to connect, and how."""

    settings: SmtpSettings
    context: ssl.SSLContext | None
    password: SecretStr | None = None

    def __str__(self) -> str:
        host = self.settings.host
        return f"{f'[{host}]' if ':' in host else host}:{self.settings.port}"


def connect_to_server(server: SmtpServer) -> tuple[protocol.SmtpSocket, protocol.Capabilities]:
    """Connect and log in; return socket and capabilities. Raises Unreachable, final if a person has to change something."""
    with _reporting(server):
        client = _open(server)
        try:
            _say_hello(client, server)
            if server.settings.tls is Tls.STARTTLS:
                _start_tls(client, server)
            _log_in(client, server)
            return client.detach()
        except BaseException:
            client.close()
            raise


class _Bounded(smtplib.SMTP):
    """smtplib, with bounded replies, and with no bytes of them left in a file's buffer."""

    io: protocol.SmtpSocket | None = None
    refusal: smtplib.SMTPAuthenticationError | None = None
    _io_socket: socket.socket | None = None

    def send(self, s: Any) -> None:
        """Write. If that fails, the server's last reply says more, and it is read next."""
        assert self.sock  # noqa: S101  # smtplib has connected
        with suppress(OSError):
            self.sock.sendall(s.encode("ascii") if isinstance(s, str) else s)

    def getreply(self) -> tuple[int, bytes]:
        assert self.sock  # noqa: S101  # as above
        if self.io is None or self._io_socket is not self.sock:
            if self.io and self.io.has_leftovers:
                # Sent before TLS, perhaps by somebody in between (RFC 3207 section 6).
                raise protocol.ConnectionLost("sent data in the clear after STARTTLS")
            self.io, self._io_socket = protocol.SmtpSocket(self.sock, self.timeout), self.sock
        try:
            reply = self.io.reply()
        except protocol.ConnectionLost:
            self.close()
            raise
        return reply.code, b"\n".join(reply.texts)

    def auth(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Try one way to log in, and remember a refusal: the server may disconnect after it."""
        try:
            return super().auth(*args, **kwargs)
        except smtplib.SMTPAuthenticationError as refusal:
            self.refusal = refusal
            raise
        except binascii.Error:
            raise protocol.ConnectionLost("asks for the login in invalid base64") from None

    def detach(self) -> tuple[protocol.SmtpSocket, protocol.Capabilities]:
        """Return the socket and the capabilities. This object can't be used any more."""
        assert self.io  # noqa: S101  # EHLO was answered
        assert self.sock  # noqa: S101  # as above
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = None
        size = self.esmtp_features.get("size", "")
        return self.io, protocol.Capabilities(
            pipelining=self.has_extn("pipelining"),
            sizes=self.has_extn("size"),
            # 0: no fixed limit (RFC 1870 section 3).
            max_size=(int(size) if _SIZE.fullmatch(size) else 0) or None,
        )


class _BoundedTls(_Bounded, smtplib.SMTP_SSL):
    pass


def _open(server: SmtpServer) -> _Bounded:
    place, timeout = (server.settings.host, server.settings.port), server.settings.timeout
    if server.settings.tls is Tls.IMPLICIT:
        context = server.context
        return _BoundedTls(*place, _UNUSED_NAME, timeout=timeout, context=context)
    return _Bounded(*place, _UNUSED_NAME, timeout=timeout)


def _say_hello(client: _Bounded, server: SmtpServer) -> None:
    assert client.sock  # noqa: S101  # smtplib has connected
    client.local_hostname = server.settings.hello or _own_name() or _literal(client.sock)
    code, words = client.ehlo()
    if code != _EHLO_OK:
        raise smtplib.SMTPHeloError(code, words)


def _start_tls(client: _Bounded, server: SmtpServer) -> None:
    if not client.has_extn("starttls"):
        raise Unreachable(
            f"{server}: does not offer STARTTLS, and nothing is sent without; "
            "set delivery.smtp.tls to what it has",
            is_final=True,
        )
    client.starttls(context=server.context)
    _say_hello(client, server)


def _log_in(client: _Bounded, server: SmtpServer) -> None:
    user = server.settings.user
    if user is None or server.password is None:
        return
    try:
        client.login(user, server.password.get_secret_value())
    except protocol.ConnectionLost as loss:
        raise client.refusal or loss from None


@functools.cache
def _own_name() -> str | None:
    name = socket.getfqdn()
    return name if _FULL_NAME.fullmatch(name) and not name.startswith("localhost.") else None


def _literal(sock: socket.socket) -> str:
    """Return our address literal, used without a name (RFC 5321 section 4.1.3)."""
    address = str(sock.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


@contextmanager
def _reporting(server: SmtpServer) -> Iterator[None]:
    """Turn errors into Unreachable, which says whether a person has to do something."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _refused(server, error) from None
    except smtplib.SMTPNotSupportedError:
        raise Unreachable(f"{server}: offers no login (AUTH)", is_final=True) from None
    except smtplib.SMTPException:
        problem = "offers none of the supported ways to log in (CRAM-MD5, PLAIN, LOGIN)"
        raise Unreachable(f"{server}: {problem}", is_final=True) from None
    except protocol.ConnectionLost as error:
        if isinstance(error.__cause__, ssl.SSLError):
            raise _untrusted(server, error.__cause__) from None
        raise Unreachable(f"{server}: {error}") from None
    except ssl.SSLError as error:
        raise _untrusted(server, error) from None
    except OSError as error:
        raise Unreachable(f"{server}: {_fault(error, server)}") from None
    except UnicodeError:
        raise Unreachable(f"{server}: that is not a valid host name", is_final=True) from None


_STAGES = {
    smtplib.SMTPConnectError: "takes no connection from us",
    smtplib.SMTPHeloError: "refuses EHLO",
    smtplib.SMTPAuthenticationError: "refuses the login",
}


def _refused(server: SmtpServer, error: smtplib.SMTPResponseException) -> Unreachable:
    words = error.smtp_error
    text = words if isinstance(words, str) else words.decode("utf-8", "replace")
    reply = protocol.SmtpReply(
        error.smtp_code, f"{error.smtp_code} {' '.join(text.split())}\n".encode()
    )
    code = f"{reply.code} {reply.enhanced or ''}".strip()
    said = protocol.redact_reply(_without_password(reply.text, server), longest=_MAX_TEXT)
    stage = _STAGES.get(type(error), "refuses STARTTLS")
    is_final = reply.code >= PERMANENT
    is_login = is_final and isinstance(error, smtplib.SMTPAuthenticationError)
    remedy = f"; check user = {server.settings.user!r} in [delivery.smtp], and {SMTP_PASSWORD}"
    why = f"{server}: {stage} ({code}: {said}){remedy if is_login else ''}"
    return Unreachable(why, is_final=is_final, is_login=is_login)


def _without_password(text: str, server: SmtpServer) -> str:
    if server.password is None:
        return text
    password = server.password.get_secret_value()
    for secret in (f"\0{server.settings.user}\0{password}", password):
        encoded = base64.b64encode(secret.encode()).decode("ascii")
        text = text.replace(secret, "…").replace(encoded, "…")
    return text


def _untrusted(server: SmtpServer, error: ssl.SSLError) -> Unreachable:
    if isinstance(error, ssl.SSLCertVerificationError):
        problem = f"its certificate can't be trusted: {error.verify_message}"
        return Unreachable(f"{server}: {problem}", is_final=True)
    is_about_tls = error.library == "SSL" and not isinstance(error, ssl.SSLEOFError)
    if not is_about_tls:
        return Unreachable(f"{server}: closed the connection during TLS")
    why = (error.reason or str(error)).replace("_", " ").lower()
    return Unreachable(f"{server}: TLS can't be established: {why}", is_final=True)


def _fault(error: OSError, server: SmtpServer) -> str:
    if isinstance(error, TimeoutError):
        return f"was silent for {server.settings.timeout:g} s"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "broke off the connection"
    if isinstance(error, ConnectionRefusedError):
        return "no server listens there"
    if isinstance(error, socket.gaierror):
        return "the host's name has no address, or the DNS does not answer"
    return f"can't be reached: {error.strerror or error}"


class PeerMayDisconnectSocket(ssl.SSLSocket):
    """A TLS socket that closes itself if the server disconnects before TLS begins; the standard library's stays open."""

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
    """Hands messages to one mail server. Files of the settings are relative to `folder`. Raises ConfigError for unusable ones."""

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
        context, password = tls_context(settings, folder), _checked(settings, folder, password)
        self._server = SmtpServer(settings, context, password)

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> SmtpConnection:  # noqa: ARG002  # the protocol has it
        sock, capabilities = connect_to_server(self._server)
        return SmtpConnection(
            sock, capabilities, holds_lease, server=str(self._server), patience=self._patience
        )

    def envelope_from(self, sender: Mailbox) -> str:
        return (self._bounces or sender).address

    def on_committed(self, lease_id: int, keys: Collection[MessageKey]) -> None:
        """Do nothing: the server has the messages."""

    def destination(self, issue: Issue) -> str:  # noqa: ARG002  # as above
        return str(self._server)


def open_smtp(table: SmtpSettings, settings: Settings) -> SmtpTransport:
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
