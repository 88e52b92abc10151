"""A publication to change for each test."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from publisher.config import SETTINGS_FILE, Publication, Settings, load_settings
from publisher.errors import ConfigError

TEXT = """\
[publication]
title = { en = "The Lantern", zh-Hans = "灯笼" }
url = "https://news.example.org"
languages = ["en", "zh-Hans", "zh_TW", "ar"]
timezone = "Asia/Hong_Kong"
sender = "The Lantern <digest@news.example.org>"
address = "1 Example Street, Example City"

[[source]]
kind = "folder"
path = "articles"

[[newsletter]]
name = "weekly"
title = { en = "The week" }
schedule = "0 8 * * FRI"
max_articles = 12
late = "send"
[newsletter.edition.zh-Hans]
timezone = "Asia/Shanghai"
[newsletter.edition.zh-Hant]
missing = "convert"

[delivery]
transport = "outbox"
"""


def changed(old: str, new: str, text: str = TEXT) -> str:
    """Give the publication, or another text, with one thing written otherwise."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def mistakes(table: str) -> list[tuple[str, str]]:
    """Return mistakes and what is said of each, from a text that has one below the other."""
    lines = [line for line in table.splitlines() if line and not line.startswith("# ")]
    wrong = (line.replace(r"\n", "\n") for line in lines[::2])
    return [*zip(wrong, map(str.strip, lines[1::2]), strict=True)]


def write(folder: Path, text: str = TEXT) -> Path:
    """Put a publication.toml into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SETTINGS_FILE).write_text(text, "utf-8")
    return folder


def settings(folder: Path, environment: Mapping[str, str] | None = None) -> Settings:
    return load_settings(write(folder), environment or {})


def publication(folder: Path, *, url: str) -> Publication:
    """Give the sample under another URL."""
    text = changed("https://news.example.org", url)
    return load_settings(write(folder, text), {}).publication


def refusal(folder: Path, text: str) -> ConfigError:
    """Return what is said of a publication.toml that is wrong."""
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text), {})
    return caught.value


def told(error: ConfigError) -> str:
    """Return what is said, less the file."""
    return str(error).partition(f"{SETTINGS_FILE}: ")[2]
