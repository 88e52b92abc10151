"""Polls of pages: by a sitemap, a list or a folder; each once, unless it has changed; and what is gone."""

import json
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from publisher.articles.model import Mailing
from publisher.config.sources import SOURCE_KINDS
from publisher.errors import ConfigError, SourceError
from publisher.polling.model import WebEntry
from publisher.polling.pages import built_files, pictures_of_folder
from publisher.polling.picture_copies import PICTURES, CopiedPictures
from publisher.polling.schedule import PollResult
from publisher.polling.tables import polled_entry
from tests.processes import ROOT
from tests.publisher.conftest import NOW, Make
from tests.publisher.ingest.helpers import drawn
from tests.publisher.polling.news_server import NewsServer
from tests.publisher.polling.polled_publication import DAY, HOUR, Polled, titles

WORDS = (
    "The harbour has a crane that lifts forty tonnes, turns in every wind, and came by ship. "
    * 4
)
DATE = "<meta property='article:published_time' content='{}T08:00:00Z'>"
XHTML = 'xmlns:xhtml="http://www.w3.org/1999/xhtml"'


def article(
    title: str, head: str = "", language: str = "en", day: str = "2026-01-02", date: str = DATE
) -> str:
    return (
        f"<!doctype html><html lang={language}><head><title>{title}</title>{head}"
        f"{date.format(day)}</head>"
        f"<body><nav>Home</nav><article><h1>{title}</h1><p>{title}: {WORDS}</p></article></body></html>"
    )


class Site:
    """A site and its sitemap, on the server; pages by path, with the time of their last change."""

    def __init__(self, server: NewsServer) -> None:
        self.server = server
        self.marks: dict[str, str] = {}
        self.links: dict[str, str] = {}

    def write(self, path: str, mark: str = "2026-01-02", **options: Any) -> None:
        self.marks[path] = mark
        self.server.put(path, article(path.strip("/"), **options))
        self.list()

    def list(self, *, path: str = "/sitemap.xml", **options: Any) -> None:
        urls = "".join(
            f"<url><loc>{self.server.url(one)}</loc>"
            f"{f'<lastmod>{mark}</lastmod>' if mark else ''}{self.links.get(one, '')}</url>"
            for one, mark in self.marks.items()
        )
        body = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" {XHTML}>{urls}</urlset>'
        self.server.put(path, body, **options)


@pytest.fixture
def site(server: NewsServer) -> Site:
    server.put("/robots.txt", "")
    return Site(server)


@pytest.fixture
def make_polled(server: NewsServer, new_publication: Make) -> Any:
    def made(**options: Any) -> Polled:
        usual = {
            "kind": "pages",
            "name": "harbour",
            "url": server.url("/sitemap.xml"),
            "every": "15m",
        }
        source = {key: one for key, one in {**usual, **options}.items() if one}
        return Polled(new_publication(sources=[source]), server.client)

    return made


