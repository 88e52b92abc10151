from __future__ import annotations

from publisher.gate.html_document import DEEPEST, SHOWN, clip_text, line, named, page, text_of
from tests.publisher.gate.pages import mail_of


def test_a_mail_is_taken_apart_once() -> None:
    mail = mail_of("<p>x</p>")
    assert page(mail) is page(mail)


def test_elements_stand_in_document_order_with_their_lines() -> None:
    seen = page(mail_of("<html>\n<body>\n<p>x</p>\n<b>y</b></body></html>"))
    assert [(element.tag, line(element)) for element in seen.elements] == [
        ("html", 1),
        ("body", 2),
        ("p", 3),
        ("b", 4),
    ]


def test_style_sheets_know_where_they_stand() -> None:
    html = "<head>\n<style>p { top:0 }</style></head><body><style>b { top:0 }</style>"
    seen = page(mail_of(html))
    assert [(block.in_head, block.line) for block in seen.blocks] == [(True, 2), (False, 2)]


def test_comments_for_outlook_are_told_from_others() -> None:
    seen = page(
        mail_of("<p>x</p><!-- x --><!--[if mso]>y<![endif]--><!-- [IF gte mso 9]>z<![endif]-->")
    )
    assert [comment.conditional for comment in seen.comments] == [False, True, True]


def test_what_is_too_deep_is_counted_and_not_looked_at() -> None:
    seen = page(mail_of("<div>" * 400))
    assert seen.depth > 400
    assert len(seen.elements) == DEEPEST


def test_a_mail_without_html_has_no_elements() -> None:
    assert page(mail_of(" \n")).elements == ()


def test_elements_are_named_so_that_people_find_them() -> None:
    html = '<p>1</p><p class="a b c">2</p><p id="x">3</p><p class="a" id="x">4</p>'
    seen = page(mail_of(html))
    assert [named(element) for element in seen.tagged("p")] == ["p", "p.a.b", "p#x", "p.a"]


def test_the_text_of_an_element_is_without_comments() -> None:
    seen = page(mail_of("<p>one <!-- two --><b>three\n</b> four</p>"))
    assert text_of(next(seen.tagged("p"))) == "one three four"


def test_what_is_quoted_is_short_and_seen() -> None:
    assert clip_text("a\n b\x00") == "a b\ufffd"
    assert clip_text("x" * 500) == "x" * (SHOWN - 1) + "…"
