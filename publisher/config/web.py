"""Settings of what is reached over HTTP: subscribers' pages, the console, webhooks, a bucket.

Secrets come from the environment.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, model_validator

from publisher.config import values
from subscribers.model import FieldType

if TYPE_CHECKING:
    from subscribers.fields import SubscriberField

_MAX_PORT = 65_535


# Copied into configurations of web servers: no character with a meaning there.
_ADDRESS = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


def _listen_address(value: str) -> str:
    found = _ADDRESS.fullmatch(value)
    if not found or int(found["port"]) > _MAX_PORT:
        raise ValueError(f"{value!r} is no address to listen on; write one like 127.0.0.1:8100")
    return value


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(
            f"{value!r} is no address or network; write one like 192.0.2.7 or 10.0.0.0/8"
        ) from None


class WebSettings(values.ConfigTable):
    """The table [web]."""

    # Whether subscribers' pages are served by `publisher web`; without it, pages say to write.
    enabled: bool = True
    # Where it listens, and where the web server in front of it finds it.
    address: Annotated[str, AfterValidator(_listen_address)] = "127.0.0.1:8100"
    # Whose X-Forwarded-For counts: addresses and networks of proxies.
    trusted_proxies: Annotated[
        tuple[Annotated[str, AfterValidator(_network)], ...],
        BeforeValidator(values.require_list),
    ] = ("127.0.0.0/8", "::1/128")

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


def is_loopback_name(name: str) -> bool:
    """Return whether a host name leads to this machine in every browser (RFC 6761 section 6.3)."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _own_root(value: str) -> str:
    parts = urlsplit(value)
    if parts.path:
        raise ValueError(
            f"{value!r} has a path; the console needs a host name of its own, such as "
            "https://console.example.org"
        )
    if parts.scheme == "http" and not is_loopback_name(parts.hostname or ""):
        raise ValueError(
            f"{value!r} is plain http, over which browsers keep nobody signed in; write https://"
        )
    return value


OPENID_SECRET: Final = "PUBLISHER_OPENID_SECRET"  # noqa: S105  # the variable's name


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    is_plain = parts.scheme != "https" and not is_loopback_name(parts.hostname or "")
    if is_plain or parts.query or parts.fragment:
        raise ValueError(
            f"{value!r} is no issuer; write it as the provider does, like https://login.example.org"
        )
    return value


class OpenidSettings(values.ConfigTable):
    """The table [console.openid]: a provider of OpenID Connect by whom editors sign in."""

    # As the provider writes it itself; https, or http on this machine.
    issuer: Annotated[values.FetchedAddress, AfterValidator(_issuer)]
    client_id: str = Field(min_length=1, max_length=255)
    name: str = Field(min_length=1, max_length=60)  # on the button
    # Whether the provider asks for two factors each time, also if it does not say so.
    second_factor: bool = Field(default=False, strict=True)
    networks: tuple[values.IntranetRange, ...] = ()  # of an intranet, in which the provider is


