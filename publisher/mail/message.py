"""The input and the output of this package: an issue's mail, and one message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from publisher.config import Publication
from publisher.issues.model import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMail:
    """A frozen digest, and what all messages of its issue share. `date` is the default Date.

    `has_web` says that the addresses of subscribers' pages are answered, so that one-click
    unsubscribing may be announced.
    """

    publication: Publication
    issue: Issue
    subject: str
    html: str
    text: str
    date: datetime
    has_web: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message (RFC 5322) for one subscriber.

    `name` is the part of the Message-ID before the @. It is unique and safe in a file name.
    """

    subscriber_id: int
    name: str
    content: bytes
