"""A look at an address: what is found there, and that it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.fetching.addresses import LOOPBACK
from publisher.fetching.client import GuardedClient
from publisher.polling import probe as probing
from publisher.polling.feed_reader import read_feed
from publisher.polling.model import WebFeed
from publisher.polling.parser_process import ParserProcess
from publisher.polling.probe import Probe, probe, probe_folder
from publisher.testing import hostile_server
from tests.publisher.polling.built_sites import build_site, post_page, posts
from tests.publisher.polling.news_server import NewsServer


class ParserHere(ParserProcess):
    """Runs parsers in this process."""

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    def read_feed(self, body: bytes, url: str, content_type: str) -> WebFeed:
        return read_feed(body, url, content_type)


def look(url: str, client: GuardedClient) -> Probe:
    return probe(url, client, ParserHere(), "tests")


def page(*feeds: str, api: str = "") -> str:
    links = [f'<link rel="alternate" type="application/rss+xml" href="{url}">' for url in feeds]
    if api:
        links.append(f'<link rel="https://api.w.org/" href="{api}">')
    return f"<!doctype html><html><head><title>Home</title>{''.join(links)}</head></html>"


def json_feed(title: str) -> str:
    items = [{"id": title, "url": "https://x.example/", "title": title, "content_text": "x"}]
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": title, "items": items})


@pytest.mark.parametrize("is_first", [True, False])
def test_of_a_site_made_with_wordpress_its_api_is_named_and_feeds_of_other_sites_beside_it(
    server: NewsServer, is_first: bool
) -> None:
    own = [server.url("/feed/"), server.url("/comments/feed/")]
    other = server.url("/podcast", "other.example")
    feeds = [other, *own] if is_first else [*own, other]
    server.put("/", page(*feeds, api=server.url("/wp-json/")))
    for name, path in (
        ("Own", "/feed/"),
        ("Comments", "/comments/feed/"),
        ("Podcast", "/podcast"),
    ):
        server.put(path, json_feed(name))
    posts = "/wp-json/wp/v2/posts"
    closed, server.answer = (
        server.answer,
        lambda path: server.pages["/api" if path.startswith(posts) else "/gone"],
    )
    server.put("/api", "[]")
    server.put("/gone", "", status=404)
    try:
        found = look(server.url("/"), server.client)
    finally:
        server.answer = closed
    named = {(one.kind, one.url): one.feed.title for one in found.feeds}
    assert named == {("wordpress", server.url("/")): "Own", ("feed", other): "Podcast"}


def test_a_look_at_slow_sites_ends_in_its_time_and_says_what_was_not_looked_at(
    server: NewsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_SECONDS", 0.6)
    monkeypatch.setattr(probing, "_SECONDS_EACH", 0.2)
    with hostile_server() as slow:
        feeds = [f"http://slow.example:{slow.port}/slow-body?{n}" for n in range(8)]
        server.put("/", page(*feeds))
        client = GuardedClient(networks=LOOPBACK[:1], lookup=lambda _host, _port: ["127.0.0.1"])
        found = look(server.url("/"), client)
        # Each of them would take thirty seconds.
        assert len(slow.paths) < len(feeds)
    assert found.feeds == []
    assert [note.partition(": ")[0] for note in found.notes[:-1]] == feeds
    assert any("for want of time" in note for note in found.notes)


@pytest.mark.parametrize("path", ["/", "/sitemap.xml"])
def test_of_a_site_without_a_feed_the_pages_of_its_sitemap_are_offered(
    server: NewsServer, path: str
) -> None:
    made = posts(3)
    server.put("/", page())
    server.put("/robots.txt", "User-agent: *\nDisallow: /closed")
    listed = "".join(
        f"<url><loc>{server.url(one)}</loc></url>" for one in ("/closed", "/about", "/a")
    )
    server.put("/sitemap.xml", f"<urlset>{listed}</urlset>")
    server.put("/a", post_page("Astro", made[0], made))
    server.put("/about", page())
    (found,) = look(server.url(path), server.client).feeds
    assert found.table == {"kind": "pages", "url": server.url("/sitemap.xml")}
    assert [one.title for one in found.feed.entries] == [made[0].title]
    assert found.missing[0] == "it lists 3 pages; `include` chooses"
    assert found.missing[1].startswith(server.url("/about"))
    assert "/closed" not in server.paths


def test_a_folder_of_built_pages_is_offered_with_what_is_left_out(tmp_path: Path) -> None:
    build_site("Pelican", tmp_path, posts(12))
    (tmp_path / "blank.html").write_bytes(b"")
    (found,) = probe_folder(tmp_path, "../dist", ParserHere()).feeds
    assert found.table == {
        "kind": "pages",
        "path": "../dist",
        "content": "full",
        "pictures": "copy",
    }
    assert len(found.feed.entries) == len(posts(12))
    said = "; ".join(found.missing)
    assert "1 pages lead to other pages" in said
    assert "1 pages can't be read (this is no page of HTML)" in said
    assert "16 do not say where they stand" in said
    (tmp_path / "empty").mkdir()
    assert probe_folder(tmp_path / "empty", "empty", ParserHere()).feeds == []
