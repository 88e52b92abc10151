"""A life by mail alone, with nothing on the web: a Maildir, IMAP, and what `publisher mailbox` says of faults."""

import re
import sqlite3
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Engine, event

from publisher.app.subscribers.access import request_new_address
from publisher.app.subscribers.incoming_mail import (
    CommandMail,
    poll_mailbox,
    receive_mail,
    receive_piped,
    run_mail_command,
)
from publisher.app.subscribers.joining import send_reminders
from publisher.clock import FixedClock
from publisher.config.delivery import IMAP_PASSWORD, MailboxSettings
from publisher.config.web import WebSettings
from publisher.errors import DatabaseError, UsageError
from publisher.mail.signed_addresses import BounceAddresses, sign_link
from publisher.mailbox import store
from publisher.mailbox.commands import MailCommand, is_assent
from publisher.mailbox.folders import keep_mail
from publisher.mailbox.store import MailUse
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import forget_notice_addresses
from publisher.notices.sender import send_notices
from publisher.secrets import load_secret
from publisher.testing import MemoryTransport
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.preferences import load_preferences
from subscribers.store import find_subscriber, known_subscriber
from tests.publisher.bounces.mails import a_status_report
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.notices.people import RENDERER, enqueue, text_of
from tools.servers.imap_server import PASSWORD, ImapServer

ADDRESS = "lists@news.example.org"
ANN = "ann@example.org"


class Correspondent:
    """A person with a mailbox, and the publication's program that she writes to."""

    def __init__(self, publication: PublicationFolder, address: str = ANN) -> None:
        box = MailboxSettings(
            kind="maildir", path="Maildir", address=ADDRESS, authserv_id="mx.example.net"
        )
        publication.settings = replace(publication.settings, mailbox=box)
        self.publication = publication
        self.address = address
        self.at = NOW
        self.maildir = publication.settings.folders.root / "Maildir"
        self.secret = load_secret(publication.settings)
        self._written = 0

    def write(self, subject: str, body: str = "", **fields: str) -> bytes:
        """Write a mail into the Maildir."""
        self._written += 1
        mail = EmailMessage()
        mail["From"] = f"Ann <{self.address}>"
        mail["To"] = ADDRESS
        mail["Subject"] = subject
        mail["Message-ID"] = f"<{self._written}@example.org>"
        for name, value in fields.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(body)
        raw = mail.as_bytes()
        keep_mail(self.maildir, raw)
        return raw

    def poll(self) -> dict[MailUse, int]:
        publication = self.publication
        return dict(
            poll_mailbox(publication.settings, publication.database, FixedClock(self.at))
        )

    def post(self, subject: str, body: str = "", **fields: str) -> MailUse:
        """Write a mail and have it received."""
        self.write(subject, body, **fields)
        (use,) = self.poll()
        return use

    def receive(self) -> list[EmailMessage]:
        """Have all notices sent, and return them."""
        transport = MemoryTransport()
        publication = self.publication
        send_notices(
            publication.settings,
            publication.database,
            transport,
            self.secret,
            FixedClock(self.at),
            RENDERER,
        )
        return [
            message_from_bytes(one.message.content, policy=policy.default)
            for one in transport.taken
        ]

    def ask_to_move(self, new: str) -> EmailMessage:
        """Ask for a new address, as a page does. Return the mail to it."""
        settings, person = self.publication.settings, self.person
        with self.publication.database.writing() as connection:
            request_new_address(connection, settings, self.secret, person, new, NOW)
        (mail,) = self.receive()
        return mail

    def answer(self, mail: EmailMessage, body: str = "ok", subject: str = "") -> MailUse:
        return self.post(
            subject or f"Re: {mail['Subject']}", body, In_Reply_To=mail["Message-ID"]
        )

    def leave(self, subject: str) -> MailUse:
        """Ask to leave, and send the link that the answer brings."""
        assert self.post(subject) is MailUse.ASKED
        *_others, mail = self.receive()
        (token,) = {*re.findall(r"/unsubscribe/\?t=(\S+)", text_of(mail))}
        return self.post(f"unsubscribe {token}")

    @property
    def person(self) -> Subscriber:
        with self.publication.database.reading() as connection:
            return known_subscriber(connection, self.address)

    @property
    def status(self) -> str:
        with self.publication.database.reading() as connection:
            person = find_subscriber(connection, self.address)
        return person.status.value if person else "unknown"

    @property
    def language(self) -> str:
        with self.publication.database.reading() as connection:
            return load_preferences(connection, self.person.id).languages[0]


