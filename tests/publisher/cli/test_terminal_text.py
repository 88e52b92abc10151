"""What commands print of texts that would control a terminal."""

from __future__ import annotations

import json

import pytest
import structlog

from publisher.cli import log_setup
from publisher.cli.common import make_table, print_json, stdout_console
from publisher.cli.exit_codes import complain
from publisher.cli.terminal_text import echo, escape_controls, escape_line
from tests.publisher.cli.conftest import Run
from tests.publisher.cli.test_showing import _logging, a_terminal
from tests.publisher.conftest import PublicationFolder

__all__ = ["_logging"]

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
    publication.write("en/a\nSubject: b\x1b[2J.md", b"\xff\xfe\xfa")
    publication.pick_up()
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
