"""premailer 3.10.0, hardened: the only importer of it.

premailer goes through a document, takes its style elements away and writes the style
attributes. What it gets wrong is taken from it: it is given rules that were read and matched
elsewhere, and attributes that were settled elsewhere. Its own caches, its parser cssutils and
its ways to files and the network are never reached. Knows no CSS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import premailer.premailer
from lxml import etree
from premailer import Premailer

from publisher.errors import RenderingError

# The attribute with which a style element is kept from premailer, and its only value.
MARK = "data-premailer"
IGNORE = "ignore"

# What premailer's `transform` calls by name, beside methods; each is exchanged below.
HELPERS = ("_create_cssselector", "csstext_to_pairs", "merge_styles")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A selector of a rule to be inlined: how it ranks, its name, and whom it matches."""

    rank: tuple[int, ...]
    name: str
    elements: Collection[etree._Element]


def transform(
    root: etree._Element,
    entries: Sequence[Sequence[Entry]],
    attribute: Callable[[frozenset[str], str], str],
) -> None:
    """Write style attributes into a tree, and take away the style elements that are inlined.

    `entries` are the rules of each such style element; `attribute` gives the style of an
    element from the names of the rules that match it and from the style that it has.
    """
    try:
        _Hardened(entries, attribute).transform(root)
    except Exception as error:
        # premailer lets through whatever goes wrong within: AttributeError, IndexError, ...
        raise RenderingError(f"premailer can't inline a mail: {error!r}") from error


class _Hardened(Premailer):  # type: ignore[misc]  # premailer ships no types
    def __init__(
        self,
        entries: Sequence[Sequence[Entry]],
        attribute: Callable[[frozenset[str], str], str],
    ) -> None:
        super().__init__(
            allow_network=False,
            allow_loading_external_files=False,
            strip_important=False,
            disable_leftover_css=True,
            disable_link_rewrites=True,
            align_floating_images=False,
            remove_unset_properties=False,
        )
        self._entries = entries
        self._elements = {entry.name: entry.elements for rules in entries for entry in rules}
        self._attribute = attribute

    def transform(self, root: etree._Element) -> None:
        """Run premailer's own `transform` with our helpers in the place of its module's.

        Its globals are copied, not changed: nothing is shared between documents or threads.
        """
        helpers: Mapping[str, Any] = {
            "_create_cssselector": self._selector,
            "csstext_to_pairs": lambda name, **_options: name,
            "merge_styles": self._merged,
        }
        own = Premailer.transform
        run = FunctionType(own.__code__, {**vars(premailer.premailer), **helpers}, own.__name__)
        run.__defaults__, run.__kwdefaults__ = own.__defaults__, own.__kwdefaults__
        run(self, root)

    def _selector(self, name: str) -> Callable[[Any], Collection[etree._Element]]:
        if name == "style":
            return lambda tree: list(tree.iter("style"))
        return lambda _tree: self._elements[name]

    def _merged(
        self, inline_style: str, names: Sequence[str], _classes: Sequence[str], **_options: Any
    ) -> str:
        return self._attribute(frozenset(names), inline_style)

    def _parse_style_rules(
        self, _css_body: str, ruleset_index: int
    ) -> tuple[list[tuple[tuple[int, ...], str, str]], list[Any]]:
        entries = self._entries[ruleset_index]
        return [(entry.rank, entry.name, entry.name) for entry in entries], []

    def _style_to_basic_html_attributes(self, *_arguments: Any, **_options: Any) -> None:
        """Leave width, height, align, valign and bgcolor to the templates."""

    def _parse_css_string(self, *_arguments: Any, **_options: Any) -> Any:
        raise RenderingError("premailer must not parse style sheets: cssutils follows @import")

    def _load_external(self, url: str) -> Any:
        raise RenderingError(f"premailer must not load {url}")
