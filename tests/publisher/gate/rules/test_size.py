from __future__ import annotations

from dataclasses import replace

from publisher.gate.rules import size
from tests.publisher.gate.pages import (
    Fault,
    codes,
    findings,
    mail_of,
    with_content,
)

LONG = "<p>river</p>" * 6000

FAULTS = (
    Fault("the HTML has over 74,000 bytes", "html-size", with_content(LONG + LONG[:9000])),
    Fault("the HTML comes near that", "html-size-near", with_content(LONG[:60_000])),
    Fault("elements are too deep", "html-depth", with_content("<div>" * 101 + "</div>" * 101)),
)


def test_a_mail_that_gmail_shows_whole_is_accepted() -> None:
    assert codes(size, with_content(LONG[:50_000])) == []


def test_bytes_are_counted_and_not_characters() -> None:
    page = with_content("河" * 25_000)
    assert len(page) < 60_000
    assert codes(size, page)[0] == "html-size"


def test_quoted_printable_counts_as_it_is_sent() -> None:
    page = with_content("河" * 15_000)
    assert len(page.encode()) < 60_000
    mail = mail_of(page, encoding="quoted-printable")
    assert [finding.code for finding in size.check(mail)] == ["html-size"]


def test_bare_line_feeds_count_as_two_bytes() -> None:
    body = b"x\n" * 36_000
    mail = replace(mail_of(""), content=b"Content-Type: text/html\r\n\r\n" + body)
    (finding,) = size.check(mail)
    assert finding.problem == "the HTML is sent as 108,000 bytes"


def test_elements_of_a_far_too_long_mail_are_not_checked() -> None:
    found = findings(size, "<p>x</p>" * 50_000)
    assert found[0].problem == "the HTML has 400,002 bytes, too long for a closer look"
