"""Make the TLS context of the settings: trusted authorities, and our certificate."""

from __future__ import annotations

import errno
import os
import ssl
from pathlib import Path
from typing import Any

from publisher.config import SETTINGS_FILE
from publisher.config.delivery import SmtpSettings, Tls, resolve_file
from publisher.errors import ConfigError


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
