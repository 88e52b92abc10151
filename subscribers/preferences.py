"""What a subscriber chose: languages in order, cadence, topics, hour, pause. Values, and their rows.

A subscriber without a row in `preference` has the defaults, so most of a large list has none. The
first language is `subscriber.language`, the time zone `subscriber.timezone`, and each cadence
stands at its subscription. The transaction belongs to the caller.

A profile is what of a subscriber's preferences changes the content of an issue. It is stored as
text at the preferences, so that SQL can group subscribers by it. Equal profiles are equal texts.
The first language is not in it: it stands at the subscriber.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Update, bindparam, delete, insert, select, update

from subscribers.tables import preference, subscriber, subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a subscriber wants of each issue.

    `more_languages` are BCP 47 tags after the subscriber's own, best first. `length` is "summary",
    "full", or None for the newsletter's. `topics` and `authors` are those that are wanted; if both are
    empty, all are. Their order means nothing.
    """

    more_languages: tuple[str, ...] = ()
    length: str | None = None
    machine_translations: bool = True
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


def profile_text(profile: Profile) -> str | None:
    """Return a profile as it is stored; None for one that changes nothing."""
    values = {
        "languages": list(profile.more_languages),
        "length": profile.length,
        "no_machine_translations": not profile.machine_translations,
        "topics": sorted(set(profile.topics)),
        "authors": sorted(set(profile.authors)),
    }
    chosen = {key: value for key, value in values.items() if value}
    return json.dumps(chosen, ensure_ascii=False, sort_keys=True) if chosen else None


def profile_from_text(text: str | None) -> Profile:
    values: dict[str, Any] = json.loads(text) if text else {}

    def texts(key: str) -> tuple[str, ...]:
        listed: Sequence[str] = values.get(key, ())
        return tuple(listed)

    return Profile(
        more_languages=texts("languages"),
        length=values.get("length"),
        machine_translations=not values.get("no_machine_translations"),
        topics=texts("topics"),
        authors=texts("authors"),
    )


class Cadence(StrEnum):
    """How often a subscriber gets a newsletter: each issue, or a digest of a day, week or month."""

    ISSUE = "issue"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class TextLength(StrEnum):
    """How much of each article a subscriber's mails contain."""

    SUMMARY = "summary"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a subscriber chose.

    `languages` are BCP 47 tags, best first, at least one. `length` None leaves it to the newsletter. `topics` and
    `authors` are those that the subscriber wants; empty means all. `hour` is 0 to 23 in the time zone, None leaves it
    to the newsletter. While `paused_until` is in the future, no issue is sent; `paused_at` is when the pause began.
    `cadences` has the newsletters whose cadence is not `Cadence.ISSUE`.
    """

    languages: tuple[str, ...]
    timezone: str | None = None
    length: TextLength | None = None
    machine_translations: bool = True
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    hour: int | None = None
    paused_at: datetime | None = None
    paused_until: datetime | None = None
    cadences: Mapping[str, Cadence] = field(default_factory=lambda: MappingProxyType({}))


# The fields that stand in a row of `preference` under their own names.
_STORED = (
    *("length", "machine_translations", "topics", "authors", "hour"),
    *("paused_at", "paused_until"),
)
# A row for each subscription with a cadence, one without any.
_OWN = (
    select(
        *subscriber.c["language", "timezone"],
        *(one for one in preference.c if one.name != "profile"),
        *subscription.c["newsletter", "cadence"],
    )
    .select_from(
        subscriber.outerjoin(preference).outerjoin(
            subscription,
            (subscription.c.subscriber_id == subscriber.c.id)
            & subscription.c.cadence.is_not(None),
        )
    )
    .where(subscriber.c.id == bindparam("number"))
    .order_by(subscription.c.newsletter)
)
_FEED_GENERATION = select(subscriber.c.feed_generation).where(
    subscriber.c.id == bindparam("number")
)


def load_preferences(connection: Connection, subscriber_id: int) -> Preferences:
    rows = connection.execute(_OWN, {"number": subscriber_id}).all()
    row = rows[0]
    cadences = {one.newsletter: Cadence(one.cadence) for one in rows if one.cadence}
    chosen: dict[str, Any] = {
        "languages": (row.language, *(row.more_languages or ())),
        "timezone": row.timezone,
        "cadences": MappingProxyType(cadences),
    }
    if row.subscriber_id is not None:
        chosen |= {name: getattr(row, name) for name in _STORED} | {
            "length": TextLength(row.length) if row.length else None,
            "topics": tuple(row.topics),
            "authors": tuple(row.authors),
        }
    return Preferences(**chosen)


def store_preferences(
    connection: Connection, subscriber_id: int, chosen: Preferences, now: datetime
) -> None:
    """Store what a subscriber on record chose. Cadences of newsletters without subscription are dropped."""
    first, *others = chosen.languages
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == subscriber_id)
        .values(language=first, timezone=chosen.timezone, updated_at=now)
    )
    connection.execute(delete(preference).where(preference.c.subscriber_id == subscriber_id))
    values = {name: getattr(chosen, name) for name in _STORED}
    values |= {"more_languages": others, "profile": profile_text(profile_of(chosen))}
    if values != _DEFAULTS:
        connection.execute(insert(preference).values(values | {"subscriber_id": subscriber_id}))
    _store_cadences(connection, subscriber_id, chosen.cadences, now)


def store_fields(
    connection: Connection, subscriber_id: int, fields: Mapping[str, str], now: datetime
) -> None:
    """Store all values of the publication's own fields that a subscriber on record has."""
    row = update(subscriber).where(subscriber.c.id == subscriber_id)
    connection.execute(row.values(fields=dict(fields) or None, updated_at=now))


