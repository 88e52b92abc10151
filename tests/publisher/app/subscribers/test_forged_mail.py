"""Mail that anybody can write changes nothing of a list, however much of it comes; what proves something acts."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from publisher.app.operation.attention import find_attention
from publisher.app.operation.status import take_snapshot
from publisher.app.subscribers.actions import undo_left_by_mail
from publisher.app.subscribers.incoming_mail import receive_mail
from publisher.app.subscribers.records import import_subscribers
from publisher.config.delivery import MailboxSettings
from publisher.database.retry_queue import queue_item as notice
from publisher.mail.compose import notice_message_name
from publisher.mail.signed_addresses import BounceAddresses, sign_link
from publisher.mailbox.store import MailUse
from publisher.secrets import load_secret
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.store import known_subscriber
from subscribers.tables import subscriber, subscription
from tests.publisher.bounces.mails import a_feedback_report, a_status_report, a_text
from tests.publisher.conftest import NOW, PublicationFolder, by_owner
from tests.sizes import by_lane, night_seed

BOX = "lists@news.example.org"
PASS = "mx.news.example; dmarc=pass header.from=bank.example"
FAIL = "mx.news.example; spf=fail; dkim=none; dmarc=fail header.from=bank.example"
PEOPLE = [f"mass{number}@bank.example" for number in range(60)]
HOUR = timedelta(hours=1)


class AttackedList:
    """A list of sixty people, and the mails that come in for it."""

    def __init__(self, publication: PublicationFolder, **box: object) -> None:
        values: dict[str, object] = {"kind": "maildir", "path": "Maildir", "address": BOX}
        values |= {"authserv_id": "mx.news.example"} | box
        mailbox = MailboxSettings.model_validate(values)
        self.settings = replace(publication.settings, mailbox=mailbox)
        self.publication = publication
        self.database = publication.database
        self.secret = load_secret(self.settings)
        lines = ["email,language,newsletters\n", *(f"{one},en,weekly\n" for one in PEOPLE)]
        import_subscribers(self.settings, self.database, lines, NOW)

    def receive(self, *mails: bytes, at: timedelta = HOUR) -> Counter[MailUse]:
        with self.database.writing() as connection:
            arguments = self.settings, self.secret
            return Counter(receive_mail(connection, *arguments, one, NOW + at) for one in mails)

    def number_of(self, address: str) -> int:
        return self._person(address).id

    def status_of(self, address: str) -> SubscriberStatus:
        return self._person(address).status

    def _person(self, address: str) -> Subscriber:
        with self.database.reading() as connection:
            return known_subscriber(connection, address)

    def rows(self) -> list[str]:
        """All that is stored of people and of their consent."""
        tables = subscriber, subscription
        return sorted(str(row) for one in tables for row in self.publication.rows(one))


@pytest.fixture
def attacked(publication: PublicationFolder) -> AttackedList:
    return AttackedList(publication)


def forged(kind: str, victim: str, draw: random.Random, known: list[str]) -> bytes:
    """Return a mail that somebody writes who knows the address, and Message-IDs of ours."""
    fields = {"Date": "Fri, 09 Jan 2026 12:00:00 +0000", "X-Number": str(draw.random())}
    if draw.random() < 0.5:  # half of them
        fields["Authentication_Results"] = draw.choice(
            [
                FAIL,
                PASS.replace("mx.news", "mx.evil"),
                f"{FAIL}\nAuthentication-Results: {PASS}",
            ]
        )
    if kind == "complain":
        raw = a_feedback_report(to=draw.choice([BOX, f"bounces+{'a' * 18}@news.example.org"]))
        return b"X-N: %r\n" % draw.random() + raw.replace(b"ann@example.com", victim.encode())
    if kind == "bounce":
        return b"X-N: %r\n" % draw.random() + a_status_report(recipient=victim)
    subject, body = {
        "leave": (draw.choice(["unsubscribe", "unsubscribe weekly", "退订", "إلغاء"]), ""),
        "confirm": (f"confirm {draw.randrange(10**6):06}", ""),
        "token": (f"unsubscribe v2.{'a' * 30}.{'b' * 43}", "x"),
        "language": ("language ar", ""),
        "join": ("subscribe", ""),
    }[kind]
    if kind in {"leave", "language"}:
        fields["In_Reply_To"] = draw.choice(known)
    return a_text(body, to=BOX, sender=f"<{victim}>", Subject=subject, **fields)


def test_forged_mails_of_every_kind_change_nothing(attacked: AttackedList) -> None:
    draw, of_each = random.Random(night_seed()), by_lane(50, 143)
    attacked.receive(a_text("", to=BOX, sender=PEOPLE[0], Subject="help"))
    name = f"<{notice_message_name(attacked.secret, 1)}@news.example.org>"
    known = ["<weekly-en-2026-01-09.aaaaaaaaaaaaaaaaaaaaaaaa@news.example.org>", name]
    before = attacked.rows()
    kinds = ["leave", "complain", "bounce", "confirm", "token", "language", "join"]
    mails = [forged(one, draw.choice(PEOPLE), draw, known) for one in kinds * of_each]
    uses = sum((attacked.receive(*mails[n::20], at=HOUR * n) for n in range(20)), Counter())
    assert attacked.rows() == before
    assert not {MailUse.UNSUBSCRIBE, MailUse.FAILED} & uses.keys()
    assert uses[MailUse.COMPLAINT] == uses[MailUse.BOUNCE] == of_each


def test_a_list_of_forged_leavings_is_asked_twenty_times_an_hour_and_the_rest_is_held(
    attacked: AttackedList,
) -> None:
    mails = [a_text("", to=BOX, sender=one, Subject="unsubscribe") for one in PEOPLE]
    assert attacked.receive(*mails) == {MailUse.ASKED: 20, MailUse.HELD: 40}
    with attacked.database.reading() as connection:
        assert len(connection.execute(select(notice.c.id)).all()) == 20
    snapshot = take_snapshot(attacked.settings, attacked.database, NOW + HOUR)
    (item,) = (one for one in find_attention(snapshot, NOW + HOUR) if one.kind == "mails-held")
    assert (item.urgent, item.count) == (True, 40)
    # The same in the next days is shown no more.
    later = take_snapshot(attacked.settings, attacked.database, NOW + 30 * HOUR)
    assert later.mails_held == 0


def test_a_subscriber_is_asked_twice_a_day_at_most(attacked: AttackedList) -> None:
    mails = [
        a_text("", to=BOX, sender=PEOPLE[0], Subject="unsubscribe", X_N=str(n))
        for n in range(9)
    ]
    assert attacked.receive(*mails) == {MailUse.ASKED: 9}
    with attacked.database.reading() as connection:
        assert len(connection.execute(select(notice.c.id)).all()) == 2


@pytest.mark.parametrize("way", ["token", "quoted link", "server"])
def test_what_proves_the_sender_unsubscribes_at_once(attacked: AttackedList, way: str) -> None:
    token = sign_link(attacked.secret, "unsubscribe", attacked.number_of(PEOPLE[1]))
    word, body, fields = "unsubscribe", "", {}
    if way == "token":
        word = f"unsubscribe {token}"
    elif way == "quoted link":
        body = f"> https://news.example.org/en/unsubscribe/?t={token}"
    else:
        fields["Authentication_Results"] = PASS
    mail = a_text(body, to=BOX, sender=PEOPLE[1], Subject=word, **fields)
    assert attacked.receive(mail) == {MailUse.UNSUBSCRIBE: 1}
    assert attacked.status_of(PEOPLE[1]) is SubscriberStatus.UNSUBSCRIBED


def test_a_link_of_somebody_else_proves_nothing(attacked: AttackedList) -> None:
    token = sign_link(attacked.secret, "unsubscribe", attacked.number_of(PEOPLE[2]))
    body = f"> https://news.example.org/en/unsubscribe/?t={token}"
    mail = a_text(body, to=BOX, sender=PEOPLE[1], Subject="unsubscribe")
    assert attacked.receive(mail) == {MailUse.ASKED: 1}


def test_the_owner_undoes_at_once_what_mails_without_a_token_did(
    attacked: AttackedList,
) -> None:
    attacked.receive(
        a_text("", sender=PEOPLE[0], Subject="unsubscribe", Authentication_Results=PASS)
    )
    since = NOW + HOUR * 2
    for person in PEOPLE[1:4]:
        mail = a_text(
            "", sender=person, Subject="unsubscribe weekly", Authentication_Results=PASS
        )
        attacked.receive(mail, at=HOUR * 3)
    # She left once more, by her link.
    token = sign_link(attacked.secret, "unsubscribe", attacked.number_of(PEOPLE[3]))
    mail = a_text("", sender=PEOPLE[3], Subject=f"unsubscribe {token}")
    attacked.receive(mail, at=HOUR * 4)
    # And one answers a mail of ours, which quotes the link in it.
    token = sign_link(attacked.secret, "unsubscribe", attacked.number_of(PEOPLE[5]))
    quoted = f"> https://news.example.org/en/unsubscribe/?t={token}"
    attacked.receive(a_text(quoted, sender=PEOPLE[5], Subject="unsubscribe"), at=HOUR * 4)
    assert attacked.status_of(PEOPLE[5]) is SubscriberStatus.UNSUBSCRIBED
    complained = a_link_complaint(attacked, PEOPLE[4])
    attacked.receive(complained, at=HOUR * 3)
    assert attacked.status_of(PEOPLE[4]) is SubscriberStatus.UNSUBSCRIBED
    changes, refusals = undo_left_by_mail(
        *by_owner(attacked.publication.at(NOW + HOUR * 5)), since
    )
    assert sorted(one.after.address for one in changes) == [PEOPLE[1], PEOPLE[2], PEOPLE[4]]
    assert all(one.after.newsletters == ("weekly",) for one in changes)
    assert not refusals
    assert undo_left_by_mail(*by_owner(attacked.publication.at(NOW + HOUR * 6)), since) == (
        [],
        [],
    )


def a_link_complaint(attacked: AttackedList, person: str) -> bytes:
    token = sign_link(attacked.secret, "unsubscribe", attacked.number_of(person))
    link = f"List-Unsubscribe: <https://news.example.org/en/unsubscribe/?t={token}>\n"
    return a_feedback_report(recipient=person, returned=link)


@pytest.mark.parametrize(
    ("way", "status"),
    [
        ("link", SubscriberStatus.UNSUBSCRIBED),
        ("verp", SubscriberStatus.COMPLAINED),
        ("loop", SubscriberStatus.COMPLAINED),
        ("forged loop", SubscriberStatus.UNSUBSCRIBED),
        ("user of the provider", SubscriberStatus.UNSUBSCRIBED),
    ],
)
def test_a_complaint_is_final_only_by_the_bounce_address_or_from_a_loop_of_the_settings(
    publication: PublicationFolder, way: str, status: SubscriberStatus
) -> None:
    attacked = AttackedList(publication, feedback_loops=["loop.provider.example"])
    raw = a_link_complaint(attacked, PEOPLE[5])
    if way == "verp":
        addresses = BounceAddresses(attacked.secret, "bounces@lantern.example", "+")
        verp = addresses.address_for(attacked.number_of(PEOPLE[5]))
        raw = raw.replace(b"bounces@lantern.example", verp.encode())
    elif way != "link":
        verdict = FAIL if way == "forged loop" else PASS
        host = "provider.example" if way == "user of the provider" else "loop.provider.example"
        raw = raw.replace(b"<feedback@provider.example>", f"<feedback@{host}>".encode())
        header = verdict.replace("bank.example", host)
        if way == "user of the provider":
            header = "mx.news.example; dkim=pass header.d=provider.example"
        raw = b"Authentication-Results: %b\n" % header.encode() + raw
    attacked.receive(raw)
    assert attacked.status_of(PEOPLE[5]) is status
