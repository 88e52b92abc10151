"""Inlining what is hostile, broken or far too large: one clear error, or a mail that is right."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from publisher.errors import RenderingError
from publisher.rendering.inlining import inline, sheets
from tests.publisher.rendering.style_sheets import mail

PARAGRAPH = '<p class="a">text</p>'

IMPORTS = (
    "@import url(file:///etc/hostname);",
    "@IMPORT 'https://example.org/a.css';",
    "@\\69mport 'x';",
    "@\\000049 mport url(x);",
    "@import/**/'x';",
    "/**/@import url(x) screen;",
    "p { color:red; } @import 'x';",
    "@media screen { @import 'x'; }",
    "@unknown { @import 'x'; }",
    "p { @import 'x'; }",
    "@charset 'utf-8'; @import 'x'",
    "<!-- @import 'x'; -->",
)


@pytest.mark.parametrize("sheet", IMPORTS)
@pytest.mark.parametrize("attributes", ["", " data-premailer='ignore'", " media='print'"])
def test_an_import_is_refused_however_it_is_written(sheet: str, attributes: str) -> None:
    source = mail(sheet, PARAGRAPH).replace("<style>", f"<style{attributes}>")
    with pytest.raises(RenderingError, match=r"line 3 .* must not @import another"):
        inline(source)


@pytest.mark.parametrize(
    "sheet", ["/* @import 'x'; */ p { color:red; }", "@im/**/port 'x'; p { color:red; }"]
)
def test_what_only_looks_like_an_import_becomes_none(sheet: str) -> None:
    result = inline(mail(sheet, PARAGRAPH))
    assert 'style="color:red"' in result
    assert "@import" not in result


@pytest.mark.parametrize(
    "link",
    [
        "<link rel=stylesheet href='https://example.org/a.css'>",
        "<LINK REL='alternate StyleSheet' HREF='file:///etc/hostname'>",
        "<link rel='preload stylesheet' href=x>",
    ],
)
def test_a_linked_sheet_is_refused(link: str) -> None:
    source = mail("", PARAGRAPH).replace("<style>", f"{link}<style>")
    with pytest.raises(RenderingError, match="must not <link> to a style sheet"):
        inline(source)


HARMLESS = {
    "preload": "<link rel=preload as=style href='{address}/preload.css'>",
    "base": "<base href='{address}/base/'>",
    "picture": "<style>p {{ background:url({address}/picture.png); }}</style>",
    "font": "<style>@font-face {{ font-family:f; src:url({address}/f.woff); }}</style>",
    "file": "<style>p {{ background:url(file:///etc/hostname); }}</style>",
    "expression": "<style>p {{ width:expression(document.title); behavior:url(x.htc); }}</style>",
    "kept": "<style data-premailer=ignore>p {{ background:url({address}/kept.png); }}</style>",
    "print": "<style media=print>p {{ background:url({address}/print.png); }}</style>",
    "refused": "<link rel=stylesheet href='{address}/linked.css'>",
    "imported": "<style>@import url({address}/imported.css);</style>",
    "instruction": "<?xml-stylesheet href='{address}/xml.css'?>",
}
# Every file and every connection that Python opens is an event (PEP 578).
AUDITED = """
import json, socket, sys, threading
from publisher.errors import RenderingError
from publisher.rendering.inlining import inline
sources, warm = json.load(sys.stdin)
inline(warm)
server = socket.create_server(("127.0.0.1", 0))
server.settimeout(0)
address = "http://127.0.0.1:%d" % server.getsockname()[1]
seen = []
WATCHED = ("open", "socket.", "urllib.", "subprocess.", "os.", "ctypes.")
sys.addaudithook(lambda event, args: event.startswith(WATCHED) and seen.append([event, repr(args)]))
for source in sources:
    try:
        inline(source.replace("ADDRESS", address))
    except RenderingError:
        pass
found = list(seen)
try:
    server.accept()
    found.append("connected")
except BlockingIOError:
    pass
