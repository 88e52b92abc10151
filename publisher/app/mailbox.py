"""Mail that comes in: reports of failed mail, and commands of people who live by mail alone.

Whoever forges a From can at most make its owner leave, which is answered by a mail with an undo. All
else that a From alone asks for is answered by a mail to that address. A signed token, or the
Message-ID of a notice, proves that somebody has read our mail. Machines get no answer (RFC 3834).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import OperationalError

from publisher.app.joining import (
    ConfirmationState,
    SubscriptionRequest,
    confirm_by_code,
    confirm_by_link,
    request_subscription,
)
from publisher.app.leaving import LeaveScope, leave, read_leave_link
from publisher.app.own_links import read_preferences_link, send_own_links
from publisher.app.preferences import PreferenceError, switch_language
from publisher.bounces.incoming_mail import field, fields, leaf_parts, parse_mail, part_text
from publisher.bounces.intake import receive_bounce, recognise
from publisher.bounces.model import MailKind
from publisher.config.mailbox import IMAP_PASSWORD
from publisher.errors import DatabaseError, UsageError
from publisher.mail.signed_links import SignedLink, sign_link
from publisher.mail.subscription_message import notices_of_message_ids
from publisher.mailbox import store
from publisher.mailbox.commands import MailCommand, MailUse, is_assent, parse_command
from publisher.mailbox.maildir import MaildirMailbox, keep_mail
from publisher.notices.kinds import NoticeKind
from publisher.notices.queue import SentNotice, find_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from publisher.secret_key import load_secret
from subscribers import (
    BadAddressError,
    ConsentChannel,
    ConsentOrigin,
    JoinWish,
    find_subscriber,
    normalise_address,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from email.message import Message

    from sqlalchemy import Connection

    from publisher.clock import Clock
    from publisher.config import Settings
    from publisher.database import Database

log = structlog.get_logger()

# What is left in the mailbox for its owner to read.
LEFT_UNREAD: Final = frozenset({MailUse.UNKNOWN, MailUse.FAILED})
# Commands of one address that are answered. Two programs could answer each other for ever.
_ANSWERS: Final = Limit(per=20, burst=10, period=timedelta(days=1))
_REPORTS: Final = {
    MailKind.BOUNCE: MailUse.BOUNCE,
    MailKind.COMPLAINT: MailUse.COMPLAINT,
    MailKind.AUTO_REPLY: MailUse.AUTO_REPLY,
}
# Whoever answers one of these confirms.
_ASKING_KINDS: Final = frozenset({NoticeKind.CONFIRM, NoticeKind.REMINDER})
# Mail of a list, or to many: no person asks for anything in it.
_TO_MANY: Final = frozenset({"bulk", "list", "junk"})
_CODE_LENGTH: Final = 6


def receive_mail(
    connection: Connection, settings: Settings, secret: str, raw: bytes, now: datetime
) -> MailUse:
    """Do what a mail asks for, in the caller's transaction. The same mail again changes nothing."""
    digest = hashlib.sha256(raw).hexdigest()
    earlier = store.earlier_use(connection, digest)
    if earlier is not None:
        return earlier
    try:
        with connection.begin_nested():
            use = _use(connection, settings, secret, raw, now)
    except (DatabaseError, OperationalError):
        # The mail is received later.
        raise
    except Exception:
        # A mail that the program can't read must not stop those behind it.
        log.exception("a mail could not be read by a fault of the program")
        use = MailUse.FAILED
    store.add_received(connection, digest, use, now)
    return use


def receive_piped(settings: Settings, database: Database, raw: bytes, now: datetime) -> MailUse:
    """Receive one mail from a mail server. When this returns, it is committed.

    A mail for the owner is kept in the Maildir `var/mailbox`.
    """
    with database.writing() as connection:
        use = receive_mail(connection, settings, load_secret(settings), raw, now)
        if use in LEFT_UNREAD:
            keep_mail(settings.folders.var / "mailbox", raw)
    return use


def poll_mailbox(settings: Settings, database: Database, clock: Clock) -> Counter[MailUse]:
    """Receive the mails that wait in the mailbox, and return how many there were of each use.

    Each is moved or marked after its own commit. Raise UsageError without a mailbox, and
    MailboxError for one that can't be read.
    """
    box = settings.mailbox
    if box is None or box.kind == "pipe":
        raise UsageError("there is no mailbox to look into: set kind in [mailbox]")
    secret = load_secret(settings)

    def receive(raw: bytes, mark: Callable[[Connection], None]) -> MailUse:
        with database.writing() as connection:
            use = receive_mail(connection, settings, secret, raw, clock.now())
            mark(connection)
        counts[use] += 1
        return use

    counts: Counter[MailUse] = Counter()
    if box.kind == "maildir":
        maildir = MaildirMailbox(settings.folders.root / box.path)
        for name, raw in maildir.waiting():
            use = receive(raw, lambda _connection: None)
            maildir.put_away(name, is_handled=use not in LEFT_UNREAD)
    else:
        _poll_imap(settings, database, receive)
    return counts


def _poll_imap(
    settings: Settings,
    database: Database,
    receive: Callable[[bytes, Callable[[Connection], None]], MailUse],
) -> None:
    from publisher.mailbox.imap import ImapMailbox

    password = settings.secrets.get(IMAP_PASSWORD)
    if settings.mailbox is None or password is None:
        raise UsageError(
            f"the mailbox needs a password: set {IMAP_PASSWORD} in the environment"
        )
    with ImapMailbox(settings.mailbox, password.get_secret_value()) as box:
        with database.reading() as connection:
            start = store.read_mark(connection, box.name, box.uid_validity)
        for uid, raw in box.waiting(start):

            def mark(connection: Connection, uid: int = uid) -> None:
                store.write_mark(connection, box.name, box.uid_validity, uid)

            if receive(raw, mark) not in LEFT_UNREAD:
                box.put_away(uid)


