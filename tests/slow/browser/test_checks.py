"""The checks find what they are for: each is shown a mail with one fault."""

from importlib.resources import files
from pathlib import Path

import pytest
from premailer import transform

from tools.browser.accessibility import OF_COLOURS, violations
from tools.browser.chromium import Chromium, Site, Window
from tools.browser.layout import misfits, misfits_without_style, mute_pictures
from tools.browser.styles import differences, inlined_by_another, styles, styles_without_blocks

PICTURES = files("publisher") / "demo" / "data" / "articles" / "images"


def mail(body: str, style: str = "", document_type: str = "<!DOCTYPE html>") -> str:
    return (
        f"{document_type}<html lang=en><head><meta charset=utf-8><title>A mail</title>"
        f"<style>body {{ margin:0; }} {style}</style></head><body>{body}</body></html>"
    )


@pytest.fixture
def site() -> Site:
    return Site(url="https://news.example.org/media", public=Path(str(PICTURES)))


PICTURE = "https://news.example.org/media/night-garden.png"


def test_a_value_that_differs_is_named_with_its_element_and_window(chromium: Chromium) -> None:
    rule = "@media (max-width:400px) { td { padding-left:22px; } }"
    cell = "<table><tr><td class='item wide' style='padding:36px'>x</td></tr></table>"
    before = chromium.visit(mail(cell, rule.replace("22px", "22px !important")), styles)
    after = chromium.visit(mail(cell, rule), styles)
    found = [line for line in differences(before, after) if "padding-left" in line]
    assert found == ["td.item.wide 5: padding-left 22px != 36px at 320 px, light"]
    assert differences(before, before) == []


def test_elements_that_are_lost_are_noticed(chromium: Chromium) -> None:
    before, after = (chromium.visit(mail(body), styles) for body in ("<p>x</p>", "<b>x</b>"))
    assert differences(before, after)[0] == "the elements themselves differ at 800 px, light"


def test_premailer_left_to_itself_is_found_out(chromium: Chromium) -> None:
    style = "p { color:#112233; } @media (max-width:400px) { p { color:#ff0000 !important; } }"
    source = mail("<p>x</p>", style)
    before, after = (chromium.visit(html, styles) for html in (source, transform(source)))
    colours = [line for line in differences(before, after) if ": color " in line]
    assert colours == ["p 2: color rgb(255, 0, 0) != rgb(17, 34, 51) at 320 px, light"]


def test_what_only_a_style_block_says_is_named(chromium: Chromium) -> None:
    html = mail("<p>x</p>", ":root { color-scheme:light dark; } p { padding-top:4px; }")
    whole, without = chromium.visit(html, styles_without_blocks)
    found = differences(whole, without, but=["color-scheme"])
    assert "p 2: padding-top 4px != 0px at 800 px, light" in found
    assert not any("color-scheme" in line for line in found)


def test_the_other_inliner_keeps_what_has_to_stay_in_the_head(chromium: Chromium) -> None:
    kept = '<style data-premailer="ignore">@media (max-width:400px) { p { color:#ff0000 !important; } }</style>'
    source = mail("<p>x</p>", "p { color:#112233; }").replace("</head>", f"{kept}</head>")
    inlined = inlined_by_another(source)
    assert '<p style="color: #112233;">' in inlined
    before, after = (chromium.visit(html, styles) for html in (source, inlined))
    assert differences(before, after) == []


def test_what_sticks_out_is_named(chromium: Chromium) -> None:
    found = chromium.visit(mail("<div><p class=wide style='width:500px'>x</p></div>"), misfits)
    assert found == [
        "the page is 500 px wide at 320 px",
        "p.wide sticks out by 180 px at 320 px",
        "the page is 500 px wide at 375 px",
        "p.wide sticks out by 125 px at 375 px",
    ]


def test_what_sticks_out_to_the_left_is_named_though_nobody_can_get_there(
    chromium: Chromium,
) -> None:
    found = chromium.visit(mail("<p style='margin-left:-30px; width:99px'>x</p>"), misfits)
    assert found[0] == "p sticks out by 30 px at 320 px"


def test_a_word_that_leaves_its_box_is_named(chromium: Chromium) -> None:
    body = f"<p style='width:50px'>{'endless' * 4}</p>"
    found = chromium.visit(mail(body, "p { font:16px monospace; }"), misfits)
    assert found[0].startswith('"endlessendlessendlessendless" in p sticks out of its box by ')


def test_what_can_be_moved_sideways_fits(chromium: Chromium) -> None:
    body = f"<div style='overflow-x:auto'><pre>{'endless' * 99}</pre></div>"
    assert chromium.visit(mail(body), misfits) == []


def test_small_text_is_named_but_not_what_is_only_space(chromium: Chromium) -> None:
    body = "<p style='font-size:11px'>Small print</p><p style='font-size:1px'>&nbsp;</p>"
    found = chromium.visit(mail(body), misfits)
    assert found[0] == '"Small print" in p is 11 px high at 320 px'
    assert len(found) == 3


