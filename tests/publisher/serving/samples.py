"""A small web root, with compressed copies beside its feeds, and settings to serve it by."""

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import brotli

from publisher.config import SETTINGS_FILE, Settings, load_settings
from publisher.testing import SECRET, make_publication

HOST = "https://news.example.org"
HUB = "https://hub.example.net/"
TTL = 20
CHANGED = datetime(2026, 1, 9, 12, 30, tzinfo=UTC)
LAST_MODIFIED = "Fri, 09 Jan 2026 12:30:00 GMT"
BEFORE, AFTER = "Fri, 09 Jan 2026 12:29:59 GMT", "Fri, 09 Jan 2026 12:30:01 GMT"

PAGE = b"<!doctype html><title>The Lantern</title>"
RSS = b"<rss>" + 50 * b"<item><title>The harbour light is lit again</title></item>" + b"</rss>"
FILES = {
    "index.html": PAGE,
    "en/index.html": PAGE + b"<p>English</p>",
    "feeds/index.html": PAGE + b"<p>Feeds</p>",
    "media/0a1b2c/harbour.jpg": b"\xff\xd8 no real picture",
    "media/0a1b2c/tide.mp3": b"ID3 no real sound" * 100,
    "media/0a1b2c/notes.unheard-of": b"?",
    "assets/style.0a1b2c.css": b"p { color: red }\n" * 100,
    "robots.txt": b"User-agent: *\n",
    ".well-known/security.txt": b"Contact: mailto:desk@news.example.org\n",
    ".secret": b"not for the web",
    ".missing.html": PAGE + b"<p>Nothing</p>",
    "en/.missing.html": PAGE + b"<p>Nothing in English</p>",
    "en/stories/gone/.gone.html": PAGE + b"<p>Withdrawn</p>",
    "en/.git/config": b"not for the web",
    "feeds/.git/x.rss.xml": b"not for the web",
    "en/.git/two\nlines": b"not for the web",
    "two\nlines/.secret": b"not for the web",
    "feeds/two\nlines.part": b"not for the web",
    "feeds/.en.rss.xml.part": b"<rss>half of",
    "feeds/late.json.part": b'{"half',
}
PACKED = {
    "feeds/en.rss.xml": RSS,
    "feeds/en.atom.xml": b"<feed>" + 300 * b"tide " + b"</feed>",
    "feeds/en.json": b'{"items": [' + b" " * 500 + b"]}",
    "feeds/zh-Hans/topics/gang-kou.rss.xml": RSS,
    "feeds/en/archive/3.atom.xml": b"<feed>" + 300 * b"ebb " + b"</feed>",
    "feeds/index.opml": b"<opml>" + 300 * b"flow " + b"</opml>",
    "feeds/style.ar.css": b"rss { direction: rtl }" * 20,
}


def write(path: Path, content: bytes, when: datetime = CHANGED) -> None:
    """Write a file that was changed at that time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (when.timestamp(), when.timestamp()))


def write_packed(path: Path, content: bytes, when: datetime = CHANGED) -> None:
    """Write a file and its compressed copies, all of one time."""
    write(path, content, when)
    write(path.with_name(f"{path.name}.gz"), gzip.compress(content, mtime=0), when)
    write(path.with_name(f"{path.name}.br"), brotli.compress(content), when)


def make_settings(folder: Path, url: str = HOST) -> Settings:
    """Write publication.toml, with a hub; nothing is published yet."""
    make_publication(folder, url=url)
    with (folder / SETTINGS_FILE).open("a") as file:
        file.write(f'[feeds]\nttl = {TTL}\nhubs = ["{HUB}"]\n')
    return load_settings(folder, {"PUBLISHER_SECRET": SECRET})


def make_site(folder: Path, url: str = HOST) -> Settings:
    """Write a publication with something in its web root."""
    settings = make_settings(folder, url)
    for path, content in FILES.items():
        write(settings.folders.public / path, content)
    for path, content in PACKED.items():
        write_packed(settings.folders.public / path, content)
    (settings.folders.public / "empty").mkdir()
    return settings
