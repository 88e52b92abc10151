"""The lists of pages for search engines, by the rules of sitemaps.org, Google News and RFC 9309."""

import re
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from urllib.robotparser import RobotFileParser

import pytest

from publisher.site import sitemaps
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import URL, changes, public, shown

_NS = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "x": "http://www.w3.org/1999/xhtml",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}


def write(
    publication: PublicationFolder, name: str, date: str = "2026-01-05", **meta: str
) -> None:
    publication.write(
        f"{name}.md", f"Words of {name}.", title=f"Title of {name}", date=date, **meta
    )


def later(publication: PublicationFolder, hours: float = 1) -> PublicationFolder:
    return publication.at(publication.clock.now() + timedelta(hours=hours))


def tree(publication: PublicationFolder, path: str) -> ET.Element:
    return ET.fromstring((public(publication) / path).read_text("utf-8"))


def named(publication: PublicationFolder) -> list[str]:
    index = tree(publication, "sitemap.xml")
    assert index.tag == f"{{{_NS['s']}}}sitemapindex"
    for modified in index.findall("s:sitemap/s:lastmod", _NS):
        assert datetime.fromisoformat(modified.text or "").tzinfo
    places = [place.text or "" for place in index.findall("s:sitemap/s:loc", _NS)]
    return [place.removeprefix(f"{URL}/") for place in places]


def entries(publication: PublicationFolder) -> dict[str, dict[str, str]]:
    """Give the links of each page by language, by its path; each file obeys the protocol."""
    found = dict[str, dict[str, str]]()
    for path in named(publication):
        root = tree(publication, path)
        lines = root.findall("s:url", _NS)
        assert root.tag == f"{{{_NS['s']}}}urlset"
        most = sitemaps.MAX_NEWS if path == "sitemap-news.xml" else sitemaps.MAX_URLS
        assert 0 < len(lines) <= most
        for line in [] if path == "sitemap-news.xml" else lines:
            place = line.findtext("s:loc", "", _NS)
            assert place.startswith(f"{URL}/")
            assert place not in found
            links = [
                (one.get("hreflang", ""), one.get("href", ""))
                for one in line.findall("x:link", _NS)
            ]
            assert len(dict(links)) == len(links)
            found[place] = dict(links)
            if modified := line.findtext("s:lastmod", "", _NS):
                datetime.fromisoformat(modified)
    return found


def heads(publication: PublicationFolder) -> dict[str, dict[str, str]]:
    """Give the same of the heads of all pages that search engines may show."""
    found = {}
    for file in public(publication).rglob("index.html"):
        page = file.read_text("utf-8")
        own = re.search(r'rel="canonical" href="([^"]*)"', page)
        if own and 'content="noindex"' not in page:
            links = re.findall(r'<link rel="alternate" hreflang="([^"]*)" href="([^"]*)"', page)
            found[own[1]] = dict(links)
    return found


def test_the_sitemaps_have_all_pages_with_their_sisters_as_their_heads_say(
    publication: PublicationFolder,
) -> None:
    for name in ("en/tides", "ar/tides", "zh-Hant/tides", "en/maps", "ar/cats"):
        write(publication, name, section="Rivers" if name.startswith("en") else "")
    shown(publication)
    listed, said = entries(publication), heads(publication)
    feeds = {place for place in said if "/feeds/" in place}
    assert listed.keys() == said.keys() - feeds - {f"{URL}/"}
    tides = f"{URL}/en/stories/tides/"
    assert listed[tides].keys() == {"en", "ar", "zh-Hant", "x-default"}
    assert listed[tides]["x-default"] == tides
    assert listed[f"{URL}/ar/"]["x-default"] == f"{URL}/"
    assert listed[f"{URL}/en/stories/maps/"] == {}
    for place, links in listed.items():
        assert links == said[place], place
        assert not links or place in links.values()
        assert all(listed[other] == links for tag, other in links.items() if tag != "x-default")


