"""The transport that hands mail to one server by SMTP.

Not idempotent: what was sent and not answered may or may not have been taken. Knows no ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from pydantic import SecretStr

from publisher.config import SETTINGS_FILE
from publisher.config.delivery import SmtpSettings
from publisher.delivery.smtp.connect import SmtpServer, connect_to_server
from publisher.delivery.smtp.session import SmtpConnection
from publisher.delivery.smtp.tls import tls_context
from publisher.delivery.transports.base import Guarantee
from publisher.errors import ConfigError

# Seconds for which the reply to the final dot is waited for (RFC 5321 section 4.5.3.2.6): the
# server may have taken the message, and who hangs up earlier will send it twice.
PATIENCE = 600.0


class SmtpTransport:
    """Hands messages to the server of [delivery.smtp].

    `folder` is the publication's, from which the settings' files are named. Raises ConfigError
    where a file or the password is missing or can't be used.
    """

    name = "smtp"
    guarantee: Guarantee = "ambiguous"

    def __init__(
        self,
        settings: SmtpSettings,
        folder: Path,
        password: SecretStr | None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self.connections = settings.connections
        self.prefetch = settings.promised
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

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> SmtpConnection:  # noqa: ARG002
        """Connect and log in; raises Unreachable, which says whether trying again may help."""
        wire, offers = connect_to_server(self._server)
        return SmtpConnection(
            wire, offers, holds_lease, server=str(self._server), patience=self._patience
        )

    def on_committed(self, sender: int, keys: Collection[tuple[int, int]]) -> None:
        """Do nothing: what the server has taken is out of our hands."""


def _checked(
    settings: SmtpSettings, folder: Path, password: SecretStr | None
) -> SecretStr | None:
    if settings.user is None:
        return None
    variable = "PUBLISHER_SMTP_PASSWORD"
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
