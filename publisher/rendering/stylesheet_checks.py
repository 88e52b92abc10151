"""Refuse what premailer would inline wrongly in a mail's style sheets, with the line and a remedy.

premailer ranks rules by counting dots and hashes, drops at-rules and values that it can't read, and
writes style attributes that win over every rule in the head. See docs/templates.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial

import tinycss2  # type: ignore[import-untyped]  # it ships no types
from tinycss2 import ast

_REMEDY = 'put the rule into <style data-premailer="ignore">'

# Element names, classes, ids and attributes; at the end of the selector the two pseudo-classes that
# premailer inlines. `>` is left out: browsers add <tbody> to tables, lxml does not. Attributes
# `data-` are added by mail clients, and the style attribute is what is written here.
_NAME = r"[a-zA-Z_][\w-]*"
_ATTRIBUTE = (
    rf"\[(?!style|data-)[a-z][a-z-]*(?:[~|^$]?=(?:{_NAME}|\"[^\"*:,]*\"|'[^'*:,]*'))?\]"
)
_COMPOUND = rf"(?!tbody\b)(?:[a-z][a-z0-9]*(?![\w-])|(?=[.#\[]))(?:[.#]{_NAME}|{_ATTRIBUTE})*"
_SELECTOR = re.compile(rf"{_COMPOUND}(?:\s*[\s+~]\s*{_COMPOUND})*(?::(?:first|last)-child)?")

# They decide which other rules apply; a mail must not depend on files elsewhere.
_REFUSED_AT_RULES = frozenset({"import", "layer", "namespace", "scope"})
_CONDITIONAL_AT_RULES = frozenset({"media", "supports", "container"})

# Properties that a shorthand sets together (`font` sets the line height too).
_FAMILY = re.compile("margin|padding|border|background|font|list-style|text-decoration|outline")


class StyleSheetError(ValueError):
    """A style sheet has something that is refused; `line` counts from its first line, 1."""

    def __init__(self, node: ast.Node, reason: str) -> None:
        super().__init__(reason)
        self.line: int = node.source_line


_nodes = partial(tinycss2.parse_stylesheet, skip_comments=True, skip_whitespace=True)


@lru_cache(maxsize=256)
def number_properties(css: str, sheet: int) -> tuple[str, frozenset[str]]:
    """Return a sheet to be inlined with a number in each property's name, and those names.

    The number keeps premailer from merging a property of two rules, which loses their order.
    Raises StyleSheetError.
    """
    rules, names = [], []
    for number, node in enumerate(_nodes(css)):
        if node.type == "error":
            raise StyleSheetError(node, node.message)
        if node.type == "at-rule":
            _refuse_at_rule(node)
            raise StyleSheetError(node, f"@{node.lower_at_keyword} can't be inlined: {_REMEDY}")
        declarations = [
            (f"-x{sheet}x{number}-{found.lower_name}", tinycss2.serialize(found.value).strip())
            for found in _inlinable(node)
        ]
        names += [name for name, _value in declarations]
        body = ";".join(f"{name}:{value}" for name, value in declarations)
        rules.append(f"{', '.join(_selectors(node))} {{{body}}}")
    return "\n".join(rules), frozenset(names)


@lru_cache(maxsize=256)
def check_kept_sheet(css: str, inlined: frozenset[str]) -> None:
    """Raise StyleSheetError for a kept rule that would lose to an inlined one.

    `inlined` are the properties that inlined sheets set.
    """
    families = frozenset(map(_family, inlined))
    for rule in _kept_rules(_nodes(css)):
        for found in _contents(rule):
            if found.type != "declaration" or found.important:
                continue
            if _family(found.lower_name) in families:
                raise StyleSheetError(
                    found,
                    f"`{found.lower_name}` in a kept style sheet loses to inlined rules: "
                    "add !important",
                )


def _refuse_at_rule(node: ast.AtRule) -> None:
    if node.lower_at_keyword in _REFUSED_AT_RULES:
        raise StyleSheetError(
            node, f"a mail's style sheet must not have @{node.lower_at_keyword}"
        )


def _selectors(rule: ast.QualifiedRule) -> list[str]:
    selectors = [part.strip() for part in tinycss2.serialize(rule.prelude).split(",")]
    for selector in selectors:
        if not _SELECTOR.fullmatch(selector):
            raise StyleSheetError(
                rule, f"selector `{selector:.60}` can't be inlined: {_REMEDY}"
            )
    return selectors


def _contents(rule: ast.QualifiedRule) -> Iterator[ast.Node]:
    yield from tinycss2.parse_blocks_contents(
        rule.content, skip_comments=True, skip_whitespace=True
    )


def _inlinable(rule: ast.QualifiedRule) -> Iterator[ast.Declaration]:
    seen: set[str] = set()
    for found in _contents(rule):
        if found.type != "declaration":
            reason = getattr(found, "message", "an inlined style sheet can't nest rules")
            raise StyleSheetError(found, reason)
        if found.important:
            raise StyleSheetError(found, f"!important can't be inlined: {_REMEDY}")
        if found.lower_name in seen:
            raise StyleSheetError(found, f"`{found.lower_name}` is set twice in one rule")
        seen.add(found.lower_name)
        yield found


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
