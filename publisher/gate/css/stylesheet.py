"""Style sheets and style attributes as values: declarations, selectors, lengths, colours, shorthands.

They are read by tinycss2, selectors by cssselect2. Any text is accepted: what can't be parsed comes back as a
fault, nothing is raised. A selector that depends on a state (`:hover`) or on a pseudo-class other than `:root`
matches no element: most mail clients don't support it, and a mail must look right without it. Values of old
attributes (`bgcolor`) are read, too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any

import cssselect2  # type: ignore[import-untyped]  # it ships no types
import tinycss2  # type: ignore[import-untyped]  # it ships no types
import tinycss2.color4  # type: ignore[import-untyped]  # as above
from cssselect2 import compiler, parser

# cssselect2 calls itself for each part of a selector; a selector of a mail has about ten tokens.
_MOST_TOKENS = 50
# Pseudo-classes for which cssselect2 has classes of their own.
_FUNCTIONS = {
    parser.NegationSelector: "not",
    parser.RelationalSelector: "has",
    parser.MatchesAnySelector: "is",
    parser.SpecificityAdjustmentSelector: "where",
}
_NAMES = (parser.ClassSelector, parser.IDSelector)


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """A selector: what it names, and how cssselect2 matches it: `compiled` is None if no element can match.

    `attributes` are names, operators and values; `pseudos` are written `hover` or `::after`.
    """

    compiled: Any
    combinators: tuple[str, ...]
    tags: frozenset[str]
    ids: frozenset[str]
    classes: frozenset[str]
    attributes: tuple[tuple[str, str | None, str | None], ...]
    pseudos: tuple[str, ...]
    has_universal: bool
    has_chain: bool


def parse_selectors(tokens: Iterable[Any]) -> tuple[Selector, ...]:
    """Return the selectors of a list of tokens; an invalid list is empty, as in CSS."""
    groups: list[list[Any]] = [[]]
    for token in tokens:
        if token.type == "literal" and token.value == ",":
            groups.append([])
        else:
            groups[-1].append(token)
    try:
        return tuple(
            [
                _selector(parsed)
                for group in groups
                if len(group) <= _MOST_TOKENS
                for parsed in parser.parse(group)
            ]
        )
    # It also raises AttributeError for a selector that ends early, NotImplementedError for `*|a`.
    except (cssselect2.SelectorError, AttributeError, NotImplementedError):
        return ()


def _compounds(node: Any) -> tuple[list[Any], list[str]]:
    """Return the compounds of a selector, the last first, and what combines them."""
    compounds, combinators = [], []
    while isinstance(node, parser.CombinedSelector):
        compounds.append(node.right.simple_selectors)
        combinators.append(node.combinator)
        node = node.left
    return [*compounds, node.simple_selectors], combinators


def _selector(parsed: Any) -> Selector:
    compounds, combinators = _compounds(parsed.parsed_tree)
    tags, ids, classes, pseudos = list[str](), list[str](), list[str](), list[str]()
    attributes = list[tuple[str, str | None, str | None]]()
    for simple in chain.from_iterable(compounds):
        if isinstance(simple, parser.LocalNameSelector):
            tags.append(simple.lower_local_name)
        elif isinstance(simple, parser.IDSelector):
            ids.append(simple.ident)
        elif isinstance(simple, parser.ClassSelector):
            classes.append(simple.class_name)
        elif isinstance(simple, parser.AttributeSelector):
            attributes.append((simple.lower_name, simple.operator, simple.value))
        else:
            pseudos.append(_FUNCTIONS.get(type(simple)) or str(getattr(simple, "name", "")))
    pseudos += [f"::{parsed.pseudo_element}"] if parsed.pseudo_element else []
    return Selector(
        compiled=compiler.CompiledSelector(parsed) if {*pseudos} <= {"root"} else None,
        combinators=tuple(combinators),
        tags=frozenset(tags),
        ids=frozenset(ids),
        classes=frozenset(classes),
        attributes=tuple(attributes),
        pseudos=tuple(pseudos),
        has_universal=not all(compounds),
        has_chain=any(sum([isinstance(one, _NAMES) for one in each]) > 1 for each in compounds),
    )


# tinycss2 calls itself for each bracket within a bracket, so the depth is limited.
_MOST_BRACKETS = 50
_BRACKET = re.compile(r"[\[\](){}]")

# At-rules whose content is rules. The content of others is declarations, or keyframes.
_WITH_RULES = frozenset({"media", "supports", "document", "layer", "container", "scope"})
_LONGEST_COLOUR = 100  # characters; no colour is longer
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
    # Not compared: what follows from a declaration is computed once, wherever it stands.
    line: int = field(compare=False)
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


ROOT_SIZE = 16.0
# Pixels of the keywords of font-size.
KEYWORD_SIZES = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
}
# Pixels of the absolute units.
_UNITS = {"px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0, "cm": 96 / 2.54, "mm": 9.6 / 2.54}
_RELATIVE_UNITS = {"%": 0.01, "em": 1.0, "ex": 0.5}
_LENGTH = re.compile(
    r"([+-]?(?:\d{1,6}(?:\.\d{0,6})?|\.\d{1,6}))(px|pt|pc|in|cm|mm|em|ex|rem|%|)"
)
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_KEYWORD_COLOURS = frozenset({"transparent", "inherit", "currentcolor"})


@lru_cache(maxsize=512)
def legacy_colour(value: str | None) -> str | None:
    """Return the colour of an attribute of HTML 3.2 (`bgcolor`), None if it is not one."""
    if not value:
        return None
    found = _HEX.fullmatch(value.strip())
    named = parse_colour(value.strip())
    return f"#{found[1].lower()}" if found else named[0] if named else None


@lru_cache(maxsize=2048)
def pixels(value: str, relative: float) -> float | None:
    """Return a length in pixels, None if it is not one; `relative` is 1 em and 100 %."""
    found = _LENGTH.fullmatch(value.strip().lower())
    if not found:
        return None
    number, unit = float(found[1]), found[2]
    if unit in _UNITS:
        return number * _UNITS[unit]
    if unit == "rem":
        return number * ROOT_SIZE
    if unit in _RELATIVE_UNITS:
        return number * _RELATIVE_UNITS[unit] * relative
    return 0.0 if number == 0 else None


@lru_cache(maxsize=512)
def plain_number(value: str) -> float | None:
    """Return a number without a unit, None if it is not one."""
    found = _LENGTH.fullmatch(value.strip())
    return float(found[1]) if found and not found[2] else None


def opacity_of(value: str) -> float | None:
    """Return a number or a percentage as a share, 0 to 1; None if it is neither."""
    number = plain_number(value)
    if number is None:
        number = pixels(value, 1.0) if value.endswith("%") else None
    return None if number is None else min(1.0, max(0.0, number))


def longhands(applied: Iterable[Declaration]) -> dict[str, str]:
    """Return the values that win by property, `background` and `font` split; none with variables, which few clients know."""
    values: dict[str, str] = {}
    for declared in applied:
        name, value = declared.name, declared.value.lower()
        if "var" in declared.functions or not value:
            continue
        if name == "background":
            values["background-color"] = _background_colour(declared.value)
        elif name == "font":
            values |= _font_longhands(declared.value)
        elif name in {"background-color", "color"}:
            if value in _KEYWORD_COLOURS or parse_colour(value):
                values[name] = value
        else:
            values[name] = declared.value if name == "font-family" else value
    return values


@lru_cache(maxsize=512)
def _background_colour(value: str) -> str:
    return next((part for part in split_value(value) if parse_colour(part)), "transparent")


@lru_cache(maxsize=512)
def _font_longhands(value: str) -> dict[str, str]:
    """Take `font: italic bold 16px/24px Arial, sans-serif` apart."""
    words = split_value(value)
    place = next((n for n, word in enumerate(words) if _LENGTH.fullmatch(word.lower())), None)
    if place is None:
        return {}
    found = {"font-size": words[place], "font-weight": "normal", "font-style": "normal"}
    for word in words[:place]:
        if word in {"italic", "oblique"}:
            found["font-style"] = word
        elif word in {"bold", "bolder"} or word.isdecimal():
            found["font-weight"] = word
    rest = words[place + 1 :]
    if rest[:1] == ("/",):
        found["line-height"], rest = "".join(rest[1:2]), rest[2:]
    return found | {"font-family": " ".join(rest).replace(" ,", ",")}
