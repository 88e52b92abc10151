from __future__ import annotations

from publisher.gate.rules import images
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    mail_of,
    with_content,
    with_style,
)

PICTURE = "https://news.example.org/x.png"
SIZED = 'width="100" height="100" alt="A boat" style="display:block; border:0"'

FAULTS = (
    Fault("an image has no alt", "img-alt", changed('alt="A ferry at low tide"', "")),
    Fault("its alt is its name", "img-alt", changed("A ferry at low tide", "ferry.png")),
    Fault(
        "its alt is another file's", "img-alt", changed("A ferry at low tide", "DSC_0042.JPG")
    ),
    Fault("it has no height", "img-size", changed('height="277"', "")),
    Fault("its width is a percentage", "img-size", changed('width="528"', 'width="100%"')),
    Fault("it stands on a line", "img-block", changed("display:block; border:0", "border:0")),
    Fault(
        "it is linked and has a border",
        "img-block",
        changed("display:block; border:0", "display:block"),
    ),
    Fault("its address is relative", "img-source", with_content(f'<img src="/x.png" {SIZED}>')),
    Fault(
        "it is in the mail itself",
        "img-source",
        with_content(f'<img src="data:image/png;base64,AA" {SIZED}>'),
    ),
    Fault("it is attached", "img-source", with_content(f'<img src="cid:x" {SIZED}>')),
    Fault("it has no address", "img-source", with_content(f"<img {SIZED}>")),
    Fault(
        "a style's address is relative",
        "img-source",
        with_content('<p style="background:url(x.png)">x</p>'),
    ),
    Fault(
        "another for large screens is",
        "img-source",
        with_content(f'<img src="{PICTURE}" srcset="x.png 2x" {SIZED}>'),
    ),
    Fault(
        "that of a rule is",
        "img-source",
        with_style("@media print { p { background:url(x.png) } }"),
    ),
    Fault(
        "it comes by http",
        "img-insecure",
        with_content(f'<img src="http://news.example.org/x.png" {SIZED}>'),
    ),
    Fault(
        "it comes from elsewhere",
        "img-host",
        with_content(f'<img src="https://cdn.example.net/x.png" {SIZED}>'),
    ),
    Fault(
        "a font does",
        "img-host",
        with_style("@font-face { src:url(https://fonts.example.net/x.woff) }"),
    ),
    Fault(
        "it can't be seen",
        "img-pixel",
        with_content(f'<img src="{PICTURE}" width="1" height="1" alt="">'),
    ),
    Fault(
        "styles make it so",
        "img-pixel",
        with_content(f'<img src="{PICTURE}" style="width:1px; height:1px" alt="">'),
    ),
    Fault(
        "there is nothing but an image",
        "img-only",
        f'<html><body><img src="{PICTURE}" {SIZED}>',
    ),
)


def test_an_image_that_decorates_needs_no_description() -> None:
    assert codes(images, changed("A ferry at low tide", "")) == []


def test_an_alt_may_name_a_file_in_a_sentence() -> None:
    assert codes(images, changed("A ferry at low tide", "The contents of ferry.png")) == []


def test_an_image_in_a_line_of_text_need_not_be_a_block() -> None:
    image = f'<img src="{PICTURE}" width="16" height="16" alt="" style="border:0">'
    assert codes(images, with_content(f"<p>Open {image} till late</p>")) == []


def test_images_may_come_from_all_hosts_of_the_publication() -> None:
    html = with_content(f'<img src="https://cdn.example.net/x.png" {SIZED}>')
    own = frozenset({"news.example.org", "cdn.example.net"})
    assert list(images.check(mail_of(html, hosts=own))) == []


def test_elements_with_the_same_style_are_findings_of_their_own() -> None:
    page = with_content('<p class="a">x</p><p class="a">x</p>')
    page = page.replace("<style>", "<style>.a { background:#ffffff url(x.png) }", 1)
    assert [found.where for found in findings(images, page)] == ["p.a", "p.a"]
