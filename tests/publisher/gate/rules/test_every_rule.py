"""Each rule on the HTML part finds a mail that breaks it, and nothing in a sound one.

The mails with a fault stand beside the other tests of each module of rules.
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
from tests.publisher.gate.pages import WORDS, Fault, codes, sound
from tests.publisher.gate.rules import test_document as document
from tests.publisher.gate.rules import test_layout as boxes
from tests.publisher.gate.rules import test_links_and_images as addresses
from tests.publisher.gate.rules import test_text as text

FAULTS: dict[ModuleType, tuple[Fault, ...]] = {
    client_support: (*document.SUPPORT_FAULTS, *document.SIZE_FAULTS),
    html_structure: (*document.STRUCTURE_FAULTS, *document.LANGUAGE_FAULTS),
    layout: (*boxes.TABLE_FAULTS, *boxes.BOX_FAULTS),
    links_and_images: (*addresses.LINK_FAULTS, *addresses.IMAGE_FAULTS),
    template_leftovers: text.LEFTOVER_FAULTS,
    typography: (*boxes.TYPE_FAULTS, *boxes.CONTRAST_FAULTS),
}


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