def profile_of(chosen: Preferences) -> Profile:
    """Return what of a subscriber's preferences changes the content of issues."""
    # The other fields have the same names in both.
    names = Profile.__dataclass_fields__.keys() - {"more_languages"}
    values = {name: getattr(chosen, name) for name in names}
    return Profile(more_languages=chosen.languages[1:], **values)


# A pause that begins so soon after another continues it. Until a monthly newsletter has come, the
# stories missed in the first one are still owed; those that came meanwhile are not sent again.
_SAME_PAUSE = timedelta(days=31)


def load_feed_generation(connection: Connection, subscriber_id: int) -> int:
    return int(connection.execute(_FEED_GENERATION, {"number": subscriber_id}).scalar_one())


def renew_feed_generation(connection: Connection, subscriber_id: int, now: datetime) -> None:
    """End the address of a subscriber's own feed, and let another begin."""
    connection.execute(
        update(subscriber)
        .where(subscriber.c.id == subscriber_id)
        .values(feed_generation=subscriber.c.feed_generation + 1, updated_at=now)
    )


def pause_subscriber(
    connection: Connection, subscriber_id: int, until: datetime, now: datetime
) -> None:
    """Send a subscriber on record no issue until an instant. A pause that lasts is prolonged."""
    old = connection.execute(
        select(preference.c.paused_at, preference.c.paused_until).where(
            preference.c.subscriber_id == subscriber_id
        )
    ).one_or_none()
    continues = old and old.paused_at and now - old.paused_until < _SAME_PAUSE
    values = {"paused_at": old.paused_at if old and continues else now, "paused_until": until}
    if old:
        connection.execute(_of(subscriber_id).values(values))
    else:
        connection.execute(
            insert(preference).values(_DEFAULTS | values | {"subscriber_id": subscriber_id})
        )


def resume_subscriber(connection: Connection, subscriber_id: int, now: datetime) -> None:
    """End a subscriber's pause now. Without one, change nothing."""
    lasts = preference.c.paused_until > now
    connection.execute(_of(subscriber_id).where(lasts).values(paused_until=now))


def _of(subscriber_id: int) -> Update:
    return update(preference).where(preference.c.subscriber_id == subscriber_id)


_DEFAULTS: dict[str, Any] = {
    **{name: getattr(Preferences(languages=("",)), name) for name in _STORED},
    "more_languages": [],
    "profile": None,
}


def _store_cadences(
    connection: Connection, subscriber_id: int, cadences: Mapping[str, Cadence], now: datetime
) -> None:
    of_subscriber = subscription.c.subscriber_id == subscriber_id
    rows = connection.execute(
        select(subscription.c.newsletter, subscription.c.cadence).where(of_subscriber)
    )
    for newsletter, before in rows.all():
        chosen = cadences.get(newsletter, Cadence.ISSUE)
        cadence = None if chosen is Cadence.ISSUE else chosen
        if cadence != before:
            connection.execute(
                update(subscription)
                .where(of_subscriber, subscription.c.newsletter == newsletter)
                .values(cadence=cadence, cadence_at=now)
            )
