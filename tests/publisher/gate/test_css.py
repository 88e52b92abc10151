"""Styles as mail clients read them: style sheets, selectors, the cascade and what comes of it."""

import pytest
from cssselect2 import ElementWrapper  # type: ignore[import-untyped]  # it ships no types
from lxml import etree, html

from publisher.gate.css.computed_style import ComputedStyle, applies, is_dark_only
from publisher.gate.css.stylesheet import (
    AtRule,
    Selector,
    parse_colour,
    parse_declarations,
    parse_stylesheet,
    split_value,
)
from tests.publisher.gate.pages import DATA, mail_of
from tests.tables import facts


def test_a_style_attribute_becomes_declarations_and_invalid_ones_are_dropped() -> None:
    first, second = parse_declarations("COLOR: #FFF ! important; width:calc( 1px\n + 2EM )")
    assert (first.name, first.value, first.important) == ("color", "#FFF", True)
    assert (second.value, second.units) == ("calc( 1px + 2EM )", frozenset({"px", "em"}))
    assert second.functions == frozenset({"calc"})
    assert (first.line, second.line) == (1, 1)
    assert [d.name for d in parse_declarations("color red; ;;} margin:0; /* x */")] == []
    assert [d.name for d in parse_declarations("color red; margin:0")] == ["margin"]


def test_addresses_are_found_however_they_are_written_and_words_in_strings_are_not() -> None:
    (found,) = parse_declarations("background:url(a.png), url('b.png'), #ffffff")
    assert found.urls == ("a.png", "b.png")
    (found,) = parse_declarations("font-family:'var(--x) 1rem', Arial")
    assert found.words == frozenset({"arial"})
    assert not found.functions
    assert not found.units


def test_a_rule_has_the_at_rules_around_it_and_its_line() -> None:
    found = parse_stylesheet(
        "p { margin:0 }\n@media (max-width:9px) {\n @supports (a:b) {\n b { top:0 } } }"
    )
    inner = found.rules[1]
    assert [rule.name for rule in inner.within] == ["media", "supports"]
    assert inner.line == 4
    assert [(rule.name, rule.depth) for rule in found.at_rules] == [
        ("media", 0),
        ("supports", 1),
    ]


def test_faults_and_rules_in_rules_have_lines_and_the_rest_is_read() -> None:
    found = parse_stylesheet("p {\n margin 0;\n color:red }\n}\nb { top:0 }")
    assert found.faults[0].line == 2
    assert [declared.name for declared in found.rules[0].declarations] == ["color"]
    assert parse_stylesheet("p { margin:0;\n& b { top:0 } }").nested == [2]
    found = parse_stylesheet("@font-face { src:url(x.woff) } @keyframes a { from { top:0 } }")
    assert [declared.name for declared in found.loose] == ["src"]
    assert found.rules == []


@pytest.mark.parametrize("css", ["(" * 99_999, "@media x {" * 9_999, "p { a:" + "[" * 9_999])
def test_too_deep_brackets_are_a_fault_and_not_parsed(css: str) -> None:
    assert parse_stylesheet(css).rules == []
    assert "nested more than 50 deep" in parse_stylesheet(css).faults[0].problem
    assert parse_declarations(css) == ()
    assert split_value(css) == ()


@pytest.mark.parametrize(
    ("value", "wanted"), [*facts(DATA / "styles.tsv", "colour"), ("#" * 5000, "")]
)
def test_colours_that_mail_clients_support_are_parsed(value: str, wanted: str) -> None:
    colour = parse_colour(value)
    assert (f"{colour[0]} {colour[1]:.1f}" if colour else "") == wanted


def test_a_value_is_split_at_its_white_space() -> None:
    assert split_value("url('a b.png') no-repeat  rgba(0, 0, 0, 1)/* x */") == (
        'url("a b.png")',
        "no-repeat",
        "rgba(0, 0, 0, 1)",
    )


PAGE = html.document_fromstring(
    """
    <div class="outer" data-x="one two" lang="en-GB">
      <table><tr><td class="item lead" id="first"><p>a</p><p class="x">b</p><b>c</b></td></tr></table>
    </div>
    """
)


def read_selectors(text: str) -> tuple[Selector, ...]:
    (rule,) = parse_stylesheet(f"{text} {{}}").rules
    return rule.selectors


def matched(text: str) -> list[str]:
    wrappers = ElementWrapper.from_html_root(PAGE).iter_subtree()
    compiled = [one.compiled for one in read_selectors(text) if one.compiled]
    return [w.local_name for w in wrappers if any(one.test(w) for one in compiled)]


@pytest.mark.parametrize(("text", "tags"), facts(DATA / "styles.tsv", "selector"))
def test_selectors_match_elements_unless_they_depend_on_a_state_or_few_clients_support_them(
    text: str, tags: str
) -> None:
    assert matched(text) == tags.split()


