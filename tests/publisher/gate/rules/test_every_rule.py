"""Each rule on the HTML part finds a mail that breaks it, and nothing in a sound one.

The mails with a fault stand in the test module of each module of rules, as FAULTS.
"""

from __future__ import annotations

from importlib import import_module

import pytest

from publisher.gate.checks import CHECKS, Check
from publisher.gate.findings import MailPart
from tests.publisher.gate.pages import WORDS, Fault, codes, sound


def faults_of(module: Check) -> tuple[Fault, ...]:
    name = str(vars(module)["__name__"]).rpartition(".")[2]
    tests = import_module(f"tests.publisher.gate.rules.test_{name}")
    faults: tuple[Fault, ...] = getattr(tests, "FAULTS", ())
    return faults


FAULTS = {module: faults for module in CHECKS if (faults := faults_of(module))}


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
    for module, faults in FAULTS.items():
        rules = {rule.code for rule in module.RULES if rule.part == MailPart.HTML}
        assert rules == {fault.code for fault in faults}
