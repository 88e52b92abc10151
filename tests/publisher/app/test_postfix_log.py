"""Mail in doubt is decided by Postfix's log, by exact Message-IDs."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from publisher.accounts.actor import terminal_actor
from publisher.app.deliveries import list_in_doubt, reconcile_doubts
from publisher.app.postfix_log import read_postfix_log
from publisher.delivery.causes import UNANSWERED
from publisher.delivery.states import DeliveryState
from publisher.delivery.tables import delivery
from publisher.issues.model import IssueState
from publisher.issues.tables import issue_table
from tests.publisher.app.editing import audit_log, editing_state
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe

DATE = "2026-01-09T12:00:03.123456+00:00 mx"
NO_MAILBOX = (
    "host mx.example.com[192.0.2.1] said: 550 5.1.1 no such user (in reply to RCPT TO command)"
)


def queued(number: str, message_id: str) -> str:
    return f"{DATE} postfix/cleanup[812]: {number}: message-id=<{message_id}>\n"


def result(number: str, status: str, dsn: str = "2.0.0", words: str = "250 2.0.0 Ok") -> str:
    return (
        f"{DATE} postfix-out/smtp[813]: {number}: to=<ann@example.com>, relay=mx.example.com[192.0.2.1]:25, "
        f"delay=0.3, delays=0.1/0/0.1/0.1, dsn={dsn}, status={status} ({words})\n"
    )


def test_the_last_result_counts_of_a_mail_that_passed_a_filter() -> None:
    lines = [queued("4D1", "a@b"), result("4D1", "sent", words="250 2.0.0 queued as 4D2")]
    lines += [queued("4D2", "a@b"), result("4D2", "bounced", "5.1.1", NO_MAILBOX)]
    found = read_postfix_log(lines)["a@b"]
    assert (found.is_sent, found.status, found.words) == (False, "5.1.1", NO_MAILBOX)


def test_a_queue_number_that_is_used_again_is_another_mail() -> None:
    lines = [queued("4D1", "a@b"), result("4D1", "sent"), queued("4D1", "c@d")]
    lines += ["garbage\n", result("4D9", "sent"), result("4D1", "deferred", "4.2.2")]
    assert [*read_postfix_log(lines)] == ["a@b"]


@pytest.fixture
def doubtful(publication: PublicationFolder) -> PublicationFolder:
    """An issue with four mails in doubt."""
    subscribe(publication, *((f"reader-{n}@example.com", "en") for n in range(4)))
    ready(publication)
    send(publication)
    with publication.database.writing() as connection:
        rows = {"state": DeliveryState.IN_DOUBT, "reason_key": UNANSWERED.key}
        connection.execute(update(delivery).values(rows))
        connection.execute(update(issue_table).values(state=IssueState.FAILED))
    return publication


def states(publication: PublicationFolder) -> list[tuple[str, str | None]]:
    query = select(*delivery.c["state", "reason_key"]).order_by(delivery.c.subscriber_id)
    with publication.database.reading() as connection:
        return [(row.state, row.reason_key) for row in connection.execute(query)]


def log_of(publication: PublicationFolder) -> list[str]:
    """A log with the first as sent, the second as returned, the third as waiting."""
    listed = list_in_doubt(publication.settings, publication.database)
    first, second, third, fourth = (message_id.strip("<>") for _issue, message_id, _ in listed)
    lines = [queued(f"4D{n}", one) for n, one in enumerate((first, second, third))]
    lines += [result("4D0", "sent"), result("4D1", "bounced", "5.1.1", NO_MAILBOX)]
    lines += [
        result("4D2", "deferred", "4.2.2"),
        queued("4D3", f"x{fourth}"),
        result("4D3", "sent"),
    ]
    return lines


def test_what_the_log_knows_is_decided_and_the_rest_stays_in_doubt(
    doubtful: PublicationFolder,
) -> None:
    state = editing_state(doubtful)
    done = reconcile_doubts(state, terminal_actor(), log_of(doubtful))
    assert tuple(done) == (1, 1, 2)
    doubt = ("in_doubt", UNANSWERED.key)
    assert states(doubtful) == [
        ("sent", "marked-sent"),
        ("bounced", "no-mailbox"),
        doubt,
        doubt,
    ]
    entry = next(one for one in audit_log(state) if one.verb == "reconcile doubts")
    assert entry.details["sent"] == entry.details["bounced"] == 1
    assert entry.details["left"] == 2
    assert tuple(reconcile_doubts(state, terminal_actor(), [])) == (0, 0, 2)
