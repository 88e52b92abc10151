"""A Maildir (https://cr.yp.to/proto/maildir.html): mails in `new` wait, those in `cur` were looked at."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from publisher.clock import SystemTimer
from publisher.errors import MailboxError
from publisher.files import make_folder, sync_folder, write_durably

# Bytes that are read of one mail.
MAX_READ = 10_000_000
# Mails of one look; the rest waits for the next.
MAX_MAILS = 500
_FOLDERS = ("new", "cur", "tmp")


class MaildirMailbox:
    """Reads the mails in `new`, the oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def waiting(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of the mails that wait. Raise MailboxError."""
        try:
            names = sorted(
                one.name for one in os.scandir(self._folder / "new") if one.name[0] != "."
            )
        except OSError as error:
            raise MailboxError(
                f"{self._folder}: no Maildir that can be read ({error.strerror}); see path in [mailbox]"
            ) from error
        for name in names[:MAX_MAILS]:
            try:
                with (self._folder / "new" / name).open("rb") as file:
                    yield name, file.read(MAX_READ)
            except FileNotFoundError:
                continue  # somebody else has moved it
            except OSError as error:
                raise MailboxError(
                    f"{self._folder / 'new' / name}: {error.strerror}"
                ) from error

    def put_away(self, name: str, *, is_handled: bool) -> None:
        """Move a mail to `cur`; as seen if there is nothing to read for a person. Raise MailboxError."""
        target = f"{name.partition(':')[0]}:2,{'S' if is_handled else ''}"
        try:
            make_folder(self._folder / "cur")
            (self._folder / "new" / name).rename(self._folder / "cur" / target)
        except FileNotFoundError:
            return
        except OSError as error:
            raise MailboxError(f"{self._folder / 'cur'}: {error.strerror}") from error


def keep_mail(folder: Path, raw: bytes) -> None:
    """Write a mail into a Maildir, durably. Raise OSError."""
    for one in _FOLDERS:
        make_folder(folder / one)
    # With microseconds: mails are read in the order of their names.
    name = f"{SystemTimer().time():.6f}.{secrets.token_hex(8)}.publisher"
    write_durably(folder / "new" / name, raw)
    sync_folder(folder / "new")
