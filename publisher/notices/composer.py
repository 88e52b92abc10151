"""Compose the message of a notice: her language, her links, her values.

Mails that differ only in a recipient's own values are rendered once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from publisher import urls
from publisher.config import Settings
from publisher.issues import store as issues
from publisher.mail import Message, SubscriptionMail, compose_subscription_message
from publisher.mail.dkim import DkimSigner
from publisher.mail.signed_links import LinkKind, sign_link
from publisher.mail.subscription_message import notice_message_name
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import QueuedNotice
from publisher.rendering import Digest, IssueLine, SystemMail
from publisher.rendering.placeholders import (
    ACTION_PLACEHOLDER,
    CHANGED_PLACEHOLDER,
    CODE_PLACEHOLDER,
    COMMAND_PLACEHOLDER,
    FEED_PLACEHOLDER,
    PREFERENCES_PLACEHOLDER,
    UNSUBSCRIBE_PLACEHOLDER,
)
from publisher.rendering.views import publication_view
from publisher.urls import SubscriberPage
from subscribers import load_feed_generation

# The link that each kind is about: what it is signed as, and its page. Other kinds have none.
ACTION_LINKS: Final[dict[NoticeKind, tuple[LinkKind, SubscriberPage]]] = {
    NoticeKind.CONFIRM: ("confirm", "confirm"),
    NoticeKind.REMINDER: ("confirm", "confirm"),
    NoticeKind.GOODBYE: ("undo", "unsubscribe"),
    NoticeKind.CONFIRM_ADDRESS: ("address", "address"),
    NoticeKind.ADDRESS_CHANGED: ("undo-address", "address"),
    NoticeKind.DATA: ("data", "data"),
}
# Kinds whose message offers one-click unsubscribing.
_WITH_UNSUBSCRIBE: Final = frozenset(
    {NoticeKind.ALREADY_SUBSCRIBED, NoticeKind.WELCOME, NoticeKind.LINKS}
)
# The format of the subscriber's own feed that a mail links to: feed readers know it best.
_FEED_FORMAT: Final = "atom"
# Rendered mails that are kept. Each is some 20 KB.
_KEPT: Final = 64


@dataclass(slots=True)
class NoticeComposer:
    """Composes notices with the templates and settings of one moment."""

    settings: Settings
    render: Callable[[SystemMail], Digest]
    secret: str = field(repr=False)
    signers: Sequence[DkimSigner] = ()
    _rendered: dict[SystemMail, Digest] = field(default_factory=dict)

    def compose(self, connection: Connection, row: QueuedNotice) -> Message:
        """Return the message. Raise RenderingError, or DeliveryError if none can be written."""
        publication = self.settings.publication
        language = publication.serves(row.language) or publication.default_language
        digest = self._digest(self._system_mail(connection, row, language))
        offers_to_leave = row.kind in _WITH_UNSUBSCRIBE
        mail = SubscriptionMail(
            publication=publication,
            language=language,
            subject=digest.subject,
            html=digest.html,
            text=digest.text,
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

    def _digest(self, mail: SystemMail) -> Digest:
        if mail not in self._rendered:
            if len(self._rendered) >= _KEPT:
                self._rendered.clear()
            self._rendered[mail] = self.render(mail)
        return self._rendered[mail]

    def _system_mail(
        self, connection: Connection, row: QueuedNotice, language: str
    ) -> SystemMail:
        names = row.content.get("newsletters", [])
        is_welcome = row.kind is NoticeKind.WELCOME
        latest = (self._latest(connection, name, language) for name in names if is_welcome)
        return SystemMail(
            kind=row.kind.value,
            publication=publication_view(self.settings.publication, language),
            newsletters=tuple(self._title(name, language) for name in names),
            latest=tuple(line for line in latest if line),
            mailbox=self._mailbox,
            has_feed=self.settings.web.enabled,
            has_code="code" in row.content,
            has_new_address="changed" in row.content,
        )

    @property
    def _mailbox(self) -> str:
        """The address that takes commands by mail, or an empty string."""
        box = self.settings.mailbox
        return (box.address or self.settings.publication.sender.address) if box else ""

    def _title(self, newsletter: str, language: str) -> str:
        found = self.settings.newsletter(newsletter)
        if found is None:  # it was removed from the settings meanwhile
            return newsletter
        timezone = self.settings.publication.timezone
        return found.in_language(language, timezone).title(language)

    def _latest(
        self, connection: Connection, newsletter: str, language: str
    ) -> IssueLine | None:
        for issue in issues.published_issues(connection, newsletter, language, 1):
            path = urls.issue_path(issue.language, issue.newsletter, issue.day)
            url = urls.public_url(self.settings.publication, path)
            return IssueLine(title=self._title(newsletter, language), day=issue.day, url=url)
        return None

    def _values(
        self, connection: Connection, row: QueuedNotice, language: str
    ) -> dict[str, str]:
        values = {
            UNSUBSCRIBE_PLACEHOLDER: self._link(row, language, "unsubscribe", "unsubscribe"),
            PREFERENCES_PLACEHOLDER: self._link(row, language, "preferences", "preferences"),
            COMMAND_PLACEHOLDER: self._token(row, "preferences"),
        }
        if row.kind is NoticeKind.LINKS:
            values[FEED_PLACEHOLDER] = self._feed_url(connection, row, language)
        if row.kind in ACTION_LINKS:
            kind, page = ACTION_LINKS[row.kind]
            values[ACTION_PLACEHOLDER] = self._link(row, language, kind, page)
        if "code" in row.content:
            values[CODE_PLACEHOLDER] = row.content["code"]
        if "changed" in row.content:
            values[CHANGED_PLACEHOLDER] = row.content["changed"]
        return values

    def _link(
        self, row: QueuedNotice, language: str, kind: LinkKind, page: SubscriberPage
    ) -> str:
        return f"{self._page(language, page)}?t={self._token(row, kind)}"

    def _page(self, language: str, page: SubscriberPage) -> str:
        path = urls.subscriber_page_path(language, page)
        return urls.public_url(self.settings.publication, path)

    def _feed_url(self, connection: Connection, row: QueuedNotice, language: str) -> str:
        token = sign_link(
            self.secret,
            "feed",
            row.recipient.id,
            generation=row.recipient.generation,
            number=load_feed_generation(connection, row.recipient.id),
        )
        path = urls.private_feed_path(language, token, _FEED_FORMAT)
        return urls.public_url(self.settings.publication, path)

    def _token(self, row: QueuedNotice, kind: LinkKind) -> str:
        has_number = kind in {link for link, _page in ACTION_LINKS.values()}
        return sign_link(
            self.secret,
            kind,
            row.recipient.id,
            generation=row.recipient.generation,
            number=row.content.get("number", 0) if has_number else 0,
        )
