"""Settings of a publication: its name, languages, sources, feeds, folders, daily backup, and people.

A table of people.toml is a person; its name is the last part of the address of the author's feeds. Spellings are
compared without regard to capitals.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pydantic

from publisher.config import values
from publisher.config.choices import DigestKey, PodcastCategory
from publisher.config.delivery import DeliverySettings, MailboxSettings, resolve_file
from publisher.config.design import DesignSettings
from publisher.config.newsletters import Edition, Newsletter
from publisher.config.sources import AnySource, FolderSourceSettings, SourceSettings
from publisher.config.web import (
    BucketSettings,
    ConsoleSettings,
    FeedbackSettings,
    FieldSettings,
    JoiningSettings,
    SubscriberSettings,
    WebhookSettings,
    WebSettings,
    is_loopback_name,
)
from publisher.languages import known_tag, match


class Person(values.ConfigTable):
    """One table of people.toml. `url` is a page of the person's own."""

    name: values.LocalisedTitle
    aliases: Annotated[
        tuple[str, ...],
        pydantic.AfterValidator(values.require_lines),
        pydantic.BeforeValidator(values.require_list),
    ] = ()
    affiliation: values.LocalisedTitle = values.Localised({"": ""})
    url: values.WebAddress | None = None
    languages: values.LanguageTags = ()


# Characters of a key: longer ones are no part of an address (`publisher.urls.story_slug`).
PersonKey = Annotated[values.UrlName, pydantic.Field(max_length=80)]
people_tables = pydantic.TypeAdapter(dict[PersonKey, Person])


@dataclass(frozen=True)
class People:
    """The known people, by their keys."""

    persons: Mapping[str, Person] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.persons)

    def key_of(self, name: str) -> str | None:
        return self._keys.get(_folded(name)) if self.persons else None

    def name_in(self, language: str, name: str) -> str:
        """Return the name in a language of the person whom a byline names, else the byline's name."""
        key = self.key_of(name)
        return (self.persons[key].name.matching(language) if key else None) or name

    def spellings(self, name: str) -> frozenset[str]:
        key = self.key_of(name)
        return frozenset(_spellings(key, self.persons[key]) if key else [_folded(name)])

    def shared_spelling(self) -> tuple[str, str, str] | None:
        first: dict[str, str] = {}
        for key, person in self.persons.items():
            for spelling in _spellings(key, person):
                if first.setdefault(spelling, key) != key:
                    return first[spelling], key, spelling
        return None

    @cached_property
    def _keys(self) -> Mapping[str, str]:
        return {
            one: key for key, person in self.persons.items() for one in _spellings(key, person)
        }


def _spellings(key: str, person: Person) -> Iterator[str]:
    yield from map(_folded, (key, *person.name, *person.aliases))


def _folded(name: str) -> str:
    from feeds.normalisation import label  # commands without people.toml need no feeds

    return label(name).casefold()


class BackupSettings(values.ConfigTable):
    """The table [backup]. `at` is in the publication's time zone; `keep` is a number of backups."""

    folder: str = pydantic.Field(min_length=1)
    at: values.TimeOfDay = time(3)
    keep: int = pydantic.Field(default=7, ge=1, le=1000)

    def path(self, root: Path) -> Path:
        return resolve_file(root, self.folder)


# What `publisher new` writes, or wrote, where only the owner knows the value.
_EXAMPLE = re.compile(r"(^|of )My publication$|^1 Example Street")
# Names of hosts that nobody has (RFC 2606).
_EXAMPLE_HOST = re.compile(
    r"[@.](example\.(com|net|org)|([^@]+\.)?(example|test|invalid|localhost))\.?$",
    re.IGNORECASE,
)


def is_example_host(place: str) -> bool:
    """Return whether an address of mail, or a host behind a dot, is one that nobody has."""
    return bool(_EXAMPLE_HOST.search(place))


def _not_from_this_table(_value: object) -> None:
    raise ValueError("people have a file of their own; write them into people.toml")


