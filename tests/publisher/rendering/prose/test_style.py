"""The style sheet has a rule for whatever is written, light and dark, on either side."""

from __future__ import annotations

import re

import pytest

from publisher.rendering.environment import Templates
from publisher.rendering.prose.mail_html import INDENT_PIXELS, QUOTE_PIXELS
from tests.publisher.rendering import sample
from tests.publisher.rendering.prose.helpers import in_mail
from tests.publisher.rendering.prose.test_documents import SOURCES

RULE = re.compile(r"([^{}]+) \{ ([^{}]*) \}")
# What styles only sizes and sides needs no other colours in the dark.
COLOURED = re.compile(r"(?<![a-z-])(color|background-color|border[a-z-]*):[^;]*#")
# The sheet that every mail has knows this one.
COMMON = {"link"}


def sheet(name: str, language: str = "en") -> str:
    values = {"publication": sample.publication(language)}
    return Templates(None).render(f"email/_base/{name}.css", language, values)


def rules(language: str = "en") -> dict[str, str]:
    return {
        selector: declarations
        for selectors, declarations in RULE.findall(sheet("prose", language))
        for selector in map(str.strip, selectors.split(","))
    }


def written() -> set[str]:
    found = set()
    for language in ("en", "ar", "zh-Hant"):
        for source in SOURCES:
            mail = in_mail(source.read_text("utf-8"), language)
            for names in re.findall('class="([^"]*)"', mail):
                found |= set(names.split())
    return found


def test_every_class_has_a_rule_and_every_rule_a_class() -> None:
    styled = {name for selector in rules() for name in re.findall(r"\.([\w-]+)", selector)}
    assert written() - COMMON == styled


@pytest.mark.parametrize("language", ["en", "ar", "zh-Hans"])
def test_style_rules_are_simple_enough_for_inlining_and_old_mail_programs(
    language: str,
) -> None:
    assert len(rules(language)) > 30
    for selector, declarations in rules(language).items():
        names = re.findall(r"(?:^|;)\s*([a-z-]+):", declarations)
        assert len(names) == len(set(names)), selector
        for name in names:
            assert not any(other.startswith(f"{name}-") for other in names), selector
        assert not re.search(r"#(?![0-9a-f]{6}\b)", declarations), selector
        assert not re.search(r"[\[*>+~]|:(?!hover)", selector), selector


def test_every_colour_has_one_for_the_dark() -> None:
    dark = sheet("dark")
    for selector, declarations in rules().items():
        if COLOURED.search(declarations):
            assert re.search(rf"{re.escape('.' + selector.rpartition('.')[2])}\b", dark), (
                selector
            )


def test_the_style_sheet_has_the_indents_that_picture_widths_assume() -> None:
    for side, margins in {"left": "0 0 {}px", "right": "{}px 0 0"}.items():
        found = rules()
        for name in ("list", "inset"):
            assert margins.format(INDENT_PIXELS) in found[f".prose-{name}-{side}"]
        quote = found[f"td.prose-quote-{side}"]
        (border,) = re.findall(r"border-[a-z]+:(\d+)px", quote)
        assert margins.format(QUOTE_PIXELS - int(border)) in quote
