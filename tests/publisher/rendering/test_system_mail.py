"""Mails about a subscription itself, rendered for real in every language of the program."""

from __future__ import annotations

import re

import pytest
from lxml import etree, html

from publisher.languages import direction
from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering import Digest, Renderer, placeholders
from publisher.rendering.plaintext import display_width
from tests.publisher.rendering import sample

KINDS = sample.SYSTEM_MAIL_KINDS
HOME = "https://news.example.org/en/"

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


@every_mail
def test_a_system_mail_has_its_subscriber_s_language_and_direction(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    root = tree(mail)
    assert (root.get("lang"), root.get("dir")) == (language, direction(language))
    assert mail.html.startswith("<!DOCTYPE html>")
    assert all(cell.get("dir") == direction(language) for cell in root.iter("table", "td"))
    assert len(list(root.iter("h1"))) == 1
    assert mail.subject
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
    shown = re.sub(r"(?m)^(https|mailto):\S+$|\b(Deutsch|RSS)\b", "", shown)
    assert re.findall("[A-Za-z]{2,}", shown) == []


def test_where_there_is_no_catalogue_english_words_say_that_they_are_english(
    renderer: Renderer,
) -> None:
    heading = next(tree(render(renderer, "confirm", "de")).iter("h1"))
    assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")


@every_mail
def test_both_parts_have_the_same_links(renderer: Renderer, kind: str, language: str) -> None:
    mail = render(renderer, kind, language)
    places = {
        line
        for line in mail.text.splitlines()
        if line.startswith(("https://", "mailto:")) or line in placeholders.LINK_PLACEHOLDERS
    }
    assert places == links(mail)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("confirm", {"@@ACTION@@"}),
        ("reminder", {"@@ACTION@@"}),
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


def test_the_links_mail_offers_each_language_by_mail(renderer: Renderer) -> None:
    found = links(render(renderer, "links"))
    mailto = "mailto:lists@news.example.org?subject=language%20"
    assert {f"{mailto}{tag}%20@@COMMAND_TOKEN@@" for tag in ("en", "ar")} < found
    assert {"@@PREFERENCES@@", "@@FEED@@", "@@UNSUBSCRIBE@@"} < found
    without = links(render(renderer, "links", mailbox="", has_pages=False))
    assert without == {"@@UNSUBSCRIBE@@", HOME}


@pytest.mark.parametrize("kind", ["confirm", "reminder", "already-subscribed", "welcome"])
@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_a_mail_about_newsletters_names_them(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    assert sample.NEWSLETTER[language] in mail.html
    assert sample.NEWSLETTER[language] in mail.text


def test_a_goodbye_to_all_newsletters_names_the_publication_instead(
    renderer: Renderer,
) -> None:
    assert "gets The week no longer" in render(renderer, "goodbye").text
    everything = render(renderer, "goodbye", newsletters=())
    assert "gets no more mail from The Lantern" in everything.text


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


@every_mail
def test_every_mail_says_by_whom_it_is_sent(
    renderer: Renderer, kind: str, language: str
) -> None:
    mail = render(renderer, kind, language)
    for part in (mail.html, mail.text):
        assert "1 Example Street, Example City" in part
        assert sample.PUBLICATION[language][0] in part


@every_mail
def test_the_text_part_fits_its_columns(renderer: Renderer, kind: str, language: str) -> None:
    for line in render(renderer, kind, language).text.splitlines():
        is_address = line.startswith(("https://", "mailto:"))
        assert display_width(line) <= MAX_TEXT_COLUMNS or is_address


@every_kind
def test_equal_content_gives_equal_bytes(renderer: Renderer, kind: str) -> None:
    assert render(renderer, kind, "ar") == render(Renderer(), kind, "ar")
