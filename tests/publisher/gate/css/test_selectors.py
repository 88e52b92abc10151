from __future__ import annotations

import pytest
from lxml import etree, html

from publisher.gate.css.selectors import Selector
from publisher.gate.css.stylesheet import sheet

PAGE = html.document_fromstring(
    """
    <div class="outer" data-x="one two" lang="en-GB">
      <table><tr><td class="item lead" id="first"><p>a</p><p class="x">b</p><b>c</b></td></tr></table>
    </div>
    """
)


def read(text: str) -> tuple[Selector, ...]:
    (rule,) = sheet(f"{text} {{}}").rules
    return rule.selectors


def matched(text: str) -> list[str]:
    elements = PAGE.iter(etree.Element)
    return [
        str(element.tag)
        for element in elements
        if any(selector.fits(element) for selector in read(text))
    ]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("td", ["td"]),
        (".item.lead", ["td"]),
        ("#first", ["td"]),
        ("TD.item", ["td"]),
        ("td.other", []),
        (".outer p", ["p", "p"]),
        ("div table td > p", ["p", "p"]),
        ("div > p", []),
        ("div > table p.x", ["p"]),
        ("p + p", ["p"]),
        ("p + b", ["b"]),
        ("p ~ b", ["b"]),
        ("b ~ p", []),
        ("p.x, b", ["p", "b"]),
        (":root", ["html"]),
        ("[data-x]", ["div"]),
        ("[data-x='one two']", ["div"]),
        ("[data-x~=two]", ["div"]),
        ("[data-x^=one]", ["div"]),
        ('[data-x$="two"]', ["div"]),
        ("[data-x*='e t']", ["div"]),
        ("[data-x*='']", []),
        ("[lang|=en]", ["div"]),
        ("[lang|=e]", []),
        ("[data-ogsc] p", []),
        ("*.x", ["p"]),
        ("div p:hover", []),
        ("p::after", []),
        ("p:not(.x)", []),
    ],
)
def test_selectors_apply_to_elements(text: str, tags: list[str]) -> None:
    assert matched(text) == tags


@pytest.mark.parametrize("text", ["p >", "> p", "p > > b", "p, ,b", "p.x!", "[=x]", "p..x$"])
def test_a_list_with_a_fault_applies_to_nothing(text: str) -> None:
    assert read(text) == ()


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("p", (0, 0, 1)),
        ("td.item p", (0, 1, 2)),
        ("#a .b [c]:hover", (1, 3, 0)),
        ("*", (0, 0, 0)),
    ],
)
def test_selectors_weigh_as_css_says(text: str, weight: tuple[int, int, int]) -> None:
    assert read(text)[0].specificity == weight


def test_pseudo_classes_and_elements_keep_their_names() -> None:
    pseudos = [selector.subject.pseudos for selector in read("a:hover, a::after, a:not(.b)")]
    assert pseudos == [("hover",), ("::after",), ("not()",)]
