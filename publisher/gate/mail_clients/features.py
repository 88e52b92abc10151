"""Which of caniemail's features a mail uses, and where.

Knows no verdict. A use says within what it stands, since programs that skip the whole of it
don't meet what is in it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from lxml import etree

from publisher.gate.css.selectors import Selector
from publisher.gate.css.stylesheet import AtRule, Declaration, declarations
from publisher.gate.html_document import Page, StyleBlock, line, media, named
from publisher.gate.mail_clients.caniemail import load
from publisher.gate.rules.elements import FORBIDDEN, SEMANTIC

# Features that several properties share.
SHARED = {
    name: slug
    for slug, names in {
        "css-left-right-top-bottom": "left right top bottom",
        "css-block-inline-size": "block-size",
        "css-margin-inline-block": "margin-inline margin-block",
        "css-margin-inline-start-end": "margin-inline-start margin-inline-end",
        "css-margin-block-start-end": "margin-block-start margin-block-end",
        "css-padding-inline-block": "padding-inline padding-block",
        "css-padding-inline-start-end": "padding-inline-start padding-inline-end",
        "css-padding-block-start-end": "padding-block-start padding-block-end",
        "css-border-inline-block": "border-inline border-block",
        "css-border-inline-block-individual": "border-inline-start border-inline-end "
        "border-block-start border-block-end",
        "css-border-radius-logical": "border-start-start-radius border-start-end-radius "
        "border-end-start-radius border-end-end-radius",
        "css-column-layout-properties": "columns column-count column-fill column-rule "
        "column-span column-width",
        "css-gap": "column-gap row-gap grid-gap",
        "css-grid-template": "grid-template-areas grid-template-columns grid-template-rows",
        "css-at-keyframes": "animation-name",
    }.items()
    for name in names.split()
}
FUNCTIONS = {
    "calc": "css-unit-calc",
    "var": "css-variables",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    "min": "css-function-min",
    "max": "css-function-max",
    "clamp": "css-function-clamp",
    "light-dark": "css-function-light-dark",
    "linear-gradient": "css-linear-gradient",
    "radial-gradient": "css-radial-gradient",
    "conic-gradient": "css-conic-gradient",
} | dict.fromkeys(("lch", "oklch", "lab", "oklab"), "css-modern-color")
WORDS = {
    "initial": "css-unit-initial",
    **dict.fromkeys(("fit-content", "min-content", "max-content"), "css-intrinsic-size"),
    **dict.fromkeys(
        ("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"), "css-sytem-ui"
    ),
}
# Values of a property that are a feature of their own, where the property is sound as such.
VALUES = {
    ("display", "flex"): "css-display-flex",
    ("display", "inline-flex"): "css-display-flex",
    ("display", "grid"): "css-display-grid",
    ("display", "none"): "css-display-none",
    ("position", "static"): "",
    ("flex-direction", "row"): "",
    ("text-transform", "uppercase"): "",
    ("text-transform", "capitalize"): "",
}
# Who passes over a property with such a value does what it asks for all the same.
ASKS_NOTHING = frozenset({"none", "normal", "auto", "0", "0px", "unset", "inherit"})
UNITS = {"%": "percent"}
MEDIA = {
    "prefers-color-scheme": "css-at-media-prefers-color-scheme",
    "prefers-reduced-motion": "css-at-media-prefers-reduced-motion",
    "orientation": "css-at-media-orientation",
    "hover": "css-at-media-hover",
    "device-pixel-ratio": "css-at-media-device-pixel-ratio",
}
JOINS = {
    " ": "css-selector-descendant",
    ">": "css-selector-child",
    "+": "css-selector-adjacent-sibling",
    "~": "css-selector-general-sibling",
}
TAGS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(SEMANTIC, "html-semantics"),
    "map": "html-image-maps",
}
FORMATS = {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}
# Outlook writes these into a mail: who asks for them means Outlook alone.
OUTLOOKS_OWN = frozenset({"data-ogsc", "data-ogsb", "data-ogac", "data-ogab", "owa"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A feature's slug, the place of one use, and what else a program must know to meet it."""

    slug: str
    where: str
    line: int
    within: tuple[str, ...] = ()
    outlook_only: bool = False


def used(page: Page) -> Iterator[Use]:
    """Give each use of a feature that caniemail knows."""
    for element in page.elements:
        if element.tag not in FORBIDDEN:
            slugs = [*_of_element(element), *_of_attributes(element)]
            slugs += _of_style(element.get("style", ""))
            for slug in slugs:
                yield Use(slug=slug, where=named(element), line=line(element))
    for block in page.blocks:
        yield from _of_block(block)


@lru_cache(maxsize=1)
def _known() -> Container[str]:
    return load().features.keys()


def _if_known(slugs: Iterable[str]) -> Iterator[str]:
    return (slug for slug in slugs if slug in _known())


def _of_element(element: etree._Element) -> Iterator[str]:
    tag = str(element.tag)
    yield from _if_known([TAGS.get(tag, f"html-{tag}")])
    source = element.get("src") if tag == "img" else element.get("background")
    if source:
        yield from _if_known([f"image-{_format(source)}"])