@pytest.mark.parametrize(
    "text", ["p >", "> p", "p > > b", "p, ,b", "p.x!", "[=x]", "p..x$", "a|", "*|[x]", "[*|a]"]
)
def test_an_invalid_list_matches_nothing(text: str) -> None:
    assert read_selectors(text) == ()


def test_the_parts_of_a_selector_are_named() -> None:
    (one,) = read_selectors("div.a#b > [data-ogsc] * a:hover::after")
    assert one.combinators == (" ", " ", ">")
    assert one.tags == frozenset({"div", "a"})
    assert (*one.ids, *one.classes) == ("b", "a")
    assert one.attributes == (("data-ogsc", None, None),)
    assert one.pseudos == ("hover", "::after")
    assert one.has_universal
    assert one.has_chain
    assert [one.pseudos for one in read_selectors("a:not(.b), a:is(b)")] == [("not",), ("is",)]


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


@pytest.mark.parametrize(("query", "wanted"), facts(DATA / "styles.tsv", "media"))
def test_media_queries_are_those_of_a_desktop(query: str, wanted: str) -> None:
    css = f"@media {query} {{ p {{ a:1 }} }}"
    shows = {"light": applied(css, "<p>x"), "dark": applied(css, "<p>x", dark=True)}
    assert [one for one, found in shows.items() if found] == wanted.split()


def test_media_attributes_count_and_support_queries_never_match() -> None:
    assert applied("p { a:1 }", "<p>x", media='media="print"') == ""
    assert applied("p { a:1 }", "<p>x", media='media="screen"') == "a:1"
    dark = AtRule("media", "(prefers-color-scheme:dark)", 1, 0)
    assert is_dark_only((dark,))
    assert not is_dark_only(())
    assert not is_dark_only((AtRule("media", "screen", 1, 0),))
    assert not applies((AtRule("supports", "(display:grid)", 1, 0),), False)


def test_elements_that_are_styled_alike_share_one_tuple() -> None:
    document = mail_of('<body><p style="a:1">x</p><p style="a:1">y</p>').document
    one, other = (document.declared[element] for element in document.tagged("p"))
    assert one is other


def test_too_many_selectors_or_overridden_declarations_are_dropped() -> None:
    css = "".join(f"p {{ a{n}:1 }} " for n in range(600))
    assert len(applied(css, "<p>x").split()) == 500
    css = "".join(f"p {{ a:{n} }} " for n in range(50))
    assert applied(css, "<p>x") == "a:46 a:47 a:48 a:49"
    assert read_selectors("p " * 5_000) == ()


def shown(content: str, *, head: str = "", dark: bool = False) -> list[ComputedStyle]:
    """Return the styles of the texts, in document order."""
    if content.startswith("<td"):
        content = f"<table><tr>{content}"
    document = mail_of(f"<html><head>{head}</head><body>{content}</body></html>").document
    styles = document.dark_styles if dark else document.styles
    return [text.style for text in styles.texts]


@pytest.mark.parametrize(("content", "wanted"), facts(DATA / "styles.tsv", "style"))
def test_what_a_text_looks_like(content: str, wanted: str) -> None:
    names = [one.partition("=")[0] for one in wanted.split()]
    styles = [
        " ".join(f"{name}={getattr(one, name)}" for name in names) for one in shown(content)
    ]
    assert styles == [wanted] * bool(wanted)


def test_attributes_of_body_colour_a_page() -> None:
    html = '<body bgcolor="#112233" text="#ffffff" link="#445566">x <a href="#">y</a>'
    texts = mail_of(html).document.styles.texts
    colours = [(text.style.colour, text.style.background) for text in texts]
    assert colours == [("#ffffff", "#112233"), ("#445566", "#112233")]


def test_languages_are_inherited_directions_lost_in_webmail_and_marks_not_shown() -> None:
    first, second = shown('<div lang="ar"><p>x</p><p xml:lang="en">y</p></div>')
    assert (first.language, second.language) == ("ar", "en")
    (text,) = mail_of('<html dir="rtl"><body dir="rtl"><p>x').document.styles.texts
    assert (text.style.direction, text.style.webmail_direction) == ("rtl", "ltr")
    assert shown("<p>&nbsp;</p><hr><p> · | → </p><!-- x --><title>x</title>") == []


def test_a_mail_that_supports_dark_mode_has_a_dark_canvas_and_dark_rules() -> None:
    head = '<meta name="color-scheme" content="light dark">'
    (style,) = shown("<p>x", head=head, dark=True)
    assert (style.colour, style.background) == ("#ffffff", "#1e1e1e")
    (style,) = shown("<p>x", dark=True)
    assert (style.colour, style.background) == ("#000000", "#ffffff")
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
