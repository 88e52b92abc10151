"""A feed reader that asks with `A-IM: feed` gets the entries that its tag does not name (RFC 3229)."""

import gzip
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

import feeds
from publisher.config import Settings
from publisher.serving.static_site import StaticSite
from tests.publisher.serving.samples import make_settings, write_packed

HOST = "https://news.example.org"
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
STYLED = [form for form in feeds.FEED_FORMATS if form.styled]

Ask = Callable[..., TestResponse]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def ask(settings: Settings) -> Ask:
    client = Client(StaticSite(lambda: settings))

    def ask(form: feeds.FeedFormat, tag: str = "", **more: str) -> TestResponse:
        fields = {"A-IM": "feed", "If-None-Match": tag}
        fields |= {name.replace("_", "-"): value for name, value in more.items()}
        return client.get(f"/feeds/en.{form.suffix}", headers=fields)

    return ask


def publish(settings: Settings, texts: Sequence[str]) -> dict[str, bytes]:
    """Write a feed of these entries, and return its documents by suffix."""
    addresses = {one.name: f"{HOST}/feeds/en.{one.suffix}" for one in feeds.FEED_FORMATS}
    entries = tuple(
        feeds.Entry(
            id=f"tag:news.example.org,2026:{number}",
            url=f"{HOST}/en/{number}/",
            title=f"Story {number} <entry> </item>",
            language="ar" if number == 2 else "en",
            published=NOON,
            updated=NOON + timedelta(minutes=number),
            content_html=f"<p>{text}</p>\n <item> <entry>",
        )
        for number, text in enumerate(texts)
    )
    channel = feeds.Channel(
        id="tag:news.example.org,2026:feed",
        title="The Lantern",
        description="Light on things.",
        site_url=HOST,
        addresses=addresses,
        language="en",
        entries=entries[::-1],
        author=feeds.Author(name="The Lantern"),
        updated=NOON,
    )
    documents = {one.suffix: feeds.render(one, channel) for one in feeds.FEED_FORMATS}
    for suffix, document in documents.items():
        write_packed(settings.folders.public / f"feeds/en.{suffix}", document)
    return documents


def numbers_in(document: bytes) -> list[int]:
    return [number for number in range(9) if f"/en/{number}/".encode() in document]


@pytest.mark.parametrize("form", STYLED, ids=str)
def test_entries_that_came_or_changed_are_sent(
    settings: Settings, ask: Ask, form: feeds.FeedFormat
) -> None:
    publish(settings, ["dawn", "noon", "dusk"])
    first = ask(form)
    tag = first.headers["ETag"]
    assert (first.status_code, numbers_in(first.data)) == (200, [0, 1, 2])
    assert ask(form, tag).status_code == 304
    document = publish(settings, ["dawn", "midday", "dusk", "night"])[form.suffix]
    second = ask(form, tag)
    assert (second.status_code, numbers_in(second.data)) == (226, [1, 3])
    assert second.headers["IM"] == "feed"
    assert second.headers["Delta-Base"] == tag
    assert "A-IM" in second.headers["Vary"]
    assert "no-store" in second.headers["Cache-Control"]
    without = [line for line in document.splitlines() if line not in second.data.splitlines()]
    assert second.data.endswith(document[-20:])
    assert numbers_in(b"".join(without)) == [0, 2]
    assert ask(form, second.headers["ETag"]).status_code == 304


def test_a_delta_is_compressed_and_weak_tags_are_known(settings: Settings, ask: Ask) -> None:
    rss, _atom = STYLED
    publish(settings, ["dawn", "noon"])
    tag = ask(rss, Accept_Encoding="gzip").headers["ETag"]
    publish(settings, ["dawn", "noon", "dusk"])
    for known in (tag, f"W/{tag}", f'"another", {tag}'):
        answer = ask(rss, known, Accept_Encoding="gzip")
        assert (answer.status_code, answer.headers["Content-Encoding"]) == (226, "gzip")
        assert numbers_in(gzip.decompress(answer.data)) == [2]


def test_who_shows_no_entries_gets_the_whole(settings: Settings, ask: Ask) -> None:
    rss, atom = STYLED
    publish(settings, ["dawn"])
    tag = ask(rss).headers["ETag"]
    plain = ask(rss, A_IM="").headers["ETag"]
    # newsboat asks so only once it has a tag.
    assert ask(rss, plain).status_code == 304
    publish(settings, ["dawn", "noon"])
    assert [ask(rss, one).status_code for one in ("", '"5f"', plain)] == [200, 200, 200]
    assert ask(rss, tag, A_IM="diffe, feed;q=0").status_code == 200
    assert ask(rss, tag, Accept="text/html").status_code == 200
    assert ask(rss, tag, Range="bytes=0-3").status_code != 226
    assert (
        ask(atom, tag).status_code == 226
    )  # both entries: none of the tag's is the same in Atom
    json = next(one for one in feeds.FEED_FORMATS if not one.styled)
    assert ask(json, tag).status_code == 200


def test_a_long_feed_has_tags_without_entries(settings: Settings, ask: Ask) -> None:
    rss, _atom = STYLED
    publish(settings, 81 * ["dawn"])
    tag = ask(rss).headers["ETag"]
    assert len(tag) < 60
    assert ask(rss, tag).status_code == 304
