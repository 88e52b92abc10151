"""Style sheets: the text of one, read once into frozen rules.

What browsers drop is dropped here too: declarations that are none, comments. What mail programs
don't know and what can't be moved is refused, by its line. Knows no element.

Source: CSS Syntax 3, Conditional Rules 3 and 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import tinycss2  # type: ignore[import-untyped]  # it ships no types
from tinycss2 import ast
from tinycss2.serializer import (  # type: ignore[import-untyped]  # as above
    serialize_identifier,
    serialize_url,
)

from publisher.rendering.inlining import selectors, values
from publisher.rendering.inlining.compounds import UnknownSelectorError
from publisher.rendering.inlining.properties import slots
from publisher.rendering.inlining.selectors import Selector
from publisher.rendering.inlining.words import words

# At-rules around rules that apply or not, as the reader's screen and program will have it.
CONDITIONAL = words("media supports container")

# They change whom or when other rules apply to, in ways that no mail program knows.
REFUSED = words("import layer scope namespace")

# What a string can't hold as itself (CSS Syntax 3, section 4.3.5).
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\a ", "\r": "\\d ", "\f": "\\c "})

# How much of a rule a message shows, in characters.
SHOWN = 60


class SheetError(ValueError):
    """Something in a style sheet is refused; `line` counts from the sheet's first line, 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A property and its value; `plain` if every browser takes that value."""

    name: str
    value: str
    important: bool
    plain: bool

    def __str__(self) -> str:
        """Write it, in small letters and with the space that Outlook needs (caniemail: css-important)."""
        return f"{self.name}:{self.value}{' !important' if self.important else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Selectors and declarations; `conditions` are the at-rules around it, outermost first."""

    number: int
    line: int
    selectors: tuple[Selector, ...]
    declarations: tuple[Declaration, ...]
    conditions: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Say whether every browser takes this for a rule."""
        return all(selector.known for selector in self.selectors)

    def __str__(self) -> str:
        """Show the rule in a message."""
        opening = " ".join([*self.conditions, ", ".join(s.text for s in self.selectors)])
        return _shown(opening)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An at-rule around others."""

    opening: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AsItIs:
    """An at-rule that sets nothing on elements, such as @font-face."""

    text: str


