"""Feeds of a publication: their documents, their formats, the ids of their entries."""

import time
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, update
from werkzeug.test import Client

from feeds import FEED_FORMATS, FeedFormat
from publisher.articles.tables import article
from publisher.database import open_database
from publisher.serving.headers import headers_for
from publisher.serving.nginx_site import nginx_config
from publisher.serving.static_site import StaticSite
from publisher.syndication.feed_index import new_entry_tag, publication_tag
from publisher.syndication.tables import feed_entry
from publisher.testing import make_publication
from tests.databases import at_database, finding_database
from tests.processes import tree
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.printing import (
    LANGUAGES,
    URL,
    atom,
    changes,
    json_feed,
    public,
    rss,
    shown,
    stamps,
    syndicated,
)
from tests.publisher.syndication import plain_text_feed
from tests.publisher.syndication.test_history import limit
from tests.sharing import made_once

SUFFIXES = ("rss.xml", "atom.xml", "json")
# One transparent pixel.
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
CONVERTING = [{"edition": {"zh-Hant": {"missing": "convert"}}}]


EVERY = (*LANGUAGES, "all")


def feeds_of(*names: str) -> set[str]:
    return {f"feeds/{name}.{suffix}" for name in names for suffix in SUFFIXES}


def documents(found: Iterable[str]) -> set[str]:
    """Return the feed documents among files, without compressed copies."""
    return {path for path in found if path.endswith(SUFFIXES)}


