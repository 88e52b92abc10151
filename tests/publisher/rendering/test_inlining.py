"""Inlining with premailer: what is inlined, what is refused, and each trap that is closed."""

import logging
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import css_inline
import cssutils
import pytest

from publisher.errors import RenderingError
from publisher.rendering.inlining import inline
from publisher.rendering.placeholders import ALL_PLACEHOLDERS, NAME_PLACEHOLDER, Placeholder

PARAGRAPH = '<p class="a">text</p>'


def mail(sheet: str, body: str = PARAGRAPH, head: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">{head}'
        f"<style>{sheet}</style></head>\n<body>\n{body}\n</body></html>"
    )


def transform(html: str) -> str:
    """Inline with premailer as it is."""
    inline(mail(""))  # Imports premailer as the program does: with another size of its cache.
    from premailer import transform

    return str(transform(html, cssutils_logging_level=logging.CRITICAL))


def style_of(html: str, tag: str) -> str:
    """Return the style attribute of the first such tag of the body."""
    body = html.partition("<body")[2]
    return re.split(rf"<{tag}\b", body)[1].partition(">")[0].partition('style="')[2][:-1]


def kept(sheet: str) -> str:
    return f'<style data-premailer="ignore">{sheet}</style>'


def test_rules_go_into_the_elements_that_they_match() -> None:
    result = inline(
        mail("p { color:#112233 } .a { color:#445566; font-size:16px } .b { top:0 }")
    )
    assert '<p class="a" style="color:#445566;font-size:16px">text</p>' in result
    assert "<style" not in result


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("div p", "<div><p>x</p></div>"),
        ("h1 + p", "<h1>x</h1><p>x</p>"),
        ("h1~p.a", "<h1>x</h1><div></div><p class=a>x</p>"),
        ("#x p", "<div id=x><p>x</p></div>"),
        ('p[dir="rtl"]', "<p dir=rtl>x</p>"),
        ("p:first-child", "<p>x</p>"),
        ("b, p:last-child", "<p>x</p>"),
    ],
)
def test_these_selectors_are_inlined(selector: str, body: str) -> None:
    assert style_of(inline(mail(f"{selector} {{ color:red }}", body)), "p") == "color:red"


def test_kept_sheets_stay_to_the_letter_and_as_important() -> None:
    sheet = "@media (max-width:600px) { p { color:blue !important } }"
    result = inline(mail("p { color:red }", head=kept(sheet)))
    assert f"<style>{sheet}</style>" in result
    sheet = "/* x */\n@media screen{@media (width<=600px){.a{COLOR:#FFF!important}}}\n"
    sheet += "[data-ogsc] .a{color:#fff!important} @font-face{font-family:F;src:url(f)}"
    assert f"<style>{sheet}</style>" in inline(mail("p { color:red }", head=kept(sheet)))


@pytest.mark.parametrize(
    "rule",
    [
        "@media (max-width:600px) { p { color:red } }",
        "@font-face { font-family:F; src:url(f.woff) }",
        "@supports (display:grid) { p { color:red } }",
        "@keyframes k { from { color:red } }",
        "a:hover { color:red }",
        "p:not(.b) { color:red }",
        "p:nth-child(2) { color:red }",
        "td:first-child a { color:red }",
        ":root { color:red }",
        "* { margin:0 }",
        'a[href*="x"] { color:red }',
        'a[href^="x:y"] { color:red }',
        "[data-ogsc] p { color:red }",
        "table > tr { color:red }",
        "tbody td { color:red }",
        "TD { color:red }",
        "tr:first-child { color:red }",
    ],
)
def test_a_rule_that_premailer_would_drop_or_misplace_stays_in_the_head(
    rule: str,
) -> None:  # traps 3, 4, 5, 8, 9
    result = inline(mail(f"b {{ top:0 }}\n{rule}", "<table><tr><td><p>x</p></td></tr></table>"))
    head, _, body = result.partition("</head>")
    squeezed = "".join(head.split())
    assert f"<style>{''.join(rule.split())}</style>" in squeezed
    assert "style=" not in body