def _format(address: str) -> str:
    if address.lstrip()[:5].lower() == "data:":
        return "base64"
    try:
        suffix = PurePosixPath(urlsplit(address).path).suffix[1:].lower()
    except ValueError:
        return ""
    return FORMATS.get(suffix, suffix)


def _of_attributes(element: etree._Element) -> Iterator[str]:
    for name in map(str, element.keys()):
        # Some are features as elements, too: <hidden> is none, but style and title are.
        if name in {"srcset", "sizes"}:
            yield "html-srcset"
        elif name == "loading":
            yield "html-loading-attribute"
        elif name in ATTRIBUTES or name.startswith("aria-"):
            yield from _if_known([f"html-{name}"])


ATTRIBUTES = frozenset(
    {
        "align", "background", "cellpadding", "cellspacing", "dir", "height", "hidden", "lang",
        "popover", "required", "role", "target", "valign", "width",
    }
)  # fmt: skip


@lru_cache(maxsize=4096)
def _of_style(style: str) -> tuple[str, ...]:
    found = (slug for one in declarations(style) for slug in of_declaration(one))
    return tuple(dict.fromkeys(found))


def of_declaration(declared: Declaration) -> tuple[str, ...]:
    """Give the features that one declaration uses."""
    name = declared.name
    if name.startswith("--"):
        return ("css-variables",)
    if name.startswith(("mso-", "-")):
        return ()  # a program's own; others pass over it
    slugs = [_of_property(name, declared.value.lower())]
    slugs += [FUNCTIONS.get(function, "") for function in declared.functions]
    slugs += [f"css-unit-{UNITS.get(unit, unit)}" for unit in declared.units]
    slugs += [WORDS.get(word, "") for word in declared.words]
    slugs += [f"image-{_format(url)}" for url in declared.urls if name != "src"]
    return tuple(dict.fromkeys(_if_known(slugs)))


def _of_property(name: str, value: str) -> str:
    if (name, value) in VALUES:
        return VALUES[name, value]
    if name == "display" or value in ASKS_NOTHING:
        return ""  # block, inline, table and the like are known everywhere
    if name.endswith("-radius") and name not in SHARED:
        return "css-border-radius"
    whole = name
    while name:
        slug = SHARED.get(name, f"css-{name}")
        if slug in _known() and (slug != "css-font" or name == whole):
            return slug
        name = name.rpartition("-")[0]
    return ""


def _of_block(block: StyleBlock) -> Iterator[Use]:
    def use(slug: str, at: int, *within: str, outlook_only: bool = False) -> Use:
        return Use(
            slug=slug,
            where="style",
            line=block.line + at - 1,
            within=("html-style", *within, *["css-selector-attribute"] * outlook_only),
            outlook_only=outlook_only,
        )

    for rule in block.sheet.at_rules:
        for slug in _if_known(_of_at_rule(rule)):
            yield use(slug, rule.line)
    for line_number in block.sheet.nested:
        yield use("css-nesting", line_number)
    for style in block.sheet.rules:
        around = [s for at in (*media(block.element), *style.within) for s in _of_at_rule(at)]
        own = any(_asks_outlook(selector) for selector in style.selectors)
        for slug in dict.fromkeys(s for one in style.selectors for s in _of_selector(one)):
            yield use(slug, style.line, *around, outlook_only=own)
        for declared in style.declarations:
            for slug in of_declaration(declared):
                yield use(slug, declared.line, *around, outlook_only=own)


@lru_cache(maxsize=256)
def _of_at_rule(rule: AtRule) -> tuple[str, ...]:
    slugs = [f"css-at-{rule.name}"]
    if rule.name == "media":
        slugs += [slug for name, slug in MEDIA.items() if name in rule.prelude.lower()]
    return tuple(slugs)


def _asks_outlook(selector: Selector) -> bool:
    return any(
        attribute.name in OUTLOOKS_OWN
        for compound in selector.compounds
        for attribute in compound.attributes
    )


def _of_selector(selector: Selector) -> Iterator[str]:
    slugs = [JOINS[join] for join in selector.joins]
    for compound in selector.compounds:
        slugs += ["css-selector-attribute"] * bool(compound.attributes)
        slugs += ["css-selector-universal"] * compound.universal
        slugs += ["css-selector-chaining"] * (
            len(compound.classes) + bool(compound.identity) > 1
        )
        slugs += ["css-selector-id"] * bool(compound.identity)
        slugs += ["css-selector-class"] * bool(compound.classes)
        slugs += ["css-selector-type"] * bool(compound.tag)
        for name in compound.pseudos:
            plain = re.sub(r"[:()]", "", name)
            kind = "element" if name.startswith("::") or plain in OLD_ELEMENTS else "class"
            slugs.append(f"css-pseudo-{kind}-{plain}")
    return _if_known(slugs)


# Pseudo-elements that may be written with one colon.
OLD_ELEMENTS = frozenset({"after", "before", "first-letter", "first-line"})
