"""Runs of delivery to a mail server: real sockets, real threads, and a server that misbehaves."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery import worker_pool
from publisher.delivery.dispatcher import DeliveryReport
from publisher.delivery.ledger import lifecycle
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.mail.signed_addresses import subscribers_of_tokens
from publisher.testing import SECRET
from subscribers.model import SubscriberStatus
from subscribers.store import find_subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.delivery.mailing import counts, send
from tools.servers import Drop, MailServer, Phase, Reply, addressed, always, first

ISSUE = "weekly-en-2026-01-09"
SOON = timedelta(minutes=7)


def recipient(number: int) -> str:
    return mailing.many(number + 1)[number][0]


@dataclass
class SmtpPublication:
    """A publication whose mail goes to a server."""

    publication: PublicationFolder
    server: MailServer
    issue: Issue
    settings: dict[str, Any] = field(default_factory=dict)

    def send(self, later: timedelta = timedelta()) -> DeliveryReport:
        smtp = SmtpSettings(
            host=self.server.host,
            port=self.server.port,
            tls=Tls.NONE,
            connections=2,
            promised=4,
            **self.settings,
        )
        transport = SmtpTransport(
            smtp, self.publication.settings.folders.root, None, patience=10
        )
        return send(self.publication.at(NOW + later), transport)

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.publication, self.issue)

    def stands(self) -> Issue:
        return mailing.the_issue(self.publication)

    def statuses(self) -> Counter[SubscriberStatus]:
        with self.publication.database.reading() as connection:
            found = (find_subscriber(connection, one) for one, _ in mailing.many(50))
            return Counter(one.status for one in found if one)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try lost connections again at once."""
    monkeypatch.setattr(worker_pool, "FIRST_RECONNECT_WAIT", 0.01)


@pytest.fixture
def wired(publication: PublicationFolder) -> Callable[..., SmtpPublication]:
    def make(server: MailServer, recipients: int = 20) -> SmtpPublication:
        mailing.subscribe(publication, *mailing.many(recipients))
        return SmtpPublication(publication, server, mailing.ready(publication))

    return make


Make = Callable[..., SmtpPublication]


def test_every_subscriber_gets_one_message_with_the_bounce_address(wired: Make) -> None:
    with MailServer() as server:
        wire = wired(server, 50)
        assert wire.send() == DeliveryReport(50, [ISSUE], [])
    assert server.recipients() == dict.fromkeys(dict(mailing.many(50)), 1)
    assert {one.sender for one in server.messages} == {"digest@news.example.org"}
    assert len({one.message_id for one in server.messages}) == 50
    assert 1 <= server.connections <= 2
    assert wire.counts == {"sent": 50}


def test_with_verp_every_subscriber_has_an_address_for_bounces(wired: Make) -> None:
    with MailServer() as server:
        wire = wired(server, 10)
        wire.settings = {"bounces": "bounces@lantern.example", "verp": True}
        wire.send()
    found = {one.recipient: one.sender for one in server.messages}
    assert len(set(found.values())) == 10
    for address, sender in found.items():
        assert sender.startswith("bounces+")
        assert sender.endswith("@lantern.example")
        number = mailing.number_of(wire.publication.database, address)
        assert [*subscribers_of_tokens(SECRET, sender)] == [number]


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.HELLO, Phase.DATA])
def test_connections_lost_before_a_message_is_sent_cost_nothing(
    wired: Make, phase: Phase
) -> None:
    with MailServer(first(2, phase, Drop())) as server:
        wire = wired(server)
        assert wire.send().messages == 20
    assert server.recipients() == dict.fromkeys(dict(mailing.many(20)), 1)
    assert wire.counts == {"sent": 20}


def test_an_unknown_mailbox_bounces_and_no_reason_contains_an_address(wired: Make) -> None:
    answers = {
        recipient(3): Reply(f"550 5.1.1 <{recipient(3)}>: no such user here"),
        recipient(4): Reply(f"452 4.2.2 the mailbox of {recipient(4)} is full"),
        recipient(5): Reply(f"554 5.7.1 {recipient(5)} does not want this"),
    }
    with MailServer(addressed(answers)) as server:
        wire = wired(server)
        wire.send()
    assert wire.counts == {"sent": 17, "deferred": 1, "bounced": 2}
    assert wire.statuses() == {SubscriberStatus.ACTIVE: 19, SubscriberStatus.BOUNCED: 1}
    told = [reason for reason in mailing.reasons(wire.publication) if reason]
    assert len(told) == 3
    for reason in told:
        assert "reader." not in reason
    assert any("550 5.1.1" in reason for reason in told)


def test_a_server_that_rejects_every_mailbox_pauses_the_issue_and_suppresses_no_recipient(
    wired: Make,
) -> None:
    with MailServer(always(Phase.RCPT, Reply("550 5.1.1 no such user"))) as server:
        wire = wired(server, 30)
        (problem,) = wire.send().problems
        assert problem.startswith("the server refuses everything: ")
        paused = wire.stands()
        assert (paused.state, paused.reason) == (IssueState.PAUSED, problem)
        assert wire.statuses() == {SubscriberStatus.ACTIVE: 30}
        assert wire.counts.keys() == {"deferred", "pending"}
        # The administrator has repaired the server.
        server.behaviour = None
        with wire.publication.database.writing() as connection:
            lifecycle.resume_issue(connection, wire.stands(), NOW)
        assert wire.send() == DeliveryReport(30, [ISSUE], [])


def test_a_server_that_restarts_gets_the_rest(wired: Make) -> None:
    with MailServer() as server:
        wire = wired(server, 30)
        server.behaviour = always(Phase.CONNECT, Reply("421 4.3.2 shutting down"))
        (problem,) = wire.send().problems
        assert "421" in problem
        assert wire.stands().state == IssueState.SENDING
        assert wire.stands().reason == f"waiting: {problem}"
        assert wire.stands().reason_key == IssueReason.UNREACHABLE
        server.behaviour = None
        assert wire.send(SOON).issues == [ISSUE]
        assert (wire.stands().reason_key, wire.stands().reason) == (None, None)
    assert server.recipients() == dict.fromkeys(dict(mailing.many(30)), 1)


def test_a_server_that_asks_for_less_is_sent_less(wired: Make) -> None:
    throttle = addressed({recipient(1): Reply("451 4.7.28 too many messages from you")})
    with MailServer(throttle) as server:
        # More would have to wait for the rate.
        wire = wired(server, 2)
        wire.send()
    with wire.publication.database.reading() as connection:
        names = connection.exec_driver_sql("SELECT name FROM rate_throttle").scalars().all()
    assert names == ["smtp/example.com"]
