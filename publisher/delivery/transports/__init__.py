"""Transports send mail to a server or by a provider: the interface (`base`), the outbox (the default), SMTP.

A kind of transport is a line in `publisher.config.delivery.TRANSPORT_KINDS`.
"""

from pkgutil import resolve_name
from typing import Any

from publisher.config import Settings
from publisher.config.delivery import TRANSPORT_KINDS


def create_transport(settings: Settings, kind: str | None = None) -> Any:
    """Return a `Transport`, by default the one in use; `RecoverableTransport` if its kind has leftovers. Raises ConfigError."""
    kind = kind or settings.delivery.transport
    return resolve_name(TRANSPORT_KINDS[kind].factory)(settings.delivery.table(kind), settings)
