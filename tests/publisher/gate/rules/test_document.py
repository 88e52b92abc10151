"""The document of a mail: its structure, languages, size and styles, and what clients support."""

import re
from dataclasses import replace

import pytest

from publisher.gate.findings import RULES
from publisher.gate.mail_clients.caniemail import CHECKED_CLIENTS, Support, client_feature
from publisher.gate.rules import client_support, html_structure
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

_ELEMENT_FAULTS = (
    *(
        inside(f"there is a <{tag}>", "element-forbidden", f"<{tag}></{tag}>")
        for tag in ("script", "form", "iframe", "object", "video", "svg", "button")
    ),
    instead(
        "a style sheet is linked to",
        "element-forbidden",
        "</head>",
        '<link rel="stylesheet" href="https://news.example.org/x.css"></head>',
    ),
    inside("an element runs a script", "event-handler", '<p onclick="x()">x</p>'),
    instead(
        "it loads another page",
        "meta-refresh",
        "</head>",
        '<meta http-equiv="Refresh" content="0;url=https://x.example"></head>',
    ),
    inside("it has an element of its own", "element-unknown", "<my-card>x</my-card>"),
    instead(
        "Outlook's comment is left open",
        "mso-balance",
        "</tr></table><![endif]-->",
        "</tr></table>-->",
    ),
    inside("a condition has no dashes", "mso-balance", "<![if !mso]>x<![endif]>"),
    inside("an inliner broke a condition", "mso-balance", "<!--[if !mso]-->x<!--[endif]-->"),
    instead(
        "Outlook's table is left open",
        "mso-tables",
        "</td></tr></table><![endif]",
        "</td></tr><![endif]",
    ),
    instead("there is no first heading", "heading-first", "<h1", "<p"),
    inside("there are two", "heading-first", "<h1>x</h1>"),
    instead("a level is left out", "heading-order", "<h2", "<h4"),
)


def test_a_mail_without_html_or_with_a_condition_for_all_but_outlook_is_accepted() -> None:
    content = "<!--[if !mso]><!--><p>x</p><!--<![endif]-->"
    assert codes(html_structure, with_content(content)) == []
    assert codes(html_structure, "") == []


@pytest.mark.parametrize("tag", ["section", "time", "center", "abbr", "blockquote", "bdi"])
def test_elements_that_caniemail_tests_are_not_unknown(tag: str) -> None:
    assert codes(html_structure, with_content(f"<{tag}>x</{tag}>")) == []


def test_many_handlers_are_one_finding_and_missing_tags_of_outlook_are_counted() -> None:
    page = with_content(f"<p {' '.join(f'on{n}=x' for n in range(50))}>x</p>")
    assert [finding.problem for finding in findings(html_structure, page)] == ["it has on0"]
    page = changed("</td></tr></table><![endif]", "</td></tr><![endif]")
    (found,) = findings(html_structure, page)
    assert found.problem == "1 <table> more opened than closed"


XHTML = "-//W3C//DTD XHTML 1.0 Transitional//EN"
DTD = "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd"
HTML4 = "-//W3C//DTD HTML 4.01 Transitional//EN"
LOOSE = "http://www.w3.org/TR/html4/loose.dtd"


def begun(doctype: str) -> str:
    return changed("<!DOCTYPE html>", doctype)


STRUCTURE_FAULTS = (
    *_ELEMENT_FAULTS,
    Fault("there is no document type", "doctype", begun("")),
    Fault("it leads to quirks mode", "doctype", begun(f'<!DOCTYPE html PUBLIC "{HTML4}">')),
    Fault(
        "it is of HTML 3.2",
        "doctype",
        begun('<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2//EN">'),
    ),
    Fault("it is of XHTML", "doctype-old", begun(f'<!DOCTYPE html PUBLIC "{XHTML}" "{DTD}">')),
    Fault(
        "it is of HTML 4", "doctype-old", begun(f'<!DOCTYPE html PUBLIC "{HTML4}" "{LOOSE}">')
    ),
    Fault("it names a file", "doctype-old", begun('<!DOCTYPE html SYSTEM "mail.dtd">')),
    instead("its body has a class", "body-class", "<body ", '<body class="page" '),
    instead("the title is empty", "title", "<title>The week", "<title> "),
    instead("there is no charset", "meta-charset", '<meta charset="utf-8">', ""),
    instead(
        "the charset comes too late",
        "meta-charset",
        '<meta charset="utf-8">',
        f"<!--{'x' * 1024}--><meta charset='utf-8'>",
    ),
    instead("the viewport is fixed", "meta-viewport", "width=device-width", "width=600"),
    instead(
        "iOS may shrink it",
        "meta-reformatting",
        '<meta name="x-apple-disable-message-reformatting">',
        "",
    ),
    instead("numbers become links", "meta-format-detection", "telephone=no, ", ""),
    instead("it is light only", "meta-color-scheme", 'content="light dark"', 'content="light"'),
    instead(
        "Outlook is not told the pixels per inch", "office-dpi", "PixelsPerInch", "AllowPNG"
    ),
)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!doctype html>",
        "\ufeff<!DOCTYPE HTML >",
        "<!-- made by a machine -->\n<!DOCTYPE html>",
        '<!DOCTYPE html SYSTEM "about:legacy-compat">',
    ],
)
def test_a_document_type_of_html_may_be_written_in_several_ways(doctype: str) -> None:
    assert codes(html_structure, begun(doctype)) == []


