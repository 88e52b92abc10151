"""Staged messages: they wait until the ledger has them as sent, in one folder per lease.

A file's path gives its row and its destination, so nothing but the folder is needed to finish what
a dead process has left:

    <lease>/<issue>/<the issue's own folder>/<subscriber>.<name>.staged
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from publisher.delivery.transports.base import MessageKey, OutgoingMessage
from publisher.files import make_folder, make_private_folder, sync_folder, write_durably

# Inside the outbox, because a rename can't cross file systems, and an outbox is often one of its
# own. Hidden, and nothing in it has the name of a message.
_STAGING_FOLDER = ".staged"
# Consumers look for no such name. It is longer than their suffixes, so that a name that can be
# staged can also be placed.
_SUFFIX = ".staged"


def issue_folder(newsletter: str, language: str, day: date | None) -> str:
    """Return an issue's own folder below an outbox; test messages have one together."""
    return f"{newsletter}/{language}/{day or 'test'}"


@dataclass(frozen=True, slots=True)
class StagedMessage:
    """A staged file, its row of the ledger, and its destination."""

    path: Path
    key: MessageKey
    folder: str
    name: str


class StagingArea:
    """The folder of all staged messages. Failures are OSErrors."""

    def __init__(self, outbox: Path) -> None:
        self._root = outbox / _STAGING_FOLDER

    def leases(self) -> list[int]:
        """List the leases that have a folder here."""
        try:
            return sorted(int(one.name) for one in self._root.iterdir() if one.name.isdecimal())
        except FileNotFoundError:
            return []

    def open(self, lease_id: int) -> None:
        """Make the folder of a lease. Messages have addresses and links: only their owner reads them."""
        make_private_folder(self._root.parent)
        make_folder(self._root / str(lease_id))

    def put(self, lease_id: int, outgoing: OutgoingMessage) -> None:
        """Write a message. When this returns, the file and its name survive a power failure.

        A message that can't be written completely leaves no file. Writing it again is harmless.
        """
        message = outgoing.message
        folder = (
            self._root
            / str(lease_id)
            / str(outgoing.issue_id)
            / issue_folder(outgoing.newsletter, outgoing.language, outgoing.day)
        )
        path = folder / f"{message.subscriber_id}.{message.name}{_SUFFIX}"
        try:
            _write(path, message.content)
        except FileNotFoundError:
            make_folder(folder)
            _write(path, message.content)

    def waiting(self, lease_id: int) -> list[StagedMessage]:
        """List what a lease has staged, complete or not. Foreign files are left out."""
        top = self._root / str(lease_id)
        found = [
            staged
            for folder, _, names in os.walk(top, onerror=_raise_unless_gone)
            for staged in _parse(Path(folder), top, names)
        ]
        return sorted(found, key=lambda one: one.key)

    def remove_empty_folders(self, lease_id: int) -> None:
        """Remove the empty folders of a lease, and then the staging area if it is empty."""
        for folder, _, _ in os.walk(self._root / str(lease_id), topdown=False):
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


def _parse(folder: Path, top: Path, names: Iterable[str]) -> Iterator[StagedMessage]:
    """Return the staged messages among the files of a folder."""
    issue, *own = folder.relative_to(top).parts or ("",)
    if not issue.isdecimal():
        return
    for file in names:
        subscriber, _, name = file.removesuffix(_SUFFIX).partition(".")
        if file.endswith(_SUFFIX) and subscriber.isdecimal() and name:
            key = int(issue), int(subscriber)
            yield StagedMessage(folder / file, key, "/".join(own), name)


def _remove_if_empty(folder: str | Path) -> None:
    with suppress(OSError):  # not empty, or gone already
        os.rmdir(folder)  # noqa: PTH106  # takes what a walk returns
