"""Who gets what of an issue: its digest, a variant, or nothing and why. Reads only.

It follows from what a subscriber has chosen, has got and is owed. Owed is what was missed by an interruption, such as
a pause or a change of the cadence: the first issue after it has, besides its own stories, those of the meantime. Once
there is a row of an issue that was due after it, nothing is owed, unless that mail did not arrive.

Ledgers, plans and previews all come from this, so they agree. The plan counts subscribers who get the same in groups.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    and_,
    case,
    func,
    literal,
    select,
)

from publisher.articles.model import Article
from publisher.config import Edition, Settings
from publisher.database.dialect.sql import json_list, text_after
from publisher.delivery import causes
from publisher.delivery.causes import NO_ARTICLE, Cause
from publisher.delivery.ledger.already_sent import ReceivedStories, find_received
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues import store as issues
from publisher.issues.digests import MailContent
from publisher.issues.editing import combined_edits, left_out_before
from publisher.issues.model import Issue, IssueKind
from publisher.issues.selection import SelectionWindow, serving_language
from publisher.issues.subscriber_selection import ProfileSelector
from publisher.issues.tables import issue_table
from subscribers import audiences
from subscribers.audiences import Interruption, load_audience_profiles, select_audience_groups
from subscribers.errors import english
from subscribers.preferences import Profile, profile_from_text
from subscribers.tables import preference, subscriber

# What a mail in one of these states had is still owed.
_NOT_SERVED = (DeliveryState.BOUNCED, DeliveryState.FAILED, DeliveryState.CANCELLED)
# A subscriber's language and profile, as stored, and from when on articles may be owed.
CatchUpKey = tuple[str, str | None, datetime]


def load_recent_interruptions(
    connection: Connection, newsletter: str, now: datetime
) -> list[audiences.Interruption]:
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
    """Return from which day's begin on articles are owed, by subscriber; `served` is when the last issue was due that had a row."""
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
            # A correction or an announcement brings nothing of what is owed.
            issue_table.c.kind == IssueKind.REGULAR,
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
    """What subscribers want of an issue: pairs of story and article ids; `most` are carried, and `more` had no room before.

    An announcement `is_text`: it has no articles, and is sent all the same.
    """

    articles: tuple[tuple[int, int], ...]
    most: int
    more: int = 0
    length: str | None = None
    is_text: bool = False

    def without(self, had: Collection[int]) -> MailContent | causes.Cause:
        """Return what is sent to somebody who had some stories, or why nothing is sent."""
        left = [one for one in self.articles if one[0] not in had]
        if not left and not self.is_text:
            return causes.HAD_EVERYTHING if self.articles else causes.NO_ARTICLE
        chosen = tuple(left[: self.most])
        return MailContent(chosen, self.more + len(left) - len(chosen), self.length)

    def is_digest(self, content: MailContent) -> bool:
        return content.articles == self.articles and content.length is None


def own_choice(connection: Connection, issue: Issue) -> Choice:
    articles = tuple(issues.chosen_articles(connection, issue))
    is_text = issue.kind == IssueKind.ANNOUNCEMENT
    return Choice(articles, most=len(articles), more=issue.more, is_text=is_text)


def profile_selector(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue
) -> ProfileSelector:
    window = SelectionWindow(
        since=issue.available_since,
        until=issue.assembled_at or issue.due_at,
        published_until=issue.published_until,
        stories=issues.recovered_stories(connection, issue.name),
    )
    edits = combined_edits(connection, issue.id)
    return ProfileSelector(connection, settings, edition, window, edits)


