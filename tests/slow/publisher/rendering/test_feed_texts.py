"""What a feed carries for an item: plain title and summary, HTML content."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from publisher.rendering import Renderer
from tests.publisher.rendering import sample
from tests.publisher.rendering.test_feed_texts import texts


@pytest.mark.parametrize(
    ("name", "field"), [("title.txt", "title"), ("summary.txt", "summary")]
)
def test_a_publication_words_titles_and_summaries_itself(
    tmp_path: Path, name: str, field: str
) -> None:
    (tmp_path / "feed").mkdir()
    source = "{{ item.article.section }}:\n{{ item.article.title }} & {{ house.title }}\n"
    (tmp_path / "feed" / name).write_text(source, encoding="utf-8")
    found = Renderer(tmp_path).feed_texts(sample.item("en"), sample.publication("en"))
    line = f"Rivers: {sample.STORIES['en'][0][0]} & The Lantern"
    assert getattr(found, field) == line
    assert found.content == texts(sample.item("en")).content


def test_an_own_catalogue_that_comes_later_is_heeded(tmp_path: Path) -> None:
    renderer, item, publication = (
        Renderer(tmp_path),
        sample.item("de"),
        sample.publication("de"),
    )
    item = replace(item, shown_as="fallback")
    before = renderer.feed_texts(item, publication).content
    path = tmp_path / "locale" / "de" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text('msgid "In %(language)s"\nmsgstr "Auf %(language)s"\n', encoding="utf-8")
    after = renderer.feed_texts(item, publication).content
    assert "In Deutsch" in before
    assert "Auf Deutsch" in after
