"""What is shown while a command works, on a terminal and in a file, and of texts that would control a terminal."""

import json
import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from rich.progress import Progress

from publisher.cli import log_setup
from publisher.cli.common import make_table, print_json, stdout_console
from publisher.cli.exit_codes import complain, echo, escape_controls, escape_line
from publisher.cli.progress import _MAX_LINES, _MIN_ITEMS_SHOWN, _RateColumn, show_progress
from publisher.mail import signed_addresses
from tests.publisher.cli.conftest import Run, done
from tests.publisher.conftest import PublicationFolder
from tests.publisher.mail.samples import a_publication, an_issue


class Terminal:
    """A terminal of the system's own, and what is seen on it."""

    def __init__(self) -> None:
        self._seen, shown = os.openpty()
        self.stream = os.fdopen(shown, "w", encoding="utf-8")

    def text(self) -> str:
        """Give what was written since the last look; a terminal passes on a piece at a time."""
        self.stream.flush()
        seen = b""
        while select.select([self._seen], [], [], 0.2)[0]:
            seen += os.read(self._seen, 1 << 16)
        return seen.decode()

    def close(self) -> None:
        self.stream.close()
        os.close(self._seen)


@contextmanager
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Put standard error on a terminal, within a test: pytest puts its own there before each."""
    found = Terminal()
    with monkeypatch.context() as patched:
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            patched.delenv(name, raising=False)
        patched.setenv("TERM", "xterm")
        patched.setenv("COLUMNS", "100")
        patched.setattr(sys, "stderr", found.stream)
        yield found
    found.close()


@pytest.fixture
def _logging() -> Iterator[None]:
    """Put the way of logging back as it was."""
    kept = structlog.get_config()
    yield
    structlog.configure(**kept)


def test_a_terminal_shows_a_bar_for_each_step_and_clears_them_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_terminal(monkeypatch) as terminal:
        with show_progress() as tell:
            for done in (1, 2):
                tell("reading articles", done, 2)
            tell("weekly-en-2026-01-09", 3, 7)
        seen = terminal.text()
    for expected in ("reading articles", "2/2", "weekly-en-2026-01-09", "3/7"):
        assert expected in seen
    # The line is erased at the end.
    assert seen.rpartition("3/7")[2].count("\x1b[2K") >= 1


def test_a_bar_shows_pace_remaining_time_and_notes_also_in_a_small_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of late means within half a minute; how fast this test is, is no matter.
    with a_terminal(monkeypatch) as terminal:
        with show_progress() as tell:
            tell("weekly-en-2026-01-09", 1000, 50_000, "")
            for done in (2000, 3000, 4000):
                time.sleep(0.05)
                tell("weekly-en-2026-01-09", done, 50_000, "3 deferred, 1 bounced")
        seen = terminal.text()
        monkeypatch.setenv("COLUMNS", "80")
        name = "weekly-zh-Hans-2026-01-09"
        with show_progress() as tell:
            for done in (100_000, 400_000):
                tell(name, done, 1_000_000, "3 deferred, 1 bounced, 2 in doubt")
        small = terminal.text()
    assert "4000/50000" in seen
    assert "3 deferred, 1 bounced" in seen
    assert re.search(r"\d+/s", seen)
    assert re.search(r"\d:\d\d", seen.rpartition("4000/50000")[2])
    # The numbers stay whole.
    assert name in small
    assert "400000/1000000" in small


def test_items_done_before_do_not_count_for_the_pace() -> None:
    column = _RateColumn()
    bars = Progress()
    task = bars.add_task("weekly", total=50_000, completed=40_000)
    assert column.render(bars.tasks[task]).plain == ""


def test_a_file_gets_few_progress_lines_and_for_long_work_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = 2 * _MIN_ITEMS_SHOWN + 1
    with show_progress() as tell:
        tell("short", 1, _MIN_ITEMS_SHOWN - 1)
        tell("short", _MIN_ITEMS_SHOWN - 1, _MIN_ITEMS_SHOWN - 1)
        for done in range(1, many + 1):
            tell("long", done, many, "3 deferred" if done < many else "")
    assert capsys.readouterr().err.splitlines() == [
        f"long: {_MIN_ITEMS_SHOWN} of {many}, 3 deferred",
        f"long: {2 * _MIN_ITEMS_SHOWN} of {many}, 3 deferred",
        f"long: {many} of {many}",
    ]
    with show_progress() as tell:
        for done in range(0, 1_000_001, 250):
            tell("weekly", done, 1_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == _MAX_LINES
    assert lines[-1] == "weekly: 1000000 of 1000000"


@pytest.mark.usefixtures("_logging")
def test_a_terminal_gets_readable_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal(monkeypatch) as terminal:
        log_setup.set_up_logging()
        structlog.get_logger().warning("quarantined", file="en/a.md")
        seen = terminal.text()
    assert "quarantined" in seen
    assert "en/a.md" in seen
    assert not seen.startswith("{")
    assert "\x1b[" in seen


@pytest.mark.usefixtures("_logging")
@pytest.mark.parametrize(
    ("asked", "count"), [(None, 1), ("info", 2), ("error", 0), ("nonsense", 1)]
)
def test_the_environment_says_how_much_is_logged(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    asked: str | None,
    count: int,
) -> None:
    monkeypatch.delenv(log_setup._LEVEL_VARIABLE, raising=False)
    if asked:
        monkeypatch.setenv(log_setup._LEVEL_VARIABLE, asked)
    log_setup.set_up_logging()
    log = structlog.get_logger()
    log.info("issue made")
    log.warning("quarantined")
    assert len(capsys.readouterr().err.splitlines()) == count


ADDRESSES = (
    "ann@example.com",
    "ann.example+news@mail.example.com",
    "ännchen@exämple.com",
    "ann%40example.com",
    "O'Neill@example.com",
    '"ann example"@example.com',
    "ann@[192.0.2.1]",
    r'"ann\"s \\"@example.com',
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_is_logged_in_full(address: str) -> None:
    local = re.split("@|%40", address)[0]
    for sentence in (
        *("{}", "550 <{}>: no such user", "RCPT TO:<{}>", "mailto:{}?subject=unsubscribe"),
        *("a,{};b", "/unsubscribe/{}/now"),
    ):
        reason = sentence.format(address)
        event = {"event": "x", "reason": reason, "more": [(address,), {"a": address}]}
        found = log_setup.mask_addresses(None, "info", event)
        assert local not in str(found), sentence
        assert "…@" in found["reason"]
        # Where it goes may be said: that is what a rate or a server is about.
        assert "192.0.2.1" in found["reason"] or "mple.com" in found["reason"]


def test_addresses_in_other_values_than_text_are_masked_and_values_that_are_not_personal_are_not() -> (
    None
):
    def logged(value: object) -> Any:
        return log_setup.mask_addresses(None, "info", {"event": "x", "it": value})

    for value in (
        ValueError("ann@example.com is no number"),
        Path("outbox/ann@example.com.eml"),
        b"RCPT TO:<ann@example.com>",
        {"ann@example.com"},
        {"ann@example.com": 550},
    ):
        found = str(logged(value))
        assert ("ann" in found, "…@example.com" in found) == (False, True)
    said = "127.0.0.1:25: no server listens there"
    for other in ("en/tides.md", said, "weekly-en-2026-01-09", 7, None):
        assert logged(other)["it"] == other


def test_no_subscriber_s_link_is_logged_in_full() -> None:
    publication, issue = a_publication(), an_issue()
    for kind in ("unsubscribe", "preferences", "web"):
        token = (
            signed_addresses.LinkSigner("a secret of these tests", kind, "weekly")
            .token(7)
            .decode()
        )
        url = signed_addresses.subscriber_url(publication, issue, kind) + token
        event = {"event": f"sent <{url}>", "exception": f"Traceback\n  at {url}\nError"}
        found = log_setup.mask_addresses(None, "info", event)
        assert token not in str(found)
        assert publication.url in found["event"]
        assert found["exception"].endswith("\nError")


@pytest.mark.usefixtures("_logging")
def test_a_file_gets_json_with_a_traceback_that_has_no_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_setup.set_up_logging()
    try:
        int("ann.example@example.com")
    except ValueError:
        structlog.get_logger().exception("turn failed")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("turn failed", "error")
    assert "ValueError" in line["exception"]
    assert "'…@example.com'" in line["exception"]
    assert "ann.example" not in line["exception"]


def test_brackets_in_names_and_titles_are_brackets(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    table = folder / "readers.csv"
    table.write_text("email,name\nann@example.com,[/b] Ann [red]\n", encoding="utf-8")
    done(run, "subscribers", "import", table, folder)
    code, out, _err = run("subscribers", "list", folder)
    assert (code, "[/b] Ann [red]" in out) == (0, True)
    title = "An end [/b] without a beginning [red]"
    publication.pick_up_file("en/brackets.md", "Words.", title=title, date="2026-01-08")
    code, out, _err = run("articles", folder)
    assert (code, title in out) == (0, True)


# --- texts that would control a terminal

EVIL = "a\x1b[2J\r\x9b1mb\u202ec\u2028d"
SHOWN = r"a\u001b[2J\u000d\u009b1mb\u202ec\u2028d"


def test_controls_become_escapes_and_other_texts_stay_as_they_are() -> None:
    assert escape_controls(EVIL) == SHOWN
    text = "Two lines\nand a\ttab, \u7b80\u4f53, \u0627\u0644\u0639\u0631\u0628\u064a\u0629, \u2067\u0646\u2069, \U0001f469\u200d\U0001f4bb"
    assert escape_controls(text) == text
    assert escape_line("a\nSubject: b") == r"a\nSubject: b"
    # A file's name that is no UTF-8.
    escape_controls("\udcff.md").encode("utf-8")


def test_lines_tables_and_errors_have_no_controls(capsys: pytest.CaptureFixture[str]) -> None:
    echo(EVIL)
    echo(EVIL, err=True)
    table = make_table("Title")
    table.add_row(f"{EVIL} [red]:zap:")
    stdout_console().print(table)
    stdout_console().print(EVIL)
    complain(EVIL, 1)
    out, err = capsys.readouterr()
    assert (out.count(SHOWN), out.count("[red]:zap:")) == (3, 1)
    assert err.startswith(f"{SHOWN}\npublisher: ")
    assert not {"\x1b", "\r", "\x9b", "\u202e", "\u2028"} & {*out, *err}


def test_json_means_the_text_itself(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"title": EVIL})
    out = capsys.readouterr().out
    assert json.loads(out) == {"title": EVIL}
    assert not {"\x1b", "\x9b", "\u202e"} & {*out}


def test_a_file_s_name_begins_no_line(publication: PublicationFolder, run: Run) -> None:
    publication.pick_up_file("en/a\nSubject: b\x1b[2J.md", b"\xff\xfe\xfa")
    for words in (["articles"], ["articles", "problems"], ["status"]):
        _code, out, _err = run(*words, publication.settings.folders.root)
        assert r"a\nSubject: b\u001b[2J.md" in "".join(out.split("\n")), words
        assert "\x1b" not in out


@pytest.mark.usefixtures("_logging")
def test_the_log_on_a_terminal_has_no_controls_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_terminal(monkeypatch) as terminal:
        monkeypatch.setenv("NO_COLOR", "1")
        log_setup.set_up_logging()
        structlog.get_logger().warning("read", file=EVIL)
        seen = terminal.text()
    assert SHOWN in seen
    assert "\x1b[2J" not in seen


def test_the_status_names_translations_whose_original_has_changed(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    publication.reload(languages=["en", "ar"])
    publication.write("en/tides.md", "First.", title="Tides", date="2026-01-05")
    publication.pick_up_file("ar/tides.md", "كلمات.", title="المد", translator="Omar")
    publication.at(publication.clock.now() + timedelta(minutes=1))
    publication.pick_up_file("en/tides.md", "First. More.", title="Tides", date="2026-01-05")
    stale = "1 translation into ar whose original has changed: publisher api listTranslations "
    assert stale in run("status", folder)[1]
    found = json.loads(run("status", "--json", folder)[1])
    assert found["stale_translations"] == {"ar": 1}
