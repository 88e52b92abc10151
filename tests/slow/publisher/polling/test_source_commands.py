"""The commands of sources on the web, against a server of this machine: from an address to a digest."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.app import source_polls
from publisher.cli.main import main
from publisher.config import load_settings
from tests.publisher.imports.exports import ENGLISH, item, wxr
from tests.publisher.ingest.helpers import drawn
from tests.publisher.polling.built_sites import build_site, posts
from tests.publisher.polling.news_server import NewsServer, Page, news_server

PAGE = """<html lang="en"><head><title>The Harbour</title>
<link rel="alternate" type="application/feed+json" title="All of it" href="/feed.json"></head></html>"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NewsServer]:
    with news_server() as running:
        monkeypatch.setattr(source_polls, "CLIENT", running.client)
        running.put("/", PAGE)
        put_stories(running, 3)
        yield running


def put_stories(server: NewsServer, count: int) -> None:
    items = [
        {
            "id": str(n),
            "url": server.url(f"/story-{n}"),
            "title": f"A story of the harbour, number {n}",
            "content_html": f"<p>Ship {n} has arrived, and everybody has seen it.</p>",
            "date_published": "2026-01-08T08:00:00Z",
        }
        for n in range(count)
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Harbour", "items": items}
    server.put("/feed.json", json.dumps(feed))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code = main([*words])
    out = capsys.readouterr()
    assert code in {0, None}, out.err
    return out.out


def test_from_an_address_to_a_digest(
    server: NewsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, now = tmp_path / "news", "--now=2026-01-09T12:00:00Z"
    said = run(capsys, "new", str(folder), "--from", server.url("/"))
    assert "'Harbour' in en, 3 entries" in said
    (source,) = load_settings(folder, {}).sources
    assert (source.kind, source.place, source.language) == (
        "feed",
        server.url("/feed.json"),
        "en",
    )
    assert "3 new" in run(capsys, "run", "--once", now, str(folder))
    digest = tmp_path / "digest.html"
    run(capsys, "preview", "weekly", "--out", str(digest), now, str(folder))
    assert "A story of the harbour, number 2" in digest.read_text()
    assert server.url("/story-2") in digest.read_text()


def test_from_a_folder_of_built_pages_to_articles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build_site("Astro", tmp_path / "site/dist", posts(6))
    folder, now = tmp_path / "news", "--now=2027-01-09T12:00:00Z"
    said = run(capsys, "new", str(folder), "--from", str(tmp_path / "site/dist"))
    assert "a folder with 14 built pages" in said
    assert "1 pages lead to other pages" in said
    (source,) = load_settings(folder, {}).sources
    assert (source.kind, source.place) == ("pages", "../site/dist")
    assert "8 new" in run(capsys, "run", "--once", now, str(folder))
    assert "left out" in run(capsys, "sources", "list", str(folder))


def test_a_source_is_added_asked_paused_and_resumed(
    server: NewsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, name = str(tmp_path / "news"), server.url("/feed.json").partition("://")[2]
    run(capsys, "new", folder)
    found = json.loads(run(capsys, "sources", "test", server.url("/"), folder, "--json"))
    assert found["feeds"][0]["source"] == {
        "kind": "feed",
        "url": server.url("/feed.json"),
        "language": "en",
    }
    assert run(capsys, "sources", "add", server.url("/"), folder) == f"{name}: added\n"
    assert "is a source already" in run(capsys, "sources", "add", server.url("/"), folder)
    assert run(capsys, "sources", "poll", name, folder).startswith("3 new")
    listed_feeds = tmp_path / "feeds.opml"
    listed_feeds.write_text(run(capsys, "sources", "opml", folder))
    assert "is a source already" in run(capsys, "sources", "add", str(listed_feeds), folder)
    # The same name, and so the same table.
    listed_feeds.write_text(f'<opml><outline xmlUrl="https://{name}"/></opml>')
    assert "is a source already" in run(capsys, "sources", "add", str(listed_feeds), folder)
    put_stories(server, 4)
    run(capsys, "sources", "pause", name, folder)
    assert "it is paused" in run(capsys, "sources", "list", folder)
    run(capsys, "sources", "resume", name, folder)
    assert run(capsys, "sources", "poll", name, folder).startswith("1 new")
    listed = json.loads(run(capsys, "sources", "list", folder, "--json"))["sources"]
    assert [one["polled"] and one["polled"]["result"] for one in listed] == [None, "new"]


def test_a_site_made_with_wordpress_is_added_by_its_api_if_that_answers(
    server: NewsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, api = str(tmp_path / "news"), '<link rel="https://api.w.org/" href="/wp-json/">'
    run(capsys, "new", folder)
    server.put("/", PAGE.replace("</head>", f"{api}</head>"))
    assert 'kind = "feed"' in run(capsys, "sources", "test", server.url("/"), folder)
    post = {"id": 1, "title": {"rendered": "Ships"}, "link": server.url("/ships")}
    server.answer = lambda path: (
        Page(json.dumps([post]).encode()) if "/posts?" in path else Page(b"", 404)
    )
    shown = run(capsys, "sources", "test", server.url("/"), folder)
    assert f'kind = "wordpress"\nurl = "{server.url("/")}"\nlanguage = "en"' in shown
    assert 'kind = "feed"' not in shown
    run(capsys, "sources", "add", server.url("/"), folder)
    name = server.url("").partition("://")[2]
    assert run(capsys, "sources", "poll", name, folder).startswith("1 new")
    assert main(["sources", "opml", folder]) == 2
    assert "no source is a feed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing", "answered 404"),
        ("/page", "no feed was found"),
        ("/text", "no feed was found"),
    ],
)
def test_an_address_without_a_feed_says_what_is_there(
    server: NewsServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    path: str,
    reason: str,
) -> None:
    del server.pages["/feed.json"]
    server.put("/page", "<html><title>x</title></html>")
    server.put("/text", "just words")
    assert main(["new", str(tmp_path / "news"), "--from", server.url(path)]) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "news").exists()


def test_nothing_on_this_machine_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with news_server() as running:
        assert main(["sources", "test", running.url("/", "127.0.0.1"), str(tmp_path)]) == 1
        assert running.requests == []
    assert "not on the public net" in capsys.readouterr().err


def test_pictures_of_an_export_are_copied_in_a_process_of_its_own(
    server: NewsServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.put("/ship.png", drawn("PNG", 2400, 1200))
    picture = f'<p>{ENGLISH}</p><img src="{server.url("/ship.png")}" alt="A ship" />'
    export = tmp_path / "export.xml"
    export.write_bytes(wxr(item(1, "The ferry", picture)))
    run(capsys, "new", str(tmp_path / "news"))
    assert "wrote 1 post" in run(capsys, "import", str(export), str(tmp_path / "news"))
    (copy,) = (tmp_path / "news/articles/pictures").iterdir()
    assert f"pictures/{copy.name}" in (tmp_path / "news/articles/the-ferry.md").read_text(
        "utf-8"
    )
