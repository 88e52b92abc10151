"""What the inliner believes of CSS and HTML, held against Chromium."""

from __future__ import annotations

import json
import random

import pytest
from lxml import etree

from publisher.rendering.inlining import documents, inline, selectors, values
from publisher.rendering.inlining.properties import slots
from publisher.rendering.inlining.sheets import parse
from publisher.rendering.inlining.words import words
from tests.publisher.rendering.style_sheets import mail
from tests.slow.browser.chromium import Chromium
from tests.slow.publisher.rendering.chromium_styles import chromium as chromium  # noqa: PLC0414  # a fixture  # noqa: PLC0414  # a fixture

SHORTHANDS_OF_CHROMIUM = """() => {
  const styles = getComputedStyle(document.body), element = document.createElement("p");
  const names = new Set(styles);
  for (const key in document.body.style)
    names.add(key.replace(/[A-Z]/g, (sign) => "-" + sign.toLowerCase()).replace(/^webkit/, "-webkit"));
  const found = {};
  for (const name of names) {
    element.style.cssText = "";
    element.style.setProperty(name, "initial");
    if (element.style.length && name != "all") found[name] = Array.from(element.style);
  }
  return JSON.stringify(found);
}"""


def test_properties_compete_wherever_they_do_in_chromium(chromium: Chromium) -> None:
    found: dict[str, list[str]] = json.loads(
        chromium.visit(mail(""), lambda window: window.page.evaluate(SHORTHANDS_OF_CHROMIUM))
    )
    assert len(found) > 400
    missed = [
        f"{name} sets {longhand}"
        for name, longhands in found.items()
        for longhand in longhands
        if not slots(name) & slots(longhand)
    ]
    assert missed == []


PHYSICAL = (
    *("margin-", "padding-", "border-", "overflow", "min-", "max-"),
    *("top", "right", "bottom", "left"),
)
LOGICAL_IN_CHROMIUM = """(names) => {
  const element = document.querySelector("p"), found = {};
  const read = () => { const s = getComputedStyle(element); return Array.from(s, (n) => [n, s.getPropertyValue(n)]); };
  for (const direction of ["ltr", "rtl"]) for (const mode of ["horizontal-tb", "vertical-rl"])
    for (const name of names) for (const value of ["7px", "dotted", "red", "hidden"]) {
      element.style.cssText = `direction:${direction}; writing-mode:${mode}; border:1px solid`;
      // A hidden border has no width, which is not what is asked.
      if (value == "hidden" && name.startsWith("border")) continue;
      const before = new Map(read());
      element.style.setProperty(name, value);
      for (const [other, now] of read())
        if (now != before.get(other)) (found[name] ||= {})[other] = 1;
    }
  return JSON.stringify(found);
}"""


def test_logical_names_compete_with_the_physical_ones_that_they_stand_for(
    chromium: Chromium,
) -> None:
    boxes = [
        f"{b}-{axis}{end}"
        for b in ("margin", "padding", "inset", "border")
        for axis in ("inline", "block")
        for end in ("", "-start", "-end")
    ]
    parts = [
        f"{name}-{part}"
        for name in boxes
        if "border" in name
        for part in ("width", "style", "color")
    ]
    corners = [f"border-{a}-{b}-radius" for a in ("start", "end") for b in ("start", "end")]
    sizes = [
        f"{most}{size}"
        for most in ("", "min-", "max-")
        for size in ("inline-size", "block-size")
    ]
    names = [*boxes, *parts, *corners, *sizes, "overflow-inline", "overflow-block"]
    found: dict[str, dict[str, int]] = json.loads(
        chromium.visit(
            mail("", "<p>x</p>"),
            lambda window: window.page.evaluate(LOGICAL_IN_CHROMIUM, names),
        )
    )
    assert found.keys() == set(names)
    missed = [
        f"{name} sets {other}"
        for name, others in found.items()
        for other in others
        if other.startswith(PHYSICAL) and not slots(name) & slots(other)
        # Where a box stands and ends follows from its size; that is no competition.
        if name not in sizes or other.startswith(("min-", "max-"))
    ]
    assert missed == []


WORDS = sorted(
    words(
        """
    0 1 -1 1.5 4 400 450 900 1px -1px 0px 2em 3pt 10% -10% 1rem 2vw #abc #abcd #aabbcc
    #12345 red Transparent currentcolor CanvasText none auto normal inherit initial bold
    bolder solid hidden dotted thin thick left right start top middle bottom both block
    inline-block table flex ltr underline nowrap pre collapse separate scroll fixed small
    larger serif Arial "x" default disc uppercase italic rgb(1,2,3) calc(1px) visible super
        """
    )
)


