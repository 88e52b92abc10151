"""Feeds of a newsletter's issues, of recordings, and the lists of feeds of a language."""

from datetime import timedelta

import pytest

from feeds import FEED_FORMATS
from publisher.issues.store import rename_editions
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import (
    URL,
    atom,
    changes,
    json_feed,
    pipeline_of,
    public,
    rss,
    syndicated,
)
from tools.feed_validator import faults

ISSUES = "en/issues/weekly"
WEEK = timedelta(days=7)


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(languages=["en"])


def tides(publication: PublicationFolder, words: str = "The tide waits.") -> None:
    publication.write("en/tides.md", words, title="Tides & <b>", date="2026-01-05")


def clean(publication: PublicationFolder, name: str) -> None:
    """Check a feed in all formats."""
    for form in FEED_FORMATS:
        document = (public(publication) / f"feeds/{name}.{form.suffix}").read_bytes()
        assert faults(document, form.name) == []  # type: ignore[arg-type]  # its name is one of them


def test_the_feed_of_issues_has_an_entry_for_each_issue_with_links_to_its_articles(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    publication.write("en/maps.md", "Maps.", title="Maps", date="2026-01-06")
    pipeline_of(publication).run()
    publication.write("en/fog.md", "Fog.", title="Fog", date="2026-01-12")
    pipeline_of(publication.at(NOW + WEEK)).run()
    feed = json_feed(publication, ISSUES)
    assert feed["title"] == "The Lantern: Issues of The week"
    assert feed["home_page_url"] == f"{URL}/en/weekly/"
    newest, first = feed["items"]
    assert newest["url"] == f"{URL}/en/weekly/2026-01-16/"
    assert first["id"] == "tag:news.example.org,2026-01-01:feed/en/issues/weekly/2026-01-09"
    assert first["title"] == "The week, January 9, 2026"
    assert first["date_published"] == first["date_modified"] == "2026-01-09T08:00:00+00:00"
    for name in ("tides", "maps"):
        assert f'href="{URL}/en/stories/{name}/"' in first["content_html"]
    assert "Tides &amp; &lt;b&gt;" in first["content_html"]
    clean(publication, ISSUES)
    assert f"feeds/{ISSUES}.rss.xml" in (public(publication) / "feeds/en.opml").read_text()
    assert (public(publication) / "en/feeds/issues/weekly/index.html").is_file()


def test_the_feed_of_issues_changes_only_with_its_issues_and_what_is_in_them(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    publication.write("en/maps.md", "Maps.", title="Maps", date="2026-01-06")
    pipeline_of(publication).run()
    publication.write("en/fog.md", "Fog.", title="Fog", date="2026-01-12")
    with changes(public(publication) / "feeds/en/issues") as found:
        pipeline_of(publication.at(NOW + timedelta(hours=1))).run()
    assert found == set()
    (publication.articles / "en/maps.md").unlink()
    pipeline_of(publication.at(NOW + timedelta(hours=2))).run()
    (issue,) = json_feed(publication, ISSUES)["items"]
    assert "Maps" not in str(issue)
    assert issue["date_modified"] > issue["date_published"]


def test_an_edit_of_what_was_mailed_is_marked_in_the_feed_of_the_language_and_on_its_page(
    publication: PublicationFolder,
) -> None:
    page = public(publication) / "en/stories/tides/index.html"
    tides(publication)
    pipeline_of(publication).run()
    assert "Corrected" not in str(json_feed(publication, "en")) + page.read_text("utf-8")
    tides(publication, "The tide waits no more.")
    pipeline_of(publication.at(NOW + timedelta(days=1))).run()
    (item,) = json_feed(publication, "en")["items"]
    assert "<small>Corrected on January 10, 2026</small>" in item["content_html"]
    assert '<p class="also">Corrected on January 10, 2026</p>' in page.read_text("utf-8")


def test_the_feed_of_a_renamed_newsletter_keeps_its_address_and_ids(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    pipeline_of(publication).run()
    before = json_feed(publication, ISSUES)["items"]
    renamed = {"name": "tidings", "title": {"en": "Tidings"}, "formerly": ["weekly"]}
    publication.reload(languages=["en"], newsletters=[renamed])
    with publication.database.writing() as connection:  # as at the start of the program
        rename_editions(connection, "weekly", "tidings")
    publication.write("en/fog.md", "Fog.", title="Fog", date="2026-01-12")
    pipeline_of(publication.at(NOW + WEEK)).run()
    feed = json_feed(publication, ISSUES)
    assert feed["title"] == "The Lantern: Issues of Tidings"
    assert [item["id"] for item in feed["items"][1:]] == [item["id"] for item in before]


def test_recordings_have_a_feed_of_their_own_and_no_other_article_is_in_it(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    assert not (public(publication) / "feeds/en/recordings.rss.xml").exists()
    publication.write("en/horn.mp3", b"ID3" + bytes(400))
    publication.write("en/horn.md", "Hoo.", title="Horn", date="2026-01-07", audio="horn.mp3")
    syndicated(publication)
    parsed = rss(publication, "en/recordings")
    assert parsed.feed.title == "Recordings of The Lantern"
    (entry,) = parsed.entries
    assert entry.enclosures[0].type == "audio/mpeg"
    assert (
        "itunes:category" in (public(publication) / "feeds/en/recordings.rss.xml").read_text()
    )
    clean(publication, "en/recordings")


def test_every_feed_has_the_icon_of_the_site_and_links_for_people(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    icon = f"{URL}/icon-192.png"
    assert (
        json_feed(publication, "en")["icon"] == json_feed(publication, "en")["favicon"] == icon
    )
    assert rss(publication, "en").feed.image.href == atom(publication, "en").feed.icon == icon
    for suffix in ("rss.xml", "atom.xml"):
        text = (public(publication) / f"feeds/en.{suffix}").read_text()
        note = text[text.index('<div xmlns="http://www.w3.org/1999/xhtml">') :]
        assert f'<a href="{URL}/en/stories/tides/">Tides &amp; &lt;b&gt;</a>' in note
        assert f'<a href="{URL}/en/feeds/">How to subscribe</a>' in note
