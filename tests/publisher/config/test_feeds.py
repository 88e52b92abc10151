"""The table [feeds]: what it may say, and what is told of what it may not."""

from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, FeedSettings, load_settings
from publisher.errors import ConfigError
from tests.publisher.config.samples import TEXT


def read(folder: Path, table: str = "") -> FeedSettings:
    (folder / SETTINGS_FILE).write_text(f"{TEXT}\n[feeds]\n{table}", "utf-8")
    return load_settings(folder, {}).feeds


def refused(folder: Path, table: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(folder, table)
    return str(caught.value)


def test_everything_has_a_sound_default(tmp_path: Path) -> None:
    feeds = read(tmp_path)
    assert (feeds.entries, feeds.max_bytes, feeds.content) == (50, 500_000, "full")
    assert (feeds.ttl, feeds.hubs) == (15, ())
    assert (feeds.podcast.category, feeds.podcast.explicit) == ("News", False)


def test_hubs_are_web_addresses(tmp_path: Path) -> None:
    hub = "https://hub.example.net/?key=1"
    assert read(tmp_path, f'hubs = ["{hub}"]').hubs == (hub,)
    for wrong in ("hub.example.net", "ftp://hub.example.net/", "https://", "https://a b/"):
        told = refused(tmp_path, f'hubs = ["{wrong}"]')
        assert "feeds.hubs[0]" in told
        assert "is not a web address; write one like https://hub.example.net/" in told


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Arts", "Arts"),
        ("Arts > Books", "Arts > Books"),
        ("Society & Culture>Documentary", "Society & Culture > Documentary"),
    ],
)
def test_a_podcast_has_a_category_of_the_directories(
    tmp_path: Path, written: str, read_as: str
) -> None:
    feeds = read(tmp_path, f'podcast = {{ category = "{written}" }}')
    assert feeds.podcast.category == read_as


def test_a_category_that_no_directory_knows_is_refused_with_those_that_are(
    tmp_path: Path,
) -> None:
    told = refused(tmp_path, 'podcast = { category = "Poetry" }')
    assert "feeds.podcast.category: 'Poetry' is no category of podcasts" in told
    assert "Arts, Business" in told
    told = refused(tmp_path, 'podcast = { category = "Arts > Poetry" }')
    assert "'Poetry' is no part of Arts; its parts are Books, Design" in told
    told = refused(tmp_path, 'podcast = { category = "History > Rome" }')
    assert "'Rome' is no part of History; its parts are none" in told


@pytest.mark.parametrize(
    "table", ["entries = 0", "max_bytes = 10", 'content = "half"', "ttl = 0"]
)
def test_limits_are_checked(tmp_path: Path, table: str) -> None:
    assert f"feeds.{table.split(maxsplit=1)[0]}" in refused(tmp_path, table)


def test_the_name_of_the_feed_of_all_languages_is_no_language_here(tmp_path: Path) -> None:
    text = TEXT.replace('"ar"]', '"ar", "all"]')
    (tmp_path / SETTINGS_FILE).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=r"publication\.languages: 'all' names the feed"):
        load_settings(tmp_path, {})
