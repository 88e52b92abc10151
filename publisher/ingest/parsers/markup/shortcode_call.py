"""One call of a shortcode: its arguments, what is inside it, and the page that it stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from publisher.article_problems import ProblemKind
from publisher.ingest.parsers.markup.problem_log import ProblemLog


@dataclass(frozen=True, slots=True)
class ShortcodeContext:
    """The values that shortcodes can show: the page's front matter, and the site's parameters."""

    page: Mapping[str, Any] = field(default_factory=dict)
    site: Mapping[str, Any] = field(default_factory=dict)
    # Whether the document is a page of HTML.
    in_html: bool = False
    # The address of the page that a path means; a language's code may say in which language.
    reference: Callable[[str, str], str] = lambda path, _language: path
    to_html: Callable[[str], str] = escape
    # The word for a kind of note in the document's language.
    note_title: Callable[[str], str] = str.capitalize

    def line_html(self, text: str) -> str:
        """Return a line of Markdown as HTML without a paragraph around it."""
        shown = self.to_html(text).strip()
        inside = shown.removeprefix("<p>").removesuffix("</p>")
        return inside if shown == f"<p>{inside}</p>" and "<p>" not in inside else escape(text)

    def value(self, name: str) -> Any:
        """Return a value of the page, else of the site; `a.b` is inside of `a`. None if absent."""
        inside = self.page.get("params")
        params = {str(key).lower(): value for key, value in self.site.items()}.get("params")
        for values in (self.page, inside, params):
            found: Any = values
            for key in name.lower().split("."):
                found = _item(found, key)
            if found is not None:
                return found
        return None


def _item(values: Any, key: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    return next((value for name, value in values.items() if str(name).lower() == key), None)


@dataclass(frozen=True, slots=True)
class ShortcodeCall:
    """A shortcode with its arguments; `span` is where it stands in the text of the log."""

    name: str
    positional: tuple[str, ...]
    named: Mapping[str, str]
    inside: str
    span: tuple[int, int]
    context: ShortcodeContext
    log: ProblemLog

    def argument(self, key: str | int, *others: str | int) -> str:
        """Return the first argument that is given, by its name or its position; else nothing."""
        for one in (key, *others):
            if isinstance(one, str) and self.named.get(one):
                return self.named[one]
            if isinstance(one, int) and one < len(self.positional):
                return self.positional[one]
        return ""

    @property
    def values(self) -> dict[str, Any]:
        """The values for a template of the publication's own."""
        numbered = {"arguments": self.positional, "inside": self.inside, "name": self.name}
        return {**numbered, "named": dict(self.named)}

    def missing(self, kind: ProblemKind, what: str) -> str:
        """Record that nothing stands here, and return nothing."""
        self.log.add_missing(kind, what, *self.span)
        return ""
