"""What a program that runs notices of publication.toml and of the files that it names."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from publisher.config import SETTINGS_FILE, Settings
from publisher.config.reload import SettingsFile
from publisher.config.setting_keys import changed_keys
from publisher.config.values import Localised
from publisher.errors import ConfigError
from publisher.testing import SECRET, make_publication
from tests.publisher.config.test_publication import a_logo


class LaterTimer:
    """Every file is old by its time."""

    def time(self) -> float:
        return 9e9


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_publication(tmp_path)


@pytest.fixture
def file(settings: Settings) -> SettingsFile:
    """Watch a file whose first look is over."""
    watched = SettingsFile(settings, LaterTimer())
    watched.poll()
    return watched


def edit(settings: Settings, old: str, new: str) -> None:
    path = settings.folders.root / SETTINGS_FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_the_first_look_finds_the_settings_in_use(settings: Settings) -> None:
    watched = SettingsFile(settings)
    change = watched.poll()
    assert change is not None
    assert (change.settings, change.keys, change.files) == (settings, (), ())
    assert watched.poll() is None


def test_an_edit_is_a_change_with_its_keys_and_secrets_stay_those_of_the_start(
    file: SettingsFile, settings: Settings
) -> None:
    edit(settings, '"The week"', '"Seven days"')
    change = file.poll()
    assert change is not None
    assert change.keys == ("newsletter[weekly].title.en",)
    assert change.settings.newsletters[0].title == Localised({"en": "Seven days"})
    assert change.settings.secret is not None
    assert change.settings.secret.get_secret_value() == SECRET
    assert file.poll() is None


def test_a_comment_changes_no_key(file: SettingsFile, settings: Settings) -> None:
    edit(settings, "publication = ", "# A comment.\npublication = ")
    change = file.poll()
    assert change is not None
    assert (change.settings, change.keys) == (settings, ())


@pytest.mark.parametrize("is_finished", [True, False])
def test_half_a_file_is_not_taken_even_if_it_is_valid(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, is_finished: bool
) -> None:
    path = settings.folders.root / SETTINGS_FILE
    whole = path.read_text("utf-8")
    half = whole[: whole.index("newsletter = ")]
    watched = SettingsFile(settings)
    watched.poll()
    path.write_text(half, "utf-8")
    pauses: list[float] = []

    def write_more(seconds: float) -> None:
        pauses.append(seconds)
        path.write_text(whole if is_finished else f"{half}#{len(pauses)}", "utf-8")

    monkeypatch.setattr("publisher.config.reload.sleep", write_more)
    if is_finished:
        change = watched.poll()
        assert change is not None
        assert (change.settings, change.keys) == (settings, ())
    else:
        with pytest.raises(ConfigError, match="is still being written"):
            watched.poll()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda path: path.write_text("[publication", "utf-8"), "not TOML"),
        (lambda path: path.write_bytes(path.read_bytes()[:40]), "not TOML"),
        (lambda path: path.write_bytes(b""), "missing"),
        (lambda path: path.unlink(), "the file is gone"),
        (lambda path: (path.unlink(), path.mkdir()), "can't be read"),
    ],
    ids=["broken", "half", "empty", "gone", "folder"],
)
def test_a_mistake_is_an_error_until_it_is_mended(
    file: SettingsFile, settings: Settings, damage: Callable[[Path], object], problem: str
) -> None:
    path = settings.folders.root / SETTINGS_FILE
    before = path.read_bytes()
    damage(path)
    for _poll in range(2):
        with pytest.raises(ConfigError, match=problem):
            file.poll()
    if path.is_dir():
        path.rmdir()
    path.write_bytes(before)
    assert file.poll() is None


def test_an_unchanged_file_is_not_read(
    file: SettingsFile, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> bytes:
        raise AssertionError(f"{path} is read")

    assert file.poll() is None
    monkeypatch.setattr(Path, "read_bytes", read)
    assert file.poll() is None
    (settings.folders.root / SETTINGS_FILE).touch()
    with pytest.raises(AssertionError, match="is read"):
        file.poll()


def test_an_edit_of_equal_size_and_time_is_noticed_while_the_file_is_fresh(
    settings: Settings,
) -> None:
    watched = SettingsFile(settings)
    watched.poll()
    path = settings.folders.root / SETTINGS_FILE
    before = path.stat()
    edit(settings, '"The week"', '"The Week"')
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    change = watched.poll()
    assert change is not None
    assert change.keys == ("newsletter[weekly].title.en",)


def test_a_named_file_counts_as_well(settings: Settings) -> None:
    root = settings.folders.root
    a_logo(root)
    make_publication(root, design={"logo": "logo.png"})
    watched = SettingsFile(settings, LaterTimer())
    watched.poll()
    content = (root / "logo.png").read_bytes()
    (root / "logo.png").write_bytes(content + b"\0")
    change = watched.poll()
    assert change is not None
    assert (change.keys, change.files) == ((), ("logo.png",))
    assert change.settings.publication.design.logo is not None
    assert change.settings.publication.design.logo.content == content + b"\0"
    (root / "logo.png").unlink()
    with pytest.raises(ConfigError, match=r"logo\.png' can't be read"):
        watched.poll()
    (root / "logo.png").write_bytes(content + b"\0")
    assert watched.poll() is None


OLD: dict[str, Any] = {
    "publication": {"title": {"en": "The Lantern"}, "languages": ["en", "ar"]},
    "newsletter": [{"name": "weekly", "title": "The week"}, {"name": "daily"}],
    "delivery": {"dkim": [{"key": "a.pem"}]},
}


@pytest.mark.parametrize(
    ("table", "value", "keys"),
    [
        ("publication", OLD["publication"], []),
        ("publication", {"title": {"en": "Lantern"}, "languages": ["en", "ar"]}, ["publication.title.en"]),
        ("publication", {"title": "L", "languages": ["en"]}, ["publication.title", "publication.languages"]),
        ("newsletter", [{"name": "daily"}, {"name": "weekly", "title": "Week"}], ["newsletter[weekly].title"]),
        ("newsletter", [{"name": "daily"}], ["newsletter[weekly]"]),
        ("newsletter", [], ["newsletter"]),
        ("delivery", {"dkim": [{"key": "b.pem"}, {"key": "c.pem"}]}, ["delivery.dkim[0].key", "delivery.dkim[1]"]),
        ("delivery", {"dkim": [{"key": "a.pem"}], "transport": "smtp"}, ["delivery.transport"]),
    ],
)  # fmt: skip
def test_changed_keys_are_named_as_people_write_them(
    table: str, value: object, keys: list[str]
) -> None:
    assert list(changed_keys(OLD, {**OLD, table: value})) == keys
    assert list(changed_keys({**OLD, table: value}, OLD)) == keys
