"""The commands of delivery: sending, stopping, deciding about doubts, trying out, and how it stands."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from publisher.cli import common
from publisher.clock import SystemClock
from publisher.config import load_settings
from publisher.delivery import worker_pool
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.ledger import leases
from publisher.delivery.transports import create_transport
from publisher.jobs.heartbeat import write_heartbeat
from publisher.leader.process_lock import hold_publication_lock
from publisher.testing import SECRET
from tests.databases import at_database
from tests.publisher.cli.conftest import Run, done, refuses
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery import mailing
from tests.publisher.delivery.mailing import ready
from tests.publisher.mail.keys import ED25519, RSA
from tests.publisher.mail.samples import parsed
from tests.publisher.starting_points import Point, StartingPoint
from tools.servers import Behaviour, Drop, MailServer, Phase, Reply, addressed, always

ANN, BOB, CYD = "ann@example.com", "bob@example.com", "cyd@example.com"
THREE = ((ANN, "en"), (BOB, "en"), (CYD, "en"))
NAME = "weekly-en-2026-01-09"
ADVICE = "write one a line, like <5f1c.42@news.example.org>"
WIRED = """
[delivery]
transport = "smtp"
[delivery.smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
connections = 2
promised = 2
"""

Wire = Callable[..., MailServer]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try lost connections again at once."""
    monkeypatch.setattr(worker_pool, "FIRST_RECONNECT_WAIT", 0.01)


@pytest.fixture
def wire(folder: Path) -> Iterator[Wire]:
    """Put a mail server behind the publication; `refused` says what it has against whom."""
    servers: list[MailServer] = []

    def make(**refused: str) -> MailServer:
        known = {"ann": ANN, "bob": BOB, "cyd": CYD}
        replies = {known[name]: Reply(text) for name, text in refused.items()}
        servers.append(MailServer(addressed(replies)).__enter__())
        add(folder, WIRED.format(port=servers[0].port))
        return servers[0]

    yield make
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def due(publication: PublicationFolder) -> PublicationFolder:
    """The publication with three subscribers and an issue that is due."""
    mailing.subscribe(publication, *THREE)
    ready(publication)
    return publication


def add(folder: Path, text: str) -> None:
    with (folder / "publication.toml").open("a", encoding="utf-8") as file:
        file.write(text)


def add_key(folder: Path, selector: str, key: bytes = b"") -> None:
    """Add a DKIM key to the settings, and its file unless the key is empty."""
    if key:
        (folder / f"{selector}.pem").write_bytes(key)
    table = f'domain = "news.example.org"\nselector = "{selector}"\nkey = "{selector}.pem"\n'
    add(folder, f"[[delivery.dkim]]\n{table}")


def issues_in_status(run: Run, folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("status", "--json", folder)[1])["issues"]
    return found


def issue_in_status(run: Run, folder: Path) -> dict[str, Any]:
    (issue,) = issues_in_status(run, folder)
    return issue


# --- deliver


def test_deliver_sends_what_is_due_and_ends_also_beside_the_service(
    run: Run, due: PublicationFolder, folder: Path
) -> None:
    with hold_publication_lock(due.settings.folders):
        assert run("deliver", folder)[:2] == (0, "3 mails sent, 1 issue done\n")
    assert len(mailing.outbox(due)) == 3
    assert run("deliver", folder) == (0, "0 mails sent, 0 issues done\n", "")


@pytest.mark.usefixtures("due")
def test_deliver_reports_an_unreachable_server(run: Run, folder: Path, wire: Wire) -> None:
    server = wire()
    server.stop()
    code, out, err = run("deliver", folder)
    assert (code, out) == (1, "0 mails sent, 0 issues done\n")
    problem = f"127.0.0.1:{server.port}: no server listens there"
    assert f"publisher: {problem}\n" in err
    issue = issue_in_status(run, folder)
    assert (issue["state"], issue["reason"]) == ("sending", f"waiting: {problem}")
    assert issue["reason_key"] == "unreachable"
    server.start()
    assert run("deliver", folder)[:2] == (0, "3 mails sent, 1 issue done\n")
    assert issue_in_status(run, folder)["reason"] is None


def test_deliver_refuses_a_missing_key_file_in_one_line(run: Run, folder: Path) -> None:
    add_key(folder, "no")
    assert "delivery.dkim[0].key" in refuses(run, "deliver", folder)


@pytest.mark.usefixtures("due")
def test_deliver_names_a_paused_issue_and_the_command_that_resumes_it(
    run: Run, folder: Path, wire: Wire
) -> None:
    server = wire()
    server.behaviour = Behaviour(faults=(always(Phase.MAIL, Reply("550 5.7.1 not you")),))
    code, out, _err = run("deliver", folder)
    assert code == 1
    first, second = out.splitlines()
    assert first == "0 mails sent, 0 issues done"
    assert second.startswith(f"{NAME} is paused: ")
    assert second.endswith(f"; publisher resume {NAME} continues it")
    shown = run("status", folder)[1]
    assert f"    publisher resume {NAME} continues it\n" in shown


def test_a_wrong_password_is_named_and_the_issue_goes_on_by_itself_when_it_is_right(
    run: Run, due: PublicationFolder, folder: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire().behaviour = Behaviour(users={"news": "a right pony"})
    add(folder, 'user = "news"\n')
    monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "a wrong pony")
    code, out, err = run("deliver", folder)
    remedy = "check user = 'news' in [delivery.smtp], and PUBLISHER_SMTP_PASSWORD"
    assert (code, remedy in out, remedy in err) == (1, True, True)
    shown = issue_in_status(run, folder)
    assert (shown["state"], shown["reason_key"]) == ("paused", "login-refused")
    monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "a right pony")
    settings = at_database(load_settings(folder))
    transport = create_transport(settings)
    transport.next_login_at = due.database.timer.time() + 60
    parts = (settings, due.database, transport, SECRET, SystemClock())
    assert Dispatcher(*parts).deliver().messages == 0
    transport.next_login_at = 0.0
    assert Dispatcher(*parts).deliver().messages == 3
    assert issue_in_status(run, folder)["state"] == "sent"


