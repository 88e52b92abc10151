"""What subscribers choose by themselves: read it with what is offered, check it, store it. The caller has read their link."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from types import MappingProxyType
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection

from publisher.app.articles import frequent_labels
from publisher.config import Newsletter, Settings
from publisher.errors import PublisherError
from publisher.issues.subscriber_selection import owe_former_edition
from publisher.recurrence import at_local_time
from subscribers import consent_records
from subscribers.addresses import mask_address
from subscribers.changes import choose_newsletters
from subscribers.errors import BadCellError
from subscribers.fields import merge_fields
from subscribers.model import FieldType, JoinWish, Subscriber, SubscriberStatus
from subscribers.preferences import (
    Cadence,
    Preferences,
    TextLength,
    load_preferences,
    pause_subscriber,
    resume_subscriber,
    store_fields,
    store_preferences,
)
from subscribers.store import load_subscriber

# Topics and authors that are offered: more are no help to choose from.
_LABELS_OFFERED = 40
_HOURS = range(24)
# The periods of a pause that are offered.
PAUSE_PERIODS = {
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "quarter": timedelta(days=91),
}
_LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class NewsletterChoice:
    """A newsletter that is offered, and what the subscriber has of it (None: never subscribed)."""

    newsletter: Newsletter
    status: SubscriberStatus | None
    cadence: Cadence

    @property
    def cadences(self) -> tuple[Cadence, ...]:
        """The cadences to choose from: each issue, the digests that are offered, and her own."""
        offered = {Cadence.ISSUE, self.cadence, *map(Cadence, self.newsletter.offered_digests)}
        return tuple(one for one in Cadence if one in offered)

    @property
    def is_wanted(self) -> bool:
        return self.status in {SubscriberStatus.ACTIVE, SubscriberStatus.PENDING}


@dataclass(frozen=True, slots=True)
class PreferenceChoices:
    """What a subscriber chose, and may choose from: `chosen_languages` are the best first, `topics` and `authors` the most frequent first."""

    subscriber: Subscriber
    preferences: Preferences
    newsletters: tuple[NewsletterChoice, ...]
    languages: tuple[str, ...]
    chosen_languages: tuple[str, ...]
    topics: tuple[str, ...]
    authors: tuple[str, ...]
    is_paused: bool

    def zone(self, settings: Settings) -> ZoneInfo:
        return _zone(settings, self.preferences)

    @property
    def masked_address(self) -> str:
        """The address, as much of it as whoever got a forwarded mail may see."""
        return mask_address(self.subscriber.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredPreferences:
    """What was entered, as text. Empty texts leave the choice to the newsletter."""

    languages: tuple[str, ...]
    newsletters: tuple[str, ...] = ()
    cadences: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    topics: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    hour: str = ""
    timezone: str = ""
    length: str = ""
    machine_translations: bool = True
    # Of the publication's own fields that she may change: by name, what the form has of each.
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class PreferenceError(PublisherError):
    """Values that are not offered; `fields` names what holds one, in the order of the form."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"not offered: {', '.join(fields)}")
        self.fields = tuple(fields)


def read_choices(
    connection: Connection, settings: Settings, person: Subscriber, now: datetime
) -> PreferenceChoices:
    chosen = load_preferences(connection, person.id)
    served = dict.fromkeys(map(settings.publication.serves, chosen.languages))
    languages = tuple(one for one in served if one)
    topics, authors = frequent_labels(connection, languages, now)
    tag = (*languages, settings.publication.default_language)[0]
    name_in = partial(settings.publication.people.name_in, tag)
    chosen = replace(chosen, authors=tuple(dict.fromkeys(map(name_in, chosen.authors))))
    until = chosen.paused_until
    return PreferenceChoices(
        subscriber=person,
        preferences=chosen,
        newsletters=tuple(
            NewsletterChoice(
                one,
                person.subscriptions.get(one.name),
                chosen.cadences.get(one.name, Cadence.ISSUE),
            )
            for one in settings.newsletters
        ),
        languages=settings.publication.languages,
        chosen_languages=languages,
        topics=_offered(topics, chosen.topics),
        authors=_offered([*dict.fromkeys(map(name_in, authors))], chosen.authors),
        is_paused=until is not None and until > now,
    )