def only_html_has_dir() -> str:
    page = sound("ar")
    head, body = page.split("<body", 1)
    body = body.replace('dir="rtl"', "")
    return f"{head}<body{body}"


LANGUAGE_FAULTS = (
    instead("it has no language", "lang", '<html lang="en"', "<html"),
    instead("it has another language", "lang", '<html lang="en"', '<html lang="de"'),
    instead("it has another script", "lang", 'lang="zh-Hant"', 'lang="zh-CN"', "zh-Hant"),
    instead("its language is not a tag", "lang", '<html lang="en"', '<html lang="english_"'),
    inside("the language of a text is not a tag", "lang-text", '<p lang="12">x</p>'),
    instead("it has no direction", "dir", '<html lang="en" dir="ltr"', '<html lang="en"'),
    instead(
        "it has the wrong direction",
        "dir",
        '<html lang="ar" dir="rtl"',
        '<html lang="ar" dir="ltr"',
        "ar",
    ),
    inside(
        "a layout table's dir contradicts its lang",
        "dir",
        '<table role="presentation"><tr><td lang="ar" dir="ltr">x</td></tr></table>',
    ),
    inside(
        "a layout cell lays Arabic out ltr",
        "dir",
        '<table role="presentation" dir="rtl"><tr><td dir="ltr"><p>العبّارة التي</p>',
        "ar",
    ),
    inside(
        "the wrapper lays Arabic out ltr",
        "dir",
        '<div role="article" lang="ar" dir="ltr">العبّارة التي</div>',
        "ar",
    ),
    inside("a text's dir contradicts its lang", "dir-text", '<p lang="ar" dir="ltr">x</p>'),
    inside("an Arabic paragraph is laid out ltr", "dir-text", '<p lang="ar">العبّارة التي</p>'),
    instead("CSS lays it out ltr", "dir", '<p style="', '<p style="direction:ltr; ', "ar"),
    Fault("only <html> says that it runs rtl", "dir", only_html_has_dir(), "ar"),
    instead("nothing is around the content", "wrapper", 'role="article"', ""),
    instead("the wrapper has no name", "wrapper", 'aria-label="The week"', ""),
    instead("<body> has no language", "body-lang", 'xml:lang="en"', ""),
    instead(
        "the description is in English",
        "role-description",
        'role="article"',
        'role="article" aria-roledescription="email"',
        "ar",
    ),
    inside("a table has no direction", "rtl-table", "<table><tr><td>و</td></tr></table>", "ar"),
    instead("text is aligned left", "rtl-left", "text-align:right", "text-align:left", "ar"),
    inside("a cell is aligned left", "rtl-left", '<table><tr><td align="left">و', "ar"),
)


@pytest.mark.parametrize(
    "content",
    [
        '<p lang="ar" dir="rtl">العبّارة التي تنتظر</p>',
        '<p lang="ar" dir="auto">العبّارة التي تنتظر</p>',
        # A name within a sentence is put in order by the bidirectional algorithm.
        '<p>In <a href="https://news.example.org/ar/" lang="ar">العربية</a> too</p>',
        '<p dir="ltr">+1 555 0100</p>',
    ],
)
def test_another_language_that_is_marked_is_accepted(content: str) -> None:
    assert codes(html_structure, with_content(content)) == []


