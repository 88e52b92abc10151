"""Selectors: their weight, whom they match, and whom they may match one day."""

from __future__ import annotations

import pytest
import tinycss2  # type: ignore[import-untyped]  # it ships no types
from lxml import etree

from publisher.rendering.inlining.compounds import UnknownSelectorError
from publisher.rendering.inlining.lookup import Lookup
from publisher.rendering.inlining.properties import certain_slots, families, slots
from publisher.rendering.inlining.selectors import Selector, parse

PAGE = """
<html id="html" lang="en"><body id="body"><div id="one" class="a B\tc"><p id="p1" title="x-y z">1</p>
<p id="p2" lang="ar-EG">2<b id="b"></b><!-- --></p><i id="i"> </i><p id="p3" DIR="RTL">3</p></div>
<div id="two" class="b\u00a0a"><p id="p4" data-x="1">4</p></div></body></html>
"""


def selector(text: str) -> Selector:
    found = parse(tinycss2.parse_component_value_list(text))
    assert len(found) == 1
    return found[0]


def reached(text: str) -> tuple[list[str], bool]:
    """Give the ids of all that a selector may match, and whether it does match them."""
    lookup = Lookup(etree.fromstring(PAGE, etree.HTMLParser()))
    reach = selector(text).reach(frozenset(str(n) for e in lookup.elements for n in e.attrib))
    found = lookup.find(reach.compounds)
    return [
        str(e.get("id")) for e in lookup.elements if e in found and e.get("id")
    ], reach.whole


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("*", (0, 0, 0)),
        ("p", (0, 0, 1)),
        (".a", (0, 1, 0)),
        ("#a", (1, 0, 0)),
        ("[dir=rtl] .q", (0, 2, 0)),
        ("td:first-child a:hover", (0, 2, 2)),
        ("p::before", (0, 0, 2)),
        ("p:first-line", (0, 0, 2)),
        (":not(.a, #b p) i", (1, 0, 2)),
        (":is(p, .a .b)", (0, 2, 0)),
        (":where(#a) > p", (0, 0, 1)),
        (":has(> #a)", (1, 0, 0)),
        (":nth-child(2n of p, .a)", (0, 2, 0)),
        (":nth-child(2n)", (0, 1, 0)),
        (":lang(ar, fa)", (0, 1, 0)),
    ],
)
def test_a_selector_weighs_what_the_standard_says(
    text: str, weight: tuple[int, int, int]
) -> None:
    assert selector(text).specificity == weight


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("P", "p1 p2 p3 p4"),
        (".a", "one"),
        (".A", ""),
        (".c.B", "one"),
        (".b\u00a0a", "two"),
        ("#P1", ""),
        ("p#p1[title]", "p1"),
        ("[title~=z]", "p1"),
        ("[title~='z x']", ""),
        ("[title|=x]", "p1"),
        ("[title^=x]", "p1"),
        ("[title^='']", ""),
        ("[title$=' z']", "p1"),
        ("[title*=Y]", ""),
        ("[title*=Y i]", "p1"),
        ("[dir=rtl]", "p3"),
        ("body > div > p", "p1 p2 p3 p4"),
        ("body p b", "b"),
        ("body > p", ""),
        ("p + p", "p2"),
        ("p ~ p", "p2 p3"),
        ("p ~ i + p", "p3"),
        (":root", "html"),
        ("body:root", ""),
        ("b:empty", "b"),
        ("i:empty", ""),
        ("p:first-child", "p1 p4"),
        ("div :last-child", "p3 p4 b"),
        ("div > :only-child", "p4"),
        ("p:nth-child(odd)", "p1 p4"),
        ("p:nth-of-type(2n + 1)", "p1 p3 p4"),
        ("p:nth-last-of-type(-n+1)", "p3 p4"),
        ("p:nth-last-child(2)", ""),
        ("p:nth-child(n+2)", "p2 p3"),
        ("*:first-of-type", "html body one p1 i p4 b"),
        ("i:only-of-type", "i"),
        ("p:not(#p1, [dir])", "p2 p4"),
        ("p:not(.a p)", "p4"),
        (":is(i, b)", "i b"),
        (":where(div > i)", "i"),
        ("p:lang(en)", "p1 p3 p4"),
        (":lang(AR)", "p2 b"),
        (".a:not(.c)", ""),
        ("u ~ p", ""),
    ],
)
def test_a_document_settles_whom_a_selector_matches(text: str, ids: str) -> None:
    found, whole = reached(text)
    assert (sorted(found), whole) == (sorted(ids.split()), True)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("p:hover", "p1 p2 p3 p4"),
        (":focus > #p1", "p1"),
        ("[data-ogsc] #p1", "p1"),
        ("#p1:not([data-ogsc])", "p1"),
        ("#p2:is(:hover, .x)", "p2"),
        ("#p2:has(b)", "p2"),
        ("#p4:nth-child(9 of p)", "p4"),
        ("#p4:lang(zh-Hant)", "p4"),
        ("#p4:lang('en', fr)", "p4"),
        ("#p4[title=x s]", "p4"),
        ("#p4:dir(rtl)", "p4"),
        ("div:hover ~ div #p4", "p4"),
    ],
)
def test_what_a_document_does_not_settle_may_match_more(text: str, ids: str) -> None:
    assert reached(text) == (ids.split(), False)


