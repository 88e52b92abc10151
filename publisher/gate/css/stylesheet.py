"""Style sheets and style attributes as values, read by tinycss2.

Any text is accepted: what can't be parsed comes back as a fault, nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import tinycss2  # type: ignore[import-untyped]  # it ships no types
import tinycss2.color4  # type: ignore[import-untyped]  # as above

from publisher.gate.css.selectors import Selector, parse_selectors

# tinycss2 calls itself for each bracket within a bracket, so the depth is limited.
_MOST_BRACKETS = 50
_BRACKET = re.compile(r"[\[\](){}]")

# At-rules whose content is rules. The content of others is declarations, or keyframes.
_WITH_RULES = frozenset({"media", "supports", "document", "layer", "container", "scope"})
# Characters; no colour is longer.
_LONGEST_COLOUR = 100
# Colour spaces that tinycss2 converts to red, green and blue.
_KNOWN_SPACES = frozenset({"srgb", "hsl", "hwb"})
_BLOCKS = frozenset({"() block", "[] block", "{} block"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """One `name: value`; the name in lower case, the value without `!important`.

    `units`, `functions` and `words` are those of the value outside of strings and URLs, in
    lower case; `urls` are its addresses. `line` counts from 1 in the parsed text.
    """

    name: str
    value: str
    important: bool
    line: int
    units: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AtRule:
    """An at-rule: its name without the @, the text after the name, its depth of nesting."""

    name: str
    prelude: str
    line: int
    depth: int


@dataclass(frozen=True, slots=True)
class StyleRule:
    """Declarations for some selectors; `within` are the at-rules around them, outermost first."""

    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    within: tuple[AtRule, ...]
    line: int


@dataclass(frozen=True, slots=True)
class CssFault:
    """Something that can't be parsed; mail clients skip it."""

    problem: str
    line: int


class StyleSheet:
    """A style sheet: its rules, at-rules and faults, each in the order of the text.

    `loose` are the declarations of at-rules such as @font-face; `nested` are the lines of rules
    within rules (CSS Nesting).
    """

    def __init__(self) -> None:
        self.rules: list[StyleRule] = []
        self.at_rules: list[AtRule] = []
        self.loose: list[Declaration] = []
        self.faults: list[CssFault] = []
        self.nested: list[int] = []

    def add(self, nodes: Iterable[Any], within: tuple[AtRule, ...]) -> None:
        """Add the rules that tinycss2 found."""
        for node in nodes:
            if node.type == "error":
                self.faults.append(CssFault(node.message, node.source_line))
            elif node.type == "qualified-rule":
                declared = self._declarations(node.content)
                selectors = parse_selectors(node.prelude)
                rule = StyleRule(selectors, declared, within, node.source_line)
                self.rules.append(rule)
            elif node.type == "at-rule":
                self._add_at_rule(node, within)

    def _add_at_rule(self, node: Any, within: tuple[AtRule, ...]) -> None:
        prelude = tinycss2.serialize(node.prelude).strip()
        rule = AtRule(node.lower_at_keyword, prelude, node.source_line, len(within))
        self.at_rules.append(rule)
        if node.content is None:
            return
        if rule.name in _WITH_RULES:
            nodes = tinycss2.parse_rule_list(
                node.content, skip_comments=True, skip_whitespace=True
            )
            self.add(nodes, (*within, rule))
        elif "keyframes" not in rule.name:
            self.loose.extend(self._declarations(node.content))

    def _declarations(self, content: Any) -> tuple[Declaration, ...]:
        nodes = _parsed(content)
        for node in nodes:
            if node.type == "error":
                self.faults.append(CssFault(node.message, node.source_line))
            elif node.type == "qualified-rule":
                self.nested.append(node.source_line)
        return tuple([_declaration(node) for node in nodes if node.type == "declaration"])


@lru_cache(maxsize=4096)
def parse_declarations(style: str) -> tuple[Declaration, ...]:
    """Return the declarations of a style attribute, without those that can't be parsed."""
    if _bracket_depth(style) > _MOST_BRACKETS:
        return ()
    return tuple([_declaration(node) for node in _parsed(style) if node.type == "declaration"])


@lru_cache(maxsize=16)
def parse_stylesheet(css: str) -> StyleSheet:
    """Return the content of a <style> as a style sheet."""
    sheet = StyleSheet()
    if _bracket_depth(css) > _MOST_BRACKETS:
        problem = f"brackets are nested more than {_MOST_BRACKETS} deep"
        sheet.faults.append(CssFault(problem, 1))
    else:
        nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
        sheet.add(nodes, ())
    return sheet


@lru_cache(maxsize=2048)
def parse_colour(value: str) -> tuple[str, float] | None:
    """Return a colour as `#rrggbb` and its opacity, 0 to 1; None if it is not a plain colour."""
    parsed = tinycss2.color4.parse_color(value) if len(value) <= _LONGEST_COLOUR else None
    if parsed is None or isinstance(parsed, str) or parsed.space not in _KNOWN_SPACES:
        return None
    # A channel is None for the word `none`; min and max turn NaN into the limit.
    channels = [min(1, max(0, channel or 0)) for channel in parsed.to("srgb").coordinates]
    written = "".join([f"{round(255 * channel):02x}" for channel in channels])
    return f"#{written}", min(1.0, max(0.0, parsed.alpha))


@lru_cache(maxsize=2048)
def split_value(value: str) -> tuple[str, ...]:
    """Split a value at its white space; functions and strings stay whole."""
    if _bracket_depth(value) > _MOST_BRACKETS:
        return ()
    nodes = tinycss2.parse_component_value_list(value, skip_comments=True)
    return tuple([node.serialize() for node in nodes if node.type != "whitespace"])


def _bracket_depth(css: str) -> int:
    depth = deepest = 0
    for found in _BRACKET.finditer(css):
        depth = depth + 1 if found[0] in "[({" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _parsed(content: Any) -> list[Any]:
    nodes: list[Any] = tinycss2.parse_blocks_contents(
        content, skip_comments=True, skip_whitespace=True
    )
    return nodes


def _declaration(node: Any) -> Declaration:
    """Return a declaration with what its value is made of."""
    units, functions, words = set(), set(), set()
    urls: list[str] = []
    waiting = [*node.value]
    for part in waiting:
        if part.type == "dimension":
            units.add(part.lower_unit)
        elif part.type == "percentage":
            units.add("%")
        elif part.type == "ident":
            words.add(part.lower_value)
        elif part.type == "url":
            urls.append(part.value)
        elif part.type == "function":
            functions.add(part.lower_name)
            if part.lower_name == "url":
                urls += [arg.value for arg in part.arguments if arg.type == "string"]
            waiting += part.arguments  # the loop goes on with them
        elif part.type in _BLOCKS:
            waiting += part.content
    return Declaration(
        name=node.lower_name,
        value=" ".join(tinycss2.serialize(node.value).split()),
        important=node.important,
        line=node.source_line,
        units=frozenset(units),
        functions=frozenset(functions),
        words=frozenset(words),
        urls=tuple(urls),
    )
