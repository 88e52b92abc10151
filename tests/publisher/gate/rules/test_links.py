from __future__ import annotations

import pytest

from publisher.gate.rules import links
from tests.publisher.gate.pages import Fault, changed, codes, mail_of, sound, with_content

UNSUBSCRIBE = "https://news.example.org/unsubscribe/?t=x"

_FOOTER_FAULTS = (
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
    assert codes(links, changed(UNSUBSCRIBE, href)) == []


def test_a_publication_without_a_postal_address_is_a_finding() -> None:
    (found,) = links.check(mail_of(sound(), address=""))
    assert found.problem == "the publication has no postal address"


def test_the_postal_address_may_be_broken_into_other_lines() -> None:
    page = changed("1 Example Street, Example City", "1 Example&nbsp;Street<br>Example City")
    assert codes(links, page) == []


def linked(href: str, text: str = "the story", attributes: str = "") -> str:
    return with_content(f'<p>In <a href="{href}" {attributes}>{text}</a></p>')


FAULTS = (
    *_FOOTER_FAULTS,
    Fault("an address runs a script", "link-scheme", linked("javascript:void(0)")),
    Fault("an address is a page itself", "link-scheme", linked("data:text/html,x")),
    Fault("an address has no host", "link-scheme", linked("/ferry/")),
    Fault("an address is two slashes", "link-scheme", linked("https:///ferry/")),
    Fault("an address is none", "link-scheme", linked("https://[::1/")),
    Fault("a link leads nowhere", "link-dead", linked("#")),
    Fault("a link is empty", "link-dead", linked("")),
    Fault("its place is not there", "link-dead", linked("#nowhere")),
    Fault(
        "it leads within the mail", "link-anchor", linked("#top").replace("<h1", '<h1 id="top"')
    ),
    Fault("it goes by http", "link-insecure", linked("http://news.example.org/")),
    Fault("it is not encoded", "link-form", linked("https://news.example.org/a b/")),
    Fault("it is not ASCII", "link-form", linked("https://news.example.org/渡輪/")),
    Fault("it is long", "link-form", linked(f"https://news.example.org/{'x' * 2000}")),
    Fault(
        "it shows another host",
        "link-disguised",
        linked("https://news.example.org/", "https://bank.example/"),
    ),
    Fault(
        "it shows one without a scheme",
        "link-disguised",
        linked("https://news.example.org/", "www.bank.example"),
    ),
    Fault(
        "it hides its host", "link-disguised", linked("https://bank.example@news.example.org/")
    ),
    Fault(
        "it writes to somebody else",
        "link-disguised",
        linked("mailto:a@example.org", "b@example.org"),
    ),
    Fault(
        "it says nothing", "link-name", linked("https://news.example.org/x/", "<img alt=''>")
    ),
    Fault(
        "it says nothing, another does",
        "link-unnamed",
        linked("https://news.example.org/ferry/", "<img alt=''>"),
    ),
    Fault(
        "two are called the same",
        "link-same-name",
        linked("https://news.example.org/map/", "Continue reading"),
    ),
)


@pytest.mark.parametrize(
    ("href", "text"),
    [
        ("mailto:press@news.example.org?subject=x", "press@news.example.org"),
        ("tel:+15550100", "+1 555 0100"),
        ("https://news.example.org/%E6%B8%A1/", "渡輪"),
        ("https://www.example.org/ferry/", "example.org/ferry"),
        ("https://example.org/ferry/", "https://www.example.org/ferry/"),
        ("https://xn--zrich-kva.example/", "https://zürich.example/"),
        ("https://news.example.org/node/", "Node.js"),
    ],
)
def test_a_link_that_leads_where_it_says_is_accepted(href: str, text: str) -> None:
    assert codes(links, linked(href, text)) == []


def test_an_aria_label_distinguishes_links_with_the_same_text() -> None:
    html = linked("https://news.example.org/map/", "Continue reading", 'aria-label="A map"')
    assert codes(links, html) == []


def test_a_switch_of_languages_may_be_repeated() -> None:
    switch = '<p><a href="https://news.example.org/{}/" lang="de">Deutsch</a></p>'
    assert codes(links, with_content(switch.format(1) + switch.format(2))) == []


def test_an_anchor_is_not_a_link() -> None:
    assert codes(links, with_content('<a name="top"></a>')) == []


def test_the_alt_of_an_image_names_its_link() -> None:
    picture = "<img alt='A map of the harbour'>"
    assert codes(links, linked("https://news.example.org/map/", picture)) == []


def test_a_placeholder_is_not_a_finding_on_links() -> None:
    assert codes(links, linked("*|UNSUB|*")) == []
