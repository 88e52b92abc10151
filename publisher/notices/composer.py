"""Compose the message of a notice: her language, her links, her values.

Mails that differ only in a recipient's own values are rendered once, and a sample of each passes the gate before the
first of them is sent. Where nobody serves subscribers' pages, links open a mail to the mailbox instead.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from publisher import urls
from publisher.assembly.gate_run import SAMPLE_RECIPIENT, SAMPLE_SECRET, GateRun, finding_text
from publisher.config import Edition, Settings
from publisher.errors import DeliveryError, RenderingError
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail
from publisher.issues import digests as issue_pages
from publisher.issues.planner import next_issue
from publisher.mail import Message, SubscriptionMail, compose_subscription_message
from publisher.mail.compose import notice_message_name
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_addresses import LinkKind, sign_link
from publisher.notices.kinds import ALLOWED_VALUES, REQUIRED_VALUES, NoticeKind
from publisher.notices.ledger import QueuedNotice
from publisher.rendering import Digest, IssueLine, SystemMail, placeholders
from publisher.rendering.views import view_with_privacy
from publisher.urls import SubscriberPage
from subscribers.preferences import load_feed_generation

_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)  # any instant: it becomes the Date field
# Ten digits, as the sample recipient's: links grow with it.
_NUMBER: Final = SAMPLE_RECIPIENT.id
_PERSONAL: Final[dict[str, Any]] = {
    "number": _NUMBER,
    "code": "000000",
    "changed": "s•••@example.com",
}
_KEPT: Final = 64  # Samples whose findings are kept. Each is some 40 KB.


def sample_notices(newsletters: Iterable[str], language: str) -> Iterator[QueuedNotice]:
    """Yield a notice of each kind, with all values that it can have; a welcome and links in both their forms."""
    values = {"newsletters": [*newsletters], "again": True, **_PERSONAL}
    shapes = [(kind, ALLOWED_VALUES[kind]) for kind in NoticeKind]
    shapes += [(kind, REQUIRED_VALUES[kind]) for kind in (NoticeKind.WELCOME, NoticeKind.LINKS)]
    for kind, names in shapes:
        content = {name: values[name] for name in sorted(names)}
        yield QueuedNotice(
            id=_NUMBER,
            kind=kind,
            content=content,
            due_at=_AT,
            recipient=replace(SAMPLE_RECIPIENT, language=language),
            has_own_address=True,
        )


def sample_of(row: QueuedNotice) -> QueuedNotice:
    content = {name: _PERSONAL.get(name, value) for name, value in row.content.items()}
    recipient = replace(SAMPLE_RECIPIENT, language=row.language)
    return replace(row, id=_NUMBER, content=content, due_at=_AT, recipient=recipient)


def check_sample(sample: CheckedMail) -> GateRun:
    # Imported late: the checks load tables of mail clients.
    from publisher.gate.checks import check_mail

    return GateRun(sample, check_mail(sample))


@lru_cache(maxsize=_KEPT)
def _errors(
    content: bytes, language: str, hosts: frozenset[str], address: str
) -> tuple[Finding, ...]:
    sample = CheckedMail(
        content=content,
        language=language,
        hosts=hosts,
        preheader="",
        address=address,
        is_about_subscription=True,
    )
    return check_sample(sample).report.errors


# The link that each kind is about: what it is signed as, and its page. Other kinds have none.
ACTION_LINKS: Final[dict[NoticeKind, tuple[LinkKind, SubscriberPage]]] = {
    NoticeKind.CONFIRM: ("confirm", "confirm"),
    NoticeKind.REMINDER: ("confirm", "confirm"),
    NoticeKind.GOODBYE: ("undo", "unsubscribe"),
    NoticeKind.CONFIRM_ADDRESS: ("address", "address"),
    NoticeKind.ADDRESS_CHANGED: ("undo-address", "address"),
    NoticeKind.DATA: ("data", "data"),
}
_WITH_UNSUBSCRIBE: Final = frozenset(
    {NoticeKind.ALREADY_SUBSCRIBED, NoticeKind.WELCOME, NoticeKind.LINKS}
)
# What the mailbox is written for each link, where there are no pages. `data` is a page only.
_MAIL_COMMANDS: Final[dict[LinkKind, str]] = {
    "confirm": "confirm",
    "address": "confirm",
    "undo-address": "confirm",
    "undo": "subscribe",
    "unsubscribe": "unsubscribe",
    "preferences": "preferences",  # it needs no token: the answer goes to the subscriber
}
# The format of the subscriber's own feed that a mail links to: feed readers know it best.
_RECENT: Final = 20  # listed issues; a newsletter's latest is among them, unless there are so many announcements
_FEED_FORMAT: Final = "atom"


@dataclass(slots=True)
class NoticeComposer:
    """Composes notices with the templates and settings of one moment."""

    settings: Settings
    render: Callable[[SystemMail], Digest]
    secret: str = field(repr=False)
    signers: Sequence[DkimSigner] = ()
    is_sample: bool = False  # nobody is the recipient
    _rendered: dict[SystemMail, Digest] = field(default_factory=dict)

    def compose(self, connection: Connection, row: QueuedNotice) -> Message:
        """Return the message.

        Raise RenderingError for a template's fault and for a mail that the gate rejects, and
        DeliveryError if none can be written.
        """
        return self.message(connection, row, self._digest(connection, row))

    def check(self, connection: Connection, row: QueuedNotice) -> GateRun:
        mail = self._system_mail(connection, row)
        return check_sample(self._sample(connection, row, self.render(mail)))

    def can_send(self, kind: NoticeKind) -> bool:
        if self.settings.web.enabled or kind not in ACTION_LINKS:
            return True
        return bool(self._mailbox) and ACTION_LINKS[kind][0] in _MAIL_COMMANDS

    def _digest(self, connection: Connection, row: QueuedNotice) -> Digest:
        if not self.can_send(row.kind):
            raise DeliveryError(
                f"nobody could do what the mail {row.kind} asks for: enable [web] or set a [mailbox]"
            )
        mail = self._system_mail(connection, row)
        if mail not in self._rendered:
            digest = self.render(mail)
            self._check(mail, self._sample(connection, row, digest))
            if len(self._rendered) >= _KEPT:
                self._rendered.clear()
            self._rendered[mail] = digest
        return self._rendered[mail]

    def _check(self, mail: SystemMail, sample: CheckedMail) -> None:
        """Raise RenderingError if the gate rejects a sample. Tests of other rules let all pass."""
        if errors := _errors(sample.content, sample.language, sample.hosts, sample.address):
            raise RenderingError(
                f"the mail {mail.kind} in {sample.language} does not pass the gate, and waits: "
                f"{finding_text(errors[0])}"
            )

    def _sample(self, connection: Connection, row: QueuedNotice, digest: Digest) -> CheckedMail:
        composer = replace(self, secret=SAMPLE_SECRET, signers=(), is_sample=True)
        publication, language = self.settings.publication, self._language(row)
        return CheckedMail(
            content=composer.message(connection, sample_of(row), digest).content,
            language=language,
            hosts=frozenset({publication.host}),
            preheader="",
            address=publication.address(language),
            is_about_subscription=True,
        )

    def message(self, connection: Connection, row: QueuedNotice, digest: Digest) -> Message:
        language = self._language(row)
        offers_to_leave = row.kind in _WITH_UNSUBSCRIBE
        mail = SubscriptionMail(
            publication=self.settings.publication,
            language=language,
            digest=digest,
            date=row.due_at,
            recipient=row.recipient,
            values=self._values(connection, row, language),
            name=notice_message_name(self.secret, row.id),
            number=row.id,
            unsubscribe=self._token(row, "unsubscribe") if offers_to_leave else "",
            unsubscribe_page=self._page(language, "unsubscribe")
            if self.settings.web.enabled
            else "",
            reply_to=self._mailbox,
        )
        return compose_subscription_message(mail, self.signers)

    def _language(self, row: QueuedNotice) -> str:
        publication = self.settings.publication
        return publication.serves(row.language) or publication.default_language

    def _system_mail(self, connection: Connection, row: QueuedNotice) -> SystemMail:
        language = self._language(row)
        names = row.content.get("newsletters", [])
        is_welcome = row.kind is NoticeKind.WELCOME
        latest = (self._latest(connection, name, row) for name in names if is_welcome)
        return SystemMail(
            kind=row.kind.value,
            publication=view_with_privacy(self.settings, language),
            newsletters=tuple(self._title(name, language) for name in names),
            about=tuple(self._about(connection, row, language)),
            latest=tuple(line for line in latest if line),
            mailbox=self._mailbox,
            has_pages=self.settings.web.enabled,
            has_code="code" in row.content,
            is_again="again" in row.content,
            has_new_address="changed" in row.content,
            asks_to_leave=row.kind is NoticeKind.LINKS and "newsletters" in row.content,
        )

    @property
    def _mailbox(self) -> str:
        box = self.settings.mailbox
        return (box.address or self.settings.publication.sender.address) if box else ""

    def _title(self, newsletter: str, language: str) -> str:
        edition = self._edition(newsletter, language)
        return edition.title(language) if edition else newsletter

    def _edition(self, newsletter: str, language: str) -> Edition | None:
        if found := self.settings.newsletter(newsletter):
            return found.in_language(language, self.settings.publication.timezone)
        return None

    def _about(
        self, connection: Connection, row: QueuedNotice, language: str
    ) -> Iterator[tuple[str, str, date | None]]:
        # Who comes back may get digests instead of each issue.
        is_new = row.kind is NoticeKind.WELCOME and "again" not in row.content
        for name in row.content.get("newsletters", []):
            if edition := self._edition(name, language):
                day = self._next_day(connection, edition, row) if is_new else None
                if (words := edition.description(language)) or day:
                    yield edition.title(language), words, day

    def _next_day(
        self, connection: Connection, edition: Edition, row: QueuedNotice
    ) -> date | None:
        coming = next_issue(connection, edition, row.due_at, row.due_at)
        if coming is None:
            return None
        zone = ZoneInfo(row.recipient.timezone) if row.recipient.timezone else edition.zone
        return coming.day if edition.local_time else coming.due_at.astimezone(zone).date()

    def _latest(
        self, connection: Connection, newsletter: str, row: QueuedNotice
    ) -> IssueLine | None:
        language = row.language
        for issue in issue_pages.published_issues(
            connection, newsletter, language, _RECENT, row.due_at
        ):
            if issue.serial:
                continue
            path = urls.issue_path(issue.language, issue.newsletter, issue.day)
            url = urls.public_url(self.settings.publication, path)
            return IssueLine(title=self._title(newsletter, language), day=issue.day, url=url)
        return None

    def _values(
        self, connection: Connection, row: QueuedNotice, language: str
    ) -> dict[str, str]:
        values = {
            placeholders.UNSUBSCRIBE_PLACEHOLDER: self._link(
                row, language, "unsubscribe", "unsubscribe"
            ),
            placeholders.PREFERENCES_PLACEHOLDER: self._link(
                row, language, "preferences", "preferences"
            ),
            placeholders.COMMAND_PLACEHOLDER: self._token(row, "preferences"),
        }
        if row.kind is NoticeKind.LINKS:
            values[placeholders.FEED_PLACEHOLDER] = self._feed_url(connection, row, language)
        if row.kind in ACTION_LINKS:
            kind, page = ACTION_LINKS[row.kind]
            values[placeholders.ACTION_PLACEHOLDER] = self._link(row, language, kind, page)
        if "code" in row.content:
            values[placeholders.CODE_PLACEHOLDER] = row.content["code"]
        if "changed" in row.content:
            values[placeholders.CHANGED_PLACEHOLDER] = row.content["changed"]
        return values

    def _link(
        self, row: QueuedNotice, language: str, kind: LinkKind, page: SubscriberPage
    ) -> str:
        token = self._token(row, kind)
        box = self._mailbox
        if self.settings.web.enabled or not box or kind not in _MAIL_COMMANDS:
            return f"{self._page(language, page)}?t={token}"
        command = _MAIL_COMMANDS[kind]
        words = command if kind == "preferences" else f"{command} {token}"
        return f"mailto:{quote(box, safe='@')}?subject={quote(words)}"

    def _page(self, language: str, page: SubscriberPage) -> str:
        path = urls.subscriber_page_path(language, page)
        return urls.public_url(self.settings.publication, path)

    def _feed_url(self, connection: Connection, row: QueuedNotice, language: str) -> str:
        person = row.recipient
        number = 0 if self.is_sample else load_feed_generation(connection, person.id)
        token = sign_link(
            self.secret, "feed", person.id, generation=person.generation, number=number
        )
        path = urls.private_feed_path(language, token, _FEED_FORMAT)
        return urls.public_url(self.settings.publication, path)

    def _token(self, row: QueuedNotice, kind: LinkKind) -> str:
        has_number = kind in {link for link, _page in ACTION_LINKS.values()}
        return sign_link(
            self.secret,
            kind,
            row.recipient.id,
            newsletter=_left(row) if kind == "unsubscribe" else "",
            generation=row.recipient.generation,
            number=row.content.get("number", 0) if has_number else 0,
        )


def _left(row: QueuedNotice) -> str:
    names = row.content.get("newsletters", []) if row.kind is NoticeKind.LINKS else []
    return names[0] if names else ""
