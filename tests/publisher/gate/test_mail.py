"""A mail as the rules read it: fields, parts, the document, the visible text."""

import pytest
from lxml import etree

from publisher.gate import mail as mails
from tests.publisher.gate.pages import mail_of


def mail(content: bytes) -> mails.CheckedMail:
    return mails.CheckedMail(content=content, language="en", hosts=frozenset(), preheader="")


def of_html(charset: str, body: bytes) -> mails.CheckedMail:
    return mail(f"Content-Type: text/html; charset={charset}\r\n\r\n".encode() + body)


def test_parts_are_decoded_and_an_attached_page_is_none_of_them() -> None:
    message = (
        b"Content-Type: multipart/alternative; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nz\xc3\xbcrich\r\n"
        b"--x\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nPHA+evxyaWNo\r\n--x--\r\n"
    )
    assert mail(message).html == "<p>zürich"
    assert mail(message).text == "zürich"
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


def test_elements_and_style_sheets_stand_in_document_order_with_their_lines() -> None:
    document = mail_of("<html>\n<body>\n<p>x</p>\n<b>y</b></body></html>").document
    assert [(element.tag, mails.line_of(element)) for element in document.elements] == [
        ("html", 1),
        ("body", 2),
        ("p", 3),
        ("b", 4),
    ]
    html = "<head>\n<style>p { top:0 }</style></head><body><style>b { top:0 }</style>"
    document = mail_of(html).document
    assert [(block.is_in_head, block.line) for block in document.style_blocks] == [
        (True, 2),
        (False, 2),
    ]
    html = "<p>x</p><!-- x --><!--[if mso]>y<![endif]--><!-- [IF gte mso 9]>z<![endif]-->"
    document = mail_of(html).document
    assert [comment.is_conditional for comment in document.comments] == [False, True, True]


def test_elements_that_are_too_deep_or_not_there_are_not_kept() -> None:
    document = mail_of("<div>" * 400).document
    assert document.depth > 400
    assert len(document.elements) == 250
    assert mail_of(" \n").document.elements == ()


def test_elements_are_named_by_tag_and_class_and_quoted_without_comments() -> None:
    html = '<p>1</p><p class="a b c">2</p><p id="x">3</p><p class="a" id="x">4</p>'
    document = mail_of(html).document
    assert [mails.element_name(element) for element in document.tagged("p")] == [
        "p",
        "p.a.b",
        "p#x",
        "p.a",
    ]
    document = mail_of("<p>one <!-- two --><b>three\n</b> four</p>").document
    assert mails.text_content(next(document.tagged("p"))) == "one three four"
    assert mails.clip_text("a\n b\x00\u202e") == "a b\ufffd\ufffd"
    # Joiners and marks of direction belong to the words.
    for words in ("می\u200cخواهم", "«\u2068A\u2069»\u200f"):
        assert mails.clip_text(words) == words
    assert mails.clip_text("x" * 500) == "x" * 59 + "…"


def tree(body: str) -> etree._Element:
    page = f"<html><head><title>t</title><style>s</style></head><body>{body}</body></html>"
    return etree.fromstring(page, etree.HTMLParser())


def words(body: str) -> list[str]:
    return mails.join_visible(mails.text_pieces(tree(body))).split()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>one</p><p>two</p>", ["one", "two"]),
        ("one<br>two", ["one", "two"]),
        ("<td>one</td><td>two</td>", ["one", "two"]),
        ("o<b>n</b>e<!-- no --> two", ["one", "two"]),
        ("<script>no</script>one<style>no</style> two", ["one", "two"]),
        ("<!--[if mso]>no<![endif]-->one", ["one"]),
        ("one<wbr>more", ["onemore"]),
    ],
)
def test_text_is_in_reading_order(body: str, expected: list[str]) -> None:
    assert words(body) == expected


@pytest.mark.parametrize(
    "attributes",
    [
        'style="display:none"',
        'style="display: NONE !important"',
        'style="visibility:hidden"',
        'style="mso-hide:all"',
        'style="opacity:0"',
        'style="max-height:0px;overflow:hidden"',
        'style="height:0"',
        'style="font-size:0"',
        'style="font-size:1px"',
        'style="font-size:.5pt"',
        'style="text-indent:-9999px"',
        "hidden",
    ],
)
def test_hidden_elements_hide_what_is_in_them(attributes: str) -> None:
    assert words(f"<div {attributes}>no<p>nor this</p></div>seen") == ["seen"]
    hidden = [
        piece
        for piece in mails.text_pieces(tree(f"<p {attributes}>no</p>"))
        if piece.element is not None
    ]
    assert [bool(piece.hidden_by) for piece in hidden] == [True]


@pytest.mark.parametrize(
    "style",
    [
        "display:block",
        "font-size:13px",
        "opacity:0.9",
        "opacity:1",
        "height:20px",
        "max-height:10px",
    ],
)
def test_other_styles_hide_nothing(style: str) -> None:
    assert words(f'<p style="{style}">seen</p>') == ["seen"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('<p style="color:#fff" bgcolor="#ffffff">x</p>', "#ffffff on #ffffff"),
        ('<td style="background:#141210"><p style="color:#141210">x</p></td>', "#141210 on #141210"),
        ('<td bgcolor="#000000"><p style="background-color:transparent;color:#000">x</p></td>', "#000000 on #000000"),
        ('<p style="color:transparent">x</p>', "a transparent colour"),
        ('<td bgcolor="#ffffff"><p style="color:#111111">x</p></td>', None),
        ('<p style="color:#111111">x</p>', None),
        ("<p>x</p>", None),
    ],
)  # fmt: skip
def test_text_in_the_colour_of_its_background_is_camouflage(
    body: str, said: str | None
) -> None:
    document = mail_of(f"<table><tr>{body}</tr></table>" if "<td" in body else body).document
    shown = document.styles.by_element[next(document.tagged("p"))]
    assert mails.camouflage(shown) == said