def save_choices(
    connection: Connection,
    settings: Settings,
    subscriber_id: int,
    entered: EnteredPreferences,
    now: datetime,
    origin: consent_records.ConsentOrigin | None = None,
) -> frozenset[str]:
    """Store what a subscriber on record entered. A newsletter is confirmed consent: the link came to the subscriber's own mailbox."""
    person = load_subscriber(connection, subscriber_id)
    assert person is not None  # noqa: S101  # on record
    choices = read_choices(connection, settings, person, now)
    chosen = _checked(connection, settings, choices, entered, now)
    fields = _entered_fields(settings, person, entered)
    wanted = {
        one.newsletter.name: one.newsletter.name in entered.newsletters
        for one in choices.newsletters
    }
    changed = set()
    if fields != person.fields:
        store_fields(connection, person.id, fields, now)
        changed.add("fields")
    if choose_newsletters(connection, person.id, wanted, now):
        changed.add("newsletters")
        _record_consent(connection, choices, wanted, origin, now)
    if chosen != choices.preferences:
        store_preferences(connection, person.id, chosen, now)
        change = (choices.preferences, chosen)
        owe_former_edition(connection, settings, person.id, change, now)
        stored = load_preferences(connection, person.id)
        names = Preferences.__dataclass_fields__
        old = choices.preferences
        changed |= {one for one in names if getattr(stored, one) != getattr(old, one)}
    return frozenset(changed)


def _entered_fields(
    settings: Settings, person: Subscriber, entered: EnteredPreferences
) -> dict[str, str]:
    """Return all fields of a subscriber as they are after what was entered; raise PreferenceError."""
    read, wrong = dict[str, str](), []
    for one in settings.subscribers.field:
        text = entered.fields.get(one.name)
        if not one.editable or text is None:
            continue
        # A check box that is empty says no only to a former yes.
        if one.type is FieldType.YES_NO and not text:
            text = "no" if person.fields.get(one.name) else ""
        try:
            read[one.name] = one.value_type.read(text)
        except BadCellError:
            wrong.append(f"field-{one.name}")
    if wrong:
        raise PreferenceError(wrong)
    return merge_fields(person.fields, read)


def switch_language(
    connection: Connection, settings: Settings, subscriber_id: int, language: str, now: datetime
) -> bool:
    """Put a language first, for good. Return whether anything changed. Raise PreferenceError."""
    tag = settings.publication.subscriber_tag(language)
    if tag is None:
        raise PreferenceError(["language"])
    old = load_preferences(connection, subscriber_id)
    if settings.publication.serves(old.languages[0]) == settings.publication.serves(tag):
        return False
    others = [
        one
        for one in old.languages
        if settings.publication.serves(one) != settings.publication.serves(tag)
    ]
    chosen = replace(old, languages=(tag, *others))
    store_preferences(connection, subscriber_id, chosen, now)
    owe_former_edition(connection, settings, subscriber_id, (old, chosen), now)
    return True


def pause_end(
    connection: Connection,
    settings: Settings,
    subscriber_id: int,
    period: str,
    day: str,
    now: datetime,
) -> datetime:
    """Return when a pause ends: after a `period`, or at the beginning of a `day` (YYYY-MM-DD) of the subscriber, within a year."""
    zone = _zone(settings, load_preferences(connection, subscriber_id))
    today = now.astimezone(zone).date()
    if period in PAUSE_PERIODS:
        end = today + PAUSE_PERIODS[period]
    else:
        try:
            end = date.fromisoformat(day)
        except ValueError:
            raise PreferenceError(["until"]) from None
    if period not in {*PAUSE_PERIODS, "day"} or not today < end <= today + _LONGEST_PAUSE:
        raise PreferenceError(["until"])
    return at_local_time(end, time(), zone).due_at