def test_an_attribute_of_the_template_s_own_is_settled() -> None:
    assert reached("[data-x]") == (["p4"], True)


@pytest.mark.parametrize(
    "text",
    [
        *("", "p,", "> p", "p >", "p > > p", "p | q", "a|b", "*|*", "p..a", "p. a", ".1", "#1"),
        *("[]", "[a b]", "[a=1]", "[a!=b]", "[a=b c]", "[a=b i i]", "[a='b' 'c']", "'p'", "a*"),
        *(
            ":",
            "::",
            ":1",
            "p:not()",
            "p:is(p,)",
            ":nth-child()",
            ":nth-child(x)",
            "p{}",
            "&.a",
        ),
        "p||q",
    ],
)
def test_what_is_no_selector_is_told(text: str) -> None:
    with pytest.raises(UnknownSelectorError):
        parse(tinycss2.parse_component_value_list(text))


@pytest.mark.parametrize(
    ("one", "other", "compete"),
    [
        ("padding", "padding-left", True),
        ("padding-left", "padding-right", False),
        ("border-left", "border-color", True),
        ("border-top", "border-left-width", False),
        ("border", "border-collapse", False),
        ("border", "border-image-slice", True),
        ("font", "line-height", True),
        ("font-size", "line-height", False),
        ("margin-inline", "margin-top", True),
        ("background", "background-position", True),
        ("word-wrap", "overflow-wrap", True),
        ("-webkit-border-radius", "border-top-left-radius", True),
        ("mso-padding-alt", "padding", False),
        ("mso-line-height-rule", "mso-padding-alt", False),
        ("-ms-x", "-ms-y", False),
        ("--a", "--b", False),
        ("unheard-of", "unheard-too", True),
        ("text-align", "text-decoration", False),
    ],
)
def test_properties_compete_where_they_set_the_same(
    one: str, other: str, *, compete: bool
) -> None:
    assert bool(slots(one) & slots(other)) == compete


def test_a_property_that_perhaps_sets_something_is_not_relied_on() -> None:
    assert certain_slots("margin-left") == {"margin-left"}
    for name in ("margin-inline-start", "-webkit-border-radius", "unheard-of"):
        assert certain_slots(name) == set()


def test_only_shorthands_that_are_used_tie_properties_together() -> None:
    apart = families(["font-size", "line-height", "padding-left", "padding-top"])
    assert len(set(apart.values())) == 4
    tied = families(["font-size", "line-height", "font", "padding-left"])
    assert tied["font-size"] == tied["line-height"] != tied["padding-left"]
    chained = families(["border-left", "border-top", "border-color", "border-style"])
    assert len(set(chained.values())) == 1
