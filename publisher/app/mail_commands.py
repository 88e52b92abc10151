"""What people ask for by mail: join, confirm, leave, switch the language, and get one's links.

Anybody can write any From. So what a From alone asks for is answered by a mail to that address, with a
link that does it. A signed token proves that somebody has our mail, and a mail server whose name is in
`[mailbox]` that the address sent this one. A Message-ID proves nothing, as it stands in each answer; but
whoever answers a mail that asks for a confirmation gives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

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
from publisher.bounces.attribution import subscribers_of_links
from publisher.mail.signed_links import LinkKind, SignedLink, sign_link
from publisher.mailbox.commands import MailCommand, MailUse
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import enqueue_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from subscribers import (
    ConsentChannel,
    ConsentOrigin,
    ConsentSource,
    JoinWish,
    SubscriberStatus,
    UndoOutcome,
    find_subscriber,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.config import Settings
    from publisher.notices.queue import SentNotice
    from subscribers import Subscriber

log = structlog.get_logger()

# Whoever answers one of these confirms.
_ASKING_KINDS: Final = frozenset(
    {NoticeKind.CONFIRM, NoticeKind.REMINDER, NoticeKind.CONFIRM_ADDRESS}
)
_CODE_LENGTH: Final = 6
# Mails that one address gets because somebody wrote in its name that it wants to leave.
_ASKED_TO_LEAVE: Final = Limit(per=3, burst=2, period=timedelta(days=1))
# Such mails in all: more in an hour is somebody who writes in the name of a list.
_ALL_ASKED_TO_LEAVE: Final = Limit(per=20, burst=20, period=timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class CommandMail:
    """A mail of a person, and what was found in it.

    `answered` is a notice of ours that it answers. `is_authentic` says that our mail server has
    authenticated the sender. `text` is all in which our links may stand.
    """

    connection: Connection
    settings: Settings
    secret: str
    now: datetime
    sender: str
    message_id: str
    answered: SentNotice | None
    is_authentic: bool = False
    text: str = field(default="", repr=False)

    @property
    def asked(self) -> SentNotice | None:
        """The notice, if it asked for a confirmation."""
        return self.answered if self.answered and self.answered.kind in _ASKING_KINDS else None

    @property
    def origin(self) -> ConsentOrigin:
        """What the consent record says of it."""
        return ConsentOrigin(source=ConsentChannel.MAIL, message_id=self.message_id)


def run_mail_command(mail: CommandMail, command: MailCommand) -> MailUse:
    """Do what a mail asks for, and return what was done. UNKNOWN if it means nothing."""
    if command.use is MailUse.UNSUBSCRIBE:
        return _unsubscribe(mail, command)
    return command.use if _COMMANDS[command.use](mail, command) else MailUse.UNKNOWN


def _unsubscribe(mail: CommandMail, command: MailCommand) -> MailUse:
    (word,) = command.arguments or ("",)
    link = read_leave_link(mail.secret, word) if word else None
    source = ConsentSource.SUBSCRIBER
    if link is None:
        person = find_subscriber(mail.connection, mail.sender)
        if person is None or (word and mail.settings.newsletter(word) is None):
            return MailUse.UNKNOWN
        if person.status not in {SubscriberStatus.ACTIVE, SubscriberStatus.PENDING}:
            return MailUse.UNSUBSCRIBE  # there is nothing to ask about
        has_token = person.id in subscribers_of_links(mail.secret, mail.text)
        if not (has_token or mail.is_authentic):
            return _ask_to_leave(mail, person, word)
        link = SignedLink("unsubscribe", person.id, word)
        source = ConsentSource.SUBSCRIBER if has_token else ConsentSource.MAIL
    scope = LeaveScope.NEWSLETTER if link.newsletter else LeaveScope.ALL
    leave(mail.connection, link, scope, mail.now, source)
    return MailUse.UNSUBSCRIBE


def _ask_to_leave(mail: CommandMail, person: Subscriber, newsletter: str) -> MailUse:
    """Mail a subscriber the link that unsubscribes; hold what is too much for a list's own wishes."""

    def is_over(who: str, limit: Limit) -> bool:
        key = LimitKeys(mail.secret).key("asked by mail whether to leave", who)
        return check_limit(mail.connection, key, limit, mail.now) is not None

    if is_over(person.email, _ASKED_TO_LEAVE):
        return MailUse.ASKED  # she has the link already
    if is_over("", _ALL_ASKED_TO_LEAVE):
        log.warning("a mail that asks to leave proves nothing of its sender, and is held")
        return MailUse.HELD
    values = {"newsletters": [newsletter] if newsletter else []}
    enqueue_notice(mail.connection, NoticeKind.LINKS, person.id, mail.now, values=values)
    return MailUse.ASKED


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
    elif mail.is_authentic:
        person = find_subscriber(mail.connection, mail.sender)
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
    MailUse.SUBSCRIBE: _subscribe,
    MailUse.CONFIRM: _confirm,
    MailUse.LANGUAGE: _switch_language,
    MailUse.LINKS: _send_links,
}