def pause_mails(
    connection: Connection, subscriber_id: int, until: datetime, now: datetime
) -> None:
    if until <= now:
        raise PreferenceError(["until"])
    pause_subscriber(connection, subscriber_id, until, now)


def resume_mails(connection: Connection, subscriber_id: int, now: datetime) -> None:
    resume_subscriber(connection, subscriber_id, now)


def _record_consent(
    connection: Connection,
    choices: PreferenceChoices,
    wanted: Mapping[str, bool],
    origin: consent_records.ConsentOrigin | None,
    now: datetime,
) -> None:
    had = choices.subscriber.newsletters
    started = tuple(name for name, on in wanted.items() if on and name not in had)
    if started:
        wish = JoinWish(started, choices.preferences.languages[0])
        origin = origin or consent_records.ConsentOrigin(
            source=consent_records.ConsentChannel.LINK
        )
        event = consent_records.ConsentEvent.CONFIRMED
        consent_records.append_consent_record(
            connection, choices.subscriber.id, event, wish, origin, now
        )


def _offered(frequent: Sequence[str], chosen: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*frequent[:_LABELS_OFFERED], *chosen)))


def _checked(
    connection: Connection,
    settings: Settings,
    choices: PreferenceChoices,
    entered: EnteredPreferences,
    now: datetime,
) -> Preferences:
    # Also what was offered when the form was made, in languages that are chosen only now.
    topics, authors = frequent_labels(connection, choices.languages, now)
    names = {one.newsletter.name for one in choices.newsletters}
    offered: dict[str, tuple[Collection[str], Collection[str]]] = {
        "languages": (entered.languages or [""], choices.languages),
        "newsletters": (entered.newsletters, names),
        "topics": (entered.topics, {*topics, *choices.topics}),
        "authors": (entered.authors, {*authors, *choices.authors}),
        "hour": ([entered.hour], {"", *map(str, _HOURS)}),
        "timezone": ([entered.timezone], {"", *_zone_names()}),
        "length": ([entered.length], {"", *TextLength}),
    }
    wrong = [key for key, (given, known) in offered.items() if not set(given) <= set(known)]
    cadences = {one.newsletter.name: one.cadences for one in choices.newsletters}
    if any(value not in cadences.get(name, ()) for name, value in entered.cadences.items()):
        wrong.append("cadences")
    if wrong:
        raise PreferenceError(wrong)
    return _preferences(settings, choices, entered)


def _preferences(
    settings: Settings, choices: PreferenceChoices, entered: EnteredPreferences
) -> Preferences:
    old = choices.preferences
    # A tag such as en-GB stays if its language is chosen again.
    own = {settings.publication.serves(tag): tag for tag in reversed(old.languages)}
    retired = {
        name: cadence
        for name, cadence in old.cadences.items()
        if settings.newsletter(name) is None
    }
    entered_cadences = {
        name: Cadence(value)
        for name, value in entered.cadences.items()
        if name in entered.newsletters and value != Cadence.ISSUE
    }
    return replace(
        old,
        languages=tuple(dict.fromkeys(own.get(one, one) for one in entered.languages)),
        timezone=entered.timezone or None,
        length=TextLength(entered.length) if entered.length else None,
        machine_translations=entered.machine_translations,
        topics=tuple(dict.fromkeys(entered.topics)),
        authors=tuple(dict.fromkeys(entered.authors)),
        hour=int(entered.hour) if entered.hour else None,
        cadences=MappingProxyType(dict(sorted((retired | entered_cadences).items()))),
    )


def _zone(settings: Settings, chosen: Preferences) -> ZoneInfo:
    return ZoneInfo(chosen.timezone) if chosen.timezone else settings.zone()


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())
