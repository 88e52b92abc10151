"""What premailer 3.10.0 gets wrong, left to itself: a test for each trap, by its number.

Each shows the trap, so that an upstream that mends it is noticed, and then that it is closed.
"""

from __future__ import annotations

import functools
import http.server
import importlib.metadata
import inspect
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cssutils
import premailer.cache
import pytest
from lxml import etree
from premailer import Premailer, transform

from publisher.errors import RenderingError
from publisher.rendering.inlining import hardened, inline, sheets
from tests.publisher.rendering.style_sheets import mail

left_to_itself = functools.partial(transform, cssutils_logging_level=logging.CRITICAL)

NARROW = "@media (max-width:600px)"
PARAGRAPH = '<p class="a">text</p>'


def style_of(html: str, begins: str) -> str:
    """Give the style attribute of the tag that begins so."""
    tag = html[html.index(begins) :].partition(">")[0]
    return tag.partition('style="')[2].partition('"')[0]


def test_what_we_exchange_is_there_and_is_called_as_we_think() -> None:
    assert importlib.metadata.version("premailer") == "3.10.0"
    own = Premailer.transform
    assert set(hardened.HELPERS) <= set(own.__code__.co_names)
    assert own.__code__.co_freevars == ()
    assert str(inspect.signature(own)) == "(self, html=None, pretty_print=True, **kwargs)"
    called = {
        "_parse_style_rules": "(self, css_body, ruleset_index)",
        "_style_to_basic_html_attributes": "(self, element, style_content, force=False)",
        "_parse_css_string": "(self, css_body, validate=True)",
        "_load_external": "(self, url)",
    }
    for name, signature in called.items():
        assert str(inspect.signature(getattr(Premailer, name))) == signature


def test_what_is_never_to_be_reached_raises() -> None:
    engine = hardened._Hardened([], lambda _names, before: before)
    with pytest.raises(RenderingError, match="must not parse style sheets"):
        engine._parse_css_string("p { color:red; }")
    with pytest.raises(RenderingError, match="must not load file:///etc/hostname"):
        engine._load_external("file:///etc/hostname")


def test_whatever_premailer_lets_through_is_one_clear_error() -> None:
    root = etree.fromstring(mail("p { color:red; }", PARAGRAPH), etree.HTMLParser())
    with pytest.raises(RenderingError, match="premailer can't inline a mail: IndexError"):
        hardened.transform(root, [], lambda _names, before: before)


def test_1_importance_survives_in_media_rules() -> None:
    source = mail(
        f"p {{ color:red; }} {NARROW} {{ p {{ color:blue !important; }} }}", PARAGRAPH
    )
    assert "important" not in left_to_itself(source)
    assert "p { color:blue !important; }" in inline(source)


def test_2_a_marked_block_is_kept_to_the_letter_and_loses_its_mark() -> None:
    kept = "/* mine */\n@media screen{.a{COLOR:#FFF!important}}\n[data-ogsc] .a\n{}"
    source = mail(f"p {{ color:red; }}</style><style data-premailer='ignore'>{kept}", PARAGRAPH)
    assert f"<style>{kept}</style>" in left_to_itself(source)
    assert f"<style>{kept}</style>" in inline(source)
    # Left to itself it forgets the mark where the block is for some media.
    source = source.replace("'ignore'", "'ignore' media='print'")
    assert "data-premailer" in left_to_itself(source)
    assert f'<style media="print">{kept}</style>' in inline(source)


def test_3_rules_that_wait_for_a_mail_program_are_kept() -> None:
    source = mail("[data-ogsc] .a { color:white; } p { color:black; }", PARAGRAPH)
    assert "data-ogsc" not in left_to_itself(source)
    assert "[data-ogsc] .a { color:white !important; }" in inline(source)


