"""A withdrawn article is in no mail that had not left, whatever the mail was rendered from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from threading import Event

import pytest

from publisher.app.pipeline import CycleReport
from publisher.config import Settings
from publisher.config.delivery import SmtpSettings, Tls
from publisher.database import Database
from publisher.delivery import variant_rendering, worker_pool
from publisher.delivery.ledger.counts import count_deliveries
from publisher.delivery.ledger.reports import count_causes
from publisher.delivery.outcomes import ACCEPTED_OUTCOME, Outcome
from publisher.delivery.states import DeliveryState
from publisher.delivery.transports.base import OutgoingMessage
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.delivery.variant_rendering import replace_withdrawn
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueReason, IssueState
from publisher.testing import MailServer, MemoryTransport, Phase, Reply, addressed, always
from tests.publisher.app.reading import Reading
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import pipeline_of

DAILY = [{"name": "daily", "schedule": "0 8 * * *"}]
ISSUE = "daily-en-2026-01-09"
HOUR = timedelta(hours=1)
LATER = Reply("451 4.3.0 try again later")


@pytest.fixture
def reading(new_publication: Callable[..., PublicationFolder]) -> Reading:
    """Three subscribers, one of whom wants one topic only, and an issue of two stories."""
    reading = Reading(new_publication(languages=["en"], newsletters=DAILY))
    reading.join("ann", "en")
    reading.join("bob", "en")
    reading.join("cyd", "en", topics=("Rivers",))
    for story in (1, 2):
        reading.write(story, "en", topics="[Rivers]" if story == 1 else "[Hills]")
    return reading


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that puts two of the subscribers off."""
    later = addressed(dict.fromkeys(("bob@example.com", "cyd@example.com"), LATER))
    with MailServer(later) as server:
        yield server


def run(reading: Reading, server: MailServer, hours: int = 0) -> CycleReport:
    smtp = SmtpSettings(host=server.host, port=server.port, tls=Tls.NONE)
    transport = SmtpTransport(smtp, reading.publication.settings.folders.root, None)
    return pipeline_of(reading.publication.at(NOW + hours * HOUR), transport).run()


def withdraw(reading: Reading, story: int) -> None:
    (reading.publication.articles / f"en/s{story}.md").unlink()


def issue_of(reading: Reading) -> Issue:
    with reading.publication.database.reading() as connection:
        found = issues.issue_by_name(connection, ISSUE)
    assert found is not None
    return found


def text_for(server: MailServer, name: str) -> str:
    (mail,) = (one for one in server.messages if one.recipient == f"{name}@example.com")
    return text_of(mail.content)


def text_of(content: bytes) -> str:
    message = parsed(content)
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return str(message["Subject"]) + "".join(body.get_content() for body in bodies if body)


def states(reading: Reading) -> dict[str, int]:
    number = issue_of(reading).id
    with reading.publication.database.reading() as connection:
        return dict(count_deliveries(connection, [number])[number])


def test_mails_that_wait_are_made_again_without_a_withdrawn_article(
    reading: Reading, server: MailServer
) -> None:
    run(reading, server)
    assert states(reading) == {"sent": 1, "deferred": 2}
    assert "Story 1" in text_for(server, "ann")
    withdraw(reading, 1)
    server.behaviour = None
    assert run(reading, server, 1).problems == []
    mail = text_for(server, "bob")
    assert "Story 1" not in mail
    assert "Story 2" in mail
    # She wanted nothing else.
    assert states(reading) == {"sent": 2, "cancelled": 1}
    assert issue_of(reading).reason == (
        "1 not sent: all articles for the subscriber were withdrawn before the mail was made"
    )


def test_an_issue_without_a_story_is_cancelled_for_those_who_have_not_got_it(
    reading: Reading, server: MailServer
) -> None:
    run(reading, server)
    server.behaviour = None
    # Others stay, so that the source has not lost everything at once.
    for story in (1, 2):
        withdraw(reading, story)
    run(reading, server, 1)
    found = issue_of(reading)
    assert states(reading) == {"sent": 1, "cancelled": 2}
    assert (found.state, found.reason_key) == (IssueState.SENT, IssueReason.ALL_WITHDRAWN)
    with reading.publication.database.reading() as connection:
        causes = count_causes(connection, found.id, [DeliveryState.CANCELLED], 9)
    assert [one.cause.key for one, _number in causes.items()] == ["withdrawn"]
    assert len(server.messages) == 1


def test_a_mail_that_only_recommends_a_withdrawn_article_is_made_again(
    reading: Reading, server: MailServer
) -> None:
    reading.write(3, "en", topics="[Hills]", date="2025-11-01")
    run(reading, server)
    assert "Story 3" in text_for(server, "ann")
    withdraw(reading, 3)
    server.behaviour = None
    assert run(reading, server, 1).problems == []
    assert "Story 3" not in text_for(server, "bob")
    assert {"Story 1", "Story 2"} <= {
        name for name in ("Story 1", "Story 2") if name in text_for(server, "bob")
    }
    assert states(reading) == {"sent": 3}


def test_a_mail_is_made_again_once_for_each_withdrawal(reading: Reading) -> None:
    reading.write(3, "en")
    with MailServer(always(Phase.RCPT, LATER)) as server:
        run(reading, server)
        for hours, story in ((1, 3), (2, 1)):
            withdraw(reading, story)
            run(reading, server, hours)
        server.behaviour = None
        run(reading, server, 6)
        assert [text_for(server, name).count("Story 3") for name in ("ann", "bob")] == [0, 0]
        assert "Story 1" not in text_for(server, "ann")
        assert "Story 2" in text_for(server, "ann")


def test_mails_of_a_long_run_are_made_again_when_an_article_is_withdrawn_during_it(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_looked = Event()

    def look(settings: Settings, database: Database, now: datetime) -> bool:
        is_moved = replace_withdrawn(settings, database, now)
        if is_moved:
            is_looked.set()
        return is_moved

    monkeypatch.setattr(worker_pool, "NEW_WORK_INTERVAL", 0.0)
    monkeypatch.setattr(variant_rendering, "replace_withdrawn", look)

    def outcome(_outgoing: OutgoingMessage) -> Outcome:
        if not is_looked.is_set():
            withdraw(reading, 1)
            pipeline_of(reading.publication).prepare()
            assert is_looked.wait(60)
        return ACCEPTED_OUTCOME

    for number in range(5):
        reading.join(f"dan{number}", "en")
    transport = MemoryTransport("ambiguous", outcomes=outcome)
    assert pipeline_of(reading.publication, transport).run().problems == []
    first, *others = [text_of(one.message.content) for one in transport.taken]
    assert "Story 1" in first
    assert [one.count("Story 1") for one in others] == [0] * 6
    assert states(reading) == {"sent": 7, "cancelled": 1}
