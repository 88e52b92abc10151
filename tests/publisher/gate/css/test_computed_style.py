from __future__ import annotations

import pytest

from publisher.gate.css.computed_style import ComputedStyle
from tests.publisher.gate.pages import mail_of


def shown(content: str, *, head: str = "", dark: bool = False) -> list[ComputedStyle]:
    """Return the styles of the texts, in document order."""
    if content.startswith("<td"):
        content = f"<table><tr>{content}"
    document = mail_of(f"<html><head>{head}</head><body>{content}</body></html>").document
    styles = document.dark_styles if dark else document.styles
    return [text.style for text in styles.texts]


@pytest.mark.parametrize(
    ("content", "colour", "background"),
    [
        ("<p>x", "#000000", "#ffffff"),
        ('<p style="color:#112233; background:#445566 none">x', "#112233", "#445566"),
        ('<table bgcolor="445566"><tr><td>x', "#000000", "#445566"),
        ('<td bgcolor="#445566" style="background-color:#112233">x', "#000000", "#112233"),
        ('<div style="color:#112233"><p style="color:inherit">x', "#112233", "#ffffff"),
        ('<div style="background:#112233"><p style="background:none">x', "#000000", "#112233"),
        ('<div style="background:#000000"><p style="background:rgba(255,255,255,.5)">x', "#000000", "#808080"),
        ('<p style="color:#112233; color:var(--x)">x', "#112233", "#ffffff"),
        ('<font color="#112233">x', "#112233", "#ffffff"),
        ('<a href="https://x.example">x', "#0000ee", "#ffffff"),
        ('<a name="x">x', "#000000", "#ffffff"),
    ],
)  # fmt: skip
def test_colour_and_background(content: str, colour: str, background: str) -> None:
    (style,) = shown(content)
    assert (style.colour, style.background) == (colour, background)


def test_attributes_of_body_colour_a_page() -> None:
    html = '<body bgcolor="#112233" text="#ffffff" link="#445566">x <a href="#">y</a>'
    texts = mail_of(html).document.styles.texts
    colours = [(text.style.colour, text.style.background) for text in texts]
    assert colours == [("#ffffff", "#112233"), ("#445566", "#112233")]


@pytest.mark.parametrize(
    ("content", "size", "bold"),
    [
        ("<p>x", 16, False),
        ("<h1>x", 32, True),
        ('<h1 style="font-size:20px; font-weight:normal">x', 20, False),
        ('<p style="font-size:12pt">x', 16, False),
        ('<p style="font-size:150%"><b style="font-size:.5em">x', 12, True),
        ('<p style="font-size:2rem; font-weight:600">x', 32, False),
        ('<p style="font-size:x-large; font-weight:700">x', 24, True),
        ('<p style="font:italic bold 18px/27px Georgia, serif">x', 18, True),
        ('<font size="2">x', 13, False),
        ('<p style="font-size:huge">x', 16, False),
        ('<td style="font-size:0"><p style="font-size:14px">x', 14, False),
    ],
)
def test_sizes_and_weights(content: str, size: float, bold: bool) -> None:
    (style,) = shown(content)
    assert style.size == pytest.approx(size)
    assert style.is_bold == bold


@pytest.mark.parametrize(
    ("style", "line_height", "factor"),
    [
        ("line-height:24px", 24.0, None),
        ("line-height:1.5", None, 1.5),
        ("line-height:150%", 24.0, None),
        ("font:16px/2 Arial", None, 2.0),
        ("line-height:normal", None, None),
    ],
)
def test_line_heights(style: str, line_height: float | None, factor: float | None) -> None:
    (found,) = shown(f'<p style="{style}">x')
    assert (found.line_height, found.line_height_factor) == (line_height, factor)


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "visibility:hidden",
        "opacity:0",
        "max-height:0; overflow:hidden",
        "height:0px; overflow:hidden",
        "font-size:0",
    ],
)
def test_hidden_text_is_not_shown(style: str) -> None:
    assert shown(f'<p style="{style}">x') == []


def test_punctuation_is_not_shown() -> None:
    assert shown("<p>&nbsp;</p><hr><p> · | → </p><!-- x --><title>x</title>") == []


@pytest.mark.parametrize(
    ("content", "direction", "webmail"),
    [
        ("<p>x", "ltr", "ltr"),
        ('<div dir="rtl"><p>x', "rtl", "rtl"),
        ('<div dir="rtl"><p style="direction:ltr">x', "ltr", "ltr"),
        ('<p dir="auto">x', "auto", "auto"),
    ],
)
def test_directions(content: str, direction: str, webmail: str) -> None:
    (style,) = shown(content)
    assert (style.direction, style.webmail_direction) == (direction, webmail)


def test_webmail_loses_the_direction_of_html_and_body() -> None:
    (text,) = mail_of('<html dir="rtl"><body dir="rtl"><p>x').document.styles.texts
    assert (text.style.direction, text.style.webmail_direction) == ("rtl", "ltr")


def test_languages_are_inherited() -> None:
    first, second = shown('<div lang="ar"><p>x</p><p xml:lang="en">y</p></div>')
    assert (first.language, second.language) == ("ar", "en")


def test_a_mail_that_supports_dark_mode_has_a_dark_canvas() -> None:
    head = '<meta name="color-scheme" content="light dark">'
    (style,) = shown("<p>x", head=head, dark=True)
    assert (style.colour, style.background) == ("#ffffff", "#1e1e1e")
    (style,) = shown("<p>x", dark=True)
    assert (style.colour, style.background) == ("#000000", "#ffffff")


def test_dark_rules_apply_in_dark_mode_only() -> None:
    head = (
        "<style>@media (prefers-color-scheme:dark) { p { color:#ffffff !important } }</style>"
    )
    content = '<p style="color:#112233">x'
    assert shown(content, head=head)[0].colour == "#112233"
    assert shown(content, head=head, dark=True)[0].colour == "#ffffff"


@pytest.mark.parametrize(
    ("head", "supports_dark"),
    [
        ("<style>:root { color-scheme:light dark }</style>", True),
        ('<meta name="color-scheme" content="light dark">', True),
        ('<meta name="color-scheme" content="light">', False),
    ],
)
def test_a_mail_can_say_in_two_ways_that_it_supports_dark_mode(
    head: str, *, supports_dark: bool
) -> None:
    document = mail_of(f"<head>{head}</head>").document
    assert document.supports_dark == supports_dark
    assert not document.has_dark_rules