@pytest.mark.parametrize(
    "rule",
    [
        "@font-face{font-family:F;src:url(f.woff)}",
        "@keyframes k{from{color:red}to{color:blue}}",
        "@supports (display:grid) {\np { display:grid; }\n}",
        "@page{margin:1cm}",
        "@counter-style c{symbols:a}",
    ],
)
def test_4_at_rules_are_kept(rule: str) -> None:
    source = mail(f"{rule} td {{ color:red; }}", PARAGRAPH)
    assert rule[:8] not in left_to_itself(source)
    assert rule in inline(source)


def test_5_media_rules_may_nest_and_be_written_in_the_new_way() -> None:
    nested = mail("@media screen { @media (width<=600px) { p { color:red; } } }", PARAGRAPH)
    with pytest.raises(AttributeError):
        left_to_itself(nested)
    kept = "@media screen {\n@media (width<=600px) {\np { color:red; }\n}\n}"
    assert kept in inline(nested)


def test_6_shorthands_and_longhands_come_out_in_their_order() -> None:
    sheet = "p { padding:0; } .a { padding-right:16px; } p.a { padding:4px; }"
    source = mail(sheet, PARAGRAPH)
    # A property that is set again keeps its first place, and so loses.
    assert style_of(left_to_itself(source), "<p") == "padding:4px; padding-right:16px"
    assert style_of(inline(source), "<p") == "padding:4px"


def test_7_attributes_and_pseudo_classes_count_in_specificity() -> None:
    source = mail(
        "[dir=rtl] .a { border-left:0; } .a { border-left:1px solid; }",
        f"<div dir=rtl>{PARAGRAPH}</div>",
    )
    assert style_of(left_to_itself(source), "<p") == "border-left:1px solid"
    assert style_of(inline(source), "<p") == "border-left:0"


@pytest.mark.parametrize("selector", ["p:not(.b)", "div:first-child p", "div :nth-child(1)"])
def test_8_what_a_document_settles_is_inlined(selector: str) -> None:
    source = mail(f"{selector} {{ color:red; }}", f"<div>{PARAGRAPH}</div>")
    assert style_of(left_to_itself(source), "<p") == ""
    assert style_of(inline(source), "<p") == "color:red"
    assert "<style" not in inline(source)


def test_8_what_it_does_not_settle_stays_in_the_head_and_wins() -> None:
    source = mail("a { color:red; } a:hover { color:blue; }", "<a href=x>x</a>")
    assert "a:hover { color:blue !important; }" in inline(source)
    assert style_of(inline(source), "<a") == "color:red"


@pytest.mark.parametrize("selector", ["*", 'a[href*="x"]', ".a *"])
def test_9_stars_are_no_reason_to_ignore_a_rule(selector: str) -> None:
    source = mail(f"{selector} {{ color:red; }}", "<p class=a><a href='x:y'>x</a></p>")
    assert style_of(left_to_itself(source), "<a") == ""
    assert style_of(inline(source), "<a") == "color:red"


def test_9_colons_in_attributes_are_no_pseudo_classes() -> None:
    source = mail('a[href^="x:y"] { color:red; }', "<a href='x:y'>x</a>")
    assert style_of(left_to_itself(source), "<a") == ""
    assert style_of(inline(source), "<a") == "color:red"


def test_10_an_important_rule_beats_an_own_style() -> None:
    source = mail("p { color:red !important; }", "<p style='color:blue'>x</p>")
    itself = left_to_itself(source, strip_important=False)
    assert style_of(itself, "<p") == "color:blue"
    # Said twice: Outlook on Windows ignores what is important in an attribute.
    assert style_of(inline(source), "<p") == "color:red;color:red !important"


def test_11_fallbacks_stay_together() -> None:
    source = mail("p { background:#fff; background:linear-gradient(red,blue); }", PARAGRAPH)
    assert "#fff" not in left_to_itself(source)
    expected = "background:#fff;background:linear-gradient(red,blue)"
    assert style_of(inline(source), "<p") == expected