def test_a_change_of_an_article_writes_the_file_of_its_language_alone(
    publication: PublicationFolder,
) -> None:
    for name in ("en/tides", "ar/tides", "en/maps"):
        write(publication, name)
    shown(publication)
    write(publication, "en/tides", summary="Another summary")
    with changes(public(publication)) as found:
        shown(later(publication, 100))
    assert {path for path in found if "sitemap" in path} == {
        *("sitemap-en.xml", "sitemap.xml"),
    }
    with changes(public(publication)) as found:
        shown(later(publication, 101))
    assert found == set()


def test_files_are_split_as_the_protocol_says(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitemaps, "MAX_URLS", 12)
    for number in range(25):
        write(publication, f"en/{number}")
    shown(publication)
    split = {"sitemap-en.xml", "sitemap-en-2.xml", "sitemap-en-3.xml"}
    assert split <= set(named(publication))
    assert len([place for place in entries(publication) if "/stories/" in place]) == 25
    for number in (0, 1, *range(10, 20)):
        (publication.articles / f"en/{number}.md").unlink()
    shown(later(publication))
    assert len([place for place in entries(publication) if "/stories/" in place]) == 13
    assert not (public(publication) / "sitemap-en-3.xml").exists()


def test_news_are_the_articles_of_the_last_two_days(publication: PublicationFolder) -> None:
    write(publication, "en/old", "2025-01-05")
    shown(publication)
    assert "sitemap-news.xml" not in named(publication)
    for name in ("en/tides", "zh-Hant/tides"):
        write(publication, name, "2026-01-09")
    shown(later(publication))
    news = tree(publication, "sitemap-news.xml").findall("s:url/n:news", _NS)
    assert [
        (
            one.findtext("n:publication/n:language", "", _NS),
            one.findtext("n:publication/n:name", "", _NS),
            one.findtext("n:title", "", _NS),
        )
        for one in news
    ] == [
        ("en", publication.settings.publication.title("en"), "Title of en/tides"),
        ("zh-tw", publication.settings.publication.title("zh-Hant"), "Title of zh-Hant/tides"),
    ]
    for one, tag in zip(news, ("en", "zh-Hant"), strict=True):
        moment = one.findtext("n:publication_date", "", _NS)
        assert datetime.fromisoformat(moment).tzinfo
        page = (public(publication) / tag / "stories/tides/index.html").read_text("utf-8")
        assert f'"datePublished":"{moment}"' in page
        assert f'published_time" content="{moment}"' in page
    shown(later(publication, 72))
    assert "sitemap-news.xml" not in named(publication)
    assert not (public(publication) / "sitemap-news.xml").exists()


def test_robots_may_read_everything_but_what_is_a_subscriber_s_own(
    publication: PublicationFolder,
) -> None:
    shown(publication)
    rules = RobotFileParser()
    rules.parse((public(publication) / "robots.txt").read_text("utf-8").splitlines())
    assert rules.site_maps() == [f"{URL}/sitemap.xml"]
    for path in (
        "",
        "en/",
        "en/stories/data/",
        "ar/feeds/",
        "feeds/en.atom.xml",
        "sitemap.xml",
    ):
        assert rules.can_fetch("Googlebot", f"{URL}/{path}"), path
    for path in (
        "en/confirm/?t=x",
        "ar/feeds/of/secret.rss.xml",
        "-/x",
        "en/data/",
        "zh-Hans/unsubscribe/",
    ):
        assert not rules.can_fetch("Googlebot", f"{URL}/{path}"), path


def test_a_publication_s_own_robots_txt_stays(publication: PublicationFolder) -> None:
    public(publication).mkdir()
    own = public(publication) / "robots.txt"
    own.write_text("User-agent: *\nDisallow: /\n")
    shown(publication)
    assert own.read_text() == "User-agent: *\nDisallow: /\n"
    own.unlink()
    write(publication, "en/tides")
    shown(later(publication))
    assert own.read_text().startswith("# Written by publisher.")
