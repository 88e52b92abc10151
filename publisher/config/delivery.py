"""Settings of delivery: transport, SMTP server, rates, warm-up, DKIM signatures; and of the mailbox for commands and bounces.

Passwords come from the environment (`publisher.config.loader`).
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import pydantic
from pydantic_core import PydanticCustomError

from publisher.config.values import (
    MAX_LOCAL_PART,
    ConfigTable,
    HostName,
    Kind,
    MailboxValue,
    require_list,
    wrong,
)

SMTP_PASSWORD = "PUBLISHER_SMTP_PASSWORD"  # noqa: S105  # the variable's name, not its value
_TRANSPORTS = "publisher.delivery.transports"
_SUBMISSION_PORT, _SUBMISSIONS_PORT, _RELAY_PORT = 587, 465, 25


class Tls(StrEnum):
    """TLS mode of the connection (RFC 8314, RFC 3207)."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


def resolve_file(folder: Path, named: str) -> Path:
    """Return the file's path. Relative paths start in the publication's folder; ~ is the home."""
    # Path.expanduser would raise for an unknown user.
    return folder / os.path.expanduser(named)  # noqa: PTH111  # see above


_DEFAULT_PORTS = {
    Tls.IMPLICIT: _SUBMISSIONS_PORT,
    Tls.STARTTLS: _SUBMISSION_PORT,
    Tls.NONE: _RELAY_PORT,
}


class OutboxLayoutKind(StrEnum):
    """How the outbox stores messages."""

    FILES = "files"
    MAILDIR = "maildir"


class OutboxSettings(ConfigTable):
    """The table [delivery.outbox]."""

    layout: OutboxLayoutKind = OutboxLayoutKind.FILES


class SmtpSettings(ConfigTable):
    """The table [delivery.smtp]: the SMTP server and how to connect to it."""

    host: HostName = "localhost"
    tls: Tls = Tls.STARTTLS
    port: int = pydantic.Field(
        default_factory=lambda table: _DEFAULT_PORTS.get(table.get("tls"), 0),
        ge=1,
        le=65_535,
        strict=True,
    )
    # PEM files: certificate authorities, client certificate and key.
    authorities: str | None = None
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    hello: HostName | None = None  # name in EHLO; default: the host name
    bounces: MailboxValue | None = None  # envelope sender; default: the sender's address
    # Whether each subscriber has an address for bounces, and what stands before its token.
    verp: bool = False
    verp_separator: Literal["+", "-", "=", "."] = "+"
    connections: int = pydantic.Field(default=8, ge=1, le=100)
    # Messages that a worker holds in advance; all are in doubt after a kill.
    promised: int = pydantic.Field(default=8, ge=1, le=100)
    # Seconds to wait for a reply; the reply to the final dot may take longer.
    timeout: int = pydantic.Field(default=60, ge=1, le=600)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _has_no_password(cls, values: Any) -> Any:
        # Settings files are copied, shown and put under version control.
        if isinstance(values, dict) and "password" in values:
            remedy = f"set {SMTP_PASSWORD} in the environment"
            raise wrong("password", f"a password is not kept in this file; {remedy}")
        return values

    @pydantic.model_validator(mode="after")
    def _goes_together(self) -> SmtpSettings:
        if self.key and not self.certificate:
            raise wrong("key", 'a key without a certificate; add certificate = "..."')
        if self.certificate and self.tls is Tls.NONE:
            raise wrong("certificate", 'is never shown without TLS; use tls = "starttls"')
        if self.user and self.tls is Tls.NONE and self.host not in _LOOPBACK:
            raise wrong("user", "a password would cross the network in the clear; use TLS")
        self._check_verp()
        return self

    def _check_verp(self) -> None:
        if not self.verp:
            return
        if self.bounces is None:
            raise wrong("verp", 'needs a mailbox of its own; set bounces = "bounces@..."')
        local_part = self.bounces.address.rpartition("@")[0]
        if len(local_part) + VERP_TOKEN_LENGTH > MAX_LOCAL_PART:
            longest = MAX_LOCAL_PART - VERP_TOKEN_LENGTH
            problem = f"has {len(local_part)} characters before the @, and verp adds more"
            raise wrong("bounces", f"{problem}; use at most {longest}")


# Characters of a subscriber's token and its separator (`mail.signed_addresses`).
VERP_TOKEN_LENGTH = 19
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_MIN_PER_SECOND = 0.001  # One message in 17 minutes. Slower rates would overflow dates.


