"""Polls of a site made with Ghost: its posts once each, for everybody only, and its key nowhere."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from publisher.articles.model import Mailing
from publisher.config import load_settings
from publisher.database.metadata import metadata
from publisher.errors import ConfigError
from publisher.fetching.client import GuardedClient
from publisher.polling.schedule import PollResult
from publisher.polling.tables import polled_entry
from tests.publisher.conftest import NOW, Make
from tests.publisher.polling.news_server import NewsServer, Page
from tests.publisher.polling.polled_publication import DAY, HOUR, Polled, titles

KEY = "22444f78447824223cefc48062"


class Ghost:
    """The posts of a site and its Content API, as far as it is asked."""

    def __init__(self) -> None:
        self.posts: dict[str, dict[str, Any]] = {}
        self.reply = Page()
        self.edits = iter(range(0))

    def write(self, number: int, at: datetime, **changes: Any) -> None:
        name = f"{number:024x}"
        self.posts[name] = {
            "id": name,
            "title": f"Story number {number}",
            "url": f"https://news.example/story-{number}/",
            "html": f"<p>The words of story {number}.</p>",
            "published_at": f"{at:%FT%T}.000Z",
            "updated_at": f"{at:%FT%T}.000Z",
            "visibility": "public",
            "access": True,
        } | changes

    def answer(self, path: str) -> Page:
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if (
            parts.path != "/ghost/api/content/posts/"
            or self.reply.status != 200
            or self.reply.body
        ):
            return self.reply
        if asked.get("key") != KEY:
            return Page(b"{}", 401)
        posts, wanted = [*self.posts.values()], asked.get("filter", "")
        if wanted.startswith("id:"):
            posts = [one for one in posts if one["id"] in wanted]
        elif found := re.fullmatch(r"updated_at:>'(.+)Z'", wanted):
            posts = [one for one in posts if one["updated_at"] > found[1]]
        name, _, direction = asked.get("order", "id asc").partition(" ")
        posts.sort(key=lambda one: one[name], reverse=direction == "desc")
        size, page = int(asked["limit"]), int(asked["page"])
        pages = -(-len(posts) // size)
        following = page + 1 if page < pages else None
        meta = {"pagination": {"page": page, "pages": pages, "next": following}}
        body = json.dumps({"posts": posts[(page - 1) * size : page * size], "meta": meta})
        for number in self.edits:
            self.write(number, NOW + 300 * HOUR)
            break
        return Page(body.encode(), validates=False)


@pytest.fixture
def site(server: NewsServer) -> Ghost:
    site = Ghost()
    server.answer = site.answer
    return site


@pytest.fixture
def polled(
    server: NewsServer, new_publication: Make, monkeypatch: pytest.MonkeyPatch
) -> Polled:
    monkeypatch.setenv("HARBOUR_KEY", KEY)
    source = {
        "kind": "ghost",
        "name": "harbour",
        "url": server.url("/"),
        "key": "HARBOUR_KEY",
        "every": "15m",
        "language_tags": {"hash-zh": "zh-Hans"},
    }
    folder = new_publication(sources=[source])
    # With the environment, as a service has it.
    folder.settings = load_settings(folder.settings.folders.root)
    return Polled(folder, server.client)


def named(*numbers: int) -> list[str]:
    return sorted(f"Story number {n}" for n in numbers)


def test_posts_are_read_once_each_while_editors_work_on_them(
    server: NewsServer, site: Ghost, polled: Polled
) -> None:
    site.write(1, NOW - DAY)
    polled.cycle()
    assert titles(polled, Mailing.ARCHIVE) == named(1)
    for number in range(2, 252):
        site.write(number, NOW + number * HOUR)
    site.edits = iter(range(5, 40, 3))
    assert polled.cycle(after=13 * DAY).new == 250
    site.edits = iter(range(0))
    assert titles(polled, Mailing.NEWS) == named(*range(2, 252))
    assert [polled.cycle(after=HOUR).new for _poll in range(2)] == [0, 0]
    assert polled.source().result == PollResult.UNCHANGED
    assert len(polled.folder.rows(polled_entry)) == 251
    assert {headers["Accept-Version"] for _path, headers in server.requests} == {"v6.0"}


def test_an_article_has_what_its_post_says_and_its_language_is_an_internal_tag(
    site: Ghost, polled: Polled
) -> None:
    tags = [
        {"slug": "law", "name": "Law", "visibility": "public"},
        {"slug": "hash-zh", "name": "#zh", "visibility": "internal"},
    ]
    said = {
        "custom_excerpt": "How it <begins>.",
        "authors": [{"name": "Ann Reed"}],
        "tags": tags,
    }
    site.write(1, NOW - DAY, feature_image="/a.jpg", **said)
    polled.cycle()
    (((_story, language), article),) = polled.folder.all().items()
    assert (language, article.topics, article.text) == ("zh-Hans", ("Law",), "How it <begins>.")
    assert [one.name for one in article.bylines] == ["Ann Reed"]
    (row,) = polled.folder.rows(polled_entry)
    assert row["entry"]["picture"].endswith("/a.jpg")


def test_posts_for_members_are_left_out_and_deleted_ones_are_withdrawn(
    site: Ghost, polled: Polled
) -> None:
    for number in range(1, 5):
        site.write(number, NOW - number * DAY)
    site.write(5, NOW - DAY, visibility="paid", access=False, html="<p>How it</p>")
    polled.cycle()
    assert titles(polled) == named(1, 2, 3, 4)
    assert "1 of its posts are not for everybody" in polled.source().reason
    del site.posts[f"{3:024x}"]
    site.write(2, NOW, visibility="members")
    assert polled.cycle(after=HOUR).withdrawn == 1
    assert polled.cycle(after=DAY).withdrawn == 1
    assert titles(polled) == named(1, 4)


def test_the_key_is_in_no_log_no_answer_and_no_table(
    server: NewsServer,
    site: Ghost,
    polled: Polled,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site.write(1, NOW - DAY)
    said = [repr(polled.poll())]
    moved = server.url(f"/ghost/api/content/posts/?key={KEY}", "b.example")
    for page in (
        Page(b"", 301, {"Location": moved}),
        Page(b"", 401),
        Page(b"", 500),
        Page(f"<html>{KEY}</html>".encode()),
        Page(json.dumps({"errors": [{"message": KEY}]}).encode()),
    ):
        site.reply = page
        said += polled.poll("harbour").problems
        said.append(repr(polled.source()))
    polled.client = GuardedClient(lookup=lambda _host, _port: ["127.0.0.1"])
    said += polled.poll("harbour").problems
    assert any(KEY in path for path in server.paths)
    with polled.database.reading() as connection:
        said += [
            repr(connection.execute(table.select()).all()) for table in metadata.sorted_tables
        ]
    said += [caplog.text, *capsys.readouterr(), repr(polled.folder.settings)]
    assert KEY not in "".join(said)
    assert "it answered 500" in "".join(said)


def test_a_key_that_is_not_in_the_environment_is_said(
    polled: Polled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARBOUR_KEY")
    polled.folder.settings = load_settings(polled.folder.settings.folders.root)
    assert polled.poll().problems == [
        "source harbour: the environment of the program has no HARBOUR_KEY"
    ]


def test_a_key_in_publication_toml_is_refused_and_not_shown(polled: Polled) -> None:
    path: Path = polled.folder.settings.folders.root / "publication.toml"
    path.write_text(path.read_text().replace("HARBOUR_KEY", KEY))
    with pytest.raises(ConfigError, match="names no environment variable") as error:
        load_settings(path.parent)
    assert KEY not in str(error.value)
