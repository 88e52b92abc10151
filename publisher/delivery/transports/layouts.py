"""How an outbox keeps its messages: where each has its place. Knows not how it gets there."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from publisher.config.delivery import OutboxLayoutKind
from publisher.files import make_folder

# What makes a folder a Maildir (https://cr.yp.to/proto/maildir.html).
TMP, NEW, CUR = "tmp", "new", "cur"


@dataclass(frozen=True, slots=True)
class OutboxLayout:
    """The places of an outbox.

    With `files`, `<outbox>/<the issue's own folder>/<name>.eml`; with `maildir`, all messages
    are in `<outbox>/new`, and programs that read mail take them from there.
    """

    outbox: Path
    layout: OutboxLayoutKind = OutboxLayoutKind.FILES

    def folder(self, folder: str) -> Path:
        """Give the folder for messages of an issue, whose own is `folder`."""
        return self.outbox / (NEW if self.layout is OutboxLayoutKind.MAILDIR else folder)

    def path(self, folder: str, name: str) -> Path:
        """Give the place of one message."""
        file = name if self.layout is OutboxLayoutKind.MAILDIR else f"{name}.eml"
        return self.folder(folder) / file

    def prepare(self, folder: str) -> None:
        """Make the folder for an issue's messages; raises OSError if none can be put there."""
        if self.layout is OutboxLayoutKind.MAILDIR:
            for one in (TMP, CUR):
                make_folder(self.outbox / one)
        target = self.folder(folder)
        make_folder(target)
        if not os.access(target, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
