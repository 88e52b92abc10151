"""Selectors as they are written: tokens become compounds, conditions for one element each.

Knows no document.

Source: Selectors 4; HTML standard, "Case-sensitivity of selectors".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinycss2 import ast  # type: ignore[import-untyped]  # it ships no types
from tinycss2.nth import parse_nth  # type: ignore[import-untyped]  # as above

from publisher.rendering.inlining.words import words

# Functions that count an element's place, and those that are about other selectors.
COUNTING = words("nth-child nth-last-child nth-of-type nth-last-of-type")
CHOOSING = words("is not where")

# They may be written with one colon (Selectors 4, section 3.6.1).
OLD_PSEUDO_ELEMENTS = words("before after first-line first-letter")

# A tuple, since a token equals its text but has no hash.
COMBINATORS = (">", "+", "~")

# HTML standard, "ASCII whitespace": what parts classes, and nothing else.
WORD = re.compile(r"[^ \t\n\r\f]+")

COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "": lambda _found, _asked: True,
    "=": lambda found, asked: found == asked,
    "~=": lambda found, asked: asked in WORD.findall(found),
    "|=": lambda found, asked: found == asked or found.startswith(f"{asked}-"),
    "^=": lambda found, asked: bool(asked) and found.startswith(asked),
    "$=": lambda found, asked: bool(asked) and found.endswith(asked),
    "*=": lambda found, asked: bool(asked) and asked in found,
}

# Attributes whose values match whatever their case.
CASELESS = words(
    """
    accept accept-charset align alink axis bgcolor charset checked clear codetype color
    compact declare defer dir direction disabled enctype face frame hreflang http-equiv
    lang language link media method multiple nohref noresize noshade nowrap readonly rel
    rev rules scope scrolling selected shape target text type valign valuetype vlink
    """
)


class UnknownSelectorError(ValueError):
    """A text is no selector, or none that this program knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a compound.

    Its `kind` is universal, type, id, class, attribute, pseudo-class, function or
    pseudo-element. `choices` are the selectors that a function is about, `step` is A and B of
    one that counts in An+B, and `settled` says whether all browsers understand its arguments,
    and alike.
    """

    kind: str
    name: str
    comparison: str = ""
    value: str = ""
    caseless: bool = False
    choices: tuple[Complex, ...] = ()
    step: tuple[int, int] = (0, 1)
    settled: bool = True

    def compares(self, found: str) -> bool:
        """Compare a value that an element has."""
        asked = self.value
        if self.caseless:
            found, asked = found.lower(), asked.lower()
        return COMPARISONS[self.comparison](found, asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compound:
    """Conditions for one element, after what combines it with the element before."""

    combinator: str
    conditions: tuple[Condition, ...]


Complex = tuple[Compound, ...]


def groups(tokens: Iterable[ast.Node]) -> list[list[ast.Node]]:
    """Part a list of selectors at its commas."""
    found: list[list[ast.Node]] = [[]]
    for part in tokens:
        if part == ",":
            found.append([])
        elif part.type != "comment":
            found[-1].append(part)
    return found


def parse(tokens: Iterable[ast.Node], *, relative: bool = False) -> Complex:
    """Read one selector; a relative one may begin with a combinator.

    Raises UnknownSelectorError.
    """
    compounds: list[Compound] = []
    combinator = ""
    rest = [part for part in tokens if part.type != "comment"]
    while rest:
        if rest[0].type == "whitespace":
            rest.pop(0)
            combinator = combinator or (" " if compounds else "")
        elif rest[0] in COMBINATORS:
            if combinator.strip() or not (compounds or relative):
                raise UnknownSelectorError
            combinator = rest.pop(0).value
        else:
            conditions = tuple(_compound(rest))
            compounds.append(Compound(combinator=combinator, conditions=conditions))
            combinator = ""
    if not compounds or combinator.strip():
        raise UnknownSelectorError
    return tuple(compounds)


def _compound(rest: list[ast.Node]) -> Iterator[Condition]:
    """Take the conditions of the first compound off the tokens."""
    first = True
    while rest and not (rest[0].type == "whitespace" or rest[0] in COMBINATORS):
        part = rest.pop(0)
        if first and part.type == "ident":
            yield Condition(kind="type", name=part.lower_value)
        elif first and part == "*":
            yield Condition(kind="universal", name="*")
        elif part.type == "hash" and part.is_identifier:
            yield Condition(kind="id", name=part.value)
        elif part == "." and rest and rest[0].type == "ident":
            yield Condition(kind="class", name=rest.pop(0).value)
        elif part.type == "[] block":
            yield _attribute(_without_space(part.content))
        elif part == ":" and rest:
            yield _pseudo(rest)
        else:
            raise UnknownSelectorError
        first = False


def _without_space(parts: Iterable[ast.Node]) -> list[ast.Node]:
    return [part for part in parts if part.type not in {"whitespace", "comment"}]


def _attribute(parts: list[ast.Node]) -> Condition:
    if not parts or parts[0].type != "ident":
        raise UnknownSelectorError
    name = parts[0].lower_value
    match parts[1:]:
        case []:
            return Condition(kind="attribute", name=name)
        case [comparison, value]:
            caseless, settled = name in CASELESS, True
        case [comparison, value, ast.IdentToken(lower_value=("i" | "s") as flag)]:
            caseless, settled = flag == "i", flag == "i"
        case _:
            raise UnknownSelectorError
    compared = comparison.type == "literal" and comparison.value in COMPARISONS
    if not compared or value.type not in {"ident", "string"}:
        raise UnknownSelectorError
    return Condition(
        kind="attribute",
        name=name,
        comparison=comparison.value,
        value=value.value,
        caseless=caseless,
        settled=settled,
    )


def _pseudo(rest: list[ast.Node]) -> Condition:
    part = rest.pop(0)
    double = part == ":" and bool(rest)
    if double:
        part = rest.pop(0)
    if part.type not in {"ident", "function"}:
        raise UnknownSelectorError
    name = part.lower_value if part.type == "ident" else part.lower_name
    if double or name in OLD_PSEUDO_ELEMENTS:
        return Condition(kind="pseudo-element", name=name)
    if part.type == "ident":
        return Condition(kind="pseudo-class", name=name)
    if name in CHOOSING or name == "has":
        listed = groups(part.arguments)
        choices = tuple(parse(group, relative=name == "has") for group in listed)
        return Condition(kind="function", name=name, choices=choices)
    if name in COUNTING:
        return _counting(name, part.arguments)
    return _other(name, _without_space(part.arguments))


def _counting(name: str, arguments: Sequence[ast.Node]) -> Condition:
    """Read An+B, or An+B of selectors, which not every program knows."""
    of = [n for n, p in enumerate(arguments) if p.type == "ident" and p.lower_value == "of"]
    ends = of[0] if of else len(arguments)
    step = parse_nth(arguments[:ends])
    if step is None:
        raise UnknownSelectorError
    choices = tuple(parse(group) for group in groups(arguments[ends + 1 :])) if of else ()
    return Condition(kind="function", name=name, choices=choices, step=step, settled=not of)


def _other(name: str, arguments: list[ast.Node]) -> Condition:
    match name, arguments:
        case "lang", [ast.IdentToken() as language]:
            # Ranges of several subtags match loosely (RFC 4647, section 3.3.2); strings and
            # lists are not known everywhere.
            return Condition(
                kind="function",
                name=name,
                comparison="|=",
                value=language.value,
                caseless=True,
                settled=language.value.isalpha(),
            )
    return Condition(kind="function", name=name, settled=False)