@pytest.mark.parametrize("value", ["#0000001a", "rgb(1 2 3 / 50%)", "oklch(50% .1 20)"])
def test_12_values_that_cssutils_does_not_know_are_kept(value: str) -> None:
    source = mail(f"p {{ color:{value}; }}", PARAGRAPH)
    assert value not in left_to_itself(source)
    assert style_of(inline(source), "<p") == f"color:{value}"


def test_13_sizes_in_attributes_are_left_to_the_template() -> None:
    source = mail("img { width:100%; height:auto; }", '<img src="x.png" width="300" alt="">')
    assert 'height="auto"' in left_to_itself(source)
    assert '<img src="x.png" width="300" alt="" style="width:100%;height:auto">' in inline(
        source
    )


def test_14_so_are_alignment_and_colours() -> None:
    sheet = "td { text-align:start; background-color:rgba(0,0,0,.5); vertical-align:top; }"
    source = mail(sheet, "<table><tr><td>x</td></tr></table>")
    assert 'align="start"' in left_to_itself(source)
    result = inline(source)
    assert not any(name in result for name in ("align=", "bgcolor="))


def test_15_tokens_and_braces_in_text_pass() -> None:
    body = (
        '<a href="@@UNSUBSCRIBE@@">@@ADDRESS@@ {{ x }} {% if a %}</a><img src="@@P@@" alt="">'
    )
    assert body in inline(mail("", body))


def test_16_addresses_are_not_touched() -> None:
    body = '<a href="#top">x</a><a href="/y?a=1&amp;b=2">y</a>'
    assert 'href="https://example.org/#top"' not in left_to_itself(mail("", body))
    assert 'href="https://ex.org/#top"' in transform(mail("", body), base_url="https://ex.org/")
    assert body in inline(mail("", body))


def test_17_empty_elements_keep_their_end() -> None:
    body = '<a id="x"></a><table><tr><td></td></tr></table><br>'
    assert "<td/>" in left_to_itself(
        mail("", body.replace("<br>", "<br/>")).replace('"utf-8">', '"utf-8"/>'), method="xml"
    )
    assert body in inline(mail("", body))


@pytest.mark.parametrize(
    "written", ["<!doctype html>", "<!DOCTYPE HTML>", "\n <!DOCTYPE html>"]
)
def test_18_the_document_type_is_kept_however_it_is_written(written: str) -> None:
    source = mail("p { color:red; }", PARAGRAPH).replace("<!DOCTYPE html>", written)
    if "DOCTYPE html" not in written:
        assert "doctype" not in left_to_itself(source).lower()
    assert inline(source).startswith("<!DOCTYPE html>\n<html")


def test_19_what_lies_deep_is_not_lost() -> None:
    def deep(depth: int) -> str:
        return mail("p { color:red; }", "<div>" * depth + "deep" + "</div>" * depth)

    assert "deep" not in left_to_itself(deep(300))
    assert "deep" in inline(deep(98))
    with pytest.raises(RenderingError, match="nested 302 deep; a mail may have 100"):
        inline(deep(300))


@pytest.mark.parametrize("source", ["", "<p>text</p>", '<?xml version="1.0"?><!DOCTYPE html>'])
def test_20_what_is_no_document_is_one_clear_error(source: str) -> None:
    with pytest.raises((AttributeError, ValueError, IndexError)):
        left_to_itself(source.replace("<p>text</p>", ""))
    with pytest.raises(RenderingError, match="must begin with <!DOCTYPE html>"):
        inline(source)


def test_21_every_script_passes_and_entities_become_characters() -> None:
    body = "<p>中文 𠮷 العربية \u200f \u2067x\u2069 👩‍💻 &nbsp;&zwnj;&copy;&lt;&amp;</p>"
    expected = "<p>中文 𠮷 العربية \u200f \u2067x\u2069 👩‍💻 \u00a0\u200c©&lt;&amp;</p>"
    assert expected in inline(mail("", body))
    assert expected in inline(mail("", body).replace("utf-8", "big5"))