def tides(publication: PublicationFolder) -> None:
    """Write one story in two languages and another in one."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ", date="2026-01-06")
    publication.write("en/maps.md", "A map of benches.", title="Maps", date="2026-01-07")


def ids(publication: PublicationFolder, language: str) -> list[str]:
    """Return the ids of a feed, which are equal in all formats."""
    found = [item["id"] for item in json_feed(publication, language)["items"]]
    assert [entry.id for entry in atom(publication, language).entries] == found
    assert [entry.id for entry in rss(publication, language).entries] == found
    return found


def make_published(folder: Path) -> None:
    settings = make_publication(folder)
    settings.folders.var.mkdir()
    with finding_database(folder):
        settings = at_database(settings)
        with closing(open_database(settings.database)) as database:
            publication = PublicationFolder(settings, database)
            tides(publication)
            assert syndicated(publication) == (5, [])


@pytest.fixture
def published(
    new_publication: Make, tmp_path_factory: pytest.TempPathFactory
) -> PublicationFolder:
    """A copy of a publication whose feeds are written."""
    return new_publication(copy_of=made_once(tmp_path_factory, "tides", make_published))


def test_every_language_has_its_feed_in_every_format_and_is_written_once(
    published: PublicationFolder,
) -> None:
    assert documents(stamps(public(published))) == feeds_of(*EVERY)
    # A language without articles has valid feeds, too.
    assert ids(published, "zh-Hans") == []
    assert atom(published, "zh-Hans").feed.updated == "2026-01-01T00:00:00+00:00"
    assert json_feed(published, "zh-Hans")["language"] == "zh-Hans"
    with changes(public(published)) as found:
        assert syndicated(published.at(NOW + timedelta(days=1))) == (0, [])
    assert found == set()


def test_feed_followers_agree_on_ids_links_languages(published: PublicationFolder) -> None:
    assert ids(published, "ar") == ["tag:news.example.org,2026-01-01:tides/ar"]
    assert ids(published, "en") == [
        "tag:news.example.org,2026-01-01:maps/en",
        "tag:news.example.org,2026-01-01:tides/en",
    ]
    for parsed in (atom(published, "ar"), rss(published, "ar")):
        (entry,) = parsed.entries
        assert entry.link == f"{URL}/ar/stories/tides/"
        assert entry.title == "المدّ"
        assert parsed.feed.language == "ar"
    (item,) = json_feed(published, "ar")["items"]
    assert (item["url"], json_feed(published, "ar")["language"]) == (
        f"{URL}/ar/stories/tides/",
        "ar",
    )
    related = [link for link in atom(published, "ar").entries[0].links if link.rel == "related"]
    assert [(link.href, link.hreflang) for link in related] == [
        (f"{URL}/en/stories/tides/", "en")
    ]


def test_a_changed_text_changes_only_the_feeds_of_its_language(
    published: PublicationFolder,
) -> None:
    published.write("ar/tides.md", "المدّ لا ينتظر.", title="المدّ", date="2026-01-06")
    with changes(public(published)) as found:
        syndicated(published.at(NOW + timedelta(hours=1)))
    # The English entry links to the translation, and its link is unchanged.
    assert documents(found) == feeds_of("ar", "all")


def test_a_new_title_changes_links_of_translations_too(published: PublicationFolder) -> None:
    published.write("ar/tides.md", "المدّ ينتظر.", title="المدّ والجزر", date="2026-01-06")
    with changes(public(published)) as found:
        syndicated(published.at(NOW + timedelta(hours=1)))
    assert documents(found) == feeds_of("ar", "en", "all")
    (link,) = [li for li in atom(published, "en").entries[1].links if li.rel == "related"]
    assert link.title == "المدّ والجزر"


def test_ids_stay_when_title_and_text_change(published: PublicationFolder) -> None:
    before = ids(published, "en")
    dates = [entry.published for entry in atom(published, "en").entries]
    published.write(
        "en/tides.md", "It waits no more.", title="No more tides", date="2026-01-05"
    )
    later = published.at(NOW + timedelta(hours=1))
    syndicated(later)
    assert ids(published, "en") == before
    entries = atom(published, "en").entries
    assert [entry.published for entry in entries] == dates
    assert [entry.updated for entry in entries] == [dates[0], "2026-01-09T13:00:00+00:00"]


def test_ids_stay_when_a_file_is_renamed(published: PublicationFolder) -> None:
    before = ids(published, "en")
    (published.articles / "en/maps.md").rename(published.articles / "en/a-map-of-benches.md")
    with changes(public(published)) as found:
        syndicated(published.at(NOW + timedelta(hours=1)))
    assert ids(published, "en") == before
    assert found == set()


def test_an_id_stays_when_a_translation_replaces_a_script_conversion(
    new_publication: Make,
) -> None:
    publication = new_publication(newsletters=CONVERTING)
    publication.write("zh-Hans/tides.md", "潮水会等。", title="潮水", date="2026-01-05")
    syndicated(publication)
    before = ids(publication, "zh-Hant")
    assert "簡體" in rss(publication, "zh-Hant").entries[0].content[0].value
    publication.write("zh-Hant/tides.md", "潮水會等。", title="潮水", date="2026-01-05")
    with changes(public(publication)) as found:
        syndicated(publication.at(NOW + timedelta(hours=1)))
    assert (
        ids(publication, "zh-Hant")
        == before
        == ["tag:news.example.org,2026-01-01:tides/zh-Hant"]
    )
    assert feeds_of("zh-Hant") <= found
    assert "簡體" not in rss(publication, "zh-Hant").entries[0].content[0].value


def test_a_withdrawn_article_leaves_its_feed_and_the_links_of_its_translations(
    published: PublicationFolder,
) -> None:
    (published.articles / "ar/tides.md").unlink()
    with changes(public(published)) as found:
        syndicated(published.at(NOW + timedelta(hours=1)))
    (left,) = json_feed(published, "ar")["items"]
    assert left["id"] == ids(published, "ar")[0]
    assert left["title"] == "سُحِبت هذه المقالة."
    assert 'dir="rtl"' in left["content_html"]
    assert "المدّ" not in str(left)
    assert documents(found) == feeds_of("ar", "en", "all")
    assert not [li for li in atom(published, "en").entries[1].links if li.rel == "related"]


def test_a_late_translation_has_the_day_on_which_it_appeared_and_that_of_its_original_in_its_text(
    published: PublicationFolder,
) -> None:
    published.at(NOW + timedelta(days=20))
    published.write("ar/maps.md", "خريطة.", title="خرائط", date="2026-01-08")
    published.write("zh-Hans/maps.md", "地图。", title="地图", date="2026-01-28")
    syndicated(published)
    late, first = json_feed(published, "ar")["items"]
    assert late["date_published"] == late["date_modified"] == "2026-01-29T12:00:00+00:00"
    assert "نُشر الأصل في 7 يناير" in late["content_html"]
    assert first["date_published"] == "2026-01-06T12:00:00+00:00"
    # A translation with a date of its own keeps that.
    (own,) = json_feed(published, "zh-Hans")["items"]
    assert own["date_published"] == "2026-01-28T12:00:00+00:00"
    assert "原文发表于2026年1月7日" in own["content_html"]
    published.write("en/maps.md", "A map.", title="Maps", date="2026-01-29")
    syndicated(published)
    assert "الأصل" not in str(json_feed(published, "ar"))


@pytest.mark.parametrize(
    ("zone", "seen", "dates"),
    [
        ("Asia/Hong_Kong", "2026-01-09T23:00:00Z", ("07:00:00 +0800", "07:00:00+08:00")),
        ("UTC", "2026-01-10T07:00:00Z", ("07:00:00 GMT", "07:00:00+00:00")),
    ],
)
def test_a_date_without_a_time_is_the_same_day_in_feeds(
    new_publication: Make, zone: str, seen: str, dates: tuple[str, str]
) -> None:
    publication = new_publication(timezone=zone).at(datetime.fromisoformat(seen))
    publication.write("en/tides.md", "High.", title="Tides", date="2026-01-10")
    syndicated(publication)
    assert rss(publication, "en").entries[0].published == f"Sat, 10 Jan 2026 {dates[0]}"
    iso = f"2026-01-10T{dates[1]}"
    assert atom(publication, "en").entries[0].published == iso
    assert json_feed(publication, "en")["items"][0]["date_published"] == iso


def test_feeds_may_have_summaries_instead_of_texts(publication: PublicationFolder) -> None:
    limit(publication, content="summary")
    text = {"title": "Tides", "date": "2026-01-05", "summary": "Short."}
    publication.write("en/tides.md", "The tide waits.", **text)
    syndicated(publication)
    (item,) = json_feed(publication, "en")["items"]
    assert item["summary"] == item["content_text"] == "Short."
    assert "waits" not in str(item)
    assert "waits" not in str(rss(publication, "en")) + str(atom(publication, "en"))


@pytest.mark.parametrize("content", ["full", "everywhere"])
def test_feeds_of_topics_authors_and_all_languages_have_summaries_unless_texts_are_wanted(
    publication: PublicationFolder, content: str
) -> None:
    limit(publication, content=content)
    matter = {"title": "Tides", "date": "2026-01-05"}
    matter |= {"topics": "[Sea]", "author": "Ann Example"}
    publication.write("en/tides.md", "The tide waits.", summary="Short.", **matter)
    publication.write("ar/tides.md", "المد ينتظر.", title="المد", date="2026-01-05")
    syndicated(publication)
    assert "waits" in str(json_feed(publication, "en"))
    assert "/ar/stories/tides/" in str(json_feed(publication, "en")["items"])
    for name in ("all", "en/topics/sea", "en/authors/ann-example"):
        for parsed in (
            json_feed(publication, name),
            rss(publication, name),
            atom(publication, name),
        ):
            assert "Short." in str(parsed)
            assert ("waits" in str(parsed)) == (content == "everywhere")
            if name != "all":
                # Beside a text stand its translations.
                translated = "/ar/stories/tides/" in str(parsed)
                assert translated == (content == "everywhere")


def test_a_publication_in_one_language_has_no_feed_of_all_but_goes_on_with_one_that_it_had(
    new_publication: Make,
) -> None:
    alone = new_publication(languages=["en"])
    tides(alone)
    syndicated(alone)
    assert documents(stamps(public(alone))) == feeds_of("en")
    both = new_publication(languages=["en", "ar"])
    tides(both)
    syndicated(both)
    root = both.settings.folders.root
    both.settings = at_database(make_publication(root, languages=["en"]))
    both.write("en/fog.md", "Fog.", title="Fog", date="2026-01-08")
    syndicated(both.at(NOW + timedelta(hours=1)))
    assert ids(both, "all")[:3] == ids(both, "en")
    page = (public(both) / "feeds/index.html").read_text()
    assert f'rel="canonical" href="{URL}/en/feeds/"' in page
    opml = (public(both) / "feeds/index.opml").read_text()
    assert "feeds/en.rss.xml" in opml
    assert "feeds/all.rss.xml" not in opml


@pytest.mark.parametrize(("first", "title"), [("en", "The Lantern"), ("zh-Hans", "灯笼")])
def test_the_list_of_all_feeds_has_the_title_of_the_publication(
    new_publication: Make, first: str, title: str
) -> None:
    publication = new_publication(languages=sorted(["en", "zh-Hans"], key=first.__ne__))
    tides(publication)
    syndicated(publication)
    opml = (public(publication) / "feeds/index.opml").read_text("utf-8")
    assert f"<title>{title}</title>" in opml


def test_the_feed_of_a_renamed_topic_goes_on_under_both_addresses(
    new_publication: Make,
) -> None:
    publication = new_publication()
    for day, name in ((5, "tides"), (6, "maps")):
        date = f"2026-01-0{day}"
        publication.write(f"en/{name}.md", title=name, date=date, topics="[Gardens]")
    syndicated(publication)
    before = ids(publication, "en/topics/gardens")
    root = publication.settings.folders.root
    renamed = {"Gardens": "Parks"}
    publication.settings = at_database(make_publication(root, renamed_topics=renamed))
    publication.write("en/maps.md", title="maps", date="2026-01-06", topics="[Parks]")
    publication.write("en/fog.md", title="fog", date="2026-01-07", topics="[Parks]")
    syndicated(publication.at(NOW + timedelta(hours=1)))
    assert ids(publication, "en/topics/gardens") == ids(publication, "en/topics/parks")
    assert ids(publication, "en/topics/parks")[1:] == before
    page = (public(publication) / "en/feeds/topics/gardens/index.html").read_text()
    assert f'rel="canonical" href="{URL}/en/feeds/topics/parks/"' in page
    assert "gardens" not in (public(publication) / "feeds/index.opml").read_text()


def test_an_entry_that_can_t_be_built_is_left_out_and_reported(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    publication.pick_up()
    with publication.database.writing() as connection:
        here = article.c.title == "Maps"
        connection.execute(update(article).where(here).values(url="nowhere"))
    _changed, problems = syndicated(publication)
    assert {problem.partition(":")[0] for problem in problems} >= {"en/maps"}
    assert "nowhere" in problems[0]
    assert ids(publication, "en") == ["tag:news.example.org,2026-01-01:tides/en"]


def test_a_deleted_feed_file_is_written_again(published: PublicationFolder) -> None:
    before = stamps(public(published))
    file = public(published) / "feeds/en.json"
    file.unlink()
    with changes(public(published)) as found:
        syndicated(published)
    assert found >= {"feeds/en.json"}
    assert documents(found) == {"feeds/en.json"}
    assert file.read_bytes() == before["feeds/en.json"][1]


def test_a_folder_that_can_t_be_written_is_one_problem_per_feed(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    public(publication).mkdir()
    (public(publication) / "feeds").write_bytes(b"")
    _changed, problems = syndicated(publication)
    named = {problem.partition(":")[0] for problem in problems}
    assert named >= {f"feeds/{name}" for name in EVERY}
    (public(publication) / "feeds").unlink()
    assert syndicated(publication)[1] == []
    assert documents(stamps(public(publication))) == feeds_of(*EVERY)


def test_feeds_are_equal_in_any_time_zone_of_the_machine(
    new_publication: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        publication = new_publication()
        tides(publication)
        syndicated(publication)
        built.append(tree(public(publication)))
    monkeypatch.undo()
    time.tzset()
    assert built[0] == built[1] == built[2]


def test_images_of_entries_have_absolute_addresses(publication: PublicationFolder) -> None:
    publication.write("en/x.png", PIXEL)
    for name, src in (("here", "x.png"), ("there", "https://example.net/x.png")):
        image = f"{{src: '{src}', caption: Low tide}}"
        publication.write(f"en/{name}.md", "Words.", title=name, date="2026-01-05", image=image)
    syndicated(publication)
    images = {item["title"]: item["image"] for item in json_feed(publication, "en")["items"]}
    assert images["there"] == "https://example.net/x.png"
    local = images["here"].removeprefix(f"{URL}/")
    assert local.startswith("media/")
    assert (public(publication) / local).read_bytes() == PIXEL


TEXT_URL = f"{URL}/feeds/en.feed.txt"


@pytest.fixture
def text_format(publication: PublicationFolder) -> Iterator[FeedFormat]:
    """Publish an article in today's formats, and then list another one."""
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    syndicated(publication)
    shown(publication)
    form = FeedFormat("text", "Text", "text/x-feed", "feed.txt", plain_text_feed.__name__)
    FEED_FORMATS.append(form)
    yield form
    FEED_FORMATS.remove(form)