def profile_choice(selector: ProfileSelector, language: str, text: str) -> Choice:
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
OUTSIDE = causes.Cause(
    "not-in-audience",
    "the subscriber does not meet the conditions of the issue's audience",
    "look at the conditions, and at the subscriber's fields",
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
        if viewer.subscriber_id is not None and (cause := self._unwanted(viewer.subscriber_id)):
            return cause
        newsletter = self.settings.newsletter(self.issue.newsletter)
        editions = self.settings.editions(newsletter) if newsletter else ()
        wanted = (viewer.language, *profile_from_text(viewer.profile).more_languages)
        served = serving_language([one.language for one in editions], wanted)
        if served != self.issue.language:
            return OTHER_EDITION
        limit = audience_limit(self.settings, self.issue)
        if limit is None or viewer.subscriber_id is None:
            return None
        query = select(subscriber.c.id).where(subscriber.c.id == viewer.subscriber_id, limit)
        return None if self.connection.execute(query).first() else OUTSIDE

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
        """Return what a viewer's mail would carry, or why nothing; `own` is what those without a profile want."""
        choice = own if own.is_text else self._choice(own, viewer)
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


_NOTHING: frozenset[int] = frozenset()


# Compared by identity: it is looked up for each of a million subscribers.
@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """What a subscriber gets: nothing if there is a `cause`, a variant if there is a `content`, else the issue's digest."""

    cause: Cause | None = None
    content: MailContent | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """What audiences of a newsletter or a digest share: `tags`, subscribers' languages; `profiles`, languages and profiles."""

    tags: Sequence[str]
    profiles: Sequence[tuple[str, str]]
    interruptions: Sequence[Interruption]


@dataclass(slots=True, kw_only=True)
class IssueAudience:
    """The audience of one issue. `languages` are those of `tags` that the edition serves."""

    issue: Issue
    tags: Sequence[str]
    languages: Sequence[str]
    own: Choice
    choices: Mapping[ProfileKey, Choice]
    owed: Mapping[int, CatchUpKey]
    catch_ups: Mapping[CatchUpKey, Choice]
    received: ReceivedStories
    limit: ColumnElement[bool] | None = None
    # For subscribers without a profile who have got nothing of it before.
    digest: Portion = field(init=False)
    _portions: dict[tuple[ProfileKey | CatchUpKey, frozenset[int]], Portion] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self.digest = Portion(cause=NO_ARTICLE if self.issue.for_profiles_only else None)

    @property
    def excludes_received(self) -> bool:
        """Whether it matters what a subscriber without a profile has got by other issues."""
        return bool(self.received.issues) and not self.issue.for_profiles_only

    def portion(
        self, number: int | None, key: ProfileKey, received: frozenset[int] = _NOTHING
    ) -> Portion | None:
        """Return what subscriber `number` (None: nobody who is owed anything) gets; None if this edition does not serve her."""
        if number is not None and number in self.owed:
            owed = self.owed[number]
            return self._portion_of(owed, self.catch_ups[owed], received)
        if key[1]:
            choice = self.choices.get(key)
            return self._portion_of(key, choice, received) if choice else None
        if key[0] not in self.languages:
            return None
        if not (received and self.excludes_received):
            return self.digest
        return self._portion_of(key, self.own, received)

    def _portion_of(
        self, key: ProfileKey | CatchUpKey, choice: Choice, received: frozenset[int]
    ) -> Portion:
        # Most have got nothing.
        had = received and received.intersection(story for story, _article in choice.articles)
        portion = self._portions.get((key, had))
        if portion is None:
            content = choice.without(had)
            if isinstance(content, Cause):
                portion = Portion(cause=content)
            else:
                portion = Portion(content=None if self.own.is_digest(content) else content)
            self._portions[key, had] = portion
        return portion


def load_members(connection: Connection, newsletter: str, now: datetime) -> Members:
    return Members(
        tags=[*audiences.count_subscribers_by_language(connection)],
        profiles=load_audience_profiles(connection, newsletter, now),
        interruptions=load_recent_interruptions(connection, newsletter, now),
    )


def load_issue_audience(  # what a reading needs, and one choice
    connection: Connection, settings: Settings, issue: Issue, members: Members, now: datetime
) -> IssueAudience:
    edition = settings.edition(issue.newsletter, issue.language)
    assert edition is not None  # noqa: S101  # the caller cancels issues of removed editions
    tags = members.tags
    languages = served_languages(tags, settings, issue)
    own = own_choice(connection, issue)
    choices = _load_choices(connection, settings, edition, issue, members, own)
    owed = {} if own.is_text else load_owed(connection, issue, now, members.interruptions)
    served = {*choices, *((language, None) for language in languages)}
    keys = {key for key in owed.values() if key[:2] in served}
    catch_ups = {
        key: choice
        for key in keys
        if (choice := catch_up_choice(connection, settings, edition, issue, key))
    }
    stories = {
        story
        for one in (own, *choices.values(), *catch_ups.values())
        for story, _article in one.articles
    }
    return IssueAudience(
        issue=issue,
        tags=tags,
        languages=languages,
        own=own,
        choices=choices,
        owed={number: key for number, key in owed.items() if key in catch_ups},
        catch_ups=catch_ups,
        received=find_received(connection, issue, stories),
        limit=audience_limit(settings, issue),
    )


def audience_limit(settings: Settings, issue: Issue) -> ColumnElement[bool] | None:
    """Return the SQL condition, on `subscriber`, that limits who gets an issue; raise IssueError if it can't be."""
    edition = settings.edition(issue.newsletter, issue.language)
    texts = (*(edition.only if edition else ()), *(issue.audience or "").splitlines())
    if not texts:
        return None
    names = [one.name for one in settings.newsletters]
    if why := settings.subscribers.problem_of(texts, names):
        raise issue.saying("%(issue)s: its audience: %(why)s", why=english(why))
    fields = settings.subscribers.value_types
    return and_(*(audiences.limit_clause(one, fields, names) for one in texts))


def served_languages(tags: Iterable[str], settings: Settings, issue: Issue) -> list[str]:
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    return [tag for tag in tags if serving_language(editions, [tag]) == issue.language]


def _load_choices(  # what a reading needs, and the choice of most
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    members: Members,
    own: Choice,
) -> dict[ProfileKey, Choice]:
    selector = profile_selector(connection, settings, edition, issue)
    return {
        (language, text): own if own.is_text else profile_choice(selector, language, text)
        for language, text in selector.served(members.profiles)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceGroup:
    """How many recipients have all of this in common; `number` is the id of somebody to whom an issue owes something."""

    count: int
    language: str
    domain: str | None = None
    profile: str | None = None
    timezone: str | None = None
    hour: int | None = None
    number: int | None = None
    mails: str | None = None
    former_mails: str | None = None
    pruned_mails: str | None = None
    outside: str | None = None  # tags of the editions whose conditions they do not meet

    def is_outside(self, language: str) -> bool:
        return language in (self.outside or "").split()

    def portion_of(self, audience: IssueAudience) -> Portion | None:
        received = audience.received.stories_of(
            self.mails, self.former_mails, self.pruned_mails
        )
        return audience.portion(self.number, (self.language, self.profile), received)


def count_groups(  # noqa: PLR0913  # how fine the groups have to be
    connection: Connection,
    newsletter: str,
    audiences: Sequence[IssueAudience],
    now: datetime,
    *,
    limits: Mapping[str, ColumnElement[bool] | None],
    by_domain: bool = False,
    by_hour: bool = False,
) -> list[AudienceGroup]:
    """Count all recipients of `newsletter`, whichever edition serves them, in groups that are fine enough for these issues."""
    owed = sorted({number for one in audiences for number in one.owed})
    columns: dict[str, ColumnElement[Any]] = {
        # What differs most comes first: the database sorts by it.
        **({"domain": text_after(subscriber.c.email, "@")} if by_domain else {}),
        "language": subscriber.c.language,
        "profile": preference.c.profile,
        **_received(audiences, now),
    }
    flags = [case((one, ""), else_=f"{tag} ") for tag, one in limits.items() if one is not None]
    if flags:
        columns["outside"] = reduce(add, flags)
    if by_hour:
        columns |= {"timezone": subscriber.c.timezone, "hour": preference.c.hour}
    if owed:
        is_owed = subscriber.c.id.in_(json_list("owed", Integer()))
        columns["number"] = case((is_owed, subscriber.c.id))
    query = select_audience_groups(newsletter, columns, now)
    rows = connection.execute(query, {"owed": json.dumps(owed)} if owed else {})
    return [AudienceGroup(**row) for row in rows.mappings()]


def _received(
    audiences: Sequence[IssueAudience], now: datetime
) -> dict[str, ColumnElement[Any]]:
    issues = sorted({number for one in audiences for number in one.received.issues})
    if not issues:
        return {}
    pruned = sorted({number for one in audiences for number in one.received.pruned})
    # The opening of a ledger suppresses mails that wait and are not wanted any more.
    received = ReceivedStories(issues, {}, {}, wanted_at=now, pruned=pruned)
    names = ("mails", "former_mails", "pruned_mails")
    return dict(zip(names, received.mails(subscriber.c.id), strict=False))