def test_specificity_counts_in_lists_attributes_and_pseudo_classes() -> None:
    body = '<div class="hero"><h1>x</h1></div>'
    sheet = "h1, .hero h1 { color:red } h1 { color:blue }"
    assert style_of(inline(mail(sheet, body)), "h1") == "color:red"
    assert style_of(inline(mail("p, .a { top:0 } p { top:1px }")), "p") == "top:0"
    source = mail(
        "[dir=rtl] .a { color:red } p:first-child { top:0 } .a { color:blue } p { top:1px }",
        f"<div dir=rtl>{PARAGRAPH}</div>",
    )
    assert style_of(transform(source), "p") == "top:1px; color:blue"
    assert style_of(inline(source), "p") == "top:0;color:red"


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ('a[href$=".pdf"]', '<a href="x.pdf">x</a>'),
        ("a[title='v1.0']", '<a title="v1.0">x</a>'),
    ],
)
def test_a_dot_in_an_attribute_is_no_class(selector: str, body: str) -> None:
    assert style_of(inline(mail(f"{selector} {{ color:red }}", body)), "a") == "color:red"


def test_an_important_value_keeps_its_place_among_shorthands() -> None:  # traps 6, 10
    sheet = (
        "p { background:red !important } .a { background-color:blue !important }"
        " .a { background:green }"
    )
    expected = "background:red !important;background-color:blue !important"
    assert style_of(inline(mail(sheet)), "p") == expected
    one_rule = sheet.replace("} .a {", ";").replace("p {", ".a {")
    assert style_of(inline(mail(one_rule)), "p") == expected


def test_custom_properties_are_inlined_in_small_letters_only() -> None:
    assert style_of(inline(mail("p { --main:red; top:0 }")), "p") == "--main:red;top:0"
    with pytest.raises(RenderingError, match="premailer can't read the value of `--Main`"):
        inline(mail("p { --Main:red }"))


@pytest.mark.parametrize(
    "body",
    ["<table><p>x</p></table>", "<table><tr><p>x</p></tr></table>", "<h1><h2>x</h2></h1>"],
)
def test_elements_that_browsers_move_are_refused(body: str) -> None:
    with pytest.raises(RenderingError, match=r"browsers (move|mend)"):
        inline(mail("", body))


def test_a_list_with_one_selector_that_is_not_inlined_stays_in_the_head_as_a_whole() -> None:
    rule = "p, p:not(.b, .c), b > i { color:red !important }"
    result = inline(mail(f"{rule} p {{ top:0 }}"))
    assert f"<style>{rule}</style>" in result
    assert style_of(result, "p") == "top:0"


def test_an_own_style_wins_and_importance_decides() -> None:
    sheet = "p { color:red !important; top:0 } .a { color:blue; top:1px !important }"
    source = mail(sheet, '<p class="a" style="color:green;top:2px !important">x</p>')
    assert (
        style_of(inline(source), "p") == "color:red !important;color:green;top:2px !important"
    )
    own = "color:#0000001A;top:0"
    result = inline(
        mail("p { color:red; left:0 }", f'<p style="{own}">x</p><b style="{own}"></b>')
    )
    assert style_of(result, "p") == f"left:0;{own}"
    assert style_of(result, "b") == own


def test_shorthands_and_longhands_keep_their_order() -> None:  # trap 6
    source = mail("p { padding:0 } .a { padding-right:16px } p.a { padding:4px }")
    assert style_of(transform(source), "p") == "padding:4px; padding-right:16px"
    assert style_of(inline(source), "p") == "padding-right:16px;padding:4px"


def test_of_a_property_that_is_set_twice_in_a_rule_the_later_value_counts() -> None:  # trap 11
    sheet = "p { color:red; top:0; color:blue } b { color:red !important; color:blue }"
    result = inline(mail(sheet, "<p>x</p><b>y</b>"))
    assert style_of(result, "p") == "top:0;color:blue"
    assert style_of(result, "b") == "color:red !important"


@pytest.mark.parametrize("value", ["#0000001a", "rgb(1 2 3 / 50%)"])
def test_a_value_that_premailer_would_drop_is_refused(value: str) -> None:  # trap 12
    with pytest.raises(RenderingError, match="premailer can't read the value of `color`"):
        inline(mail(f"p {{ top:0; color:{value} }}"))


def test_sizes_alignment_and_colours_do_not_become_attributes() -> None:  # traps 13, 14
    sheet = "img { width:100%; height:auto } td { text-align:start; background-color:inherit }"
    body = '<table><tr><td><img src="x.png" width="300" alt=""></td></tr></table>'
    result = inline(mail(sheet, body))
    assert '<img src="x.png" width="300" alt="" style="width:100%;height:auto">' in result
    assert 'align="' not in result
    assert "bgcolor" not in result


