"""Inlining: what goes into elements, what stays in the head, and how it is marked there."""

from __future__ import annotations

import pytest

from publisher.errors import RenderingError
from publisher.rendering import digest
from publisher.rendering.environment import Templates
from publisher.rendering.inlining import inline
from tests.publisher.rendering import sample
from tests.publisher.rendering.style_sheets import mail

NARROW = "@media (max-width:600px)"
DARK = "@media (prefers-color-scheme:dark)"
PARAGRAPH = '<p class="a">text</p>'


def head(html: str) -> str:
    """Give what stands in the first style element, on one line."""
    return " ".join(html.partition("<style>")[2].partition("</style>")[0].split())


def body(html: str) -> str:
    return html.partition("<body")[2].partition(">")[2].partition("</body>")[0]


def test_rules_go_into_their_elements() -> None:
    result = inline(
        mail("p { color:#112233; } .a { color:#445566; font-size:16px; }", PARAGRAPH)
    )
    assert '<p class="a" style="color:#445566;font-size:16px">' in result
    assert "<style" not in result


def test_what_is_certainly_overruled_is_left_out_and_what_may_be_needed_is_not() -> None:
    sheet = "p { color:red; margin:1px 2px; } .a { color:#abcdef; margin:calc(1px + 1px); }"
    expected = "margin:1px 2px;color:#abcdef;margin:calc(1px + 1px)"
    assert f'style="{expected}"' in inline(mail(sheet, PARAGRAPH))


def test_strings_are_written_in_quotes_that_need_no_escape() -> None:
    sheet = "p { font-family:\"Segoe UI\", 'It\\'s'; }"
    assert "font-family:'Segoe UI', &quot;It's&quot;" in inline(mail(sheet, PARAGRAPH))


def test_a_rule_that_matches_nothing_is_left_out() -> None:
    assert "unused" not in inline(mail(".unused { color:red; } p { color:red; }", PARAGRAPH))


def test_elements_in_the_head_get_no_styles() -> None:
    result = inline(mail("* { color:red; }", PARAGRAPH))
    assert result.count("style=") == 3
    assert "<title>t</title>" in result


def test_a_table_body_that_is_only_implied_is_written_out_if_it_has_a_style() -> None:
    table = "<table><tr><td>x</td></tr></table>"
    assert body(inline(mail("tbody td { color:red; }", table))) == table.replace(
        "<td>", '<td style="color:red">'
    )
    assert '<table><tbody style="color:red"><tr>' in inline(mail("tbody { color:red; }", table))


def test_elements_without_an_end_have_no_content() -> None:
    text = "<p>a<wbr>b<b>c</b>d<embed><i>e</i>f</embed>g<wbr>h</p>"
    result = body(inline(mail("wbr b, embed i { color:red; } p > b { color:blue; }", text)))
    assert "color:red" not in result
    assert '<wbr></wbr>b<b style="color:blue">c</b>d<embed></embed><i>e</i>fg' in result


def test_a_sheet_in_the_body_leaves_its_place_and_the_text_behind_it() -> None:
    text = "<p>1</p><style>p { color:red; }</style>text<p>2</p>"
    expected = '<p style="color:red">1</p><style></style>text<p style="color:red">2</p>'
    assert body(inline(mail("", text))) == expected


def test_a_media_rule_that_wins_is_marked_and_one_that_loses_is_not() -> None:
    sheet = (
        f"td {{ margin:0; }} .a {{ color:red; }} {NARROW} {{ p {{ color:blue; margin:1px; }} }}"
    )
    result = inline(mail(sheet, PARAGRAPH))
    assert head(result) == f"{NARROW} {{ p {{ color:blue; margin:1px; }} }}"
    result = inline(mail(sheet.replace(".a {", "p {"), PARAGRAPH))
    assert head(result) == f"{NARROW} {{ p {{ color:blue !important; margin:1px; }} }}"


