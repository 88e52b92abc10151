"""Split a mail's style sheet: what premailer inlines, what stays in the head, what is refused.

premailer ranks rules by counting dots and hashes, drops at-rules and values that it can't read, and
writes style attributes that win over every rule in the head. What can't be right in either place is
refused, with the line and a remedy. See docs/reference/templates.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import cssselect
import tinycss2  # type: ignore[import-untyped]  # it ships no types
from tinycss2 import ast

# Element names, classes, ids and attributes; at the end of the selector the two pseudo-classes that
# premailer ranks rightly. `>` is left out: browsers add <tbody> to tables, lxml does not. Attributes
# `data-` are added by mail clients, and the style attribute is what is written here.
_NAME = r"[a-zA-Z_][\w-]*"
_ATTRIBUTE = (
    rf"\[(?!style|data-)[a-z][a-z-]*(?:[~|^$]?=(?:{_NAME}|\"[^\"*:,]*\"|'[^'*:,]*'))?\]"
)
_COMPOUND = rf"(?!tbody\b)(?:[a-z][a-z0-9]*(?![\w-])|(?=[.#\[]))(?:[.#]{_NAME}|{_ATTRIBUTE})*"
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


class StyleSheetError(ValueError):
    """A style sheet has something that is refused; `line` counts from its first line, 1."""

    def __init__(self, node: ast.Node, reason: str) -> None:
        super().__init__(reason)
        self.line: int = node.source_line


_nodes = partial(tinycss2.parse_stylesheet, skip_comments=True, skip_whitespace=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSheet:
    """A sheet in two: `inlined` is for premailer, `kept` stays in the head.

    Each property of `inlined` has a number in its name (`numbered`). The number keeps premailer
    from merging the same property of two rules, which loses their order. `important` are the plain
    names of those that say !important.
    """

    inlined: str
    numbered: frozenset[str]
    important: frozenset[str]
    kept: str


def _numbered(declarations: Mapping[str, str], mark: str) -> dict[str, str]:
    return {mark + name: value for name, value in declarations.items()}


def _declaration_list(declarations: Mapping[str, str]) -> str:
    return ";".join(f"{name}:{value}" for name, value in declarations.items())


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
        if not all(map(_is_inlinable, selectors)):
            # A part of the list in style attributes would win over the other part in the head.
            kept.append(node.serialize())
            continue
        # Each selector has a specificity of its own, so each gets a rule of its own.
        for part, selector in enumerate(selectors):
            named = _numbered(declarations, f"-x{sheet}x{number}x{part}-")
            inlined.append(f"{selector} {{{_declaration_list(named)}}}")
            numbered |= set(named)
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
    """Split a rule's prelude at its commas; those in brackets are not its own."""
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


def _is_inlinable(selector: str) -> bool:
    return bool(_SELECTOR.fullmatch(selector)) and not _ROW_POSITION.search(selector)


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