def test_a_mail_that_fits_only_by_its_style_block_is_found_out(chromium: Chromium) -> None:
    body = "<p class=wide style='width:500px'>x</p>"
    html = mail(body, ".wide { max-width:100%; }")
    assert chromium.visit(html, misfits) == []
    found = chromium.visit(html, misfits_without_style)
    assert any("p.wide sticks out by 1" in line for line in found)


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        ("<img src={}>", "has no alt text at 320 px, light"),
        (
            "<img src={} alt='A garden' width=30 height=20 style='display:block'>",
            "has no room for its alt text in 30 x 20 px at 320 px, light",
        ),
        (
            "<img src={} alt='A garden' style='color:#cccccc'>",
            "has its alt text at a contrast of 1.6 at 320 px, light",
        ),
    ],
)
def test_pictures_that_say_nothing_are_named(
    chromium: Chromium, picture: str, fault: str
) -> None:
    found = chromium.visit(mail(picture.format(PICTURE)), mute_pictures)
    assert found[0] == f"{PICTURE} {fault}"


def test_pictures_that_speak_or_are_silent_on_purpose_are_right(chromium: Chromium) -> None:
    body = f"<img src={PICTURE} alt='A garden'><img src={PICTURE} alt=''>"
    assert chromium.visit(mail(body), mute_pictures) == []


def test_a_picture_that_is_shown_is_no_proof_of_its_words(
    chromium: Chromium, site: Site
) -> None:
    found = chromium.visit(mail(f"<img src={PICTURE} alt=x>"), mute_pictures, site=site)
    assert found[0] == f"{PICTURE} is shown at 320 px, light"


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("<p style='color:#aaaaaa; background-color:#ffffff'>Pale words</p>", "color-contrast"),
        ("<a href='https://example.org/'><img src='x.png' alt=''></a>", "link-name"),
        ("<p lang='xx-nowhere-at-all'>Words</p>", "valid-lang"),
    ],
)
def test_axe_is_heard(chromium: Chromium, body: str, rule: str) -> None:
    found = [
        line for line in chromium.visit(mail(body), violations) if line.startswith(f"{rule}, ")
    ]
    # In two widths, and again in the dark if colours are what it is about.
    assert len(found) == (4 if rule in OF_COLOURS else 2)
    assert found[0].endswith(" at 600 px, light")


def test_axe_is_heard_of_the_dark(chromium: Chromium) -> None:
    style = (
        "body { color:#000000; background-color:#ffffff; }"
        "@media (prefers-color-scheme:dark) { body { background-color:#111111; } }"
    )
    found = chromium.visit(mail("<p>Words</p>", style), violations)
    assert [line.rpartition(" at ")[2] for line in found] == ["600 px, dark", "320 px, dark"]


def test_what_axe_cannot_decide_is_reported(chromium: Chromium) -> None:
    body = "<p style='background-image:linear-gradient(red, blue)'>Words</p>"
    assert chromium.visit(mail(body), violations)[0].startswith("in doubt: color-contrast, p: ")


def asked(window: Window) -> list[str]:
    return sorted(window.asked)


def test_every_request_is_noted_each_time_and_none_gets_through(
    chromium: Chromium, site: Site
) -> None:
    elsewhere = "https://tracker.example.com"
    body = (
        f"<img src={PICTURE}><img src={elsewhere}/1.gif><script src={elsewhere}/2.js></script>"
        f"<p style='background-image:url({elsewhere}/3.png)'>x</p>"
        f"<link rel=stylesheet href={elsewhere}/4.css><img src={site.url}/nowhere.png>"
    )
    wanted = [
        PICTURE,
        f"{site.url}/nowhere.png",
        *(f"{elsewhere}/{name}" for name in ("1.gif", "2.js", "3.png", "4.css")),
    ]
    for _time in range(2):
        assert chromium.visit(mail(body), asked, site=site) == sorted(wanted)


def test_pictures_come_from_the_publications_folder(chromium: Chromium, site: Site) -> None:
    def shown(window: Window) -> bool:
        return bool(window.page.evaluate("document.images[0].naturalWidth > 0"))

    html = mail(f"<img src={PICTURE} alt=x>")
    assert chromium.visit(html, shown, site=site)
    assert not chromium.visit(html, shown)


def test_a_mail_without_a_document_type_is_of_the_nineties(chromium: Chromium) -> None:
    mode = "document.compatMode"
    for document_type, expected in (("<!DOCTYPE html>", "CSS1Compat"), ("", "BackCompat")):
        html = mail("<p>x</p>", document_type=document_type)
        assert chromium.visit(html, lambda window: window.page.evaluate(mode)) == expected


def test_each_mail_is_opened_in_a_wide_and_light_window(chromium: Chromium) -> None:
    def seen(window: Window) -> list[object]:
        found: list[object] = window.page.evaluate(
            "[innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]"
        )
        window.show(320, "dark")
        return found

    assert [chromium.visit(mail("x"), seen) for _time in range(2)] == [[800, False]] * 2
