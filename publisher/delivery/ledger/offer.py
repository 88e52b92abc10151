"""What an issue has for one subscriber, by what she has chosen, has got and is owed. Reads only.

The opening of a ledger and previews decide by the same functions. Owed is what was missed by an
interruption, such as a pause or a change of the cadence: the first issue after it has, besides its
own stories, those that came in the meantime and that the subscriber has not got. Once she has a row
of an issue that was due after it, nothing is owed, unless that mail did not arrive.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Integer, Text, func, literal, select

from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.database.dialect.sql import json_list
from publisher.delivery import causes
from publisher.delivery.ledger.already_sent import find_received
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.digests import MailContent
from publisher.issues.editing import combined_edits, left_out_before
from publisher.issues.model import Issue
from publisher.issues.recovered_issues import recovered_stories
from publisher.issues.selection import SelectionWindow, serving_language
from publisher.issues.subscriber_selection import ProfileSelector
from publisher.issues.tables import issue_table
from subscribers import audiences
from subscribers.preferences import Profile, profile_from_text
from subscribers.tables import preference, subscriber

# What a mail in one of these states had is still owed.
_NOT_SERVED = (DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.CANCELLED)
# A subscriber's language and profile, as stored, and from when on articles may be owed.
CatchUpKey = tuple[str, str | None, datetime]


def load_recent_interruptions(
    connection: Connection, newsletter: str, now: datetime
) -> list[audiences.Interruption]:
    """Return the interruptions after which something may still be owed."""
    return audiences.load_interruptions(connection, newsletter, now - audiences.OWED_FOR, now)


def load_owed(
    connection: Connection,
    issue: Issue,
    now: datetime,
    interruptions: Sequence[audiences.Interruption] | None = None,
) -> dict[int, CatchUpKey]:
    """Return what is owed in an issue, by subscriber. `interruptions` are the recent ones, if known."""
    recent = (
        load_recent_interruptions(connection, issue.newsletter, now)
        if interruptions is None
        else interruptions
    )
    served = _last_served(connection, issue, {one.subscriber_id for one in recent}, now)
    since = owed_since(recent, served)
    query = select(*subscriber.c["id", "language"], preference.c.profile).outerjoin(preference)
    rows = connection.execute(
        query.where(subscriber.c.id.in_(json_list("owed", Integer()))),
        {"owed": json.dumps([*since])},
    )
    return {row.id: (row.language, row.profile, since[row.id]) for row in rows}


def owed_since(
    interruptions: Iterable[audiences.Interruption], served: Mapping[int, datetime]
) -> dict[int, datetime]:
    """Return from when on articles are owed, by subscriber. Pure.

    `served` is when the last issue was due for which a subscriber has a row. Instants are those of a
    day's begin, so that subscribers share few variants; what somebody has got is not sent again.
    """
    owed: dict[int, datetime] = {}
    for interruption in interruptions:
        last = served.get(interruption.subscriber_id)
        if last is None or last <= interruption.until:
            since = interruption.since.replace(hour=0, minute=0, second=0)
            owed[interruption.subscriber_id] = min(
                since, owed.get(interruption.subscriber_id, since)
            )
    return owed


def _last_served(
    connection: Connection, issue: Issue, subscribers: Iterable[int], now: datetime
) -> dict[int, datetime]:
    query = (
        select(delivery.c.subscriber_id, func.max(issue_table.c.due_at))
        .join(issue_table, issue_table.c.id == delivery.c.issue_id)
        .where(
            issue_table.c.newsletter == issue.newsletter,
            issue_table.c.due_at > now - audiences.OWED_FOR,
            issue_table.c.id != issue.id,
            delivery.c.state.not_in(_NOT_SERVED),
            delivery.c.subscriber_id.in_(json_list("owed", Integer())),
        )
        .group_by(delivery.c.subscriber_id)
    )
    rows = connection.execute(query, {"owed": json.dumps([*subscribers])})
    return {number: due_at for number, due_at in rows}  # noqa: C416  # a Row is no pair


# The language and the profile of a subscriber, as stored; None for no profile.
ProfileKey = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What subscribers want of an issue: pairs of story and article ids, in order.

    At most `most` are carried, and `more` had no room before. `length` None is the newsletter's.
    """

    articles: tuple[tuple[int, int], ...]
    most: int
    more: int = 0
    length: str | None = None

    def without(self, had: Collection[int]) -> MailContent | causes.Cause:
        """Return what is sent to somebody who had some stories, or why nothing is sent."""
        left = [one for one in self.articles if one[0] not in had]
        if not left:
            return causes.HAD_EVERYTHING if self.articles else causes.NO_ARTICLE
        chosen = tuple(left[: self.most])
        return MailContent(chosen, self.more + len(left) - len(chosen), self.length)

    def is_digest(self, content: MailContent) -> bool:
        """Return whether a mail is the issue's own digest, if this is the choice of most."""
        return content.articles == self.articles and content.length is None


