"""Which mails were received, so that none counts twice, and how far IMAP folders were read."""

from enum import StrEnum

from sqlalchemy import Column, Index, Table, Text

from publisher.database.dialect.sql import KEYED, LargeInteger
from publisher.database.metadata import UTCDateTime, metadata


class MailUse(StrEnum):
    """What was done with a mail that came in."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto-reply"
    UNSUBSCRIBE = "unsubscribe"
    # The same without a proof of who asks: the address was mailed the link.
    ASKED = "unsubscribe, asked"
    # The same, for the owner to read: too many of these came.
    HELD = "unsubscribe, held"
    SUBSCRIBE = "subscribe"
    CONFIRM = "confirm"
    LANGUAGE = "language"
    LINKS = "links"
    # For the owner to read.
    UNKNOWN = "unknown"
    # The program failed; the mail is left for the owner, too.
    FAILED = "failed"


received_mail = Table(
    "received_mail",
    metadata,
    # SHA-256 of the whole mail.
    Column("digest", Text, primary_key=True),
    # A `MailUse`.
    Column("use", Text, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Index("ix_received_mail_received_at", "received_at"),
    info=KEYED,
)

mailbox_mark = Table(
    "mailbox_mark",
    metadata,
    # Server, user and folder.
    Column("mailbox", Text, primary_key=True),
    # RFC 3501 section 2.3.1.1: with another UIDVALIDITY, the folder is read from its start.
    Column("uid_validity", LargeInteger, nullable=False),
    Column("uid", LargeInteger, nullable=False),
    info=KEYED,
)
