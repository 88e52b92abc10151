"""Polls of a site made with WordPress: all of its posts, once each, whatever its editors and its API do."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from publisher.articles.model import Mailing
from publisher.polling.ghost import read_ghost_posts
from publisher.polling.schedule import PollResult
from publisher.polling.tables import polled_entry
from publisher.polling.wordpress import read_wordpress_posts
from tests.publisher.conftest import NOW, Make
from tests.publisher.polling.news_server import NewsServer, Page
from tests.publisher.polling.polled_publication import DAY, HOUR, Polled, titles

LANGUAGES = [
    {"slug": "en", "w3c": "en-GB", "home_url": "https://news.example/"},
    {"slug": "zh-tw", "w3c": "zh-TW", "home_url": "https://news.example/zh-tw/"},
]


class WordPress:
    """The posts of a site and its API, as far as it is asked: lists in order, a page at a time."""

    def __init__(self) -> None:
        self.posts: dict[int, dict[str, Any]] = {}
        self.pages: list[int] = []
        self.languages: list[dict[str, str]] | None = None
        self.closed = 0
        self.hidden: set[int] = set()
        self.headers: tuple[str, ...] = ("X-WP-TotalPages", "Link")
        self.after_page: Callable[[], None] = lambda: None

    def write(self, number: int, at: datetime, **changes: Any) -> None:
        time = f"{at:%Y-%m-%dT%H:%M:%S}"
        link = f"https://news.example/story-{number}/"
        self.posts[number] = {
            "id": number,
            "status": "publish",
            "link": link,
            "date_gmt": time,
            "modified_gmt": time,
            "title": {"rendered": f"Story &amp; number {number}"},
            "excerpt": {"rendered": f"<p>How {number} begins.</p>", "protected": False},
            "content": {"rendered": f"<p>The words of story {number}.</p>", "protected": False},
        } | changes

    def edit(self, number: int, at: datetime) -> None:
        words = {"rendered": f"<p>Other words of story {number}, of {at}.</p>"}
        post = self.posts.pop(number)
        self.posts[number] = {
            **post,
            "modified_gmt": f"{at:%Y-%m-%dT%H:%M:%S}",
            "content": words,
        }

    def answer(self, path: str) -> Page:
        parts = urlsplit(path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        route = asked.get("rest_route", parts.path.removeprefix("/wp-json"))
        if self.closed:
            return Page(b'{"code":"rest_disabled"}', self.closed)
        if route == "/wp/v2/posts":
            return self._list(asked)
        if route == "/pll/v1/languages" and self.languages is not None:
            return Page(json.dumps(self.languages).encode())
        return Page(b"", 404)

    def _list(self, asked: dict[str, str]) -> Page:
        posts = [*self.posts.values()]
        if "include" in asked:
            posts = [one for one in posts if str(one["id"]) in asked["include"].split(",")]
        name = {"date": "date_gmt", "modified": "modified_gmt"}.get(asked["orderby"], "id")
        since = asked.get("after", asked.get("modified_after", ""))
        posts = [one for one in posts if not since or one[name] > since]
        posts.sort(key=lambda one: one[name], reverse=asked["order"] == "desc")
        size, page = int(asked["per_page"]), int(asked["page"])
        total = -(-len(posts) // size)
        if page > max(total, 1):
            return Page(b'{"code":"rest_post_invalid_page_number"}', 400)
        self.pages.append(page)
        shown = [
            one
            for one in posts[(page - 1) * size : page * size]
            if one["id"] not in self.hidden
        ]
        fields = asked["_fields"].split(",")
        body = json.dumps([{k: v for k, v in one.items() if k in fields} for one in shown])
        following = '<https://news.example/x>; rel="next"' if page < total else ""
        headers = {"X-WP-TotalPages": str(total), "Link": following}
        self.after_page()
        return Page(
            body.encode(), headers={k: v for k, v in headers.items() if k in self.headers}
        )


@pytest.fixture
def site(server: NewsServer) -> WordPress:
    site = WordPress()
    server.answer = site.answer
    return site


@pytest.fixture
def polled(server: NewsServer, new_publication: Make) -> Polled:
    source = {"kind": "wordpress", "name": "harbour", "url": server.url(""), "every": "15m"}
    return Polled(new_publication(sources=[source]), server.client)


def named(*numbers: int) -> list[str]:
    return sorted(f"Story & number {n}" for n in numbers)


def test_the_newest_posts_are_an_archive_and_later_ones_are_news(
    site: WordPress, polled: Polled
) -> None:
    for number in range(1, 131):
        site.write(number, NOW - 400 * DAY + number * DAY)
    assert polled.cycle().new == 100
    assert titles(polled, Mailing.NEWS) == []
    # It was planned, so nobody has changed it since; and somebody edits a post of the past.
    site.write(200, NOW + 5 * DAY, modified_gmt="2024-06-01T08:00:00")
    site.edit(7, NOW + 5 * DAY)
    site.edit(100, NOW + 5 * DAY)
    report = polled.cycle(after=6 * DAY)
    assert (report.new, report.changed) == (2, 1)
    assert titles(polled, Mailing.NEWS) == named(200)
    assert len(titles(polled)) == 102
    # Beside an older one that is known by now.
    for number in (7, 8):
        site.edit(number, NOW + 6 * DAY)
    assert polled.cycle(after=HOUR).new == 1
    assert titles(polled, Mailing.NEWS) == named(200)
    assert [polled.cycle(after=HOUR).new for _poll in range(2)] == [0, 0]
    assert polled.source().result == PollResult.UNCHANGED


def test_an_edit_of_a_post_of_long_ago_makes_no_poll_late(
    server: NewsServer, site: WordPress, new_publication: Make
) -> None:
    source = {"kind": "wordpress", "name": "harbour", "url": server.url("")}
    polled = Polled(new_publication(sources=[source]), server.client)
    site.write(1, NOW - 3000 * DAY)
    for number in range(2, 8):
        site.write(number, NOW - number * HOUR)
    polled.poll()
    site.edit(1, NOW)
    polled.poll(after=DAY)
    assert polled.source().state.interval < 6 * 3600


def test_a_longer_backfill_reads_more_pages(
    server: NewsServer, site: WordPress, new_publication: Make
) -> None:
    source = {"kind": "wordpress", "name": "harbour", "url": server.url(""), "backfill": "150d"}
    polled = Polled(new_publication(sources=[source]), server.client)
    for number in range(1, 351):
        site.write(number, NOW - number * DAY)
    assert polled.cycle().new == 200
    assert len(titles(polled, Mailing.NEWS)) == 150


@pytest.mark.parametrize("headers", [("X-WP-TotalPages", "Link"), ("Link",), ()])
def test_250_posts_are_read_once_each_while_editors_work_on_them(
    site: WordPress, polled: Polled, headers: tuple[str, ...]
) -> None:
    """Pages are shorter than asked for, since some posts are for nobody; edits move what comes next."""
    site.write(1, NOW - DAY)
    polled.cycle()
    site.headers = headers
    for number in range(2, 262):
        # Brought from elsewhere, so that the list of what was published has none of them.
        site.write(number, NOW + number * HOUR, date_gmt=f"{NOW - 9 * DAY:%FT%T}")
    site.hidden = {3, 50, 90, 91, 92, 150, 160, 161, 230, 231}
    edited = iter(range(4, 44))

    def edit() -> None:
        for number in (next(edited), next(edited)):
            site.edit(number, NOW + 262 * HOUR + timedelta(seconds=number))

    site.after_page = edit
    report = polled.cycle(after=12 * DAY)
    site.after_page = lambda: None
    assert len(site.pages) > 3
    assert report.new == 250
    stored = polled.folder.rows(polled_entry)
    assert len(stored) == 251
    assert len({row["link"] for row in stored}) == 251
    assert titles(polled) == named(*({*range(1, 262)} - site.hidden))
    assert polled.cycle(after=HOUR).new == 0


def test_more_posts_than_a_poll_reads_are_read_by_the_next_ones(
    site: WordPress, polled: Polled
) -> None:
    """A plug-in has changed all of them within an hour."""
    site.write(1, NOW - DAY)
    polled.poll()
    for number in range(2, 1502):
        site.write(
            number,
            NOW - 900 * DAY,
            modified_gmt=f"{NOW + HOUR + timedelta(seconds=number):%FT%T}",
        )
    assert polled.poll(after=2 * HOUR).new == 999
    assert polled.poll(after=HOUR).new == 501
    assert [polled.poll(after=HOUR).new, len(polled.folder.rows(polled_entry))] == [0, 1501]


def test_a_deleted_post_is_withdrawn_within_a_day_and_nothing_else_is(
    site: WordPress, polled: Polled
) -> None:
    for number in range(1, 131):
        site.write(number, NOW - 20 * DAY + number * HOUR)
    polled.cycle()
    del site.posts[70]
    assert polled.cycle(after=HOUR).withdrawn == 0
    assert polled.cycle(after=23 * HOUR).withdrawn == 1
    assert titles(polled) == named(*({*range(31, 131)} - {70}))
    # The database of the site is empty, or a plug-in hides all.
    site.posts.clear()
    assert polled.cycle(after=2 * DAY).withdrawn == 0
    assert "can't be told: all of them are missing" in polled.source().reason


def test_posts_that_are_not_for_everybody_are_left_out_and_counted(
    site: WordPress, polled: Polled
) -> None:
    for number in (1, 2):
        site.write(number, NOW - number * DAY)
    site.write(3, NOW - DAY, content={"rendered": "<p>Secret.</p>", "protected": True})
    site.write(4, NOW - DAY, status="private")
    polled.cycle()
    assert titles(polled) == named(1, 2)
    assert "2 of its posts are not for everybody" in polled.source().reason
    site.write(2, NOW, content={"rendered": "", "protected": True})
    assert polled.cycle(after=HOUR).withdrawn == 1


def test_an_article_has_what_its_post_says(site: WordPress, polled: Polled) -> None:
    term = {"taxonomy": "category", "slug": "x"}
    people = [{"taxonomy": "author", "name": name} for name in ("Ann Reed", "Bo Li")]
    groups = [
        [{**term, "name": "Law &amp; order"}, {**term, "slug": "uncategorized", "name": "-"}],
        people,
    ]
    picture = {"source_url": "https://news.example/a.jpg"}
    inside = {"author": [{"code": "rest_user_invalid_id"}], "wp:term": groups}
    site.write(1, NOW - DAY, _embedded={**inside, "wp:featuredmedia": [picture]})
    polled.cycle()
    article = polled.folder.one("harbour: wp:1")
    assert (article.url, article.slug) == ("https://news.example/story-1/", "story-1")
    assert article.published_at == NOW - DAY
    assert [one.name for one in article.bylines] == ["Ann Reed", "Bo Li"]
    assert article.topics == ("Law & order",)
    assert article.text == "How 1 begins."
    assert polled.folder.rows(polled_entry)[0]["entry"]["picture"] == picture["source_url"]


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            {"lang": "en", "translations": {"zh-tw": 2}},
            {"lang": "zh-tw", "translations": {"en": 1}},
        ),
        (
            {
                "wpml_current_locale": "en_GB",
                "wpml_translations": [{"locale": "zh_TW", "id": 2}],
            },
            {"wpml_current_locale": "zh_TW", "wpml_translations": {"en_GB": {"id": 1}}},
        ),
    ],
)
def test_a_translation_of_polylang_or_wpml_joins_its_story_also_a_late_one(
    site: WordPress, polled: Polled, english: dict[str, Any], chinese: dict[str, Any]
) -> None:
    site.languages = LANGUAGES
    site.write(1, NOW - 40 * DAY)
    site.write(3, NOW - DAY)
    polled.cycle()
    site.posts[1] |= english
    site.write(2, NOW + DAY, link="https://news.example/zh-tw/story-2/", **chinese)
    assert polled.cycle(after=2 * DAY).new == 1
    stories = {one.title: one.story_id for one in polled.folder.all().values()}
    assert stories[named(1)[0]] == stories[named(2)[0]] != stories[named(3)[0]]
    assert titles(polled, Mailing.NEWS) == named(2)
    assert sorted(key[1] for key in polled.folder.all()) == ["en", "en", "zh-Hant"]


def test_free_polylang_tells_the_language_by_addresses(site: WordPress, polled: Polled) -> None:
    site.languages = LANGUAGES
    site.write(1, NOW - DAY)
    site.write(2, NOW - DAY, link="https://news.example/zh-tw/story/")
    polled.cycle()
    assert {key[0][-1]: key[1] for key in polled.folder.all()} == {"1": "en", "2": "zh-Hant"}


@pytest.mark.parametrize(
    "page",
    [
        {
            "body": b"",
            "headers": {
                "Link": '<http://b.example/wp/?rest_route=/>; rel="https://api.w.org/"'
            },
        },
        {"body": b'<html><link rel="https://api.w.org/" href="/wp/?rest_route=/"></html>'},
    ],
)
def test_the_api_is_where_the_site_says_which_is_asked_once(
    server: NewsServer, site: WordPress, polled: Polled, page: dict[str, Any]
) -> None:
    headers = {
        key: value.replace("b.example", f"b.example:{server.port}")
        for key, value in page.get("headers", {}).items()
    }
    server.put("/", page["body"], headers=headers)
    site.write(1, NOW - DAY)
    polled.poll()
    polled.poll(after=HOUR)
    assert len(polled.folder.rows(polled_entry)) == 1
    assert server.paths.count("/") == 1
    assert all(one.startswith("/wp/?rest_route=/") for one in server.paths if one != "/")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_the_api_is_closed_the_feed_is_read_and_that_is_said(
    server: NewsServer, site: WordPress, polled: Polled, status: int
) -> None:
    item = "<item><guid>https://news.example/?p={0}</guid><title>Story &amp; number {0}</title><description>x</description></item>"
    server.put("/feed/", f"<rss><channel>{item.format(1)}{item.format(2)}</channel></rss>")
    site.write(1, NOW - DAY)
    polled.cycle()
    site.closed = status
    assert polled.cycle(after=HOUR).new == 1
    assert f"its API answers {status}, so its feed is read" in polled.source().reason
    assert polled.source().has_failed is False
    site.closed = 0
    site.write(2, NOW + HOUR)
    assert polled.cycle(after=HOUR).new == 0
    assert "feed" not in polled.source().reason
    assert titles(polled) == named(1, 2)


def test_a_busy_api_holds_back_its_host_and_loses_nothing(
    site: WordPress, polled: Polled
) -> None:
    site.write(1, NOW - DAY)
    polled.cycle()
    site.write(2, NOW + HOUR)
    site.closed = 503
    assert "it answered 503" in polled.poll(after=HOUR).problems[0]
    site.closed = 0
    assert polled.cycle(after=4 * HOUR).new == 1


@pytest.mark.parametrize("wrong", [None, 5, "x", [1], {"rendered": 5}, {"a": [None]}])
def test_values_of_a_wrong_type_are_left_out(wrong: object) -> None:
    names = [
        "link",
        "date_gmt",
        "title",
        "content",
        "lang",
        "translations",
        "wpml_translations",
        "_embedded",
    ]
    body = json.dumps([{"id": 1, **dict.fromkeys(names, wrong)}, {"id": wrong}, wrong]).encode()
    assert "wp:1" in [one.id for one in read_wordpress_posts(body, "https://news.example", ())]
    tags = ["title", "tags", "authors", "html", "visibility"]
    post = {"id": "a", **dict.fromkeys(tags, wrong)}
    listed = {"posts": [post, {"id": wrong}, wrong], "meta": {"pagination": wrong}}
    posts, is_last = read_ghost_posts(json.dumps(listed).encode(), "https://news.example", {})
    assert ("ghost:a" in [one.id for one in posts], is_last) == (True, True)