def own_choice(connection: Connection, issue: Issue) -> Choice:
    """Return what subscribers without a profile want: the articles of the issue."""
    articles = tuple(issues.chosen_articles(connection, issue))
    return Choice(articles, most=len(articles), more=issue.more)


def profile_selector(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> ProfileSelector:
    """Return what chooses by profiles, among the articles that the issue considered."""
    window = SelectionWindow(
        since=issue.available_since,
        until=issue.assembled_at or issue.due_at,
        published_until=issue.published_until,
        stories=recovered_stories(connection, issue.name),
    )
    edits = combined_edits(connection, issue.id)
    return ProfileSelector(connection, settings, edition, window, edits)


def profile_choice(selector: ProfileSelector, language: str, text: str) -> Choice:
    """Return what subscribers with a language and a profile want of an issue."""
    profile = profile_from_text(text)
    return _choice_of(selector, profile, selector.choose(language, profile))


def _choice_of(
    selector: ProfileSelector, profile: Profile, articles: Iterable[Article]
) -> Choice:
    edition = selector.edition
    return Choice(
        articles=tuple((article.story_id, article.id) for article in articles),
        most=selector.edits.number or edition.max_articles,
        # What the newsletter does anyway makes no variant.
        length=profile.length if profile.length != edition.content else None,
    )


def catch_up_choice(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, key: CatchUpKey
) -> Choice | None:
    """Return what an issue has for those who are owed a catch-up; None if it has all anyway."""
    if issue.available_since is None:
        return None
    language, text, since = key
    own = profile_selector(connection, settings, edition, issue)
    window = replace(own.window, since=min(since, issue.available_since), stories=None)
    # What editors left out of the issues that were missed is not owed.
    before = left_out_before(connection, issue, since)
    edits = replace(own.edits, left_out=before | dict(own.edits.left_out))
    selector = ProfileSelector(connection, settings, edition, window, edits)
    profile = profile_from_text(text)
    found = selector.choose(language, profile) if text else selector.choose_own()
    return _choice_of(selector, profile, found)


OTHER_EDITION = causes.Cause(
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
    cause: causes.Cause | None


@dataclass(frozen=True, slots=True)
class AudienceOfIssue:
    """An issue of an edition, asked at `now` about one viewer at a time, within one transaction."""

    connection: Connection
    settings: Settings
    edition: Edition
    issue: Issue
    now: datetime

    def row(self, viewer: Viewer) -> LedgerRow | None:
        columns = delivery.c["due_at", "variant_id", "state", "reason_key"]
        query = select(*columns).where(
            delivery.c.issue_id == self.issue.id,
            delivery.c.subscriber_id == viewer.subscriber_id,
        )
        row = self.connection.execute(query).one_or_none()
        if row is None:
            return None
        cause = causes.cause_of(row.reason_key) if row.state in _NOT_SENT else None
        return LedgerRow(row.due_at, row.variant_id, cause)

    def exclusion(self, viewer: Viewer) -> causes.Cause | None:
        """Return why somebody is not in the audience; None if he or she is."""
        if viewer.subscriber_id is not None and (cause := self._unwanted(viewer.subscriber_id)):
            return cause
        newsletter = self.settings.newsletter(self.issue.newsletter)
        editions = self.settings.editions(newsletter) if newsletter else ()
        wanted = (viewer.language, *profile_from_text(viewer.profile).more_languages)
        served = serving_language([one.language for one in editions], wanted)
        return None if served == self.issue.language else OTHER_EDITION

    def _unwanted(self, subscriber_id: int) -> causes.Cause | None:
        name, number = literal(self.issue.newsletter, Text()), literal(subscriber_id, Integer())
        conditions = (
            audiences.is_subscribed(name, number),
            audiences.is_paused(number, self.now),
            audiences.still_wanted(name, number, self.now),
        )
        subscribed, paused, gets = self.connection.execute(select(*conditions)).one()
        if gets:
            return None
        if not subscribed:
            return causes.HAS_UNSUBSCRIBED
        return causes.HAS_PAUSED if paused else causes.OTHER_CADENCE

    def content(self, own: Choice, viewer: Viewer) -> MailContent | causes.Cause:
        """Return what a viewer's mail would carry; `own` is what those without a profile want.

        A cause says why nothing is left to send. Exclusions are not considered.
        """
        choice = self._choice(own, viewer)
        if choice is own and self.issue.for_profiles_only:
            return causes.NO_ARTICLE
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
