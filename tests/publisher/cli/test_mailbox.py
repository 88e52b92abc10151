"""`publisher mailbox`, as a mail server's pipe and people call it."""

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from publisher.mailbox.folders import keep_mail
from tests.publisher.cli.conftest import Run

MAIL = b"From: ann@example.org\r\nSubject: %b\r\n\r\ntext\r\n"
MAILDIR = '\n[mailbox]\nkind = "maildir"\npath = "Maildir"\n'


def pipe(monkeypatch: pytest.MonkeyPatch, subject: bytes) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(MAIL % subject), "ascii"))


def test_a_piped_mail_ends_with_0_once_it_is_stored(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, b"subscribe")
    assert run("mailbox", "receive", folder) == (0, "subscribe\n", "")
    pipe(monkeypatch, b"Hello")
    assert run("mailbox", "receive", folder)[:2] == (0, "unknown\n")
    assert len(list((folder / "var" / "mailbox" / "new").iterdir())) == 1


def test_a_mail_that_cannot_be_stored_is_left_to_the_mail_server(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "var" / "mailbox").write_text("in the way")
    pipe(monkeypatch, b"Hello")
    code, out, err = run("mailbox", "receive", folder)
    assert (code, out) == (75, "")
    assert "mailbox" in err
    pipe(monkeypatch, b"Hello")
    assert run("mailbox", "receive", folder / "none")[0] == 75
    (folder / "var" / "mailbox").unlink()
    pipe(monkeypatch, b"Hello")
    assert run("mailbox", "receive", folder)[:2] == (0, "unknown\n")


def test_polling_says_what_came(folder: Path, run: Run) -> None:
    settings = folder / "publication.toml"
    settings.write_text(settings.read_text("utf-8") + MAILDIR, "utf-8")
    for subject in (b"subscribe", b"help", b"Hello"):
        keep_mail(folder / "Maildir", MAIL % subject)
    code, out, _err = run("mailbox", "poll", folder)
    assert (code, out) == (0, "links: 1\nsubscribe: 1\nunknown: 1\n3 mails\n")
    assert run("mailbox", "poll", folder)[1] == "0 mails\n"
    shown = run("status", folder)[1]
    assert "1 mail left for you to read within 30 days" in shown
    assert "Mails about subscriptions: 2 pending" in shown


PASSED = b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.org\r\n"


def receives_forged_mail(folder: Path, run: Run) -> None:
    """Let a publication with one subscriber, ann@example.org, believe what its mail server says of senders."""
    settings = folder / "publication.toml"
    named = f'{MAILDIR}authserv_id = "mx.example.org"\n'
    settings.write_text(settings.read_text("utf-8") + named, "utf-8")
    (folder / "list.csv").write_text("email,language,newsletters\nann@example.org,en,weekly\n")
    assert run("subscribers", "import", folder / "list.csv", folder)[0] == 0


def test_who_cannot_be_subscribed_again_is_named_with_exit_code_1(
    folder: Path, run: Run
) -> None:
    receives_forged_mail(folder, run)
    # She had left by herself before: nobody knows what she should get again.
    words = ("ann@example.org", "--newsletter", "weekly", folder)
    assert run("subscribers", "unsubscribe", *words)[0] == 0
    keep_mail(folder / "Maildir", PASSED + MAIL % b"unsubscribe")
    assert "unsubscribe: 1\n" in run("mailbox", "poll", folder)[1]
    code, out, _err = run("api", "undoLeftByMail", folder, "since=2026-01-01T00:00:00Z")
    (refusal,) = json.loads(out)["refused"]
    assert (code, refusal.partition(":")[0]) == (1, "ann@example.org")


def test_a_mailbox_that_lacks_something_is_a_mistake_in_the_settings(
    folder: Path, run: Run
) -> None:
    settings = folder / "publication.toml"
    text = settings.read_text("utf-8")
    for table, problem in (
        ("", "[mailbox]"),
        ('[mailbox]\nkind = "maildir"', "folder"),
        ('[mailbox]\nkind = "imap"\nhost = "imap.example.org"', "a host and a user"),
        ('[mailbox]\nkind = "pipe"\naddress = "news"', "no address"),
        ('[mailbox]\nkind = "pop"', "pop"),
    ):
        settings.write_text(f"{text}\n{table}\n", "utf-8")
        code, _out, err = run("mailbox", "poll", folder)
        assert (code != 0, problem in err) == (True, True), problem
