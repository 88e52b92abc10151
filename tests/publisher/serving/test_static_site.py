"""What our own server does beyond what nginx does as well (see test_answers)."""

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import IO
from wsgiref.types import WSGIEnvironment

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.test import Client, TestResponse

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.reload import PolledSettings
from publisher.serving.static_site import CODINGS, StaticSite, available_codings, choose_coding
from tests.publisher.serving import samples as served
from tests.sizes import PATIENCE

FEED = "/feeds/en.rss.xml"
JSON = "/feeds/en.json"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return served.make_site(tmp_path)


Ask = Callable[..., TestResponse]


def asked_of(current_settings: Callable[[], Settings]) -> Ask:
    client = Client(StaticSite(current_settings))

    def ask(path: str, method: str = "GET", **fields: str) -> TestResponse:
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        answer = client.open(path, method=method, headers=headers)
        answer.get_data()
        answer.close()
        return answer

    return ask


@pytest.fixture
def ask(settings: Settings) -> Ask:
    return asked_of(lambda: settings)


def test_edited_settings_count_soon(settings: Settings) -> None:
    with closing(PolledSettings(settings, seconds=0.01)) as polled:
        ask = asked_of(polled.current)
        file = settings.folders.root / SETTINGS_FILE
        before = file.read_text("utf-8")
        assert ask(FEED).headers["Cache-Control"] == f"public, max-age={served.TTL * 60}"
        file.write_text(before.replace(f"ttl = {served.TTL}", "ttl = 99"), "utf-8")
        wait_until(lambda: ask(FEED).headers["Cache-Control"] == "public, max-age=5940")
        file.write_text("[feeds", "utf-8")
        assert ask(FEED).headers["Cache-Control"] == "public, max-age=5940"


def test_requests_do_not_wait_for_settings_that_are_being_written(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, is_written = Event(), Event()

    def held(_seconds: float) -> None:
        waiting.set()
        assert is_written.wait(PATIENCE)

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


@pytest.mark.parametrize("has_file_wrapper", [True, False])
def test_the_wsgi_server_sends_what_was_opened_even_if_the_file_is_replaced(
    settings: Settings, *, has_file_wrapper: bool
) -> None:
    file = settings.folders.public / "sound.mp3"
    content = b"before" * 20_000
    file.write_bytes(content)
    wrapped: list[object] = []

    def wrap(opened: object, _size: int) -> object:
        wrapped.append(opened)
        return opened

    more = {"wsgi.file_wrapper": wrap} if has_file_wrapper else {}
    answer = Client(StaticSite(lambda: settings)).open("/sound.mp3", environ_overrides=more)
    served.write(file.with_name("new"), b"a longer state afterwards")
    file.with_name("new").replace(file)
    assert answer.get_data() == content
    assert answer.headers["Content-Length"] == "120000"
    answer.close()
    assert len(wrapped) == int(has_file_wrapper)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 200),
        ({"if_none_match": '"then","a, b",W/TAG'}, 304),
        ({"if_none_match": ""}, 200),
        ({"if_modified_since": "Friday, 09-Jan-26 12:30:00 GMT"}, 304),
        ({"if_modified_since": "Fri Jan  9 12:30:00 2026"}, 304),
        ({"if_modified_since": "Fri, 99 Foo 2026 12:30:00 GMT"}, 200),
        ({"if_none_match": "TAG", "if_modified_since": served.BEFORE}, 304),
        ({"if_none_match": "TAG", "range": "bytes=0-3"}, 304),
        ({"if_match": "TAG"}, 200),
        ({"if_match": '"then"'}, 412),
        ({"if_match": "W/TAG"}, 412),
        ({"if_match": '"then"', "range": "bytes=0-3"}, 412),
    ],
    ids=str,
)
def test_preconditions_are_taken_in_their_order(
    ask: Ask, fields: dict[str, str], status: int
) -> None:
    tag = ask(JSON).headers["ETag"]
    answer = ask(JSON, **{name: value.replace("TAG", tag) for name, value in fields.items()})
    assert answer.status_code == status
    assert (answer.data == served.PACKED["feeds/en.json"]) is (status == 200)


