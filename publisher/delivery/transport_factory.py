"""Which transport a publication's settings ask for. Knows no message."""

from __future__ import annotations

from publisher.config import Settings
from publisher.delivery.transports.base import Transport


def create_transport(settings: Settings) -> Transport:
    """Make the transport; raises ConfigError for what it can't be made of."""
    if settings.delivery.transport == "smtp":
        # TLS takes a while to load, and an outbox needs none.
        from publisher.delivery.smtp import SmtpTransport

        smtp = settings.delivery.smtp
        return SmtpTransport(smtp, settings.folders.root, settings.smtp_password)
    from publisher.delivery.transports.outbox import OutboxTransport

    return OutboxTransport.of(settings)