def _present_names(renamed: dict[str, str]) -> dict[str, str]:
    values.require_lines([*renamed, *renamed.values()])
    folded = {name.casefold() for name in renamed}
    if chained := next((name for name in renamed.values() if name.casefold() in folded), None):
        raise ValueError(
            f"{chained!r} is a former name itself; write the present name of each topic"
        )
    return renamed


class Publication(values.ConfigTable):
    """The table [publication], and the people of people.toml."""

    title: values.LocalisedTitle
    description: values.LocalisedText = values.NO_TEXT
    url: values.WebRoot
    languages: values.LanguageTags = pydantic.Field(min_length=1)
    timezone: values.TimeZoneName = "UTC"
    # The address of a database on a server, without a password, instead of the file in var/.
    database: values.DatabaseAddress | None = None
    # What starts the turns of `publisher run`: each process for itself, or a queue in the database.
    engine: Literal["local", "procrastinate"] = "local"
    sender: values.MailboxValue
    address: values.LocalisedText
    # Year in tag: URIs (RFC 4151). Changing it changes every feed ID.
    since: int = pydantic.Field(default=2026, ge=1995, le=9999)
    # Newsletters that are not there any more. Their subscriptions stay on record.
    ended_newsletters: Annotated[
        tuple[values.UrlName, ...], pydantic.BeforeValidator(values.require_list)
    ] = ()
    # Present names of topics by those that they had: feeds of the former go on.
    renamed_topics: Annotated[dict[str, str], pydantic.AfterValidator(_present_names)] = (
        pydantic.Field(default_factory=dict)
    )
    design: DesignSettings = DesignSettings()
    people: Annotated[People, pydantic.PlainValidator(_not_from_this_table)] = pydantic.Field(
        default=People(), exclude=True
    )

    @pydantic.model_validator(mode="after")
    def _no_language_is_reserved(self) -> Publication:
        if "all" in self.languages:
            problem = "'all' names the feed of all languages here; leave it out"
            raise values.wrong("languages", problem)
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def default_language(self) -> str:
        return self.languages[0]

    def examples(self) -> dict[str, str]:
        title, address = (one(self.default_language) for one in (self.title, self.address))
        is_example = {
            "title": (title, _EXAMPLE.search(title)),
            "url": (self.url, is_example_host(f".{self.host}")),
            "sender": (str(self.sender), is_example_host(self.sender.address)),
            "address": (address, _EXAMPLE.search(address)),
        }
        return {key: value for key, (value, found) in is_example.items() if found}

    def present_topic(self, name: str) -> str:
        folded = name.casefold()
        renamed = self.renamed_topics.items()
        return next((new for old, new in renamed if old.casefold() == folded), name)

    def former_topics(self, name: str) -> frozenset[str]:
        folded = name.casefold()
        renamed = self.renamed_topics.items()
        return frozenset(old.casefold() for old, new in renamed if new.casefold() == folded)

    def topic_names(self, name: str) -> frozenset[str]:
        present = self.present_topic(name)
        return self.former_topics(present) | {present}

    def sender_in(self, language: str) -> values.Mailbox:
        """Return the sender of mails in a language: a sender without a name has the title there."""
        return self.sender._replace(name=self.sender.name or self.title(language))

    def serves(self, tag: str) -> str | None:
        return match(tag, self.languages)

    def subscriber_tag(self, tag: str) -> str | None:
        canonical = known_tag(tag)
        return canonical if canonical and self.serves(canonical) else None


class PodcastSettings(values.ConfigTable):
    """The table [feeds.podcast]: what podcast directories require."""

    category: PodcastCategory = "News"
    explicit: bool = False
    image: values.WebAddress | None = None
    owner: values.MailboxValue | None = None


