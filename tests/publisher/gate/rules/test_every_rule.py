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
    box_model,
    client_support,
    contrast,
    html_structure,
    images,
    inbox,
    lang_and_dir,
    layout_tables,
    links,
    size_and_styles,
    story_text,
    template_leftovers,
    text_part,
    typography,
)
from tests.publisher.gate.pages import WORDS, Fault, codes, sound
from tests.publisher.gate.rules import test_document as document
from tests.publisher.gate.rules import test_layout as layout
from tests.publisher.gate.rules import test_links_and_images as addresses
from tests.publisher.gate.rules import test_text as text

FAULTS: dict[ModuleType, tuple[Fault, ...]] = {
    box_model: layout.BOX_FAULTS,
    client_support: document.SUPPORT_FAULTS,
    contrast: layout.CONTRAST_FAULTS,
    html_structure: document.STRUCTURE_FAULTS,
    images: addresses.IMAGE_FAULTS,
    lang_and_dir: document.LANGUAGE_FAULTS,
    layout_tables: layout.TABLE_FAULTS,
    links: addresses.LINK_FAULTS,
    size_and_styles: document.SIZE_FAULTS,
    template_leftovers: text.LEFTOVER_FAULTS,
    typography: layout.TYPE_FAULTS,
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
    assert {*CHECKS} - {*FAULTS} == {inbox, story_text, text_part}
    found = {fault.code for faults in FAULTS.values() for fault in faults}
    elsewhere = set().union(*(codes_in(module) for module in {*CHECKS} - {*FAULTS}))
    assert found == {
        code
        for code, rule in RULES.items()
        if rule.part == MailPart.HTML and code not in elsewhere
    }