@pytest.mark.parametrize(
    "content",
    [
        '<p dir="ltr">العبّارة التي تنتظر</p>',
        '<p dir="auto">العبّارة التي تنتظر</p>',
        '<p><i lang="ar" dir="ltr">salam</i></p>',
        '<blockquote dir="ltr"><p>العبّارة التي تنتظر</p></blockquote>',
        '<div lang="ar" dir="rtl"><pre dir="ltr" lang="ar">a = 1</pre></div>',
        '<div dir="ltr"><h3 lang="ar">العبّارة</h3><ul><li>التي تنتظر</li></ul></div>',
        '<table><tr><td lang="ar" dir="ltr">العبّارة</td></tr></table>',
        '<p lang="english_">of Arabia</p>',
    ],
)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_languages_and_directions_of_an_article_are_never_errors(
    content: str, language: str
) -> None:
    found = findings(html_structure, with_content(content, language), language)
    assert {one.severity for one in found} <= {"warning"}
    assert {one.code for one in found} <= {
        "dir-text",
        "lang-text",
        "rtl-table",
        "heading-order",
    }


def test_languages_and_descriptions_that_are_right_are_accepted() -> None:
    content = '<p dir="ltr" style="text-align:right">1 Example Street</p>'
    assert codes(html_structure, with_content(content, "ar"), "ar") == []
    assert codes(html_structure, changed('<html lang="en"', '<html lang="en-GB"')) == []
    page = changed('role="article"', 'role="article" aria-roledescription="email"')
    assert codes(html_structure, page) == []


LONG = "<p>river</p>" * 6000

_SIZE_FAULTS = (
    inside("the HTML has over 74,000 bytes", "html-size", LONG + LONG[:9000]),
    inside("the HTML comes near that", "html-size-near", LONG[:60_000]),
    inside("elements are too deep", "html-depth", "<div>" * 101 + "</div>" * 101),
)


def test_a_mail_that_gmail_shows_whole_is_accepted_and_one_far_too_long_not_read() -> None:
    assert codes(client_support, with_content(LONG[:50_000])) == []
    found = findings(client_support, "<p>x</p>" * 50_000)
    assert found[0].problem == "the HTML has 400,002 bytes, too long for a closer look"


def test_bytes_are_counted_as_they_are_sent() -> None:
    page = with_content("河" * 25_000)
    assert len(page) < 60_000
    assert codes(client_support, page)[0] == "html-size"
    page = with_content("河" * 15_000)
    assert len(page.encode()) < 60_000
    mail = mail_of(page, encoding="quoted-printable")
    assert [finding.code for finding in client_support.check(mail)] == ["html-size"]
    body = b"x\n" * 36_000
    mail = replace(mail_of(""), content=b"Content-Type: text/html\r\n\r\n" + body)
    (finding,) = client_support.check(mail)
    assert finding.problem == "the HTML is sent as 108,000 bytes"


PHONES = "@media (max-width:600px) { .item { padding:0 !important; } }"


def filled(size: int) -> str:
    return with_style("/* " + "x" * size + " */")


SIZE_FAULTS = (
    *_SIZE_FAULTS,
    inside("a style sheet stands in the body", "style-place", "<style>p { margin:0; }</style>"),
    Fault("the styles have over 16 kB", "style-size", filled(16_384)),
    Fault("they have over 8 kB", "style-size-near", filled(8_000)),
    Fault(
        "an @ rule is in another",
        "style-nested",
        with_style("@media all { @media (max-width:9px) { p { margin:0; } } }"),
    ),
    Fault(
        "a rule is in a rule",
        "style-nested",
        with_style("p { margin:0; & b { color:#112233; } }"),
    ),
    Fault(
        "it imports a style sheet",
        "style-import",
        with_style('@import "https://news.example.org/x.css";'),
    ),
    Fault("a declaration is none", "style-syntax", with_style("p { margin 0; }")),
    Fault("it has a comment of HTML", "style-syntax", with_style("<!-- p { margin:0; } -->")),
    Fault(
        "a web font stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @font-face {{ font-family:X; }}"),
    ),
    Fault(
        "dark mode stands beside the phones",
        "style-risk",
        with_style(f"{PHONES} @media (prefers-color-scheme:dark) {{ p {{ color:#ffffff; }} }}"),
    ),
    Fault(
        "Outlook's dark mode does",
        "style-risk",
        with_style(f"{PHONES} [data-ogsc] p {{ color:#ffffff; }}"),
    ),
    Fault(
        "!important follows without a space",
        "important-form",
        with_style("p { margin:0!important; }"),
    ),
    Fault("it is in capitals", "important-form", with_style("p { margin:0 !IMPORTANT; }")),
    Fault("it is torn apart", "important-form", with_style("p { margin:0 ! important; }")),
)


