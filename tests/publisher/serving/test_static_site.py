"""What our own server does beyond what the others do as well (see test_answers)."""

import time
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from threading import Event
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest

from publisher.config import SETTINGS_FILE
from publisher.serving import StaticSite
from publisher.serving import static_site as module
from publisher.serving.files import BLOCK_SIZE, FileRange
from publisher.serving.process import LiveSite, PolledSettings
from tests.publisher.serving.samples import BEFORE, PACKED, TTL, make_site
from tests.sizes import PATIENCE

FEED = "/feeds/en.rss.xml"


class Client:
    """Calls the application as a WSGI server would, and checks that both keep to PEP 3333."""

    def __init__(self, site: StaticSite | LiveSite) -> None:
        self._site = validator(site)
        self.wrapped: list[FileRange] = []

    def wrap(self, file: FileRange, size: int) -> FileWrapper:
        """Send a file as a WSGI server does that reads whatever it is given to the end."""
        self.wrapped.append(file)
        return FileWrapper(file, size)  # type: ignore[arg-type]  # it reads and closes, no more

    def __call__(
        self, path: str, method: str = "GET", query: str = "", **fields: str
    ) -> tuple[str, dict[str, str], bytes]:
        environ: dict[str, object] = {"REQUEST_METHOD": method, "PATH_INFO": path}
        environ["SCRIPT_NAME"] = ""
        environ["QUERY_STRING"] = query
        environ["wsgi.input"] = BytesIO()
        environ["wsgi.file_wrapper"] = self.wrap
        environ |= {f"HTTP_{name.upper()}": value for name, value in fields.items()}
        setup_testing_defaults(environ)
        told: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], _error: object = None
        ) -> object:
            told.append((status, headers))
            return lambda _data: None

        answer = self._site(environ, start_response)  # type: ignore[arg-type]  # a simpler one will do
        body = b"".join(answer)
        answer.close()  # type: ignore[attr-defined]  # the validator's has it
        status, headers = told[0]
        return status, dict(headers), body


@pytest.fixture
def ask(tmp_path: Path) -> Client:
    return Client(StaticSite(make_site(tmp_path)))


def test_encodings_are_weighed_and_none_that_is_accepted_is_406(ask: Client) -> None:
    status, headers, _body = ask(FEED, accept_encoding="identity;q=0, zstd")

    assert status == "406 Not Acceptable"
    assert headers["Vary"] == "Accept, Accept-Encoding"
    _status, headers, _body = ask(FEED, accept_encoding="br;q=0.1, gzip;q=0.2")

    assert headers["Content-Encoding"] == "gzip"


def test_edited_settings_count_soon(tmp_path: Path) -> None:
    settings = make_site(tmp_path)
    with closing(PolledSettings(settings, seconds=0.01)) as polled:
        ask = Client(LiveSite(polled.current))
        file = settings.folders.root / SETTINGS_FILE
        before = file.read_text("utf-8")
        assert ask(FEED)[1]["Cache-Control"] == f"public, max-age={TTL * 60}"
        file.write_text(before.replace(f"ttl = {TTL}", "ttl = 99"), "utf-8")
        wait_until(lambda: ask(FEED)[1]["Cache-Control"] == "public, max-age=5940")
        file.write_text("[feeds", "utf-8")
        assert ask(FEED)[1]["Cache-Control"] == "public, max-age=5940"