def test_placeholders_pass_unchanged() -> None:  # trap 15
    tokens = [*ALL_PLACEHOLDERS, str(Placeholder(NAME_PLACEHOLDER, "dear subscriber"))]
    body = "".join(
        f'<a href="{t}" title="{t}">{t}</a><img src="{t}" alt="{t}">' for t in tokens
    )
    assert body in inline(
        mail("a { color:red }", body).replace("a { color:red }", "i { top:0 }")
    )


def test_addresses_empty_elements_and_white_space_stay_as_they_are() -> None:
    body = '<a href="#top">x</a><a href="/y?a=1&amp;b=2">y</a>'
    assert body in inline(mail("", body))
    assert 'href="https://example.org/%E4%B8%AD"' in inline(
        mail("", '<a href="https://example.org/中">x</a>')
    )
    body = '<a id="x"></a><table><tr><td></td></tr></table><br><div><p>y</p></div>'
    assert body in inline(mail("", body))


@pytest.mark.parametrize("written", ["<!doctype html>", "\n <!DOCTYPE HTML>"])
def test_the_doctype_is_written_in_one_way(written: str) -> None:  # trap 18
    source = mail("p { color:red }").replace("<!DOCTYPE html>", written)
    assert inline(source).startswith("<!DOCTYPE html>\n<html")


@pytest.mark.parametrize(
    "source",
    ["", "<p>text</p>", '<?xml version="1.0"?>', "<!-- x --><!DOCTYPE html><p>text</p>"],
)
def test_html_without_a_doctype_is_refused(source: str) -> None:  # traps 18, 20
    with pytest.raises(RenderingError, match="must begin with <!DOCTYPE html>"):
        inline(source)


@pytest.mark.parametrize("depth", [101, 300, 3000])
def test_deep_nesting_is_refused_before_anything_is_lost(depth: int) -> None:  # trap 19
    with pytest.raises(RenderingError, match="elements are nested more than 100 deep"):
        inline(mail("p { color:red }", "<div>" * depth + "deep" + "</div>" * depth))
    assert "deep" in inline(mail("p { top:0 }", "<div>" * 98 + "deep" + "</div>" * 98))


def test_text_that_inlining_loses_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # trap 19
    def loses(_self: object, root: object) -> None:
        root.find(".//p").text = ""  # type: ignore[attr-defined]  # an lxml element

    monkeypatch.setattr("publisher.rendering.inlining._HardenedPremailer.transform", loses)
    with pytest.raises(RenderingError, match="inlining would lose text of the mail"):
        inline(mail("p { color:red }"))


def test_every_script_passes() -> None:  # trap 21
    body = "<p>中文 𠮷 العربية \u200f \u2067x\u2069 👩‍💻 &nbsp;&zwnj;&copy;&lt;&amp;\ud800</p>"
    expected = "<p>中文 𠮷 العربية \u200f \u2067x\u2069 👩‍💻 \u00a0\u200c©&lt;&amp;\ufffd</p>"
    assert expected in inline(mail("", body).replace("utf-8", "big5"))


def test_conditional_comments_stay_and_their_open_form_is_refused() -> None:  # trap 23
    body = "<!--[if mso]><table><![endif]--><p>x</p><!--[if !mso]><!--><p>y</p><!--<![endif]-->"
    assert body in inline(mail("", body))
    with pytest.raises(RenderingError, match=r"write <!--\[if \.\.\.\]><!--> instead"):
        inline(mail("", "<![if !mso]><p>x</p><![endif]>"))


@pytest.mark.parametrize("sheet", ["@import url(file:///etc/hostname);", '@\\69mport "x.css";'])
def test_nothing_is_imported(sheet: str) -> None:  # trap 24
    for source in (mail(sheet), mail("", head=kept(sheet))):
        with pytest.raises(RenderingError, match="must not have @import"):
            inline(source)


def test_no_sheet_is_loaded_from_elsewhere_nor_imported_by_the_parser() -> None:
    from publisher.rendering import inlining

    with pytest.raises(RenderingError, match="must not import file:///etc/hostname"):
        inlining._sheet("@import url(file:///etc/hostname);")
    with pytest.raises(RenderingError, match=r"line 2 .* must not <link> to a style sheet"):
        inline(mail("", head="<link rel=stylesheet href=x.css>"))


