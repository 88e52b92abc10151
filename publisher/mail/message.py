"""The input and the output of this package: an issue's mail, and one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from publisher.config import Publication
from publisher.issues.model import Issue
from subscribers import Recipient


class WrittenMail(Protocol):
    """The texts of a mail, and their language."""

    @property
    def language(self) -> str:
        """The BCP 47 tag of the words around the texts of articles."""
        ...

    @property
    def html(self) -> str:
        """The HTML part."""
        ...

    @property
    def text(self) -> str:
        """The text part."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMail:
    """A frozen digest, and what all messages of its issue share. `date` is the default Date.

    `has_web` says that the addresses of subscribers' pages are answered, so that one-click
    unsubscribing may be announced. `mailbox` is the address that takes commands by mail, if it is
    not the sender's.
    """

    publication: Publication
    issue: Issue
    subject: str
    html: str
    text: str
    date: datetime
    has_web: bool = True
    mailbox: str = ""

    @property
    def language(self) -> str:
        """The issue's language."""
        return self.issue.language


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionMail:
    """A mail about a subscription, to one recipient.

    `values` are the texts of its placeholders, without those that come from the recipient. `name`
    is the part of the Message-ID before the @, `number` the message's own. With `unsubscribe`, a
    token, List-Unsubscribe offers it: as a URL below `unsubscribe_page` if that is given, and by mail.
    """

    publication: Publication
    language: str
    subject: str
    html: str
    text: str
    date: datetime
    recipient: Recipient
    values: Mapping[str, str]
    name: str
    number: int
    reply_to: str = ""
    unsubscribe: str = ""
    unsubscribe_page: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message (RFC 5322) for one subscriber.

    Of a mail about a subscription, `subscriber_id` is the mail's own number. `name` is the part of the Message-ID before the @. It is unique and safe in a file name.
    """

    subscriber_id: int
    name: str
    content: bytes