@pytest.mark.parametrize(
    ("value", "bounds"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, None)),
        ("bytes=2-9999", (2, None)),
        ("bytes=-3", (-3, None)),
        ("bytes= 2-5 ", (2, 6)),
        ("bytes=9999-", ()),
        ("bytes=5-2", None),
        ("bytes=-99999999", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=" + 5000 * "9" + "-", None),
    ],
)
def test_one_part_can_be_wanted(
    ask: Ask, value: str, bounds: tuple[int, int | None] | tuple[()] | None
) -> None:
    whole = served.PACKED["feeds/en.json"]
    answer = ask(JSON, range=value)
    if bounds:
        part = whole[slice(*bounds)]
        start = whole.index(part) if value == "bytes=0-0" else len(whole[: bounds[0]])
        assert (answer.status_code, answer.data) == (206, part)
        said = f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
        assert answer.headers["Content-Range"] == said
    elif bounds is None:
        assert (answer.status_code, answer.data) == (200, whole)
    else:
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == f"bytes */{len(whole)}"


def test_a_part_of_a_large_file_is_sent_from_where_it_stands(settings: Settings) -> None:
    content = bytes(range(256)) * 1000
    (settings.folders.public / "sound.mp3").write_bytes(content)
    wrapped: list[IO[bytes]] = []

    def wrap(opened: IO[bytes], _size: int) -> IO[bytes]:
        wrapped.append(opened)
        return opened

    for more in ({"wsgi.file_wrapper": wrap}, {}):
        answer = Client(StaticSite(lambda: settings)).open(
            "/sound.mp3", headers={"Range": "bytes=100000-100009"}, environ_overrides=more
        )
        assert (answer.status_code, answer.headers["Content-Length"]) == (206, "10")
        # A server cuts what its own wrapper gives at the length (PEP 3333).
        assert answer.get_data()[:10] == content[100_000:100_010]
        answer.close()
    assert len(wrapped) == 1


@pytest.mark.parametrize(
    ("condition", "status"), [("TAG", 206), (served.LAST_MODIFIED, 206), ('"then"', 200)]
)
def test_a_part_of_another_state_is_not_given_and_head_has_none(
    ask: Ask, condition: str, status: int
) -> None:
    condition = condition.replace("TAG", ask(JSON).headers["ETag"])
    assert ask(JSON, range="bytes=2-5", if_range=condition).status_code == status
    head = ask(JSON, "HEAD", range="bytes=0-3")
    assert head.status_code == 200
    assert head.headers["Content-Length"] == str(len(served.PACKED["feeds/en.json"]))


def test_a_part_is_of_the_encoding_that_is_sent_and_none_that_is_accepted_is_406(
    ask: Ask,
) -> None:
    packed = ask(FEED, accept_encoding="gzip").data
    answer = ask(FEED, accept_encoding="gzip", range="bytes=-4")
    assert (answer.status_code, answer.data) == (206, packed[-4:])
    where = f"bytes {len(packed) - 4}-{len(packed) - 1}/{len(packed)}"
    assert answer.headers["Content-Range"] == where
    assert answer.headers["Content-Encoding"] == "gzip"
    refused = ask(FEED, accept_encoding="identity;q=0, zstd")
    assert (refused.status_code, refused.headers["Vary"]) == (406, "Accept, Accept-Encoding")


def test_a_browser_asks_by_its_own_tag(ask: Ask) -> None:
    etag = ask(FEED, accept="text/html", accept_encoding="br").headers["ETag"]
    asked = {"accept_encoding": "br", "if_none_match": etag}
    assert etag.endswith('-br-page"')
    assert ask(FEED, accept="text/html", **asked).status_code == 304
    assert ask(FEED, accept="*/*", **asked).status_code == 200