def test_selectors_of_gmail_comments_of_css_and_styles_of_outlook_are_accepted() -> None:
    assert codes(client_support, with_style(f"{PHONES} [class~=x] {{ margin:0; }}")) == []
    assert codes(client_support, with_style("/* p { margin:0!important; } */")) == []
    comment = f"<!--[if mso]><style>{'p { margin:0; }' * 1000}</style><![endif]-->"
    assert codes(client_support, changed("</head>", f"{comment}</head>")) == []


def test_a_finding_has_its_line_in_the_part() -> None:
    page = with_style("p { margin:0 !important; }\np { margin:0!important; }")
    (found,) = findings(client_support, page)
    lines = page.splitlines()
    assert found.line is not None
    assert lines[found.line - 1] == "p { margin:0!important; }"


PICTURE = "https://news.example.org/x"

SUPPORT_FAULTS = (
    inside("words are set in <bdi>", "html-support", "<bdi>x</bdi>"),
    inside("an element is hidden by attribute", "html-support", "<p hidden>x</p>"),
    inside("boxes are flexible", "css-support", '<div style="display:flex">x</div>'),
    inside("a box floats", "css-support", '<div style="float:left">x</div>'),
    inside("a size is reckoned", "css-support", '<p style="width:calc(1px)">x</p>'),
    Fault("a selector counts", "css-support", with_style("p:nth-child(2) { margin:0; }")),
    inside("a picture is WebP", "image-support", f'<img src="{PICTURE}.webp">'),
    inside("a picture is SVG", "image-support", f'<img src="{PICTURE}.SVG?v=1">'),
    inside(
        "letters are made small", "partial-support", '<p style="text-transform:lowercase">x</p>'
    ),
)


def test_a_finding_names_clients_feature_and_date_and_partial_support_its_note() -> None:
    (found,) = findings(client_support, with_content('<div style="display:flex">x</div>'))
    assert found.problem == "display:flex is not supported (css-display-flex, tested 2021-11)"
    assert found.clients == ("Outlook Windows",)
    (found,) = findings(
        client_support, with_content('<p style="text-transform:lowercase">x</p>')
    )
    assert "`lowercase` value is not supported" in found.problem


def test_what_few_clients_lack_or_skip_is_accepted() -> None:
    feature = client_feature("css-selector-class")
    assert feature.support["gmail.ios"] == Support.PARTLY
    assert codes(client_support, with_style(".x { color:#112233; }")) == []
    rule = ".x { display:flex; }"
    assert codes(client_support, with_style(rule)) == ["css-support"]
    # Only Outlook for Windows does not support flex, and it does not support media queries.
    assert codes(client_support, with_style(f"@media (max-width:9px) {{ {rule} }}")) == []
    (found,) = findings(client_support, with_style("[data-ogsc] .x { color:var(--ink); }"))
    assert found.clients == ("Outlook.com", "Outlook macOS", "Outlook iOS", "Outlook Android")
    # Outlook for Windows does not support attribute selectors.
    assert codes(client_support, with_style("[data-ogsc] .x { float:left; }")) == []
    assert codes(client_support, with_content("<video></video><form></form>")) == []


@pytest.mark.parametrize("value", ["none", "normal", "auto", "0"])
def test_a_value_without_an_effect_needs_no_support(value: str) -> None:
    style = f"float:{value}; max-block-size:{value}; text-shadow:{value}"
    assert codes(client_support, with_content(f'<p style="{style}">x</p>')) == []


@pytest.mark.parametrize("slug", client_support.ACCEPTED_FEATURES)
def test_each_accepted_feature_lacks_support_somewhere(slug: str) -> None:
    support = client_feature(slug).support
    assert {support[client] for client in CHECKED_CLIENTS} & {Support.NO, Support.PARTLY}


def test_rules_that_are_said_to_check_a_feature_exist() -> None:
    named = {
        word
        for reason in client_support.ACCEPTED_FEATURES.values()
        if "checked by" in reason
        for word in re.findall(r"[a-z]+(?:-[a-z]+)+", reason)
    }
    assert named
    assert named - {"line-height"} <= {*RULES}


def test_inlined_styles_are_checked_like_those_of_rules() -> None:
    page = changed("</head>", "<style>.x { position:fixed; }</style></head>")
    inlined = with_content('<p style="position:fixed">x</p>')
    assert (
        codes(client_support, page)
        == codes(client_support, inlined)
        == ["css-support", "partial-support"]
    )
