"""What people ask for by mail: join, confirm, leave, switch the language, and get one's links.

Whoever forges a From can at most make its owner leave, which is answered by a mail with an undo. All
else that a From alone asks for is answered by a mail to that address. A signed token, or the
Message-ID of a notice, proves that somebody has read our mail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publisher.app.joining import (
    ConfirmationState,
    SubscriptionRequest,
    confirm_by_code,
    confirm_by_link,
    request_subscription,
)
from publisher.app.leaving import LeaveScope, leave, read_leave_link, read_undo_link, undo
from publisher.app.own_address import confirm_new_address, read_address_link, undo_new_address
from publisher.app.own_links import read_preferences_link, send_own_links
from publisher.app.preferences import PreferenceError, switch_language
from publisher.mail.signed_links import LinkKind, SignedLink, sign_link
from publisher.mailbox.commands import MailCommand, MailUse
from publisher.notices.kinds import NoticeKind
from publisher.request_limits import LimitKeys
from subscribers import ConsentChannel, ConsentOrigin, JoinWish, UndoOutcome, find_subscriber

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.config import Settings
    from publisher.notices.queue import SentNotice

# Whoever answers one of these confirms.
_ASKING_KINDS: Final = frozenset(
    {NoticeKind.CONFIRM, NoticeKind.REMINDER, NoticeKind.CONFIRM_ADDRESS}
)
_CODE_LENGTH: Final = 6


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail of a person, and what was found in it. `answered` is a notice of ours that it answers."""

    connection: Connection
    settings: Settings
    secret: str
    now: datetime
    sender: str
    message_id: str
    answered: SentNotice | None

    @property
    def notice(self) -> SentNotice | None:
        """The notice, if it went to the subscriber's own address: who reads another is not her."""
        return self.answered if self.answered and self.answered.has_own_address else None

    @property
    def asked(self) -> SentNotice | None:
        """The notice, if it asked for a confirmation."""
        return self.answered if self.answered and self.answered.kind in _ASKING_KINDS else None

    @property
    def origin(self) -> ConsentOrigin:
        """What the consent record says of it."""
        return ConsentOrigin(source=ConsentChannel.MAIL, message_id=self.message_id)


def run_mail_command(mail: CommandMail, command: MailCommand) -> bool:
    """Do what a mail asks for. Return False if it means nothing, so that its owner reads it."""
    return _COMMANDS[command.use](mail, command)


def _unsubscribe(mail: CommandMail, command: MailCommand) -> bool:
    (word,) = command.arguments or ("",)
    link = read_leave_link(mail.secret, word) if word else None
    if link is None:
        if word and mail.settings.newsletter(word) is None:
            return False
        person = find_subscriber(mail.connection, mail.sender)
        if mail.notice:
            link = SignedLink("unsubscribe", mail.notice.subscriber_id, word)
        elif person:
            link = SignedLink("unsubscribe", person.id, word)
        else:
            return False
    scope = LeaveScope.NEWSLETTER if link.newsletter else LeaveScope.ALL
    leave(mail.connection, link, scope, mail.now)
    return True


def _subscribe(mail: CommandMail, command: MailCommand) -> bool:
    settings = mail.settings
    left = [read_undo_link(mail.secret, word) for word in command.arguments]
    if left and left[0]:
        return undo(mail.connection, left[0], mail.now) is not UndoOutcome.ENDED
    language = settings.publication.serves(command.language)
    language = language or settings.publication.default_language
    known = [one.name for one in settings.newsletters]
    names = tuple(map(settings.present_name, command.arguments)) or tuple(
        name for name in known if settings.edition(name, language)
    )
    if not names or not {*names} <= {*known}:
        return False
    wish = JoinWish(names, language)
    request = SubscriptionRequest(mail.sender, wish, mail.origin)
    request_subscription(mail.connection, settings, request, mail.now)
    return True


def _confirm(mail: CommandMail, command: MailCommand) -> bool:
    (word,) = command.arguments or ("",)
    connection, settings, now = mail.connection, mail.settings, mail.now
    if len(word) == _CODE_LENGTH and word.isdecimal():
        view = confirm_by_code(connection, settings, mail.sender, word, mail.origin, now)
    else:
        token = word or _asked_token(mail)
        if _confirm_address(mail, token):
            return True
        view = confirm_by_link(connection, settings, token, mail.origin, now)
    return view.state is not ConfirmationState.UNKNOWN


def _asked_token(mail: CommandMail) -> str:
    """Return the token that the answered notice has a link with; empty if it asked for nothing."""
    asked = mail.asked
    if asked is None:
        return ""
    kind: LinkKind = "address" if asked.kind is NoticeKind.CONFIRM_ADDRESS else "confirm"
    return sign_link(mail.secret, kind, asked.subscriber_id, number=asked.number)


def _confirm_address(mail: CommandMail, token: str) -> bool:
    """Confirm a new address or undo a change, and return whether the token is about one."""
    connection, settings, now = mail.connection, mail.settings, mail.now
    change = read_address_link(connection, mail.secret, "address", token, now)
    if change:
        confirm_new_address(connection, settings, change, now)
        return True
    change = read_address_link(connection, mail.secret, "undo-address", token, now)
    if change:
        undo_new_address(connection, settings, change, now)
    return change is not None


def _switch_language(mail: CommandMail, command: MailCommand) -> bool:
    if not command.arguments:
        return False
    tag, *token = command.arguments
    person = None
    if token:
        person = read_preferences_link(mail.connection, mail.secret, token[0])
    elif mail.notice:
        # Also from her address of now: somebody else may read the one that she had.
        sender = find_subscriber(mail.connection, mail.sender)
        is_hers = sender is not None and sender.id == mail.notice.subscriber_id
        person = sender if is_hers else None
    if person is None:
        # Anybody can write this From: only who reads the answer can switch.
        return _send_links(mail, command)
    try:
        switch_language(mail.connection, mail.settings, person.id, tag, mail.now)
    except PreferenceError:
        return _send_links(mail, command)
    return True


def _send_links(mail: CommandMail, _command: MailCommand) -> bool:
    keys = LimitKeys(mail.secret)
    send_own_links(mail.connection, mail.settings, keys, mail.sender, mail.now)
    return True


_COMMANDS: Final[dict[MailUse, Callable[[CommandMail, MailCommand], bool]]] = {
    MailUse.UNSUBSCRIBE: _unsubscribe,
    MailUse.SUBSCRIBE: _subscribe,
    MailUse.CONFIRM: _confirm,
    MailUse.LANGUAGE: _switch_language,
    MailUse.LINKS: _send_links,
}