# --- pause, resume, cancel


def test_the_issues_of_a_day_are_paused_resumed_and_cancelled_in_all_languages_that_can_be(
    run: Run, due: PublicationFolder, folder: Path, wire: Wire
) -> None:
    arabic = ready(due, "ar")
    wire(bob="451 4.7.1 come back later")
    run("deliver", folder)
    assert mailing.counts(due, arabic) == {}
    day = ("weekly", mailing.DAY, folder)
    code, out, err = run("pause", *day, "--note", "a wrong date")
    assert (code, out) == (1, f"{NAME} is paused: 2 sent, 0 under way, 1 waiting\n")
    assert f"weekly-ar-{mailing.DAY}" in err
    text = run("issues", "show", *day[:2], "--lang", "en", folder)[1]
    assert text.startswith(
        f"{NAME}: paused: a wrong date\n    publisher resume {NAME} continues it"
    )
    english = (*day, "--lang", "en")
    line = f"{NAME} continues with the next run of delivery\n"
    assert run("resume", *english) == (0, line, "")
    cancelled = f"{NAME} is cancelled: 2 had it already, 1 won't get it\n"
    assert run("cancel", *english) == (0, cancelled, "")
    shown = next(one for one in issues_in_status(run, folder) if one["name"] == NAME)
    assert (shown["state"], shown["reason"]) == ("cancelled", "cancelled by hand")
    assert (shown["deliveries"]["cancelled"], shown["deliveries"]["sent"]) == (1, 2)
    assert "no such issue" in run("cancel", "weekly", "2026-01-10", folder)[2]


@pytest.mark.usefixtures("due")
def test_a_newsletter_alone_is_paused_and_resumed_but_never_cancelled(
    run: Run, folder: Path, wire: Wire
) -> None:
    nothing = "weekly: none of its issues is sending"
    assert refuses(run, "pause", "weekly", folder) == nothing
    wire(bob="451 4.7.1 come back later")
    run("deliver", folder)
    assert run("pause", "weekly", folder)[1].startswith(f"{NAME} is paused: 2 sent")
    assert run("resume", "weekly", folder, "--lang", "en")[1].startswith(f"{NAME} continues")
    assert "name the day" in refuses(run, "cancel", "weekly", folder)
    assert "--lang" in refuses(run, "cancel", NAME, folder, "--lang", "en")