@pytest.mark.parametrize("own", ["style", "p", "head"])
def test_an_own_style_that_reads_like_a_selector_breaks_nothing(own: str) -> None:  # trap 26
    source = mail("head, style, p { color:red }", f'<p style="{own}">x</p>')
    inlined = inline(source)
    # premailer takes the style for a selector of the same text that it keeps, if it has not forgotten it.
    sys.modules["premailer.cache"].cache.clear()
    with pytest.raises(TypeError):
        transform(source)
    assert style_of(inlined, "p") == f"color:red;{own}"


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:  # trap 28
    log = logging.getLogger("CSSUTILS")
    log.addHandler(caplog.handler)
    inline(mail("p { mso-line-height-rule:exactly; zoom:1 }"))
    log.removeHandler(caplog.handler)
    assert caplog.records == []
    assert cssutils.log.getEffectiveLevel() == logging.CRITICAL


def test_threads_do_not_disturb_each_other() -> None:  # trap 31
    sources = [mail(f"p {{ color:#{number:06x}; margin:{number}px }}") for number in range(48)]
    expected = [inline(source) for source in sources]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(inline, sources * 2)) == expected * 2


@pytest.mark.parametrize(
    ("inlined", "rule"),
    [
        ("p { color:red }", "a:hover { color:blue }"),
        ("p { padding:0 }", "@media print { p { padding-left:0 } }"),
        ("p { padding-left:0 }", "@media print { p { padding:0 } }"),
        ("p { line-height:1 }", "@media print { p { font:12px serif } }"),
    ],
)
def test_a_kept_rule_that_would_lose_to_an_inlined_one_is_refused(
    inlined: str, rule: str
) -> None:
    for source in (mail(inlined, head=kept(rule)), mail(f"{inlined}\n{rule}")):
        with pytest.raises(RenderingError, match=r"in the head loses to .* add !important"):
            inline(source)
        assert inline(source.replace(inlined, "p { top:0 }"))


def test_an_important_rule_in_the_head_that_an_inlined_one_beats_is_refused() -> None:
    sheet = "p { color:red !important }"
    rule = "@media print { p { color:blue !important } }"
    for source in (mail(sheet, head=kept(rule)), mail(f"{sheet}\n{rule}")):
        with pytest.raises(RenderingError, match="only one of them may say it"):
            inline(source)


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ('<style media="print">p{}</style>', 'must not have media="print"'),
        ('<style type="text/less">p{}</style>', 'must not have type="text/less"'),
        ('<style title="x">p{}</style>', 'must not have title="x"'),
        ("<noscript><style>p{}</style></noscript>", "must stand in the <head>"),
    ],
)
def test_a_style_element_that_browsers_take_otherwise_is_refused(
    element: str, reason: str
) -> None:
    with pytest.raises(RenderingError, match=reason):
        inline(mail("", head=element))


@pytest.mark.parametrize(
    "sheet",
    [
        "p { color }",
        "p { color:red",
        "{",
        "p { & b { top:0 } }",
        "@layer x;",
        "p,, b { top:0 }",
    ],
)
def test_a_sheet_with_a_fault_is_refused(sheet: str) -> None:
    if sheet == "p { color:red":
        assert inline(mail(sheet))  # the end of a sheet closes what is open
        return
    with pytest.raises(RenderingError, match="line 2 of the rendered mail"):
        inline(mail(sheet))


def test_tags_that_browsers_mend_otherwise_and_whatever_a_parser_raises_are_one_clear_error() -> (
    None
):
    with pytest.raises(RenderingError, match="browsers mend that in another way"):
        inline(mail("", "<div><b>x</div></b>"))
    with pytest.raises(RenderingError, match="premailer can't inline a mail: RecursionError"):
        inline(mail(f"p {{ width:{'calc(' * 3000}1px{')' * 3000} }}"))


def test_an_inliner_that_shares_no_code_agrees() -> None:
    source = mail(
        "p { color:red } .a { padding:0 4px } div .a { color:blue }", f"<div>{PARAGRAPH}</div>"
    )
    other = css_inline.inline(source, load_remote_stylesheets=False)
    ours = set(style_of(inline(source), "p").split(";"))
    assert {
        found.strip().replace(": ", ":")
        for found in style_of(other, "p").split(";")
        if found.strip()
    } == ours


def test_quotation_marks_and_ellipses_are_references_outside_of_style_sheets() -> None:
    kept = '<style data-premailer="ignore">q::before { content:"“" }</style>'
    written = inline(mail("", '<p title="„Tee“">„Tee“, ‘tea’…</p>', kept))
    assert 'q::before { content:"“" }' in written
    assert '<p title="„Tee&#8220;">„Tee&#8220;, &#8216;tea&#8217;&#8230;</p>' in written
