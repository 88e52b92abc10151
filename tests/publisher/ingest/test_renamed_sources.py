"""Sources that are renamed."""

from datetime import timedelta
from typing import Any

import pytest

from publisher.articles.model import Mailing
from publisher.articles.tables import article
from publisher.config.sources import FolderSourceSettings
from publisher.ingest.pickup.source_pickup import former_names, renamed_sources
from publisher.ingest.problems import list_held_sources
from publisher.ingest.tables import source_item, source_table
from publisher.polling.schedule import PollState
from publisher.polling.store import PolledSource, save_polled
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.delivery.mailing import outbox, subscribe
from tests.publisher.ingest.helpers import png
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


FEED = {"kind": "feed", "name": "a", "url": "https://news.example/feed"}
OTHER = {**FEED, "url": "https://other.example/feed"}


@pytest.mark.parametrize(
    ("polled", "configured", "former"),
    [
        ([FEED], {**FEED, "name": "b"}, {"b": "a"}),
        # The poll has renamed it already.
        ([{**FEED, "name": "b"}], {**FEED, "name": "b"}, {"b": "a"}),
        ([FEED], {**OTHER, "name": "b"}, {}),
        ([FEED, {**OTHER, "name": "b"}], {**OTHER, "name": "b"}, {}),
    ],
)
def test_a_source_on_the_web_was_renamed_if_its_address_is_the_same(
    new_publication: Make,
    polled: list[dict[str, str]],
    configured: dict[str, str],
    former: dict[str, str],
) -> None:
    publication = new_publication(sources=[configured])
    rows = [PolledSource(one["name"], one["url"], PollState(one["url"], NOW)) for one in polled]
    with publication.database.writing() as connection:
        save_polled(connection, rows)
        found = former_names(connection, {"a": "feed"}, publication.settings.sources)
    assert found == former


def test_a_new_source_does_not_take_the_place_of_a_removed_one_that_is_held(
    new_publication: Make,
) -> None:
    kept, removed = folder("articles"), folder("old", first_import="archive")
    publication = new_publication(sources=[kept, removed])
    for number in range(4):
        publication.write(f"../old/{number}.md", title=f"Old {number}", date="2026-01-01")
    publication.write("ferry.md", title="The ferry")
    publication.pick_up()
    publication.reload(sources=[kept])
    publication.pick_up()
    publication.reload(sources=[kept, folder("more", first_import="archive")])
    publication.pick_up_file("../more/map.md", title="The map", date="2026-01-02")
    found = {row["title"]: row["mailing"] for row in publication.rows(article)}
    assert found["The map"] == Mailing.ARCHIVE
    with publication.database.reading() as connection:
        held = [one.source for one in list_held_sources(connection)]
    assert held == ["old"]
