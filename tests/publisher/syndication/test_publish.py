import time
from base64 import b64decode
from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from sqlalchemy import update

from publisher.articles.tables import article
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.printing import (
    LANGUAGES,
    URL,
    atom,
    changes,
    json_feed,
    public,
    rss,
    stamps,
    syndicated,
)

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


def test_every_language_has_its_feed_in_every_format(publication: PublicationFolder) -> None:
    tides(publication)
    changed, problems = syndicated(publication)
    assert documents(stamps(public(publication))) == feeds_of(*EVERY)
    assert (changed, problems) == (5, [])


def test_an_empty_language_has_valid_feeds(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    assert ids(publication, "zh-Hans") == []
    assert atom(publication, "zh-Hans").feed.updated == "2026-01-01T00:00:00+00:00"
    assert json_feed(publication, "zh-Hans")["language"] == "zh-Hans"


def test_feed_followers_agree_on_ids_links_and_languages(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    assert ids(publication, "ar") == ["tag:news.example.org,2026-01-01:tides/ar"]
    assert ids(publication, "en") == [
        "tag:news.example.org,2026-01-01:maps/en",
        "tag:news.example.org,2026-01-01:tides/en",
    ]
    for parsed in (atom(publication, "ar"), rss(publication, "ar")):
        (entry,) = parsed.entries
        assert entry.link == f"{URL}/ar/stories/tides/"
        assert entry.title == "المدّ"
        assert parsed.feed.language == "ar"
    (item,) = json_feed(publication, "ar")["items"]
    assert (item["url"], json_feed(publication, "ar")["language"]) == (
        f"{URL}/ar/stories/tides/",
        "ar",
    )
    related = [
        link for link in atom(publication, "ar").entries[0].links if link.rel == "related"
    ]
    assert [(link.href, link.hreflang) for link in related] == [
        (f"{URL}/en/stories/tides/", "en")
    ]


def test_a_run_without_changes_writes_no_file(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    with changes(public(publication)) as found:
        assert syndicated(publication.at(NOW + timedelta(days=1))) == (0, [])
    assert found == set()


def test_a_changed_text_changes_only_the_feeds_of_its_language(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    publication.write("ar/tides.md", "المدّ لا ينتظر.", title="المدّ", date="2026-01-06")
    with changes(public(publication)) as found:
        syndicated(publication.at(NOW + timedelta(hours=1)))
    # The English entry links to the translation, and its link is unchanged.
    assert documents(found) == feeds_of("ar", "all")


def test_a_new_title_changes_the_links_of_translations_too(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    publication.write("ar/tides.md", "المدّ ينتظر.", title="المدّ والجزر", date="2026-01-06")
    with changes(public(publication)) as found:
        syndicated(publication.at(NOW + timedelta(hours=1)))
    assert documents(found) == feeds_of("ar", "en", "all")
    (link,) = [li for li in atom(publication, "en").entries[1].links if li.rel == "related"]
    assert link.title == "المدّ والجزر"


def test_ids_stay_when_title_and_text_change(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    before = ids(publication, "en")
    published = [entry.published for entry in atom(publication, "en").entries]
    publication.write(
        "en/tides.md", "It waits no more.", title="No more tides", date="2026-01-05"
    )
    later = publication.at(NOW + timedelta(hours=1))
    syndicated(later)
    assert ids(publication, "en") == before
    entries = atom(publication, "en").entries
    assert [entry.published for entry in entries] == published
    assert [entry.updated for entry in entries] == [published[0], "2026-01-09T13:00:00+00:00"]


def test_ids_stay_when_a_file_is_renamed(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    before = ids(publication, "en")
    (publication.articles / "en/maps.md").rename(
        publication.articles / "en/a-map-of-benches.md"
    )
    with changes(public(publication)) as found:
        syndicated(publication.at(NOW + timedelta(hours=1)))
    assert ids(publication, "en") == before
    assert found == set()


def test_an_id_stays_when_a_translation_replaces_a_script_conversion(
    new_publication: Callable[..., PublicationFolder],
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
    assert feeds_of("zh-Hant", "all") <= found
    assert "簡體" not in rss(publication, "zh-Hant").entries[0].content[0].value


def test_a_withdrawn_article_leaves_its_feed_and_the_links_of_its_translations(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    syndicated(publication)
    (publication.articles / "ar/tides.md").unlink()
    with changes(public(publication)) as found:
        syndicated(publication.at(NOW + timedelta(hours=1)))
    assert ids(publication, "ar") == []
    assert documents(found) == feeds_of("ar", "en", "all")
    assert not [li for li in atom(publication, "en").entries[1].links if li.rel == "related"]


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


def test_a_deleted_feed_file_is_written_again(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    before = stamps(public(publication))
    file = public(publication) / "feeds/en.json"
    file.unlink()
    with changes(public(publication)) as found:
        syndicated(publication)
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


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_feeds_are_equal_in_any_time_zone_of_the_machine(
    new_publication: Callable[..., PublicationFolder],
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
) -> None:
    built = []
    for here in ("UTC", zone):
        monkeypatch.setenv("TZ", here)
        time.tzset()
        publication = new_publication()
        tides(publication)
        syndicated(publication)
        built.append(
            {path: content for path, (_time, content) in stamps(public(publication)).items()}
        )
    monkeypatch.undo()
    time.tzset()
    assert built[0] == built[1]


def test_images_of_entries_have_absolute_addresses(publication: PublicationFolder) -> None:
    publication.write("en/x.png", PIXEL)
    for name, src in (("here", "x.png"), ("there", "https://example.net/x.png")):
        publication.write(f"en/{name}.md", "Words.", title=name, date="2026-01-05", image=src)
    syndicated(publication)
    images = {item["title"]: item["image"] for item in json_feed(publication, "en")["items"]}
    assert images["there"] == "https://example.net/x.png"
    local = images["here"].removeprefix(f"{URL}/")
    assert local.startswith("media/")
    assert (public(publication) / local).read_bytes() == PIXEL