Node = Rule | Group | AsItIs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A style sheet; `animated` are the slots that its key frames set."""

    nodes: tuple[Node, ...]
    rules: tuple[Rule, ...]
    animated: frozenset[str]


@lru_cache(maxsize=256)
def parse(css: str, *, verbatim: bool = False) -> Sheet:
    """Read a style sheet; raises SheetError.

    A verbatim one is only looked at: a selector that nobody knows is no fault there.
    """
    tokens = _tokens(css)
    _refuse_imports(tokens)
    reader = _Reader(verbatim=verbatim)
    nodes = tuple(
        reader.nodes(
            tinycss2.parse_stylesheet(tokens, skip_comments=True, skip_whitespace=True), ()
        )
    )
    return Sheet(nodes=nodes, rules=tuple(reader.rules), animated=frozenset(reader.animated))


@lru_cache(maxsize=4096)
def parse_attribute(css: str) -> tuple[Declaration, ...]:
    """Read the declarations of a style attribute."""
    nodes = tinycss2.parse_blocks_contents(_tokens(css), skip_whitespace=True)
    return tuple(_declarations(nodes))


class _Reader:
    def __init__(self, *, verbatim: bool) -> None:
        self.verbatim = verbatim
        self.rules: list[Rule] = []
        self.animated: set[str] = set()

    def nodes(self, found: Iterable[ast.Node], conditions: tuple[str, ...]) -> Iterator[Node]:
        for node in found:
            if node.type == "qualified-rule":
                yield from self._rule(node, conditions)
            elif node.type == "at-rule":
                yield from self._at_rule(node, conditions)
            elif node.type == "error" and not self.verbatim:
                raise SheetError(node.source_line, node.message)

    def _at_rule(self, node: ast.AtRule, conditions: tuple[str, ...]) -> Iterator[Node]:
        word = node.lower_at_keyword
        if word in REFUSED:
            raise SheetError(node.source_line, f"a mail's style sheet can't have @{word}")
        if word in CONDITIONAL and node.content is not None:
            opening = f"@{word} {' '.join(tinycss2.serialize(node.prelude).split())}"
            inner = tinycss2.parse_rule_list(
                node.content, skip_comments=True, skip_whitespace=True
            )
            inside = tuple(self.nodes(inner, (*conditions, opening)))
            yield Group(opening=opening, nodes=inside)
        elif word != "charset":
            if word.endswith("keyframes"):
                self.animated |= _animated(node.content or ())
            yield AsItIs(text=node.serialize())

    def _rule(self, node: ast.QualifiedRule, conditions: tuple[str, ...]) -> Iterator[Node]:
        nodes = tinycss2.parse_blocks_contents(node.content, skip_whitespace=True)
        prelude = " ".join(tinycss2.serialize(node.prelude).split())
        if any(inner.type in {"qualified-rule", "at-rule"} for inner in nodes):
            problem = "has a rule within, which mail programs don't know"
            raise SheetError(node.source_line, f"`{_shown(prelude)}` {problem}")
        try:
            parsed = selectors.parse(node.prelude)
        except UnknownSelectorError:
            if self.verbatim:
                return
            problem = f"`{_shown(prelude)}` is no selector that this program knows"
            raise SheetError(node.source_line, problem) from None
        rule = Rule(
            number=len(self.rules),
            line=node.source_line,
            selectors=parsed,
            declarations=tuple(_declarations(nodes)),
            conditions=conditions,
        )
        self._refuse_all(rule)
        self.rules.append(rule)
        yield rule

    def _refuse_all(self, rule: Rule) -> None:
        if any(declaration.name == "all" for declaration in rule.declarations):
            raise SheetError(rule.line, f"`{rule}` sets `all`, which mail programs don't know")


def _tokens(css: str) -> list[ast.Node]:
    """Read tokens, and have them written so that they fit an attribute and a style element."""
    tokens: list[ast.Node] = tinycss2.parse_component_value_list(css)
    _fit(tokens)
    return tokens


def _refuse_imports(tokens: Iterable[ast.Node]) -> None:
    """Refuse @import however it is written and wherever it stands: escapes are read by now."""
    for token in tokens:
        if token.type == "at-keyword" and token.lower_value == "import":
            raise SheetError(token.source_line, "a mail's style sheet must not @import another")
        _refuse_imports(_within(token))


def _fit(tokens: Iterable[ast.Node]) -> None:
    for token in tokens:
        if token.type == "whitespace":
            token.value = " "
        elif token.type == "comment":
            # Not left out: what it parts would become one word, `@im/**/port` another.
            token.value = ""
        elif token.type == "string":
            token.representation = _quoted(token.value)
        elif token.type == "url":
            token.representation = f"url({serialize_url(token.value)})".replace("</", "<\\/")
        _fit(_within(token))


def _quoted(text: str) -> str:
    """Write a string, if possible in the quotes that need no escaping in an attribute."""
    escaped = text.translate(ESCAPES).replace("</", "<\\/")
    return f"'{escaped}'" if "'" not in text else '"' + escaped.replace('"', '\\"') + '"'


def _within(token: ast.Node) -> Sequence[ast.Node]:
    if token.type == "function":
        return token.arguments  # type: ignore[no-any-return]
    return token.content if token.type.endswith(" block") else ()


def _declarations(nodes: Iterable[ast.Node]) -> Iterator[Declaration]:
    for node in nodes:
        if node.type != "declaration":
            continue
        own = node.name.startswith("--")
        parts = [part for part in node.value if part.type not in {"whitespace", "comment"}]
        if (parts or own) and not _spoilt(node.value):
            yield Declaration(
                name=serialize_identifier(node.name if own else node.lower_name),
                value=tinycss2.serialize(node.value).strip(),
                important=node.important,
                plain=values.plain(node.lower_name, parts),
            )


def _spoilt(tokens: Iterable[ast.Node]) -> bool:
    """Say whether there is what no declaration may hold (CSS Syntax 3, section 7.2).

    The end of the sheet ends what is open.
    """
    return any(
        (token.type == "error" and not token.kind.startswith("eof-in-"))
        or _spoilt(_within(token))
        for token in tokens
    )


def _animated(frames: Sequence[ast.Node]) -> set[str]:
    rules = tinycss2.parse_rule_list(frames, skip_whitespace=True)
    contents = [rule.content for rule in rules if rule.type == "qualified-rule"]
    return {
        slot
        for content in contents
        for declaration in _declarations(tinycss2.parse_blocks_contents(content))
        for slot in slots(declaration.name)
    }


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