class FeedSettings(values.ConfigTable):
    """The table [feeds]."""

    # Maximum of the subscription document; older entries are in archive documents.
    entries: int = pydantic.Field(default=20, ge=1, le=1000)
    max_bytes: int = pydantic.Field(default=500_000, ge=10_000)
    # `full` texts in the feeds of languages, in their archives, too, or everywhere, or no texts.
    content: Literal["full", "archives", "everywhere", "summary"] = "full"
    # Minutes that a feed may be cached: <ttl> and Cache-Control.
    ttl: int = pydantic.Field(default=15, ge=1, le=10_080)
    hubs: tuple[values.WebAddress, ...] = ()
    # Whether the feeds of languages have copies in gzip and Brotli beside them.
    precompressed: bool = True
    podcast: PodcastSettings = PodcastSettings()


class SiteSettings(values.ConfigTable):
    """The table [site]."""

    # Where search engines are told of pages (IndexNow).
    indexnow: tuple[values.WebAddress, ...] = ()


class TranslationSettings(values.ConfigTable):
    """The table [translation]: a program that writes drafts of translations, and the seconds that it may take."""

    command: tuple[str, ...] = ()
    timeout: int = pydantic.Field(default=60, ge=1, le=600)


class PublicationFile(values.ConfigTable):
    """All tables of publication.toml."""

    publication: Publication
    source: tuple[AnySource, ...] = pydantic.Field(min_length=1)
    newsletter: tuple[Newsletter, ...] = ()
    delivery: DeliverySettings = DeliverySettings()
    feeds: FeedSettings = FeedSettings()
    site: SiteSettings = SiteSettings()
    web: WebSettings = WebSettings()
    console: ConsoleSettings = ConsoleSettings()
    joining: JoiningSettings = JoiningSettings()
    subscribers: SubscriberSettings = SubscriberSettings()
    mailbox: MailboxSettings | None = None
    feedback: FeedbackSettings = FeedbackSettings()
    webhooks: WebhookSettings = WebhookSettings()
    s3: BucketSettings | None = None
    backup: BackupSettings | None = None
    translation: TranslationSettings = TranslationSettings()

    @pydantic.model_validator(mode="after")
    def _no_example_is_mailed(self) -> PublicationFile:
        if self.delivery.sends_mail and not self.delivery.is_trial:
            found = {f"publication.{k}": v for k, v in self.publication.examples().items()}
            bounces = self.delivery.bounces.address if self.delivery.bounces else ""
            others = {
                "delivery.smtp.bounces": bounces,
                "mailbox.address": (self.mailbox and self.mailbox.address) or "",
            }
            found |= {key: value for key, value in others.items() if is_example_host(value)}
            for key, value in found.items():
                problem = f"{value!r} is an example; write your own before mail is sent"
                raise values.wrong(key, problem)
        return self

    @pydantic.model_validator(mode="after")
    def _console_is_apart(self) -> PublicationFile:
        name = self.console.name
        if name == self.publication.host and not is_loopback_name(name):
            problem = (
                f"{name} is the publication's host name, where subscribers' pages are; "
                "give the console one of its own, such as https://console.example.org"
            )
            raise values.wrong("console.url", problem)
        return self

    @pydantic.model_validator(mode="after")
    def _names_differ(self) -> PublicationFile:
        tables: dict[str, Sequence[Newsletter | SourceSettings | FieldSettings]] = {
            "subscribers.field": self.subscribers.field,
            "source": self.source,
            "newsletter": self.newsletter,
        }
        former = [name for one in self.newsletter for name in one.formerly]
        for key, named in tables.items():
            names = [one.name for one in named] + (former if key == "newsletter" else [])
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice:
                problem = f"two are named {twice!r}; each needs a different name"
                raise values.wrong(key, problem)
        return self

    @pydantic.model_validator(mode="after")
    def _audiences_are_possible(self) -> PublicationFile:
        names = [one.name for one in self.newsletter]
        for number, newsletter in enumerate(self.newsletter):
            for table in (newsletter, *newsletter.edition.values()):
                if problem := self.subscribers.problem_of(table.only or (), names):
                    raise values.wrong(f"newsletter[{number}].only", problem)
        return self


