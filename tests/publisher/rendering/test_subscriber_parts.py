"""The pieces of subscribers' pages: labels, hints and errors belong to their fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import html

from publisher.rendering.environment import Templates
from tests.publisher.rendering import sample

IMPORTS = (
    '{% from "web/subscriber/parts.html" import address, button, check, checks, field, form, hidden,'
    " more, radios, select, status, theirs with context %}"
)


def rendered(folder: Path, text: str, language: str = "en", **values: Any) -> html.HtmlElement:
    (folder / "page.html").write_text(
        '{% extends "web/subscriber/base.html" %}' + IMPORTS + text, "utf-8"
    )
    values |= {
        "publication": sample.publication(language),
        "style_url": "/-/subscriber.0.css",
        "home_url": "/en/",
    }
    return html.document_fromstring(Templates(folder).render("page.html", language, values))


def test_a_field_is_described_by_its_hint_and_its_error(tmp_path: Path) -> None:
    page = rendered(
        tmp_path,
        '{% block main %}{{ field("email", "Address", "a&b", type="email", hint="Yours",'
        ' error="No @", autocomplete="email") }}{% endblock %}',
    )
    (box,) = page.cssselect("input#email")
    assert dict(box.attrib) == {
        "id": "email",
        "name": "email",
        "type": "email",
        "value": "a&b",
        "autocomplete": "email",
        "aria-describedby": "email-hint email-error",
        "aria-invalid": "true",
    }
    assert page.get_element_by_id("email-error").text == "No @"
    assert page.cssselect("label[for=email]")[0].text == "Address"


@pytest.mark.parametrize("kind", ["radios", "checks"])
def test_options_have_labels_and_the_chosen_are_set(tmp_path: Path, kind: str) -> None:
    chosen = "'b'" if kind == "radios" else "['b']"
    page = rendered(
        tmp_path,
        "{% block main %}{{ "
        + kind
        + "('how', 'How often', [('a', 'Daily'), ('b', 'Weekly', 'On Fridays')], "
        + chosen
        + ") }}{% endblock %}",
    )
    first, second = page.cssselect("fieldset input")
    assert [one.get("id") for one in (first, second)] == ["how", "how-2"]
    assert [one.get("checked") is not None for one in (first, second)] == [False, True]
    assert second.get("aria-describedby") == "how-2-hint"
    assert [one.text for one in page.cssselect("fieldset label")] == ["Daily", "Weekly"]


def test_a_page_with_errors_says_so_in_its_title_and_links_to_the_fields(
    tmp_path: Path,
) -> None:
    page = rendered(
        tmp_path,
        '{% block title %}Subscribe{% endblock %}{% block main %}{{ field("email", "Address") }}'
        "{% endblock %}",
        errors=[("email", "Write an address")],
    )
    assert str(page.findtext(".//title")).startswith("Error: Subscribe · ")
    (summary,) = page.cssselect("[role=alert][autofocus][tabindex='-1']")
    (link,) = summary.cssselect("a")
    assert page.get_element_by_id(str(link.get("href"))[1:]).tag == "input"


def test_other_pieces_are_plain_html(tmp_path: Path) -> None:
    page = rendered(
        tmp_path,
        '{% block main %}{{ status("Saved.") }}{% call form("?t=1") %}{{ hidden("x", "1") }}'
        '{{ select("tz", "Zone", [("a", "A", "ar"), ("b", "B")], "b") }}'
        '{{ check("on", "On", True, hint="h") }}{{ button("Go", "act", "go", quiet=True) }}'
        '{% endcall %}{% call more("More") %}{{ address("a@example.org") }}{{ theirs("T") }}'
        "{% endcall %}{% endblock %}",
        "ar",
    )
    assert page.cssselect("[role=status]")[0].text == "Saved."
    (form,) = page.cssselect("form")
    assert (form.get("method"), form.get("action")) == ("post", "?t=1")
    assert form.form_values() == [("x", "1"), ("tz", "b"), ("on", "yes")]
    assert page.cssselect("option")[0].get("dir") == "rtl"
    assert page.cssselect("button.quiet[name=act][value=go]")
    assert page.cssselect("details > bdi.mail[dir=ltr]")
    assert page.get("dir") == "rtl"
    assert not page.cssselect("script, img, [style], [onclick]")


def test_a_language_without_catalogue_marks_the_program_s_english(tmp_path: Path) -> None:
    page = rendered(tmp_path, '{% block main %}{{ theirs("Woche") }}{% endblock %}', "de")
    (main,) = page.cssselect("main")
    assert main.get("lang") == "en"
    assert main.cssselect("bdi")[0].get("lang") == "de"