def test_a_longhand_is_marked_for_the_shorthand_that_it_beats() -> None:
    sheet = f"p {{ padding:1px; }} {NARROW} {{ p {{ padding-left:2px; color:red; }} }}"
    expected = f"{NARROW} {{ p {{ padding-left:2px !important; color:red; }} }}"
    assert head(inline(mail(sheet, PARAGRAPH))) == expected


def test_a_rule_that_is_heard_through_two_selectors_competes_once() -> None:
    sheet = (
        f"p {{ padding:1px; }} {NARROW} {{ .a, .b, p:hover, p:focus {{ padding-left:2px; }} }}"
    )
    result = inline(mail(sheet, '<p class="a b">x</p>'))
    assert '<p class="a b" style="padding:1px">' in result
    expected = f"{NARROW} {{ .a, .b, p:hover, p:focus {{ padding-left:2px !important; }} }}"
    assert head(result) == expected


def test_an_inlined_rule_is_marked_where_it_has_to_beat_what_is_marked_elsewhere() -> None:
    sheet = f"p {{ padding:1px; }} .a {{ padding:2px; }} {NARROW} {{ p {{ padding:3px; }} }}"
    result = inline(mail(sheet, f"{PARAGRAPH}<p>y</p>"))
    assert head(result) == f"{NARROW} {{ p {{ padding:3px !important; }} }}"
    # Without the mark as well: Outlook on Windows ignores marked declarations in attributes.
    assert '<p class="a" style="padding:2px;padding:2px !important">' in result
    assert '<p style="padding:1px">' in result


def test_an_own_style_is_marked_as_well_though_no_rule_is_inlined_there() -> None:
    sheet = f"p {{ color:red; }} {NARROW} {{ p, i {{ color:blue; }} }}"
    result = inline(mail(sheet, '<p>x</p><i style="color:green">y</i>'))
    assert '<i style="color:green;color:green !important">' in result


def test_what_no_marking_can_set_right_is_not_inlined() -> None:
    sheet = (
        f"p {{ color:red; margin:1px; }} .a {{ color:green; }} {NARROW} {{ p {{ color:blue; }} }}"
        f" {DARK} {{ .a {{ color:gray; }} }}"
    )
    result = inline(mail(sheet, f"{PARAGRAPH}<p>y</p>"))
    assert body(result) == '<p class="a" style="margin:1px">text</p><p style="margin:1px">y</p>'
    assert head(result) == (
        f"p {{ color:red; }} .a {{ color:green; }} {NARROW} {{ p {{ color:blue; }} }} "
        f"{DARK} {{ .a {{ color:gray; }} }}"
    )


def test_what_an_animation_sets_is_not_marked() -> None:
    sheet = f"@keyframes k {{ to {{ color:red; }} }} p {{ color:blue; }} {NARROW} {{ p {{ color:gray; }} }}"
    result = inline(mail(sheet, PARAGRAPH))
    assert "important" not in result
    assert "style=" not in result


def test_a_rule_that_not_every_browser_takes_stays_together() -> None:
    sheet = "p, p:-moz-thing { color:red; } p { margin:0; }"
    result = inline(mail(sheet, PARAGRAPH))
    assert head(result) == "p, p:-moz-thing { color:red; }"
    assert 'style="margin:0"' in result


def test_a_list_is_parted_into_what_is_inlined_and_what_stays() -> None:
    result = inline(mail("a, a:hover, td { color:red; }", "<a href='x'>x</a>"))
    assert head(result) == "a:hover { color:red !important; }"
    assert body(result) == '<a href="x" style="color:red">x</a>'


def test_sheets_for_some_media_stay_where_they_are() -> None:
    sheet = "p { color:red; }</style><style media='print'>p { color:black; } i { color:red; }"
    result = inline(mail(sheet, PARAGRAPH))
    left = "p { color:black !important; }\ni { color:red; }\n"
    assert f'<style media="print">{left}</style>' in result


def test_what_is_no_style_sheet_is_not_read() -> None:
    template = "<style type='text/less'>.b { .c; }</style>"
    result = inline(mail(f"p {{ color:red; }}</style>{template}<style>", PARAGRAPH))
    assert template.replace("'", '"') in result


