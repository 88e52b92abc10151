"""Feeds after a killed process, a full disk, lost files, a bad article; and the hubs of a whole cycle."""

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher import files, web_files
from publisher.accounts.model import terminal_actor
from publisher.app.sources import accept_source_loss
from publisher.config.publication import FeedSettings
from publisher.database.retry_queue import queue_item
from publisher.syndication import feed_documents, feed_pages, feed_window, websub
from publisher.syndication.feed_writer import mark_all_feeds_due
from publisher.syndication.tables import feed
from tests.processes import tree
from tests.publisher.conftest import NOW, Make, PublicationFolder, editing_state
from tests.publisher.printing import URL, json_feed, pipeline_of, public, syndicated
from tests.publisher.syndication.test_history import FORMS, TWO, limit, names, write
from tests.publisher.syndication.walking import short, walk
from tests.sizes import by_lane
from tools.servers.websub_hub import Hub, Reply, running

HOUR = timedelta(hours=1)


@pytest.fixture
def publication(new_publication: Make) -> PublicationFolder:
    return new_publication(languages=TWO)


class Cut(BaseException):
    """Stands for a kill: the program does not catch it."""


@contextmanager
def cut_off(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, after: int = 0
) -> Iterator[None]:
    """Raise Cut at a call, as a kill at this moment would stop the process."""
    calls = 0

    def dies(*_arguments: Any, **_named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Cut
        return plain(*_arguments, **_named)

    plain = getattr(place, name)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Cut):
            yield


def with_hub(publication: PublicationFolder, **limits: Any) -> None:
    object.__setattr__(
        publication.settings,
        "feeds",
        FeedSettings(hubs=("https://hub.example.net/",), **limits),
    )


def queued(publication: PublicationFolder) -> set[str]:
    return {
        row["payload"]["topic"].rpartition("/feeds/")[2] for row in publication.rows(queue_item)
    }


