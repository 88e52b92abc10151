"""Which mails were received, so that none counts twice, and how far IMAP folders were read."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, Connection, Index, Table, Text, delete, func, insert, select

from publisher.database.dialect.sql import KEYED, LargeInteger, upsert_by_key
from publisher.database.metadata import UTCDateTime, metadata

REMEMBERED = timedelta(days=30)  # a mail that comes again later than this counts anew
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


class MailUse(StrEnum):
    """What was done with a mail that came in."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
    # The same without a proof of who asks: the address was mailed the link.
    ASKED = "unsubscribe, asked"
    HELD = "unsubscribe, held"  # the same, for the owner to read: too many of these came
    SUBSCRIBE = "subscribe"
    CONFIRM = "confirm"
    LANGUAGE = "language"
    LINKS = "links"
    UNKNOWN = "unknown"  # for the owner to read
    FAILED = "failed"  # the program failed; the mail is left for the owner, too


received_mail = Table(
    "received_mail",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the whole mail
    Column("use", Text, nullable=False),  # a `MailUse`
    Column("received_at", UTCDateTime, nullable=False),
    Index("ix_received_mail_received_at", "received_at"),
    info=KEYED,
)

mailbox_mark = Table(
    "mailbox_mark",
    metadata,
    Column("mailbox", Text, primary_key=True),  # server, user and folder
    # RFC 3501 section 2.3.1.1: with another UIDVALIDITY, the folder is read from its start.
    Column("uid_validity", LargeInteger, nullable=False),
    Column("uid", LargeInteger, nullable=False),
    info=KEYED,
)


def earlier_use(connection: Connection, digest: str) -> MailUse | None:
    use = connection.execute(
        select(received_mail.c.use).where(received_mail.c.digest == digest)
    ).scalar()
    return None if use is None else MailUse(use)


def add_received(connection: Connection, digest: str, use: MailUse, now: datetime) -> None:
    old = received_mail.c.received_at < now - REMEMBERED
    connection.execute(delete(received_mail).where(old))
    connection.execute(insert(received_mail).values(digest=digest, use=use, received_at=now))


def count_received(connection: Connection, since: datetime = _EVER) -> Counter[MailUse]:
    """Count the mails of the last 30 days, or since an instant, by what was done with them."""
    columns = received_mail.c
    query = select(columns.use, func.count()).where(columns.received_at >= since)
    rows = connection.execute(query.group_by(columns.use))
    return Counter({MailUse(use): count for use, count in rows})


def read_mark(connection: Connection, mailbox: str, uid_validity: int) -> int:
    """Return the last UID that was read of a folder, 0 for one that was made anew."""
    row = connection.execute(
        select(mailbox_mark).where(mailbox_mark.c.mailbox == mailbox)
    ).one_or_none()
    return int(row.uid) if row and row.uid_validity == uid_validity else 0


def write_mark(connection: Connection, mailbox: str, uid_validity: int, uid: int) -> None:
    row = {"mailbox": mailbox, "uid_validity": uid_validity, "uid": uid}
    connection.execute(upsert_by_key(connection, mailbox_mark), row)
