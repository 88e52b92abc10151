"""Subscribers and notices in a publication, and what was sent to them."""

from collections.abc import Iterable
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from sqlalchemy import insert

from publisher.clock import FixedClock, Timer
from publisher.database.retry_queue import queue_item as notice
from publisher.delivery.dispatcher import Progress
from publisher.delivery.transports.base import Transport
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import enqueue_notice
from publisher.notices.sender import NoticeReport, send_notices
from publisher.rendering import Renderer
from publisher.testing import SECRET, MemoryTransport
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW, PublicationFolder

CODE = "123456"
VALUES: dict[NoticeKind, dict[str, Any]] = {
    NoticeKind.CONFIRM: {"number": 7, "code": CODE, "newsletters": ["weekly"]},
    NoticeKind.REMINDER: {"number": 7, "newsletters": ["weekly"]},
    NoticeKind.ALREADY_SUBSCRIBED: {"newsletters": ["weekly"]},
    NoticeKind.WELCOME: {"newsletters": ["weekly"]},
    NoticeKind.GOODBYE: {"newsletters": ["weekly"], "number": 4},
    NoticeKind.CONFIRM_ADDRESS: {"number": 5},
    NoticeKind.ADDRESS_CHANGED: {"number": 5, "changed": "a•••@example.net"},
    NoticeKind.LINKS: {},
    NoticeKind.DATA: {"number": 6, "code": CODE},
}
RENDERER = Renderer()


def add_person(
    publication: PublicationFolder, address: str = "ann@example.org", **values: Any
) -> int:
    """Add a subscriber who has asked to join."""
    row = {"email": address.lower(), "address": address, "language": "en", "status": "pending"}
    with publication.database.writing() as connection:
        key = connection.execute(
            insert(subscriber).values(row | {"created_at": NOW, "updated_at": NOW} | values)
        ).inserted_primary_key
    assert key is not None
    return int(key[0])


def enqueue(
    publication: PublicationFolder,
    person: int,
    kind: NoticeKind = NoticeKind.CONFIRM,
    at: datetime = NOW,
    **options: Any,
) -> int:
    """Enqueue a notice with the sample values of its kind."""
    with publication.database.writing() as connection:
        return enqueue_notice(connection, kind, person, at, values=VALUES[kind], **options)


def notify(
    publication: PublicationFolder,
    transport: Transport | None = None,
    at: datetime = NOW,
    timer: Timer | None = None,
    progress: Progress | None = None,
) -> NoticeReport:
    """Send what is due."""
    return send_notices(
        publication.settings,
        publication.database,
        transport or MemoryTransport(),
        SECRET,
        FixedClock(at),
        RENDERER,
        timer=timer,
        progress=progress,
    )


def rows(publication: PublicationFolder) -> list[dict[str, Any]]:
    """Return the ledger of notices."""
    return publication.rows(notice)


def states(publication: PublicationFolder) -> list[str]:
    """Return the states of all notices, in the order of their ids."""
    return [row["state"] for row in rows(publication)]


def mails(contents: Iterable[bytes]) -> list[EmailMessage]:
    return [message_from_bytes(one, policy=policy.default) for one in contents]


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
