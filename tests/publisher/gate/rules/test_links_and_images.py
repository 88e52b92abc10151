"""The links and the pictures of a mail."""

import pytest

from publisher.gate.rules import links_and_images
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    inside,
    instead,
    mail_of,
    sound,
    with_content,
    with_style,
)

UNSUBSCRIBE = "https://news.example.org/unsubscribe/?t=x"

_FOOTER_FAULTS = (
    Fault(
        "there is no unsubscribe link",
        "unsubscribe",
        changed(UNSUBSCRIBE, "https://news.example.org/").replace("Unsubscribe", "x"),
    ),
    instead(
        "the unsubscribe link is hidden", "unsubscribe", '24px"><a', '24px; display:none"><a'
    ),
    instead("its own page is not linked to", "view-online", "weekly/2026-01-09/", ""),
    instead("the address is left out", "postal-address", "1 Example Street", ""),
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
    assert codes(links_and_images, changed(UNSUBSCRIBE, href)) == []


def test_the_postal_address_is_there_in_any_lines() -> None:
    (found,) = links_and_images.check(mail_of(sound(), address=""))
    assert found.problem == "the publication has no postal address"
    page = changed("1 Example Street, Example City", "1 Example&nbsp;Street<br>Example City")
    assert codes(links_and_images, page) == []


def linked(href: str, text: str = "the story", attributes: str = "") -> str:
    return with_content(f'<p>In <a href="{href}" {attributes}>{text}</a></p>')


LINK_FAULTS = (
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
    assert codes(links_and_images, linked(href, text)) == []


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

IMAGE_FAULTS = (
    instead("an image has no alt", "img-alt", 'alt="A ferry at low tide"', ""),
    instead("its alt is its name", "img-alt", "A ferry at low tide", "ferry.png"),
    instead("its alt is another file's", "img-alt", "A ferry at low tide", "DSC_0042.JPG"),
    instead("it has no width", "img-size", 'width="528"', ""),
    instead("blocked, it is a hole", "img-hole", 'width="528"', 'width="528" height="277"'),
    instead("its width is a percentage", "img-size", 'width="528"', 'width="100%"'),
    instead("it stands on a line", "img-block", "display:block; border:0", "border:0"),
    instead(
        "it is linked and has a border", "img-block", "display:block; border:0", "display:block"
    ),
    inside("its address is relative", "img-source", f'<img src="/x.png" {SIZED}>'),
    inside(
        "it is in the mail itself",
        "img-source",
        f'<img src="data:image/png;base64,AA" {SIZED}>',
    ),
    inside("it is attached", "img-source", f'<img src="cid:x" {SIZED}>'),
    inside("it has no address", "img-source", f"<img {SIZED}>"),
    inside(
        "a style's address is relative", "img-source", '<p style="background:url(x.png)">x</p>'
    ),
    inside(
        "another for large screens is",
        "img-source",
        f'<img src="{PICTURE}" srcset="x.png 2x" {SIZED}>',
    ),
    Fault(
        "that of a rule is",
        "img-source",
        with_style("@media print { p { background:url(x.png) } }"),
    ),
    inside(
        "it comes by http", "img-insecure", f'<img src="http://news.example.org/x.png" {SIZED}>'
    ),
    inside(
        "it comes from elsewhere",
        "img-host",
        f'<img src="https://cdn.example.net/x.png" {SIZED}>',
    ),
    Fault(
        "a font does",
        "img-host",
        with_style("@font-face { src:url(https://fonts.example.net/x.woff) }"),
    ),
    inside(
        "it can't be seen", "img-pixel", f'<img src="{PICTURE}" width="1" height="1" alt="">'
    ),
    inside(
        "styles make it so",
        "img-pixel",
        f'<img src="{PICTURE}" style="width:1px; height:1px" alt="">',
    ),
    Fault(
        "there is nothing but an image",
        "img-only",
        f'<html><body><img src="{PICTURE}" {SIZED}>',
    ),
)


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