def test_a_kept_sheet_may_win_by_itself_and_the_inlined_rule_gives_way() -> None:
    sheet = "p { color:red !important; }</style><style data-premailer='ignore'>.a { color:blue !important; }"
    result = inline(mail(sheet, PARAGRAPH))
    assert '<p class="a" style="color:red">' in result


def test_a_rule_of_a_kept_sheet_that_has_to_win_and_cannot_is_named_with_its_line() -> None:
    kept = f"\n\n{NARROW} {{\n.a {{ margin:0; padding:3px; }}\n}}"
    sheet = f"p {{ padding:1px; }}</style><style data-premailer='ignore'>{kept}"
    with pytest.raises(RenderingError) as caught:
        inline(mail(sheet, PARAGRAPH))
    assert str(caught.value) == (
        "line 6 of the rendered mail: `@media (max-width:600px) .a` in a kept style sheet sets "
        "`padding:3px`, but what is inlined wins over it; write `padding:3px !important`"
    )


@pytest.mark.parametrize(
    ("sheet", "line", "reason"),
    [
        (
            "\np { color:red; }\n\n.a, { color:red; }",
            6,
            "`.a,` is no selector that this program knows",
        ),
        ("p >> a { color:red; }", 3, "`p >> a` is no selector"),
        ("svg|a { color:red; }", 3, "`svg|a` is no selector"),
        ("p:nth-child(2 n) { color:red; }", 3, "`p:nth-child(2 n)` is no selector"),
        ("\n.a {\n  p { color:red; }\n}", 4, "`.a` has a rule within"),
        ("p { color:red; @media print { color:blue; } }", 3, "`p` has a rule within"),
        ("@layer a { p { color:red; } }", 3, "can't have @layer"),
        ("@media print { @scope (p) { i { color:red; } } }", 3, "can't have @scope"),
        ("\n@namespace url(x);", 4, "can't have @namespace"),
        ("\n\n.a { all:unset; }", 5, "`.a` sets `all`"),
        ("p { color:red; }\n.a", 4, "EOF reached before {} block"),
        (
            f"{'p, ' * 40}p! {{ }}",
            3,
            "`p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, p, ...` is no",
        ),
    ],
)
def test_what_is_refused_in_a_sheet_is_named_with_its_line(
    sheet: str, line: int, reason: str
) -> None:
    with pytest.raises(RenderingError) as caught:
        inline(mail(sheet, PARAGRAPH))
    assert str(caught.value).startswith(f"line {line} of the rendered mail: ")
    assert reason in str(caught.value)


def test_a_kept_sheet_may_say_what_nobody_knows() -> None:
    kept = "_:-x, :root p >>> i { color:red; } .a, {} u + .b! {} }"
    sheet = f"p {{ color:red; }}</style><style data-premailer='ignore'>{kept}"
    assert f"<style>{kept}</style>" in inline(mail(sheet, PARAGRAPH))


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("<style title='x'>", "a <style> must not have a title"),
        ("<style data-premailer='yes'>", "data-premailer can be 'ignore', and nothing else"),
        ("<noscript><style></style></noscript><style>", "must not stand in math, noscript"),
    ],
)
def test_style_elements_that_programs_take_differently_are_refused(
    written: str, reason: str
) -> None:
    source = mail("p { color:red; }", PARAGRAPH).replace("<style>", written)
    with pytest.raises(RenderingError, match=reason):
        inline(source)


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note what goes into the inliner: a spy, since it is kept nowhere."""
    noted: list[str] = []

    def noting(html: str) -> str:
        noted.append(html)
        return inline(html)

    monkeypatch.setattr(digest, "inline", noting)
    return noted


@pytest.mark.parametrize("language", sample.LANGUAGES)
def test_our_own_mails_are_inlined_whole(sources: list[str], language: str) -> None:
    result = digest.render_digest(Templates(None), sample.issue(language)).html
    # One sheet is inlined; the others are kept, or Outlook's.
    assert result.count("<style") == sources[-1].count("<style") - 1
    assert "!important" not in result.partition("<body")[2]
