"""Style sheets of custom templates: Chromium computes the same values before and after inlining."""

import pytest

from publisher.rendering.inlining import inline
from tests.publisher.rendering.test_inlining import kept, mail
from tools.browser.chromium import Chromium
from tools.browser.styles import differences, inlined_by_another, styles

BODY = """
<table width="100%" class="frame"><tr><td class="box first"><h1>Title</h1>
<p class="lead" style="margin-left:3px;padding:1px">one <a href="#" class="link">two</a></p>
<p>three <b id="strong">four</b></p></td></tr></table>
<div dir="rtl" class="story"><p class="quote">خمسة <a href="#">six</a></p><ul><li>seven<li>eight</ul></div>
"""

SHEETS = {
    "specificity": (
        "p { color:#111111 } .lead { color:#222222 } td p { color:#333333 } #strong { color:#444444 }"
        " b { color:#555555 } .story p.quote { color:#666666 } .quote { color:#777777 }"
    ),
    "attributes and first children": (
        "[dir=rtl] .quote { border-right:1px solid } .quote { border-right:0 }"
        " li:first-child { color:#ff0000 } li { color:#00ff00 } p:last-child { margin:0 0 9px }"
        " h1 + p { text-indent:4px } h1 ~ p { letter-spacing:1px }"
    ),
    "shorthands": (
        "p { margin:1px; border:2px solid #aa0000 } .lead { margin-left:9px; border-top:0 }"
        " p.lead { margin:5px 6px; border-color:#00aa00 } td { font:12px/20px serif }"
        " .box { font-size:15px; background:#eeeeee } .first { background-color:#dddddd }"
        " .quote { padding-left:3px; padding:7px }"
    ),
    "importance": (
        "p { border:1px solid #111111 !important; letter-spacing:1px !important }"
        " .lead { border-top:0; letter-spacing:3px } p.lead { border-width:5px !important }"
        " b { letter-spacing:0; letter-spacing:2px !important; letter-spacing:4px }"
    ),
    "rules that stay in the head": (
        "@media (max-width:600px) { h1 { font-size:15px } .story { margin:3px } }"
        " td > p { text-indent:2px } li:nth-child(2), li:not(.x) { letter-spacing:2px }"
        " * { word-spacing:1px } p { background:#eeeeee } UL.none { top:0 } ul { opacity:.5 }"
        " @media (prefers-color-scheme:dark) { p { background:#000000 !important } }"
    ),
    "inheritance": "td { color:inherit } .box { font-weight:bold } p { font-weight:inherit } a { all:unset }",
}
KEPT = (
    "@media (max-width:600px) { .box { padding:9px !important; color:#123456 !important } }"
    "@media (prefers-color-scheme:dark) { p { color:#ffffff !important } }"
    "@supports (display:grid) { @media (width<=400px) { .lead { margin:0 !important } } }"
)


@pytest.mark.parametrize("name", SHEETS)
def test_inlining_changes_no_computed_value(chromium: Chromium, name: str) -> None:
    source = mail(SHEETS[name], BODY, head=kept(KEPT))
    before = chromium.visit(source, styles)
    assert differences(before, chromium.visit(inline(source), styles)) == []
    assert differences(before, chromium.visit(inlined_by_another(source), styles)) == []
