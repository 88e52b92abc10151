from __future__ import annotations

from dataclasses import replace

import pytest

from publisher.gate.mail import ExpectedStory
from publisher.gate.rules import size
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    codes,
    findings,
    mail_of,
    sound,
    told,
    uncovered,
    with_content,
)

LONG = "<p>river</p>" * 6000

FAULTS = (
    Fault("the HTML has over 74,000 bytes", "html-size", with_content(LONG + LONG[:9000])),
    Fault("the HTML comes near that", "html-size-near", with_content(LONG[:60_000])),
    Fault("base64 makes it too long", "html-size-encoded", with_content(LONG + LONG[:9000])),
    Fault(
        "a control character of Windows-1252 is left", "html-damage", with_content("it\x92s")
    ),
    Fault("a letter was lost", "html-damage", with_content("Zürich".replace("ü", "\ufffd"))),
    Fault("elements are too deep", "html-depth", with_content("<div>" * 101 + "</div>" * 101)),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(size, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(size, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(size, FAULTS) == set()


def test_what_gmail_shows_whole_is_let_through() -> None:
    assert codes(size, with_content(LONG[:50_000])) == []


def test_bytes_are_counted_and_not_characters() -> None:
    page = with_content("河" * 25_000)
    assert len(page) < size.NEAR
    assert codes(size, page)[0] == "html-size"


def test_quoted_printable_counts_as_it_is_sent() -> None:
    page = with_content("河" * 15_000)
    assert len(page.encode()) < size.NEAR
    mail = mail_of(page, encoding="quoted-printable")
    assert [finding.code for finding in size.check(mail)] == ["html-size-encoded"]


def test_bare_line_feeds_count_as_the_two_octets_that_they_become() -> None:
    body = b"x\n" * 40_000
    mail = replace(mail_of(""), content=b"Content-Type: text/html\r\n\r\n" + body)
    problems = [finding.problem for finding in size.check(mail)]
    assert "the HTML is sent as 120,000 bytes" in problems


def test_damage_is_counted_and_has_a_line() -> None:
    (found,) = findings(size, with_content("a\x92b\n\x92"))
    line = sound().split("<h2")[0].count("\n") + 1
    assert (found.problem, found.line) == ("U+0092 stands in the text, 2 times in all", line)


def test_a_replacement_character_that_an_article_speaks_of_is_no_damage() -> None:
    html = with_content("<p>Lost letters show as \ufffd.\x92</p>")
    story = ExpectedStory(language="en", url="x", passages=("Lost letters show as \ufffd.",))
    assert len(list(size.check(mail_of(html)))) == 2
    (found,) = size.check(mail_of(html, stories=(story,)))
    assert found.problem.startswith("U+0092")


def test_what_is_far_too_long_is_said_not_to_be_looked_at() -> None:
    found = findings(size, "<p>x</p>" * 50_000)
    assert found[0].problem == "the HTML has 400,002 bytes, too long for a closer look"
