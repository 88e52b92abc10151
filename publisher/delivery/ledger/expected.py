"""What one subscriber gets of an issue, or would get if its ledger were opened now. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Integer, Text, literal, select

from publisher.config import Edition, Settings
from publisher.delivery.causes import (
    HAS_PAUSED,
    HAS_UNSUBSCRIBED,
    NO_ARTICLE,
    OTHER_CADENCE,
    Cause,
    cause_of,
)
from publisher.delivery.ledger.catch_up import load_owed
from publisher.delivery.ledger.choices import (
    Choice,
    MailContent,
    catch_up_choice,
    profile_choice,
    profile_selector,
)
from publisher.delivery.ledger.received import find_received
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import Issue
from publisher.issues.selection import serving_language
from subscribers import is_paused, is_subscribed, still_wanted
from subscribers.profiles import profile_from_text

OTHER_EDITION = Cause(
    "other-edition",
    "the subscriber gets the issue in another language",
    "look at the preview in that language",
)
# Nothing was sent, or will be, for the cause of the row.
_NOT_SENT = (DeliveryState.SUPPRESSED, DeliveryState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """As whom an issue is seen: a subscriber, or nobody in particular with a language and profile."""

    language: str
    profile: str | None = None
    subscriber_id: int | None = None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What the ledger says of a subscriber's mail. With a cause, nothing is sent."""

    due_at: datetime
    variant_id: int | None
    cause: Cause | None


@dataclass(frozen=True, slots=True)
class AudienceOfIssue:
    """An issue of an edition, asked at `now` about one viewer at a time, within one transaction."""

    connection: Connection
    settings: Settings
    edition: Edition
    issue: Issue
    now: datetime

    def row(self, viewer: Viewer) -> LedgerRow | None:
        """Return a subscriber's row of the ledger, if there is one."""
        columns = delivery.c["due_at", "variant_id", "state", "reason_key"]
        query = select(*columns).where(
            delivery.c.issue_id == self.issue.id,
            delivery.c.subscriber_id == viewer.subscriber_id,
        )
        row = self.connection.execute(query).one_or_none()
        if row is None:
            return None
        cause = cause_of(row.reason_key) if row.state in _NOT_SENT else None
        return LedgerRow(row.due_at, row.variant_id, cause)

    def exclusion(self, viewer: Viewer) -> Cause | None:
        """Return why somebody is not in the audience; None if he or she is."""
        if viewer.subscriber_id is not None and (cause := self._unwanted(viewer.subscriber_id)):
            return cause
        newsletter = self.settings.newsletter(self.issue.newsletter)
        editions = self.settings.editions(newsletter) if newsletter else ()
        wanted = (viewer.language, *profile_from_text(viewer.profile).more_languages)
        served = serving_language([one.language for one in editions], wanted)
        return None if served == self.issue.language else OTHER_EDITION

    def _unwanted(self, subscriber_id: int) -> Cause | None:
        name, number = literal(self.issue.newsletter, Text()), literal(subscriber_id, Integer())
        conditions = (
            is_subscribed(name, number),
            is_paused(number, self.now),
            still_wanted(name, number, self.now),
        )
        subscribed, paused, gets = self.connection.execute(select(*conditions)).one()
        if gets:
            return None
        if not subscribed:
            return HAS_UNSUBSCRIBED
        return HAS_PAUSED if paused else OTHER_CADENCE

    def content(self, own: Choice, viewer: Viewer) -> MailContent | Cause:
        """Return what a viewer's mail would carry; `own` is what those without a profile want.

        A cause says why nothing is left to send. Exclusions are not considered.
        """
        choice = self._choice(own, viewer)
        if choice is own and self.issue.for_profiles_only:
            return NO_ARTICLE
        had: frozenset[int] = frozenset()
        if (number := viewer.subscriber_id) is not None:
            stories = {story for story, _article in choice.articles}
            received = find_received(self.connection, self.issue, stories)
            had = received.by_subscriber(self.connection, number, number).get(number, had)
        return choice.without(had)

    def _choice(self, own: Choice, viewer: Viewer) -> Choice:
        place = (self.connection, self.settings, self.edition, self.issue)
        if viewer.subscriber_id is not None:
            key = load_owed(self.connection, self.issue, self.now).get(viewer.subscriber_id)
            owed = catch_up_choice(*place, key) if key else None
            if owed:
                return owed
        if viewer.profile is None:
            return own
        return profile_choice(profile_selector(*place), viewer.language, viewer.profile)