@dataclass(frozen=True, slots=True)
class _Received:
    """A mail of a person, and what was found in it. `notice` is one of ours that it answers."""

    connection: Connection
    settings: Settings
    secret: str
    now: datetime
    sender: str
    message_id: str
    notice: SentNotice | None

    @property
    def origin(self) -> ConsentOrigin:
        """What the consent record says of it."""
        return ConsentOrigin(source=ConsentChannel.MAIL, message_id=self.message_id)


def _use(
    connection: Connection, settings: Settings, secret: str, raw: bytes, now: datetime
) -> MailUse:
    kind = recognise(raw)
    if kind in _REPORTS:
        receive_bounce(connection, settings, secret, raw, now, "mailbox")
        return _REPORTS[kind]
    message = parse_mail(raw)
    sender = parseaddr(field(message, "From"))[1]
    if _is_to_many(message) or sender.lower() in _own_addresses(settings):
        return MailUse.UNKNOWN
    mail = _Received(
        connection,
        settings,
        secret,
        now,
        sender,
        field(message, "Message-ID")[:200],
        _answered_notice(connection, secret, message),
    )
    first_line = _first_line(message)
    command = parse_command(field(message, "Subject"), first_line)
    is_asked = mail.notice is not None and mail.notice.kind in _ASKING_KINDS
    if command is None and is_asked and is_assent(first_line):
        command = MailCommand(MailUse.CONFIRM)
    if command is None:
        return MailUse.UNKNOWN
    try:
        if command.use is not MailUse.UNSUBSCRIBE and _is_often(mail):
            log.info("an address sends more commands than are answered")
            return MailUse.UNKNOWN
        return command.use if _COMMANDS[command.use](mail, command) else MailUse.UNKNOWN
    except BadAddressError:
        return MailUse.UNKNOWN


def _is_often(mail: _Received) -> bool:
    """Count a command. Leaving is not counted: it is answered once, and nobody may prevent it."""
    identity = normalise_address(mail.sender).identity
    key = LimitKeys(mail.secret).key("commands by mail", identity)
    return check_limit(mail.connection, key, _ANSWERS, mail.now) is not None


def _is_to_many(message: Message) -> bool:
    return bool(message.get("List-Id")) or field(message, "Precedence").lower() in _TO_MANY


def _own_addresses(settings: Settings) -> set[str]:
    own = {settings.publication.sender.address.lower()}
    box = settings.mailbox
    return own | {box.address.lower()} if box and box.address else own


def _answered_notice(
    connection: Connection, secret: str, message: Message
) -> SentNotice | None:
    texts = (*fields(message, "In-Reply-To"), *fields(message, "References"))
    for number in notices_of_message_ids(secret, " ".join(texts)):
        notice = find_notice(connection, number)
        # Who reads another mailbox is not the subscriber.
        return notice if notice and notice.has_own_address else None
    return None


def _first_line(message: Message) -> str:
    for part in leaf_parts(message):
        if part.get_content_maintype() == "text":
            lines = (line.strip() for line in part_text(part).splitlines())
            return next((line for line in lines if line), "")
    return ""


def _unsubscribe(mail: _Received, command: MailCommand) -> bool:
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


def _subscribe(mail: _Received, command: MailCommand) -> bool:
    settings = mail.settings
    language = settings.publication.serves(command.language)
    language = language or settings.publication.default_language
    known = [one.name for one in settings.newsletters]
    names = command.arguments or tuple(
        name for name in known if settings.edition(name, language)
    )
    if not names or not {*names} <= {*known}:
        return False
    wish = JoinWish(names, language)
    request = SubscriptionRequest(mail.sender, wish, mail.origin)
    request_subscription(mail.connection, settings, request, mail.now)
    return True


def _confirm(mail: _Received, command: MailCommand) -> bool:
    (word,) = command.arguments or ("",)
    connection, settings, now = mail.connection, mail.settings, mail.now
    if len(word) == _CODE_LENGTH and word.isdecimal():
        view = confirm_by_code(connection, settings, mail.sender, word, mail.origin, now)
    elif word:
        view = confirm_by_link(connection, settings, word, mail.origin, now)
    elif mail.notice and mail.notice.kind in _ASKING_KINDS:
        token = sign_link(
            mail.secret, "confirm", mail.notice.subscriber_id, number=mail.notice.number
        )
        view = confirm_by_link(connection, settings, token, mail.origin, now)
    else:
        return False
    return view.state is not ConfirmationState.UNKNOWN


def _switch_language(mail: _Received, command: MailCommand) -> bool:
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


def _send_links(mail: _Received, _command: MailCommand) -> bool:
    keys = LimitKeys(mail.secret)
    send_own_links(mail.connection, mail.settings, keys, mail.sender, mail.now)
    return True


_COMMANDS: Final[dict[MailUse, Callable[[_Received, MailCommand], bool]]] = {
    MailUse.UNSUBSCRIBE: _unsubscribe,
    MailUse.SUBSCRIBE: _subscribe,
    MailUse.CONFIRM: _confirm,
    MailUse.LANGUAGE: _switch_language,
    MailUse.LINKS: _send_links,
}
