from __future__ import annotations

from typing import Any

import pytest

from publisher.gate.css.computed_style import has_dark, looks, takes_dark
from publisher.gate.html_document import page
from tests.publisher.gate.pages import mail_of


def shown(content: str, *, head: str = "", dark: bool = False) -> list[Any]:
    """Give what texts look like, in document order."""
    mail = mail_of(f"<html><head>{head}</head><body>{content}</body></html>")
    return [text.look for text in looks(mail, dark=dark).texts]


@pytest.mark.parametrize(
    ("content", "ink", "ground"),
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
def test_ink_and_ground(content: str, ink: str, ground: str) -> None:
    content = f"<table><tr>{content}" if content.startswith("<td") else content
    (look,) = shown(content)
    assert (look.ink, look.ground) == (ink, ground)


def test_attributes_of_body_colour_a_page() -> None:
    mail = mail_of('<body bgcolor="#112233" text="#ffffff" link="#445566">x <a href="#">y</a>')
    inks = [(text.look.ink, text.look.ground) for text in looks(mail).texts]
    assert inks == [("#ffffff", "#112233"), ("#445566", "#112233")]


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
    content = f"<table><tr>{content}" if content.startswith("<td") else content
    (look,) = shown(content)
    assert (look.size, look.bold) == (pytest.approx(size), bold)


@pytest.mark.parametrize(
    ("style", "leading", "ratio"),
    [
        ("line-height:24px", 24.0, None),
        ("line-height:1.5", None, 1.5),
        ("line-height:150%", 24.0, None),
        ("font:16px/2 Arial", None, 2.0),
        ("line-height:normal", None, None),
    ],
)
def test_line_heights(style: str, leading: float | None, ratio: float | None) -> None:
    (look,) = shown(f'<p style="{style}">x')
    assert (look.leading, look.ratio) == (leading, ratio)


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
def test_what_is_hidden_is_not_shown(style: str) -> None:
    assert shown(f'<p style="{style}">x') == []


def test_what_says_nothing_is_not_shown() -> None:
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
    (look,) = shown(content)
    assert (look.direction, look.webmail) == (direction, webmail)


def test_the_direction_of_the_page_is_lost_in_webmail() -> None:
    (text,) = looks(mail_of('<html dir="rtl"><body dir="rtl"><p>x')).texts
    assert (text.look.direction, text.look.webmail) == ("rtl", "ltr")


def test_languages_are_handed_down() -> None:
    first, second = shown('<div lang="ar"><p>x</p><p xml:lang="en">y</p></div>')
    assert (first.language, second.language) == ("ar", "en")


def test_a_mail_that_can_be_dark_has_a_dark_canvas() -> None:
    head = '<meta name="color-scheme" content="light dark">'
    (look,) = shown("<p>x", head=head, dark=True)
    assert (look.ink, look.ground) == ("#ffffff", "#1e1e1e")
    (look,) = shown("<p>x", dark=True)
    assert (look.ink, look.ground) == ("#000000", "#ffffff")


def test_dark_rules_apply_in_dark_mode_alone() -> None:
    head = (
        "<style>@media (prefers-color-scheme:dark) { p { color:#ffffff !important } }</style>"
    )
    content = '<p style="color:#112233">x'
    assert shown(content, head=head)[0].ink == "#112233"
    assert shown(content, head=head, dark=True)[0].ink == "#ffffff"


def test_a_mail_says_in_two_ways_that_it_can_be_dark() -> None:
    root = page(mail_of("<head><style>:root { color-scheme:light dark }</style></head>"))
    meta = page(mail_of('<head><meta name="color-scheme" content="light dark"></head>'))
    neither = page(mail_of('<head><meta name="color-scheme" content="light"></head>'))
    assert [takes_dark(seen) for seen in (root, meta, neither)] == [True, True, False]
    assert not has_dark(root)
