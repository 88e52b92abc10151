from __future__ import annotations

import pytest
from cssselect2 import ElementWrapper  # type: ignore[import-untyped]  # it ships no types
from lxml import html

from publisher.gate.css.selectors import Selector
from publisher.gate.css.stylesheet import parse_stylesheet

PAGE = html.document_fromstring(
    """
    <div class="outer" data-x="one two" lang="en-GB">
      <table><tr><td class="item lead" id="first"><p>a</p><p class="x">b</p><b>c</b></td></tr></table>
    </div>
    """
)


def read(text: str) -> tuple[Selector, ...]:
    (rule,) = parse_stylesheet(f"{text} {{}}").rules
    return rule.selectors


def matched(text: str) -> list[str]:
    wrappers = ElementWrapper.from_html_root(PAGE).iter_subtree()
    tests = [selector.matches for selector in read(text) if selector.matches]
    return [wrapper.local_name for wrapper in wrappers if any(test(wrapper) for test in tests)]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (".item.lead", ["td"]),
        ("#first", ["td"]),
        ("TD.item", ["td"]),
        ("td.other", []),
        ("div table td > p", ["p", "p"]),
        ("div > p", []),
        ("p + b", ["b"]),
        ("b ~ p", []),
        ("p.x, b", ["p", "b"]),
        (":root", ["html"]),
        ("[data-x~=two]", ["div"]),
        ("[lang|=en]", ["div"]),
        ("[data-ogsc] p", []),
        ("*.x", ["p"]),
        # These depend on a state, or few mail clients support them.
        ("div p:hover", []),
        ("p::after", []),
        ("p:not(.x)", []),
        ("p:first-child", []),
    ],
)
def test_selectors_match_elements(text: str, tags: list[str]) -> None:
    assert matched(text) == tags


@pytest.mark.parametrize(
    "text", ["p >", "> p", "p > > b", "p, ,b", "p.x!", "[=x]", "p..x$", "a|", "*|[x]", "[*|a]"]
)
def test_an_invalid_list_matches_nothing(text: str) -> None:
    assert read(text) == ()


def test_a_too_long_selector_matches_nothing() -> None:
    assert read("p " * 5_000) == ()


def test_specificity_is_computed_as_css_says() -> None:
    texts = ("p", "td.item p", "#a .b [c]:hover", "*")
    weights = [read(text)[0].specificity for text in texts]
    assert weights == [(0, 0, 1), (0, 1, 2), (1, 3, 0), (0, 0, 0)]


def test_the_parts_of_a_selector_are_named() -> None:
    (one,) = read("div.a#b > [data-ogsc] * a:hover::after")
    assert one.combinators == (" ", " ", ">")
    assert one.tags == frozenset({"div", "a"})
    assert (*one.ids, *one.classes) == ("b", "a")
    assert one.attributes == (("data-ogsc", None, None),)
    assert one.pseudos == ("hover", "::after")
    assert one.has_universal
    assert one.has_chain
    assert [one.pseudos for one in read("a:not(.b), a:is(b)")] == [("not",), ("is",)]