def test_a_new_format_is_written_linked_to_and_served_like_the_others(
    publication: PublicationFolder, text_format: FeedFormat
) -> None:
    assert syndicated(publication) == (5, [])
    file = public(publication) / "feeds/en.feed.txt"
    assert file.read_text().splitlines() == ["The Lantern", TEXT_URL, "Tides"]
    assert {f"{file.name}.gz", f"{file.name}.br"} <= {one.name for one in file.parent.iterdir()}
    shown(publication)
    for page in ("en/index.html", "en/stories/tides/index.html", "en/feeds/index.html"):
        text = (public(publication) / page).read_text("utf-8")
        assert 'type="text/x-feed"' in text, page
        assert TEXT_URL in text, page
    assert TEXT_URL in [one.href for one in atom(publication, "en").feed.links]
    assert json_feed(publication, "en")["feed_url"] == f"{URL}/feeds/en.json"
    answer = Client(StaticSite(lambda: publication.settings)).get("/feeds/en.feed.txt")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/x-feed; charset=utf-8"
    assert answer.data.startswith(b"The Lantern\n")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    answer.close()
    archive = dict(headers_for("feeds/en/archive/1.feed.txt", publication.settings))
    assert archive["Cache-Control"] == "public, max-age=86400"
    assert f"{text_format.media_type}; charset=utf-8" in nginx_config(publication.settings)


