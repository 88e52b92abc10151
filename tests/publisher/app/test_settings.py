"""Single settings, changed by a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.app import toml_files
from publisher.app.reload_settings import ReloadedPipeline
from publisher.app.settings import (
    ChangedSettings,
    change_setting,
    remove_setting,
    settings_hash,
)
from publisher.config import SETTINGS_FILE, load_settings
from publisher.errors import ConfigError
from publisher.files import write_durably
from tests.publisher.config.samples import TEXT
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import pipeline_of, public


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / SETTINGS_FILE
    path.write_text(f"# Ours.\n{TEXT}", "utf-8")
    return path


def test_a_setting_is_changed_in_its_place(file: Path) -> None:
    before = file.read_text("utf-8")
    changed = change_setting(file.parent, "newsletter[weekly].title.en", "Seven days")
    assert changed == ChangedSettings(
        "newsletter[weekly].title.en", "The week", "Seven days", settings_hash(file.parent)
    )
    assert file.read_text("utf-8") == before.replace('"The week"', '"Seven days"')
    assert load_settings(file.parent, {}).newsletters[0].title("en") == "Seven days"


def test_a_setting_is_added_and_removed(file: Path) -> None:
    before = file.read_text("utf-8")
    assert change_setting(file.parent, "feeds.ttl", 30).old is None
    assert load_settings(file.parent, {}).feeds.ttl == 30
    removed = remove_setting(file.parent, "feeds.ttl")
    assert (removed.old, removed.new) == (30, None)
    assert load_settings(file.parent, {}).feeds.ttl == 15
    assert file.read_text("utf-8").startswith(before.rstrip())


def test_a_newsletter_is_added_and_removed(file: Path) -> None:
    change_setting(
        file.parent, "newsletter[daily]", {"title": "Today", "schedule": "0 7 * * *"}
    )
    assert [one.name for one in load_settings(file.parent, {}).newsletters] == [
        "weekly",
        "daily",
    ]
    remove_setting(file.parent, "newsletter[weekly]")
    assert [one.name for one in load_settings(file.parent, {}).newsletters] == ["daily"]


@pytest.mark.parametrize(
    ("key", "value", "where", "problem"),
    [
        ("newsletter[weekly].schedule", "now", "newsletter[0].schedule", "now"),
        ("feeds.tll", 5, "feeds.tll", "unknown key"),
        ("newsletter[nightly].title", "N", "newsletter[nightly].title", "there is no such table"),
        ("publication..title", "N", "publication..title", "is no name of a setting"),
        ("publication.title", None, "publication.title", "is no value of TOML"),
        ("delivery.smtp.password", "x", "delivery.smtp.password", "a password is not kept"),
    ],
)  # fmt: skip
def test_a_wrong_change_is_refused_and_writes_nothing(
    file: Path, key: str, value: object, where: str, problem: str
) -> None:
    before = file.read_bytes()
    with pytest.raises(ConfigError) as raised:
        change_setting(file.parent, key, value)
    assert (raised.value.file, raised.value.key) == (str(file), where)
    assert problem in raised.value.problem
    assert raised.value.remedy
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == [SETTINGS_FILE]


def test_a_required_setting_cannot_be_removed(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(ConfigError, match=r"publication\.title: missing"):
        remove_setting(file.parent, "publication.title")
    assert file.read_bytes() == before


def test_an_edit_that_the_caller_has_not_seen_is_not_lost(file: Path) -> None:
    seen = settings_hash(file.parent)
    edited = file.read_text("utf-8").replace('"The week"', '"Seven days"')
    file.write_text(edited, "utf-8")
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile; read it"):
        change_setting(file.parent, "feeds.ttl", 30, expected=seen)
    assert file.read_text("utf-8") == edited
    changed = change_setting(file.parent, "feeds.ttl", 30, settings_hash(file.parent))
    change_setting(file.parent, "feeds.ttl", 31, changed.content_hash)


def test_an_edit_while_the_new_text_is_written_is_not_lost(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, content: bytes) -> None:
        write_durably(path, content)
        file.write_bytes(b"# mine\n")

    monkeypatch.setattr(toml_files, "write_durably", write)
    with pytest.raises(ConfigError, match="somebody has changed the file meanwhile"):
        change_setting(file.parent, "feeds.ttl", 30)
    assert file.read_bytes() == b"# mine\n"
    assert [one.name for one in file.parent.iterdir()] == [SETTINGS_FILE]


def test_permissions_and_a_link_stay(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere" / "settings.toml"
    kept.parent.mkdir()
    file.rename(kept)
    kept.chmod(0o640)
    file.symlink_to("elsewhere/settings.toml")
    change_setting(tmp_path, "feeds.ttl", 30)
    assert file.is_symlink()
    assert file.readlink() == Path("elsewhere/settings.toml")
    assert kept.stat().st_mode & 0o7777 == 0o640
    assert load_settings(tmp_path, {}).feeds.ttl == 30


def test_line_ends_and_byte_order_mark_stay(file: Path) -> None:
    text = "\ufeff" + file.read_text("utf-8").replace("\n", "\r\n")
    file.write_bytes(text.encode())
    change_setting(file.parent, "newsletter[weekly].title.en", "Seven days")
    assert file.read_bytes().decode() == text.replace('"The week"', '"Seven days"')


def test_an_equal_value_does_not_touch_the_file(file: Path) -> None:
    before = file.stat()
    change_setting(file.parent, "newsletter[weekly].title.en", "The week")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_broken_or_missing_file_is_refused_plainly(file: Path) -> None:
    file.write_text("[publication", "utf-8")
    with pytest.raises(ConfigError, match="not TOML"):
        change_setting(file.parent, "feeds.ttl", 30)
    file.unlink()
    with pytest.raises(ConfigError, match="no such file"):
        settings_hash(file.parent)
    with pytest.raises(ConfigError, match="the folder can't be read"):
        change_setting(file.parent / "nowhere", "feeds.ttl", 30)


def test_a_changed_setting_counts_at_the_next_cycle(publication: PublicationFolder) -> None:
    live = ReloadedPipeline(pipeline_of(publication))
    live.current().prepare()
    change_setting(publication.settings.folders.root, "publication.title.en", "The Beacon")
    live.current().prepare()
    assert "The Beacon" in (public(publication) / "en/index.html").read_text("utf-8")
    assert live.problem == ""
