"""The links and the pictures of a mail."""

import pytest

from publisher.gate.rules import links_and_images
from tests.publisher.gate.pages import (
    changed,
    codes,
    findings,
    linked,
    mail_of,
    sound,
    with_content,
)

UNSUBSCRIBE = "https://news.example.org/unsubscribe/?t=x"


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
    assert codes(links_and_images, changed(UNSUBSCRIBE, href)) == []


def test_the_postal_address_is_there_in_any_lines() -> None:
    (found,) = links_and_images.check(mail_of(sound(), address=""))
    assert found.problem == "the publication has no postal address"
    page = changed("1 Example Street, Example City", "1 Example&nbsp;Street<br>Example City")
    assert codes(links_and_images, page) == []


def test_links_are_distinguished_by_labels_languages_and_alt() -> None:
    html = linked("https://news.example.org/map/", "Continue reading", 'aria-label="A map"')
    assert codes(links_and_images, html) == []
    switch = '<p><a href="https://news.example.org/{}/" lang="de">Deutsch</a></p>'
    assert codes(links_and_images, with_content(switch.format(1) + switch.format(2))) == []
    picture = f'<img src="{PICTURE}" {SIZED} alt="A map of the harbour">'
    assert codes(links_and_images, linked("https://news.example.org/map/", picture)) == []


def test_anchors_and_placeholders_are_no_links() -> None:
    assert codes(links_and_images, with_content('<a name="top"></a>')) == []
    assert codes(links_and_images, linked("*|UNSUB|*")) == []


PICTURE = "https://news.example.org/x.png"
SIZED = 'width="100" height="100" alt="A boat" style="display:block; border:0"'


def test_images_that_decorate_or_stand_in_text_or_come_from_own_hosts_are_accepted() -> None:
    assert codes(links_and_images, changed("A ferry at low tide", "")) == ["link-unnamed"]
    assert (
        codes(links_and_images, changed("A ferry at low tide", "The contents of ferry.png"))
        == []
    )
    image = f'<img src="{PICTURE}" width="16" height="16" alt="" style="border:0">'
    assert codes(links_and_images, with_content(f"<p>Open {image} till late</p>")) == []
    html = with_content(f'<img src="https://cdn.example.net/x.png" {SIZED}>')
    own = frozenset({"news.example.org", "cdn.example.net"})
    assert list(links_and_images.check(mail_of(html, hosts=own))) == []


def test_elements_with_the_same_style_are_findings_of_their_own() -> None:
    page = with_content('<p class="a">x</p><p class="a">x</p>')
    page = page.replace("<style>", "<style>.a { background:#ffffff url(x.png) }", 1)
    assert [found.where for found in findings(links_and_images, page)] == ["p.a", "p.a"]
