"""Leaving by the link that every mail carries: one newsletter or all, a pause instead, and undoing.

Functions that store take a connection that writes. A link to unsubscribe never ends. One of an
earlier generation still unsubscribes, but shows nothing of the subscriber: the address may have
changed since, and the mail may be somebody else's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from publisher.config import Settings
from publisher.mail.signed_addresses import LinkKind, SignedLink, find_link, sign_link
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import cancel_notices, enqueue_notice
from subscribers import changes
from subscribers.addresses import mask_address
from subscribers.consent_records import last_event_id
from subscribers.model import ConsentSource, Subscriber, SubscriberStatus
from subscribers.preferences import load_preferences, pause_subscriber
from subscribers.store import load_subscriber, present_newsletter

# How long the mail about a leaving can undo it, and how long the page offers to.
UNDO_PERIOD: Final = timedelta(days=30)
_PAGE_UNDO_PERIOD: Final = timedelta(hours=1)
_PAUSE: Final = timedelta(days=30)
# Mails that say nothing any more once a subscriber has left everything.
_MOOT_NOTICES: Final = (NoticeKind.WELCOME, NoticeKind.ALREADY_SUBSCRIBED, NoticeKind.REMINDER)


class LeaveScope(StrEnum):
    """What a subscriber leaves: the newsletter of the link, or all."""

    NEWSLETTER = "newsletter"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LeavePage:
    """What the page of a link to unsubscribe shows; `title` is empty for all newsletters, `address` and `preferences` for an old link."""

    address: str
    title: str
    gets_it: bool
    gets_others: bool
    paused_until: datetime | None
    preferences: str = field(default="", repr=False)
    undo: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UndoPage:
    """What the page of a link to undo shows: the masked address and what was left, empty for all."""

    address: str
    title: str


def read_leave_link(secret: str, token: str) -> SignedLink | None:
    return find_link(secret, "unsubscribe", token)


def read_undo_link(secret: str, token: str) -> SignedLink | None:
    return find_link(secret, "undo", token)


def leave(
    connection: Connection,
    link: SignedLink,
    scope: LeaveScope,
    now: datetime,
    source: ConsentSource = ConsentSource.SUBSCRIBER,
) -> bool:
    """Unsubscribe, and mail a goodbye that undoes it. Return whether anything changed; who has left before gets no mail."""
    person = load_subscriber(connection, link.subscriber_id)
    if person is None:
        return False
    newsletter = ""
    if scope is LeaveScope.NEWSLETTER:
        newsletter = link.newsletter
        if newsletter not in person.subscriptions:
            newsletter = present_newsletter(connection, newsletter)
    changed = changes.unsubscribe_subscriber(
        connection, person, newsletter or None, now, source=source
    )
    if changed and not newsletter:
        cancel_notices(connection, person.id, _MOOT_NOTICES, now)
    if changed and _gets(person, newsletter):
        left = [newsletter] if newsletter else []
        # A leaving has the id of its last event, which was stored just now.
        values = {"newsletters": left, "number": last_event_id(connection, person.id)}
        enqueue_notice(connection, NoticeKind.GOODBYE, person.id, now, values=values)
    return changed


def undo(connection: Connection, link: SignedLink, now: datetime) -> changes.UndoOutcome:
    """Give back what ended with the leaving that a link was made for."""
    owner = _find_owner(connection, link)
    if owner is None or not owner.is_current:
        return changes.UndoOutcome.ENDED
    number = owner.person.id
    outcome = changes.undo_leaving(connection, number, link.number, now, within=UNDO_PERIOD)
    if outcome is changes.UndoOutcome.UNDONE and not cancel_notices(
        connection, number, [NoticeKind.GOODBYE], now
    ):
        _tell_of_undo(connection, number, link.number, now)
    return outcome


def _tell_of_undo(
    connection: Connection, subscriber_id: int, leaving_id: int, now: datetime
) -> None:
    """Mail what comes again, with a link to leave: somebody else who has one of her mails may have undone it."""
    person = load_subscriber(connection, subscriber_id)
    leaving = changes.load_leaving(connection, subscriber_id, leaving_id)
    if person is None or leaving is None:
        return
    restored = (leaving.newsletter,) if leaving.newsletter else person.newsletters
    names = [name for name in restored if name in person.newsletters]
    if names:
        values = {"newsletters": names, "again": True}
        enqueue_notice(connection, NoticeKind.WELCOME, subscriber_id, now, values=values)


def pause_instead(connection: Connection, link: SignedLink, now: datetime) -> datetime | None:
    """Send no issue for a month. Return until when, or None if the subscriber gets none anyway."""
    person = load_subscriber(connection, link.subscriber_id)
    if person is None or not _gets(person, ""):
        return None
    until = now + _PAUSE
    pause_subscriber(connection, person.id, until, now)
    return until


def read_leave_page(
    connection: Connection,
    settings: Settings,
    secret: str,
    link: SignedLink,
    language: str,
    now: datetime,
) -> LeavePage | None:
    owner = _find_owner(connection, link)
    if owner is None:
        return None
    person = owner.person
    until = load_preferences(connection, person.id).paused_until
    name = present_newsletter(connection, link.newsletter)
    leaving = _left_just_now(connection, person, name, now)
    return LeavePage(
        address=mask_address(person.address) if owner.is_current else "",
        title=_title(settings, name, language),
        gets_it=_gets(person, name),
        gets_others=_gets(person, "") and {*person.newsletters} != {name},
        paused_until=until if until and until > now else None,
        preferences=owner.token(secret, "preferences") if owner.is_current else "",
        undo=owner.token(secret, "undo", leaving.id) if leaving else "",
    )


def read_undo_page(
    connection: Connection, settings: Settings, link: SignedLink, language: str
) -> UndoPage | None:
    owner = _find_owner(connection, link)
    if owner is None or not owner.is_current:
        return None
    leaving = changes.load_leaving(connection, owner.person.id, link.number)
    if leaving is None:
        return None
    title = _title(settings, leaving.newsletter or "", language)
    return UndoPage(mask_address(owner.person.address), title)


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whose link it is, and whether the subscriber has the same links still."""

    person: Subscriber
    is_current: bool

    def token(self, secret: str, kind: LinkKind, number: int = 0) -> str:
        return sign_link(
            secret, kind, self.person.id, generation=self.person.generation, number=number
        )


def _find_owner(connection: Connection, link: SignedLink) -> _Owner | None:
    person = load_subscriber(connection, link.subscriber_id)
    if person is None:
        return None
    # Links of a record that was merged into another have ended.
    is_current = person.id == link.subscriber_id and link.generation == person.generation
    return _Owner(person, is_current)


def _gets(person: Subscriber, newsletter: str) -> bool:
    """Return whether a subscriber gets a newsletter, or any ("")."""
    wanted = newsletter in person.newsletters if newsletter else bool(person.newsletters)
    return person.status is SubscriberStatus.ACTIVE and wanted


def _left_just_now(
    connection: Connection, person: Subscriber, newsletter: str, now: datetime
) -> changes.Leaving | None:
    """Return the newest leaving of the newsletter or of all, if it can be undone on the page."""
    found = [
        changes.last_leaving(connection, person.id, one) for one in {newsletter or None, None}
    ]
    recent = [one for one in found if one and now - one.at <= _PAGE_UNDO_PERIOD]
    return max(recent, key=lambda one: one.id, default=None)


def _title(settings: Settings, newsletter: str, language: str) -> str:
    found = settings.newsletter(newsletter)
    if found is None:  # all, or it was removed from the settings meanwhile
        return newsletter
    return found.in_language(language, settings.publication.timezone).title(language)
