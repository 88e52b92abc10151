from __future__ import annotations

import pytest
from lxml import etree

from publisher.gate.css.cascade import applies, is_dark_only
from publisher.gate.css.stylesheet import AtRule
from tests.publisher.gate.pages import mail_of


def applied(css: str, paragraph: str, *, dark: bool = False, media: str = "") -> str:
    """Return what applies to a paragraph, the one that wins last."""
    html = f"<html><head><style {media}>{css}</style></head><body>{paragraph}"
    document = mail_of(html).document
    element: etree._Element = next(document.tagged("p"))
    found = document._declared[dark][element]
    return " ".join(f"{one.name}:{one.value}" for one in found)


@pytest.mark.parametrize(
    ("css", "wanted"),
    [
        (".x { a:1 } p { a:2 }", "a:2 a:1"),
        ("p { a:1 } p { a:2 }", "a:1 a:2"),
        ("#y { a:1 } body p.x { a:2 }", "a:2 a:1"),
        ("p { a:1 !important } #y { a:2 }", "a:2 a:1"),
        ("b, .x { a:1 } .z { a:2 }", "a:1"),
    ],
)
def test_the_rule_with_the_highest_specificity_wins(css: str, wanted: str) -> None:
    assert applied(css, '<p class="x" id="y">x</p>') == wanted


def test_a_style_attribute_wins_over_rules_and_importance_over_both() -> None:
    rules = "p { a:1 !important; b:1 }"
    assert applied(rules, '<p style="b:2; a:2">x</p>') == "b:1 b:2 a:2 a:1"
    assert applied(rules, '<p style="a:2 !important">x</p>') == "b:1 a:1 a:2"


@pytest.mark.parametrize(
    ("query", "light", "dark"),
    [
        ("screen", True, True),
        ("", True, True),
        ("only screen and (min-width:480px)", True, True),
        ("(max-width: 620px)", False, False),
        ("(prefers-color-scheme:dark)", False, True),
        ("(prefers-color-scheme: light)", True, False),
        ("screen and (max-width:9px), (prefers-color-scheme:dark)", False, True),
        ("print", False, False),
        ("not print", False, False),
        ("(width <= 600px)", False, False),
        ("(min-resolution:2dppx)", False, False),
        ("(min-width:30em)", False, False),
    ],
)
def test_media_queries_are_those_of_a_desktop(query: str, light: bool, dark: bool) -> None:
    css = f"@media {query} {{ p {{ a:1 }} }}"
    assert bool(applied(css, "<p>x")) == light
    assert bool(applied(css, "<p>x", dark=True)) == dark


def test_the_media_attribute_of_a_style_element_counts() -> None:
    assert applied("p { a:1 }", "<p>x", media='media="print"') == ""
    assert applied("p { a:1 }", "<p>x", media='media="screen"') == "a:1"


def test_rules_for_dark_mode_only_are_recognised() -> None:
    dark = AtRule("media", "(prefers-color-scheme:dark)", 1, 0)
    assert is_dark_only((dark,))
    assert not is_dark_only(())
    assert not is_dark_only((AtRule("media", "screen", 1, 0),))


def test_support_queries_never_match() -> None:
    assert not applies((AtRule("supports", "(display:grid)", 1, 0),), False)


def test_elements_that_are_styled_alike_share_one_tuple() -> None:
    document = mail_of('<body><p style="a:1">x</p><p style="a:1">y</p>').document
    one, other = (document.declared[element] for element in document.tagged("p"))
    assert one is other


def test_too_many_selectors_match_nothing() -> None:
    css = "".join(f"p {{ a{n}:1 }} " for n in range(600))
    assert len(applied(css, "<p>x").split()) == 500


def test_declarations_that_are_overridden_many_times_are_dropped() -> None:
    css = "".join(f"p {{ a:{n} }} " for n in range(50))
    assert applied(css, "<p>x") == "a:46 a:47 a:48 a:49"