def test_a_command_without_its_issue_or_of_one_that_it_can_t_change_says_so_in_one_line(
    run: Run, publication: PublicationFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    for words in (["pause"], ["resume"], ["cancel"], ["deliveries"], ["doubt", "resend"]):
        assert refuses(run, *words, folder.name) == (
            f"{folder.name}: is a publication; name an issue of it first, like "
            f"{NAME} {folder.name}; `publisher status {folder.name}` lists them"
        )
    for verb in ("pause", "resume", "cancel"):
        assert refuses(run, verb, "weekly-en-2026-01-10", folder) == (
            "weekly-en-2026-01-10: no such issue; `publisher status` lists them"
        )
    ready(publication)
    remedy = "only an issue that is being sent can be paused"
    problem = f"{NAME}: is ready, and can't become paused; {remedy}"
    assert problem in refuses(run, "pause", NAME, folder, code=1)


def test_names_of_newsletters_and_languages_may_have_hyphens(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    for language in ("zh-Hans", "en"):
        ready(publication, language)
    with publication.database.writing() as connection:
        connection.exec_driver_sql("UPDATE issue SET newsletter = 'the-other-week'")
    name = "the-other-week-zh-Hans-2026-01-09"
    told = f"{name} is cancelled: no mail of it was planned\n"
    assert run("cancel", name, folder) == (0, told, "")
    states = {issue["name"]: issue["state"] for issue in issues_in_status(run, folder)}
    assert states == {name: "cancelled", "the-other-week-en-2026-01-09": "ready"}


# --- doubt


@pytest.fixture
def doubtful(run: Run, due: PublicationFolder, wire: Wire) -> MailServer:
    """A server that has taken one mail and has not said so."""
    server = wire()
    silent = addressed({BOB: Drop(kept=True)}, Phase.DOT)
    server.behaviour = Behaviour(faults=(silent,))
    run("deliver", due.settings.folders.root)
    server.behaviour = None
    return server


def test_mail_in_doubt_is_listed_with_the_message_id_that_the_server_has(
    run: Run, publication: PublicationFolder, folder: Path, doubtful: MailServer
) -> None:
    (listed,) = json.loads(run("doubt", "list", "--json", folder)[1])
    (taken,) = [one for one in doubtful.messages if one.recipient == BOB]
    assert listed["message_id"] == taken.message_id
    assert (listed["issue"], listed["address"], listed["attempts"]) == (NAME, BOB, 1)
    assert listed["subscriber"] == mailing.number_of(publication.database, BOB)
    assert "all of it was sent" in listed["reason"]
    assert BOB not in listed["reason"]
    # The Message-ID can be copied.
    first, second, *_rest = run("doubt", "list", folder)[1].splitlines()
    assert first.startswith(f"{NAME}: {BOB}: all of it was sent")
    assert second.strip() == listed["message_id"]
    shown = run("issues", "show", "weekly", str(mailing.DAY), folder)[1]
    assert "    mails: 2 sent, 1 in doubt\n    1 in doubt: all of it was sent" in shown
    assert (
        "; look for its Message-ID in the server's log; then `publisher doubt resend`" in shown
    )
    mailing.erase(publication.database, BOB)
    assert f"erased (number {listed['subscriber']})" in re.sub(
        r"\s+", " ", run("doubt", "list", folder)[1]
    )


def test_who_adopts_another_secret_is_told_of_mail_in_doubt(
    run: Run, folder: Path, doubtful: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doubtful.messages
    monkeypatch.setenv("PUBLISHER_SECRET", "quite another secret of these tests")
    code, out, _err = run("database", "adopt-secret", folder)
    assert code == 0
    assert "1 mail in doubt: the server's log has the Message-IDs of the former secret" in out
    same = (0, "this is the publication's secret\n", "")
    assert run("database", "adopt-secret", folder) == same
    assert "can't be known, since the secret was changed" in run("doubt", "list", folder)[1]
    (listed,) = json.loads(run("doubt", "list", "--json", folder)[1])
    assert listed["message_id"] is None


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize("standard_input", [False, True])
def test_message_ids_of_a_file_are_decided_and_each_bad_line_is_one_error(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, *, standard_input: bool
) -> None:
    (listed,) = json.loads(run("doubt", "list", "--json", folder)[1])
    text = f"# from the log\n\nnot an id\n  {listed['message_id']}\n<no@example.org>\n"
    file = folder / "ids.txt"
    # As some editors write files: a mark at the start, and bytes of another encoding.
    content = b"\xef\xbb\xbf" + text.encode().replace(b"from the log", b"from \xe9")
    file.write_bytes(content)
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content), "ascii"))
    source = "-" if standard_input else file
    code, out, err = run("doubt", "mark-sent", NAME, folder, "--from", source)
    assert (code, out) == (1, "1 mail marked as sent\n")
    assert err.splitlines() == [
        f"publisher: {source}: line 3: not an id: is not a Message-ID; {ADVICE}",
        f"publisher: {source}: line 5: <no@example.org>: is not in doubt in {NAME}",
    ]
    assert issue_in_status(run, folder)["deliveries"]["sent"] == 3


