"""Mail that comes in: reports of failed mail, and commands of people who live by mail alone.

Machines get no answer (RFC 3834). What commands do is in `app.mail_commands`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import OperationalError

from publisher.app.mail_commands import CommandMail, run_mail_command
from publisher.bounces.authentication import is_authenticated, sole_sender
from publisher.bounces.incoming_mail import field, fields, leaf_parts, parse_mail, part_text
from publisher.bounces.intake import receive_bounce
from publisher.bounces.model import MailKind
from publisher.bounces.report import read_report
from publisher.config.mailbox import IMAP_PASSWORD
from publisher.errors import DatabaseError, UsageError
from publisher.mail.subscription_message import notices_of_message_ids
from publisher.mailbox import store
from publisher.mailbox.commands import MailCommand, MailUse, is_assent, parse_command
from publisher.mailbox.maildir import MaildirMailbox, keep_mail
from publisher.notices.queue import SentNotice, find_notice
from publisher.request_limits import Limit, LimitKeys, check_limit
from publisher.secret_key import load_secret
from subscribers import (
    BadAddressError,
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


def _use(
    connection: Connection, settings: Settings, secret: str, raw: bytes, now: datetime
) -> MailUse:
    report = read_report(raw)
    if report.mail in _REPORTS:
        receive_bounce(connection, settings, secret, raw, now, "mailbox")
        return _REPORTS[report.mail]
    message = parse_mail(raw)
    sender = sole_sender(fields(message, "From"))
    if _is_to_many(message) or sender.lower() in _own_addresses(settings):
        return MailUse.UNKNOWN
    mail = CommandMail(
        connection,
        settings,
        secret,
        now,
        sender,
        field(message, "Message-ID")[:200],
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
    text = _first_text(message)
    first_line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    command = parse_command(field(message, "Subject"), first_line)
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
    results = fields(message, "Authentication-Results")
    return bool(name and domain) and is_authenticated(results, name, domain)


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
        return find_notice(connection, number)
    return None


def _first_text(message: Message) -> str:
    parts = (part for part in leaf_parts(message) if part.get_content_maintype() == "text")
    return next(map(part_text, parts), "")