class ConsoleSettings(values.ConfigTable):
    """The table [console]."""

    enabled: bool = True  # whether `publisher console` may be started
    # Its address in browsers: no path, and another host name than the publication's.
    url: Annotated[values.WebRoot, AfterValidator(_own_root)] = "http://localhost:8090"
    # Where it listens, and where the web server in front of it finds it.
    host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9._:-]+$")
    port: int = Field(default=8090, ge=1, le=_MAX_PORT)
    # Whether approvers and translators get mails about issues that wait for approval.
    reminders: bool = True
    openid: OpenidSettings | None = None

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def address(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104  # compared only
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def _web_addresses(value: values.Localised) -> values.Localised:
    for one in value:
        if not one.startswith(("https://", "http://")) or not one.isprintable() or " " in one:
            raise ValueError(
                f"{one!r} is no address of a page; write one like https://example.org/privacy"
            )
    return value


class JoiningSettings(values.ConfigTable):
    """The table [joining]. The limits are numbers of requests; those beyond are not answered by mail."""

    enabled: bool = True
    # Whether one more mail asks for the confirmation, a day after the first.
    reminder: bool = True
    # Where the privacy notice is, for all or by language: the form links to it (GDPR, article 13).
    privacy: Annotated[values.LocalisedText, AfterValidator(_web_addresses)] | None = None
    # In a day. Addresses that differ by +tag only count as one.
    per_address: int = Field(default=3, ge=1)
    # In an hour, each. The largest webmail services have no limit as a domain.
    per_domain: int = Field(default=200, ge=1)
    per_network: int = Field(default=10, ge=1)  # /24 of IPv4, /64 of IPv6
    per_site: int = Field(default=50, ge=1)  # /48 of IPv6
    in_all: int = Field(default=100, ge=1)
    # Requests in an hour. Above it, the form asks for a proof of work.
    proof_of_work_above: int = Field(default=50, ge=0)
    # Confirmations stop when too many bounce. Those of before this time are not counted.
    bounces_count_from: AwareDatetime | None = None


# What an audience can be limited by besides fields.
_OTHER_MEANINGS = frozenset({"topic", "newsletter", "page"})
_MOST_FIELDS = 20


class FieldSettings(values.ConfigTable):
    """The tables [[subscribers.field]]: what is known of subscribers besides. `shown`: on her own page."""

    name: values.UrlName
    type: FieldType = FieldType.TEXT
    label: values.LocalisedTitle
    choices: Annotated[tuple[str, ...], BeforeValidator(values.require_list)] = ()
    shown: bool = False
    editable: bool = False  # by herself

    @model_validator(mode="after")
    def _is_possible(self) -> FieldSettings:
        from subscribers.lists.columns import is_column_name  # few publications have fields

        if is_column_name(self.name) or self.name in _OTHER_MEANINGS:
            problem = (
                f"{self.name!r} has a meaning in lists of subscribers; choose another name"
            )
            raise values.wrong("name", problem)
        if (self.type is FieldType.CHOICE) != bool(self.choices):
            problem = 'a field has choices if its type is "choice"; write choices = ["A", "B"]'
            raise values.wrong("choices", problem)
        if self.editable and not self.shown:
            problem = "nobody can change what is not shown; write shown = true"
            raise values.wrong("editable", problem)
        return self

    @property
    def value_type(self) -> SubscriberField:
        from subscribers.fields import SubscriberField

        return SubscriberField(self.name, self.type, self.choices)


class SubscriberSettings(values.ConfigTable):
    """The table [subscribers]."""

    field: tuple[FieldSettings, ...] = Field(default=(), max_length=_MOST_FIELDS)

    @property
    def value_types(self) -> tuple[SubscriberField, ...]:
        return tuple(one.value_type for one in self.field)

    def problem_of(self, limits: Collection[str], newsletters: Collection[str]) -> str:
        """Return why these can't limit an audience; an empty text if they can."""
        if not limits:
            return ""
        # Few publications have limits, and SQL takes long to import.
        from subscribers.audiences import limit_clause
        from subscribers.errors import BadCellError

        try:
            for one in limits:
                limit_clause(one, self.value_types, newsletters)
        except BadCellError as error:
            return error.reason
        return ""


FEEDBACK_SECRET: Final = "PUBLISHER_FEEDBACK_SECRET"  # noqa: S105  # the variable's name
MAILGUN_KEY: Final = "PUBLISHER_MAILGUN_KEY"  # Mailgun's "HTTP webhook signing key"
# `user:password` that Postmark's requests must have (basic authentication). Postmark signs nothing.
POSTMARK_LOGIN: Final = "PUBLISHER_POSTMARK_LOGIN"
FEEDBACK_SECRETS: Final = (FEEDBACK_SECRET, MAILGUN_KEY, POSTMARK_LOGIN)


class SesFeedback(values.ConfigTable):
    """The table [feedback.ses]: Amazon SES, by SNS."""

    # ARNs of the topics that are believed.
    topics: Annotated[tuple[str, ...], BeforeValidator(values.require_list)] = Field(
        min_length=1
    )


class SendgridFeedback(values.ConfigTable):
    """The table [feedback.sendgrid]."""

    # The verification key of the signed event webhook, as SendGrid shows it.
    public_key: str = Field(min_length=1)


class PostmarkFeedback(values.ConfigTable):
    """The table [feedback.postmark], which has no keys."""


class MailgunFeedback(values.ConfigTable):
    """The table [feedback.mailgun], which has no keys."""


class FeedbackSettings(values.ConfigTable):
    """The table [feedback]. A provider whose table is there may send events."""

    ses: SesFeedback | None = None
    sendgrid: SendgridFeedback | None = None
    postmark: PostmarkFeedback | None = None
    mailgun: MailgunFeedback | None = None

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(name for name in type(self).model_fields if self.has(name))

    def has(self, provider: str) -> bool:
        return provider in type(self).model_fields and getattr(self, provider) is not None


class WebhookSettings(values.ConfigTable):
    """The table [webhooks]."""

    # Whether a webhook may lead to this machine, by http, too: for those who write a receiver.
    loopback: bool = False


# The environment variables with the credentials of [s3], by the names that other tools give them.
S3_KEY_ID = "AWS_ACCESS_KEY_ID"
S3_SECRET = "AWS_SECRET_ACCESS_KEY"  # noqa: S105  # the variable's name, not its value

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*|")


def _bucket(value: str) -> str:
    if not _BUCKET.fullmatch(value):
        raise ValueError(
            f"{value!r} is no bucket; write its name in small letters, digits and hyphens"
        )
    return value


def _prefix(value: str) -> str:
    if not _PREFIX.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(f"{value!r} is no prefix; write one like news or sites/news")
    return value


class BucketSettings(values.ConfigTable):
    """The table [s3]: where the files of the web root are copied to."""

    bucket: Annotated[str, AfterValidator(_bucket)]
    # The server's address; None for Amazon's in the region.
    endpoint: values.WebAddress | None = None
    region: str = Field(default="us-east-1", min_length=1)
    # What all keys begin with, without the slash that follows.
    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    # Whether text is stored compressed by gzip. A content network that compresses does not need it.
    compressed: bool = Field(default=True, strict=True)