def test_pages_of_a_sitemap_are_read_once_each_and_again_when_they_change(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    for number in range(1, 4):
        site.write(f"/{number}")
    assert polled.cycle().new == 3
    assert titles(polled, Mailing.NEWS) == []
    site.server.requests.clear()
    polled.cycle(after=2 * DAY)
    # The sitemap alone, and what may be read, a day old.
    assert sorted(site.server.paths) == ["/robots.txt", "/sitemap.xml"]
    site.write("/2", "2026-11-02", head="<meta name=author content='Ann Reed'>")
    site.write("/4", "2026-11-02", day="2026-11-30")
    site.server.requests.clear()
    report = polled.cycle(after=HOUR)
    assert (report.new, report.changed) == (1, 1)
    assert sorted(site.server.paths) == ["/2", "/4", "/sitemap.xml"]
    assert (
        polled.folder.one("harbour: " + site.server.url("/2")[7:]).bylines[0].name == "Ann Reed"
    )


def test_of_many_pages_the_newest_are_read_first_and_old_ones_are_no_news(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    for number in range(1, 141):
        site.write(
            f"/{number:03}",
            f"2025-06-01T00:{number // 60:02}:{number % 60:02}Z",
            day="2025-06-01",
        )
    assert polled.cycle().new == 60
    assert titles(polled) == [f"{number:03}" for number in range(81, 141)]
    assert "80 are read at the next polls" in polled.source().reason
    site.write("/new", "2026-12-01", day=f"{NOW + DAY:%F}")
    assert [polled.cycle(after=HOUR).new for _poll in range(3)] == [60, 21, 0]
    assert titles(polled, Mailing.NEWS) == ["new"]


def test_a_page_is_withdrawn_when_the_sitemap_lacks_it_and_its_address_says_that_it_is_gone(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    for number in range(1, 4):
        site.write(f"/{number}")
    polled.cycle()
    # One is gone, but listed; one is there, but not listed.
    del site.server.pages["/1"]
    del site.marks["/2"]
    site.list()
    assert polled.cycle(after=DAY).withdrawn == 0
    assert titles(polled) == ["1", "2", "3"]
    del site.marks["/1"]
    site.list()
    # A site that is being built anew may answer so for a moment.
    assert [polled.cycle(after=DAY).withdrawn for _poll in range(2)] == [0, 1]
    assert titles(polled) == ["2", "3"]
    site.marks.clear()
    site.list()
    assert polled.cycle(after=DAY).withdrawn == 0
    assert "nothing is withdrawn" in polled.source().reason


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_site_is_left_alone_and_what_was_read_stays(
    site: Site, make_polled: Any, status: int
) -> None:
    polled = make_polled()
    for number in range(1, 4):
        site.write(f"/{number}", f"2026-01-0{number}")
    site.server.put("/2", b"", status=status, headers={"Retry-After": "7200"})
    assert polled.cycle().new == 1
    assert polled.source().result == PollResult.WAIT
    site.write("/2", "2026-01-02")
    site.server.requests.clear()
    assert polled.cycle(after=HOUR).new == 0
    assert site.server.paths == []
    assert polled.cycle(after=HOUR).new == 2
    assert titles(polled, Mailing.NEWS) == []


def test_pages_without_a_time_are_asked_once_a_day_with_their_validators(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled(url="", urls=[site.server.url(f"/{number}") for number in (1, 2)])
    site.write("/1")
    site.write("/2")
    assert polled.cycle().new == 2
    site.server.requests.clear()
    polled.cycle(after=HOUR)
    assert site.server.paths == []
    site.write("/2", head="<meta name=author content='Ann Reed'>")
    assert polled.cycle(after=DAY).changed == 1
    asked = {path: headers["If-None-Match"] for path, headers in site.server.requests}
    assert asked.keys() == {"/robots.txt", "/1", "/2"}
    assert asked["/1"]
    assert asked["/2"]


def test_an_index_is_followed_and_only_parts_that_have_changed_are_read_again(
    site: Site, make_polled: Any
) -> None:
    def list_parts(*marks: str) -> None:
        parts = "".join(
            f"<sitemap><loc>{site.server.url(f'/part{number}.xml')}</loc><lastmod>{mark}</lastmod></sitemap>"
            for number, mark in enumerate(marks)
        )
        site.server.put("/sitemap.xml", f"<sitemapindex>{parts}</sitemapindex>")

    polled = make_polled()
    for number in range(2):
        site.marks.clear()
        site.write(f"/{number}")
        site.list(path=f"/part{number}.xml")
    list_parts("2026-01-01", "2026-01-01")
    assert polled.cycle().new == 2
    site.write("/new")
    site.list(path="/part1.xml")
    list_parts("2026-01-01", "2026-02-01")
    site.server.requests.clear()
    assert polled.cycle(after=HOUR).new == 1
    assert sorted(site.server.paths) == ["/new", "/part1.xml", "/sitemap.xml"]
    # A part that can't be read takes nothing away.
    site.server.put("/part0.xml", b"", status=404)
    list_parts("2026-03-01", "2026-02-01")
    assert polled.cycle(after=HOUR).withdrawn == 0
    assert "a part of its sitemap can't be read: it answered 404" in polled.source().reason


@pytest.mark.parametrize(
    ("robots", "status", "paths"),
    [
        ("", 404, {"/a", "/b"}),
        ("", 403, {"/a", "/b"}),
        ("User-agent: *\nDisallow: /b", 200, {"/a"}),
        ("User-agent: *\nDisallow:", 200, {"/a", "/b"}),
        ("User-agent: *\nDisallow: /\nAllow: /a\nAllow: /sitemap.xml", 200, {"/a"}),
        ("User-agent: *\nDisallow: /*b$", 200, {"/a"}),
        ("User-agent: other\nDisallow: /", 200, {"/a", "/b"}),
        ("User-agent: tests\nDisallow: /b\n\nUser-agent: *\nDisallow: /", 200, {"/a"}),
        ("\ufeffUser-agent: *\nDisallow: /b", 200, {"/a"}),
        ("User-agent: *\nCrawl-delay: 60", 200, {"/a"}),
        ("User-agent: *\nDisallow: /sitemap.xml", 200, None),
        ("", 500, None),
    ],
)
def test_robots_txt_says_what_is_read(
    site: Site, make_polled: Any, robots: str, status: int, paths: set[str] | None
) -> None:
    polled = make_polled()
    site.write("/a", "2026-01-03")
    site.write("/b")
    site.server.put("/robots.txt", robots, status=status)
    polled.poll()
    assert {*site.server.paths} == {"/robots.txt"} | (
        {"/sitemap.xml"} | paths if paths else set()
    )
    assert polled.source().has_failed is (paths is None)
    if paths == {"/a"} and "delay" not in robots:
        assert "1 are closed to programs by robots.txt" in polled.source().reason


def test_pages_that_name_each_other_are_one_story_and_a_name_that_is_not_returned_is_said(
    site: Site, make_polled: Any
) -> None:
    def link(language: str, path: str) -> str:
        return f"<link rel=alternate hreflang={language} href='{site.server.url(path)}'>"

    polled = make_polled(problems={"language-doubtful": "ignore"})
    both = link("en", "/en") + link("fr", "/fr") + link("x-default", "/en")
    both = both.replace("news.example", "www.news.example")
    site.write("/en", head=both)
    site.write("/fr", head=both, language="fr")
    # By the sitemap alone; and one that only one side names.
    site.links |= dict.fromkeys(
        ("/tide", "/de/flut"),
        "".join(
            f"<xhtml:link rel='alternate' hreflang='{tag}' href='{site.server.url(path)}'/>"
            for tag, path in (("en", "/tide"), ("de", "/de/flut"))
        ),
    )
    site.write("/tide")
    site.write("/de/flut", language="de")
    # By a header field.
    for tag, path in (("en", "/wind"), ("fr", "/vent")):
        named = ", ".join(
            f'<{path}>; rel="alternate"; hreflang="{tag}"'
            for tag, path in (("en", "/wind"), ("fr", "/vent"))
        )
        site.write(path, language=tag)
        site.server.pages[path].headers["Link"] = named
    site.write("/one", head=link("de", "/other"))
    site.write("/other", language="de")
    polled.cycle()
    stories = {one.title: one.story_id for one in polled.folder.all().values()}
    assert stories["en"] == stories["fr"]
    assert stories["tide"] == stories["de/flut"]
    # The shortest address is that of the main language.
    assert {one.slug for one in polled.folder.all().values()} >= {"tide", "one"}
    assert stories["wind"] == stories["vent"]
    assert len({*stories.values()}) == 5
    assert "1 are not joined with a translation" in polled.source().reason


def test_what_is_left_out_is_counted_with_its_reason(site: Site, make_polled: Any) -> None:
    polled = make_polled(exclude=["/tags/*"])
    site.write("/a")
    site.write("/tags/x")
    site.write("/list")
    site.server.put("/list", "<html><body><p>Many words.</p></body></html>")
    site.write(
        "/paid",
        head='<script type="application/ld+json">{"@type":"Article","isAccessibleForFree":false}</script>',
    )
    site.write("/copy", head=f"<link rel=canonical href='{site.server.url('/a')}'>")
    site.write("/hidden")
    site.server.pages["/hidden"].headers["X-Robots-Tag"] = "noindex"
    site.write("/moved")
    site.server.put("/moved", b"", status=302, headers={"Location": site.server.url("/a")})
    site.write("/broken")
    site.server.put("/broken", b"", status=500)
    polled.cycle()
    assert titles(polled) == ["a"]
    reason = polled.source().reason
    assert "6 of 7 pages are left out" in reason
    for why in (
        "have no date",
        "are not free",
        "canonical",
        "noindex",
        "lead to other",
        "answer 500",
    ):
        assert f"1 {why}" in reason or why in reason
    # Later it is for members only.
    site.write(
        "/a",
        "2026-02-01",
        head='<script type="application/ld+json">{"@type":"Article","isAccessibleForFree":"False"}</script>',
    )
    assert polled.cycle(after=HOUR).withdrawn == 1


def test_a_folder_of_built_pages_is_read_with_its_pictures_and_what_it_lacks_twice_is_gone(
    make_polled: Any,
) -> None:
    polled = make_polled(url="", path="dist", content="full", pictures="copy")
    folder = polled.folder.settings.folders.root / "dist"
    polled.pictures = CopiedPictures(polled.folder.settings.folders.var / PICTURES)
    (folder / "posts").mkdir(parents=True)
    (folder / ".cache").mkdir()
    (folder / "crane.png").write_bytes(drawn("PNG", 40, 30))
    for number in range(1, 4):
        canonical = f"<link rel=canonical href='https://example.org/blog/posts/{number}'>"
        body = article(str(number), canonical).replace(
            "<p>", "<p><img src='../crane.png' alt='A crane'></p><p>", 1
        )
        (folder / "posts" / f"{number}.html").write_text(body, "utf-8")
    (folder / ".cache" / "x.html").write_text(article("x"), "utf-8")
    (folder / "index.html").write_text(
        "<html><body><a href=posts/1>1</a> Home</body></html>", "utf-8"
    )
    (folder / "nowhere.html").write_text(article("nowhere"), "utf-8")
    assert polled.cycle().new == 3
    found = polled.folder.one("harbour: posts/1.html")
    stored = [row["entry"]["url"] for row in polled.folder.rows(polled_entry)]
    assert min(stored) == "https://example.org/blog/posts/1"
    assert "<img" in found.html
    assert titles(polled, Mailing.NEWS) == []
    assert "1 state no address (canonical)" in polled.source().reason
    # Built again: the same bytes are the same pages.
    (folder / "posts" / "2.html").touch()
    report = polled.cycle(after=HOUR)
    assert (report.new, report.changed) == (0, 0)
    (folder / "posts" / "3.html").unlink()
    # Somebody asks for it twice while it is being built.
    assert [polled.poll("harbour", after=HOUR / 60).withdrawn for _poll in range(2)] == [0, 0]
    assert polled.cycle(after=HOUR).withdrawn == 1
    shutil.rmtree(folder / "posts")
    (folder / "index.html").unlink()
    (folder / "nowhere.html").unlink()
    assert polled.cycle(after=HOUR).withdrawn == 0
    assert "it lists no page; nothing is withdrawn" in polled.source().reason


def test_files_without_an_address_stand_at_the_base_that_the_settings_name_also_later(
    make_polled: Any,
) -> None:
    polled = make_polled(url="", path="dist")
    folder = polled.folder.settings.folders.root / "dist"
    (folder / "a b").mkdir(parents=True)
    (folder / "a b" / "index.html").write_text(article("A"), "utf-8")
    polled.cycle()
    assert "1 state no address" in polled.source().reason
    table = {"kind": "pages", "name": "harbour", "path": "dist"}
    polled.folder.reload(sources=[{**table, "base": "https://example.org/blog"}])
    polled.cycle(after=DAY)
    assert polled.folder.one("harbour: a b/index.html").url == "https://example.org/blog/a%20b/"


@pytest.mark.parametrize(
    "source",
    [{}, {"url": "https://example.org/sitemap.xml", "path": "dist"}, {"path": "public"}],
)
def test_a_source_names_one_place_of_its_pages_and_not_what_the_program_writes(
    new_publication: Make, source: dict[str, str]
) -> None:
    with pytest.raises(ConfigError):
        new_publication(sources=[{"kind": "pages", "name": "harbour", **source}])


def test_the_samples_of_the_documentation_are_settings_that_fit(new_publication: Make) -> None:
    tables = list[dict[str, Any]]()
    folder = ROOT / "docs/reference"
    for file in (folder / "sources.md", *sorted(folder.glob("source-*.md"))):
        samples = re.findall("```toml\n(.*?)```", file.read_text("utf-8"), re.DOTALL)
        found = [tomllib.loads(one)["source"][0] for one in samples]
        # A page for each kind.
        if file.stem.startswith("source-"):
            assert {one["kind"] for one in found} == {file.stem.removeprefix("source-")}
        tables += found
    assert {one["kind"] for one in tables} == {*SOURCE_KINDS} - {"folder"}
    for number, table in enumerate(tables):
        settings = new_publication(sources=[{**table, "name": f"{number}"}]).settings
        assert settings.sources[0].place in {
            table.get("url"),
            table.get("path"),
            *table.get("urls", ()),
        }


def test_other_rules_read_the_pages_again(site: Site, make_polled: Any) -> None:
    polled = make_polled(include=["/a*"])
    site.write("/a")
    site.write("/b")
    polled.cycle()
    assert titles(polled) == ["a"]
    settings = polled.folder.settings
    changed = settings.sources[0].model_copy(update={"include": ("/*",), "select": "h1"})
    polled.folder.settings = replace(settings, sources=(changed,))
    report = polled.cycle(after=HOUR)
    assert (report.new, report.changed) == (1, 1)
    assert titles(polled) == ["a", "b"]
    assert polled.cycle(after=HOUR).changed == 0


def test_translations_of_a_sitemap_are_kept_until_their_page_is_read(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    for number in range(61):
        path = f"/{number:02}"
        site.links[path] = (
            f"<xhtml:link rel='alternate' hreflang='de' href='{site.server.url('/x')}'/>"
        )
        site.write(path, f"2026-01-01T00:{number:02}Z")
    polled.poll()
    polled.poll(after=HOUR)
    entries = [row["entry"] for row in polled.folder.rows(polled_entry)]
    assert [one["translations"] for one in entries] == [[["de", site.server.url("/x")]]] * 61


def test_pages_without_a_date_that_were_there_at_first_are_no_news(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled(backfill="7d", include=["/*"])
    for number in range(62):
        site.write(f"/{number:02}", f"{NOW:%F}", date="")
    polled.cycle()
    polled.cycle(after=HOUR)
    site.write("/new", f"{NOW + DAY:%F}", date="")
    polled.cycle(after=HOUR)
    assert len(titles(polled)) == 63
    assert titles(polled, Mailing.NEWS) == ["new"]


def test_a_part_of_a_sitemap_that_could_not_be_read_is_read_at_the_next_poll(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    names = "".join(
        f"<sitemap><loc>{site.server.url(f'/part{number}.xml')}</loc><lastmod>2026-01-01</lastmod></sitemap>"
        for number in range(2)
    )
    for number in range(2):
        site.marks.clear()
        site.write(f"/{number}")
        site.list(path=f"/part{number}.xml")
    site.server.put("/sitemap.xml", f"<sitemapindex>{names}</sitemapindex>")
    whole = site.server.pages["/part1.xml"]
    site.server.put("/part1.xml", b"", status=500)
    assert polled.cycle().new == 1
    site.server.pages["/part1.xml"] = whole
    assert polled.cycle(after=HOUR).new == 1


def test_a_page_that_was_never_read_comes_before_those_that_are_asked_again(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    site.server.put("/robots.txt", "User-agent: *\nCrawl-delay: 60")
    for number in range(3):
        site.write(f"/{number}", "")
    assert [polled.poll(after=DAY).new for _poll in range(3)] == [1, 1, 1]


def test_a_page_that_leads_to_the_front_page_for_a_time_is_no_article_and_asked_again(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled(include=["/news*"])
    site.write("/news1")
    assert polled.cycle().new == 1
    site.server.put("/", article("Welcome", day=f"{NOW + DAY:%F}"))
    for path in ("/news1", "/news2"):
        site.write(path, "2026-12-02")
        away = {"Location": site.server.url("/")}
        site.server.put(path, b"", status=302, headers=away)
    report = polled.cycle(after=HOUR)
    assert (report.new, report.changed) == (0, 0)
    site.server.put("/news2", article("news2", day=f"{NOW + DAY:%F}"))
    assert polled.cycle(after=DAY).new == 1
    assert titles(polled) == ["news1", "news2"]


@pytest.mark.parametrize("name", ["x%00.png", "a" * 300, "..%2fsecret.png"])
def test_a_picture_whose_address_is_no_name_of_a_file_is_none_of_the_folder(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "dist").mkdir()
    entry = WebEntry(id="a.html", url="https://example.org/a")
    read = pictures_of_folder(tmp_path, SimpleNamespace(path="dist"), [entry])
    assert read(f"https://example.org/{name}") is None


def test_a_folder_that_is_deleted_while_it_is_listed_is_not_taken_for_an_empty_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "posts").mkdir()
    (tmp_path / "a.html").write_text(article("a"), "utf-8")
    listing = built_files(tmp_path)
    next(listing)
    (tmp_path / "posts").rmdir()
    with pytest.raises(SourceError, match="posts: can't be listed"):
        next(listing)


def test_an_article_that_was_closed_to_programs_by_mistake_comes_back(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    site.write("/1")
    polled.cycle()
    closed = article("1", head="<meta name=robots content=noindex>")
    site.write("/1", "2026-02-01")
    site.server.put("/1", closed)
    assert polled.cycle(after=HOUR).withdrawn == 1
    site.server.put("/1", article("1"))
    polled.cycle(after=DAY)
    assert titles(polled) == ["1"]


def test_an_article_whose_address_only_got_a_slash_is_not_withdrawn(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    site.write("/story1")
    site.write("/other")
    polled.cycle()
    del site.marks["/story1"], site.server.pages["/story1"]
    site.marks["/story1/"] = "2026-01-02"
    site.server.put("/story1/", article("story1"))
    site.list()
    assert [polled.cycle(after=DAY).withdrawn for _poll in range(3)] == [0, 0, 0]
    assert titles(polled) == ["other", "story1"]


def test_undated_pages_that_a_sitemap_lacked_for_a_time_are_no_news(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled(include=["/*"])
    for number in range(62):
        site.write(f"/{number:02}", "2025-06-01", date="")
    polled.cycle()
    marks = dict(site.marks)
    del site.marks["/60"], site.marks["/61"]
    site.list()
    polled.cycle(after=HOUR)
    site.marks = marks
    site.list()
    assert polled.cycle(after=HOUR).new == 2
    assert titles(polled, Mailing.NEWS) == []


def test_a_page_without_a_time_keeps_the_translations_that_its_sitemap_names(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    other = site.server.url("/x")
    site.links["/1"] = f"<xhtml:link rel='alternate' hreflang='de' href='{other}'/>"
    site.write("/1", "")
    polled.cycle()
    site.server.pages["/1"].validates = False
    assert [polled.cycle(after=DAY).changed for _poll in range(2)] == [0, 0]
    site.write("/1", "2026-02-01")
    polled.cycle(after=HOUR)
    polled.cycle(after=HOUR)
    (state,) = [json.loads(polled.source().state.cursor)]
    assert "translations" not in state["pages"][site.server.url("/1")]


def test_what_comes_before_a_busy_site_has_shown_all_its_old_pages_is_news(
    site: Site, make_polled: Any
) -> None:
    polled = make_polled()
    for number in (1, 2):
        site.write(f"/{number}")
    site.server.put("/2", b"", status=503, headers={"Retry-After": "7200"})
    assert polled.cycle().new == 1
    site.server.put("/2", article("2"))
    site.write("/3", f"{NOW + DAY:%F}", day=f"{NOW + DAY:%F}")
    assert polled.cycle(after=2 * DAY).new == 2
    assert titles(polled, Mailing.NEWS) == ["3"]