class RateSettings(ConfigTable):
    """Rate limits; None means no limit."""

    per_second: float | None = pydantic.Field(
        default=None, ge=_MIN_PER_SECOND, le=100_000, allow_inf_nan=False
    )
    per_hour: int | None = pydantic.Field(default=None, ge=1, le=100_000_000)


def _tables(value: object) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("is one table; there may be several: write its name in [[ ]]")  # noqa: TRY004  # pydantic collects ValueErrors only
    return tuple(value)


class DomainRateSettings(RateSettings):
    """The tables [[delivery.domain]]: receiving domains that share one rate limit."""

    names: Annotated[tuple[HostName, ...], pydantic.BeforeValidator(require_list)] = (
        pydantic.Field(min_length=1)
    )


def _day(value: object) -> date:
    # pydantic would accept datetimes and numbers as dates, too.
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError(f"{str(value)!r} is not a day; write one like 2026-01-31")


class WarmupSettings(ConfigTable):
    """The table [delivery.warmup]: daily limits of a new sender, each `growth` times that of the day before."""

    start: Annotated[date, pydantic.PlainValidator(_day)]  # the first day, in UTC
    first: int = pydantic.Field(default=200, ge=1, le=100_000_000)  # messages on that day
    growth: float = pydantic.Field(default=1.5, gt=1, le=10)
    # The warm-up ends when a day's limit exceeds this.
    until: int = pydantic.Field(default=100_000, ge=1, le=100_000_000)

    @pydantic.model_validator(mode="after")
    def _begins_below_its_end(self) -> WarmupSettings:
        if self.first > self.until:
            raise wrong("first", f"{self.first:,} is more than `until`; begin with less")
        return self


class DkimSettings(ConfigTable):
    """The tables [[delivery.dkim]]: one signature each (RFC 6376, RFC 8463)."""

    domain: HostName
    selector: str = pydantic.Field(min_length=1)
    key: str = pydantic.Field(min_length=1)  # a PEM file: RSA of 2048 bits or more, or Ed25519


@dataclass(frozen=True, slots=True)
class TransportKind(Kind):
    """A kind of transport. While its folder `leftovers` exists, a killed process may have left messages, which it finishes."""

    leftovers: str | None = None
    # Whether a message that is sent again is no second one, as its `guarantee` says. Other kinds need
    # every mark in the ledger, also after a power cut.
    is_idempotent: bool = False


# The transports: one line each, by the name in publication.toml.
TRANSPORT_KINDS: dict[str, TransportKind] = {
    "outbox": TransportKind(
        OutboxSettings,
        f"{_TRANSPORTS}.outbox:open_outbox",
        leftovers="outbox/.staged",
        is_idempotent=True,
    ),
    "smtp": TransportKind(
        SmtpSettings, f"{_TRANSPORTS}.smtp.transport:open_smtp", (SMTP_PASSWORD,)
    ),
}

# Days. What is owed after an interruption, and the journal that completes a backup, look back less far.
_LEAST_KEPT = 90


