"""What takes messages away: the seam, and the folder behind it that is the default.

A transport says of itself whether giving it a message twice does harm. Knows no ledger.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from publisher.composing import Message
from publisher.errors import DeliveryError
from publisher.files import make_folder, sync_folder


class Transport(Protocol):
    """Takes finished messages away."""

    guarantee: Literal["idempotent", "ambiguous"]

    def take(self, messages: Sequence[Message], folder: str) -> None:
        """Take messages of one issue, all of them; `folder` is the issue's own.

        Raises DeliveryError when the transport can't go on; what was taken before is taken.
        """
        ...


class OutboxTransport:
    """Writes each message to a file named from its Message-ID: twice is the same as once.

    A file appears whole, by rename. Hand them to a mail server from there.
    """

    guarantee: Literal["idempotent", "ambiguous"] = "idempotent"

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox

    def take(self, messages: Sequence[Message], folder: str) -> None:
        """Write the messages; they are on disk, names and all, when this returns."""
        target = self._outbox / folder
        try:
            make_folder(target)
            for message in messages:
                _put(target / f"{message.name}.eml", message.content)
            sync_folder(target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise DeliveryError(
                f"{error.filename or target}: can't be written: {reason}"
            ) from error


def _put(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