print(json.dumps(found))
"""


def test_neither_a_file_nor_a_connection_is_opened() -> None:
    heads = [text.format(address="ADDRESS") for text in HARMLESS.values()]
    sources = [
        mail("p { color:red; }", PARAGRAPH).replace("<style>", f"{h}<style>") for h in heads
    ]
    done = subprocess.run(
        [sys.executable, "-c", AUDITED],
        input=json.dumps([sources, mail("p:hover, p { color:red; }", PARAGRAPH)]),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (json.loads(done.stdout), done.stderr) == ([], "")


@pytest.mark.parametrize("name", [n for n in HARMLESS if n not in {"refused", "imported"}])
def test_what_nobody_follows_here_is_left_to_the_gate(name: str) -> None:
    source = mail("p { color:red; }", PARAGRAPH)
    source = source.replace("<style>", HARMLESS[name].format(address="") + "<style>")
    assert "color:red" in inline(source)


def test_an_end_tag_in_a_string_ends_a_sheet_only_if_it_is_not_escaped() -> None:
    for written in ("<\\/style>", "\\3c/style>"):
        result = inline(mail(f"p::after {{ content:'{written}'; }}", PARAGRAPH))
        assert "p::after { content:'<\\/style>'; }" in result
    for value in ("url(<\\/style>)", "'<\\/STYLE>'", "\\<\\/style\\>"):
        result = inline(mail(f"p:hover {{ --x:{value}; }} p {{ --x:{value}; }}", PARAGRAPH))
        assert result.lower().count("</style") == 1
    # An escaped sign that the standard way to write it turns into an end tag.
    with pytest.raises(RenderingError, match="must not hold `</style`"):
        inline(mail("p:hover { --x:\\3c/style; }", PARAGRAPH))
    with pytest.raises(RenderingError, match="Unexpected end tag : style"):
        inline(mail("p::after { content:'</style><b>x</b>'; }", PARAGRAPH))


def test_a_value_cannot_leave_its_attribute() -> None:
    sheet = "p { --x:'\\22><b>'; background:url('x\\22 onload=\\22y'); content:\"a\\\"'b\"; }"
    result = inline(mail(sheet, PARAGRAPH))
    assert "<b>" not in result
    assert 'onload="' not in result
    assert "content:&quot;a\\&quot;'b&quot;" in result
    # Neither can a name.
    result = inline(mail("p { \\3b color\\3a red\\3b: x; margin:0; }", PARAGRAPH))
    assert r'style="\;color\:red\;:x;margin:0"' in result


def test_characters_that_cannot_be_are_replaced() -> None:
    assert "<p>a\ufffdb\ufffdc</p>" in inline(mail("", "<p>a\x00b\ud800c</p>"))


def test_what_the_end_of_a_sheet_leaves_open_is_closed() -> None:
    assert 'style="background:url(x)"' in inline(mail("p { background:url(x", PARAGRAPH))
    own = '<p style="font-family:\'Ari">x</p>'
    result = inline(mail("p { color:red; }", own))
    assert "<p style=\"color:red;font-family:'Ari'\">" in result


@pytest.mark.parametrize(
    "body",
    [
        "<p style='style'>x</p>",
        "<p style='{}'>x</p>",
        "<p style='}'>x</p>",
        "<p style='color'>x</p>",
        "<p style=':;;'>x</p>",
        "<p style='@import url(x)'>x</p>",
        "<p style='color:{{x}}'>x</p>",
        "<p style=':hover{color:blue}'>x</p>",
    ],
)
def test_odd_own_styles_break_nothing(body: str) -> None:
    assert "color:red" in inline(mail("p { color:red; }", body))


@pytest.mark.parametrize(
    "sheet",
    [
        f"p {{ color:{'(' * 20_000}; }}",
        f"{':not(' * 5_000}p{')' * 5_000} {{ color:red; }}",
        "@media x {" * 5_000,
        "a {" * 5_000,
    ],
)
def test_what_is_nested_beyond_reason_is_refused(sheet: str) -> None:
    with pytest.raises(RenderingError, match="nested too deeply"):
        inline(mail(sheet, PARAGRAPH))


def test_an_own_style_that_is_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(RenderingError, match="nested too deeply"):
        inline(mail("p { color:red; }", f"<p style='color:{'(' * 20_000}'>x</p>"))


ROWS = PARAGRAPH * 2_000
MANY = range(3_000)


@pytest.mark.parametrize(
    ("sheet", "body", "reason"),
    [
        ("p { color:red; }\n" * 300_000, "", "characters; it may have 1500000"),
        ("p { color:red; }\n" * 10_000, "", "the style sheets have 170000 characters"),
        ("", "<p>x</p>" * 200_000, "characters; it may have 1500000"),
        ("".join(f"p:nth-child({n}) {{ color:red; }}" for n in MANY), ROWS, "ask too much"),
        ("".join(f"p + .a{n} ~ p {{ color:red; }}" for n in MANY), ROWS, None),
        ("".join(f".a ~ p:not(.b{n}) {{ margin:0; }}" for n in MANY), ROWS, "ask too much"),
        ("".join(f"p {{ color:#{n:06x}; }}" for n in MANY), ROWS, "ask too much"),
        ("".join(f"p {{ color:#{n:06x}; }}" for n in MANY), PARAGRAPH, "more than 300 rules"),
        (
            "".join(f"@media x{n} {{ p {{ margin:0; }} }}" for n in MANY),
            PARAGRAPH,
            "more than 300",
        ),
        (f"{'p ~ ' * 100}p {{ color:red; }}", ROWS, None),
        (f"p{':first-child' * 5_000} {{ color:red; }}", ROWS, "ask too much"),
        (f"{'p ' * 10_000} {{ color:red; }}", ROWS, None),
        (f"p {{ {'color:red;' * 299} }}", ROWS, None),
        ("", "<p style='" + "color:red;" * 10_000 + "'>x</p>", "more than 300"),
    ],
)
def test_what_asks_for_too_much_takes_seconds_at_most(
    sheet: str, body: str, reason: str | None
) -> None:
    sheets.parse.cache_clear()
    started = time.process_time()
    if reason is None:
        assert inline(mail(sheet, body)).endswith("</html>")
    else:
        with pytest.raises(RenderingError, match=reason):
            inline(mail(sheet, body))
    # About a second, or two where it is slow; the process apart that makes mails has five.
    assert time.process_time() - started < 5


MISPLACED = (
    ("<table><td>a</td></table>", "<td> can't stand in <table>"),
    ("<table><tbody><td>a</td></tbody></table>", "<td> can't stand in <tbody>"),
    ("<table><p>x</p><tr><td>a</td></tr></table>", "<p> can't stand in <table>"),
    ("<table>text<tr><td>a</td></tr></table>", "text can't stand in <table>"),
    ("<table>&nbsp;<tr><td>a</td></tr></table>", "text can't stand in <table>"),
    ("<table><form><tr><td>a</td></tr></form></table>", "<form> can't stand in <table>"),
    ("<table><tr><div>x</div><td>a</td></tr></table>", "<div> can't stand in <tr>"),
    ("<table><tr><td>a</td> text </tr></table>", "text can't stand in <tr>"),
    ("<div><td>x</td></div>", "<td> can't stand in <div>"),
    ("<div><tr><td>x</td></tr></div>", "<tr> can't stand in <div>"),
    ("<p>a<table><tr><td>x</td></tr></table>b</p>", "Unexpected end tag : p"),
    ("<p>a<ul><li>x</li></ul></p>", "Unexpected end tag : p"),
    ("<p>a<section>b</section></p>", "<section> can't stand in <p>"),
    ("<p><span><h2>b</h2></span></p>", "<h2> can't stand in <p>"),
    ("a</p>b", "Unexpected end tag : p"),
    ("<a href=1>x<a href=2>y</a></a>", "Unexpected end tag : a"),
    ("<a href=1><span>x<a href=2>y</a></span></a>", "<a> can't stand in <a>"),
    ("<b><p>x</b>y</p>", "Unexpected end tag : b"),
    ("<h1>a<h2>b</h2></h1>", "<h2> can't stand in <h1>"),
    ("<button>a<button>b</button></button>", "<button> can't stand in <button>"),
    ("<form><form><p>x</p></form></form>", "Unexpected end tag : form"),
    ("<div/>x", "browsers don't close <div/>"),
    ('<a name="x"/>y', "browsers don't close <a/>"),
    ("<![if !mso]><p>x</p><![endif]>", "<![if... is broken by HTML parsers"),
    ("<html class=x><body class=y><p>z", "htmlParseStartTag: misplaced <html> tag"),
)


@pytest.mark.parametrize(("body", "reason"), MISPLACED)
def test_html_that_programs_mend_differently_is_refused_and_shown(
    body: str, reason: str
) -> None:
    with pytest.raises(RenderingError) as caught:
        inline(mail("", body))
    assert str(caught.value).startswith(f"line 5 of the rendered mail: {reason}")
    assert body[:40] in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "<!DOCTYPE html>",
        "<!DOCTYPE html><title>x</title>",
        "<!DOCTYPE html><frameset></frameset>",
    ],
)
def test_a_mail_without_a_body_is_refused(source: str) -> None:
    with pytest.raises(RenderingError, match="a mail must have a body"):
        inline(source)
