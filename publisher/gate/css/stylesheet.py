"""Style sheets and style attributes as values; the gate's only importer of tinycss2.

Whatever is handed in comes back as rules, declarations and faults; nothing raises. Knows no
element and no mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tinycss2  # type: ignore[import-untyped]  # it ships no types
import tinycss2.color4  # type: ignore[import-untyped]  # as above

from publisher.gate.css.selectors import Selector, selectors

# Nobody nests brackets this deep; tinycss2 writes them out by calling itself.
MOST_BRACKETS = 50
BRACKET = re.compile(r"[\[\](){}]")

# At-rules that hold rules; what others hold are declarations, or keyframes.
HOLDING = frozenset({"media", "supports", "document", "layer", "container", "scope"})
LONGEST_COLOUR = 100
# Colour spaces that tinycss2 turns into red, green and blue; others few mail programs know.
KNOWN_SPACES = frozenset({"srgb", "hsl", "hwb"})


@dataclass(frozen=True, slots=True)
class Declaration:
    """One `name: value`; the name in lower case, the value as written without `!important`.

    `units`, `functions` and `words` are what its value holds outside of strings and URLs, in
    lower case; `urls` are the addresses. `line` counts from 1 in what was parsed.
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
class StyleRule:
    """Declarations for some selectors, and the at-rules around them, outermost first."""

    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    within: tuple[AtRule, ...]
    line: int


@dataclass(frozen=True, slots=True)
class AtRule:
    """An at-rule: its name without the @, what follows the name, and how deep it is nested."""

    name: str
    prelude: str
    line: int
    depth: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What can't be parsed, and is passed over by those who read it."""

    problem: str
    line: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet, each kind in the order in which it was written.

    `loose` are the declarations of at-rules such as @font-face, `nested` the lines of rules
    within rules (CSS Nesting).
    """

    rules: tuple[StyleRule, ...] = ()
    at_rules: tuple[AtRule, ...] = ()
    loose: tuple[Declaration, ...] = ()
    faults: tuple[Fault, ...] = ()
    nested: tuple[int, ...] = ()


@dataclass(slots=True)
class _Reading:
    rules: list[StyleRule] = field(default_factory=list)
    at_rules: list[AtRule] = field(default_factory=list)
    loose: list[Declaration] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    nested: list[int] = field(default_factory=list)


@lru_cache(maxsize=4096)
def declarations(style: str) -> tuple[Declaration, ...]:
    """Parse a style attribute; what is wrong in it is left out, as mail programs do."""
    if _brackets(style) > MOST_BRACKETS:
        return ()
    return _declared(style, _Reading())


@lru_cache(maxsize=16)
def sheet(css: str) -> Sheet:
    """Parse what a <style> holds."""
    if _brackets(css) > MOST_BRACKETS:
        return Sheet(faults=(Fault(f"brackets are nested over {MOST_BRACKETS} deep", 1),))
    read = _Reading()
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    _read(nodes, read, ())
    return Sheet(
        tuple(read.rules),
        tuple(read.at_rules),
        tuple(read.loose),
        tuple(read.faults),
        tuple(read.nested),
    )


@lru_cache(maxsize=2048)
def colour(value: str) -> tuple[str, float] | None:
    """Give a colour as `#rrggbb` and its opacity, 0 to 1; None for what is no plain colour."""
    parsed = tinycss2.color4.parse_color(value) if len(value) <= LONGEST_COLOUR else None
    if parsed is None or isinstance(parsed, str) or parsed.space not in KNOWN_SPACES:
        return None
    # None stands for `none`; min and max take what is not a number for the least.
    channels = [min(1, max(0, channel or 0)) for channel in parsed.to("srgb").coordinates]
    written = "".join(f"{round(255 * channel):02x}" for channel in channels)
    return f"#{written}", min(1.0, max(0.0, parsed.alpha))


@lru_cache(maxsize=2048)
def parts(value: str) -> tuple[str, ...]:
    """Split a value at its white space, with functions and strings whole."""
    if _brackets(value) > MOST_BRACKETS:
        return ()
    nodes = tinycss2.parse_component_value_list(value, skip_comments=True)
    return tuple(node.serialize() for node in nodes if node.type != "whitespace")


def _brackets(css: str) -> int:
    """Count how deep brackets are nested."""
    depth = deepest = 0
    for found in BRACKET.finditer(css):
        depth = depth + 1 if found[0] in "[({" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _read(nodes: Iterable[Any], into: _Reading, within: tuple[AtRule, ...]) -> None:
    for node in nodes:
        if node.type == "error":
            into.faults.append(Fault(node.message, node.source_line))
        elif node.type == "qualified-rule":
            into.rules.append(
                StyleRule(
                    selectors(node.prelude),
                    _declared(node.content, into),
                    within,
                    node.source_line,
                )
            )
        elif node.type == "at-rule":
            _read_at_rule(node, into, within)


def _read_at_rule(node: Any, into: _Reading, within: tuple[AtRule, ...]) -> None:
    prelude = tinycss2.serialize(node.prelude).strip()
    rule = AtRule(node.lower_at_keyword, prelude, node.source_line, len(within))
    into.at_rules.append(rule)
    if node.content is None:
        return
    if rule.name in HOLDING:
        nodes = tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True)
        _read(nodes, into, (*within, rule))
    elif "keyframes" not in rule.name:
        into.loose.extend(_declared(node.content, into))


def _declared(content: Any, into: _Reading) -> tuple[Declaration, ...]:
    nodes = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    for node in nodes:
        if node.type == "error":
            into.faults.append(Fault(node.message, node.source_line))
        elif node.type == "qualified-rule":
            into.nested.append(node.source_line)
    return tuple(_declaration(node) for node in nodes if node.type == "declaration")


def _declaration(node: Any) -> Declaration:
    found: dict[str, set[str]] = {"units": set(), "functions": set(), "words": set()}
    urls: list[str] = []
    _look_through(node.value, found, urls)
    return Declaration(
        name=node.lower_name,
        value=" ".join(tinycss2.serialize(node.value).split()),
        important=node.important,
        line=node.source_line,
        units=frozenset(found["units"]),
        functions=frozenset(found["functions"]),
        words=frozenset(found["words"]),
        urls=tuple(urls),
    )


def _look_through(nodes: Iterable[Any], found: dict[str, set[str]], urls: list[str]) -> None:
    for node in nodes:
        if node.type == "dimension":
            found["units"].add(node.lower_unit)
        elif node.type == "percentage":
            found["units"].add("%")
        elif node.type == "ident":
            found["words"].add(node.lower_value)
        elif node.type == "url":
            urls.append(node.value)
        elif node.type == "function":
            if node.lower_name == "url":
                urls.extend(arg.value for arg in node.arguments if arg.type == "string")
            found["functions"].add(node.lower_name)
            _look_through(node.arguments, found, urls)
        elif node.type in {"() block", "[] block", "{} block"}:
            _look_through(node.content, found, urls)
