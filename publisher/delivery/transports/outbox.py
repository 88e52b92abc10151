"""The folder that is the default: each message becomes a file, once, from where others take it.

A message is staged first, where nobody looks. Only when the ledger has its row as sent does it
get its place, by rename; what a kill leaves staged is put there, or removed, at the next start.
So a message appears after its row is sent, never before, and never again once it was taken
away. Knows no ledger.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from threading import Lock

import structlog

from publisher.config import Settings
from publisher.config.delivery import OutboxLayoutKind
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome, SendStatus
from publisher.delivery.transports.base import Guarantee, OutgoingMessage, Unreachable
from publisher.delivery.transports.layouts import OutboxLayout
from publisher.delivery.transports.staging import StagedMessage, StagingArea
from publisher.errors import DeliveryError
from publisher.files import sync_folder

log = structlog.get_logger()

# Inside the outbox, since a rename ends at the edge of a file system, and an outbox is often one
# of its own. Hidden, and nothing in it has the name of a message.
STAGED = ".staged"
# What may be wrong with an issue's own folder, and with no other's.
OBSTACLES = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.ELOOP),
        errno.ENAMETOOLONG,
    }
)

FOLDER = attrgetter("folder")

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UnplacedMessages:
    """Messages of rows that are sent, which can't be put in their place at present."""

    keys: frozenset[Key]
    reason: str


class OutboxTransport:
    """Puts messages in an outbox: a `publisher.delivery.transports.base.Transport`.

    A disk that is full, or a folder that can't be written, is Unreachable, and never for good:
    once somebody has put it right, the next turn goes on.
    """

    name = "outbox"
    guarantee: Guarantee = "idempotent"
    # A disk writes a few files through in nearly the time of one; more only wait for each other.
    connections = 4
    prefetch = 32

    def __init__(self, outbox: Path, layout: OutboxLayoutKind = OutboxLayoutKind.FILES) -> None:
        self.outbox = outbox
        self.places = OutboxLayout(outbox, layout)
        self.staging = StagingArea(outbox / STAGED)
        self._lock = Lock()
        self._open: Counter[int] = Counter()
        self._stuck: dict[int, UnplacedMessages] = {}

    @classmethod
    def of(cls, settings: Settings) -> OutboxTransport:
        """Make the transport that a publication's settings ask for."""
        return cls(settings.folders.outbox, settings.delivery.outbox.layout)

    def connect(self, sender: int, holds_lease: Callable[[], bool]) -> OutboxConnection:
        """Open a way in; raises Unreachable if nothing can be staged, or put in its place."""
        with self._lock:
            try:
                self.staging.open(sender)
                if stuck := self._stuck.get(sender):
                    self._put_in_place(sender, stuck.keys)
                    del self._stuck[sender]
            except OSError as error:
                raise Unreachable(self.reason(error)) from error
            self._open[sender] += 1
        return OutboxConnection(self, sender, holds_lease)

    def on_committed(self, sender: int, keys: Collection[Key]) -> None:
        """Put messages in their place, since the ledger has them as sent; never raises.

        What can't be moved now is not lost, but then no more is accepted: it is tried again with
        the next connection, with what is kept next, and by `recover`.
        """
        with self._lock:
            stuck = self._stuck.pop(sender, None)
            wanted = frozenset(keys) | (stuck.keys if stuck else frozenset())
            try:
                self._put_in_place(sender, wanted)
            except OSError as error:
                self._stuck[sender] = UnplacedMessages(wanted, self.reason(error))
                log.error("mail can't be put in its place", reason=self._stuck[sender].reason)
            self._tidy(sender)

    def recover(self, sender: int, sent: Callable[[Sequence[Key]], Collection[Key]]) -> None:
        """Finish what a sender has left that can settle no row any more; raises DeliveryError.

        `sent` says which of some rows this very sender has settled as sent: those messages are
        put in their place. All others are removed, also those that another sender has sent.
        """
        try:
            waiting = self.staging.waiting(sender)
            keys = set(sent([one.key for one in waiting])) if waiting else set()
            for one in waiting:
                if one.key not in keys:
                    one.path.unlink(missing_ok=True)
            self._place(one for one in waiting if one.key in keys)
        except OSError as error:
            raise DeliveryError(self.reason(error)) from error
        finally:
            self.staging.tidy(sender)
        if waiting:
            removed = sum(one.key not in keys for one in waiting)
            log.info("staged mail", placed=len(waiting) - removed, removed=removed)

    def leftovers(self) -> list[int]:
        """List the senders that have something staged, living or dead; raises DeliveryError."""
        try:
            return self.staging.senders()
        except OSError as error:
            raise DeliveryError(self.reason(error)) from error

    def stuck(self, sender: int) -> str:
        """Say what keeps messages from their place; nothing if nothing does."""
        stuck = self._stuck.get(sender)
        return stuck.reason if stuck else ""

    def part(self, sender: int) -> None:
        """Count one connection less."""
        with self._lock:
            self._open[sender] -= 1
            self._tidy(sender)

    def reason(self, error: OSError) -> str:
        """Say what is wrong, and where, in one line."""
        if error.errno == errno.EXDEV:
            folder = Path(error.filename2 or self.outbox).parent
            return f"{folder}: is on another file system than {self.outbox}; put both on one"
        why = error.strerror or str(error)
        where = error.filename2 or error.filename or self.outbox
        return f"{where}: can't be written: {why}"

    def _tidy(self, sender: int) -> None:
        """Leave no empty folders behind, unless there will be something in them soon."""
        if not self._open[sender]:
            del self._open[sender]
            self.staging.tidy(sender)

    def _put_in_place(self, sender: int, keys: Collection[Key]) -> None:
        if keys:
            self._place(one for one in self.staging.waiting(sender) if one.key in keys)

    def _place(self, messages: Iterable[StagedMessage]) -> None:
        """Give messages their places; raises what was wrong first, once the others have theirs."""
        problems = []
        for folder, group in groupby(sorted(messages, key=FOLDER), FOLDER):
            try:
                self._place_in(folder, group)
            except OSError as error:
                problems.append(error)
        if problems:
            raise problems[0]

    def _place_in(self, folder: str, messages: Iterable[StagedMessage]) -> None:
        self.places.prepare(folder)
        for one in messages:
            try:
                one.path.replace(self.places.path(folder, one.name))
            except FileNotFoundError:
                # If it is not here any more, another process has placed it meanwhile.
                if one.path.exists():
                    raise
        # A journal keeps both ends of a rename together, so one folder is enough. Whoever took
        # everything away may have taken that, too.
        with suppress(FileNotFoundError):
            sync_folder(self.places.folder(folder))