@pytest.fixture
def ann(publication: PublicationFolder) -> Correspondent:
    return Correspondent(publication)


@pytest.fixture
def member(ann: Correspondent) -> Correspondent:
    """Ann, who has joined by mail."""
    ann.post("subscribe")
    ann.answer(ann.receive()[0])
    ann.receive()
    return ann


def test_a_person_joins_switches_language_leaves_and_returns_by_mail_alone(
    ann: Correspondent,
) -> None:
    assert ann.post("訂閱 weekly") is MailUse.SUBSCRIBE
    (confirm,) = ann.receive()
    assert (ann.status, confirm["Content-Language"]) == ("pending", "zh-Hant")
    assert confirm["Reply-To"].addresses[0].addr_spec == ADDRESS
    assert ann.answer(confirm, "好") is MailUse.CONFIRM
    (welcome,) = ann.receive()
    assert (ann.status, welcome["Content-Language"]) == ("active", "zh-Hant")
    assert ann.post("語言") is MailUse.UNKNOWN
    assert ann.post("語言 ar") is MailUse.LANGUAGE
    assert ann.language == "zh-Hant"
    (links,) = ann.receive()
    line = next(line for line in text_of(links).splitlines() if "language%20ar%20" in line)
    assert line.startswith(f"mailto:{ADDRESS}?subject=")
    subject = line.partition("subject=")[2].replace("%20", " ")
    assert ann.post(subject) is MailUse.LANGUAGE
    assert ann.language == "ar"
    assert ann.leave("إلغاء الاشتراك") is MailUse.UNSUBSCRIBE
    (goodbye,) = ann.receive()
    assert (ann.status, goodbye["Content-Language"]) == ("unsubscribed", "ar")
    ann.at += timedelta(hours=2)
    assert ann.post("subscribe weekly") is MailUse.SUBSCRIBE
    assert ann.answer(ann.receive()[0]) is MailUse.CONFIRM
    assert ann.status == "active"


# The word in quotation marks that a mail says to answer with.
NAMED = re.compile("[“「«](.{1,9})[”」»]")


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant", "ar"])
@pytest.mark.parametrize("kind", [NoticeKind.CONFIRM, NoticeKind.REMINDER])
def test_the_word_that_a_mail_names_confirms_in_its_language(
    ann: Correspondent, kind: NoticeKind, language: str
) -> None:
    ann.post(
        {"en": "subscribe", "zh-Hans": "订阅", "zh-Hant": "訂閱", "ar": "اشتراك"}[language]
    )
    (mail,) = ann.receive()
    if kind is NoticeKind.REMINDER:
        ann.at += timedelta(days=1, minutes=1)
        send_reminders(ann.publication.settings, ann.publication.database, ann.at)
        (mail,) = ann.receive()
    assert mail["Content-Language"] == language
    (word,) = filter(is_assent, NAMED.findall(text_of(mail)))
    assert ann.answer(mail, f"\n{word}\n") is MailUse.CONFIRM
    assert ann.status == SubscriberStatus.ACTIVE


def test_without_pages_the_buttons_of_mails_do_what_they_say(ann: Correspondent) -> None:
    ann.publication.settings = replace(ann.publication.settings, web=WebSettings(enabled=False))

    def press() -> MailUse:
        (mail,) = ann.receive()
        found = re.search(
            r"mailto:\S+\?subject=((confirm|subscribe|unsubscribe)\S+)", text_of(mail)
        )
        assert found
        return ann.post(unquote(found[1]))

    ann.post("subscribe")
    assert press() is MailUse.CONFIRM
    assert ann.status == SubscriberStatus.ACTIVE
    # The welcome offers to leave, and the goodbye to return.
    assert press() is MailUse.UNSUBSCRIBE
    assert ann.status == SubscriberStatus.UNSUBSCRIBED
    assert press() is MailUse.SUBSCRIBE
    assert ann.status == SubscriberStatus.ACTIVE


