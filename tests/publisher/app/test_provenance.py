"""Readers learn who made a text, on pages, in mails and in feeds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from publisher.articles.model import Provenance
from publisher.errors import ArticleError
from publisher.ingest.parsers.metadata import read_metadata
from publisher.issues.tables import digest_table
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import json_feed, pipeline_of, public, shown

DAILY = [{"name": "daily", "schedule": "0 8 * * *", "title": {"en": "The morning lamp"}}]
MADE = {"provenance": "machine", "translated_with": "Babel & Co", "editor": "Ada Lark"}


def test_a_machine_translation_is_labelled_with_its_tool_and_editor(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    publication = new_publication(newsletters=DAILY, languages=["en", "ar"])
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-07")
    publication.write("en/a.md", "Words.", title="Old", date="2026-01-08", **MADE)
    publication.write("en/b.md", "Words.", title="By hand", date="2026-01-08")
    assert pipeline_of(publication).run().problems == []
    label = "Translated by machine with Babel &amp; Co · Responsible editor: Ada Lark"
    folder = public(publication)
    assert label in (folder / "en/stories/a/index.html").read_text("utf-8")
    assert (folder / "en/daily/2026-01-09/index.html").read_text("utf-8").count(label) == 1
    assert "by machine" not in (folder / "en/stories/b/index.html").read_text("utf-8")
    contents = [item["content_html"] for item in json_feed(publication, "en")["items"]]
    assert sum(label in content for content in contents) == 1
    (digest,) = [row for row in publication.rows(digest_table) if "Words." in row["text"]]
    assert digest["html"].count(label) == 1
    assert (
        "Translated by machine with Babel & Co\nResponsible editor: Ada Lark" in digest["text"]
    )


def test_an_article_that_is_a_copy_names_the_first_one_and_keeps_its_page(
    publication: PublicationFolder,
) -> None:
    first = "https://first.example/tides/"
    publication.write("en/a.md", title="Tides", date="2026-01-07", canonical_url=first)
    publication.write("en/b.md", title="Ferry", date="2026-01-07")
    publication.pick_up()
    assert publication.one("a").canonical_url == first
    shown(publication)
    pages = [public(publication) / f"en/stories/{name}/index.html" for name in "ab"]
    of_copy, own = (page.read_text("utf-8") for page in pages)
    assert f'<link rel="canonical" href="{first}">' in of_copy
    assert of_copy.count('rel="canonical"') == 1
    assert '<link rel="canonical" href="https://news.example.org/en/stories/b/">' in own


def test_what_is_not_said_is_usual(publication: PublicationFolder) -> None:
    publication.write("en/a.md", "Words.", title="Old", date="2026-01-07")
    publication.write("ar/a.md", "كلمات.", title="قديم", date="2026-01-08")
    publication.write(
        "zh-Hans/a.md", "字。", title="旧", date="2026-01-08", provenance="script"
    )
    publication.pick_up()
    found = {language: one.provenance for (_key, language), one in publication.all().items()}
    assert found == {
        "en": Provenance.ORIGINAL,
        "ar": Provenance.HUMAN,
        "zh-Hans": Provenance.SCRIPT,
    }


def test_an_editor_counts_only_for_a_machine_translation() -> None:
    assert read_metadata({"editor": "visual"}).editor is None
    assert read_metadata(MADE).editor == "Ada Lark"
    with pytest.raises(ArticleError, match=r"provenance: .* one of original, human, machine"):
        read_metadata({"provenance": "robot"})
