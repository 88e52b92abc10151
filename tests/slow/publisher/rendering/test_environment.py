"""A publication's own templates: what they may replace, and how their faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.errors import RenderingError
from publisher.rendering import Renderer
from tests.publisher.rendering import sample


def own(folder: Path, name: str, text: str) -> Renderer:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Renderer(folder)


def test_an_own_template_goes_before_the_shipped_one(tmp_path: Path) -> None:
    renderer = own(tmp_path, "feed/entry.html", "<p>{{ item.article.title }}</p>")
    texts = renderer.feed_texts(sample.item("ar"), sample.publication("ar"))
    assert texts.content == f"<p>{sample.STORIES['ar'][0][0]}</p>"


def test_an_own_template_can_build_on_the_shipped_one_that_it_replaces(tmp_path: Path) -> None:
    renderer = own(
        tmp_path,
        "web/chooser.html",
        '{% extends "shipped/web/chooser.html" %}{% block title %}Hello{% endblock %}',
    )
    page = renderer.chooser_page(sample.publication("en"), ())
    assert "<title>Hello</title>" in page
    assert "Choose a language" in page


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("\n\n{{ ''.__class__ }}", r"line 3: access to attribute '__class__' of 'str'"),
        ("\n{{ item.article.titel }}", r"line 2: .*has no attribute 'titel'"),
        ("{% if %}", r"line 1: Expected an expression"),
        ("a\n{% include 'web/none.html' %}", r": there is no template web/none\.html"),
        ("\n{{ 1 // 0 }}", r"line 2: integer division or modulo by zero"),
        ("{{ item.related.append(1) }}", r"line 1: .*has no attribute 'append'"),
        ("{{ range(10000000)|length }}", r"line 1: Range too big"),
        ("{% extends 'feed/entry.html' %}", r"recursion"),
    ],
)
def test_a_faulty_template_is_named_with_its_line(
    tmp_path: Path, source: str, fault: str
) -> None:
    renderer = own(tmp_path, "feed/entry.html", source)
    with pytest.raises(RenderingError, match=rf"(?s)^templates/feed/entry\.html.*{fault}"):
        renderer.feed_texts(sample.item("en"), sample.publication("en"))


def test_a_fault_in_an_included_template_is_found_where_it_is(tmp_path: Path) -> None:
    renderer = own(tmp_path, "web/style.css", "\n\n\n{{ nothing }}")
    with pytest.raises(RenderingError, match=r"^templates/web/style\.css, line 4: 'nothing'"):
        renderer.chooser_page(sample.publication("en"), ())


def test_a_value_is_escaped_whatever_the_template_is_called(tmp_path: Path) -> None:
    own(tmp_path, "feed/part.htm", "{{ '<b>' }}")
    renderer = own(tmp_path, "feed/entry.html", "{% include 'feed/part.htm' %}{{ '<i>' }}")
    texts = renderer.feed_texts(sample.item("en"), sample.publication("en"))
    assert texts.content == "&lt;b&gt;&lt;i&gt;"


def test_a_mail_template_that_can_not_be_inlined_is_refused(tmp_path: Path) -> None:
    renderer = own(tmp_path, "email/digest/body.html", "<p>no document type</p>")
    with pytest.raises(RenderingError, match="must begin with <!DOCTYPE html>"):
        renderer.digest(sample.issue("en"))
