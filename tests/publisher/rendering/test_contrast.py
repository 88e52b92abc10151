"""Every word of a digest is legible in light and in dark (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lxml import etree, html

from publisher.rendering import Renderer
from tests.publisher.rendering import sample

# Normal text; large text would need 3:1 only.
LEAST = 4.5

INK = re.compile(r"(?:^|[;\s])color:\s*(#[0-9a-f]{6})")
GROUND = re.compile(r"background-color:\s*(#[0-9a-f]{6})")
Rules = dict[str, str]


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def dark_rules(page: str, pattern: re.Pattern[str]) -> Rules:
    block = page.partition("@media (prefers-color-scheme:dark) {")[2].partition("\n}\n")[0]
    rules: Rules = {}
    for selectors, declarations in re.findall(r"([^{}]+)\{([^}]+)\}", block):
        if found := pattern.search(declarations):
            rules |= {selector.strip(): found[1] for selector in selectors.split(",")}
    return rules


def colour(element: etree._Element, pattern: re.Pattern[str], rules: Rules) -> str:
    names = [f".{name}" for name in element.get("class", "").split()]
    for name in (*names, element.tag):
        if name in rules:
            return rules[name]
    if found := pattern.search(element.get("style", "")):
        return found[1]
    parent = element.getparent()
    assert parent is not None
    return colour(parent, pattern, rules)


def texts(page: str) -> Iterator[etree._Element]:
    body = next(html.document_fromstring(page).iter("body"))
    for element in body.iter("*"):
        held = [element.text, *(child.tail for child in element)]
        if any(text and text.strip() for text in held):
            yield element


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh-Hant", "ar"])
def test_text_stands_out_from_its_ground(language: str, scheme: str) -> None:
    page = Renderer().digest(sample.issue(language)).html
    dark = scheme == "dark"
    inks = dark_rules(page, INK) if dark else {}
    grounds = dark_rules(page, GROUND) if dark else {}
    assert bool(inks) == dark
    for element in texts(page):
        ink = colour(element, INK, inks)
        ground = colour(element, GROUND, grounds)
        seen = f"{element.get('class')} {ink} on {ground}: {element.text}"
        assert contrast(ink, ground) >= LEAST, seen
