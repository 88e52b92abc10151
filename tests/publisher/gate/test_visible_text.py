import pytest
from lxml import etree

from publisher.gate.visible_text import camouflage, join_visible, text_pieces


def tree(body: str) -> etree._Element:
    page = f"<html><head><title>t</title><style>s</style></head><body>{body}</body></html>"
    return etree.fromstring(page, etree.HTMLParser())


def words(body: str) -> list[str]:
    return join_visible(text_pieces(tree(body))).split()


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
        for piece in text_pieces(tree(f"<p {attributes}>no</p>"))
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
        (
            '<td style="background:#141210"><p style="color:#141210">x</p></td>',
            "#141210 on #141210",
        ),
        (
            '<td bgcolor="#000000"><p style="background-color:transparent;color:#000">x</p></td>',
            "#000000 on #000000",
        ),
        ('<p style="color:transparent">x</p>', "a transparent colour"),
        ('<td bgcolor="#ffffff"><p style="color:#111111">x</p></td>', None),
        ('<p style="color:#111111">x</p>', None),
        ("<p>x</p>", None),
    ],
)
def test_text_in_the_colour_of_its_background_is_camouflage(
    body: str, said: str | None
) -> None:
    element = next(tree(body).iter("p"))
    assert camouflage(element) == said
