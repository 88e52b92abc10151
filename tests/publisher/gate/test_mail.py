from __future__ import annotations

import pytest
from lxml import etree

from publisher.gate.mail import CheckedMail


def mail(content: bytes) -> CheckedMail:
    return CheckedMail(content=content, language="en", hosts=frozenset(), preheader="")


def of_html(charset: str, body: bytes) -> CheckedMail:
    return mail(f"Content-Type: text/html; charset={charset}\r\n\r\n".encode() + body)


def test_parts_are_decoded() -> None:
    message = (
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nz\xc3\xbcrich\r\n"
        b"--x\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nPHA+evxyaWNo\r\n--x--\r\n"
    )
    assert mail(message).html == "<p>zürich"
    assert mail(message).text == "zürich"


def test_an_attached_page_is_not_the_html_part() -> None:
    message = b"Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n<p>x"
    assert mail(message).html == ""


@pytest.mark.parametrize(
    "charset", ["nope", "rot13", '"a\0b"', "undefined", "idna", "punycode"]
)
def test_an_unknown_charset_counts_as_utf_8(charset: str) -> None:
    assert of_html(charset, b"<p>z\xc3\xbcrich\xff").html == "<p>zürich\ufffd"


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff" * 9, b"Content-Type: multipart/mixed\n\n--"]
)
def test_bytes_that_are_not_a_message_have_no_parts(content: bytes) -> None:
    assert (mail(content).html, mail(content).document.root.tag) == ("", "html")


@pytest.mark.parametrize(
    "html",
    ["", " ", "<!-- x -->", "<?xml version='1.0' encoding='utf-16'?><p>ü</p>", "\ufeff<p>ü"],
)
def test_any_html_can_be_parsed(html: str) -> None:
    tree = of_html("utf-8", html.encode()).document.root
    assert tree.tag == "html"
    assert "Ã" not in etree.tostring(tree, encoding="unicode")


def test_a_field_is_unfolded_and_decoded() -> None:
    message = mail(b"Subject: =?utf-8?q?caf=C3=A9?=\r\n =?utf-8?q?s?=\r\nX: a\r\nx: b\r\n\r\n")
    assert message.header("subject") == "=?utf-8?q?caf=C3=A9?= =?utf-8?q?s?="
    assert message.decoded_header("Subject") == "cafés"
    assert (message.header("X"), message.header("Y")) == ("a", "")


@pytest.mark.parametrize("value", ["=?utf-8?b?AAAAA?=", "=?no-such?b?5rih?="])
def test_a_field_that_cannot_be_decoded_stays_as_it_is(value: str) -> None:
    assert mail(f"Subject: {value}\r\n\r\n".encode()).decoded_header("Subject") == value
