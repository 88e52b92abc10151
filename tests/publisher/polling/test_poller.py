"""Polls of a real server: what is asked, what is filed, and what becomes of it in the publication."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from publisher.app.sources import read_sources
from publisher.articles.model import Mailing
from publisher.articles.tables import article
from publisher.config.sources import PolledSourceSettings
from publisher.errors import SourceError
from publisher.fetching.addresses import LOOPBACK
from publisher.fetching.client import GuardedClient
from publisher.ingest.problems import list_held_sources
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.sources.entries import EntrySource
from publisher.polling import store
from publisher.polling.picture_copies import PICTURES, CopiedPictures
from publisher.polling.schedule import PollResult
from publisher.polling.tables import polled_entry
from tests.publisher.conftest import NOW, Make, editing_state
from tests.publisher.ingest.helpers import drawn
from tests.publisher.polling.news_server import NewsServer
from tests.publisher.polling.polled_publication import DAY, HOUR, Polled, titles


def feed(*numbers: int, **changes: Any) -> str:
    """Write a JSON Feed with these stories, the last one first; each was published on its day of January."""
    items = [
        {
            "id": f"https://news.example/?p={n}",
            "url": f"https://news.example/story-{n}",
            "title": f"The long story number {n}",
            "content_html": f"<p>Words of story {n}, which somebody has written.</p>",
            "date_published": f"2026-01-{n:02}T08:00:00Z",
            **changes,
        }
        for n in sorted(numbers, reverse=True)
    ]
    version = "https://jsonfeed.org/version/1.1"
    return json.dumps({"version": version, "title": "News", "language": "en", "items": items})


@pytest.fixture
def polled(server: NewsServer, new_publication: Make) -> Polled:
    source = {"kind": "feed", "name": "harbour", "url": server.url("/feed")}
    return Polled(new_publication(sources=[source]), server.client)


def test_the_first_poll_is_an_archive_and_what_comes_later_is_news(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1, 2, 3))
    assert (polled.cycle().new, polled.folder.pick_up().has_changes) == (3, False)
    assert titles(polled, Mailing.ARCHIVE) == [f"The long story number {n}" for n in (1, 2, 3)]
    server.put("/feed", feed(2, 3, 8))
    assert polled.cycle(after=DAY).new == 1
    assert titles(polled, Mailing.NEWS) == ["The long story number 8"]
    # What the feed has no more is there all the same.
    assert len(titles(polled)) == 4
    article = next(one for one in polled.folder.all().values() if "8" in one.title)
    assert (article.url, article.language) == ("https://news.example/story-8", "en")
    assert article.available_at >= article.published_at


@pytest.mark.parametrize(
    "html", ["<p " + " ".join(f"a{n}" for n in range(90_000)) + ">x</p>", "<img srcset=' '>x"]
)
def test_tags_that_would_keep_parsers_busy_or_break_them_delay_no_entry(
    server: NewsServer, polled: Polled, tmp_path: Path, html: str
) -> None:
    polled.pictures = CopiedPictures(tmp_path)
    server.put("/feed", feed(1, 2, content_html=html))
    assert polled.cycle().new == 2
    assert len(titles(polled)) == 2


@pytest.mark.parametrize(
    ("settings", "news"),
    [
        ({"backfill": "2d"}, ["The long story number 8"]),
        ({"first_import": "news"}, [f"The long story number {n}" for n in (1, 8)]),
        ({"first_import": "archive", "backfill": "9d"}, []),
    ],
)
def test_the_settings_say_what_of_the_first_poll_is_news(
    server: NewsServer, new_publication: Make, settings: dict[str, str], news: list[str]
) -> None:
    source = {"kind": "feed", "name": "harbour", "url": server.url("/feed"), **settings}
    polled = Polled(new_publication(sources=[source]), server.client)
    server.put("/feed", feed(1, 8))
    polled.cycle()
    assert titles(polled, Mailing.NEWS) == news


def test_an_entry_is_news_once_it_has_been_the_same_for_a_while(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1))
    polled.cycle()
    server.put("/feed", feed(1, 8))
    polled.poll(after=DAY)
    polled.folder.at(polled.folder.clock.now() + timedelta(minutes=14))
    server.put("/feed", feed(1, 8).replace("Words of story 8", "Other words of story 8"))
    polled.poll("harbour")
    # The edit begins the time anew.
    polled.folder.at(polled.folder.clock.now() + timedelta(minutes=14))
    polled.folder.pick_up()
    assert len(titles(polled)) == 1
    polled.folder.at(polled.folder.clock.now() + timedelta(minutes=1))
    polled.folder.pick_up()
    assert titles(polled, Mailing.NEWS) == ["The long story number 8"]


def test_an_edit_changes_the_article_and_is_no_news(server: NewsServer, polled: Polled) -> None:
    server.put("/feed", feed(1))
    polled.cycle()
    before = polled.folder.all()
    server.put("/feed", feed(1, title="The long story number 1, mended"))
    polled.poll(after=DAY)
    polled.folder.pick_up()
    (after,) = polled.folder.all().values()
    assert after.title == "The long story number 1, mended"
    (one,) = before.values()
    assert (after.id, after.available_at, after.mailing) == (
        one.id,
        one.available_at,
        one.mailing,
    )


def test_an_entry_that_changes_at_each_poll_is_left_alone_after_a_while(
    server: NewsServer, polled: Polled
) -> None:
    changed = 0
    for n in range(store.MAX_EDITS + 4):
        server.put(
            "/feed", feed(1, content_html=f"<p>Read by {n} people so far, they say.</p>")
        )
        changed += polled.poll(after=DAY).changed
    assert changed == store.MAX_EDITS


def test_the_second_poll_is_conditional_and_touches_no_entry(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1), headers={"Last-Modified": "Mon, 05 Jan 2026 10:00:00 GMT"})
    polled.cycle()
    before = polled.folder.rows(polled_entry)
    assert polled.cycle(after=DAY).new == 0
    _path, headers = server.requests[-1]
    etag = polled.source().state.etag
    assert etag.startswith('"')
    assert headers["If-None-Match"] == etag
    assert headers["If-Modified-Since"] == "Mon, 05 Jan 2026 10:00:00 GMT"
    assert headers["User-Agent"] == "tests"
    assert polled.source().result == PollResult.UNCHANGED
    assert polled.folder.rows(polled_entry) == before


def test_nothing_is_asked_before_its_time(server: NewsServer, new_publication: Make) -> None:
    source = {"kind": "feed", "name": "x", "url": server.url("/feed"), "every": "30m"}
    polled = Polled(new_publication(sources=[source]), server.client)
    server.put("/feed", feed(1), headers={"Cache-Control": "max-age=7200"})
    polled.poll()
    assert polled.poll(after=1.9 * HOUR).asked == 0
    assert polled.poll(after=0.2 * HOUR).asked == 1
    assert server.paths == ["/feed"] * 2


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ({"body": b"<!DOCTYPE html><html><body>Sign in</body></html>"}, "HTML"),
        ({"body": b""}, "empty"),
        ({"status": 500}, "it answered 500"),
        ({"status": 404}, "it answered 404"),
        ({"status": 403}, "403"),
        ({"status": 410}, "gone"),
    ],
)
def test_a_source_that_fails_says_why_keeps_its_articles_and_waits(
    server: NewsServer, polled: Polled, page: dict[str, Any], reason: str
) -> None:
    server.put("/feed", feed(1, 2))
    polled.cycle()
    server.put("/feed", **{"body": b"", **page})
    report = polled.poll(after=DAY)
    assert len(report.problems) == 1
    assert reason in report.problems[0]
    assert polled.folder.pick_up().has_changes is False
    assert len(titles(polled)) == 2
    asked = len(server.requests)
    assert polled.poll(after=timedelta(minutes=30)).asked == 0
    # It was mended, and a person asks.
    server.put("/feed", feed(1, 2, 8))
    assert polled.poll("harbour").new == 1
    assert len(server.requests) == asked + 1


def test_a_server_that_asks_to_wait_holds_back_the_whole_host(
    server: NewsServer, new_publication: Make
) -> None:
    sources = [
        {"kind": "feed", "name": name, "url": server.url(f"/{name}", host)}
        for name, host in (
            ("one", "a.example"),
            ("two", "www.a.example"),
            ("three", "b.example"),
        )
    ]
    polled = Polled(new_publication(sources=sources), server.client)
    for name in ("one", "two", "three"):
        server.put(f"/{name}", feed(1))
    polled.poll()
    server.put("/one", b"", status=503, headers={"Retry-After": "18000"})
    polled.poll(after=DAY)
    until = NOW + DAY + 5 * HOUR
    assert [polled.source(n).state.next_at >= until for n in ("one", "two")] == [True] * 2
    assert polled.source("three").result == PollResult.UNCHANGED
    assert polled.source("one").state.errors == 0


def test_without_a_network_no_source_has_failed(new_publication: Make) -> None:
    def no_network(_host: str, _port: int) -> list[str]:
        raise OSError

    sources = [
        {"kind": "feed", "name": n, "url": f"https://{n}.example/feed"} for n in ("one", "two")
    ]
    polled = Polled(new_publication(sources=sources), GuardedClient(lookup=no_network))
    assert polled.poll().problems == []
    assert [polled.source(n).state.errors for n in ("one", "two")] == [0, 0]
    assert "from this machine" in polled.source("one").reason
    assert polled.poll(after=timedelta(minutes=5)).asked == 2


def test_one_source_that_can_t_be_reached_has_failed(polled: Polled) -> None:
    """The server has no such page, and nobody else was asked."""
    assert polled.poll().problems == ["source harbour: it answered 404"]


def test_older_entries_are_read_where_the_window_has_moved_away(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1, 2))
    polled.cycle()
    newest = json.loads(feed(7, 8)) | {"next_url": server.url("/feed?page=2")}
    server.put("/feed", json.dumps(newest))
    middle = json.loads(feed(5, 6)) | {"next_url": server.url("/feed?page=3")}
    server.put("/feed?page=2", json.dumps(middle))
    server.put("/feed?page=3", feed(2, 3, 4))
    assert polled.cycle(after=DAY).new == 6
    assert len(titles(polled)) == 8
    server.put("/feed", feed(20, 21))
    polled.cycle(after=30 * DAY)
    assert "some may be missing" in polled.source().reason


def test_a_paused_source_is_not_asked_and_resumes_at_once(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1))
    polled.poll()
    with polled.database.writing() as connection:
        assert store.pause(connection, "harbour", NOW, is_paused=True)
    assert polled.poll(after=DAY).asked == 0
    assert polled.poll("harbour").asked == 0
    with polled.database.writing() as connection:
        assert store.pause(connection, "harbour", NOW, is_paused=False)
    assert polled.poll().asked == 1


def test_a_feed_that_shows_more_old_entries_than_before_has_no_news(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(5, 6))
    polled.cycle()
    server.put("/feed", feed(1, 2, 3, 4, 5, 6, 8))
    assert polled.cycle(after=DAY).new == 5
    assert titles(polled, Mailing.NEWS) == ["The long story number 8"]


def test_another_feed_at_another_address_begins_as_an_archive(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1))
    server.put("/other", feed(2, 3, 4, 5, 6))
    polled.cycle()
    polled.folder.reload(
        sources=[{"kind": "feed", "name": "harbour", "url": server.url("/other")}]
    )
    assert polled.cycle(after=DAY).new == 5
    assert titles(polled, Mailing.NEWS) == []


def test_only_what_the_feed_says_it_has_deleted_is_withdrawn(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", atom(("1", "en", ""), ("2", "en", ""), ("3", "en", "")))
    polled.cycle()
    gone = (
        '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="en2" '
        'when="2026-01-09T00:00:00Z"/></feed>'
    )
    server.put("/feed", atom(("3", "en", "")).replace("</feed>", gone))
    assert polled.cycle(after=DAY).withdrawn == 1
    assert titles(polled) == ["en 1", "en 3"]
    server.put("/feed", atom(("2", "en", ""), ("3", "en", "")))
    polled.cycle(after=DAY)
    assert titles(polled) == ["en 1", "en 2", "en 3"]


def unreadable(_source: EntrySource, _item: Item) -> RawItem:
    raise SourceError("the disk does not answer")


def test_a_pick_up_that_fails_in_the_middle_goes_on_where_it_was(
    server: NewsServer, polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("/feed", feed(1))
    polled.poll()
    with monkeypatch.context() as patch:
        patch.setattr(EntrySource, "read", unreadable)
        assert polled.folder.pick_up().problems == ["the disk does not answer"]
    assert polled.folder.pick_up().new == 1


def test_a_source_keeps_its_entries_under_another_name_and_at_another_address(
    server: NewsServer, polled: Polled
) -> None:
    for path in ("/feed", "/moved"):
        server.put(path, feed(1, 2))
    polled.cycle()
    for name, path in (("port", "/feed"), ("port", "/moved")):
        source = {"kind": "feed", "name": name, "url": server.url(path)}
        polled.folder.reload(sources=[source])
        assert polled.cycle(after=DAY).new == 0
        assert titles(polled, Mailing.NEWS) == []
        assert len(titles(polled)) == 2


def two_sources(server: NewsServer, make: Make, **hosts: str) -> Polled:
    """Make a publication with feeds at /NAME of hosts of the server."""
    sources = [
        {"kind": "feed", "name": name, "url": server.url(f"/{name}", host)}
        for name, host in hosts.items()
    ]
    return Polled(make(sources=sources), server.client)


def left_out(polled: Polled) -> dict[str, int]:
    found = read_sources(editing_state(polled.folder)).sources
    return {
        one.settings.name: int(notice.what.partition(" ")[0])
        for one in found
        for notice in one.notices
        if notice.kind == "left-out copy"
    }


def test_no_source_takes_the_place_of_another_s_articles(
    server: NewsServer, new_publication: Make
) -> None:
    """The thief is asked first, knows the address and title of a story to come, and is on another host."""
    polled = two_sources(server, new_publication, thief="thief.example", own="news.example")
    server.put("/thief", feed(1, 2, content_html="<p>Not what they have written.</p>"))
    server.put("/own", feed(1))
    polled.cycle()
    assert left_out(polled) == {"thief": 1}
    server.put("/own", feed(1, 2))
    polled.cycle(after=DAY)
    server.put("/thief", feed(1, 2, title="Another title of a stolen story"))
    polled.cycle(after=DAY)
    for n in (1, 2):
        own = polled.folder.one(f"own: news.example/?p={n}")
        assert (own.title, own.html.count("which somebody")) == (
            f"The long story number {n}",
            1,
        )
    assert titles(polled).count("Another title of a stolen story") == 2


def test_an_article_of_two_sources_is_one_story_of_the_first(
    server: NewsServer, new_publication: Make
) -> None:
    polled = two_sources(server, new_publication, one="planet.example", two="list.example")
    server.put("/one", feed(1))
    server.put("/two", feed(3))
    polled.cycle()
    server.put("/two", feed(1, 3))
    polled.cycle(after=DAY)
    server.put("/one", feed(1, 3))
    polled.cycle(after=DAY)
    assert {key for key, _language in polled.folder.all()} == {
        "one: news.example/?p=1",
        "two: news.example/?p=3",
    }
    assert left_out(polled) == {"one": 1, "two": 1}
    # Under another title it may be another article; and the first one is another one by now.
    server.put("/one", feed(1, 3, title="A title that nobody else has"))
    polled.cycle(after=DAY)
    assert left_out(polled) == {}
    assert len(polled.folder.all()) == 4


def test_the_text_is_a_summary_that_leads_to_the_site_or_a_page_of_ours(
    server: NewsServer, new_publication: Make
) -> None:
    sources = [
        {"kind": "feed", "name": name, "url": server.url(f"/{name}"), "content": name}
        for name in ("summary", "full")
    ]
    polled = Polled(new_publication(sources=sources), server.client)
    long = "".join(
        f"<p>Paragraph {n} has some words of its own. {{{{ x }}}}</p>" for n in range(80)
    )
    picture = '<figure><img src="/a.png"><figcaption>A</figcaption></figure>'
    html = picture + long + "<script>x</script>"
    for name in ("summary", "full"):
        url = f"https://news.example/{name}"
        server.put(f"/{name}", feed(1, content_html=html, url=url))
    polled.cycle()
    short = polled.folder.one("summary: news.example/?p=1")
    whole = polled.folder.one("full: news.example/?p=1")
    assert short.url == "https://news.example/summary"
    assert "Paragraph 0" in short.text
    assert "Paragraph 79" not in short.text
    assert (whole.url, whole.canonical_url) == (None, "https://news.example/full")
    assert "Paragraph 79" in whole.text
    assert "{{ x }}" in whole.text
    assert "<img" not in whole.html + short.html
    assert "script" not in whole.html


def test_a_language_is_the_entry_s_or_what_the_settings_say_of_its_address(
    server: NewsServer, new_publication: Make
) -> None:
    languages = {"/zh/": "zh-Hans", "ar.news.example": "ar"}
    source = {"kind": "feed", "name": "x", "url": server.url("/feed"), "languages": languages}
    polled = Polled(new_publication(sources=[source]), server.client)
    document = json.loads(feed(1, 2, 3, 4))
    for item, changes in zip(
        document["items"],
        (
            {"url": "https://news.example/zh/4"},
            {"url": "https://ar.news.example/3"},
            {"language": "zh-Hant"},
            {},
        ),
        strict=True,
    ):
        item.update(changes)
    server.put("/feed", json.dumps(document))
    polled.cycle()
    assert {key[0][-1]: key[1] for key in polled.folder.all()} == {
        "1": "en",
        "2": "zh-Hant",
        "3": "ar",
        "4": "zh-Hans",
    }


def test_a_move_is_believed_after_a_week_if_the_entries_are_the_same(
    server: NewsServer, polled: Polled
) -> None:
    target = server.url("/new", "moved.example")
    server.put("/feed", feed(1))
    server.put("/new", feed(1))
    polled.cycle()
    server.put("/feed", b"", status=301, headers={"Location": target})
    for _day in range(7):
        polled.cycle(after=DAY)
        assert polled.source().state.url == server.url("/feed")
    polled.cycle(after=DAY)
    polled.cycle(after=DAY)
    assert polled.source().state.url == target
    # The address in the settings is the one that a person knows.
    assert polled.source().configured_url == server.url("/feed")


def test_a_poll_that_was_made_twice_is_filed_once(server: NewsServer, polled: Polled) -> None:
    """Two processes asked at the same time, or the first one was killed before it had committed."""
    server.put("/feed", feed(1, 2))
    polled.poll()
    before = polled.folder.rows(polled_entry)
    with polled.database.writing() as connection:
        state = replace(polled.source().state, etag="", body_hash="", full_at=None)
        store.save_polled(connection, [replace(polled.source(), state=state)])
    polled.poll("harbour")
    assert polled.folder.rows(polled_entry) == before


def test_the_next_poll_is_soon_while_an_entry_is_not_news_yet(
    server: NewsServer, polled: Polled
) -> None:
    server.put("/feed", feed(1, 2))
    polled.poll()
    server.put("/feed", feed(1, 2, 8))
    polled.poll(after=DAY)
    now = polled.folder.clock.now()
    assert polled.source().state.next_at == now + timedelta(minutes=15)
    assert polled.source().first_read_at == datetime(2026, 1, 9, 12, tzinfo=UTC)


def atom(*entries: tuple[str, str, str]) -> str:
    """Write a feed of entries: a number, a language, and the languages that it names as translations."""

    def one(number: str, language: str, named: str) -> str:
        links = "".join(
            f'<link rel="alternate" hreflang="{tag}" href="https://news.example/{tag}/{number}"/>'
            for tag in [language, *named.split()]
        )
        return (
            f'<entry xml:lang="{language}"><id>{language}{number}</id><title>{language} {number}</title>{links}'
            f"<updated>2026-01-02T08:00:00Z</updated><summary>Words in {language}.</summary></entry>"
        )

    inside = "".join(one(*entry) for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>{inside}</feed>'


def test_entries_that_name_each_other_are_one_story_also_a_late_one(
    server: NewsServer, polled: Polled
) -> None:
    server.put(
        "/feed",
        atom(("1", "en", "ar"), ("1", "ar", "en"), ("2", "en", "zh-Hans"), ("3", "en", "")),
    )
    polled.cycle()
    stories = {one.title: one.story_id for one in polled.folder.all().values()}
    assert stories["en 1"] == stories["ar 1"]
    assert len(set(stories.values())) == 3
    # The Chinese one is named by the English one; the Arabic 3 names an English one that does not know of it.
    late = (("2", "zh-Hans", "en"), ("3", "ar", "en"), ("2", "en", "zh-Hans"), ("3", "en", ""))
    server.put("/feed", atom(*late))
    polled.cycle(after=DAY)
    after = {one.title: one for one in polled.folder.all().values()}
    assert after["zh-Hans 2"].story_id == stories["en 2"] == after["en 2"].story_id
    assert after["ar 3"].story_id not in stories.values()
    assert after["zh-Hans 2"].mailing is Mailing.NEWS
    assert after["en 2"].mailing is Mailing.ARCHIVE


def test_entries_in_another_language_and_untranslated_copies_are_held_back(
    server: NewsServer, polled: Polled
) -> None:
    entries = atom(("1", "en", "ar"), ("1", "ar", "en"), ("2", "ar", ""))
    same = entries.replace("Words in ar.", "Words in en.", 1)
    text = f"<p>Leaving.</p> {'The ferry leaves at eight. ' * 20}"
    whole = f'<content type="html">{escape(text)}</content><summary>The ferry.</summary>'
    server.put("/feed", same.replace("<summary>Words in ar.</summary>", whole))
    polled.poll()
    polled.folder.at(polled.folder.clock.now() + timedelta(minutes=15))
    assert polled.folder.pick_up().quarantined == 1
    (reason,) = polled.folder.quarantine().values()
    assert "looks like English (en), and it is labelled ar" in reason
    found = {one["title"]: one["status"] for one in polled.folder.rows(article)}
    assert found == {"en 1": "ready", "ar 1": "untranslated"}


@pytest.mark.parametrize("content", ["summary", "full"])
def test_pictures_are_copied_and_what_counts_readers_is_not(
    server: NewsServer, new_publication: Make, content: str
) -> None:
    source = {
        "kind": "feed",
        "name": "x",
        "url": server.url("/feed"),
        "content": content,
        "pictures": "copy",
    }
    polled = Polled(new_publication(sources=[source]), server.client)
    polled.pictures = CopiedPictures(polled.folder.settings.folders.var / PICTURES)
    server.put("/ship.webp", drawn("WEBP", 1600, 900))
    server.put("/port.png", drawn("PNG", 30, 20))
    html = (
        f'<p>The ship has arrived.</p><img src="{server.url("/ship.webp")}" alt="A ship">'
        f'<img data-src="{server.url("/port.png")}" src="data:image/gif;base64,x" alt="The port">'
        f'<figure><img src="{server.url("/gone.png")}"><figcaption>Gone</figcaption></figure>'
        f'<img src="{server.url("/count.gif")}" width="1" height="1"><img src="https://s.w.org/images/core/emoji/1.png"'
        ' alt="⚓">'
    )
    server.put("/feed", feed(1, content_html=html))
    polled.cycle()
    (article,) = polled.folder.all().values()
    files = polled.folder.settings.folders.public
    assert article.picture is not None
    with Image.open(files / article.picture.src.lstrip("/")) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1200, 675))
    assert "/count.gif" not in server.paths
    if content == "full":
        assert article.html.count("<img") == 2
        assert 'alt="The port"' in article.html
        assert "Gone" not in article.html
        assert "⚓" in article.text
        assert "can't be copied" in polled.source("x").reason


def test_a_source_alone_reaches_the_intranet_that_it_names(
    server: NewsServer, new_publication: Make
) -> None:
    """The settings refuse loopback, which stands for the intranet here, so its source gets it afterwards."""
    both: list[dict[str, Any]] = [
        {"kind": "feed", "name": name, "url": server.url(f"/{name}", f"{name}.example")}
        for name in ("inside", "outside")
    ]
    both[0] |= {"pictures": "copy", "networks": ["10.1.2.0/24"]}
    client = replace(server.client, networks=())
    polled = Polled(new_publication(sources=both), client)
    settings = polled.folder.settings
    inside, outside = settings.sources
    assert isinstance(inside, PolledSourceSettings)
    assert [str(one) for one in inside.networks] == ["10.1.2.0/24"]
    inside = inside.model_copy(update={"networks": LOOPBACK[:1]})
    polled.folder.settings = replace(settings, sources=(inside, outside))
    polled.pictures = CopiedPictures(settings.folders.var / PICTURES)
    server.put("/port.png", drawn("PNG", 30, 20))
    shown = feed(1, content_html=f'<p>A port.</p><img src="{server.url("/port.png")}">')
    server.put("/inside", shown)
    server.put("/outside", shown)
    assert polled.poll().problems == [
        "source outside: the address is not on the public net: outside.example leads to 127.0.0.1"
    ]
    assert server.paths == ["/inside", "/port.png"]
    assert polled.source("inside").reason == "read"


def test_of_many_entries_some_are_news_of_each_day_and_the_rest_waits(
    server: NewsServer, new_publication: Make
) -> None:
    url = server.url("/feed")
    source = {"kind": "feed", "name": "harbour", "url": url, "max_per_day": 2}
    make = {"sources": [source], "timezone": "Asia/Hong_Kong"}
    polled = Polled(new_publication(**make), server.client)
    server.put("/feed", feed(1, 2, 3, 4))
    polled.cycle()
    assert len(titles(polled, Mailing.ARCHIVE)) == 4
    server.put("/feed", feed(1, 2, 3, 4, 5, 6, 7, 8, 9))
    # 21:15 there: the day ends in less than three hours.
    polled.folder.at(NOW + DAY + HOUR)
    counts, waiting = [], []
    for hours in (0, 1, 2, 24, 24):
        polled.cycle(after=hours * HOUR)
        counts.append(len(titles(polled, Mailing.NEWS)))
        (one,) = read_sources(editing_state(polled.folder)).sources
        waiting += [notice.what for notice in one.notices if notice.kind == "waiting"]
    assert counts == [2, 2, 4, 5, 5]
    assert waiting == [
        *["3 entries wait for a later day, by max_per_day"] * 2,
        "1 entry waits for a later day, by max_per_day",
    ]
    # An edit of one that was picked up is none of these.
    server.put("/feed", feed(5, 6, 7, 8, 9, title="The long story, mended"))
    polled.poll("harbour", after=HOUR)
    polled.folder.pick_up()
    assert titles(polled, Mailing.NEWS) == ["The long story, mended"] * 5


@pytest.mark.parametrize(
    ("url", "title", "slug"),
    [
        ("https://news.example/2026/03/the-tide.html?utm_source=rss", "T", "the-tide"),
        ("https://news.example/tide/index.html", "T", "tide"),
        ("https://news.example/%E6%BD%AE%E6%B0%B4/", "T", "chao-shui"),
        ("https://news.example/?p=12", "High tide", "high-tide"),
        ("https://news.example/2026/03/05/", "High tide", "high-tide"),
    ],
)
def test_an_article_is_named_by_the_address_of_its_entry_else_by_its_title(
    server: NewsServer, polled: Polled, url: str, title: str, slug: str
) -> None:
    server.put("/feed", feed(1, url=url, title=title))
    polled.cycle()
    (found,) = polled.folder.all().values()
    assert found.slug == slug


def test_where_a_feed_has_summaries_its_pages_have_the_texts_each_is_read_once(
    server: NewsServer, new_publication: Make
) -> None:
    table = {"kind": "feed", "name": "harbour", "url": server.url("/feed"), "content": "page"}
    polled = Polled(new_publication(sources=[table]), server.client)
    words = "The whole of what happened at the harbour this morning, told by somebody. " * 6
    for number in (1, 2, 3):
        page = f"<nav>Menu</nav><article><h1>Story</h1><p>{number}: {words}</p></article>"
        server.put(f"/story-{number}", f"<html lang=en><body>{page}</body></html>")
    server.put("/robots.txt", "User-agent: *\nDisallow: /story-2")

    def show(*numbers: int, **changes: Any) -> None:
        items = [
            json.loads(feed(n, url=server.url(f"/story-{n}"), **changes))["items"][0]
            for n in numbers
        ]
        server.put("/feed", json.dumps({**json.loads(feed()), "items": items}))

    show(1, 2)
    polled.cycle()
    texts = {one.title: one.text for one in polled.folder.all().values()}
    assert texts["The long story number 1"] == f"1: {words}".strip()
    assert texts["The long story number 2"].startswith("Words of story 2")
    assert "1 of its entries have the feed's own text" in polled.source().reason
    assert "robots.txt" in polled.source().reason
    server.requests.clear()
    show(1, 2, 3)
    polled.cycle(after=DAY)
    assert [path for path in server.paths if path.startswith("/story")] == ["/story-3"]
    texts = {one.title: one.text for one in polled.folder.all().values()}
    assert texts["The long story number 1"] == f"1: {words}".strip()
    # An entry that changes has its page read again.
    show(1, 2, 3, content_html="<p>Mended.</p>")
    server.requests.clear()
    polled.cycle(after=DAY)
    assert {"/story-1", "/story-3"} <= set(server.paths)
    assert "/story-2" not in server.paths
    # So has one that moves, and is the same otherwise.
    server.put("/moved-1", server.pages["/story-1"].body)
    server.put("/feed", feed(1, url=server.url("/moved-1"), content_html="<p>Mended.</p>"))
    polled.cycle(after=DAY)
    texts = {one.title: one.text for one in polled.folder.all().values()}
    assert texts["The long story number 1"] == f"1: {words}".strip()


def test_a_source_that_was_removed_and_is_back_is_held_no_longer(
    server: NewsServer, new_publication: Make
) -> None:
    source = {"kind": "feed", "name": "harbour", "url": server.url("/feed")}
    other = {**source, "name": "other", "url": server.url("/other")}
    polled = Polled(new_publication(sources=[source, other]), server.client)
    server.put("/feed", feed(1, 2, 3))
    server.put("/other", feed(4))
    polled.cycle()
    held = []
    for sources in ([other], [source, other]):
        polled.folder.reload(sources=sources)
        polled.cycle(after=DAY)
        with polled.database.reading() as connection:
            held.append([one.source for one in list_held_sources(connection)])
    assert held == [["harbour"], []]
    assert len(titles(polled)) == 4
