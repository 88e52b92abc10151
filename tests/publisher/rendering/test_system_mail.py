"""Mails about a subscription or a correction, and the pieces of subscribers' pages."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html

from publisher.assembly.gate_run import check_digest
from publisher.errors import RenderingError
from publisher.rendering import Digest, Renderer, placeholders
from publisher.rendering.environment import Templates
from tests.publisher.mail.samples import a_publication, an_issue
from tests.publisher.rendering import sample

KINDS = sample.SYSTEM_MAIL_KINDS
HOME = "https://news.example.org/en/"
CONFIRMING = {"@@ACTION@@", "@@ACTION@@&choice=refuse", f"{HOME}confirm/"}

every_kind = pytest.mark.parametrize("kind", KINDS)
every_mail = pytest.mark.parametrize(
    ("kind", "language"), [(kind, language) for kind in KINDS for language in sample.LANGUAGES]
)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


def render(renderer: Renderer, kind: str, language: str = "en", **changes: object) -> Digest:
    return renderer.system_mail(sample.system_mail(kind, language, **changes))


def tree(mail: Digest) -> etree._Element:
    return html.document_fromstring(mail.html)


def links(mail: Digest) -> set[str]:
    return {a.get("href", "") for a in tree(mail).iter("a")}


# Mails about a subscription have no page on the web and other links than a digest.
OF_DIGESTS = {
    *("unsubscribe", "unsubscribe-text", "view-online", "preheader-length"),
    *("html-template", "text-template"),
}


@every_mail
def test_every_mail_passes_the_gate_but_for_what_only_a_digest_needs_and_says_by_whom_it_is(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    findings = check_digest(a_publication(), an_issue(language), mail).report.findings
    assert {one.code for one in findings} <= OF_DIGESTS
    assert mail.subject
    for part in (mail.html, mail.text):
        assert "1 Example Street, Example City" in part
        assert sample.PUBLICATION[language][0] in part
    assert not re.search(r"\{\{|\{%|%\(|None", mail.subject + mail.html + mail.text)


@every_kind
@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "ar"])
def test_no_english_stands_in_a_mail_in_another_language(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    body = tree(mail).find("body")
    assert body is not None
    words = {
        text.strip()
        for element in body.iter()
        if element.get("lang", language) == language
        for text in (element.text or "", *(child.tail or "" for child in element))
    }
    shown = "\n".join(words | {mail.subject, *mail.text.splitlines()})
    for known in (*placeholders.ALL_PLACEHOLDERS, "1 Example Street, Example City", "English"):
        shown = shown.replace(known, "")
    shown = re.sub(r"(?m)^(https|mailto):\S+$|\b(Deutsch|RSS)\b|&choice=refuse$", "", shown)
    assert re.findall("[A-Za-z]{2,}", shown) == []


def test_where_there_is_no_catalogue_english_words_say_that_they_are_english(
    renderer: Renderer,
) -> None:
    publication = replace(sample.publication("de"), language="nb")
    mail = render(renderer, "confirm", "de", publication=publication)
    heading = next(tree(mail).iter("h1"))
    assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("confirm", CONFIRMING),
        ("reminder", CONFIRMING),
        ("already-subscribed", {"@@PREFERENCES@@", "@@UNSUBSCRIBE@@"}),
        ("welcome", {"@@PREFERENCES@@", "@@UNSUBSCRIBE@@", f"{HOME}weekly/2026-01-09/"}),
        ("goodbye", {"@@ACTION@@"}),
        ("confirm-address", {"@@ACTION@@"}),
        ("address-changed", {"@@ACTION@@"}),
        ("data", {"@@ACTION@@"}),
    ],
)
def test_each_system_mail_offers_its_actions_and_no_others(
    renderer: Renderer, kind: str, expected: set[str]
) -> None:
    assert links(render(renderer, kind)) == expected | {HOME}


def test_the_links_mail_offers_each_language_and_a_goodbye_names_what_is_left(
    renderer: Renderer,
) -> None:
    found = links(render(renderer, "links"))
    mailto = "mailto:lists@news.example.org?subject=language%20"
    assert {f"{mailto}{tag}%20@@COMMAND_TOKEN@@" for tag in ("en", "ar")} < found
    assert {"@@PREFERENCES@@", "@@FEED@@", "@@UNSUBSCRIBE@@"} < found
    without = links(render(renderer, "links", mailbox="", has_pages=False))
    assert without == {"@@UNSUBSCRIBE@@", HOME}
    assert "gets The week no longer" in render(renderer, "goodbye").text
    everything = render(renderer, "goodbye", newsletters=())
    assert "gets no more mail from The Lantern" in everything.text


@pytest.mark.parametrize("kind", ["confirm", "reminder", "already-subscribed", "welcome"])
@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_a_mail_about_newsletters_names_them(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    assert sample.NEWSLETTER[language] in mail.html
    assert sample.NEWSLETTER[language] in mail.text


@pytest.mark.parametrize("kind", ["confirm", "reminder", "confirm-address", "data"])
def test_a_mail_with_a_code_shows_it_in_both_parts(renderer: Renderer, kind: str) -> None:
    mail = render(renderer, kind)
    assert placeholders.CODE_PLACEHOLDER in mail.text
    assert placeholders.CODE_PLACEHOLDER in mail.html


@pytest.mark.parametrize("kind", ["confirm", "confirm-address"])
@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_a_confirmation_says_until_when_it_can_be_given(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    assert "72" in mail.text
    assert "72" in str(tree(mail).xpath("string(//body)"))


@every_kind
def test_equal_content_gives_equal_bytes(renderer: Renderer, kind: str) -> None:
    assert render(renderer, kind, "ar") == render(Renderer(), kind, "ar")


PREFIXES = {"en": "Correction: ", "zh-Hans": "更正：", "zh-Hant": "更正：", "ar": "تصويب: "}


@pytest.mark.parametrize("language", PREFIXES)
def test_the_subject_has_the_prefix_of_its_language_and_both_parts_the_same_links(
    language: str,
) -> None:
    content = sample.correction(language)
    digest = Renderer().announcement(content)
    assert digest.subject.startswith(PREFIXES[language])
    for part in (digest.html, digest.text):
        assert content.web_url in part
        assert content.first_url in part
        assert "@@UNSUBSCRIBE@@" in part
    page = Renderer().announcement_page(content)
    assert f'lang="{language}"' in page
    assert "@@" not in page


@pytest.mark.parametrize("language", PREFIXES)
def test_a_subject_that_an_editor_began_with_the_word_has_it_once(language: str) -> None:
    prefix = PREFIXES[language]
    for typed in (prefix, prefix.strip().replace("：", ":") + prefix, prefix.upper()):
        digest = Renderer().announcement(
            replace(sample.correction(language), subject=f"{typed}X")
        )
        assert digest.subject == f"{prefix}X"
        assert prefix.strip() + " " + prefix.strip() not in digest.html
    alone = Renderer().announcement(
        replace(sample.correction(language), subject=prefix.strip())
    )
    assert prefix.strip() in alone.subject


def test_words_of_an_editor_are_escaped_and_a_correction_without_words_is_no_mail() -> None:
    content = sample.correction("en")
    digest = Renderer().announcement(replace(content, subject="<b>&amp;"))
    assert "<b>&amp;" not in digest.html
    assert digest.subject == "Correction: <b>&amp;"
    with pytest.raises(RenderingError, match="without words"):
        Renderer().announcement(replace(content, html="<p> </p>"))


IMPORTS = (
    '{% from "web/subscriber/parts.html" import address, button, check, checks, field, form, hidden,'
    " more, radios, select, status, theirs with context %}"
)


def rendered(folder: Path, text: str, language: str = "en", **values: Any) -> html.HtmlElement:
    (folder / "page.html").write_text(
        '{% extends "web/subscriber/base.html" %}' + IMPORTS + text, "utf-8"
    )
    values |= {
        "publication": replace(sample.publication("en"), language=language),
        "style_url": "/-/subscriber.0.css",
        "home_url": "/en/",
        "icon_url": "/icon.png",
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
    page = rendered(tmp_path, '{% block main %}{{ theirs("Uke") }}{% endblock %}', "nb")
    (main,) = page.cssselect("main")
    assert main.get("lang") == "en"
    assert main.cssselect("bdi")[0].get("lang") == "nb"
