from __future__ import annotations

import pytest

from publisher.gate.rules import box_model
from tests.publisher.gate.pages import (
    Fault,
    changed,
    codes,
    findings,
    with_content,
)


def celled(style: str, attributes: str = "") -> str:
    return with_content(
        '<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>'
        f'<td {attributes} style="{style}">x</td></tr></table>'
    )


FAULTS = (
    Fault(
        "a paragraph has padding",
        "padding-place",
        with_content('<p style="padding:0 0 9px 0">x</p>'),
    ),
    Fault(
        "a margin centres", "margin-auto", with_content('<div style="margin:0 auto">x</div>')
    ),
    Fault(
        "a margin is negative",
        "margin-negative",
        with_content('<p style="margin:-9px 0 0 0">x</p>'),
    ),
    Fault(
        "a span has a margin",
        "margin-place",
        with_content('<span style="margin-left:4px">x</span>'),
    ),
    Fault("text-align is start", "align-start", celled("text-align:start")),
    Fault(
        "a shorthand stands beside its longhand",
        "shorthand-mixed",
        celled("padding:0; padding-left:9px"),
    ),
    Fault("a colour has three digits", "colour-form", celled("color:#fff")),
    Fault("a colour is transparent", "colour-form", celled("color:rgba(0,0,0,.9)")),
    Fault(
        "a colour in a shorthand is of a newer form",
        "colour-form",
        celled("border:1px solid oklch(.5 .1 20)"),
    ),
    Fault("a cell has no bgcolor", "bgcolor", celled("background-color:#ffffff")),
    Fault(
        "it has another one", "bgcolor", celled("background-color:#ffffff", 'bgcolor="#fffffe"')
    ),
    Fault(
        "there is no colour behind a background image",
        "background-colour",
        celled("background-image:url(https://news.example.org/x.png)"),
    ),
    Fault(
        "there is no colour behind a gradient",
        "background-colour",
        celled("background:linear-gradient(#ffffff,#000000)"),
    ),
    Fault(
        "the image is in an attribute",
        "background-colour",
        celled("margin:0", 'background="x.png"'),
    ),
    Fault(
        "a line height is not exact",
        "line-height-rule",
        changed("mso-line-height-rule:exactly; ", ""),
    ),
)


@pytest.mark.parametrize(
    "content",
    [
        '<p style="margin:9px 0 0 0; padding:0">x</p>',
        '<table role="presentation" align="center" style="margin:0 auto"></table>',
        '<p style="border:1px solid #112233; border-collapse:collapse">x</p>',
        '<p style="color:red; background-color:transparent">x</p>',
        '<p style="line-height:1.5">x</p>',
        '<p style="display:none; line-height:9px">x</p>',
    ],
)
def test_styles_that_every_client_supports_are_accepted(content: str) -> None:
    assert codes(box_model, with_content(content)) == []


def test_a_colour_behind_a_background_image_is_enough() -> None:
    style = "background-color:#112233; background-image:url(https://news.example.org/x.png)"
    assert codes(box_model, celled(style, 'bgcolor="#112233"')) == []


def test_rules_that_were_not_inlined_are_checked_where_they_apply() -> None:
    page = with_content('<p class="note">x</p>')
    page = page.replace("<style>", "<style>td.note { padding:9px } p.note { padding:9px }", 1)
    assert [found.where for found in findings(box_model, page)] == ["p.note"]
