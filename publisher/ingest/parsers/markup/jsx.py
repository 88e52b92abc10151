"""Read JSX: a tag with its attributes, and the literals in its expressions. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"<(?P<closing>/)?\s*(?P<name>[A-Za-z][\w.:-]*)?")
_ATTRIBUTE = re.compile(r"\s*(?P<name>[:@#]?[A-Za-z_][\w:.\[\]-]*)(?P<equals>\s*=\s*)?")
_END = re.compile(r"\s*(?P<single>/)?>")
_STRING = re.compile(r""""[^"]*"|'[^']*'""")
_BARE = re.compile(r"[^\s\"'<>=`{}]+")
# Characters of one tag or expression; real ones have some hundreds.
_MAX_LENGTH = 10_000
_SKIPPED = re.compile(r"""["'`{}]|/\*""")
_LITERAL = re.compile(
    r""""(?P<double>(?:\\.|[^"\\])*)"|'(?P<one>(?:\\.|[^'\\])*)'|`(?P<tick>(?:\\.|[^`\\$])*)`"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)""",
    re.DOTALL,
)
_NOTHING = frozenset({"", "null", "undefined", "true", "false"})
_PATH = re.compile(r"(?:\$?frontMatter|\$frontmatter|page|props\.frontMatter)\.([\w.]+)")


@dataclass(frozen=True, slots=True)
class JsxTag:
    """A tag as written; values of attributes are texts, of expressions with their braces."""

    name: str
    start: int
    end: int
    closing: bool = False
    single: bool = False
    attributes: Mapping[str, str] | None = None

    def text(self, *names: str) -> str:
        """Return the first of these attributes that is a text."""
        for name in names:
            written = (self.attributes or {}).get(name, "")
            value = literal_value(written[1:-1].strip()) if written[:1] == "{" else written
            if value:
                return value
        return ""


def parse_tag(source: str, start: int) -> JsxTag | None:
    """Return the tag that begins at a position, None if there is none."""
    opening = _NAME.match(source, start)
    if opening is None or source.startswith("<!", start):
        return None
    position, limit = opening.end(), start + _MAX_LENGTH
    attributes: dict[str, str] = {}
    while position < limit:
        if end := _END.match(source, position):
            closing, single = bool(opening["closing"]), bool(end["single"])
            name = opening["name"] or ""
            return JsxTag(name, start, end.end(), closing, single, attributes)
        if not opening["name"]:
            return None
        after = _read_attribute(source, position, attributes)
        if after is None:
            return None
        position = after
    return None


def _read_attribute(source: str, position: int, attributes: dict[str, str]) -> int | None:
    """Read one attribute and return where it ends."""
    spread = re.compile(r"\s*(?=\{)").match(source, position)
    if spread:
        return skip_braces(source, spread.end())
    name = _ATTRIBUTE.match(source, position)
    if name is None or name.start() == name.start("name"):
        return None
    if not name["equals"]:
        attributes[name["name"]] = ""
        return name.end()
    end: int | None
    if string := _STRING.match(source, name.end()):
        value, end = string[0][1:-1], string.end()
    elif source[name.end() : name.end() + 1] == "{":
        end = skip_braces(source, name.end())
        value = source[name.end() : end] if end else ""
    elif bare := _BARE.match(source, name.end()):
        value, end = bare[0], bare.end()
    else:
        return None
    attributes[name["name"]] = value
    return end


def skip_braces(source: str, start: int) -> int | None:
    """Return where an expression ends that begins with `{`; None if it does not end soon."""
    depth, position, limit = 0, start, min(len(source), start + _MAX_LENGTH)
    while found := _SKIPPED.search(source, position, limit):
        sign = found[0]
        position = found.end()
        if sign == "/*":
            position = source.find("*/", position, limit) + 2
        elif sign in "\"'`":
            position = _string_end(source, found.start(), limit)
        else:
            depth += 1 if sign == "{" else -1
            if depth == 0:
                return position
        if position <= found.start():
            return None
    return None


def _string_end(source: str, start: int, limit: int) -> int:
    """Return where a string ends; an apostrophe in a text of JSX is none, and ends at once."""
    mark = source[start]
    position = start + 1
    while position < limit:
        if source[position] == "\\":
            position += 1
        elif source[position] == mark:
            return position + 1
        elif source[position] == "\n" and mark != "`":
            break
        position += 1
    return start + 1


def literal_value(source: str) -> str | None:
    """Return the text that a literal shows, None if the expression is none."""
    if source in _NOTHING:
        return ""
    match = _LITERAL.fullmatch(source)
    if match is None:
        return None
    if match["number"]:
        return match["number"]
    written = next(text for text in match.group("double", "one", "tick") if text is not None)
    return re.sub(r"\\(.)", lambda sign: {"n": "\n", "t": "\t"}.get(sign[1], sign[1]), written)


def value_at(source: str, fields: Mapping[str, Any]) -> str | None:
    """Return the value of the front matter that `frontMatter.a.b` names, None if there is none."""
    path = _PATH.fullmatch(source)
    value: Any = fields if path else None
    for key in path[1].split(".") if path else ():
        value = value.get(key.lower()) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None
