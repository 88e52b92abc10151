"""Settings of newsletters and of their editions: schedule, content, languages, missing translations.

An edition's table overrides keys for one language (`Newsletter.in_language`); `digest_edition` derives a digest from
the result. Schedules are validated here and expanded in `publisher.recurrence`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from publisher import recurrence
from publisher.config import choices, values
from publisher.config.choices import DigestCadence, MissingPolicy
from publisher.languages import sources_of

_YEARS = range(1970, 3000)  # years that occurrences can be computed for, in every time zone

# Other folders beside the newsletters' in each language's folder of the web root.
_RESERVED_NAMES = frozenset(
    "feeds stories subscribe confirm unsubscribe preferences address data archive sections topics "  # noqa: SIM905  # one a line would fill the page
    "authors search".split()
)

DigestBlocks = Annotated[tuple[choices.DigestBlock, ...], BeforeValidator(values.require_list)]
DigestCadences = Annotated[tuple[DigestCadence, ...], BeforeValidator(values.require_list)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

# More articles make no mail that anybody reads, and no mail that clients show whole.
MOST_ARTICLES = 100

# A week. The next issue is due before that, or subscribers have forgotten the newsletter.
_LONGEST_WAIT = 168
_LONGEST_LEAD = 720  # a month: what is selected so early is no news when it is sent
_LONGEST_UNDO = 1440  # a day: whoever wants longer holds the issue


class EditionSettings(values.ConfigTable):
    """The keys of a newsletter that an edition may override."""

    title: values.LocalisedTitle | None = None
    description: values.LocalisedText | None = None
    schedule: str | None = None
    lead: int | None = Field(default=None, ge=0, le=_LONGEST_LEAD)  # hours
    approval: choices.ApprovalPolicy | None = None
    unapproved: choices.UnapprovedPolicy | None = None
    undo: int | None = Field(default=None, ge=0, le=_LONGEST_UNDO)  # minutes
    at: values.TimeOfDay | None = None
    timezone: values.TimeZoneName | None = None
    start: date | None = None
    skip_dates: tuple[date, ...] | None = None
    max_articles: int | None = Field(default=None, ge=1, le=MOST_ARTICLES)
    min_articles: int | None = Field(default=None, ge=1, le=MOST_ARTICLES)
    max_age: int | None = Field(default=None, ge=1, le=36500)  # days
    late: choices.LatePolicy | None = None
    max_lateness: int | None = Field(default=None, ge=1, le=8760)  # hours
    missing: MissingPolicy | None = None
    fallback: values.LanguageTags | None = None
    wait_for_translations: int | None = Field(default=None, ge=0, le=_LONGEST_WAIT)  # hours
    content: choices.Content | None = None
    pictures: choices.DigestPictures | None = None
    blocks: DigestBlocks | None = None
    in_doubt: choices.InDoubtPolicy | None = None
    give_up_after: int | None = Field(default=None, ge=1, le=720)  # hours
    local_time: bool | None = None
    only: Annotated[tuple[str, ...], BeforeValidator(values.require_list)] | None = None

    def schedule_of(self, below: EditionSettings | None = None) -> recurrence.Schedule | None:
        """Return the schedule, with the values of `below` as defaults."""
        text = self.schedule or (below.schedule if below else None)
        at = self.at or (below.at if below and not self.schedule else None)
        start = self.start or (below.start if below else None)
        return recurrence.parse_schedule(text, at=at, start=start) if text else None


# UTC+14, where each date begins first. The sign is that of POSIX: hours west of Greenwich.
_EARLIEST_ZONE = ZoneInfo("Etc/GMT-14")

# With approvals: a working day to read an issue, and to change it.
_DEFAULT_LEAD = timedelta(hours=24)
_HOURS = ("lead", "max_lateness", "wait_for_translations", "give_up_after")
_UNITS = dict.fromkeys(_HOURS, "hours") | {"undo": "minutes", "max_age": "days"}
_UNDO_NOW = timedelta(minutes=5)  # enough to see one's own mistake


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A newsletter, or a digest of it, in one language, with all settings resolved.

    `newsletter` is the name or the digest's key. With `local_time`, an issue is due when its date begins in the
    earliest zone. An issue is selected and assembled `lead` before it is due.
    """

    newsletter: str
    language: str
    title: values.Localised
    schedule: recurrence.Schedule
    timezone: str
    max_lateness: timedelta
    description: values.Localised  # one sentence, on pages and in mails about a subscription
    skip_dates: frozenset[date] = frozenset()
    max_articles: int = 12
    # With fewer new articles an occurrence is skipped; they wait for the next one.
    min_articles: int = 1
    max_age: timedelta = timedelta(days=60)
    late: choices.LatePolicy = choices.LatePolicy.SEND
    missing: MissingPolicy = MissingPolicy.SKIP
    fallback: tuple[str, ...] = ()
    content: choices.Content = choices.Content.SUMMARY
    pictures: choices.DigestPictures = choices.DigestPictures.ALL
    blocks: frozenset[choices.DigestBlock] = frozenset()
    in_doubt: choices.InDoubtPolicy = choices.InDoubtPolicy.HOLD
    # Longer than greylisting and most outages of mail servers.
    give_up_after: timedelta = timedelta(days=2)
    local_time: bool = False
    wait_for_translations: timedelta = timedelta()
    lead: timedelta = timedelta()
    approval: choices.ApprovalPolicy = choices.ApprovalPolicy.NONE
    unapproved: choices.UnapprovedPolicy = choices.UnapprovedPolicy.HOLD
    # Between the last approval and the first mail, and between "send now" and the first mail.
    undo: timedelta = timedelta()
    undo_now: timedelta = _UNDO_NOW
    # Conditions of `subscribers.audiences.limit_clause`, all of which limit who gets it.
    only: tuple[str, ...] = ()
    cadence: DigestCadence | None = None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def zone_of_dates(self) -> ZoneInfo:
        return _EARLIEST_ZONE if self.local_time else self.zone

    def occurrences(self, after: datetime, until: datetime) -> Iterator[recurrence.Occurrence]:
        schedule = replace(self.schedule, at=self._hour)
        return recurrence.occurrences(schedule, self.zone_of_dates, after, until)

    def occurrence_on(self, day: date) -> recurrence.Occurrence | None:
        # At the ends of the calendar, an hour of another zone is on no day that there is.
        if day.year not in _YEARS or next(self.schedule.dates(day), None) != day:
            return None
        return recurrence.at_local_time(day, self._hour, self.zone_of_dates)

    @property
    def _hour(self) -> time:
        return time() if self.local_time else self.schedule.at

    def instant_of(self, day: date, due_at: datetime) -> datetime:
        """Return the instant of an occurrence's date and time, from which lateness counts."""
        if not self.local_time:
            return due_at
        return recurrence.at_local_time(day, self.schedule.at, self.zone).due_at


