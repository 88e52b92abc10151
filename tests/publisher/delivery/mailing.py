"""Subscribers and ready issues, stored where delivery finds them, without articles or templates."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256

from sqlalchemy import Connection, select, update

from publisher.clock import SystemTimer, Timer
from publisher.config.delivery import SmtpSettings, Tls
from publisher.database import Database
from publisher.delivery.causes import explain_delivery
from publisher.delivery.dispatcher import DeliveryReport, Dispatcher, Progress
from publisher.delivery.ledger import lifecycle
from publisher.delivery.ledger.claims import Claim
from publisher.delivery.tables import delivery
from publisher.delivery.transports import base as transports
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.issues import digests
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.languages import normalise
from publisher.mail.dkim import DkimSigner
from publisher.testing import SECRET
from subscribers.model import Recipient
from subscribers.preferences import Cadence, load_preferences, store_preferences
from subscribers.store import erase as erase_subscriber
from subscribers.store import find_subscriber
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.mail.samples import an_issue_mail
from tests.subscribers.importing import import_csv
from tools.servers import MailServer

DAY = date(2026, 1, 9)


def many(count: int) -> list[tuple[str, str]]:
    """Return so many rows to subscribe."""
    return [(f"reader.{number}@example.com", "en") for number in range(count)]


def subscribe(publication: PublicationFolder, *rows: tuple[str, str]) -> None:
    """Import subscribers of the weekly, each an address and a language."""
    lines = ["email,name,language,timezone,newsletters,status"]
    lines += [f"{email},Ann Example,{tag},,weekly,active" for email, tag in rows]
    with publication.database.writing() as connection:
        report = import_csv(
            connection,
            [f"{line}\n" for line in lines],
            languages=normalise,
            newsletters=["weekly", "daily"],
            now=NOW,
        )
    assert report.added == len(rows)


def ready(
    publication: PublicationFolder, language: str = "en", *, batch: bool = True, **body: str
) -> Issue:
    """Make an issue that waits to be sent; `page` says if its page is on the web."""
    letter = an_issue_mail(language)
    parts = {"html": letter.html, "text": letter.text} | body
    with publication.database.writing() as connection:
        due_at = min(NOW, publication.clock.now())
        planned = Issue(newsletter="weekly", language=language, day=DAY, due_at=due_at)
        issues.add_occurrence(connection, planned)
        found = issues.issue_by_name(connection, f"weekly-{language}-{DAY}")
        assert found is not None
        found = issues.move_issue(connection, found, IssueState.ASSEMBLING, assembled_at=NOW)
        rest = {"subject": letter.subject, "preheader": "", "page": "", "sha256": "0"}
        digests.freeze_digest(connection, found, rest | parts)
        if batch:
            digests.mark_page_written(connection, found, "0")
        return issues.move_issue(connection, found, IssueState.READY)


def ready_for(publication: PublicationFolder, *rows: tuple[str, str]) -> Issue:
    """Subscribe readers, and make an English issue that waits to be sent."""
    subscribe(publication, *rows)
    return ready(publication)


def send(
    publication: PublicationFolder,
    transport: transports.Transport | None = None,
    progress: Progress | None = None,
    *,
    signers: Sequence[DkimSigner] = (),
    timer: Timer | None = None,
) -> DeliveryReport:
    """Run delivery once, by default into the outbox."""
    return Dispatcher(
        publication.settings,
        publication.database,
        transport or create_transport(publication.settings, "outbox"),
        SECRET,
        publication.clock,
        progress,
        signers=signers,
        timer=timer,
    ).deliver()


def once(
    act: Callable[[], object], then: transports.Outcome = transports.ACCEPTED_OUTCOME
) -> Callable[[transports.OutgoingMessage], transports.Outcome]:
    """Do something while the first message is sent."""
    todo = [act]

    def outcome(_outgoing: transports.OutgoingMessage) -> transports.Outcome:
        if todo:
            todo.pop()()
        return then

    return outcome


def by_smtp(publication: PublicationFolder, server: MailServer) -> transports.Transport:
    smtp = SmtpSettings(host=server.host, port=server.port, tls=Tls.NONE, connections=2)
    return SmtpTransport(smtp, publication.settings.folders.root, None, patience=10)


def a_dispatcher(publication: PublicationFolder) -> Dispatcher:
    """Return the dispatcher of a run into the outbox, for its single steps."""
    settings, database = publication.settings, publication.database
    parts = (settings, database, create_transport(settings, "outbox"), SECRET)
    return Dispatcher(*parts, publication.clock, timer=SystemTimer())


def the_issue(publication: PublicationFolder, language: str = "en") -> Issue:
    with publication.database.reading() as connection:
        found = issues.issue_by_name(connection, f"weekly-{language}-{DAY}")
    assert found is not None
    return found


def state_of(publication: PublicationFolder, language: str = "en") -> IssueState:
    return the_issue(publication, language).state


def pause(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        lifecycle.pause_issue(connection, the_issue(publication), "by hand", NOW)


def resume(publication: PublicationFolder, language: str = "en") -> None:
    with publication.database.writing() as connection:
        issue = the_issue(publication, language)
        lifecycle.resume_issue(connection, issue, publication.clock.now())


def cancel(publication: PublicationFolder) -> None:
    with publication.database.writing() as connection:
        lifecycle.cancel_issue(connection, the_issue(publication), "by hand", NOW)


def counts(publication: PublicationFolder, issue: Issue) -> dict[str, int]:
    with publication.database.reading() as connection:
        return dict(lifecycle.count_deliveries(connection, [issue.id])[issue.id])


def reasons(publication: PublicationFolder) -> Counter[str | None]:
    with publication.database.reading() as connection:
        rows = connection.execute(select(delivery)).all()
    return Counter(explain_delivery(row.state, row.reason_key, row.reason) for row in rows)


def number_of(database: Database, email: str) -> int:
    with database.reading() as connection:
        recipient = find_subscriber(connection, email)
    assert recipient is not None
    return recipient.id


def choose_cadence(
    connection: Connection, number: int, cadence: Cadence, newsletter: str = "weekly"
) -> None:
    """Let a subscriber choose how often the newsletter comes."""
    chosen = load_preferences(connection, number)
    store_preferences(connection, number, replace(chosen, cadences={newsletter: cadence}), NOW)


def erase(database: Database, email: str) -> None:
    """Erase a subscriber, as the law demands on request."""

    def digest(identity: str) -> str:
        return sha256(identity.encode()).hexdigest()

    with database.writing() as connection:
        erase_subscriber(connection, email, digest, NOW)


def spoil(database: Database, email: str) -> None:
    """Store an address that no header can hold, as a damaged import might."""
    with database.writing() as connection:
        here = subscriber.c.email == email
        connection.execute(update(subscriber).where(here).values(address="a b@c d, e"))


def outbox(publication: PublicationFolder) -> dict[str, bytes]:
    """Give every file of the outbox, whole or not, by its path."""
    folder = publication.settings.folders.outbox
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


class Interrupted(BaseException):
    """What a kill looks like from inside: no `except Exception` catches it."""


def a_claim(number: int = 1, *, issue_id: int = 1) -> Claim:
    """Return a claim for a test that needs no ledger."""
    recipient = Recipient(number, f"reader{number}@example.com", "Ann", "en", None)
    return Claim(issue_id, recipient, 1, 0, NOW, None)


def claims(count: int, first: int = 1) -> list[Claim]:
    return [a_claim(number) for number in range(first, first + count)]
