"""Who gets what of an issue: its digest, a variant, or nothing and why. Reads only.

The ledger is opened by this (`opening`), and the plan that is shown before is counted by it: so the
two agree. The plan counts subscribers who get the same in groups, in one query. The groups are few
enough for Python, where a million subscribers are not.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, case

from publisher.config import Edition, Settings
from publisher.database.dialect.sql import json_list, text_after
from publisher.delivery.causes import NO_ARTICLE, Cause
from publisher.delivery.ledger import offer
from publisher.delivery.ledger.already_sent import ReceivedStories, find_received
from publisher.issues.digests import MailContent
from publisher.issues.model import Issue
from publisher.issues.selection import serving_language
from subscribers.audiences import Interruption, load_audience_profiles, select_audience_groups
from subscribers.store import count_subscribers_by_language
from subscribers.tables import preference, subscriber

_NOTHING: frozenset[int] = frozenset()


# Compared by identity: it is looked up for each of a million subscribers.
@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """What a subscriber gets: nothing by a `cause`, a variant of a `content`, or else the issue's own digest."""

    cause: Cause | None = None
    content: MailContent | None = None


@dataclass(frozen=True, slots=True)
class Members:
    """What audiences of a newsletter or digest share: languages (`tags`) and profiles of subscribers."""

    tags: Sequence[str]
    profiles: Sequence[tuple[str, str]]
    interruptions: Sequence[Interruption]


@dataclass(slots=True, kw_only=True)
class IssueAudience:
    """The audience of one issue. `languages` are those of `tags` that the edition serves."""

    issue: Issue
    tags: Sequence[str]
    languages: Sequence[str]
    own: offer.Choice
    choices: Mapping[offer.ProfileKey, offer.Choice]
    owed: Mapping[int, offer.CatchUpKey]
    catch_ups: Mapping[offer.CatchUpKey, offer.Choice]
    received: ReceivedStories
    # For subscribers without a profile who have got nothing of it before.
    digest: Portion = field(init=False)
    _portions: dict[tuple[offer.ProfileKey | offer.CatchUpKey, frozenset[int]], Portion] = (
        field(default_factory=dict)
    )

    def __post_init__(self) -> None:
        self.digest = Portion(cause=NO_ARTICLE if self.issue.for_profiles_only else None)

    @property
    def excludes_received(self) -> bool:
        """Whether it matters what a subscriber without a profile has got by other issues."""
        return bool(self.received.issues) and not self.issue.for_profiles_only

    def portion(
        self, number: int | None, key: offer.ProfileKey, received: frozenset[int] = _NOTHING
    ) -> Portion | None:
        """Return what a subscriber gets; None if another edition serves her, or none does.

        `number` is her id, or None for somebody to whom nothing is owed. `received` are the stories
        that she has got by other issues.
        """
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
        self,
        key: offer.ProfileKey | offer.CatchUpKey,
        choice: offer.Choice,
        received: frozenset[int],
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
    """Read what audiences of `newsletter`, a name or a digest's key, have in common at `now`."""
    return Members(
        tags=[*count_subscribers_by_language(connection)],
        profiles=load_audience_profiles(connection, newsletter, now),
        interruptions=offer.load_recent_interruptions(connection, newsletter, now),
    )


def load_issue_audience(  # what a reading needs, and one choice
    connection: Connection, settings: Settings, issue: Issue, members: Members, now: datetime
) -> IssueAudience:
    """Read what the subscribers of an issue's edition get of it."""
    edition = settings.edition(issue.newsletter, issue.language)
    assert edition is not None  # noqa: S101  # the caller cancels issues of removed editions
    tags = members.tags
    languages = served_languages(tags, settings, issue)
    choices = _load_choices(connection, settings, edition, issue, members)
    owed = offer.load_owed(connection, issue, now, members.interruptions)
    served = {*choices, *((language, None) for language in languages)}
    keys = {key for key in owed.values() if key[:2] in served}
    catch_ups = _load_catch_ups(connection, settings, edition, issue, keys)
    own = offer.own_choice(connection, issue)
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
    )


def served_languages(tags: Iterable[str], settings: Settings, issue: Issue) -> list[str]:
    """Return those of subscribers' languages that get this issue, and not one of its sisters."""
    newsletter = settings.newsletter(issue.newsletter)
    editions = [e.language for e in settings.editions(newsletter)] if newsletter else []
    return [tag for tag in tags if serving_language(editions, [tag]) == issue.language]


def _load_choices(
    connection: Connection, settings: Settings, edition: Edition, issue: Issue, members: Members
) -> dict[offer.ProfileKey, offer.Choice]:
    """Return what each profile among the subscribers of an issue's edition wants of it."""
    selector = offer.profile_selector(connection, settings, edition, issue)
    return {
        (language, text): offer.profile_choice(selector, language, text)
        for language, text in selector.served(members.profiles)
    }


def _load_catch_ups(
    connection: Connection,
    settings: Settings,
    edition: Edition,
    issue: Issue,
    keys: Iterable[offer.CatchUpKey],
) -> dict[offer.CatchUpKey, offer.Choice]:
    """Return what the issue has for those who are owed a catch-up, and whom it serves."""
    found = (
        (key, offer.catch_up_choice(connection, settings, edition, issue, key)) for key in keys
    )
    return {key: choice for key, choice in found if choice is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceGroup:
    """How many recipients have all of this in common.

    `number` is the id of somebody to whom an issue owes something. `mails` and the others name
    what was got by other issues with the same stories (`ReceivedStories.mails`).
    """

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

    def portion_of(self, audience: IssueAudience) -> Portion | None:
        """Return what these recipients get of an issue; None if its edition does not serve them."""
        received = audience.received.stories_of(
            self.mails, self.former_mails, self.pruned_mails
        )
        return audience.portion(self.number, (self.language, self.profile), received)


def count_groups(
    connection: Connection,
    newsletter: str,
    audiences: Sequence[IssueAudience],
    now: datetime,
    *,
    by_domain: bool = False,
    by_hour: bool = False,
) -> list[AudienceGroup]:
    """Count all recipients of `newsletter`, whichever edition serves them.

    `audiences` are those of the issues that the groups have to be fine enough for. They differ by
    receiving domain only if `by_domain`, by time zone and hour only if `by_hour`.
    """
    owed = sorted({number for one in audiences for number in one.owed})
    columns: dict[str, ColumnElement[Any]] = {
        # What differs most comes first: the database sorts by it.
        **({"domain": text_after(subscriber.c.email, "@")} if by_domain else {}),
        "language": subscriber.c.language,
        "profile": preference.c.profile,
        **_received(audiences, now),
    }
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
