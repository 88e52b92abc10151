"""A sample publication folder, a sample article, and a timer that tests advance."""

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from publisher.articles.model import Article, ArticleStatus, Byline, Origin
from publisher.config import SETTINGS_FILE, Settings, load_settings

# Long enough for `PUBLISHER_SECRET`, and known to everybody.
SECRET = "no-secret-only-a-sample"  # noqa: S105  # not secret

SAMPLE_PUBLICATION: Mapping[str, Any] = {
    "title": {"en": "The Lantern", "zh-Hans": "灯笼"},
    "url": "https://news.example.org",
    "languages": ["en", "zh-Hans", "zh-Hant", "ar"],
    "timezone": "UTC",
    "sender": "The Lantern <digest@news.example.org>",
    "address": "1 Example Street, Example City",
}
SAMPLE_NEWSLETTER: Mapping[str, Any] = {
    "name": "weekly",
    "title": {"en": "The week"},
    "schedule": "0 8 * * FRI",
}


def make_publication(
    folder: Path,
    *,
    sources: Sequence[Mapping[str, Any]] = ({"kind": "folder", "path": "articles"},),
    newsletters: Sequence[Mapping[str, Any]] = (SAMPLE_NEWSLETTER,),
    **changes: Any,
) -> Settings:
    """Write `publication.toml` and an empty folder for each source with a path. Return the settings.

    `changes` are keys of [publication] that differ from SAMPLE_PUBLICATION. Keys that a newsletter
    lacks come from SAMPLE_NEWSLETTER. Raise ConfigError for invalid settings.
    """
    document = {
        "publication": {**SAMPLE_PUBLICATION, **changes},
        "source": list(sources),
        "newsletter": [{**SAMPLE_NEWSLETTER, **newsletter} for newsletter in newsletters],
    }
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {_toml(value)}\n" for key, value in document.items()]
    (folder / SETTINGS_FILE).write_text("".join(lines), "utf-8")
    for path in (source["path"] for source in sources if "path" in source):
        (folder / path).mkdir(parents=True, exist_ok=True)
    return load_settings(folder, {"PUBLISHER_SECRET": SECRET})


def _toml(value: object) -> str:
    """Return a value as one line of TOML 1.0, whose basic strings are those of JSON."""
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {_toml(inner)}" for key, inner in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_toml, value))}]"
    return value.isoformat() if isinstance(value, date | time) else json.dumps(value)


def sample_article(**changes: Any) -> Article:
    """Return a ready English original of 2026-01-05, with some changes.

    `published_at` also sets `published_on`, `available_at` and `updated_at`, and `story_id` the key
    and slug, unless they are given, too.
    """
    at = changes.get("published_at", datetime(2026, 1, 5, tzinfo=UTC))
    number = changes.get("story_id", 1)
    values: dict[str, Any] = {
        "id": number,
        "story_id": number,
        "story_key": f"story-{number}",
        "slug": f"story-{number}",
        "language": "en",
        "origin": Origin.ORIGINAL,
        "status": ArticleStatus.READY,
        "title": f"Story {number}",
        "summary": "A few words.",
        "html": "<p>A few words.</p>",
        "text": "A few words.",
        "bylines": (Byline(name="Ann Example", affiliation="Example Institute"),),
        "translators": (),
        "section": None,
        "topics": (),
        "picture": None,
        "attachments": (),
        "url": None,
        "offered": (),
        "published_on": at.date(),
        "published_at": at,
        "available_at": at,
        "updated_at": at,
        "content_hash": "0" * 64,
    }
    return Article(**values | changes)


_EPOCH = 1_767_571_200.0  # 2026-01-05 00:00 UTC, the day of the samples


class FakeTimer:
    """A `publisher.clock.Timer` that stands still until `advance`. Safe among threads."""

    def __init__(self, start: float = _EPOCH) -> None:
        self._seconds = start
        self._lock = threading.Lock()

    def time(self) -> float:
        with self._lock:
            return self._seconds

    def advance(self, seconds: float) -> None:
        """Move by some seconds; back if they are negative, like a clock that is set."""
        with self._lock:
            self._seconds += seconds