@dataclass(frozen=True, slots=True)
class Folders:
    """A publication's folders and files; all paths are absolute."""

    root: Path

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def senders(self) -> Path:
        return self.var / "senders"

    @property
    def var(self) -> Path:
        return self.root / "var"

    @property
    def embargoed(self) -> Path:
        """Pictures of articles whose date is to come, under the names that they get in `public`."""
        return self.var / "embargoed"

    @property
    def database(self) -> Path:
        return self.var / "publisher.db"

    @property
    def heartbeat(self) -> Path:
        return self.var / "heartbeat"

    @property
    def templates(self) -> Path:
        """The publication's own templates, which replace shipped ones."""
        return self.root / "templates"

    @property
    def reserved(self) -> tuple[Path, ...]:
        """The folders that no source may contain, or lie in."""
        return self.public, self.outbox, self.var, self.templates


_FROM_ENVIRONMENT = ("secret", "secrets", "database_address", "direct_address", "host")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a publication, and the secrets from the environment."""

    folders: Folders
    publication: Publication
    sources: tuple[SourceSettings, ...]
    newsletters: tuple[Newsletter, ...]
    delivery: DeliverySettings
    feeds: FeedSettings
    joining: JoiningSettings
    feedback: FeedbackSettings
    secret: pydantic.SecretStr | None
    # Secrets of transports from the environment, by the names of their variables.
    secrets: Mapping[str, pydantic.SecretStr] = field(default_factory=dict)
    # The address of a database on a server, with its password if it was in the environment.
    database_address: pydantic.SecretStr | None = None
    # The same without a pooler, for the programs that need a session.
    direct_address: pydantic.SecretStr | None = None
    host: str = field(default_factory=lambda: os.uname().nodename)
    site: SiteSettings = field(default_factory=SiteSettings)
    web: WebSettings = field(default_factory=WebSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    mailbox: MailboxSettings | None = None
    subscribers: SubscriberSettings = field(default_factory=SubscriberSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    s3: BucketSettings | None = None
    backup: BackupSettings | None = None
    translation: TranslationSettings = field(default_factory=TranslationSettings)
    # Editions by language, by the name of a newsletter or the key of a digest that was asked for.
    _editions: dict[str, Mapping[str, Edition]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def database(self) -> Path | str:
        if self.database_address is None:
            return self.folders.database
        return self.database_address.get_secret_value()

    @property
    def direct_database(self) -> str | None:
        """The address of the same database without a pooler, if it was given."""
        return self.direct_address.get_secret_value() if self.direct_address else None

    @property
    def editable_sources(self) -> list[FolderSourceSettings]:
        folders = (one for one in self.sources if isinstance(one, FolderSourceSettings))
        return [one for one in folders if one.editable]

    @property
    def takes_requests(self) -> bool:
        return self.web.enabled and self.joining.enabled and bool(self.newsletters)

    def with_environment_of(self, other: Settings) -> Settings:
        return replace(self, **{name: getattr(other, name) for name in _FROM_ENVIRONMENT})

    def newsletter(self, name: str) -> Newsletter | None:
        """Return the newsletter of a name, a former one too, or of a digest's key, or None."""
        base = DigestKey.parse(name).newsletter
        return next((n for n in self.newsletters if base in (n.name, *n.formerly)), None)

    def present_name(self, name: str) -> str:
        found = self.newsletter(name)
        return found.name if found else name

    def editions(self, newsletter: Newsletter) -> Sequence[Edition]:
        return self.editions_of(newsletter.name)

    def editions_of(self, name: str) -> Sequence[Edition]:
        return tuple(self._by_language(name).values())

    def _by_language(self, name: str) -> Mapping[str, Edition]:
        if name not in self._editions:
            newsletter = self.newsletter(name)
            if newsletter is None:
                return {}
            languages = newsletter.languages or self.publication.languages
            zone = self.publication.timezone
            made = (newsletter.in_language(tag, zone) for tag in languages)
            if cadence := DigestKey.parse(name).cadence:
                made = (newsletter.digest_edition(edition, cadence) for edition in made)
            self._editions[name] = {edition.language: edition for edition in made}
        return self._editions[name]

    def edition(self, newsletter: str, language: str) -> Edition | None:
        return self._by_language(newsletter).get(language)

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.publication.timezone)
