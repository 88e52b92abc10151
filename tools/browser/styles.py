"""Computed styles: what Chromium makes of a mail's style sheets, element by element.

The same mail before and after inlining has to come to the same values, of every property of
every element. Knows no mail.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import css_inline

from tools.browser.chromium import WIDE, Scheme, Window, drop_style_blocks

READ = Path(__file__).with_name("styles.js").read_text("utf-8")

# A desktop's reading pane, the narrowest phone (WCAG 1.4.10), and one in the dark.
WINDOWS: tuple[tuple[int, Scheme], ...] = ((WIDE, "light"), (320, "light"), (WIDE, "dark"))


# What changes with everything that is in an element; causes are told first.
CONSEQUENCES = frozenset(
    ("width", "height", "inline-size", "block-size", "perspective-origin", "transform-origin")
)


@dataclass(frozen=True, slots=True)
class Styles:
    """All computed values of a document, as READ gives them; `where` says in which window."""

    where: str
    values: str


def styles(window: Window) -> list[Styles]:
    """Read a mail's computed styles in each window."""
    return [_read(window, width, scheme) for width, scheme in WINDOWS]


def _read(window: Window, width: int, scheme: Scheme) -> Styles:
    window.show(width, scheme)
    return Styles(f"at {width} px, {scheme}", window.page.evaluate(READ))


def styles_without_blocks(window: Window) -> tuple[list[Styles], list[Styles]]:
    """Read a mail's computed styles on a desktop in light: whole, and without its style blocks."""
    wide, light = WINDOWS[0]
    whole = _read(window, wide, light)
    drop_style_blocks(window)
    return [whole], [_read(window, wide, light)]


def differences(
    expected: Sequence[Styles], found: Sequence[Styles], but: Collection[str] = ()
) -> list[str]:
    """Say which values differ, as `td.item 17: padding-left 36px != 22px at 320 px, light`.

    `but` are the properties that may.
    """
    pairs = zip(expected, found, strict=True)
    # Equal text is the rule, and taking it apart what takes time.
    return [
        line for one, other in pairs if one != other for line in _differences(one, other, but)
    ]


def _differences(expected: Styles, found: Styles, but: Collection[str]) -> list[str]:
    ours, theirs = _by_element(expected), _by_element(found)
    if list(ours) != list(theirs):
        return [f"the elements themselves differ {expected.where}"]
    lines = [
        (name in CONSEQUENCES, f"{place}: {name} {value} != {other} {expected.where}")
        for place, values in ours.items()
        for name, value in values.items()
        if value != (other := theirs[place][name]) and name not in but
    ]
    return [line for _order, line in sorted(lines, key=itemgetter(0))]


def _by_element(styles: Styles) -> dict[str, dict[str, str]]:
    common, names, elements = json.loads(styles.values)
    return {place: common | dict(zip(names, values, strict=True)) for place, values in elements}


def inlined_by_another(source: str) -> str:
    """Inline a mail with css-inline, which has nothing in common with premailer."""
    # The same wish in its words: a block that stays in the head, and is not inlined.
    source = source.replace('data-premailer="ignore"', 'data-css-inline="keep"')
    return css_inline.inline(source, load_remote_stylesheets=False, keep_at_rules=True)