def test_a_redirect_keeps_the_query_and_a_path_that_is_no_utf_8_is_missing(
    ask: Ask, settings: Settings
) -> None:
    answer = ask("/en?from=mail")
    assert answer.status_code == 301
    assert answer.headers["Location"] == "/en/?from=mail"
    assert ask("/feeds/%ff.json").status_code == 404
    (settings.folders.public / "media" / "0a1b2c" / "港口.txt").write_text("harbour")
    assert ask("/media/0a1b2c/港口.txt").data == b"harbour"


def test_a_document_that_goes_meanwhile_is_missing(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.serving.static_site._copy", lambda file, _: file / "gone")
    monkeypatch.setattr(
        "publisher.serving.static_site.available_codings", lambda _file: ["identity"]
    )
    assert ask(FEED).status_code == 404


def test_a_tag_is_of_the_content(ask: Ask, settings: Settings) -> None:
    file = settings.folders.public / FEED.removeprefix("/")
    for coding in ("br", "gzip", "identity"):
        before = ask(FEED, accept_encoding=coding)
        served.write_packed(
            file, served.PACKED["feeds/en.rss.xml"], served.CHANGED + timedelta(days=1)
        )
        again = ask(FEED, accept_encoding=coding, if_none_match=before.headers["ETag"])
        assert again.status_code == 304
        served.write_packed(
            file, served.PACKED["feeds/en.rss.xml"].replace(b"lit", b"out"), served.CHANGED
        )
        assert ask(FEED, accept_encoding=coding).headers["ETag"] != before.headers["ETag"]
        served.write_packed(file, served.PACKED["feeds/en.rss.xml"], served.CHANGED)


def test_a_large_file_changes_its_tag_within_a_second(ask: Ask, settings: Settings) -> None:
    tags = set()
    for nanoseconds in (1, 2):
        with (settings.folders.public / "film.mp4").open("wb") as file:
            file.truncate(9_000_000)
        os.utime(settings.folders.public / "film.mp4", ns=(0, nanoseconds))
        tags.add(ask("/film.mp4").headers["ETag"])
    assert len(tags) == 2


def test_a_copy_that_is_older_than_its_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "en.json"
    served.write_packed(file, b"{}")
    assert available_codings(file) == ["br", "gzip", "identity"]
    served.write(file, b"[]", served.CHANGED + timedelta(seconds=1))
    assert available_codings(file) == ["identity"]
    served.write(tmp_path / "en.json.gz", b"new", served.CHANGED + timedelta(seconds=2))
    assert available_codings(file) == ["gzip", "identity"]
    file.unlink()
    assert available_codings(file) == []


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("gzip;q=0.5, br;q=0.5, identity;q=0.5", "br"),
        ("gzip;q=0.5, identity", "identity"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0.2", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", None),
        ("*;q=0, identity;q=0.1", "identity"),
        ("identity;q=0", None),
        ("gzip, identity;q=0", "gzip"),
        ("br;q=0.0, gzip;q=0.00, identity", "identity"),
        ("gzip ; q=0.8 ,\tbr ; Q=0.9", "br"),
        (",, gzip,", "gzip"),
    ],
)
def test_the_best_of_what_the_client_takes_is_chosen(header: str | None, chosen: str) -> None:
    assert choose_coding(parse_accept_header(header, Accept), CODINGS) == chosen


def test_what_is_not_at_hand_is_not_chosen() -> None:
    for header, available, chosen in (
        ("br, gzip;q=0.5", ("gzip", "identity"), "gzip"),
        ("br, gzip", ("identity",), "identity"),
        ("br, identity;q=0", ("identity",), None),
        ("br", (), None),
    ):
        assert choose_coding(parse_accept_header(header, Accept), available) == chosen


NAMES = (
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-range",
    "range",
    "accept-encoding",
)
# What a header field may hold.
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return served.make_site(tmp_path_factory.mktemp("site"))


@given(fields=st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_nonsense_is_an_error(shared: Settings, fields: dict[str, str]) -> None:
    environ: WSGIEnvironment = {
        f"HTTP_{name.replace('-', '_').upper()}": value for name, value in fields.items()
    }
    answer = Client(StaticSite(lambda: shared)).open(JSON, environ_overrides=environ)
    answer.close()
    assert answer.status_code in {200, 206, 304, 406, 412, 416}
