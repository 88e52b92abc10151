from __future__ import annotations

import pytest

from publisher.gate.rules import footer
from tests.publisher.gate.pages import (
    WORDS,
    Fault,
    changed,
    codes,
    mail_of,
    sound,
    told,
    uncovered,
)

LEAVE = "https://news.example.org/unsubscribe/?t=x"

FAULTS = (
    Fault(
        "there is no way to leave",
        "unsubscribe",
        changed(LEAVE, "https://news.example.org/").replace("Unsubscribe", "x"),
    ),
    Fault(
        "the way to leave is hidden",
        "unsubscribe",
        changed('24px"><a', '24px; display:none"><a'),
    ),
    Fault("its own page is not linked to", "view-online", changed("weekly/2026-01-09/", "")),
    Fault("the address is left out", "postal-address", changed("1 Example Street", "")),
)


@pytest.mark.parametrize("fault", told(FAULTS))
def test_a_mail_is_found_in_which(fault: Fault) -> None:
    assert fault.code in codes(footer, fault.html, fault.language)


@pytest.mark.parametrize("language", [*WORDS])
def test_nothing_is_found_in_a_sound_mail(language: str) -> None:
    assert codes(footer, sound(language), language) == []


def test_every_rule_is_broken_by_one_of_these() -> None:
    assert uncovered(footer, FAULTS) == set()


@pytest.mark.parametrize(
    "href",
    [
        "https://lists.example.net/?p=unsubscribe&id=7",
        "https://lists.example.net/abmelden/7",
        "https://lists.example.net/desabonnement/7",
        "https://lists.example.net/opt-out",
    ],
)
def test_other_ways_to_leave_are_known_by_their_addresses(href: str) -> None:
    assert codes(footer, changed(LEAVE, href)) == []


def test_a_publication_without_an_address_is_told_to_have_one() -> None:
    (found,) = footer.check(mail_of(sound(), address=""))
    assert found.problem == "the publication has no postal address"


def test_an_address_may_be_broken_into_lines_of_its_own() -> None:
    page = changed("1 Example Street, Example City", "1 Example&nbsp;Street<br>Example City")
    assert codes(footer, page) == []
