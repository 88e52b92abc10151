"""Mail that comes in: reports of failed mail, and commands of people who live by mail alone.

They join, confirm, leave, switch the language, and get their links. Machines get no answer (RFC 3834).
Anybody can write any From. So what a From alone asks for is answered by a mail to that address, with a
link that does it. A signed token proves that somebody has our mail, and a mail server whose name is in
`[mailbox]` that the address sent this one. A Message-ID proves nothing, as it stands in each answer; but
whoever answers a mail that asks for a confirmation gives it.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from publisher.app.subscribers import access, joining, unsubscribing
from publisher.app.subscribers.preferences import PreferenceError, switch_language
from publisher.bounces import incoming_mail
from publisher.bounces.incoming_mail import field as header_field
from publisher.bounces.intake import receive_bounce, subscribers_of_links
from publisher.bounces.model import MailKind
from publisher.bounces.report import read_report
from publisher.clock import Clock
from publisher.config import Settings
from publisher.config.delivery import IMAP_PASSWORD
from publisher.database import Database
from publisher.errors import DatabaseError, UsageError
from publisher.log import log
from publisher.mail.compose import notices_of_message_ids
from publisher.mail.signed_addresses import LinkKind, SignedLink, sign_link
from publisher.mailbox import store
from publisher.mailbox.commands import MailCommand, is_assent, parse_command
from publisher.mailbox.folders import ImapMailbox, MaildirMailbox, keep_mail
from publisher.mailbox.store import MailUse
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import SentNotice, enqueue_notice, find_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from publisher.secrets import load_secret
from subscribers.addresses import normalise_address
from subscribers.changes import UndoOutcome
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.errors import BadAddressError
from subscribers.model import ConsentSource, JoinWish, Subscriber, SubscriberStatus
from subscribers.store import find_subscriber

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
    """A mail of a person. `answered`: a notice of ours. `is_authentic`: our mail server knows the sender. `text` may have our links."""

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
        return ConsentOrigin(source=ConsentChannel.MAIL, message_id=self.message_id)


def run_mail_command(mail: CommandMail, command: MailCommand) -> MailUse:
    """Do what a mail asks for, and return what was done. UNKNOWN if it means nothing."""
    if command.use is MailUse.UNSUBSCRIBE:
        return _unsubscribe(mail, command)
    return command.use if _COMMANDS[command.use](mail, command) else MailUse.UNKNOWN


def _unsubscribe(mail: CommandMail, command: MailCommand) -> MailUse:
    (word,) = command.arguments or ("",)
    link = unsubscribing.read_leave_link(mail.secret, word) if word else None
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
    scope = (
        unsubscribing.LeaveScope.NEWSLETTER if link.newsletter else unsubscribing.LeaveScope.ALL
    )
    unsubscribing.leave(mail.connection, link, scope, mail.now, source)
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
    left = [unsubscribing.read_undo_link(mail.secret, word) for word in command.arguments]
    if left and left[0]:
        return unsubscribing.undo(mail.connection, left[0], mail.now) is not UndoOutcome.ENDED
    language = settings.publication.serves(command.language)
    language = language or settings.publication.default_language
    known = [one.name for one in settings.newsletters]
    names = tuple(map(settings.present_name, command.arguments)) or tuple(
        name for name in known if settings.edition(name, language)
    )
    if not names or not {*names} <= {*known}:
        return False
    wish = JoinWish(names, language)
    request = joining.SubscriptionRequest(mail.sender, wish, mail.origin)
    joining.request_subscription(mail.connection, settings, request, mail.now)
    return True


def _confirm(mail: CommandMail, command: MailCommand) -> bool:
    (word,) = command.arguments or ("",)
    connection, settings, now = mail.connection, mail.settings, mail.now
    if len(word) == _CODE_LENGTH and word.isdecimal():
        view = joining.confirm_by_code(
            connection, settings, mail.sender, word, mail.origin, now
        )
    else:
        token = word or _asked_token(mail)
        if _confirm_address(mail, token):
            return True
        view = joining.confirm_by_link(connection, settings, token, mail.origin, now)
    return view.state is not joining.ConfirmationState.UNKNOWN


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
    change = access.read_address_link(connection, mail.secret, "address", token, now)
    if change:
        access.confirm_new_address(connection, settings, change, now)
        return True
    change = access.read_address_link(connection, mail.secret, "undo-address", token, now)
    if change:
        access.undo_new_address(connection, settings, change, now)
    return change is not None


def _switch_language(mail: CommandMail, command: MailCommand) -> bool:
    if not command.arguments:
        return False
    tag, *token = command.arguments
    person = None
    if token:
        person = access.read_preferences_link(mail.connection, mail.secret, token[0])
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
    access.send_own_links(mail.connection, mail.settings, keys, mail.sender, mail.now)
    return True


_COMMANDS: Final[dict[MailUse, Callable[[CommandMail, MailCommand], bool]]] = {
    MailUse.SUBSCRIBE: _subscribe,
    MailUse.CONFIRM: _confirm,
    MailUse.LANGUAGE: _switch_language,
    MailUse.LINKS: _send_links,
}

# What is left in the mailbox for its owner to read.
LEFT_UNREAD: Final = frozenset({MailUse.UNKNOWN, MailUse.HELD, MailUse.FAILED})
# Commands of one address that are answered. Two programs could answer each other for ever.
_ANSWERS: Final = Limit(per=20, burst=10, period=timedelta(days=1))
_REPORTS: Final = {
    MailKind.BOUNCE: MailUse.BOUNCE,
    MailKind.COMPLAINT: MailUse.COMPLAINT,
    MailKind.AUTO_REPLY: MailUse.AUTO_REPLY,
}
# Mail of a list, or to many: no person asks for anything in it.
_TO_MANY: Final = frozenset({"bulk", "list", "junk"})


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
    """Receive and commit one mail of a mail server. A mail for the owner is kept in the Maildir `var/mailbox`."""
    with database.writing() as connection:
        use = receive_mail(connection, settings, load_secret(settings), raw, now)
        if use in LEFT_UNREAD:
            keep_mail(settings.folders.var / "mailbox", raw)
    return use


def poll_mailbox(settings: Settings, database: Database, clock: Clock) -> Counter[MailUse]:
    """Receive the mails that wait in the mailbox, each moved or marked after its own commit; return how many there were of each use."""
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


def _use(
    connection: Connection, settings: Settings, secret: str, raw: bytes, now: datetime
) -> MailUse:
    report = read_report(raw)
    if report.mail in _REPORTS:
        receive_bounce(connection, settings, secret, raw, now, "mailbox")
        return _REPORTS[report.mail]
    message = incoming_mail.parse_mail(raw)
    sender = incoming_mail.sole_sender(incoming_mail.fields(message, "From"))
    if _is_to_many(message) or sender.lower() in _own_addresses(settings):
        return MailUse.UNKNOWN
    mail = CommandMail(
        connection,
        settings,
        secret,
        now,
        sender,
        header_field(message, "Message-ID")[:200],
        _answered_notice(connection, secret, message),
        _is_authentic(settings, message, sender),
        report.identifiers,
    )
    command = _command_of(message, mail)
    if command is None:
        return MailUse.UNKNOWN
    try:
        if command.use is not MailUse.UNSUBSCRIBE and _is_often(mail):
            log.info("an address sends more commands than are answered")
            return MailUse.UNKNOWN
        return run_mail_command(mail, command)
    except BadAddressError:
        return MailUse.UNKNOWN


def _command_of(message: Message, mail: CommandMail) -> MailCommand | None:
    """Return the command that a mail gives; an answer that says yes confirms what it answers."""
    parts = incoming_mail.leaf_parts(message)
    texts = (part for part in parts if part.get_content_maintype() == "text")
    text = next(map(incoming_mail.part_text, texts), "")
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    command = parse_command(header_field(message, "Subject"), first_line)
    if command is None and mail.asked and is_assent(text):
        return MailCommand(MailUse.CONFIRM)
    return command


def _is_often(mail: CommandMail) -> bool:
    """Count a command. Leaving is not counted here: with a proof, nobody may prevent it."""
    identity = normalise_address(mail.sender).identity
    key = LimitKeys(mail.secret).key("commands by mail", identity)
    return check_limit(mail.connection, key, _ANSWERS, mail.now) is not None


def _is_authentic(settings: Settings, message: Message, sender: str) -> bool:
    name = settings.mailbox.authserv_id if settings.mailbox else ""
    domain = sender.rpartition("@")[2]
    results = incoming_mail.fields(message, "Authentication-Results")
    return bool(name and domain) and incoming_mail.is_authenticated(results, name, domain)


def _is_to_many(message: Message) -> bool:
    return (
        bool(message.get("List-Id")) or header_field(message, "Precedence").lower() in _TO_MANY
    )


def _own_addresses(settings: Settings) -> set[str]:
    own = {settings.publication.sender.address.lower()}
    box = settings.mailbox
    return own | {box.address.lower()} if box and box.address else own


def _answered_notice(
    connection: Connection, secret: str, message: Message
) -> SentNotice | None:
    texts = (
        *incoming_mail.fields(message, "In-Reply-To"),
        *incoming_mail.fields(message, "References"),
    )
    for number in notices_of_message_ids(secret, " ".join(texts)):
        return find_notice(connection, number)
    return None
