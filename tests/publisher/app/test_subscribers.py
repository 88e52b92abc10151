"""The owner's use cases for subscribers, and what they mean for mail that is under way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from threading import Lock

import pytest
from sqlalchemy import MetaData, select

from publisher.accounts import audit
from publisher.app.editing_state import record_by_owner
from publisher.app.subscribers import (
    address_digest,
    erase_address,
    export_subscribers,
    find_record,
    import_subscribers,
    read_subscribers,
    resubscribe_address,
    unsubscribe_address,
)
from publisher.config.delivery import SmtpSettings, Tls
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import Transport
from publisher.delivery.transports.smtp.transport import SmtpTransport
from publisher.errors import ConsentError, UsageError
from publisher.testing import SECRET, MailServer, Moment, Phase, Reply, addressed
from subscribers import (
    BadFileError,
    ConsentSource,
    ErasedSubscriberError,
    ImportReport,
    SubscriberEvent,
    SubscriberStatus,
    UnknownSubscriberError,
    suppress,
)
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import counts, outbox, ready, send, subscribe

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
SOON = timedelta(minutes=7)
ACTIVE, LEFT = SubscriberStatus.ACTIVE, SubscriberStatus.UNSUBSCRIBED


@pytest.fixture
def three(publication: PublicationFolder) -> PublicationFolder:
    subscribe(publication, (ANN, "en"), (BOB, "en"), (CYD, "en"))
    return publication


def imported(
    publication: PublicationFolder, *addresses: str, returned: tuple[str, ...] = ()
) -> ImportReport:
    lines = ["email\n", *(f"{address}\n" for address in addresses)]
    return import_subscribers(
        publication.settings, publication.database, lines, NOW, returned=returned
    )


def test_what_is_imported_can_be_read_and_exported(publication: PublicationFolder) -> None:
    assert imported(publication, ANN, BOB).added == 2
    assert [one.email for one in read_subscribers(publication.database)] == [ANN, BOB]
    out = StringIO(newline="")
    assert export_subscribers(publication.database, out) == 2
    assert f"{ANN},,en,,weekly,active" in out.getvalue()


def test_the_owner_unsubscribes_and_the_history_says_so(three: PublicationFolder) -> None:
    change = unsubscribe_address(
        three.settings, three.database, "ANN@example.com", None, NOW, note="by telephone"
    )
    assert (change.changed, change.ended, change.started) == (True, ("weekly",), ())
    record = find_record(three.settings, three.database, ANN)
    assert record.subscriber == change.after
    owner, note = ConsentSource.OWNER, "by telephone"
    assert record.history.events == (
        SubscriberEvent(NOW, None, ACTIVE, LEFT, owner, note),
        SubscriberEvent(NOW, "weekly", ACTIVE, LEFT, owner, note),
    )
    again = unsubscribe_address(three.settings, three.database, ANN, None, NOW)
    assert (again.changed, again.ended) == (False, ())


def test_the_owner_resubscribes_what_was_unsubscribed(three: PublicationFolder) -> None:
    unsubscribe_address(three.settings, three.database, ANN, None, NOW)
    change = resubscribe_address(three.settings, three.database, ANN, None, NOW)
    assert (change.changed, change.started) == (True, ("weekly",))
    again = resubscribe_address(three.settings, three.database, ANN, None, NOW)
    assert (again.changed, again.started) == (False, ())


def test_what_the_owner_changes_is_in_the_audit_log_without_an_address(
    three: PublicationFolder,
) -> None:
    settings, database = three.settings, three.database
    ann = find_record(settings, database, ANN).subscriber.id
    for _twice in range(2):
        unsubscribe_address(settings, database, ANN, "weekly", NOW, note=f"{ANN} asked")
    resubscribe_address(settings, database, ANN, "weekly", NOW)
    erase_address(settings, database, ANN, NOW)
    with database.writing() as connection:
        record_by_owner(connection, settings, "announce", "old-site", NOW, articles=3)
    with database.reading() as connection:
        log = [entry for _number, entry in audit.read_log(connection, limit=9)][::-1]
        assert audit.find_fault(connection, SECRET) is None
    assert {(one.at, one.actor, one.details["via"]) for one in log} == {
        (NOW, "terminal", "terminal")
    }
    assert [(one.verb, one.object) for one in log] == [
        ("unsubscribe", f"subscriber {ann}"),
        ("resubscribe", f"subscriber {ann}"),
        ("erase", f"subscriber {ann}"),
        ("announce", "old-site"),
    ]
    assert "@" not in str(log)


def test_a_wish_about_a_newsletter_without_subscription_is_stored(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=[{"name": "weekly"}, {"name": "daily"}])
    subscribe(publication, (ANN, "en"))
    change = unsubscribe_address(publication.settings, publication.database, ANN, "daily", NOW)
    assert (change.changed, change.ended) == (True, ())
    assert change.after.declined == ("daily",)


def test_an_unknown_newsletter_is_an_error_that_names_the_others(
    three: PublicationFolder,
) -> None:
    for use_case in (unsubscribe_address, resubscribe_address):
        with pytest.raises(UsageError, match="wekly: no such newsletter; there are: weekly"):
            use_case(three.settings, three.database, ANN, "wekly", NOW)


def test_a_newsletter_that_ended_can_still_be_unsubscribed(three: PublicationFolder) -> None:
    three.reload(newsletters=[{"name": "monthly"}])
    change = unsubscribe_address(three.settings, three.database, ANN, "weekly", NOW)
    assert change.ended == ("weekly",)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("complained", "reported the mail as spam"),
        ("pending", "only the subscriber can confirm"),
    ],
)
def test_what_the_owner_may_not_undo_is_refused_with_the_address(
    publication: PublicationFolder, status: str, reason: str
) -> None:
    lines = ["email,status\n", f"{ANN},{status}\n"]
    import_subscribers(publication.settings, publication.database, lines, NOW)
    with pytest.raises(ConsentError, match=f"^{ANN}: {status} stays {status}: .*{reason}"):
        resubscribe_address(publication.settings, publication.database, ANN, None, NOW)


def test_somebody_imported_as_unsubscribed_has_no_newsletter_to_bring_back(
    publication: PublicationFolder,
) -> None:
    lines = ["email,status\n", f"{ANN},unsubscribed\n"]
    import_subscribers(publication.settings, publication.database, lines, NOW)
    with pytest.raises(UsageError, match="name one of weekly"):
        resubscribe_address(publication.settings, publication.database, ANN, None, NOW)
    change = resubscribe_address(publication.settings, publication.database, ANN, "weekly", NOW)
    assert change.started == ("weekly",)


def test_a_bounce_is_undone_for_all_newsletters(three: PublicationFolder) -> None:
    with three.database.writing() as connection:
        suppress(connection, ANN, SubscriberStatus.BOUNCED, NOW)
    change = resubscribe_address(three.settings, three.database, ANN, None, NOW)
    assert change.started == ("weekly",)


def test_an_address_that_nobody_has_is_an_error_everywhere(
    publication: PublicationFolder,
) -> None:
    settings, database = publication.settings, publication.database
    for use_case in (
        lambda: find_record(settings, database, ANN),
        lambda: unsubscribe_address(settings, database, ANN, None, NOW),
        lambda: resubscribe_address(settings, database, ANN, None, NOW),
        lambda: erase_address(settings, database, ANN, NOW),
    ):
        with pytest.raises(UnknownSubscriberError, match=ANN):
            use_case()


def test_an_erased_address_is_recognised_and_comes_back_only_on_request(
    three: PublicationFolder,
) -> None:
    erase_address(three.settings, three.database, "Ann@Example.com", NOW)
    with pytest.raises(ErasedSubscriberError, match="was erased on 2026-01-09"):
        find_record(three.settings, three.database, ANN)
    with pytest.raises(ConsentError, match=f"import it with --returned {ANN}"):
        resubscribe_address(three.settings, three.database, ANN, None, NOW)
    report = imported(three, ANN, BOB)
    assert [str(row) for row in report.bad] == [
        "line 2: email: was erased on 2026-01-09; only the subscriber can come back"
    ]
    assert imported(three, ANN, returned=("ANN@example.com",)).added == 1
    assert find_record(three.settings, three.database, ANN).history.events == ()


def test_only_an_erased_address_can_return(three: PublicationFolder) -> None:
    stranger = "stranger@example.com"
    with pytest.raises(UsageError, match=f"{stranger}: was not erased"):
        imported(three, stranger, returned=(stranger,))


def test_an_interrupted_import_of_returned_addresses_is_done_again_as_it_was(
    three: PublicationFolder,
) -> None:
    for address in (ANN, BOB):
        erase_address(three.settings, three.database, address, NOW)
    # As far as it came.
    assert imported(three, ANN, returned=(ANN, BOB)).added == 1
    report = imported(three, ANN, BOB, returned=(ANN, BOB))
    assert (report.added, report.bad) == (1, [])


def test_another_secret_makes_other_hashes(
    publication: PublicationFolder, new_publication: Callable[..., PublicationFolder]
) -> None:
    same = new_publication().settings
    assert address_digest(publication.settings)(ANN) == address_digest(same)(ANN)
    (same.folders.var / "secret").write_text("another secret, long enough for a key")
    object.__setattr__(same, "secret", None)
    assert address_digest(publication.settings)(ANN) != address_digest(same)(ANN)


def test_no_table_has_the_address_of_somebody_erased(three: PublicationFolder) -> None:
    issue = ready(three)
    with MailServer(addressed({ANN: Reply("452 4.2.2 <ann@example.com> is full")})) as server:
        send(three, by_smtp(three, server))
    assert counts(three, issue)["deferred"] == 1
    erase_address(three.settings, three.database, ANN, NOW)
    tables = MetaData()
    with three.database.reading() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            assert "ann@example" not in str(connection.execute(select(table)).all()), table
    assert "delivery" in tables.tables


# --- mail under way


def by_smtp(publication: PublicationFolder, server: MailServer) -> Transport:
    smtp = SmtpSettings(host=server.host, port=server.port, tls=Tls.NONE, connections=2)
    return SmtpTransport(smtp, publication.settings.folders.root, None, patience=10)


def test_deferred_mail_to_who_left_or_was_erased_is_not_sent_by_smtp(
    three: PublicationFolder,
) -> None:
    issue = ready(three)

    def once(moment: Moment) -> Reply | None:
        first = moment.phase is Phase.RCPT and server_is_busy
        return Reply("452 4.2.2 the mailbox is full") if first else None

    server_is_busy = True
    with MailServer(once) as server:
        send(three, by_smtp(three, server))
        assert counts(three, issue)["deferred"] == 3
        server_is_busy = False
        unsubscribe_address(three.settings, three.database, ANN, "weekly", NOW)
        erase_address(three.settings, three.database, BOB, NOW)
        send(three.at(NOW + SOON), by_smtp(three, server))
        assert [one.recipients for one in server.messages] == [(CYD,)]
    found = counts(three, issue)
    assert (found["sent"], found["suppressed"]) == (1, 2)


class _Meanwhile:
    """An outbox; something happens before its first connection is opened."""

    def __init__(self, inner: Transport, action: Callable[[], object]) -> None:
        self._inner, self._actions, self._lock = inner, [action], Lock()

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def connect(self, lease_id: int, holds_lease: Callable[[], bool]) -> object:
        # Workers connect at the same time; none may send before it has happened.
        with self._lock:
            while self._actions:
                self._actions.pop()()
        return self._inner.connect(lease_id, holds_lease)


def test_mail_that_waits_in_the_ledger_is_not_written_for_who_left_or_was_erased(
    three: PublicationFolder,
) -> None:
    issue = ready(three)

    def leave() -> None:
        unsubscribe_address(three.settings, three.database, ANN, None, NOW)
        erase_address(three.settings, three.database, BOB, NOW)

    transport = _Meanwhile(create_transport(three.settings, "outbox"), leave)
    send(three, transport)  # type: ignore[arg-type]  # the outbox, by delegation
    mails = outbox(three).values()
    assert [CYD.encode() in mail for mail in mails] == [True]
    found = counts(three, issue)
    assert (found["sent"], found["suppressed"]) == (1, 2)


def test_others_write_while_an_import_runs(publication: PublicationFolder) -> None:
    lines = ["email\n", *(f"reader{number}@example.com\n" for number in range(250))]
    portions: list[int] = []

    def write(done: int, of: int) -> None:
        assert of == 250
        if not done:
            return
        erase_address(publication.settings, publication.database, "reader0@example.com", NOW)
        portions.append(done)
        raise KeyboardInterrupt

    # It would wait for ever if the import held the lock.
    settings, database = publication.settings, publication.database
    with pytest.raises(KeyboardInterrupt):
        import_subscribers(settings, database, lines, NOW, progress=write)
    assert portions == [100]
    assert len(read_subscribers(database)) == 99
    # What was stored stays, who was erased meanwhile too, and the rest is added.
    report = import_subscribers(settings, database, lines, NOW)
    assert (report.added, report.unchanged, report.refused) == (150, 99, 1)


def test_a_file_that_is_broken_at_its_end_changes_nothing(
    publication: PublicationFolder,
) -> None:
    lines = ["email\n", *(f"reader{number}@example.com\n" for number in range(250)), '"open\n']
    with pytest.raises(BadFileError):
        import_subscribers(publication.settings, publication.database, lines, NOW)
    assert read_subscribers(publication.database) == []
