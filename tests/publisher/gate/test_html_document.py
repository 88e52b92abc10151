from __future__ import annotations

from publisher.gate.html_document import clip_text, element_name, line_of, text_content
from tests.publisher.gate.pages import mail_of


def test_elements_stand_in_document_order_with_their_lines() -> None:
    document = mail_of("<html>\n<body>\n<p>x</p>\n<b>y</b></body></html>").document
    assert [(element.tag, line_of(element)) for element in document.elements] == [
        ("html", 1),
        ("body", 2),
        ("p", 3),
        ("b", 4),
    ]


def test_style_sheets_have_their_place_and_line() -> None:
    html = "<head>\n<style>p { top:0 }</style></head><body><style>b { top:0 }</style>"
    document = mail_of(html).document
    assert [(block.is_in_head, block.line) for block in document.style_blocks] == [
        (True, 2),
        (False, 2),
    ]


def test_conditional_comments_are_recognised() -> None:
    html = "<p>x</p><!-- x --><!--[if mso]>y<![endif]--><!-- [IF gte mso 9]>z<![endif]-->"
    document = mail_of(html).document
    assert [comment.is_conditional for comment in document.comments] == [False, True, True]


def test_elements_that_are_too_deep_are_counted_but_not_kept() -> None:
    document = mail_of("<div>" * 400).document
    assert document.depth > 400
    assert len(document.elements) == 250


def test_a_mail_without_html_has_no_elements() -> None:
    assert mail_of(" \n").document.elements == ()


def test_elements_are_named_by_tag_and_class_or_id() -> None:
    html = '<p>1</p><p class="a b c">2</p><p id="x">3</p><p class="a" id="x">4</p>'
    document = mail_of(html).document
    assert [element_name(element) for element in document.tagged("p")] == [
        "p",
        "p.a.b",
        "p#x",
        "p.a",
    ]


def test_the_text_of_an_element_is_without_comments() -> None:
    document = mail_of("<p>one <!-- two --><b>three\n</b> four</p>").document
    assert text_content(next(document.tagged("p"))) == "one three four"


def test_quotations_are_short_and_visible() -> None:
    assert clip_text("a\n b\x00") == "a b\ufffd"
    assert clip_text("x" * 500) == "x" * 59 + "…"