@pytest.mark.parametrize("way", ["answer", "command"])
def test_a_new_address_is_confirmed_by_an_answer_from_it(
    member: Correspondent, way: str
) -> None:
    new = "ann@new.example"
    mail = member.ask_to_move(new)
    assert mail["To"].addresses[0].addr_spec == new
    member.address = new
    if way == "answer":
        (word,) = filter(is_assent, NAMED.findall(text_of(mail)))
        assert member.answer(mail, word) is MailUse.CONFIRM
        assert member.answer(mail, word) is MailUse.CONFIRM
    else:
        (token,) = re.findall(r"/address/\?t=(\S+)", text_of(mail))
        assert member.post(f"confirm {token}") is MailUse.CONFIRM
    assert member.status == SubscriberStatus.ACTIVE
    (told,) = member.receive()
    assert told["To"].addresses[0].addr_spec == ANN
    # The old address can undo it, by mail as well.
    (token,) = re.findall(r"/address/\?t=(\S+)", text_of(told))
    assert member.post(f"confirm {token}") is MailUse.CONFIRM
    member.address = ANN
    assert member.status == SubscriberStatus.ACTIVE


def test_an_answer_to_a_mail_about_a_new_address_does_nothing_else(
    member: Correspondent,
) -> None:
    mail = member.ask_to_move("bob@new.example")
    member.address = "bob@new.example"
    assert member.answer(mail, "unsubscribe") is MailUse.UNKNOWN
    assert member.answer(mail, "I did not ask for this") is MailUse.UNKNOWN
    member.address = ANN
    assert member.status == SubscriberStatus.ACTIVE


def test_a_code_confirms_too(ann: Correspondent) -> None:
    ann.post("subscribe")
    (confirm,) = ann.receive()
    (code,) = re.findall(r"(?<!\S)\d{6}(?!\S)", text_of(confirm))
    wrong = "000000" if code != "000000" else "111111"
    assert ann.post(f"confirm {wrong}") is MailUse.UNKNOWN
    assert ann.status == "pending"
    assert ann.post(f"confirm {code}") is MailUse.CONFIRM
    assert ann.status == "active"


def test_a_token_unsubscribes_whoever_sends_it(member: Correspondent) -> None:
    token = sign_link(member.secret, "unsubscribe", member.person.id, newsletter="weekly")
    member.address = "other@example.net"
    assert member.post(f"unsubscribe {token}") is MailUse.UNSUBSCRIBE
    member.address = ANN
    assert member.person.declined == ("weekly",)


def test_one_newsletter_is_left_by_its_name(member: Correspondent) -> None:
    assert member.leave("unsubscribe weekly") is MailUse.UNSUBSCRIBE
    assert member.person.declined == ("weekly",)
    assert member.post("unsubscribe none-such") is MailUse.UNKNOWN


def test_only_a_sender_whom_our_server_knows_switches_the_language_at_once(
    member: Correspondent,
) -> None:
    member.post("help")
    (links,) = member.receive()
    assert member.answer(links, subject="language zh-Hans") is MailUse.LANGUAGE
    assert member.language == "en"
    passed = "mx.example.net; dmarc=pass header.from=example.org"
    assert member.post("language zh-Hans", Authentication_Results=passed) is MailUse.LANGUAGE
    assert member.language == "zh-Hans"


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"List_Id": "<talk.example.net>"},
        {"Precedence": "bulk"},
        {"From": ADDRESS},
    ],
)
def test_machines_are_never_answered(ann: Correspondent, fields: dict[str, str]) -> None:
    ann.address = fields.pop("From", ann.address)
    assert ann.post("subscribe", **fields) in {MailUse.AUTO_REPLY, MailUse.UNKNOWN}
    assert ann.receive() == []


