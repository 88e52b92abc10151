"""A publication's own templates and catalogues: what they may replace, and how their faults are told."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.errors import RenderingError
from publisher.rendering import Renderer
from tests.publisher.rendering import sample
from tests.publisher.rendering.sandbox_helpers import ENTRY, StrictRenderer, each_refused
from tests.publisher.rendering.test_feed_pages import SHEETS, texts


def own(folder: Path, name: str, text: str) -> Renderer:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return StrictRenderer(folder)


def own_words(folder: Path, language: str, source: str, translation: str) -> Renderer:
    catalogue = f'msgid "{source}"\nmsgstr "{translation}"\n'
    return own(folder, f"locale/{language}/LC_MESSAGES/messages.po", catalogue)


def test_an_own_template_goes_before_the_shipped_one(tmp_path: Path) -> None:
    renderer = own(tmp_path, "feed/entry.html", "<p>{{ item.article.title }}</p>")
    texts = renderer.feed_texts(sample.item("ar"), sample.publication("ar"))
    assert texts.content_html == f"<p>{sample.STORIES['ar'][0][0]}</p>"


def test_an_own_template_can_build_on_the_shipped_one_that_it_replaces(tmp_path: Path) -> None:
    renderer = own(
        tmp_path,
        "web/chooser.html",
        '{% extends "shipped/web/chooser.html" %}{% block title %}Hello{% endblock %}',
    )
    page = renderer.chooser_page(sample.publication("en"), ())
    assert "<title>Hello</title>" in page
    assert "Choose a language" in page


FAULTS = {
    "\n\n{{ ''.__class__ }}": r"line 3: access to attribute '__class__' of 'str'",
    "\n{{ item.article.titel }}": r"line 2: .*has no attribute 'titel'",
    "{% if %}": r"line 1: Expected an expression",
    "\n{{ 1 // 0 }}": r"line 2: integer division or modulo by zero",
    "{{ item.related.append(1) }}": r"line 1: .*has no attribute 'append'",
    "{{ range(10000000)|length }}": r"line 1: Range too big",
}


def test_a_faulty_template_is_named_with_its_line(tmp_path: Path) -> None:
    reasons = each_refused(StrictRenderer(tmp_path), tmp_path, *FAULTS)
    for reason, fault in zip(reasons, FAULTS.values(), strict=True):
        assert re.search(rf"^templates/{ENTRY}.*{fault}", reason)


def test_a_fault_in_an_included_template_is_found_where_it_is(tmp_path: Path) -> None:
    renderer = own(tmp_path, "web/style.css", "\n\n\n{{ nothing }}")
    with pytest.raises(RenderingError, match=r"^templates/web/style\.css, line 4: 'nothing'"):
        renderer.chooser_page(sample.publication("en"), ())


def test_a_value_is_escaped_whatever_the_template_is_called(tmp_path: Path) -> None:
    own(tmp_path, "feed/part.htm", "{{ '<b>' }}")
    renderer = own(tmp_path, "feed/entry.html", "{% include 'feed/part.htm' %}{{ '<i>' }}")
    texts = renderer.feed_texts(sample.item("en"), sample.publication("en"))
    assert texts.content_html == "&lt;b&gt;&lt;i&gt;"


def test_a_mail_template_that_is_too_large_by_itself_is_refused(tmp_path: Path) -> None:
    large = "<!DOCTYPE html><html><body><p>" + "tide " * 20_000 + "</p></body></html>"
    renderer = own(tmp_path, "email/digest/body.html", large)
    with pytest.raises(RenderingError, match="more than 74000 bytes with a single title"):
        renderer.digest(sample.issue("en"))


def test_an_own_subject_of_a_correction_goes_before_the_shipped_one(tmp_path: Path) -> None:
    subject = "Erratum: {{ correction.subject }}\n"
    renderer = own(tmp_path, "email/correction/subject.txt", subject)
    assert renderer.announcement(sample.correction("en")).subject.startswith("Erratum: ")


def test_a_publication_styles_its_feeds_itself(tmp_path: Path) -> None:
    css = '{% include "shipped/feed/style.css" %}\n|rss { color: red; } /* {{ publication.title }} */\n'
    sheet = own(tmp_path, "feed/style.css", css).feed_style(sample.publication("en"))
    assert sheet.startswith(SHEETS["en"])
    assert sheet.endswith("/* The Lantern */")


@pytest.mark.parametrize("field", ["title", "summary"])
def test_a_publication_words_titles_and_summaries_itself(tmp_path: Path, field: str) -> None:
    source = "{{ item.article.section }}:\n{{ item.article.title }} & {{ publication.title }}\n"
    renderer = own(tmp_path, f"feed/{field}.txt", source)
    found = renderer.feed_texts(sample.item("en"), sample.publication("en"))
    line = f"Rivers: {sample.STORIES['en'][0][0]} & The Lantern"
    assert getattr(found, field) == line
    assert found.content_html == texts(sample.item("en")).content_html


def test_an_own_catalogue_that_comes_later_is_heeded(tmp_path: Path) -> None:
    renderer, publication = Renderer(tmp_path), sample.publication("de")
    item = replace(sample.item("de"), shown_as="fallback")
    before = renderer.feed_texts(item, publication).content_html
    own_words(tmp_path, "de", "In %(language)s", "Auf %(language)s")
    after = renderer.feed_texts(item, publication).content_html
    assert "Sprache: Deutsch" in before
    assert "Auf Deutsch" in after
