from __future__ import annotations

import pytest

from publisher.gate.css.stylesheet import (
    parse_colour,
    parse_declarations,
    parse_stylesheet,
    split_value,
)


def test_a_style_attribute_becomes_declarations() -> None:
    first, second = parse_declarations("COLOR: #FFF ! important; width:calc( 1px\n + 2EM )")
    assert (first.name, first.value, first.important) == ("color", "#FFF", True)
    assert (second.value, second.units) == ("calc( 1px + 2EM )", frozenset({"px", "em"}))
    assert second.functions == frozenset({"calc"})
    assert (first.line, second.line) == (1, 1)


def test_invalid_declarations_of_a_style_attribute_are_dropped() -> None:
    assert [d.name for d in parse_declarations("color red; ;;} margin:0; /* x */")] == []
    assert [d.name for d in parse_declarations("color red; margin:0")] == ["margin"]


def test_addresses_are_found_however_they_are_written() -> None:
    (found,) = parse_declarations("background:url(a.png), url('b.png'), #ffffff")
    assert found.urls == ("a.png", "b.png")


def test_words_in_strings_do_not_count() -> None:
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


def test_declarations_of_fonts_are_loose_and_keyframes_are_skipped() -> None:
    found = parse_stylesheet("@font-face { src:url(x.woff) } @keyframes a { from { top:0 } }")
    assert [declared.name for declared in found.loose] == ["src"]
    assert found.rules == []


def test_faults_have_lines_and_the_rest_is_read() -> None:
    found = parse_stylesheet("p {\n margin 0;\n color:red }\n}\nb { top:0 }")
    assert found.faults[0].line == 2
    assert [declared.name for declared in found.rules[0].declarations] == ["color"]


def test_rules_in_rules_are_recorded() -> None:
    assert parse_stylesheet("p { margin:0;\n& b { top:0 } }").nested == [2]


@pytest.mark.parametrize("css", ["(" * 99_999, "@media x {" * 9_999, "p { a:" + "[" * 9_999])
def test_too_deep_brackets_are_a_fault_and_not_parsed(css: str) -> None:
    assert parse_stylesheet(css).rules == []
    assert "nested more than 50 deep" in parse_stylesheet(css).faults[0].problem
    assert parse_declarations(css) == ()
    assert split_value(css) == ()


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("#ABC", ("#aabbcc", 1.0)),
        ("#11223380", ("#112233", pytest.approx(0.5, abs=0.01))),
        ("RebeccaPurple", ("#663399", 1.0)),
        ("rgb(0 0 0 / 50%)", ("#000000", 0.5)),
        ("hsl(120, 50%, 50%)", ("#40bf40", 1.0)),
        ("transparent", ("#000000", 0.0)),
        ("currentcolor", None),
        ("oklch(.5 .1 20)", None),
        ("var(--x)", None),
        ("hsl(1e999, 50%, 50%)", ("#404040", 1.0)),
        ("", None),
        ("#" * 5000, None),
    ],
)
def test_colours_that_mail_clients_support_are_parsed(value: str, wanted: object) -> None:
    assert parse_colour(value) == wanted


def test_a_value_is_split_at_its_white_space() -> None:
    assert split_value("url('a b.png') no-repeat  rgba(0, 0, 0, 1)/* x */") == (
        'url("a b.png")',
        "no-repeat",
        "rgba(0, 0, 0, 1)",
    )
