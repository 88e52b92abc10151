"""Search engines are told of pages by IndexNow, over real sockets to a server in this process."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from publisher.app.operation.cycle import CycleReport
from publisher.config.publication import SiteSettings
from publisher.site import sitemaps
from publisher.syndication import indexnow, websub
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import URL, pipeline_of, public
from tests.publisher.site.test_archive_pages import write

HOUR = timedelta(hours=1)


class Engine:
    """A search engine that keeps what it was told, and answers with `status`."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 202
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json; charset=utf-8"
                body = self.rfile.read(int(self.headers["Content-Length"]))
                engine.told.append(json.loads(body))
                self.send_response(engine.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/indexnow"

    def stories(self) -> list[list[str]]:
        """Return what the articles are called of which each request told."""
        return [
            [url.split("/")[-2] for url in one["urlList"] if "/stories/" in url]
            for one in self.told
        ]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Engine()
    thread = Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def cycle(publication: PublicationFolder, *engines: str, at: datetime = NOW) -> CycleReport:
    pipeline = pipeline_of(publication.at(at))
    settings = replace(publication.settings, site=SiteSettings(indexnow=engines))
    return replace(pipeline, settings=settings).run()


def test_a_search_engine_is_told_once_of_pages_that_are_new_changed_or_gone(
    publication: PublicationFolder, engine: Engine
) -> None:
    for name in ("maps", "tides", "winds"):
        write(publication, f"en/{name}", "2026-01-05")
    assert cycle(publication, engine.url).problems == []
    (first,) = engine.told
    key = first["key"]
    assert (first["host"], first["keyLocation"]) == ("news.example.org", f"{URL}/{key}.txt")
    assert (public(publication) / f"{key}.txt").read_text() == key
    assert {f"{URL}/en/", f"{URL}/en/stories/tides/"} <= {*first["urlList"]}
    write(publication, "en/tides", "2026-01-05", summary="Another summary")
    write(publication, "en/cats", "2026-01-05")
    (publication.articles / "en/maps.md").unlink()
    cycle(publication, engine.url, at=NOW + HOUR)
    cycle(publication, engine.url, at=NOW + 2 * HOUR)
    assert engine.stories() == [["maps", "tides", "winds"], ["cats", "maps", "tides"]]
    assert engine.told[1]["key"] == key


def test_nobody_is_told_and_the_key_goes_without_the_setting(
    publication: PublicationFolder, engine: Engine
) -> None:
    write(publication, "en/tides", "2026-01-05")
    cycle(publication)
    cycle(publication, engine.url)
    write(publication, "en/maps", "2026-01-05")
    cycle(publication, at=NOW + HOUR)
    assert engine.told == []
    assert {file.name for file in public(publication).glob("*.txt")} == {"robots.txt"}


@pytest.mark.parametrize("status", [429, 500])
def test_what_was_not_taken_is_told_later_with_what_changed_since(
    publication: PublicationFolder, engine: Engine, status: int
) -> None:
    engine.status = status
    write(publication, "en/tides", "2026-01-05")
    assert cycle(publication, engine.url).pinged.waiting == 1
    engine.status = 200
    write(publication, "en/maps", "2026-01-05")
    assert cycle(publication, engine.url, at=NOW + HOUR).pinged.waiting == 0
    assert engine.stories() == [["tides"], ["maps", "tides"]]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "400 Bad Request: it does not understand the request"),
        (
            403,
            "403 Forbidden: it did not find the key in {}; let your web server show this file",
        ),
        (
            422,
            "422 Unprocessable Entity: it does not take addresses of news.example.org with the key of {}",
        ),
    ],
)
def test_a_refusal_ends_it_with_a_reason(
    publication: PublicationFolder, engine: Engine, status: int, reason: str
) -> None:
    engine.status = status
    write(publication, "en/tides", "2026-01-05")
    problem = cycle(publication, engine.url).problems[-1]
    expected = reason.format(engine.told[0]["keyLocation"])
    assert problem.endswith(expected)
    with publication.database.reading() as connection:
        assert websub.failed_pings(connection)[0][2] == expected
    cycle(publication, engine.url, at=NOW + 24 * HOUR)
    assert len(engine.told) == 1


def test_more_addresses_than_a_request_may_have_are_told_in_several(
    publication: PublicationFolder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexnow, "MOST_PAGES", 5)
    for number in range(8):
        write(publication, f"en/{number}", "2026-01-05")
    assert cycle(publication, engine.url).problems == []
    sizes = sorted(len(one["urlList"]) for one in engine.told)
    assert sizes[1:] == [5] * (len(sizes) - 1)
    assert sorted(name for some in engine.stories() for name in some) == [*"01234567"]


def test_a_killed_process_loses_no_page(
    publication: PublicationFolder, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    write(publication, "en/tides", "2026-01-05")
    for step in ("write_if_changed", "_write_frame"):
        with monkeypatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(sitemaps, step, killed)
            cycle(publication, engine.url)
    assert engine.told == []
    cycle(publication, engine.url)
    assert engine.stories() == [["tides"]]
