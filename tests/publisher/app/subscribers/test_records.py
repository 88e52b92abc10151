"""Subscribers as their owner and editors change them, what that means for mail under way, and who may."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest

from publisher.accounts import audit
from publisher.accounts.model import (
    Actor,
    Grant,
    Role,
    terminal_actor,
)
from publisher.app.editing_state import EditingState
from publisher.app.subscribers import actions, lists, records
from publisher.app.subscribers import actions as numbers
from publisher.errors import ConsentError, ForbiddenError, LimitError, UsageError
from publisher.testing import SECRET
from subscribers.errors import ErasedSubscriberError, UnknownSubscriberError
from subscribers.lists.import_export import ImportReport
from subscribers.model import ConsentSource, SubscriberEvent, SubscriberStatus
from subscribers.tables import erased_address
from tests.publisher.app.editing import account, audit_log
from tests.publisher.conftest import NOW, PublicationFolder, by_owner, editing_state
from tests.publisher.delivery.mailing import by_smtp, counts, ready, send, subscribe
from tools.servers import MailServer, Moment, Phase, Reply

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
    return records.import_subscribers(
        publication.settings, publication.database, lines, NOW, returned=returned
    )


def test_the_owner_unsubscribes_and_resubscribes_and_the_history_says_so(
    three: PublicationFolder,
) -> None:
    change = actions.unsubscribe_somebody(
        *by_owner(three), "ANN@example.com", None, note="by telephone"
    )
    assert (change.changed, change.ended, change.started) == (True, ("weekly",), ())
    record = records.find_record(three.settings, three.database, ANN)
    assert record.subscriber == change.after
    owner, note = ConsentSource.OWNER, "by telephone"
    assert record.history.events == (
        SubscriberEvent(NOW, None, ACTIVE, LEFT, owner, note),
        SubscriberEvent(NOW, "weekly", ACTIVE, LEFT, owner, note),
    )
    again = actions.unsubscribe_somebody(*by_owner(three), ANN, None)
    assert (again.changed, again.ended) == (False, ())
    change = actions.resubscribe_somebody(*by_owner(three), ANN, None)
    assert (change.changed, change.started) == (True, ("weekly",))
    again = actions.resubscribe_somebody(*by_owner(three), ANN, None)
    assert (again.changed, again.started) == (False, ())


def test_what_the_owner_changes_is_in_the_audit_log_without_an_address(
    three: PublicationFolder,
) -> None:
    settings, database = three.settings, three.database
    ann = records.find_record(settings, database, ANN).subscriber.id
    for _twice in range(2):
        actions.unsubscribe_somebody(*by_owner(three), ANN, "weekly", note=f"{ANN} asked")
    actions.resubscribe_somebody(*by_owner(three), ANN, "weekly")
    actions.erase_somebody(*by_owner(three), ANN)
    log = audit_log(editing_state(three))[::-1]
    with database.reading() as connection:
        assert audit.find_fault(connection, SECRET) is None
    who = {(one.at, one.actor, one.details["via"]) for one in log}
    assert who == {(NOW, "terminal", "terminal")}
    assert [(one.verb, one.object) for one in log] == [
        ("unsubscribe", f"subscriber {ann}"),
        ("resubscribe", f"subscriber {ann}"),
        ("erase", f"subscriber {ann}"),
    ]
    assert "@" not in str(log)


def test_a_newsletter_is_one_of_the_settings_or_of_the_subscriber(
    three: PublicationFolder,
) -> None:
    settings, database = three.settings, three.database
    for use_case in (actions.unsubscribe_somebody, actions.resubscribe_somebody):
        with pytest.raises(UsageError, match="wekly: no such newsletter; there are: weekly"):
            use_case(*by_owner(three), ANN, "wekly")
    ann = records.find_record(settings, database, ANN).subscriber
    for known in (None, "weekly"):
        records.check_newsletter(settings, ann, known)
    # One that ended can still be unsubscribed.
    three.reload(newsletters=[{"name": "monthly"}])
    change = actions.unsubscribe_somebody(*by_owner(three), ANN, "weekly")
    assert change.ended == ("weekly",)


def test_what_the_owner_may_not_undo_or_has_to_name_is_refused_with_the_address(
    publication: PublicationFolder,
) -> None:
    settings, database = publication.settings, publication.database
    lines = [
        "email,status\n",
        f"{ANN},complained\n",
        f"{BOB},pending\n",
        f"{CYD},unsubscribed\n",
    ]
    records.import_subscribers(settings, database, lines, NOW)
    for address, status, reason in (
        (ANN, "complained", "reported the mail as spam"),
        (BOB, "pending", "only the subscriber can confirm"),
    ):
        with pytest.raises(
            ConsentError, match=f"^{address}: {status} stays {status}: .*{reason}"
        ):
            actions.resubscribe_somebody(*by_owner(publication), address, None)
    # Somebody who was imported as unsubscribed has no newsletter to bring back.
    with pytest.raises(UsageError, match="name one of weekly"):
        actions.resubscribe_somebody(*by_owner(publication), CYD, None)
    assert actions.resubscribe_somebody(*by_owner(publication), CYD, "weekly").started == (
        "weekly",
    )


def test_an_address_that_nobody_has_is_an_error_everywhere(
    publication: PublicationFolder,
) -> None:
    settings, database = publication.settings, publication.database
    for use_case in (
        lambda: records.find_record(settings, database, ANN),
        lambda: actions.unsubscribe_somebody(*by_owner(publication), ANN, None),
        lambda: actions.resubscribe_somebody(*by_owner(publication), ANN, None),
        lambda: actions.erase_somebody(*by_owner(publication), ANN),
    ):
        with pytest.raises(UnknownSubscriberError, match=ANN):
            use_case()


def test_an_erased_address_is_recognised_and_comes_back_only_on_request(
    three: PublicationFolder,
) -> None:
    actions.erase_somebody(*by_owner(three), "Ann@Example.com")
    with pytest.raises(ErasedSubscriberError, match="was erased on 2026-01-09"):
        records.find_record(three.settings, three.database, ANN)
    with pytest.raises(ConsentError, match=f"import it with --returned {ANN}"):
        actions.resubscribe_somebody(*by_owner(three), ANN, None)
    report = imported(three, ANN, BOB)
    assert report.erased == 1
    assert "was erased on 2026-01-09; only the subscriber can" in str(report.bad[0])
    with pytest.raises(UsageError, match=r"eve@example\.com: was not erased"):
        imported(three, "eve@example.com", returned=("eve@example.com",))
    assert imported(three, ANN, returned=("ANN@example.com",)).added == 1
    assert three.rows(erased_address) == []
    assert records.find_record(three.settings, three.database, ANN).history.events == ()


def test_an_interrupted_import_of_returned_addresses_is_done_again_as_it_was(
    three: PublicationFolder,
) -> None:
    for address in (ANN, BOB):
        actions.erase_somebody(*by_owner(three), address)
    # As far as it came.
    part = imported(three, ANN, BOB, returned=(ANN,))
    assert (part.added, part.erased) == (1, 1)
    report = imported(three, ANN, BOB, returned=(ANN, BOB))
    assert (report.added, report.bad) == (1, [])


def test_another_secret_makes_other_hashes(
    publication: PublicationFolder, new_publication: Callable[..., PublicationFolder]
) -> None:
    same = new_publication().settings
    assert records.address_digest(publication.settings)(ANN) == records.address_digest(same)(
        ANN
    )
    (same.folders.var / "secret").write_text("another secret, long enough for a key")
    object.__setattr__(same, "secret", None)
    assert records.address_digest(publication.settings)(ANN) != records.address_digest(same)(
        ANN
    )


# --- mail under way


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
        actions.unsubscribe_somebody(*by_owner(three), ANN, "weekly")
        actions.erase_somebody(*by_owner(three), BOB)
        send(three.at(NOW + SOON), by_smtp(three, server))
        assert [one.recipients for one in server.messages] == [(CYD,)]
    found = counts(three, issue)
    assert (found["sent"], found["suppressed"]) == (1, 2)


# --- search, import and export by editors


ROOT = terminal_actor()
ANNE = "anne@example.com"
FILE = [b"email,language\n", b"cyd@example.com,en\n", b"nobody,en\n"]


@pytest.fixture
def listed(publication: PublicationFolder) -> EditingState:
    subscribe(publication, (ANN, "en"), (ANNE, "en"))
    return editing_state(publication)


def test_a_file_of_bad_rows_alone_is_refused_and_previews_wait_for_each_other(
    listed: EditingState,
) -> None:
    file = [b"email\n", *[b"x\n"] * 3_000]
    with pytest.raises(UsageError, match="no row so far can be read"):
        lists.preview_list(listed, ROOT, file)
    seen = []

    def progress(_done: int, _of: int) -> None:
        with pytest.raises(LimitError) as refused:
            lists.preview_list(listed, ROOT, FILE)
        seen.append(str(refused.value))

    lists.preview_list(listed, ROOT, FILE, progress=progress)
    assert set(seen) == {"another list is being previewed; try again in 1 minute"}


def test_an_import_says_what_it_did_and_a_look_changes_nothing(listed: EditingState) -> None:
    preview = lists.preview_list(listed, ROOT, FILE)
    assert (preview.statuses["active"], preview.refused) == (1, 1)
    assert lists.search_by_address(listed, ROOT, "cyd@") == []
    report = lists.import_list(listed, ROOT, FILE)
    assert (report.added, report.refused) == (1, 1)
    exported = io.StringIO()
    assert lists.export_list(listed, ROOT, exported) == 3
    assert "cyd@example.com" in exported.getvalue()
    assert [
        (one.verb, one.details.get("count", one.details.get("added")))
        for one in audit_log(listed)
    ] == [("export-subscribers", 3), ("import-subscribers", 1), ("begin-import", None)]
    file = listed.settings.folders.root / "all.csv"
    assert lists.export_list_to(listed, ROOT, file) == 3
    assert (file.read_bytes().decode(), file.stat().st_mode & 0o777) == (
        exported.getvalue(),
        0o600,
    )
    for run in (lists.preview_list, lists.import_list):
        with pytest.raises(UsageError):
            run(listed, ROOT, [b"PK\x03\x04\x00"])


@pytest.mark.parametrize(
    "verb",
    [
        lambda state, actor: lists.search_by_address(state, actor, ANN),
        lambda state, actor: lists.preview_list(state, actor, FILE),
        lambda state, actor: lists.import_list(state, actor, FILE),
        lambda state, actor: lists.export_list(state, actor, io.StringIO()),
        lambda state, actor: numbers.read_subscriber_record(state, actor, 1),
        lambda state, actor: numbers.resubscribe_somebody(state, actor, 1, None, ""),
        lambda state, actor: numbers.read_subscriber(state, actor, 1),
        lambda state, actor: numbers.unsubscribe_somebody(state, actor, 1, None, ""),
        lambda state, actor: numbers.erase_somebody(state, actor, 1),
    ],
)
def test_only_who_is_for_subscribers_sees_and_changes_them(
    listed: EditingState, verb: Callable[[EditingState, Actor], object]
) -> None:
    others = {*Role} - {Role.ADMINISTRATOR, Role.SUBSCRIBER_DESK}
    account(listed, "root@example.org", Grant(Role.ADMINISTRATOR))
    bob = account(listed, "bob@example.org", *(Grant(role) for role in others))
    with pytest.raises(ForbiddenError, match=r"bob@example\.org"):
        verb(listed, bob)
    with pytest.raises(UsageError, match="no subscriber has this address"):
        actions.find_subscriber_number(listed, bob, ANN)
