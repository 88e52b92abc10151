"""Find the message that a report is about: by our own signed marks, and an address last.

Anybody can write a report about any address. So an address alone is not evidence: such an event is
shown, and has no effect (`scoring`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from publisher.bounces.model import Attribution, Evidence
from publisher.delivery.tables import delivery
from publisher.errors import DeliveryError
from publisher.issues import store as issues
from publisher.issues.model import Issue
from publisher.mail.bounce_addresses import subscribers_of_tokens
from publisher.mail.message_header import MessageNames
from publisher.mail.signed_links import read_link
from publisher.mail.subscription_message import notices_of_message_ids
from publisher.notices.queue import SentNotice, find_notice
from subscribers import SubscribersError, find_subscriber

# The local part of our Message-IDs (`mail.message_header`): an issue's name and a signature.
_MESSAGE_NAME = re.compile(r"(?<![\w.-])([\w-]{1,150}-\d{4}-\d{2}-\d{2})\.([0-9a-f]{24})(?=@)")
# In a page's address, or in the subject of a mail that unsubscribes.
_LINK = re.compile(r"(?:[?&]t=|unsubscribe(?:%20| ))([\w.~-]{20,400})")
# Different names and links of a mail that are looked at.
_MAX_MARKS = 20
# Rows of an issue whose signatures are compared if nothing but a Message-ID is known: 50 ms.
_MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class _Mark:
    """A Message-ID that may be ours."""

    issue: Issue
    names: MessageNames
    name: str

    def is_of(self, subscriber_id: int) -> bool:
        return self.names.name_for(subscriber_id) == self.name


def attribute_report(
    connection: Connection, secret: str, text: str, addresses: Iterable[str]
) -> Attribution | None:
    """Return the message that a report is about. `text` may hold our marks, `addresses` name her."""
    marks = _marks(connection, secret, text)
    for evidence, found in (
        (Evidence.VERP, subscribers_of_tokens(secret, text)),
        (Evidence.LINK, subscribers_of_links(secret, text)),
    ):
        subscriber_id = next(iter(found), None)
        if subscriber_id is not None:
            return Attribution(subscriber_id, evidence, _issue_of(marks, subscriber_id))
    for notice in _notices(connection, secret, text):
        # Mail to an address that is not hers yet, or no more, says nothing of her.
        if notice.has_own_address:
            return Attribution(notice.subscriber_id, Evidence.MESSAGE_ID)
        return None
    known = [one for one in (_subscriber_at(connection, a) for a in addresses) if one]
    for mark in marks:
        for subscriber_id in (*known, *_recipients(connection, mark.issue)):
            if mark.is_of(subscriber_id):
                return Attribution(subscriber_id, Evidence.MESSAGE_ID, mark.issue.id)
    return Attribution(known[0], Evidence.ADDRESS) if known else None


def _marks(connection: Connection, secret: str, text: str) -> Sequence[_Mark]:
    found = dict.fromkeys(_MESSAGE_NAME.findall(text))
    marks = []
    for name, signature in [*found][:_MAX_MARKS]:
        issue = issues.issue_by_name(connection, name)
        if issue is not None:
            marks.append(_Mark(issue, MessageNames(secret, issue), f"{name}.{signature}"))
    return marks


def _notices(connection: Connection, secret: str, text: str) -> Iterator[SentNotice]:
    for number in notices_of_message_ids(secret, text):
        notice = find_notice(connection, number)
        if notice is not None:
            yield notice


def _issue_of(marks: Iterable[_Mark], subscriber_id: int) -> int | None:
    return next((mark.issue.id for mark in marks if mark.is_of(subscriber_id)), None)


def subscribers_of_links(secret: str, text: str) -> Iterator[int]:
    """Yield the subscribers of the valid links to unsubscribe in a text; forged ones are passed over."""
    for value in [*dict.fromkeys(_LINK.findall(text))][:_MAX_MARKS]:
        try:
            yield read_link(secret, "unsubscribe", value).subscriber_id
        except DeliveryError:
            continue


def _subscriber_at(connection: Connection, address: str) -> int | None:
    try:
        person = find_subscriber(connection, address)
    except SubscribersError:
        return None
    return person.id if person else None


def _recipients(connection: Connection, issue: Issue) -> Sequence[int]:
    ids = connection.execute(
        select(delivery.c.subscriber_id)
        .where(delivery.c.issue_id == issue.id)
        .order_by(delivery.c.subscriber_id)
        .limit(_MAX_ROWS)
    )
    return ids.scalars().all()
