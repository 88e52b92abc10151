"""Settings of the mailbox that commands and bounces come to: a Maildir, or a folder on an IMAP server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from publisher.config.delivery import Tls
from publisher.config.values import ConfigTable, HostName

# The environment variable with the password of [mailbox].
IMAP_PASSWORD = "PUBLISHER_IMAP_PASSWORD"  # noqa: S105  # the variable's name, not its value
_PORTS = {Tls.IMPLICIT: 993, Tls.STARTTLS: 143, Tls.NONE: 143}


def _address(value: str) -> str:
    name, _, host = value.rpartition("@")
    if not name or not host or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{value!r} is no address; write one like news@example.org")
    return value


class MailboxSettings(ConfigTable):
    """The table [mailbox].

    `address` is where subscribers write to; without it, the sender's. `path` is a Maildir's folder. On
    an IMAP server, mails that were handled are moved from `folder` to `archive`, or marked as seen.
    `authserv_id` names the mail server whose Authentication-Results are trusted (RFC 8601).
    `feedback_loops` are the domains of providers whose complaints are final.
    """

    kind: Literal["maildir", "imap", "pipe"]
    address: Annotated[str, AfterValidator(_address)] | None = None
    path: str = ""
    host: HostName | None = None
    port: int | None = Field(default=None, ge=1, le=65_535)
    tls: Tls = Tls.IMPLICIT
    user: str = ""
    folder: str = Field(default="INBOX", min_length=1)
    archive: str = ""
    authserv_id: str = Field(default="", pattern=r"^[^\s;()\"]*$")
    feedback_loops: tuple[HostName, ...] = ()

    @model_validator(mode="after")
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
        """The port, or the usual one."""
        return self.port or _PORTS[self.tls]