class DeliverySettings(ConfigTable):
    """The table [delivery]."""

    transport: str = "outbox"  # a key of TRANSPORT_KINDS
    # `full`: commits survive a power cut. `normal`: only a kill, but faster, for the outbox.
    durability: Literal["full", "normal"] = "full"
    # Whether what is sent is also written to var/journal, from which an old backup is completed.
    journal: bool = pydantic.Field(default=True, strict=True)
    # A second folder for witness and journal, on another disk than var/; none: one in the state directory of
    # the service or its user; False: there is none.
    witness: Annotated[str, pydantic.Field(min_length=1)] | Literal[False] | None = None
    # Days after which the rows of a finished issue are deleted; 0 to keep them.
    keep_deliveries: int = pydantic.Field(default=400, strict=True)
    rate: RateSettings = RateSettings()
    domain: Annotated[tuple[DomainRateSettings, ...], pydantic.BeforeValidator(_tables)] = ()
    warmup: WarmupSettings | None = None
    dkim: Annotated[tuple[DkimSettings, ...], pydantic.BeforeValidator(_tables)] = ()
    # The tables [delivery.<kind>] of the file.
    _given: dict[str, ConfigTable] = pydantic.PrivateAttr(default_factory=dict)

    @classmethod
    def keys(cls) -> dict[str, Any]:
        return super().keys() | {name: kind.settings for name, kind in TRANSPORT_KINDS.items()}

    def table(self, kind: str) -> Any:
        return self._given.get(kind) or TRANSPORT_KINDS[kind].settings()

    @property
    def sends_mail(self) -> bool:
        return self.transport != "outbox"

    @property
    def is_trial(self) -> bool:
        """Whether mail goes to a server for trials: on this machine, at a port of its own."""
        smtp: SmtpSettings = self.table("smtp")
        return smtp.host in _LOOPBACK and smtp.port not in {None, *_DEFAULT_PORTS.values()}

    @property
    def bounces(self) -> MailboxValue | None:
        smtp: SmtpSettings = self.table("smtp")
        return smtp.bounces

    @pydantic.field_validator("transport")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in TRANSPORT_KINDS:
            *others, last = (repr(one) for one in TRANSPORT_KINDS)
            known = f"input should be {', '.join(others)} or {last}"
            raise PydanticCustomError("transport", "{known}", {"known": known})
        return name

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _with_transports(cls, values: Any, handler: Any) -> DeliverySettings:
        if not isinstance(values, dict):
            return cast("DeliverySettings", handler(values))
        given = {name: table for name, table in values.items() if name in TRANSPORT_KINDS}
        # A model of them gives its errors their place in the file.
        model = pydantic.create_model(
            "_Transports",
            __base__=ConfigTable,
            **cast("Any", {name: (TRANSPORT_KINDS[name].settings, ...) for name in given}),
        )
        tables = model.model_validate(given)
        rest = {name: value for name, value in values.items() if name not in given}
        found = cast("DeliverySettings", handler(rest))
        found._given.update((name, getattr(tables, name)) for name in given)  # noqa: SLF001  # our own
        return found

    @pydantic.model_validator(mode="after")
    def _is_possible(self) -> DeliverySettings:
        if self.keep_deliveries and self.keep_deliveries < _LEAST_KEPT:
            few = f"{self.keep_deliveries} days are too few"
            raise wrong("keep_deliveries", f"{few}; write {_LEAST_KEPT}, or 0 to keep them")
        if self.durability == "normal" and not TRANSPORT_KINDS[self.transport].is_idempotent:
            problem = f"after a power cut, {self.transport} could send mails again"
            raise wrong("durability", f'"normal" won\'t do: {problem}; remove the line')
        names = [name for one in self.domain for name in one.names]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise wrong("domain", f"{twice} is there twice; name each domain once")
        return self


IMAP_PASSWORD = "PUBLISHER_IMAP_PASSWORD"  # noqa: S105  # the variable's name, not its value
_PORTS = {Tls.IMPLICIT: 993, Tls.STARTTLS: 143, Tls.NONE: 143}


def _address(value: str) -> str:
    name, _, host = value.rpartition("@")
    if not name or not host or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no address; write one like news@example.org")
    return value


class MailboxSettings(ConfigTable):
    """The table [mailbox].

    `address` is where subscribers write to; without it, the sender's. `path` is a Maildir's folder. On an IMAP
    server, handled mails are moved from `folder` to `archive`, or marked as seen. Authentication-Results of
    `authserv_id` are trusted (RFC 8601). `feedback_loops` are the domains of providers whose complaints are final.
    """

    kind: Literal["maildir", "imap", "pipe"]
    address: Annotated[str, pydantic.AfterValidator(_address)] | None = None
    path: str = ""
    host: HostName | None = None
    port: int | None = pydantic.Field(default=None, ge=1, le=65_535)
    tls: Tls = Tls.IMPLICIT
    user: str = ""
    folder: str = pydantic.Field(default="INBOX", min_length=1)
    archive: str = ""
    authserv_id: str = pydantic.Field(default="", pattern=r"^[^\s;()\"]*$")
    feedback_loops: tuple[HostName, ...] = ()

    @pydantic.model_validator(mode="after")
    def _has_its_place(self) -> MailboxSettings:
        if self.kind == "maildir" and not self.path:
            raise ValueError('a maildir needs its folder; write path = "/home/news/Maildir"')
        if self.kind == "imap" and not (self.host and self.user):
            raise ValueError(
                'an IMAP server needs a host and a user; write host = "imap.example.org"'
            )
        if self.feedback_loops and not self.authserv_id:
            raise ValueError(
                "complaints of feedback_loops count only if your mail server has authenticated them; "
                'write its name, as in Authentication-Results: authserv_id = "mx.example.org"'
            )
        return self

    @property
    def imap_port(self) -> int:
        return self.port or _PORTS[self.tls]
