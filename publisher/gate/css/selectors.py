"""Selectors of style rules, read and matched by cssselect2.

A selector that depends on a state (`:hover`) or on a pseudo-class other than `:root` matches no
element: most mail clients don't support it, and a mail must look right without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cssselect2  # type: ignore[import-untyped]  # it ships no types
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


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """A selector: what it names, how to match it, and how much it weighs.

    `matches` takes an ElementWrapper of cssselect2; None if no element can match. `subject_class`
    and `subject_tag` are what the element itself must have, as far as the selector says so.
    `attributes` are names, operators and values; `pseudos` are written `hover` or `::after`.
    `depends_on_key` says whether tag, id and classes of an element decide alone.
    """

    matches: Callable[[Any], bool] | None
    specificity: tuple[int, int, int]
    subject_class: str | None
    subject_tag: str | None
    combinators: tuple[str, ...]
    tags: frozenset[str]
    ids: frozenset[str]
    classes: frozenset[str]
    attributes: tuple[tuple[str, str | None, str | None], ...]
    pseudos: tuple[str, ...]
    has_universal: bool
    has_chain: bool
    depends_on_key: bool


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
    compiled = compiler.CompiledSelector(parsed) if {*pseudos} <= {"root"} else None
    return Selector(
        matches=compiled.test if compiled else None,
        specificity=parsed.specificity,
        subject_class=compiled.class_name if compiled else None,
        subject_tag=compiled.lower_local_name if compiled else None,
        combinators=tuple(combinators),
        tags=frozenset(tags),
        ids=frozenset(ids),
        classes=frozenset(classes),
        attributes=tuple(attributes),
        pseudos=tuple(pseudos),
        has_universal=not all(compounds),
        has_chain=len(classes) + len(ids) > 1 and any(map(_is_chain, compounds)),
        depends_on_key=not (combinators or attributes or pseudos),
    )


def _is_chain(compound: list[Any]) -> bool:
    kinds = (parser.ClassSelector, parser.IDSelector)
    return sum([isinstance(simple, kinds) for simple in compound]) > 1