# A daily digest is stale by the evening; a weekly one is still useful after a weekend.
_MAX_LATENESS_DAILY = timedelta(hours=12)
_MAX_LATENESS_WEEKLY = timedelta(days=3)
# In 31 days, two weekdays occur at most 10 times, and three at least 12 times.
_MONTHLY_DATES_OF_TWICE_A_WEEK = 10


class Newsletter(EditionSettings):
    """The tables [[newsletter]]."""

    name: values.UrlName
    # Names that it had: subscriptions, issues and addresses of these are its own.
    formerly: Annotated[tuple[values.UrlName, ...], BeforeValidator(values.require_list)] = ()
    title: values.LocalisedTitle
    schedule: str
    languages: values.LanguageTags | None = Field(default=None, min_length=1)
    digests: DigestCadences | None = None
    digest_weekday: Weekday = "monday"
    # Whether announcements to all who get it are in lists of issues and in feeds, unless their author decides.
    list_announcements: bool = True
    edition: Annotated[
        dict[values.LanguageTag, EditionSettings], BeforeValidator(values.check_distinct_tags)
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_possible(self) -> Newsletter:
        if self.name in _RESERVED_NAMES:
            problem = f"{self.name!r} is a folder of the web root already; choose another name"
            raise values.wrong("name", problem)
        _check_schedule(self, None, "schedule")
        for tag, terms in self.edition.items():
            _check_schedule(terms, self, f"edition.{tag}.schedule")
        return self

    def in_language(self, language: str, timezone: str) -> Edition:
        terms = self.edition.get(language, EditionSettings())
        schedule = terms.schedule_of(self)
        assert schedule is not None  # noqa: S101  # a newsletter always has one
        stated = _stated_terms(self) | _stated_terms(terms)
        usual: dict[str, Any] = {"timezone": timezone, "description": values.NO_TEXT}
        usual["max_lateness"] = default_max_lateness(schedule)
        if stated.get("approval", choices.ApprovalPolicy.NONE).needed:
            usual["lead"] = _DEFAULT_LEAD
        if "undo" in stated:
            usual["undo_now"] = stated["undo"]
        return Edition(
            newsletter=self.name, language=language, schedule=schedule, **(usual | stated)
        )

    @property
    def offered_digests(self) -> tuple[DigestCadence, ...]:
        """The cadences that subscribers can choose: by default, those slower than the schedule."""
        if self.digests is not None:
            return self.digests
        schedule = self.schedule_of()
        assert schedule is not None  # noqa: S101  # a newsletter always has one
        most = schedule.days_a_month()
        return tuple(cadence for cadence in DigestCadence if cadence.dates_a_month < most)

    def digest_edition(self, edition: Edition, cadence: DigestCadence) -> Edition:
        """Return the edition of a digest. An article that an issue could carry is not too old for the digest of that time."""
        terms = self.edition.get(edition.language, EditionSettings())
        old = edition.schedule
        schedule = recurrence.parse_schedule(
            cadence.rule(old.at, self.digest_weekday), start=old.start
        )
        is_set = terms.max_lateness or self.max_lateness
        return replace(
            edition,
            newsletter=str(choices.DigestKey(self.name, cadence)),
            cadence=cadence,
            schedule=schedule,
            local_time=True,
            max_lateness=edition.max_lateness if is_set else default_max_lateness(schedule),
            max_age=edition.max_age + cadence.period,
            max_articles=min(2 * edition.max_articles, MOST_ARTICLES),
        )


def _stated_terms(table: EditionSettings) -> dict[str, Any]:
    """Return what a table says of editions, but for the schedule, in the types of `Edition`."""
    names = EditionSettings.model_fields.keys() - {"schedule", "at", "start"}
    stated = {name: getattr(table, name) for name in names}
    stated = {name: value for name, value in stated.items() if value is not None}
    for name in stated.keys() & _UNITS.keys():
        stated[name] = timedelta(**{_UNITS[name]: stated[name]})
    for name in stated.keys() & {"skip_dates", "blocks"}:
        stated[name] = frozenset(stated[name])
    return stated


def _check_schedule(terms: EditionSettings, below: EditionSettings | None, key: str) -> None:
    try:
        terms.schedule_of(below)
    except ValueError as error:
        raise values.wrong(key, str(error)) from None


def default_max_lateness(schedule: recurrence.Schedule) -> timedelta:
    often = schedule.days_a_month() > _MONTHLY_DATES_OF_TWICE_A_WEEK
    return _MAX_LATENESS_DAILY if often else _MAX_LATENESS_WEEKLY


def language_problems(
    newsletter: Newsletter, languages: Sequence[str]
) -> Iterator[values.SettingProblem]:
    yield from _unknown_languages(newsletter, languages)
    served = newsletter.languages or languages
    for tag, terms in newsletter.edition.items():
        key = f"edition.{tag}"
        if tag not in served:
            remedy = f"add it to the newsletter's languages, or remove {key}"
            yield values.SettingProblem(key, f"the newsletter has no edition in {tag}", remedy)
        if terms.missing == MissingPolicy.CONVERT and not sources_of(tag):
            remedy = "use skip or fallback; only Chinese is converted, between its scripts"
            yield values.SettingProblem(
                f"{key}.missing", f"nothing can be converted into {tag}", remedy
            )
        yield from _no_fallback(f"{key}.", terms, newsletter)
    yield from _no_fallback("", newsletter, newsletter)


def _unknown_languages(
    newsletter: Newsletter, languages: Sequence[str]
) -> Iterator[values.SettingProblem]:
    named = {
        "languages": newsletter.languages or (),
        "edition": tuple(newsletter.edition),
        "fallback": newsletter.fallback or (),
    }
    named |= {f"edition.{t}.fallback": e.fallback or () for t, e in newsletter.edition.items()}
    for key, tags in named.items():
        for tag in tags:
            if tag not in languages:
                yield values.SettingProblem(
                    key,
                    f"{tag} is not one of the publication's languages",
                    f"write one of {', '.join(languages)}, or add it to publication.languages",
                )


def _no_fallback(
    key: str, terms: EditionSettings, newsletter: Newsletter
) -> Iterator[values.SettingProblem]:
    if terms.missing == MissingPolicy.FALLBACK and not (terms.fallback or newsletter.fallback):
        yield values.SettingProblem(
            f"{key}missing",
            "falls back, but to which language",
            'add fallback = ["en"], the best language first',
        )
