"""The values that this package speaks in: what is addressed, and what comes of it.

Knows neither a header nor an encoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from publisher.config import Publication
from publisher.issues.model import Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueMail:
    """An issue ready to be addressed: its frozen digest and what all its messages share."""

    publication: Publication
    issue: Issue
    subject: str
    html: str
    text: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """A complete message (RFC 5322) for one reader; `name` is unique and safe as a file's."""

    subscriber_id: int
    name: str
    content: bytes
