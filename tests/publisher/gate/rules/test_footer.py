from __future__ import annotations

import pytest

from publisher.gate.rules import footer
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    mail_of,
    sound,
)

UNSUBSCRIBE = "https://news.example.org/unsubscribe/?t=x"

FAULTS = (
    Fault(
        "there is no unsubscribe link",
        "unsubscribe",
        changed(UNSUBSCRIBE, "https://news.example.org/").replace("Unsubscribe", "x"),
    ),
    Fault(
        "the unsubscribe link is hidden",
        "unsubscribe",
        changed('24px"><a', '24px; display:none"><a'),
    ),
    Fault("its own page is not linked to", "view-online", changed("weekly/2026-01-09/", "")),
    Fault("the address is left out", "postal-address", changed("1 Example Street", "")),
)


@pytest.mark.parametrize(
    "href",
    [
        "https://lists.example.net/?p=unsubscribe&id=7",
        "https://lists.example.net/abmelden/7",
        "https://lists.example.net/desabonnement/7",
        "https://lists.example.net/opt-out",
    ],
)
def test_unsubscribe_links_of_other_services_are_recognised_by_their_addresses(
    href: str,
) -> None:
    assert codes(footer, changed(UNSUBSCRIBE, href)) == []


def test_a_publication_without_a_postal_address_is_a_finding() -> None:
    (found,) = footer.check(mail_of(sound(), address=""))
    assert found.problem == "the publication has no postal address"


def test_the_postal_address_may_be_broken_into_other_lines() -> None:
    page = changed("1 Example Street, Example City", "1 Example&nbsp;Street<br>Example City")
    assert codes(footer, page) == []
