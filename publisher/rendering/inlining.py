"""Inline the style sheets of a mail with premailer 3.10, hardened.

`<style>` goes into style attributes, `<style data-premailer="ignore">` stays in the head as it is. A sheet is split
first into what premailer inlines, what stays in the head, and what is refused: premailer ranks rules by counting
dots and hashes, drops at-rules and values that it can't read, and writes style attributes that win over every rule
in the head. What can't be right in either place is refused, with the line and a remedy; see
docs/reference/templates.md. This is the only module that imports premailer and its parser, cssutils.
"""

import logging
import os
import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NoReturn, TypeAlias

import cssselect
import cssutils
import tinycss2  # type: ignore[import-untyped]  # it ships no types
from lxml import etree
from premailer import Premailer  # see above
from tinycss2 import ast

from publisher.errors import RenderingError
from publisher.mail_limits import MAX_NESTING

# Element names, classes, ids and attributes; at the end of the selector the two pseudo-classes that
# premailer ranks rightly. `>` is left out: browsers add <tbody> to tables, lxml does not. Attributes
# `data-` are added by mail clients, and the style attribute is what is written here.
_NAME = r"[a-zA-Z_][\w-]*"
_ATTRIBUTE_SELECTOR = (
    rf"\[(?!style|data-)[a-z][a-z-]*(?:[~|^$]?=(?:{_NAME}|\"[^\"*:,]*\"|'[^'*:,]*'))?\]"
)
_COMPOUND = (
    rf"(?!tbody\b)(?:[a-z][a-z0-9]*(?![\w-])|(?=[.#\[]))(?:[.#]{_NAME}|{_ATTRIBUTE_SELECTOR})*"
)
_SELECTOR = re.compile(rf"{_COMPOUND}(?:\s*[\s+~]\s*{_COMPOUND})*(?::(?:first|last)-child)?")

# Which row is the first depends on <tbody> too.
_ROW_POSITION = re.compile(r"(?:^|[\s+~])tr[^\s+~]*:(?:first|last)-child$")

# They decide which other rules apply; a mail must not depend on files elsewhere.
_REFUSED_AT_RULES = frozenset({"import", "layer", "namespace", "scope"})
_CONDITIONAL_AT_RULES = frozenset({"media", "supports", "container"})

# Style attributes win over the head, and so does their !important. By whether the rule says it.
_LOST = {
    False: "`{}` in the head loses to inlined rules: add !important",
    True: "`{} ... !important` in the head loses to an inlined one: only one of them may say it",
}
_IMPORTANT = " !important"

# Properties that a shorthand sets together (`font` sets the line height too).
_FAMILY = re.compile("margin|padding|border|background|font|list-style|text-decoration|outline")


# Outside of style sheets, which have no references. Roundcube makes ASCII of these signs, so that quotations lose
# their marks and an attribute ends early; references it leaves alone.
_TYPOGRAPHIC_SIGNS = re.compile("<style.*?</style>|[\u2018\u2019\u201c\u201d\u2026]", re.DOTALL)


class StyleSheetError(ValueError):
    """A style sheet has something that is refused; `line` counts from its first line, 1."""

    def __init__(self, node: ast.Node, reason: str) -> None:
        super().__init__(reason)
        self.line: int = node.source_line


