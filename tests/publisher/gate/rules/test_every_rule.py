"""Each rule on the HTML part finds a mail that breaks it, and nothing in a sound one.

The faults are lines of `data/faults.tsv`; those that take more than a line are here. `data/accepted.tsv` has what
breaks no rule.
"""

import ast
import inspect
from types import ModuleType

import pytest

from publisher.gate.checks import CHECKS
from publisher.gate.findings import RULES, MailPart
from publisher.gate.rules import (
    client_support,
    html_structure,
    inbox_and_text,
    layout,
    links_and_images,
    story_text,
    template_leftovers,
    typography,
)
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    accepted,
    changed,
    codes,
    inside,
    instead,
    known_faults,
    linked,
    sound,
    with_style,
)
from tests.publisher.gate.rules.test_document import LONG
from tests.publisher.gate.rules.test_layout import without_table
from tests.publisher.gate.rules.test_links_and_images import PICTURE, SIZED, UNSUBSCRIBE


def _name(rules: ModuleType) -> str:
    return rules.__name__.rpartition(".")[2]


CHARSET = '<meta charset="utf-8">'
HEAD, BODY = sound("ar").split("<body", 1)
FAULTS: dict[ModuleType, tuple[Fault, ...]] = {
    client_support: (
        inside("the HTML has over 74,000 bytes", "html-size", LONG + LONG[:9000]),
        inside("the HTML comes near that", "html-size-near", LONG[:60_000]),
        inside("elements are too deep", "html-depth", "<div>" * 101 + "</div>" * 101),
        Fault("the styles have over 16 kB", "style-size", with_style(f"/*{'x' * 16_384}*/")),
        Fault("they have over 8 kB", "style-size-near", with_style(f"/*{'x' * 8_000}*/")),
    ),
    html_structure: (
        instead("a charset is late", "meta-charset", CHARSET, f"<!--{'x' * 1024}-->{CHARSET}"),
        Fault(
            "only <html> says that it runs rtl",
            "dir",
            HEAD + "<body" + BODY.replace('dir="rtl"', ""),
            "ar",
        ),
    ),
    layout: (
        Fault(
            "nothing limits the column",
            "column-width",
            changed("600", "100%").replace("max-width:100%px", "width:100%"),
        ),
        Fault("only max-width on a div limits it", "column-outlook", without_table()),
    ),
    links_and_images: (
        Fault(
            "no link leads out", "unsubscribe", changed(UNSUBSCRIBE, "x").replace("Unsub", "x")
        ),
        Fault("it leads within", "link-anchor", linked("#top").replace("<h1", "<h1 id='top'")),
        Fault("it is long", "link-form", linked(f"https://news.example.org/{'x' * 2000}")),
        Fault("all is an image", "img-only", f"<html><body><img src='{PICTURE}' {SIZED}>"),
    ),
    template_leftovers: (inside("a control character", "html-damage", "it\x92s"),),
    typography: (
        Fault(
            "the canvas is dark, and its text is not",
            "contrast-dark",
            '<meta name="color-scheme" content="light dark"><p style="color:#333333">x</p>',
        ),
    ),
}
for _rules, _faults in FAULTS.items():
    FAULTS[_rules] = (*_faults, *known_faults(_name(_rules)))


@pytest.mark.parametrize(
    ("module", "fault"),
    [
        pytest.param(module, fault, id=f"{fault.code}: {fault.fact}")
        for module, faults in FAULTS.items()
        for fault in faults
    ],
)
def test_a_fault_is_found(module: ModuleType, fault: Fault) -> None:
    assert fault.code in codes(module, fault.html, fault.language)


@pytest.mark.parametrize(
    ("module", "page"),
    [
        pytest.param(module, page, id=page.fact)
        for module in FAULTS
        for page in accepted(_name(module))
    ],
)
def test_what_breaks_no_rule_is_accepted(module: ModuleType, page: Fault) -> None:
    assert codes(module, page.html, page.language) == []


@pytest.mark.parametrize("language", WORDS)
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    for module in FAULTS:
        assert codes(module, sound(language), language) == []


def codes_in(module: ModuleType) -> set[str]:
    """Return the codes of rules that a module's source names."""
    tree = ast.parse(inspect.getsource(module))
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {code for code in RULES if code in constants}


def test_there_is_a_check_for_every_rule_and_a_fault_for_those_on_the_html_part() -> None:
    assert set().union(*map(codes_in, CHECKS)) == {*RULES}
    # Those that compare parts, or look into the header as well, have tests of their own.
    assert {*CHECKS} - {*FAULTS} == {inbox_and_text, story_text}
    found = {fault.code for faults in FAULTS.values() for fault in faults}
    elsewhere = set().union(*(codes_in(module) for module in {*CHECKS} - {*FAULTS}))
    assert found == {
        code
        for code, rule in RULES.items()
        if rule.part == MailPart.HTML and code not in elsewhere
    }
