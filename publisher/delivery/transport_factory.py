"""Make the transport that the settings ask for."""

from __future__ import annotations

from publisher.config import Settings
from publisher.delivery.transports.base import Transport


def create_transport(settings: Settings) -> Transport:
    """Return the transport. Raises ConfigError for settings that it can't be made from."""
    if settings.delivery.transport == "smtp":
        # Loading TLS takes time, and an outbox needs none.
        from publisher.delivery.transports.smtp.transport import SmtpTransport

        smtp = settings.delivery.smtp
        return SmtpTransport(smtp, settings.folders.root, settings.smtp_password)
    from publisher.delivery.transports.outbox import OutboxTransport

    return OutboxTransport.of(settings)