def test_22_addresses_in_other_scripts_are_percent_encoded() -> None:
    assert 'href="https://example.org/%E4%B8%AD"' in inline(
        mail("", '<a href="https://example.org/中">x</a>')
    )


def test_23_comments_for_outlook_are_kept_and_their_other_form_is_refused() -> None:
    body = "<!--[if mso]><table><tr><td><![endif]--><p>x</p><!--[if !mso]><!--><p>y</p><!--<![endif]-->"
    assert body in inline(mail("", body))
    broken = "<![if !mso]><p>x</p><![endif]>"
    assert "<!--[if !mso]-->" in left_to_itself(mail("", broken))
    with pytest.raises(RenderingError, match=r"<!\[if\.\.\. is broken by HTML parsers"):
        inline(mail("", broken))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """Serve style sheets on this machine; gives the address, and what was asked for."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/css")
            self.end_headers()
            self.wfile.write(b"p { color:red }")

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()


def test_24_imports_are_never_followed(server: tuple[str, list[str]]) -> None:
    address, asked = server
    source = mail(f"@import url({address}/a.css);", PARAGRAPH)
    left_to_itself(source, allow_network=False)
    assert asked.pop() == "/a.css"
    with pytest.raises(RenderingError, match="must not @import another"):
        inline(source)
    assert asked == []


def test_25_linked_sheets_are_never_loaded(server: tuple[str, list[str]]) -> None:
    address, asked = server
    source = mail("", PARAGRAPH).replace(
        "<style>", f"<link rel=stylesheet href={address}/b.css><style>"
    )
    left_to_itself(source)
    assert asked.pop() == "/b.css"
    with pytest.raises(RenderingError, match="must not <link> to a style sheet"):
        inline(source)
    assert asked == []


@pytest.mark.parametrize("attribute", ["style", "p", "head"])
def test_26_an_attribute_that_reads_like_a_selector_breaks_nothing(attribute: str) -> None:
    source = mail("p { color:red; }", f'<p style="{attribute}">x</p>')
    with pytest.raises(TypeError):
        left_to_itself(source)
    assert style_of(inline(source), "<p") == "color:red"


def test_27_a_sheet_of_many_rules_is_read_once() -> None:
    assert premailer.cache.cache.maxsize == 128
    source = mail("".join(f".c{number} {{ color:red; }}" for number in range(500)), PARAGRAPH)
    inline(source)
    before = sheets.parse.cache_info()
    inline(source)
    after = sheets.parse.cache_info()
    assert (after.hits, after.misses) == (before.hits + 1, before.misses)
    assert len(premailer.cache.cache) <= 128


def test_28_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    source = mail("p { mso-line-height-rule:exactly; color:#0000001a; zoom:1 }", PARAGRAPH)
    cssutils.log.setLevel(logging.INFO)
    log = logging.getLogger("CSSUTILS")
    log.addHandler(caplog.handler)
    try:
        transform(source)
        assert len(caplog.records) > 0
        caplog.clear()
        inline(source)
        assert caplog.records == []
    finally:
        log.removeHandler(caplog.handler)


def test_29_white_space_stays_as_it_is() -> None:
    body = "<table><tr><td><p>x</p></td></tr></table><div><p>y</p></div>"
    assert body not in Premailer(mail("", body)).transform()
    assert body in inline(mail("", body))


def test_30_classes_stay_and_no_sheet_is_there_twice() -> None:
    result = inline(mail(f"p {{ color:red; }} {NARROW} {{ p {{ color:blue; }} }}", PARAGRAPH))
    assert 'class="a"' in result
    assert result.count("color:red") == 1
    assert result.count("<style") == 1


def test_31_threads_do_not_disturb_each_other() -> None:
    sources = [
        mail(
            f"p {{ color:#{number:06x}; }} {NARROW} {{ p {{ margin:{number}px; }} }}", PARAGRAPH
        )
        for number in range(48)
    ]
    expected = [inline(source) for source in sources]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(inline, sources * 2)) == expected * 2