def test_requests_do_not_wait_for_settings_that_are_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, is_written = Event(), Event()

    def held(_seconds: float) -> None:
        waiting.set()
        assert is_written.wait(PATIENCE)

    settings = make_site(tmp_path)
    monkeypatch.setattr("publisher.config.reload._FRESH", float("inf"))
    monkeypatch.setattr("publisher.config.reload.sleep", held)
    with closing(PolledSettings(settings)) as polled:
        try:
            assert waiting.wait(PATIENCE)
            assert polled.current() is settings
        finally:
            is_written.set()
        wait_until(lambda: polled.current() is not settings)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_large_file_is_for_the_wsgi_server_to_send(tmp_path: Path) -> None:
    settings = make_site(tmp_path)
    sound = bytes(BLOCK_SIZE) + b"the end"
    (settings.folders.public / "large.mp3").write_bytes(sound)
    (settings.folders.public / "small.mp3").write_bytes(bytes(BLOCK_SIZE))
    ask = Client(StaticSite(settings))

    assert ask("/small.mp3")[2] == bytes(BLOCK_SIZE)
    assert ask("/large.mp3", "HEAD")[2] == b""
    assert ask("/large.mp3", range="bytes=-7")[2] == b"the end"
    assert not ask.wrapped
    assert ask("/large.mp3")[2] == sound
    status, headers, body = ask("/large.mp3", range=f"bytes=1-{BLOCK_SIZE + 2}")
    assert (status, body) == ("206 Partial Content", sound[1 : BLOCK_SIZE + 3])
    assert headers["Content-Length"] == str(BLOCK_SIZE + 2)
    assert [part.size for part in ask.wrapped] == [len(sound), BLOCK_SIZE + 2]
    for part in ask.wrapped:
        with pytest.raises(ValueError, match="closed"):
            part.tell()


def test_a_wsgi_server_may_have_no_way_to_send_files(tmp_path: Path) -> None:
    settings = make_site(tmp_path)
    (settings.folders.public / "large.mp3").write_bytes(bytes(BLOCK_SIZE + 1))
    environ: dict[str, object] = {"PATH_INFO": "/large.mp3"}
    setup_testing_defaults(environ)
    answer = StaticSite(settings)(environ, lambda *_: lambda _data: None)

    assert sum(map(len, answer)) == BLOCK_SIZE + 1
    answer.close()  # type: ignore[attr-defined]  # a part has it


def test_a_failed_precondition_gets_412_and_a_browser_asks_by_its_own_tag(ask: Client) -> None:
    assert ask(FEED, if_match='"another"')[0] == "412 Precondition Failed"
    assert ask(FEED, if_unmodified_since=BEFORE)[0] == "412 Precondition Failed"
    etag = ask(FEED, accept="text/html", accept_encoding="br")[1]["ETag"]
    asked = {"accept_encoding": "br", "if_none_match": etag}

    assert etag.endswith('-br-page"')
    assert ask(FEED, accept="text/html", **asked)[0] == "304 Not Modified"
    assert ask(FEED, accept="*/*", **asked)[0] == "200 OK"


def test_a_part_is_of_the_encoding_that_is_sent(ask: Client) -> None:
    packed = ask(FEED, accept_encoding="gzip")[2]
    status, headers, body = ask(FEED, accept_encoding="gzip", range="bytes=-4")

    assert (status, body) == ("206 Partial Content", packed[-4:])
    assert (
        headers["Content-Range"] == f"bytes {len(packed) - 4}-{len(packed) - 1}/{len(packed)}"
    )
    assert headers["Content-Encoding"] == "gzip"


def test_a_part_of_another_state_is_the_whole_and_head_has_none(ask: Client) -> None:
    status, _headers, body = ask(FEED, range="bytes=0-3", if_range='"another"')

    assert (status, body) == ("200 OK", PACKED["feeds/en.rss.xml"])
    status, headers, _body = ask(FEED, "HEAD", range="bytes=0-3")

    assert status == "200 OK"
    assert headers["Content-Length"] == str(len(PACKED["feeds/en.rss.xml"]))


def test_a_redirect_keeps_the_query_and_a_path_that_is_no_utf_8_is_missing(ask: Client) -> None:
    status, headers, _body = ask("/en", query="from=mail")

    assert status == "301 Moved Permanently"
    assert headers["Location"] == "/en/?from=mail"
    assert ask("/feeds/\xff.json")[0] == "404 Not Found"


def test_a_path_of_another_script_is_found(tmp_path: Path) -> None:
    settings = make_site(tmp_path)
    (settings.folders.public / "media" / "0a1b2c" / "港口.txt").write_text("harbour")
    in_latin_1 = "/media/0a1b2c/港口.txt".encode().decode("latin-1")

    assert Client(StaticSite(settings))(in_latin_1)[2] == b"harbour"


def test_a_document_that_goes_meanwhile_is_missing(
    ask: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "open_representation", lambda _file, _coding: None)

    assert ask(FEED)[0] == "404 Not Found"
