"""A transport that nothing in the program knows: files in a folder, staged until they are committed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.config import Settings
from publisher.config.values import ConfigTable
from publisher.delivery.transports import base as transports


class SpoolSettings(ConfigTable):
    folder: str = "spool"


@dataclass
class SpoolTransport(transports.RecoverableTransport):
    folder: Path
    name = "spool"
    guarantee: transports.Guarantee = "idempotent"
    connections = 1
    prefetch = 1

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> SpoolConnection:  # noqa: ARG002  # as the protocol has it
        return SpoolConnection(self.folder / "staged" / str(lease_id))

    def on_committed(self, lease_id: int, keys: Collection[transports.MessageKey]) -> None:
        for issue, subscriber in keys:
            staged = self.folder / "staged" / str(lease_id) / f"{issue}-{subscriber}"
            staged.rename(self.folder / staged.name)

    def leftovers(self) -> list[int]:
        return [int(one.name) for one in (self.folder / "staged").glob("*")]

    def recover(
        self,
        lease_id: int,
        sent: Callable[[Sequence[transports.MessageKey]], Collection[transports.MessageKey]],
    ) -> None:
        folder = self.folder / "staged" / str(lease_id)
        keys = [tuple(map(int, one.name.split("-"))) for one in folder.iterdir()]
        self.on_committed(lease_id, sent([(issue, subscriber) for issue, subscriber in keys]))
        for rest in folder.iterdir():
            rest.unlink()
        folder.rmdir()


@dataclass
class SpoolConnection:
    folder: Path
    is_open = True

    def send(
        self,
        outgoing: transports.OutgoingMessage,
        next_message: transports.OutgoingMessage | None = None,  # noqa: ARG002  # as the protocol has it
    ) -> transports.Outcome:
        self.folder.mkdir(parents=True, exist_ok=True)
        issue, subscriber = outgoing.key
        (self.folder / f"{issue}-{subscriber}").write_bytes(outgoing.message.content)
        return transports.ACCEPTED_OUTCOME

    def close(self) -> None:
        pass


def open_spool(table: SpoolSettings, settings: Settings) -> SpoolTransport:
    return SpoolTransport(settings.folders.root / table.folder)
