"""premailer, hardened: what it keeps, and what it refuses."""

from __future__ import annotations

import urllib.request

import pytest

from publisher.errors import RenderingError
from publisher.rendering import inlining
from publisher.rendering.inlining import inline


def mail(style: str, body: str = "<p class='a'>text</p>", head: str = "") -> str:
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>{head}"
        f"<style>{style}</style></head><body>{body}</body></html>"
    )


def test_rules_go_into_their_elements() -> None:
    result = inline(mail("p { color:#112233; } .a { color:#445566; font-size:16px; }"))
    assert '<p class="a" style="color:#445566; font-size:16px">' in result
    assert "<style" not in result


@pytest.mark.parametrize(
    "written", ["<!doctype html>", "\n <!DOCTYPE HTML>", "<!DOCTYPE html>"]
)
def test_the_document_type_is_kept_however_it_is_written(written: str) -> None:
    source = written + mail("p { color:#112233; }")[len("<!DOCTYPE html>") :]
    assert inline(source).startswith("<!DOCTYPE html>\n<html")


def test_rules_for_the_head_are_kept_to_the_letter() -> None:
    kept = "@media (prefers-color-scheme:dark) {\n.a { color:#ffffff !important; }\n}"
    block = f'<style data-premailer="ignore">{kept}</style>'
    assert f"<style>{kept}</style>" in inline(mail("p { margin:0; }", head=block))


def test_importance_survives_in_media_rules_that_are_not_set_apart() -> None:
    result = inline(mail("@media (max-width:600px) { .a { color:#ffffff !important; } }"))
    assert "#fff !important" in result or "#ffffff !important" in result


def test_attributes_are_left_to_the_template() -> None:
    body = (
        '<table width="600"><tr><td class="a">x</td></tr></table><img src="x.png" width="300">'
    )
    style = "td { text-align:left; background-color:#112233; width:50%; } img { width:100%; }"
    result = inline(mail(style, body))
    assert '<img src="x.png" width="300" style="width:100%">' in result
    assert "bgcolor" not in result
    assert "align=" not in result


def test_conditional_comments_tokens_and_other_scripts_pass_through() -> None:
    body = (
        "<!--[if mso]><table><tr><td><![endif]--><p>中文 العربية &amp; 𠮷</p>"
        '<a href="@@UNSUBSCRIBE@@">@@ADDRESS@@</a><!--[if mso]></td></tr></table><![endif]-->'
    )
    result = inline(mail("p { margin:0; }", body))
    assert "<!--[if mso]><table><tr><td><![endif]-->" in result
    assert '<a href="@@UNSUBSCRIBE@@">@@ADDRESS@@</a>' in result
    assert "中文 العربية &amp; 𠮷" in result


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda *a, **_k: asked.append(a))
    for style in (
        "@import url(https://example.org/a.css); p { color:#112233; }",
        "@IMPORT 'file:///etc/hostname';",
    ):
        with pytest.raises(RenderingError, match="must not @import"):
            inline(mail(style))
    with pytest.raises(RenderingError, match="must not <link>"):
        inline(mail("", head='<link rel="Stylesheet" href="https://example.org/a.css">'))
    # Hidden from the check by an escape, it is still not followed.
    assert "text" in inline(mail("@\\69mport url(https://example.org/a.css);"))
    assert asked == []


def test_deep_nesting_is_refused_before_it_loses_content() -> None:
    body = "<div>" * 300 + "deep" + "</div>" * 300
    with pytest.raises(RenderingError, match="nested 302 deep"):
        inline(mail("p { margin:0; }", body))


def test_text_that_would_get_lost_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inlining, "MAX_DEPTH", 1_000)
    body = "<div>" * 300 + "deep" + "</div>" * 300
    with pytest.raises(RenderingError, match="would lose text"):
        inline(mail("p { margin:0; }", body))


def test_what_premailer_chokes_on_is_one_clear_error() -> None:
    with pytest.raises(RenderingError, match="can't be inlined"):
        inline(mail("@media screen { @media (max-width:600px) { p { margin:0; } } }"))


@pytest.mark.parametrize("source", ["", "<p>text</p>", "plain"])
def test_what_is_no_document_is_refused(source: str) -> None:
    with pytest.raises(RenderingError, match="must begin with"):
        inline(source)
