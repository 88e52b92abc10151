"""Feeds after a killed process, a full disk, lost files, a bad article."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher import web_files
from publisher.config import FeedSettings
from publisher.syndication import feed_documents, feed_pages, feed_window, websub_queue
from publisher.syndication.tables import feed, websub_ping
from tests.publisher.conftest import NOW, House
from tests.publisher.printing import json_feed, public, stamps, syndicated
from tests.publisher.syndication.test_history import FORMS, limit, names, write
from tests.publisher.syndication.walking import short, walk

HOUR = timedelta(hours=1)


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


def with_hub(house: House, **limits: Any) -> None:
    object.__setattr__(
        house.settings, "feeds", FeedSettings(hubs=("https://hub.example.net/",), **limits)
    )


def queued(house: House) -> set[str]:
    return {row["topic"].rpartition("/feeds/")[2] for row in house.rows(websub_ping)}


def test_a_run_that_is_killed_after_the_files_still_queues_pings(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_hub(house)
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    with cut_off(monkeypatch, websub_queue, "enqueue_pings"):
        syndicated(house)
    assert (public(house) / "feeds/en.rss.xml").is_file()
    assert queued(house) == set()
    syndicated(house)
    assert {"en.rss.xml", "en.atom.xml", "en.json"} <= queued(house)


def test_archive_documents_of_a_killed_run_do_not_keep_withdrawn_entries(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(house, entries=5)
    write(house, 1, 12)
    with cut_off(monkeypatch, feed_window, "record_archive"):
        syndicated(house)
    assert (public(house) / "feeds/en/archive/2.json").is_file()
    for number in range(1, 9):
        (house.articles / f"en/s{number:03}.md").unlink()
    syndicated(house.at(NOW + HOUR))
    assert not list((public(house) / "feeds").rglob("archive/*.*"))
    assert short(walk(house, "en", "atom")) == names(9, 12)


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_the_run_after_a_killed_one_writes_the_same_files(
    make_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    built = []
    for cut in (False, True):
        house = make_house()
        limit(house, entries=5)
        write(house, 1, 23)
        if cut:
            with cut_off(monkeypatch, feed_documents, "submit_feed_file", after):
                syndicated(house)
        syndicated(house)
        found = stamps(public(house))
        built.append({path: content for path, (_when, content) in found.items()})
    assert built[0] == built[1]


def test_a_full_disk_leaves_no_incomplete_files_and_the_next_run_completes_the_feed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(house, entries=5)
    write(house, 1, 12)

    def full(path: Path, *arguments: Any) -> int:
        if path.name == ".2.json.br.part":
            raise OSError(28, "No space left on device")
        return plain(path, *arguments)

    plain = web_files._write_durably
    with monkeypatch.context() as patch:
        patch.setattr(web_files, "_write_durably", full)
        problems = syndicated(house)[1]
    assert any(" is full (" in problem for problem in problems)
    assert not list(public(house).rglob(".*.part"))
    assert syndicated(house)[1] == []
    for form in FORMS:
        assert short(walk(house, "en", form)) == names(1, 12)


def test_a_lost_folder_of_feeds_is_restored_with_its_archives(house: House) -> None:
    limit(house, entries=5)
    write(house, 1, 12)
    syndicated(house)
    before = {p: content for p, (_when, content) in stamps(public(house) / "feeds").items()}
    shutil.rmtree(public(house) / "feeds")
    syndicated(house)
    after = {p: content for p, (_when, content) in stamps(public(house) / "feeds").items()}
    assert after == before


def test_a_lost_page_is_restored(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Sea]")
    syndicated(house)
    for name in ("en/feeds/index.html", "en/feeds/topics/sea/index.html", "feeds/index.opml"):
        file = public(house) / name
        before = file.read_bytes()
        file.unlink()
        syndicated(house)
        assert file.read_bytes() == before


def test_a_language_removed_from_the_publication_leaves_empty_feeds(house: House) -> None:
    limit(house, entries=5)
    for number in range(1, 13):
        house.write(f"ar/s{number:03}.md", "نص", title=f"قصة {number}", date="2026-01-05")
    syndicated(house)
    house.reload(languages=["en"])
    limit(house, entries=5)
    syndicated(house.at(NOW + HOUR))
    for form in FORMS:
        assert short(walk(house, "ar", form)) == []
    assert not [row["name"] for row in house.rows(feed) if row["due"]]
    polled, *closed = walk(house, "ar", "atom")
    assert len(polled.deleted) == 12
    assert sum(len(page.deleted) for page in closed) == 7


def test_a_stylesheet_that_can_t_be_written_is_a_problem(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: Any) -> bool:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feed_pages, "write_if_changed", full)
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    assert syndicated(house)[1][0].startswith("feeds/: the disk that holds ")


def test_an_empty_topic_is_in_no_list(house: House) -> None:
    house.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Wether]")
    syndicated(house)
    house.write("en/fog.md", title="Fog", date="2026-01-05", topics="[Weather]")
    syndicated(house.at(NOW + HOUR))
    for name in ("feeds/index.opml", "en/feeds/index.html"):
        shown = (public(house) / name).read_text()
        assert "Weather" in shown
        assert "Wether" not in shown
    assert json_feed(house, "en/topics/wether")["items"] == []