START = "tag:news.example.org,2026-01-01:"


@pytest.fixture
def stocked(publication: PublicationFolder) -> PublicationFolder:
    """A publication with three articles."""
    for number in range(1, 4):
        publication.write(f"en/{number}.md", title=f"Story {number}")
    publication.pick_up()
    return publication


def store(publication: PublicationFolder, article: int, specific: str) -> None:
    one = publication_tag(publication.settings.publication, specific)
    with publication.database.writing() as connection:
        row = {"article_id": article, "language": "en", "tag": one, "updated": 1}
        connection.execute(insert(feed_entry).values(row | {"fingerprint": ""}))


def new_tag(publication: PublicationFolder, slug: str, language: str) -> str:
    with publication.database.reading() as connection:
        return new_entry_tag(connection, publication.settings.publication, slug, language)


def test_an_id_has_host_story_language_and_is_none_of_a_feed(
    publication: PublicationFolder,
) -> None:
    assert new_tag(publication, "tide-clock", "zh-Hans") == f"{START}tide-clock/zh-Hans"
    assert new_tag(publication, "feed", "en") == f"{START}feed/en/2"


def test_an_id_is_assigned_once(stocked: PublicationFolder) -> None:
    store(stocked, 1, "one/en")
    store(stocked, 2, "one/en/2")
    assert new_tag(stocked, "one", "en") == f"{START}one/en/3"