def test_a_run_that_is_killed_after_the_files_still_queues_pings(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hub(publication)
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    with cut_off(monkeypatch, websub, "enqueue_pings"):
        syndicated(publication)
    assert (public(publication) / "feeds/en.rss.xml").is_file()
    assert queued(publication) == set()
    syndicated(publication)
    assert {"en.rss.xml", "en.atom.xml", "en.json"} <= queued(publication)


def test_archive_documents_of_a_killed_run_do_not_keep_withdrawn_entries(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(publication, entries=5)
    write(publication, 1, 12)
    with cut_off(monkeypatch, feed_window, "record_archive"):
        syndicated(publication)
    assert (public(publication) / "feeds/en/archive/2.atom.xml").is_file()
    for number in range(1, 9):
        (publication.articles / f"en/s{number:03}.md").unlink()
    publication.pick_up()
    accept_source_loss(editing_state(publication), terminal_actor(), "articles", 8)
    syndicated(publication.at(NOW + HOUR))
    assert not list((public(publication) / "feeds").rglob("archive/*.*"))
    # What was withdrawn is there without its words.
    (polled,) = walk(publication, "en", "atom")
    assert short([polled]) == names(1, 12)
    assert b"Words of 2." not in polled.content


def archived(publication: PublicationFolder) -> PublicationFolder:
    """Have a feed with several archive documents to write."""
    limit(publication, entries=5)
    write(publication, 1, 23)
    return publication


def test_the_run_after_one_that_was_killed_or_stopped_writes_the_same_files(
    new_publication: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    whole = archived(new_publication(languages=TWO))
    syndicated(whole, progress=lambda step, _done, _of: steps.append(step))
    expected = tree(public(whole))
    archives = sum(one.endswith(".atom.xml") for one in expected if "/archive/" in one)
    assert steps.count("writing feeds") >= archives + len(whole.rows(feed))
    for after in by_lane((0, 5), (0, 1, 5, 7)):
        killed = archived(new_publication(languages=TWO))
        with cut_off(monkeypatch, feed_documents, "submit_feed_file", after):
            syndicated(killed)
        syndicated(killed)
        assert tree(public(killed)) == expected, after
    stopped, count = archived(new_publication(languages=TWO)), itertools.count(1)

    def stop(_step: str, _done: int, _of: int) -> None:
        # Anew after each document, archived or not.
        if next(count) in {1, 3, 6, 10}:
            raise Cut

    for _ in range(4):
        with pytest.raises(Cut):
            syndicated(stopped, progress=stop)
    syndicated(stopped, progress=stop)
    assert tree(public(stopped)) == expected


def test_a_full_disk_leaves_no_incomplete_files_and_the_next_run_completes_the_feed(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(publication, entries=5)
    write(publication, 1, 12)

    def full(path: Path, *arguments: Any) -> int:
        if path.name == ".en.json.br.part":
            raise OSError(28, "No space left on device")
        return plain(path, *arguments)

    plain = files.write_durably
    with monkeypatch.context() as patch:
        patch.setattr(web_files, "write_durably", full)
        problems = syndicated(publication)[1]
    assert any(" is full (" in problem for problem in problems)
    assert not list(public(publication).rglob(".*.part"))
    assert syndicated(publication)[1] == []
    for form in FORMS:
        assert short(walk(publication, "en", form)) == names(1, 12)


def test_a_lost_folder_of_feeds_is_restored_with_its_archives(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=5)
    write(publication, 1, 12)
    syndicated(publication)
    before = tree(public(publication) / "feeds")
    shutil.rmtree(public(publication) / "feeds")
    syndicated(publication)
    assert tree(public(publication) / "feeds") == before


def test_a_lost_page_is_restored(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    syndicated(publication)
    for name in ("en/feeds/index.html", "en/feeds/topics/sea/index.html", "feeds/index.opml"):
        file = public(publication) / name
        before = file.read_bytes()
        file.unlink()
        syndicated(publication)
        assert file.read_bytes() == before


def test_what_another_leader_wrote_long_ago_is_written_again(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    syndicated(publication)
    styles = next((public(publication) / "feeds").rglob("*.css"))
    for file in (public(publication) / "feeds/index.opml", styles):
        current = file.read_bytes()
        file.write_text("of an earlier lead")
        with publication.database.writing() as connection:
            mark_all_feeds_due(connection)
        syndicated(publication)
        assert file.read_bytes() == current


def test_a_language_removed_from_the_publication_leaves_empty_feeds(
    publication: PublicationFolder,
) -> None:
    limit(publication, entries=5)
    for number in range(1, 13):
        publication.write(f"ar/s{number:03}.md", "نص", title=f"قصة {number}", date="2026-01-05")
    syndicated(publication)
    publication.reload(languages=["en"])
    limit(publication, entries=5)
    syndicated(publication.at(NOW + HOUR))
    for form in FORMS:
        assert short(walk(publication, "ar", form)) == []
    assert not [row["name"] for row in publication.rows(feed) if row["due"]]
    polled, *closed = walk(publication, "ar", "atom")
    assert len(polled.deleted) == 12
    assert sum(len(page.deleted) for page in closed) == 7


def test_a_stylesheet_that_can_t_be_written_is_a_problem(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feed_pages, "write_if_changed", full)
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    assert syndicated(publication)[1][0].startswith("feeds/: the disk that holds ")


def test_an_empty_topic_is_in_no_list(publication: PublicationFolder) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Wether]")
    syndicated(publication)
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Weather]")
    syndicated(publication.at(NOW + HOUR))
    for name in ("feeds/index.opml", "en/feeds/index.html"):
        shown = (public(publication) / name).read_text()
        assert "Weather" in shown
        assert "Wether" not in shown
    assert json_feed(publication, "en/topics/wether")["items"] == []


SUFFIXES = ("rss.xml", "atom.xml", "json")


@pytest.fixture
def hub(publication: PublicationFolder) -> Iterator[Hub]:
    """A hub of the publication that fetches the topics of which it is notified."""
    with running() as one:
        object.__setattr__(publication.settings, "feeds", FeedSettings(hubs=(one.url,)))

        def read(topic: str) -> bytes | None:
            file = public(publication) / topic.removeprefix(f"{URL}/")
            return file.read_bytes() if file.is_file() else None

        one.read = read
        yield one
        assert one.faults == []


def topics(*names: str) -> list[str]:
    return sorted(f"{URL}/feeds/{name}.{suffix}" for name in names for suffix in SUFFIXES)


def notified(publication: PublicationFolder, hub: Hub, hours: int) -> list[str]:
    """Run a cycle some hours later; return the topics of which the hub was notified."""
    hub.pings.clear()
    report = pipeline_of(publication.at(NOW + timedelta(hours=hours))).run()
    assert report.problems == []
    return sorted(hub.topics)


def test_hubs_are_notified_once_of_each_changed_feed_when_it_is_in_place(
    publication: PublicationFolder, hub: Hub
) -> None:
    publication.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    everything = topics("en", "ar", "all", "en/topics/sea", "en/issues/weekly")
    hub.say(Reply(503))
    notified(publication, hub, 0)
    hub.answer = lambda _topic: Reply()
    assert notified(publication, hub, 12) == everything
    before = {one.topic: one.content for one in hub.pings}
    assert notified(publication, hub, 24) == []
    publication.write(
        "en/fog.md", "Other words.", title="Fog", date="2026-01-05", topics="[Sea]"
    )
    changed = topics("en", "all", "en/topics/sea", "en/issues/weekly")
    assert notified(publication, hub, 25) == changed
    assert all(one.content not in (None, before[one.topic]) for one in hub.pings)
    for suffix in SUFFIXES:
        document = (public(publication) / f"feeds/en.{suffix}").read_text()
        assert hub.url in document
        assert f"{URL}/feeds/en.{suffix}" in document
