"""Mails about a subscription itself, rendered for real in every language of the program."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from lxml import etree, html

from publisher.languages import direction
from publisher.mail_limits import MAX_TEXT_COLUMNS
from publisher.rendering import Digest, Renderer, SystemMail, placeholders
from publisher.rendering.plaintext import display_width
from tests.publisher.rendering import sample

Kind = Literal["confirm", "welcome", "goodbye"]
KINDS: tuple[Kind, ...] = ("confirm", "welcome", "goodbye")
TITLES = ("The week", "The morning lamp")

every_mail = pytest.mark.parametrize(
    ("kind", "language"), [(kind, language) for kind in KINDS for language in sample.LANGUAGES]
)


def render(kind: Kind, language: str = "en") -> Digest:
    mail = SystemMail(kind=kind, publication=sample.publication(language), newsletters=TITLES)
    return Renderer().system_mail(mail)


def tree(mail: Digest) -> etree._Element:
    return html.document_fromstring(mail.html)


def links(mail: Digest) -> set[str]:
    return {a.get("href", "") for a in tree(mail).iter("a")}


@every_mail
def test_a_system_mail_has_its_subscriber_s_language_and_direction(
    kind: Kind, language: str
) -> None:
    mail = render(kind, language)
    root = tree(mail)
    assert (root.get("lang"), root.get("dir")) == (language, direction(language))
    assert mail.html.startswith("<!DOCTYPE html>")
    assert all(cell.get("dir") == direction(language) for cell in root.iter("table", "td"))
    assert len(list(root.iter("h1"))) == 1
    assert mail.subject
    assert not re.search(r"\{\{|\{%|%\(|None", mail.subject + mail.html + mail.text)


@pytest.mark.parametrize("kind", KINDS)
def test_our_words_are_translated_wherever_there_is_a_catalogue(kind: Kind) -> None:
    english = render(kind)
    for language in ("zh-Hans", "zh-Hant", "ar"):
        mail = render(kind, language)
        heading = next(tree(mail).iter("h1"))
        assert heading.xpath("string()") != next(tree(english).iter("h1")).xpath("string()")
        assert heading.get("lang") in {None, language}
        assert not re.search("[A-Za-z]", mail.subject)


def test_where_there_is_no_catalogue_english_words_say_that_they_are_english() -> None:
    heading = next(tree(render("confirm", "de")).iter("h1"))
    assert (heading.get("lang"), heading.get("dir")) == ("en", "ltr")


@every_mail
def test_both_parts_have_the_same_links_and_name_the_newsletters(
    kind: Kind, language: str
) -> None:
    mail = render(kind, language)
    lines = set(mail.text.splitlines())
    places = {
        line
        for line in lines
        if line.startswith("https://") or line in placeholders.ALL_PLACEHOLDERS
    }
    assert places - {placeholders.ADDRESS_PLACEHOLDER} == links(mail)
    for title in TITLES:
        assert title in mail.html
        assert title in mail.text


def test_each_system_mail_offers_its_actions() -> None:
    home = "https://news.example.org/en/"
    assert links(render("confirm")) == {placeholders.CONFIRM_PLACEHOLDER, home}
    assert links(render("welcome")) == {
        placeholders.UNSUBSCRIBE_PLACEHOLDER,
        placeholders.PREFERENCES_PLACEHOLDER,
        home,
    }
    assert links(render("goodbye")) == {placeholders.PREFERENCES_PLACEHOLDER, home}


@every_mail
def test_every_mail_says_to_whom_or_why_it_is_sent_and_by_whom(
    kind: Kind, language: str
) -> None:
    mail = render(kind, language)
    for part in (mail.html, mail.text):
        assert "1 Example Street, Example City" in part
        assert sample.PUBLICATION[language][0] in part
    if kind != "welcome":
        assert placeholders.ADDRESS_PLACEHOLDER in mail.html
        assert placeholders.ADDRESS_PLACEHOLDER in mail.text


@every_mail
def test_the_text_part_fits_its_columns(kind: Kind, language: str) -> None:
    for line in render(kind, language).text.splitlines():
        assert display_width(line) <= MAX_TEXT_COLUMNS or line.startswith("https://")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_content_gives_equal_bytes(kind: Kind) -> None:
    assert render(kind, "ar") == render(kind, "ar")
