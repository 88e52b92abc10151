"""A transport that keeps messages in memory, and a source that shows only its newest items.

The source is as a feed is, and records how it was polled. List its kind for the time of a test,
then publish at an address that publication.toml names:

    SOURCE_KINDS["recent"] = RECENT_ITEMS
    site = RecentItemsSource("https://example.org/recent")
    site.publish("tides", document)

    [[source]]
    kind = "recent"
    name = "The coast"
    url = "https://example.org/recent"
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from itertools import count, islice
from pathlib import PurePosixPath
from weakref import WeakValueDictionary

from publisher.config import SourceSettings
from publisher.config.values import Kind, WebAddress
from publisher.delivery import causes
from publisher.delivery.transports.base import (
    ACCEPTED_OUTCOME,
    Guarantee,
    Outcome,
    OutgoingMessage,
    SendStatus,
    Transport,
    Unreachable,
)
from publisher.errors import ArticleError, SourceError
from publisher.ingest.parsers.document import SourceDocument
from publisher.ingest.sources.base import Item, Listing, RawItem
from publisher.mail import Message

_OutcomeOf = Callable[[OutgoingMessage], Outcome]


class MemoryTransport(Transport):
    """A transport for tests. Safe among threads.

    `outcomes` is a function from a message to its outcome, or a mapping by address; other messages
    are accepted. After `fail_after` messages `connect` and `send` raise Unreachable, until it is
    set to None.

    `taken` has the accepted messages and those with an unknown outcome, since a server may have
    accepted them. `offered` has all messages that were sent.
    """

    name = "memory"

    def __init__(
        self,
        guarantee: Guarantee = "idempotent",
        fail_after: int | None = None,
        outcomes: _OutcomeOf | Mapping[str, Outcome] | None = None,
        *,
        connections: int = 1,
        prefetch: int = 1,
    ) -> None:
        self.guarantee: Guarantee = guarantee
        self.fail_after = fail_after
        self.outcomes = outcomes
        self.connections = connections
        self.prefetch = prefetch
        self.taken: list[OutgoingMessage] = []
        self.offered: list[OutgoingMessage] = []
        # The keys of all calls of `on_committed`, in order.
        self.settled: list[tuple[int, int]] = []
        # Connections: opened so far, open now, and the largest number open at the same time.
        self.opened = 0
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[Message]:
        with self._lock:
            return [outgoing.message for outgoing in self.taken]

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> MemoryConnection:
        """Open a connection. Raise Unreachable after `fail_after` messages."""
        with self._lock:
            self._check()
            self.opened += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        return MemoryConnection(self, lease_id, holds_lease)

    def on_committed(self, lease_id: int, keys: Collection[tuple[int, int]]) -> None:  # noqa: ARG002  # the protocol's
        """Record the keys that the ledger committed as sent."""
        with self._lock:
            self.settled += keys

    def take(self, outgoing: OutgoingMessage) -> Outcome:
        """Accept one message for a connection. Raise Unreachable after `fail_after` messages."""
        with self._lock:
            self._check()
            self.offered.append(outgoing)
            outcome = self._outcome(outgoing)
            if outcome.status in {SendStatus.ACCEPTED, SendStatus.UNKNOWN}:
                self.taken.append(outgoing)
        return outcome

    def release(self) -> None:
        with self._lock:
            self.at_once -= 1

    def _check(self) -> None:
        if self.fail_after is not None and len(self.taken) >= self.fail_after:
            reason = f"took {self.fail_after} messages and no more"
            raise Unreachable(reason, is_final=True)

    def _outcome(self, outgoing: OutgoingMessage) -> Outcome:
        if self.outcomes is None:
            return ACCEPTED_OUTCOME
        if isinstance(self.outcomes, Mapping):
            return self.outcomes.get(outgoing.recipient, ACCEPTED_OUTCOME)
        return self.outcomes(outgoing)


class MemoryConnection:
    """A connection to a MemoryTransport: a `publisher.delivery.transports.base.TransportConnection`."""

    def __init__(
        self, transport: MemoryTransport, sender: int, holds_lease: Callable[[], bool]
    ) -> None:
        self.sender = sender
        self.is_open = True
        self._transport = transport
        self._holds_lease = holds_lease

    def send(
        self,
        outgoing: OutgoingMessage,
        next_message: OutgoingMessage | None = None,  # noqa: ARG002  # the protocol has it
    ) -> Outcome:
        """Accept one message; NOT_SENT if the connection is closed or its lease is lost."""
        if not self.is_open:
            return Outcome(SendStatus.NOT_SENT, cause=causes.CONNECTION_CLOSED)
        if not self._holds_lease():
            return Outcome(SendStatus.NOT_SENT, cause=causes.LEASE_LOST)
        return self._transport.take(outgoing)

    def close(self) -> None:
        """Close; a second time does nothing."""
        if self.is_open:
            self.is_open = False
            self._transport.release()


class RecentItemsSettings(SourceSettings):
    """A site, by its address."""

    url: WebAddress

    @property
    def place(self) -> str:
        return self.url


class RecentItemsSource:
    """A site of Markdown documents at an address, which shows the newest `shown` of them."""

    def __init__(self, url: str, shown: int = 20) -> None:
        self.shown = shown
        self.is_reachable = True
        # The mark of each poll, in order. The mark of a listing is the number of polls so far.
        self.marks: list[str] = []
        # The keys that were read, in order.
        self.read_keys: list[str] = []
        # By key, newest first; each with the number of its revision.
        self._documents: dict[str, tuple[str, int]] = {}
        self._revisions = count()
        # Keys that all later polls report as deleted.
        self._deleted: list[str] = []
        _SITES[url] = self

    def publish(self, key: str, document: str) -> None:
        """Publish a document as the newest, or edit one in its place."""
        revision = (document, next(self._revisions))
        if key in self._documents:
            self._documents[key] = revision
        else:
            self._documents = {key: revision, **self._documents}

    def delete(self, key: str) -> None:
        """Delete a document, and report it at every later poll."""
        del self._documents[key]
        self._deleted.append(key)

    def poll(self, mark: str) -> Listing:
        """Return the newest items, whatever was shown before."""
        self._check_reachable()
        self.marks.append(mark)
        newest = islice(self._documents.items(), self.shown)
        items = [Item(key, str(revision)) for key, (_document, revision) in newest]
        return Listing(items, False, str(len(self.marks)), tuple(self._deleted))

    def read(self, item: Item) -> RawItem:
        self._check_reachable()
        self.read_keys.append(item.key)
        if item.key not in self._documents:
            raise ArticleError("was deleted while it was being read")
        content = self._documents[item.key][0].encode()
        return RawItem(SourceDocument(PurePosixPath(f"{item.key}.md"), content))

    def _check_reachable(self) -> None:
        if not self.is_reachable:
            raise SourceError("the site can't be reached")


_SITES: WeakValueDictionary[str, RecentItemsSource] = WeakValueDictionary()


def open_recent_items(options: RecentItemsSettings, *_unused: object) -> RecentItemsSource:
    """Return the site at the address; raise SourceError if there is none."""
    found = _SITES.get(options.url)
    if found is None:
        raise SourceError(f"{options.url}: no such site")
    return found


RECENT_ITEMS = Kind(RecentItemsSettings, f"{__name__}:open_recent_items")