@pytest.mark.usefixtures("doubtful")
def test_a_file_of_good_message_ids_ends_well_and_one_of_none_decides_nothing(
    run: Run, folder: Path
) -> None:
    (listed,) = json.loads(run("doubt", "list", "--json", folder)[1])
    file = folder / "ids.txt"
    file.write_text("# none\n")
    words = ("doubt", "resend", NAME, folder, "--from", file)
    assert run(*words) == (0, "0 mails will be sent again with the next run of delivery\n", "")
    file.write_text(listed["message_id"].strip("<>"))
    told = "1 mail will be sent again with the next run of delivery\n"
    assert run(*words, "--now", "2036-01-09T12:00:00Z") == (0, told, "")
    (line,) = json.loads(run("deliveries", NAME, folder, "--json", "--state", "waiting")[1])
    assert line["since"] == "2036-01-09T12:00:00Z"
    err = refuses(run, "doubt", "resend", NAME, folder, "--from", folder / "none.txt")
    assert "can't be read: No such file" in err


@pytest.mark.usefixtures("doubtful")
def test_what_is_in_doubt_of_a_paused_issue_waits_and_of_a_cancelled_one_stays_unsent(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    def change(statement: str) -> None:
        with publication.database.writing() as connection:
            connection.exec_driver_sql(statement)

    again = f"will be sent again when `publisher resume {NAME}` continues the issue, which is paused\n"
    change("UPDATE issue SET state = 'paused'")
    assert run("doubt", "resend", NAME, folder) == (0, f"1 mail {again}", "")
    change("UPDATE delivery SET state = 'failed' WHERE state = 'pending'")
    assert run("deliveries", "retry", NAME, folder) == (0, f"1 mail {again}", "")
    change("UPDATE delivery SET state = 'in_doubt' WHERE state = 'pending'")
    change("UPDATE issue SET state = 'cancelled'")
    problem = f"{NAME}: is cancelled, and can't become sending; its remaining mail stays unsent"
    assert problem in refuses(run, "doubt", "resend", NAME, folder, code=1)
    assert issue_in_status(run, folder)["deliveries"]["in_doubt"] == 1


def test_without_mail_in_doubt_the_commands_say_so(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    assert run("doubt", "list", folder) == (0, "nothing is in doubt\n", "")
    assert json.loads(run("doubt", "list", "--json", folder)[1]) == []
    ready(publication)
    for verb in ("resend", "mark-sent"):
        assert run("doubt", verb, NAME, folder) == (0, f"nothing of {NAME} is in doubt\n", "")
        err = refuses(run, "doubt", verb, "weekly-en-2026-01-10", folder)
        assert "no such issue" in err


# --- send --to


@pytest.fixture
def tides(publication: PublicationFolder) -> PublicationFolder:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    return publication


def test_tests_and_previews_of_an_issue_that_is_there_are_of_what_is_in_it(
    run: Run, starting_point: StartingPoint, tmp_path: Path
) -> None:
    made = starting_point(Point.WAITING, "en", "ar")
    folder, ann = made.settings.folders.root, "ann-en@example.com"
    words: list[object] = ["weekly", folder, "--day", "2026-01-09"]
    to = ["--to", ANN, "--to", BOB, "--lang", "en", "--lang", "ar", "--subscriber", ann]
    out = done(run, "send", *words, *to)
    assert [out.count(f"sent to {address}") for address in (ANN, BOB)] == [2, 2]
    assert len(mailing.outbox(made)) == 4
    assert "'2026-01-32' is no date" in refuses(
        run, "send", "weekly", folder, "--to", ANN, "--day", "2026-01-32"
    )
    # A preview as a subscriber says whether it is sent, and can be a whole message.
    file = tmp_path / "ann.eml"
    words += ["--out", file]
    code, out, err = run("preview", *words, "--subscriber", ann)
    assert (code, err, "It is not sent" in out) == (0, "", False)
    assert parsed(file.read_bytes())["To"].addresses[0].addr_spec == ann
    assert run("subscribers", "unsubscribe", ann, folder)[0] == 0
    code, out, _err = run("preview", *words, "--subscriber", ann)
    assert (code, "It is not sent: no longer subscribed." in out) == (0, True)
    err = refuses(run, "preview", *words, "--subscriber", "nobody@example.com")
    assert "nobody@example.com: no such subscriber" in err


def test_a_test_send_goes_by_the_server_of_all_mail_to_where_bounces_go(
    run: Run, tides: PublicationFolder, folder: Path, wire: Wire
) -> None:
    server = wire()
    add(folder, 'bounces = "bounces@news.example.org"\n')
    done(run, "send", "weekly", folder, "--to", "editor@example.org")
    (message,) = server.messages
    assert message.recipient == "editor@example.org"
    assert message.sender == "bounces@news.example.org"
    assert mailing.outbox(tides) == {}


@pytest.mark.usefixtures("tides")
def test_a_test_send_that_is_refused_or_not_answered_says_why(
    run: Run, folder: Path, wire: Wire
) -> None:
    server, words = wire(), ("send", "weekly", folder, "--to", BOB)
    server.behaviour = Behaviour(faults=(addressed({BOB: Drop(kept=True)}, Phase.DOT),))
    err = refuses(run, *words, code=1)
    assert err.startswith(f"{BOB}: all of it was sent, but ")
    server.stop()
    problem = f"{BOB}: 127.0.0.1:{server.port}: no server listens there"
    assert refuses(run, *words, code=1) == problem
    assert run("doubt", "list", folder)[1] == "nothing is in doubt\n"


def test_mail_and_test_sends_are_signed_with_keys_beside_the_settings(
    run: Run, tides: PublicationFolder, folder: Path
) -> None:
    add_key(folder, "rsa", RSA)
    add_key(folder, "ed", ED25519)
    mailing.subscribe(tides, (ANN, "en"))
    ready(tides)
    assert run("deliver", folder)[0] == 0
    done(run, "send", "weekly", folder, "--to", "editor@example.org")
    for content in mailing.outbox(tides).values():
        assert content.count(b"DKIM-Signature: ") == 2
        assert b"s=rsa" in content
    assert len(mailing.outbox(tides)) == 2


@pytest.mark.usefixtures("tides")
def test_a_test_send_that_is_not_possible_says_why_in_one_line(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for words, complaint in (
        (["weekly", "--to", f"{ANN}\r\nBcc: {BOB}"], "is no usable e-mail address"),
        (["weekly"], "Missing option '--to'"),
        (["weekly", "--to", ANN, "--lang", "fr"], "weekly has no edition in fr"),
    ):
        assert complaint in refuses(run, "send", *words), words


# --- dkim


def test_the_records_of_all_keys_are_printed_in_order_and_that_there_are_none(
    run: Run, folder: Path
) -> None:
    none = "publication.toml has no [[delivery.dkim]]: nothing is signed\n"
    assert run("dkim", folder) == (0, "", none)
    add_key(folder, "rsa-1", RSA)
    add_key(folder, "ed-1", ED25519)
    out = done(run, "dkim", folder)
    first, second = out.splitlines()
    assert first.startswith('rsa-1._domainkey.news.example.org. IN TXT ( "v=DKIM1; k=rsa; p=')
    assert second.startswith('ed-1._domainkey.news.example.org. IN TXT ( "v=DKIM1; k=ed25519;')
    assert "PRIVATE" not in out


# --- status


def test_status_says_word_for_word_what_a_server_has_said(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    ready(publication)
    with publication.database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE issue SET state = 'paused', reason = '550 [/bold]: [red]no\nmore'"
        )
    code, out, _err = run("status", folder)
    assert code == 1
    assert f"{NAME} is paused: 550 [/bold]: [red]no more\n" in out


def test_status_and_the_list_say_that_an_hour_has_passed_and_that_nothing_works(
    run: Run, starting_point: StartingPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = starting_point(Point.SENT).settings.folders.root
    write_heartbeat(folder / "var" / "heartbeat", datetime(2026, 1, 15, 23, tzinfo=UTC))
    before = ("--now", "2026-01-15T23:30:00Z", folder)
    assert run("status", *before)[0] == 0
    assert run("status", "--quiet", *before) == (0, "", "")
    after = ("--now", "2026-01-16T00:30:00Z", folder)
    code, out, _err = run("status", *after)
    line = "weekly-en-2026-01-16 was due Fri 2026-01-16 00:00 "
    assert (code, line in out, "is not made yet\n" in out) == (1, True, True)
    assert "no cycle has run since Thu 2026-01-15 23:00 UTC: start publisher run" in out
    assert run("status", "--quiet", *after) == (1, "", "")
    assert line in run("issues", "list", "weekly", *after)[1]
    for command in (("status",), ("issues", "list", "weekly")):
        (missed,) = json.loads(run(*command, "--json", *after)[1])["overdue"]
        assert (missed["issue"], missed["reason"]) == ("weekly-en-2026-01-16", None)
    with monkeypatch.context() as patched:
        patched.setattr("publisher.files._ALMOST_NOTHING", 1 << 62)
        code, out, _err = run("status", *before)
    said = " ".join(out.split())  # The folder may be so long that lines break.
    assert (code, " is full (" in said, "the next run continues" in said) == (1, True, True)


def test_the_health_of_the_service_is_that_of_its_last_cycle(run: Run, folder: Path) -> None:
    write_heartbeat(folder / "var" / "heartbeat", datetime(2026, 1, 16, 0, 20, tzinfo=UTC))
    assert run("health", "--now", "2026-01-16T00:30:00Z", folder) == (0, "ok\n", "")
    code, out, _err = run("health", "--now", "2026-01-16T01:00:00Z", folder)
    assert (code, "not worked since 2026-01-16 00:20 UTC; look" in out) == (1, True)


def test_what_another_process_holds_is_named_with_its_host_and_time(
    run: Run, due: PublicationFolder, folder: Path
) -> None:
    run("deliver", folder)
    now = due.database.timer.time()
    with due.database.writing() as connection:
        lease = leases.create_lease(connection, "smtp", "ambiguous", "x", now + 60, "far/b/1/2")
        connection.exec_driver_sql("UPDATE issue SET state = 'sending'")
        connection.exec_driver_sql(f"UPDATE delivery SET state = 'claimed', lease_id = {lease}")
    until = datetime.fromtimestamp(now + 60, UTC)
    line = f"far holds 3 mails by smtp until {until:%H:%M:%S} UTC, or longer while it works. "
    assert line in run("deliver", folder)[1]
    assert line in run("status", folder)[1]


def test_the_report_of_an_issue_that_was_not_sent_says_why(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    ready(publication)
    with publication.database.writing() as connection:
        connection.exec_driver_sql("UPDATE issue SET state = 'skipped', reason = 'no articles'")
    out = run("issues", "report", "weekly", mailing.DAY, "--lang", "en", folder)[1]
    assert f"{NAME} is skipped: no articles\n" in out


def test_in_a_small_window_issues_can_be_copied_and_words_stay_whole(
    run: Run, publication: PublicationFolder, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "stdout_console", lambda: Console(width=80, highlight=False))
    mailing.subscribe(publication, (ANN, "zh-Hans"))
    ready(publication, "zh-Hans")
    run("deliver", folder)
    with publication.database.writing() as connection:
        connection.exec_driver_sql("UPDATE issue SET state = 'awaiting_approval'")
        connection.exec_driver_sql("UPDATE delivery SET state = 'suppressed'")
        connection.exec_driver_sql("DELETE FROM delivery_count")
    _code, out, _err = run("status", folder)
    for word in ("weekly-zh-Hans-2026-01-09", "awaiting", "suppressed", "Deliveries"):
        assert word in out
    assert max(map(len, out.splitlines())) <= 80


# --- what is logged meanwhile


@pytest.mark.usefixtures("due")
def test_no_subscriber_s_address_is_logged_while_mail_is_sent(
    run: Run, folder: Path, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_LOG", "debug")
    wire(bob=f"550 5.1.1 <{BOB}>: no such user", cyd=f"451 4.2.1 {CYD} is asleep")
    code, out, err = run("deliver", folder)
    rest = "1 deferred, 1 bounced: publisher status shows why"
    assert (code, out) == (0, f"1 mail sent, 0 issues done; {rest}\n")
    assert "issue" in err
    for address in (ANN, BOB, CYD):
        assert address not in err