def test_an_automatic_answer_to_a_confirmation_and_one_that_says_unsubscribe_confirm_nothing(
    ann: Correspondent,
) -> None:
    ann.post("subscribe")
    (confirm,) = ann.receive()
    reply = {"In_Reply_To": confirm["Message-ID"], "Auto_Submitted": "auto-replied"}
    assert ann.post("Out of office", "I am away", **reply) is MailUse.AUTO_REPLY
    assert ann.status == "pending"
    assert ann.answer(confirm, "unsubscribe") is MailUse.ASKED
    assert ann.status != "active"


def test_a_bounce_comes_in_by_the_mailbox(member: Correspondent) -> None:
    addresses = BounceAddresses(member.secret, "b@news.example.org", "+")
    verp = addresses.address_for(member.person.id)
    keep_mail(member.maildir, a_status_report(to=verp, recipient=ANN, date=""))
    assert member.poll() == {MailUse.BOUNCE: 1}
    with member.publication.database.reading() as connection:
        assert store.count_received(connection)[MailUse.BOUNCE] == 1


def test_mail_for_the_owner_stays_unread_and_the_rest_is_marked_as_seen(
    ann: Correspondent,
) -> None:
    ann.write("I liked the ferry")
    ann.write("subscribe")
    assert ann.poll() == {MailUse.UNKNOWN: 1, MailUse.SUBSCRIBE: 1}
    names = sorted(path.name.partition(":")[2] for path in (ann.maildir / "cur").iterdir())
    assert names == ["2,", "2,S"]
    assert list((ann.maildir / "new").iterdir()) == []
    assert ann.poll() == {}


def test_a_kill_between_reading_and_moving_a_mail_counts_it_once(ann: Correspondent) -> None:
    raw = ann.write("subscribe")
    publication = ann.publication
    with publication.database.writing() as connection:
        use = receive_mail(connection, publication.settings, ann.secret, raw, NOW)
    assert use is MailUse.SUBSCRIBE
    assert ann.poll() == {MailUse.SUBSCRIBE: 1}
    assert len(ann.receive()) == 1


def test_a_kill_before_the_commit_leaves_the_mail_where_it_is(ann: Correspondent) -> None:
    ann.write("subscribe")

    class Killed(BaseException):
        pass

    def kill(_connection: Any) -> None:
        raise Killed

    engine = ann.publication.database._engine
    event.listen(engine, "commit", kill)
    try:
        with pytest.raises(Killed):
            ann.poll()
    finally:
        event.remove(engine, "commit", kill)
    assert len(list((ann.maildir / "new").iterdir())) == 1
    assert ann.status == "unknown"
    assert ann.poll() == {MailUse.SUBSCRIBE: 1}
    assert ann.status == "pending"


def test_a_piped_mail_is_stored_and_one_for_the_owner_is_kept(ann: Correspondent) -> None:
    settings, database = ann.publication.settings, ann.publication.database
    raw = ann.write("How do I pay?")
    assert receive_piped(settings, database, raw, NOW) is MailUse.UNKNOWN
    (kept,) = (settings.folders.var / "mailbox" / "new").iterdir()
    assert kept.read_bytes() == raw


def test_an_address_that_writes_without_end_is_not_answered_without_end(
    member: Correspondent,
) -> None:
    for _ in range(30):
        member.write("preferences")
    counts = member.poll()
    assert counts[MailUse.UNKNOWN] >= 15
    # Somebody who writes in her name can't keep her from leaving.
    assert member.leave("unsubscribe") is MailUse.UNSUBSCRIBE
    assert member.status == "unsubscribed"


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_who_reads_another_mailbox_is_not_the_subscriber(
    member: Correspondent, *, is_forgotten: bool
) -> None:
    person, kind = member.person.id, NoticeKind.CONFIRM_ADDRESS
    enqueue(member.publication, person, kind, to="x@example.net")
    (mail,) = member.receive()
    if is_forgotten:
        with member.publication.database.writing() as connection:
            forget_notice_addresses(connection, NOW)
    stranger = Correspondent(member.publication, "x@example.net")
    assert stranger.answer(mail, subject="unsubscribe") is MailUse.UNKNOWN
    stranger.answer(mail, subject="language ar")
    assert (member.status, member.language) == ("active", "en")