class OutboxConnection:
    """A way into an outbox: a `publisher.delivery.transports.base.TransportConnection`."""

    def __init__(
        self, transport: OutboxTransport, sender: int, holds_lease: Callable[[], bool]
    ) -> None:
        self.is_open = True
        self._is_counted = True
        self._transport = transport
        self._sender = sender
        self._holds_lease = holds_lease
        self._told: set[str] = set()

    def send(
        self,
        outgoing: OutgoingMessage,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  # the protocol has it
    ) -> Outcome:
        """Stage one message; raises Unreachable where none can be.

        What is wrong with an issue's own folder puts off its messages, and stops no others.
        """
        if not self.is_open:
            return Outcome(SendStatus.NOT_SENT, "the connection was closed")
        if reason := self._transport.stuck(self._sender):
            raise self._broken(reason)
        if not self._holds_lease():
            return Outcome(SendStatus.NOT_SENT, "called back")
        try:
            self._transport.places.prepare(outgoing.folder)
        except OSError as error:
            return self._put_off(error, OBSTACLES)
        try:
            self._transport.staging.put(self._sender, outgoing)
        except OSError as error:
            return self._put_off(error, {errno.ENAMETOOLONG})
        return ACCEPTED_OUTCOME

    def close(self) -> None:
        """Part; a second time does nothing."""
        self.is_open = False
        if self._is_counted:
            self._is_counted = False
            self._transport.part(self._sender)

    def _put_off(self, error: OSError, obstacles: Collection[int]) -> Outcome:
        """Put one message off if that is what the error is about; raises Unreachable otherwise."""
        reason = self._transport.reason(error)
        if error.errno not in obstacles:
            raise self._broken(reason) from error
        if reason not in self._told:
            self._told.add(reason)
            log.error("mail of an issue is put off", reason=reason)
        return Outcome(SendStatus.DEFERRED, reason)

    def _broken(self, reason: str) -> Unreachable:
        self.is_open = False
        return Unreachable(reason)