def test_what_is_called_plain_is_taken_by_chromium(chromium: Chromium) -> None:
    dice = random.Random(1)
    names = sorted(values._TESTS)
    asked = [(name, word) for name in names for word in WORDS]
    for name in names:
        for _ in range(60):
            parts = dice.choices(WORDS, k=dice.randint(2, 5))
            asked.append((name, " ".join(parts)))
            asked.append((name, ", ".join(parts)))
    plain = [
        [name, value]
        for name, value in asked
        for rule in parse(f"p {{ {name}:{value}; }}").rules
        for declaration in rule.declarations
        if declaration.plain
    ]
    assert {name for name, _value in plain} == set(names)
    refused = chromium.visit(
        mail(""),
        lambda window: window.page.evaluate(
            "(asked) => asked.filter(([name, value]) => !CSS.supports(name, value))", plain
        ),
    )
    assert refused == []


OTHER_SELECTORS = (
    *(":not(a,.b:hover)", ":is(p)", ":where(*)", ":has(>a)", ":lang(ar)", ":nth-child(2n+1)"),
    *("p:hover::before", ":lang('ar')", ":lang(ar,fa)", ":nth-child(+n)", "p::before:hover"),
    *("::before::after", ":not(::before)", "p:first-line.a", ":is(p::after)", ":bogus"),
    *(":bogus(1)", "::bogus", "[a='b'i]", "[a=b]", "[a='b's]", "[data-x]", "*.a", ":HOVER"),
)


def test_selectors_that_are_called_known_are_known_to_chromium(chromium: Chromium) -> None:
    classes = [f":{name}" for name in selectors.KNOWN]
    elements = [f"::{name}" for name in selectors.KNOWN_ELEMENTS]
    asked = [*classes, *elements, *OTHER_SELECTORS]
    known = [text for text in asked if _known(text)]
    assert len(known) > len(classes) + len(elements) + 10
    refused = chromium.visit(
        mail(""),
        lambda window: window.page.evaluate(
            "(asked) => asked.filter((text) => !CSS.supports(`selector(${text})`))", known
        ),
    )
    assert refused == []


def _known(text: str) -> bool:
    return parse(f"{text} {{ color:red; }}").rules[0].known


# As people write, leaving out what may be left out.
DOCUMENTS = (
    "<table><tr><td>a<tr><td>b</table>",
    "<table><col><col><tr><td>a</table>",
    "<table><caption>c</caption><tr><td>a</td></tr></table>",
    "<table><thead><tr><th>x</th></tr></thead><tr><td>a</td></tr><tfoot><tr><td>f</td></tr></tfoot><tr><td>z</td></tr></table>",
    "<table><!-- a --><tr><td>a</td></tr><!-- b --><tr><td>b</td></tr><!-- c --></table>",
    "<p>a<p>b<p>c",
    "<p>a<div>b</div>c",
    "<p><object><p>x</p></object></p>",
    "<ul><li>a<li>b<ul><li>c</ul><li>d</ul>",
    "<dl><dt>a<dd>b<dt>c<dd>d</dl>",
    '<p>a<br/>b<img src="x"/></p>',
    '<span title="a/">x</span><a href=x/>y</a>',
    "a<wbr>b<i>c</i>d<embed><b>e</b>",
    "<!--[if !mso]><!--><p>x</p><!--<![endif]-->",
    "<figure><img src=x><figcaption>x</figcaption></figure>",
    "<select><option>a<option>b</select>",
    "<center><font><p>x</p></font></center>",
    '<p CLASS="A" class=b>x</p>',
    "<unknown-element>a</unknown-element>",
)
TREE = """() => {
  const tree = (node) => node.localName + "(" + Array.from(node.children, tree).join("") + ")";
  return tree(document.body);
}"""


@pytest.mark.parametrize("body", DOCUMENTS)
def test_documents_are_understood_as_in_chromium(chromium: Chromium, body: str) -> None:
    source = mail("p { color:red; }", body)
    understood = documents.parse(source).root.find("body")
    assert understood is not None
    for html in (source, inline(source)):
        tree = chromium.visit(html, lambda window: window.page.evaluate(TREE))
        assert tree == _tree(understood)


def _tree(element: etree._Element) -> str:
    return f"{element.tag}({''.join(map(_tree, element.iterchildren(etree.Element)))})"
