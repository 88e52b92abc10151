"""Sources that are renamed, and sources that show only their newest items."""

from datetime import timedelta
from typing import Any

import pytest

from publisher.articles.tables import article
from publisher.config.sources import SOURCE_KINDS, FolderSourceSettings
from publisher.errors import ConfigError, SourceError
from publisher.ingest.pickup.source_pickup import renamed_sources
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.tables import source_item, source_table
from publisher.testing import RECENT_ITEMS, RecentItemsSource, make_publication
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.ingest.helpers import png
from tests.publisher.mail.samples import parsed
from tests.publisher.printing import atom, pipeline_of

# A source whose folder or name changes in publication.toml stays the same source.


def folder(path: str, **more: str) -> dict[str, str]:
    return {"kind": "folder", "path": path, **more}


def move(publication: PublicationFolder, old: str, new: str) -> None:
    root = publication.settings.folders.root
    (root / old).rename(root / new)


def ferry(rows: list[dict[str, Any]]) -> dict[str, Any]:
    (row,) = (row for row in rows if row["title"] == "The ferry")
    assert "/media/" in row["html"]
    return row


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (folder("articles"), folder("texts"), "texts"),
        (folder("articles", name="coast"), folder("texts", name="coast"), "coast"),
        (folder("articles"), folder("texts", name="coast"), "coast"),
        (folder("articles", name="coast"), folder("texts"), "texts"),
    ],
    ids=["path", "path of a named one", "path, and a name added", "path, and the name removed"],
)
def test_a_renamed_folder_keeps_articles_ids_addresses_and_what_was_mailed(
    new_publication: Make, before: dict[str, str], after: dict[str, str], name: str
) -> None:
    publication = new_publication(sources=[before], languages=["en"])
    subscribe(publication, ("ann@example.com", "en"))
    publication.write("boat.png", png(1, 1))
    publication.write("ferry.md", "![A boat](boat.png)", title="The ferry", date="2026-01-05")
    publication.write("tides.md", title="Tides", date="2026-01-05")
    pipeline_of(publication).run()
    articles, entries = publication.rows(article), atom(publication, "en").entries
    assert len(outbox(publication)) == 1
    move(publication, "articles", "texts")
    publication.reload(sources=[after], languages=["en"])
    # Its content tells nothing of where it was.
    publication.write("tides.md", "Corrected.", title="Tides", date="2026-01-05")
    report = pipeline_of(publication.at(NOW + timedelta(days=7))).run()
    done = report.picked_up
    assert (done.new, done.changed, done.moved, done.removed) == (0, 1, 0, 0)
    assert [row["id"] for row in publication.rows(article)] == [row["id"] for row in articles]
    # With the address of its picture.
    assert ferry(publication.rows(article)) == ferry(articles)
    now = atom(publication, "en").entries
    assert {(one.id, one.link) for one in now} == {(one.id, one.link) for one in entries}
    assert len(outbox(publication)) == 1
    assert {row["source"] for row in publication.rows(source_item)} == {name}
    assert [row["name"] for row in publication.rows(source_table)] == [name]


def test_of_two_renamed_folders_the_content_decides_where_an_article_went(
    new_publication: Make,
) -> None:
    publication = new_publication(sources=[folder("articles"), folder("more")])
    publication.write("ferry.md", title="The ferry")
    publication.pick_up_file("../more/map.md", title="The map")
    before = publication.all()
    move(publication, "articles", "texts")
    move(publication, "more", "notes")
    publication.reload(sources=[folder("notes"), folder("texts")])
    done = publication.pick_up()
    assert (done.moved, done.new, done.removed) == (2, 0, 0)
    assert publication.all() == before
    assert [row["name"] for row in publication.rows(source_table)] == ["notes", "texts"]


PLACES = [folder("articles", name="a"), folder("more", name="b")]


