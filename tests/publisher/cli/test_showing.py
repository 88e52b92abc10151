"""What is shown while a command works: another thing on a terminal than in a file."""

from __future__ import annotations

import json
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from publisher.cli import logs
from publisher.cli.progress import WORTH_TELLING, progress


class Terminal:
    """A terminal of the system's own, and what is seen on it."""

    def __init__(self) -> None:
        self._seen, shown = os.openpty()
        self.stream = os.fdopen(shown, "w", encoding="utf-8")

    def text(self) -> str:
        """Give what was written since the last look."""
        self.stream.flush()
        ready, _, _ = select.select([self._seen], [], [], 1)
        return os.read(self._seen, 1 << 16).decode() if ready else ""

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
        with progress() as tell:
            for done in (1, 2):
                tell("reading articles", done, 2)
            tell("weekly-en-2026-01-09", 3, 7)
        seen = terminal.text()
    for expected in ("reading articles", "2/2", "weekly-en-2026-01-09", "3/7"):
        assert expected in seen
    # The line is erased at the end.
    assert seen.rpartition("3/7")[2].count("\x1b[2K") >= 1


def test_a_file_gets_a_line_now_and_then_for_long_work_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = 2 * WORTH_TELLING + 1
    with progress() as tell:
        tell("short", 1, WORTH_TELLING - 1)
        tell("short", WORTH_TELLING - 1, WORTH_TELLING - 1)
        for done in range(1, many + 1):
            tell("long", done, many)
    assert capsys.readouterr().err.splitlines() == [
        f"long: {done} of {many}" for done in (WORTH_TELLING, 2 * WORTH_TELLING, many)
    ]


@pytest.mark.usefixtures("_logging")
def test_a_terminal_gets_readable_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_terminal(monkeypatch) as terminal:
        logs.set_up()
        structlog.get_logger().warning("quarantined", file="en/a.md")
        seen = terminal.text()
    assert "quarantined" in seen
    assert "en/a.md" in seen
    assert not seen.startswith("{")
    assert "\x1b[" in seen


@pytest.mark.usefixtures("_logging")
def test_a_file_gets_json_with_the_traceback_of_a_fault(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.set_up()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("turn failed")
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["level"]) == ("turn failed", "error")
    assert "ZeroDivisionError" in line["exception"]


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
    monkeypatch.delenv(logs.LEVEL_VARIABLE, raising=False)
    if asked:
        monkeypatch.setenv(logs.LEVEL_VARIABLE, asked)
    logs.set_up()
    log = structlog.get_logger()
    log.info("issue made")
    log.warning("quarantined")
    assert len(capsys.readouterr().err.splitlines()) == count
