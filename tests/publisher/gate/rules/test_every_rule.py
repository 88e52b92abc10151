"""Each rule on the HTML part finds a mail that breaks it, and nothing in a sound one.

The mails with a fault stand beside the other tests of each module of rules.
"""

import pytest

from publisher.gate.checks import CHECKS, Check
from publisher.gate.findings import MailPart
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
    story_templates,
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

FAULTS: dict[Check, tuple[Fault, ...]] = {
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
def test_a_fault_is_found(module: Check, fault: Fault) -> None:
    assert fault.code in codes(module, fault.html, fault.language)


@pytest.mark.parametrize("language", WORDS)
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    for module in FAULTS:
        assert codes(module, sound(language), language) == []


def test_there_is_a_fault_for_every_rule_on_the_html_part() -> None:
    # Those that compare parts, or look into the header as well, have tests of their own.
    assert {*CHECKS} - {*FAULTS} == {inbox, story_templates, story_text, text_part}
    for module, faults in FAULTS.items():
        rules = {rule.code for rule in module.RULES if rule.part == MailPart.HTML}
        assert rules == {fault.code for fault in faults}
