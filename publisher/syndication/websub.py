"""The pings of WebSub hubs: one per feed and hub, which `websub_client` sends until it is accepted.

The transaction that records a feed's files as written also queues its pings: a killed process may send one twice, but
never loses one. Failed pings are tried again for about a day; the next change of the feed queues a new one in any case.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import Connection, func, select

from publisher.database import retry_queue

# The last attempt comes about 23 hours after the first. Attempts are counted, not hours, so that
# no ping is given up while the program is not running.
MAX_PING_ATTEMPTS = 13
_MAX_TEXT = 200
PING_KIND = "websub"
PING_POLICY = retry_queue.QueuePolicy(
    kinds=(PING_KIND,),
    delays=[timedelta(minutes=min(2**number, 360)) for number in range(MAX_PING_ATTEMPTS - 1)],
    jitter=-0.25,  # topics are spread out
    most_attempts=MAX_PING_ATTEMPTS,
    lease=timedelta(minutes=1),  # longer than a run
)
_c = retry_queue.queue_item.c
IS_PING = _c.kind == PING_KIND


def enqueue_pings(
    connection: Connection, hubs: Sequence[str], topics: Sequence[str], now: datetime
) -> None:
    """Queue a ping of each hub for each topic in the transaction that records the feed; a pending one starts again, due now."""
    for hub in dict.fromkeys(hubs):
        for topic in dict.fromkeys(topics):
            key = f"{hub} {topic}"
            retry_queue.enqueue(
                connection, PING_KIND, {"topic": topic}, now, key=key, target=hub, renews=True
            )


def count_waiting_pings(connection: Connection) -> int:
    query = select(func.count()).select_from(retry_queue.queue_item)
    return connection.execute(query.where(IS_PING, _c.next_at.is_not(None))).scalar_one()


def failed_pings(connection: Connection) -> list[tuple[str, str, str]]:
    query = select(retry_queue.queue_item).where(IS_PING, _c.state == retry_queue.FAILED)
    return [
        (printable_address(item.target), ping_topic(item), item.reason or "")
        for item in retry_queue.load_items(connection, query.order_by(_c.key))
    ]


def ping_topic(item: retry_queue.QueueItem) -> str:
    return str(item.payload["topic"])


def printable_address(address: str) -> str:
    """Return an address without user information and query, which may be secret."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "a malformed address"
    host = parts.netloc.rpartition("@")[2]
    known = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return printable_answer(known) + ("?…" if parts.query else "")


def printable_answer(text: str) -> str:
    """Replace control characters, which could move a terminal's cursor, and limit the length."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)[:_MAX_TEXT]