@pytest.mark.sqlite("its error")
def test_a_mail_that_the_database_had_no_room_for_is_received_later(ann: Correspondent) -> None:
    raw = ann.write("subscribe")

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("INSERT INTO queue_item"):
            raise sqlite3.OperationalError("database or disk is full")

    event.listen(Engine, "before_cursor_execute", fail)
    try:
        with pytest.raises((DatabaseError, sqlite3.OperationalError)):
            receive_piped(ann.publication.settings, ann.publication.database, raw, NOW)
    finally:
        event.remove(Engine, "before_cursor_execute", fail)
    assert ann.status == "unknown"
    assert ann.poll() == {MailUse.SUBSCRIBE: 1}


def test_a_nul_in_a_field_is_stored_by_no_database(ann: Correspondent) -> None:
    raw = ann.write("subscribe").replace(b"<1@example.org>", b"<1\0@example.org>")
    settings, database = ann.publication.settings, ann.publication.database
    assert receive_piped(settings, database, raw, NOW) is MailUse.SUBSCRIBE


def test_a_publication_without_a_mailbox_or_its_password_says_what_is_lacking(
    publication: PublicationFolder,
) -> None:
    with pytest.raises(UsageError, match=r"\[mailbox\]"):
        poll_mailbox(publication.settings, publication.database, FixedClock(NOW))
    box = MailboxSettings(kind="imap", host="localhost", user="news")
    publication.settings = replace(publication.settings, mailbox=box)
    with pytest.raises(UsageError, match=IMAP_PASSWORD):
        poll_mailbox(publication.settings, publication.database, FixedClock(NOW))


@pytest.mark.parametrize("archive", ["", "Done"])
def test_mails_on_an_imap_server_are_read_once(
    publication: PublicationFolder, archive: str
) -> None:
    ann = Correspondent(publication)
    with ImapServer(folders={"INBOX": {}, "Done": {}}) as server:
        box = MailboxSettings.model_validate(
            {"kind": "imap", "host": "localhost", "port": server.port, "tls": "none"}
            | {"user": "news", "archive": archive}
        )
        publication.settings = replace(
            publication.settings, mailbox=box, secrets={IMAP_PASSWORD: SecretStr(PASSWORD)}
        )
        server.add(ann.write("subscribe"))
        server.add(ann.write("Hello"))
        assert ann.poll() == {MailUse.SUBSCRIBE: 1, MailUse.UNKNOWN: 1}
        assert ann.poll() == {}
        assert len(server.folders["Done"]) == bool(archive)
        # The folder was made anew: it is read again, and the mails are known.
        server.uid_validity = 8
        ann.poll()
    assert len(ann.receive()) == 1


HOSTILE = st.one_of(
    st.binary(max_size=300),
    st.builds(
        lambda head, body: head.encode("utf-8", "replace") + b"\r\n\r\n" + body,
        st.text(alphabet=st.sampled_from('From: Subject: <a@b>\r\n\t=?utf-8?q?;\x00é"')),
        st.binary(max_size=100),
    ),
)


@pytest.mark.hypothesis
def test_no_mail_breaks_the_program(publication: PublicationFolder) -> None:
    @given(raw=HOSTILE)
    def check(raw: bytes) -> None:
        with publication.database.writing() as connection:
            use = receive_mail(connection, publication.settings, "x" * 20, raw, NOW)
        assert use is not MailUse.FAILED

    check()


def test_a_command_without_what_it_needs_is_for_the_owner(
    publication: PublicationFolder,
) -> None:
    secret = load_secret(publication.settings)
    with publication.database.writing() as connection:
        mail = CommandMail(connection, publication.settings, secret, NOW, ANN, "<1@x>", None)
        for use, words in (
            (MailUse.CONFIRM, ()),
            (MailUse.CONFIRM, ("v2.forged",)),
            (MailUse.SUBSCRIBE, ("v2.forged",)),
        ):
            assert run_mail_command(mail, MailCommand(use, words)) is MailUse.UNKNOWN
