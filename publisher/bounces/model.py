"""What a mail about another mail says. Pure values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from publisher.delivery.causes import Cause


class MailKind(StrEnum):
    """What sort of mail came in."""

    BOUNCE = "bounce"  # a report about a mail of ours: failed, delayed or delivered
    COMPLAINT = "complaint"  # a feedback report (RFC 5965)
    # A machine wrote it in a person's place: vacation, ticket system, read receipt, challenge.
    AUTO_REPLY = "auto-reply"
    OTHER = "other"


class BounceKind(StrEnum):
    """What a report says of one recipient."""

    # The mailbox does not exist, in clear words or by a status that has no other meaning.
    DEAD = "dead"
    SOFT = "soft"  # it was not delivered, for a reason that may pass, or that is not clear
    # Refused because of us: spam, policy, reputation. Says nothing of the mailbox.
    BLOCKED = "blocked"
    DELAYED = "delayed"  # the server tries on
    DELIVERED = "delivered"
    AUTO_REPLY = "auto-reply"
    CHALLENGE = "challenge"  # asks the sender to prove to be a person
    COMPLAINT = "complaint"
    NOT_SPAM = "not-spam"  # somebody took it out of the folder for spam
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """How the subscriber of an event was found. Only an address may be anybody's invention."""

    VERP = "verp"  # our signed envelope sender
    MESSAGE_ID = "message-id"  # our Message-ID, which nobody can guess
    LINK = "link"  # a signed link of the returned mail
    # A provider's event whose signature was verified, or a complaint from a loop of the settings.
    PROVIDER = "provider"
    # Only an address in a mail. Such an event is shown, and counts for nothing.
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class RecipientVerdict:
    """What a report says of one recipient. The address is empty if the report names none."""

    address: str
    kind: BounceKind
    cause: Cause | None = None
    status: str = ""  # the enhanced status code (RFC 3463), or empty
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class MailReport:
    """A mail as it was read. `identifiers` is text in which our tokens may stand."""

    mail: MailKind
    recipients: tuple[RecipientVerdict, ...] = ()
    at: datetime | None = None
    identifiers: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Attribution:
    """The message that an event is about, as far as it was found."""

    subscriber_id: int
    evidence: Evidence
    issue_id: int | None = None


@dataclass(frozen=True, slots=True)
class BounceEvent:
    """An event as it is stored. `source_id` is unique within the source."""

    source: str
    source_id: str
    kind: BounceKind
    at: datetime
    received_at: datetime
    cause: str | None = None
    status: str = ""
    diagnostic: str = ""
    subscriber_id: int | None = None
    issue_id: int | None = None
    evidence: Evidence | None = None
