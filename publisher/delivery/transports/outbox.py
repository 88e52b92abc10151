"""The outbox, the default transport: each message becomes a file, exactly once.

A message is staged in a hidden folder of its lease, and placed by rename only when the ledger has committed its row
as sent; what a kill leaves staged is placed or removed at the next start. The path of a staged file says all that is
needed:

    <lease>/<issue>/<the issue's own folder>/<subscriber>.<name>.staged
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from threading import Lock

from publisher import files
from publisher.config import Settings
from publisher.config.delivery import OutboxLayoutKind, OutboxSettings
from publisher.delivery import causes
from publisher.delivery.transports import base as transports
from publisher.errors import DeliveryError
from publisher.issues.model import Issue
from publisher.log import log

# Inside the outbox, because a rename can't cross file systems, and an outbox is often one of its
# own. Hidden, and nothing in it has the name of a message.
_STAGING_FOLDER = ".staged"
# Consumers look for no such name. It is longer than their suffixes, so that a name that can be
# staged can also be placed.
_SUFFIX = ".staged"


@dataclass(frozen=True, slots=True)
class StagedMessage:
    """A staged file, its row of the ledger, and its destination."""

    path: Path
    key: transports.MessageKey
    folder: str
    name: str


class StagingArea:
    """The folder of all staged messages. Failures are OSErrors."""

    def __init__(self, outbox: Path) -> None:
        self._root = outbox / _STAGING_FOLDER

    def leases(self) -> list[int]:
        try:
            return sorted(int(one.name) for one in self._root.iterdir() if one.name.isdecimal())
        except FileNotFoundError:
            return []

    def open(self, lease_id: int) -> None:
        """Make the folder of a lease. Messages have addresses and links: only their owner reads them."""
        files.make_private_folder(self._root.parent)
        files.make_folder(self._root / str(lease_id))

    def put(self, lease_id: int, outgoing: transports.OutgoingMessage) -> None:
        """Write a message, whole or not at all; when this returns, file and name survive a power failure."""
        message = outgoing.message
        own = f"{lease_id}/{outgoing.issue_id}/{outgoing.folder}"
        folder = self._root / own
        path = folder / f"{message.subscriber_id}.{message.name}{_SUFFIX}"
        try:
            _write(path, message.content)
        except FileNotFoundError:
            files.make_folder(folder)
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
        for folder, _, _ in os.walk(self._root / str(lease_id), topdown=False):
            _remove_if_empty(folder)
        _remove_if_empty(self._root)


def _write(path: Path, content: bytes) -> None:
    try:
        files.write_durably(path, content)
        files.sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _parse(folder: Path, top: Path, names: Iterable[str]) -> Iterator[StagedMessage]:
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


# The folders of a Maildir (https://cr.yp.to/proto/maildir.html).
_TMP, _NEW, _CUR = "tmp", "new", "cur"
# Errors that concern one issue's own folder, and no other's.
_FOLDER_ERRORS = frozenset(
    {*(errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.ELOOP), errno.ENAMETOOLONG}
)
_by_folder = attrgetter("folder")


@dataclass(frozen=True, slots=True)
class OutboxLayout:
    """Where messages are placed: `<outbox>/<the issue's own folder>/<name>.eml`, or, with `maildir`, `<outbox>/new/<name>`."""

    outbox: Path
    layout: OutboxLayoutKind = OutboxLayoutKind.FILES

    def folder(self, folder: str) -> Path:
        return self.outbox / (_NEW if self.layout is OutboxLayoutKind.MAILDIR else folder)

    def path(self, folder: str, name: str) -> Path:
        file = name if self.layout is OutboxLayoutKind.MAILDIR else f"{name}.eml"
        return self.folder(folder) / file

    def prepare(self, folder: str) -> None:
        if self.layout is OutboxLayoutKind.MAILDIR:
            for one in (_TMP, _CUR):
                files.make_folder(self.outbox / one)
        target = self.folder(folder)
        files.make_folder(target)
        if not os.access(target, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))


@dataclass(frozen=True, slots=True)
class UnplacedMessages:
    """Messages of sent rows that can't be placed at present, and why."""

    keys: frozenset[transports.MessageKey]
    reason: str


