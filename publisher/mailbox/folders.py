"""The folders that mail comes to: a Maildir, or a folder on an IMAP server.

In a Maildir (https://cr.yp.to/proto/maildir.html) mails in `new` wait, those in `cur` were looked
at. A folder on an IMAP server (RFC 3501) is read by UID, from the mark of the last read mail on.
"""

import imaplib
import os
import secrets
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from publisher.clock import SystemTimer
from publisher.config.delivery import MailboxSettings, Tls
from publisher.errors import MailboxError
from publisher.files import make_folder, sync_folder, write_durably

MAX_READ = 10_000_000  # bytes that are read of one mail
MAX_MAILS = 500  # mails of one look; the rest waits for the next
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


_TIMEOUT: Final = 60.0  # seconds for which the server may be silent
_ERRORS = (imaplib.IMAP4.error, OSError, EOFError)


class ImapMailbox:
    """One session. Use it as a context manager; each method raises MailboxError."""

    def __init__(self, settings: MailboxSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self.uid_validity = 0

    @property
    def name(self) -> str:
        """The folder's name in the table of marks."""
        one = self._settings
        return f"{one.host}:{one.imap_port}/{one.user}/{one.folder}"

    def __enter__(self) -> Self:
        try:
            self._session = self._connect()
        except (*_ERRORS, ValueError) as error:
            raise MailboxError(f"{self.name}: {error}") from error
        try:
            if self._settings.tls is Tls.STARTTLS:
                self._session.starttls(ssl.create_default_context())
            self._session.login(self._settings.user, self._password)
            self._check(*self._session.select(_quoted(self._settings.folder)))
            (validity,) = self._session.response("UIDVALIDITY")[1]
            self.uid_validity = int(validity or 0)
        except (*_ERRORS, ValueError) as error:
            self._session.shutdown()
            raise MailboxError(f"{self.name}: {error}") from error
        return self

    def __exit__(self, *_error: object) -> None:
        try:
            self._session.logout()
        except _ERRORS:
            with suppress(OSError):
                self._session.shutdown()

    def _connect(self) -> imaplib.IMAP4:
        host, port = self._settings.host or "", self._settings.imap_port
        if self._settings.tls is Tls.IMPLICIT:
            context = ssl.create_default_context()
            return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=_TIMEOUT)
        return imaplib.IMAP4(host, port, timeout=_TIMEOUT)

    def waiting(self, mark: int) -> Iterator[tuple[int, bytes]]:
        """Yield UID and content of the mails after a mark, the oldest first."""
        (found,) = self._uid("SEARCH", f"UID {mark + 1}:*")
        # `n:*` contains the last mail even if its UID is lower than n.
        uids = sorted(uid for uid in map(int, (found or b"").split()) if uid > mark)
        for uid in uids[:MAX_MAILS]:
            for part in self._uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{MAX_READ}>)"):
                if isinstance(part, tuple):
                    yield uid, part[1]
                    break

    def put_away(self, uid: int) -> None:
        """Move a mail that was handled to the archive, or mark it as seen."""
        archive = self._settings.archive
        if not archive:
            self._uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Seen)")
        elif "MOVE" in self._session.capabilities:
            self._uid("MOVE", str(uid), _quoted(archive))
        else:
            self._uid("COPY", str(uid), _quoted(archive))
            self._uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Seen \\Deleted)")
            if "UIDPLUS" in self._session.capabilities:
                self._uid("EXPUNGE", str(uid))
            else:
                self._try(self._session.expunge)

    def _uid(self, command: str, *arguments: str) -> list[Any]:
        return self._try(lambda: self._session.uid(command, *arguments))

    def _try(self, call: Callable[[], tuple[str, list[Any]]]) -> list[Any]:
        try:
            return self._check(*call())
        except _ERRORS as error:
            raise MailboxError(f"{self.name}: {error}") from error

    def _check(self, status: str, data: list[Any]) -> list[Any]:
        """Return an answer's data; it may hold anything that a server sends."""
        if status != "OK":
            raise imaplib.IMAP4.error(f"the server said {status} {data!r:.200}")
        return data


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
