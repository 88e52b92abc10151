"""Where messages wait until the ledger has them as sent: a folder for each sender.

A file's path says which row it is of and where it will go, so that nothing but the folder is
needed to finish what a process that died has left:

    <sender>/<issue>/<the issue's own folder>/<subscriber>.<name>.staged

Knows no layout and no ledger.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from publisher.delivery.transports.base import OutgoingMessage
from publisher.files import make_folder, sync_folder, write_durably

# No name that consumers look for; and longer than what they do, so that a name which can be
# staged can also be put in its place.
SUFFIX = ".staged"


@dataclass(frozen=True, slots=True)
class StagedMessage:
    """A message that waits: its row of the ledger, and where it will go."""

    path: Path
    key: tuple[int, int]
    folder: str
    name: str


class StagingArea:
    """The folder of all that waits. What fails raises OSError."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def senders(self) -> list[int]:
        """List the numbers of the senders that have a folder here."""
        try:
            return sorted(int(one.name) for one in self._root.iterdir() if one.name.isdecimal())
        except FileNotFoundError:
            return []

    def open(self, sender: int) -> None:
        """Make a sender's folder."""
        make_folder(self._root / str(sender))

    def put(self, sender: int, outgoing: OutgoingMessage) -> None:
        """Write a message; when this returns, file and name survive a power cut.

        A message that can't be written whole leaves nothing. Writing it again is no harm.
        """
        message = outgoing.message
        folder = self._root / str(sender) / str(outgoing.issue_id) / outgoing.folder
        path = folder / f"{message.subscriber_id}.{message.name}{SUFFIX}"
        try:
            _write(path, message.content)
        except FileNotFoundError:
            make_folder(folder)
            _write(path, message.content)

    def waiting(self, sender: int) -> list[StagedMessage]:
        """List what a sender has staged, whole or not; what is not ours is left out."""
        top = self._root / str(sender)
        found = [
            staged
            for folder, _, names in os.walk(top, onerror=_raise_unless_gone)
            for staged in _read(Path(folder), top, names)
        ]
        return sorted(found, key=lambda one: one.key)

    def tidy(self, sender: int) -> None:
        """Remove a sender's folders as far as they are empty, and then this one."""
        for folder, _, _ in os.walk(self._root / str(sender), topdown=False):
            _remove_if_empty(folder)
        _remove_if_empty(self._root)


def _write(path: Path, content: bytes) -> None:
    try:
        write_durably(path, content)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _read(folder: Path, top: Path, names: Iterable[str]) -> Iterator[StagedMessage]:
    """Tell of the files in a folder of a sender's which messages they are."""
    issue, *own = folder.relative_to(top).parts or ("",)
    if not issue.isdecimal():
        return
    for file in names:
        subscriber, _, name = file.removesuffix(SUFFIX).partition(".")
        if file.endswith(SUFFIX) and subscriber.isdecimal() and name:
            key = int(issue), int(subscriber)
            yield StagedMessage(folder / file, key, "/".join(own), name)


def _remove_if_empty(folder: str | Path) -> None:
    with suppress(OSError):  # holds something, or is gone: either is as it should be
        os.rmdir(folder)  # noqa: PTH106  # takes what a walk gives