class OutboxTransport(transports.Transport):
    """Writes messages as files. What prevents that, such as a full disk, is Unreachable, never for good."""

    name = "outbox"
    done = "written"
    guarantee: transports.Guarantee = "idempotent"
    # A disk writes a few files through in nearly the time of one; more would wait for each other.
    connections = 4
    prefetch = 32

    def __init__(self, outbox: Path, layout: OutboxLayoutKind = OutboxLayoutKind.FILES) -> None:
        self.outbox = outbox
        self.layout = OutboxLayout(outbox, layout)
        self.staging = StagingArea(outbox)
        self._lock = Lock()
        self._connections: Counter[int] = Counter()
        self._unplaced: dict[int, UnplacedMessages] = {}

    def destination(self, issue: Issue) -> str:
        folder = self.layout.folder(issue.folder)
        return f"{folder.relative_to(self.outbox.parent)}/"

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> OutboxConnection:
        with self._lock:
            try:
                self.staging.open(lease_id)
                if unplaced := self._unplaced.get(lease_id):
                    self._place_rows(lease_id, unplaced.keys)
                    del self._unplaced[lease_id]
            except OSError as error:
                raise transports.Unreachable(self.reason(error)) from error
            self._connections[lease_id] += 1
        return OutboxConnection(self, lease_id, holds_lease)

    def on_committed(self, lease_id: int, keys: Collection[transports.MessageKey]) -> None:
        """Place committed messages. Never raises: those that can't be placed are tried again, and no more are accepted until then."""
        with self._lock:
            before = self._unplaced.pop(lease_id, None)
            wanted = frozenset(keys) | (before.keys if before else frozenset())
            try:
                self._place_rows(lease_id, wanted)
            except OSError as error:
                self._unplaced[lease_id] = UnplacedMessages(wanted, self.reason(error))
                log.error("mail can't be put in its place", reason=self.reason(error))
            self._tidy(lease_id)

    def recover(
        self,
        lease_id: int,
        sent: Callable[[Sequence[transports.MessageKey]], Collection[transports.MessageKey]],
    ) -> None:
        """Place what a revoked lease has left staged and was settled as sent under it; remove all others."""
        try:
            waiting = self.staging.waiting(lease_id)
            keys = set(sent([one.key for one in waiting])) if waiting else set()
            for one in waiting:
                if one.key not in keys:
                    one.path.unlink(missing_ok=True)
            self._place(one for one in waiting if one.key in keys)
        except OSError as error:
            raise DeliveryError(self.reason(error)) from error
        finally:
            self.staging.remove_empty_folders(lease_id)
        if waiting:
            removed = sum(one.key not in keys for one in waiting)
            log.info("staged mail", placed=len(waiting) - removed, removed=removed)

    def leftovers(self) -> list[int]:
        try:
            return self.staging.leases()
        except OSError as error:
            raise DeliveryError(self.reason(error)) from error

    def blocked_by(self, lease_id: int) -> str:
        unplaced = self._unplaced.get(lease_id)
        return unplaced.reason if unplaced else ""

    def disconnect(self, lease_id: int) -> None:
        with self._lock:
            self._connections[lease_id] -= 1
            self._tidy(lease_id)

    def reason(self, error: OSError) -> str:
        if error.errno == errno.EXDEV:
            folder = Path(error.filename2 or self.outbox).parent
            return f"{folder}: is on another file system than {self.outbox}; put both on one"
        where = error.filename2 or error.filename or self.outbox
        if files.is_disk_full(error):
            return files.explain_full_disk(Path(where))
        return f"{where}: can't be written: {error.strerror or error}"

    def _tidy(self, lease_id: int) -> None:
        if not self._connections[lease_id]:
            del self._connections[lease_id]
            self.staging.remove_empty_folders(lease_id)

    def _place_rows(self, lease_id: int, keys: Collection[transports.MessageKey]) -> None:
        if keys:
            self._place(one for one in self.staging.waiting(lease_id) if one.key in keys)

    def _place(self, messages: Iterable[StagedMessage]) -> None:
        """Place messages. Raises the first error after all the others were tried."""
        problems = []
        for folder, group in groupby(sorted(messages, key=_by_folder), _by_folder):
            try:
                self._place_in(folder, group)
            except OSError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _place_in(self, folder: str, messages: Iterable[StagedMessage]) -> None:
        self.layout.prepare(folder)
        for one in messages:
            try:
                one.path.replace(self.layout.path(folder, one.name))
            except FileNotFoundError:
                # If the staged file is gone, another process has placed it meanwhile.
                if one.path.exists():
                    raise
        # A journal keeps both ends of a rename together, so syncing one folder is enough. A
        # consumer may have removed the folder already.
        with suppress(FileNotFoundError):
            files.sync_folder(self.layout.folder(folder))


def open_outbox(table: OutboxSettings, settings: Settings) -> OutboxTransport:
    return OutboxTransport(settings.folders.outbox, table.layout)


@dataclass(slots=True)
class OutboxConnection:
    """A connection to an outbox: a `publisher.delivery.transports.base.TransportConnection`."""

    transport: OutboxTransport
    lease_id: int
    holds_lease: Callable[[], bool]
    is_open: bool = field(init=False, default=True)
    _is_counted: bool = field(init=False, default=True)
    _logged: set[str] = field(init=False, default_factory=set)

    def send(
        self,
        outgoing: transports.OutgoingMessage,
        next_message: transports.OutgoingMessage | None = None,  # noqa: ARG002  # the protocol has it
    ) -> transports.Outcome:
        """Stage one message, or raise Unreachable. A problem with one issue's own folder defers that issue's messages only."""
        if not self.is_open:
            return transports.Outcome(
                transports.SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED
            )
        if reason := self.transport.blocked_by(self.lease_id):
            raise self._unreachable(reason)
        if not self.holds_lease():
            return transports.Outcome(transports.SendStatus.NOT_SENT, cause=causes.LEASE_LOST)
        try:
            self.transport.layout.prepare(outgoing.folder)
        except OSError as error:
            return self._defer(error, _FOLDER_ERRORS)
        try:
            self.transport.staging.put(self.lease_id, outgoing)
        except OSError as error:
            return self._defer(error, {errno.ENAMETOOLONG})
        return transports.ACCEPTED_OUTCOME

    def close(self) -> None:
        self.is_open = False
        if self._is_counted:
            self._is_counted = False
            self.transport.disconnect(self.lease_id)

    def _defer(self, error: OSError, tolerated: Collection[int]) -> transports.Outcome:
        """Return DEFERRED for a tolerated error. Raises Unreachable for others."""
        reason = self.transport.reason(error)
        if error.errno not in tolerated:
            raise self._unreachable(reason) from error
        if reason not in self._logged:
            self._logged.add(reason)
            log.error("mail of an issue is put off", reason=reason)
        return transports.Outcome(transports.SendStatus.DEFERRED, reason, causes.FOLDER_PROBLEM)

    def _unreachable(self, reason: str) -> transports.Unreachable:
        self.is_open = False
        return transports.Unreachable(reason)