_nodes = partial(tinycss2.parse_stylesheet, skip_comments=True, skip_whitespace=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSheet:
    """A sheet in two: `inlined` is for premailer, `kept` stays in the head.

    Each property of `inlined` has a number in its name (`numbered`). The number keeps premailer from merging the same
    property of two rules, which loses their order. `important` are the plain names of those that say !important.
    """

    inlined: str
    numbered: frozenset[str]
    important: frozenset[str]
    kept: str


@lru_cache(maxsize=256)
def split_sheet(css: str, sheet: int) -> SplitSheet:
    """Split a sheet, the document's `sheet`-th. Raises StyleSheetError for what can't be read."""
    inlined: list[str] = []
    kept: list[str] = []
    numbered: set[str] = set()
    important: set[str] = set()
    for number, node in enumerate(_nodes(css)):
        if node.type == "error":
            raise StyleSheetError(node, node.message)
        if node.type == "at-rule":
            _refuse_at_rule(node)
            kept.append(node.serialize())
            continue
        declarations = _declarations(node)
        selectors = _selectors(node)
        if any(_ROW_POSITION.search(one) or not _SELECTOR.fullmatch(one) for one in selectors):
            # A part of the list in style attributes would win over the other part in the head.
            kept.append(node.serialize())
            continue
        # Each selector has a specificity of its own, so each gets a rule of its own.
        for part, selector in enumerate(selectors):
            mark = f"-x{sheet}x{number}x{part}-"
            written = ";".join(f"{mark}{name}:{value}" for name, value in declarations.items())
            inlined.append(f"{selector} {{{written}}}")
            numbered |= {mark + name for name in declarations}
        important |= {name for name, value in declarations.items() if _IMPORTANT in value}
    return SplitSheet(
        inlined="\n".join(inlined),
        numbered=frozenset(numbered),
        important=frozenset(important),
        kept="\n".join(kept),
    )


@lru_cache(maxsize=256)
def check_kept_sheet(css: str, inlined: frozenset[str], important: frozenset[str]) -> None:
    """Raise StyleSheetError for a rule in the head that would lose to an inlined one.

    `inlined` are the properties that inlined sheets set, `important` those set with !important.
    """
    families, firm = (frozenset(map(_family, names)) for names in (inlined, important))
    for rule in _kept_rules(_nodes(css)):
        for found in _contents(rule):
            if found.type in {"qualified-rule", "at-rule"}:
                raise StyleSheetError(found, "a mail's style sheet can't nest rules")
            if found.type != "declaration":
                continue
            if _family(found.lower_name) in (firm if found.important else families):
                raise StyleSheetError(found, _LOST[found.important].format(found.lower_name))


def _refuse_at_rule(node: ast.AtRule) -> None:
    if node.lower_at_keyword in _REFUSED_AT_RULES:
        raise StyleSheetError(
            node, f"a mail's style sheet must not have @{node.lower_at_keyword}"
        )


def _selectors(rule: ast.QualifiedRule) -> list[str]:
    parts: list[list[ast.Node]] = [[]]
    for node in rule.prelude:
        if node.type == "literal" and node.value == ",":
            parts.append([])
        else:
            parts[-1].append(node)
    selectors = [tinycss2.serialize(part).strip() for part in parts]
    for selector in selectors:
        _check_selector(rule, selector)
    return selectors


def _check_selector(rule: ast.QualifiedRule, selector: str) -> None:
    """Raise StyleSheetError if browsers would drop the rule because they can't read a selector."""
    try:
        cssselect.parse(selector)
    except cssselect.SelectorError as error:
        # It reads Selectors 3; `:not(.a, .b)` and `:is(...)` came with Selectors 4.
        if "(" not in selector:
            raise StyleSheetError(rule, f"selector `{selector:.60}`: {error}") from None


def _contents(rule: ast.QualifiedRule) -> Iterator[ast.Node]:
    yield from tinycss2.parse_blocks_contents(
        rule.content, skip_comments=True, skip_whitespace=True
    )


def _declarations(rule: ast.QualifiedRule) -> dict[str, str]:
    """Return a rule's properties and values; of a property that is set twice, the later value."""
    found: dict[str, ast.Declaration] = {}
    for node in _contents(rule):
        if node.type != "declaration":
            raise StyleSheetError(
                node, getattr(node, "message", "a mail's style sheet can't nest rules")
            )
        # The names of custom properties are case-sensitive.
        name = node.name if node.name.startswith("--") else node.lower_name
        if name in found and found[name].important > node.important:
            continue
        found.pop(name, None)
        found[name] = node
    return {
        name: tinycss2.serialize(node.value).strip() + (_IMPORTANT if node.important else "")
        for name, node in found.items()
    }


def _kept_rules(nodes: Iterable[ast.Node]) -> Iterator[ast.QualifiedRule]:
    for node in nodes:
        if node.type == "qualified-rule":
            yield node
        elif node.type == "at-rule":
            _refuse_at_rule(node)
            if node.lower_at_keyword in _CONDITIONAL_AT_RULES and node.content is not None:
                yield from _kept_rules(tinycss2.parse_rule_list(node.content))


def _family(name: str) -> str:
    found = _FAMILY.match("font" if name == "line-height" else name)
    return found[0] if found else name


# premailer reads this when it is imported. Its default, 128 selectors, is less than our sheets have.
os.environ.setdefault("PREMAILER_CACHE_MAXSIZE", "4096")

# cssutils logs each property that CSS 2.1 does not have.
cssutils.log.setLevel(logging.CRITICAL)
cssutils.ser.prefs.minimizeColorHash = False  # old mail clients misread three digits

_DOCTYPE = "<!DOCTYPE html>"
_MARK = "data-premailer"
_IGNORE = "ignore"

# Browsers decode what can't be a character as U+FFFD (HTML standard, 13.2.5).
_IMPOSSIBLE = re.compile("[\x00\ud800-\udfff]")
# libxml2 mends such tags in another way than browsers do.
_MENDED = frozenset({"ERR_TAG_NAME_MISMATCH", "HTML_STRUCURE_ERROR"})
# Outside of a comment lxml turns `<![if !mso]>` into a comment that hides nothing.
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_OPEN_CONDITION = re.compile(r"<!\[(?:if|endif)\b", re.IGNORECASE)

# Browsers move these in front of the table, or close the heading first; lxml leaves them.
_MOVED = (
    "//table/*[not(self::caption or self::colgroup or self::col or self::thead or self::tbody"
    " or self::tfoot or self::tr or self::style or self::script or self::template)]"
    " | //tr/*[not(self::td or self::th or self::style or self::script or self::template)]"
    " | //*[self::thead or self::tbody or self::tfoot]/*[not(self::tr or self::style"
    " or self::script or self::template)]"
    " | //*[self::h1 or self::h2 or self::h3]/*[self::h1 or self::h2 or self::h3 or self::h4]"
)
_NUMBER = re.compile(r"(?:^|; )-x\d+x\d+x\d+-")
_CLASS = re.compile(r"\.([\w-]+)")
_ATTRIBUTE = re.compile(r"\[[^\]]*\]")
# premailer would guess them from the style; width="100%" and valign="middle" break layouts.
_BASIC_ATTRIBUTES = ("width", "height", "align", "valign", "bgcolor")

_Element: TypeAlias = Any  # lxml's types leave open what attributes and lines are


def inline(html: str) -> str:
    """Return a mail's HTML with its style sheets inlined; doctype and text stay.

    Raises RenderingError, with the line of the rendered mail, for what can't be inlined rightly.
    """
    try:
        return _inlined(html)
    except RenderingError:
        raise
    except Exception as error:
        # premailer, cssutils and tinycss2 let through what comes: IndexError, RecursionError ...
        raise RenderingError(f"premailer can't inline a mail: {error!r}") from error


def _inlined(html: str) -> str:
    root = _parsed(html)
    text = _text(root)
    _prepare_sheets(root)
    # premailer drops what it can't read in a style attribute, so it is given none.
    styled = [found for found in root.iter("*") if "style" in found.attrib]
    own = {found: found.attrib.pop("style") for found in styled}
    _HardenedPremailer(set(" ".join(root.xpath("//@class")).split())).transform(root)
    for found in root.iter("*"):
        if style := _merged(found.get("style", ""), own.get(found, "")):
            found.set("style", style)
    written: str = etree.tostring(root, method="html", encoding="unicode", doctype=_DOCTYPE)
    if _text(_parsed(written)) != text:
        raise RenderingError("inlining would lose text of the mail")
    return _TYPOGRAPHIC_SIGNS.sub(
        lambda one: one[0] if one[0][1:] else f"&#{ord(one[0])};", written
    )


class _HardenedPremailer(Premailer):  # type: ignore[misc]  # premailer ships no types
    """premailer with the specificity of Selectors 3 and a parser that opens no address.

    `classes` are those of the document: rules for others are left out, which saves half the time.
    """

    def __init__(self, classes: AbstractSet[str]) -> None:
        super().__init__(
            strip_important=False,
            remove_unset_properties=False,
            allow_network=False,
            disable_validation=True,
            disable_leftover_css=True,
            align_floating_images=False,
            disable_basic_attributes=_BASIC_ATTRIBUTES,
        )
        self._classes = classes

    def _parse_css_string(self, css_body: str, **_options: Any) -> Any:
        return _sheet(css_body)

    def _parse_style_rules(
        self, css_body: str, ruleset_index: int
    ) -> tuple[list[Any], list[Any]]:
        rules = _ranked_rules(css_body, ruleset_index) if css_body else []
        return [rule for rule, classes in rules if classes <= self._classes], []


@lru_cache(maxsize=64)
def _ranked_rules(css: str, number: int) -> list[tuple[Any, AbstractSet[str]]]:
    """Return premailer's rules, ranked rightly, each with the classes that its selector names."""
    engine = _HardenedPremailer(frozenset())
    rules, _leftover = Premailer._parse_style_rules(engine, css, number)  # noqa: SLF001  # its own
    return [
        (
            (cssselect.parse(selector)[0].specificity() + rank[-2:], selector, declarations),
            set(_CLASS.findall(_ATTRIBUTE.sub("", selector))),
        )
        for rank, selector, declarations in rules
    ]


@lru_cache(maxsize=64)
def _sheet(css: str) -> Any:
    return cssutils.CSSParser(fetcher=_refuse_address, validate=False).parseString(css)


def _refuse_address(address: str) -> NoReturn:
    raise RenderingError(f"a mail's style sheet must not import {address}")


def _parsed(html: str) -> _Element:
    start = html.lstrip()[: len(_DOCTYPE)]
    if start.lower() != _DOCTYPE.lower():
        raise RenderingError(f"the HTML of a mail must begin with {_DOCTYPE}")
    if found := _OPEN_CONDITION.search(_COMMENT.sub("", html)):
        raise RenderingError(f"{found[0]}...]> breaks: write <!--[if ...]><!--> instead")
    parser = etree.HTMLParser(huge_tree=True)
    root: _Element = etree.fromstring(_IMPOSSIBLE.sub("\ufffd", html), parser)
    if root is None:
        raise RenderingError("a mail must have a body; write <body> into the template")
    for error in parser.error_log:
        if error.type_name in _MENDED:
            _refuse(error.line, f"{error.message}: browsers mend that in another way")
    for moved in root.xpath(_MOVED):
        _refuse(
            moved.sourceline, f"browsers move <{moved.tag}> out of <{moved.getparent().tag}>"
        )
    for deep in root.xpath(f"//*[count(ancestor::*) >= {MAX_NESTING}]"):
        _refuse(deep.sourceline, f"elements are nested more than {MAX_NESTING} deep")
    return root


def _refuse(line: int, reason: str) -> NoReturn:
    raise RenderingError(f"line {line} of the rendered mail: {reason}")


def _text(root: _Element) -> str:
    return "".join("".join(root.xpath("//text()[not(parent::style)]")).split())


def _prepare_sheets(root: _Element) -> None:
    for link in root.iter("link"):
        if "stylesheet" in link.get("rel", "").lower():
            _refuse(link.sourceline, "a mail must not <link> to a style sheet: write a <style>")
    for style in list(root.iter("style")):
        _check_style_element(style)
    marked = [style for style in root.iter("style") if _MARK in style.attrib]
    others = [style for style in root.iter("style") if _MARK not in style.attrib]
    splits = [_split(style, number) for number, style in enumerate(others)]
    inlined = frozenset(_plain(name) for split in splits for name in split.numbered)
    important = frozenset[str]().union(*(split.important for split in splits))
    kept = [(style, style.text or "") for style in marked]
    kept += [(style, split.kept) for style, split in zip(others, splits, strict=True)]
    for style, css in kept:
        with _lines_of(style):
            check_kept_sheet(css, inlined, important)
    for style, split in zip(others, splits, strict=True):
        if split.kept:
            in_head = etree.Element("style", {_MARK: _IGNORE})
            in_head.text = split.kept
            style.addnext(in_head)
        style.text = split.inlined


def _check_style_element(style: _Element) -> None:
    """Refuse sheets that premailer would take for others than browsers do."""
    if style.getparent().tag != "head" and _MARK not in style.attrib:
        _refuse(style.sourceline, "a <style> must stand in the <head>")
    for name, value in style.items():
        if (name, value) not in {("type", "text/css"), (_MARK, _IGNORE)}:
            _refuse(style.sourceline, f'a <style> must not have {name}="{value}"')


def _split(style: _Element, number: int) -> SplitSheet:
    with _lines_of(style):
        split = split_sheet(style.text or "", number)
    for name in split.numbered - _names_in(split.inlined):
        _refuse(style.sourceline, f"premailer can't read the value of `{_plain(name)}`")
    return split


@lru_cache(maxsize=64)
def _names_in(css: str) -> frozenset[str]:
    return frozenset(found.name for rule in _sheet(css) for found in rule.style)


def _plain(name: str) -> str:
    return _NUMBER.sub("", name)


@contextmanager
def _lines_of(style: _Element) -> Iterator[None]:
    """Raise StyleSheetError as RenderingError, with the line of the rendered mail."""
    try:
        yield
    except StyleSheetError as error:
        _refuse(style.sourceline + error.line - 1, str(error))


@lru_cache(maxsize=4096)
def _merged(inlined: str, own: str) -> str:
    """Merge an element's declarations in the order in which they apply; its own come last."""
    merged: dict[str, str] = {}
    for declaration in _NUMBER.split(inlined)[1:]:
        name, _, value = declaration.partition(":")
        # A property that is set again moves to the end, so that shorthands keep their order.
        if merged.get(name, "").endswith("!important") > value.endswith("!important"):
            continue
        merged.pop(name, None)
        merged[name] = value
    for node in tinycss2.parse_blocks_contents(own):
        if node.type == "declaration" and (
            node.important or not merged.get(node.lower_name, "").endswith("!important")
        ):
            merged.pop(node.lower_name, None)
    written = ";".join(f"{name}:{value}" for name, value in merged.items())
    return f"{written};{own}" if written and own else written or own
