"""The table [webhooks]: requests that tell other programs what happened."""

from __future__ import annotations

from publisher.config.values import ConfigTable


class WebhookSettings(ConfigTable):
    """The table [webhooks]."""

    # Whether a webhook may lead to this machine, by http, too: for those who write a receiver.
    loopback: bool = False