@pytest.mark.parametrize(
    ("sources", "file", "moved"),
    [
        (PLACES, "more/ferry.md", 1),
        (PLACES[::-1], "more/ferry.md", 1),
        ([folder("more", name="a"), folder("articles", name="b")], "articles/ferry.md", 2),
    ],
    ids=["a file moves", "and the order changes", "the paths are swapped"],
)
def test_an_article_that_moves_between_sources_is_never_withdrawn(
    new_publication: Make, sources: list[dict[str, str]], file: str, moved: int
) -> None:
    publication = new_publication(sources=PLACES)
    ferry = publication.write("ferry.md", title="The ferry")
    publication.pick_up_file("../more/map.md", title="The map")
    before = publication.all()
    publication.reload(sources=sources)
    ferry.rename(publication.settings.folders.root / file)
    done = publication.at(NOW + timedelta(days=1)).pick_up()
    assert (done.moved, done.new, done.changed, done.removed) == (moved, 0, 0, 0)
    assert (publication.all(), publication.quarantine()) == (before, {})


def test_a_wrong_path_is_no_new_name_and_the_right_one_is_read_again_without_changes(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("ferry.md", title="The ferry")
    before = publication.everything()
    publication.reload(sources=[folder("artilces")])
    (publication.settings.folders.root / "artilces").rmdir()
    assert len(publication.pick_up().problems) == 1
    assert [row["name"] for row in publication.rows(source_table)] == ["articles"]
    publication.reload(sources=[folder("articles")])
    assert not publication.pick_up().has_changes
    assert publication.everything() == before


def test_a_source_of_another_kind_under_the_same_name_starts_from_no_mark(
    publication: PublicationFolder,
) -> None:
    publication.pick_up_file("ferry.md", title="The ferry")
    before = publication.rows(article)
    with publication.database.writing() as connection:
        connection.execute(source_table.update().values(kind="recent", mark="7"))
    assert publication.pick_up().unchanged == 1
    assert publication.rows(article) == before
    (row,) = publication.rows(source_table)
    assert (row["kind"], row["mark"]) == ("folder", "")


@pytest.mark.parametrize(
    ("stored", "configured", "renamed"),
    [
        *(({"a": "folder"}, ["a"], {}), ({"a": "folder"}, ["b"], {"b": "a"})),
        ({"a": "folder", "c": "folder"}, ["b", "c"], {"b": "a"}),
        *(({"a": "folder"}, ["a", "b"], {}), ({"a": "folder"}, ["b", "c"], {})),
        *(({"a": "folder", "b": "folder"}, ["c"], {}), ({"a": "recent"}, ["b"], {})),
        *(({"a": "folder", "c": "recent"}, ["b"], {"b": "a"}), ({}, ["a"], {})),
    ],
)
def test_a_source_was_renamed_if_one_of_its_kind_is_gone_and_one_is_new(
    stored: dict[str, str], configured: list[str], renamed: dict[str, str]
) -> None:
    sources = [FolderSourceSettings(kind="folder", name=n, path=n) for n in configured]
    assert renamed_sources(stored, sources) == renamed


# A source that shows only its newest items: one module, its settings, and one line.


COAST = "https://coast.example.org/recent"
RECENT = {"kind": "recent", "name": "coast", "url": COAST}
FOLDER = {"kind": "folder", "path": "articles"}


def document(title: str, text: str = "The tide waits.") -> str:
    return f"---\ntitle: {title}\ndate: 2026-01-05\n---\n{text}\n"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> RecentItemsSource:
    """Add the kind, and put up a site of it."""
    monkeypatch.setitem(SOURCE_KINDS, "recent", RECENT_ITEMS)
    return RecentItemsSource(COAST)


@pytest.fixture
def coast(
    site: RecentItemsSource,  # noqa: ARG001  # the kind must be known
    new_publication: Make,
) -> PublicationFolder:
    return new_publication(sources=[RECENT], languages=["en"])


def test_a_new_kind_of_source_goes_from_the_settings_to_feeds_pages_and_mail(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    subscribe(coast, ("ann@example.com", "en"))
    site.publish("tides", document("Tides"))
    report = pipeline_of(coast).run()
    assert (report.picked_up.new, report.sent.messages, report.problems) == (1, 1, [])
    assert [entry.title for entry in atom(coast, "en").entries] == ["Tides"]
    (message,) = outbox(coast).values()
    assert "The tide waits." in str(parsed(message))
    page = coast.settings.folders.public / "en/stories/tides/index.html"
    assert "The tide waits." in page.read_text("utf-8")


ITEMS = 100  # far more than are shown at a time


def test_all_of_a_hundred_items_are_kept_though_twenty_are_shown_at_a_time(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    polls = 0
    for first in range(0, ITEMS, 16):
        for number in range(first, min(first + 16, ITEMS)):
            site.publish(f"story-{number}", document(f"Story {number}"))
        if first:  # one that was shown before, and still is
            site.publish(f"story-{first - 1}", document(f"Story {first - 1}", "Corrected."))
        done = coast.pick_up()
        polls += 1
        assert (done.new, done.changed) == (min(16, ITEMS - first), bool(first))
        assert (done.moved, done.removed, done.problems) == (0, 0, [])
    found = coast.all()
    assert sorted(found) == sorted((f"story-{number}", "en") for number in range(ITEMS))
    corrected = {key for (key, _language), one in found.items() if one.text == "Corrected."}
    assert corrected == {f"story-{first - 1}" for first in range(16, ITEMS, 16)}
    # Each poll got the mark of the one before, and only what is new or edited was read.
    assert site.marks == ["", *(str(number) for number in range(1, polls))]
    assert len(site.read_keys) == ITEMS + polls - 1


def test_an_incomplete_listing_withdraws_only_what_it_says_is_deleted(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    site.shown = 1
    for key in ("tides", "ferry", "map"):
        site.publish(key, document(key))
        coast.pick_up()
    site.delete("ferry")
    for removed in (1, 0):
        assert coast.pick_up().removed == removed
    assert {key for key, _language in coast.all()} == {"tides", "map"}
    site.publish("ferry", document("ferry"))
    site.shown = 0
    coast.pick_up()
    assert {key for key, _language in coast.all()} == {"tides", "map"}


def test_a_source_that_can_t_be_reached_withdraws_nothing_and_stops_no_other(
    site: RecentItemsSource, new_publication: Make
) -> None:
    publication = new_publication(sources=[FOLDER, RECENT])
    site.publish("tides", document("Tides"))
    publication.pick_up()
    site.is_reachable = False
    done = publication.pick_up_file("ferry.md", title="The ferry")
    assert (done.new, done.removed, done.problems) == (1, 0, ["the site can't be reached"])
    assert {key for key, _language in publication.all()} == {"tides", "ferry"}
    site.is_reachable = True
    assert publication.pick_up().problems == []
    # The poll that failed got no mark to keep.
    assert site.marks == ["", "1"]


def unreachable(_item: Item) -> RawItem:
    raise SourceError("the site can't be reached")


def test_a_source_that_fails_in_the_middle_is_polled_from_the_same_mark_again(
    site: RecentItemsSource, coast: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    coast.pick_up()
    site.publish("tides", document("Tides"))
    with monkeypatch.context() as patch:
        patch.setattr(site, "read", unreachable)
        assert coast.pick_up().problems == ["the site can't be reached"]
    assert coast.pick_up().new == 1
    assert site.marks == ["", "1", "1"]


def test_a_source_keeps_its_articles_under_another_name(
    site: RecentItemsSource, coast: PublicationFolder
) -> None:
    site.shown = 1
    for key in ("tides", "ferry"):
        site.publish(key, document(key))
        coast.pick_up()
    before = coast.rows(article)
    coast.reload(sources=[{**RECENT, "name": "shore"}], languages=["en"])
    done = coast.pick_up()
    assert (done.new, done.moved, done.removed, done.unchanged) == (0, 0, 0, 1)
    assert coast.rows(article) == before
    assert {row["source"] for row in coast.rows(source_item)} == {"shore"}


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({**RECENT, "kind": "rcent"}, "'rcent' is no kind of source; did you mean recent?"),
        ({**RECENT, "ulr": "x"}, "source[0].ulr: unknown key; did you mean url?"),
        ({**RECENT, "url": "coast"}, "source[0].url: 'coast' is not a web address"),
        ({"kind": "recent", "url": COAST}, "source[0].name: missing; add name = ..."),
        (
            {**RECENT, "path": "a"},
            "unknown key; the keys here are kind, name, language, first_import, addresses, problems, url",
        ),
    ],
)
def test_mistakes_in_the_settings_of_a_new_kind_are_explained(
    publication: PublicationFolder, table: dict[str, str], problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        make_publication(publication.settings.folders.root, sources=[table])
    assert problem in str(caught.value)
