import os
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from publisher.errors import UsageError
from publisher.screenshots.capture import capture_page, chromium_arguments, find_chromium
from tests.slow.publisher.screenshots.conftest import Program

PAGE = '<!DOCTYPE html><body style="margin:0;background:#00f"><p>Hello'


def test_chromium_is_found_by_any_of_its_names(
    pretender: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program = pretender("exit 0", name="google-chrome")

    assert find_chromium() == program


def test_it_is_said_how_chromium_is_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="apt-get install chromium fonts-noto-core"):
        find_chromium()


def test_only_root_goes_without_chromiums_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who runs the tests can't be changed.
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--no-sandbox" not in chromium_arguments(tmp_path, 600, 400)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--no-sandbox" in chromium_arguments(tmp_path, 600, 400)


def test_a_failure_is_reported_with_the_last_line_of_its_output(pretender: Program) -> None:
    program = pretender("echo first >&2; echo 'No usable sandbox!' >&2; exit 3")

    with pytest.raises(UsageError, match=r"chromium failed: No usable sandbox!$"):
        capture_page(program, PAGE, 600, 400)


def test_a_silent_failure_is_reported_too(pretender: Program) -> None:
    with pytest.raises(UsageError, match="chromium failed: no reason given"):
        capture_page(pretender("exit 3"), PAGE, 600, 400)


def test_a_chromium_without_a_picture_is_an_error(pretender: Program) -> None:
    with pytest.raises(UsageError, match="chromium took no picture"):
        capture_page(pretender("echo '<html></html>'"), PAGE, 600, 400)


def test_a_chromium_that_hangs_is_ended_with_its_helpers(
    pretender: Program, tmp_path: Path
) -> None:
    helper = tmp_path / "helper"
    program = pretender(f"sleep 600 & echo $! > {helper}; wait")

    with pytest.raises(UsageError, match=r"was ended after 0\.5 seconds without a picture"):
        capture_page(program, PAGE, 600, 400, patience=0.5)

    assert ended(int(helper.read_text()))


def ended(process: int) -> bool:
    """Wait until a process is gone, or is only there to be counted; five seconds at most."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_page_is_shown_as_large_as_asked(program: str) -> None:
    shown, dom = capture_page(program, PAGE, 700, 500)

    with Image.open(BytesIO(shown)) as picture:
        assert picture.size == (700, 500)
        assert picture.convert("RGB").getpixel((600, 100)) == (0, 0, 255)
    assert "<p>Hello" in dom


def test_nothing_is_left_behind(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    capture_page(program, PAGE, 600, 400)

    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Listen on this machine, and count what is asked for."""

    class Counting(BaseHTTPRequestHandler):
        asked: list[str] = []  # noqa: RUF012  # one server, one list

        def do_GET(self) -> None:
            self.asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    Counting.asked = []
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    thread = threading.Thread(target=listening.serve_forever)
    thread.start()
    yield listening
    listening.shutdown()
    thread.join()
    listening.server_close()


def test_chromium_is_let_to_no_network_whatever_a_page_asks_for(
    program: str, server: ThreadingHTTPServer
) -> None:
    port = server.server_address[1]
    hosts = ("127.0.0.1", "localhost", "[::1]", "example.org")
    pictures = "".join(f'<img src="http://{host}:{port}/{host}.png">' for host in hosts)

    _picture, dom = capture_page(program, f"{PAGE}{pictures}", 600, 400)

    assert f'src="http://127.0.0.1:{port}/' in dom
    assert server.RequestHandlerClass.asked == []  # type: ignore[attr-defined]  # ours has it
