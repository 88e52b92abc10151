"""The sheet in which browsers show raw feeds, and the colours of pages and feeds."""

from __future__ import annotations

from pathlib import Path

from publisher.rendering import Renderer
from tests.publisher.rendering import sample
from tests.publisher.rendering.test_feed_style import SHEETS


def test_a_translation_can_not_end_its_string(tmp_path: Path) -> None:
    path = tmp_path / "locale" / "ar" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    source = "To follow it, copy the address of this page into a feed reader."
    path.write_text(
        f'msgid "{source}"\nmsgstr "a \\"; }} \\\\ \\n* {{ x"\n',
        encoding="utf-8",
    )
    sheet = Renderer(tmp_path).feed_style(sample.publication("ar"))
    assert r'"a \22 ; } \5c  \a * { x"' in sheet


def test_a_publication_styles_its_feeds_itself(tmp_path: Path) -> None:
    (tmp_path / "feed").mkdir()
    own = '{% include "shipped/feed/style.css" %}\n|rss { color: red; } /* {{ publication.title }} */\n'
    (tmp_path / "feed" / "style.css").write_text(own, encoding="utf-8")
    sheet = Renderer(tmp_path).feed_style(sample.publication("en"))
    assert sheet.startswith(SHEETS["en"])
    assert sheet.endswith("/* The Lantern */")
