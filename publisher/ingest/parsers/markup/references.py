"""Links by reference whose definition is missing: the text stays, and a problem says so."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_inline import StateInline

from publisher.article_problems import ProblemKind
from publisher.ingest.parsers.markup.problem_log import ProblemLog

# `array[0][1]` is no link: a name with two subscripts right behind it.
_SUBSCRIPTED = re.compile(r"[A-Za-z0-9_)\]]")
_SUBSCRIPT = re.compile(r"[A-Za-z0-9_+*-]{1,20}")


def missing_references_plugin(md: MarkdownIt) -> None:
    """Make a parser turn `[text][label]` without a definition into the text.

    The rule runs after those for links and images, on what they left. The environment of a text has
    its log under `log`.
    """
    md.inline.ruler.after("image", "missing_reference", _missing_reference)


def _missing_reference(state: StateInline, silent: bool) -> bool:
    """Read `[text][label]`, `[text][]`, or such an image (CommonMark 0.31 section 6.3)."""
    source = state.src
    start = state.pos + (source[state.pos] == "!")
    if source[start : start + 1] != "[":
        return False
    end = state.md.helpers.parseLinkLabel(state, start)
    if end < 0 or source[end + 1 : end + 2] != "[":
        return False
    close = source.find("]", end + 2)
    label = source[end + 2 : close] or source[start + 1 : end]
    if close < 0 or label.startswith("^") or "[" in source[end + 2 : close]:
        return False
    if _is_subscript(source, state.pos, source[start + 1 : end], label):
        return False
    if normalizeReference(label) in state.env.get("references", {}):
        return False
    if not silent:
        _report(state, source[state.pos : close + 1], label)
        _parse_inside(state, start + 1, end)
    state.pos = close + 1
    return True


def _report(state: StateInline, written: str, label: str) -> None:
    log: ProblemLog | None = state.env.get("log")
    missing: set[str] = state.env.setdefault("missing_references", set())
    if log and label not in missing:
        missing.add(label)
        log.add_near(
            ProblemKind.UNDEFINED_REFERENCE, written, f"[{label.partition(chr(10))[0]}"
        )


def _is_subscript(source: str, position: int, text: str, label: str) -> bool:
    behind = position > 0 and _SUBSCRIPTED.match(source[position - 1])
    return bool(behind and _SUBSCRIPT.fullmatch(text) and _SUBSCRIPT.fullmatch(label))


def _parse_inside(state: StateInline, start: int, end: int) -> None:
    outer = state.posMax
    state.pos, state.posMax = start, end
    state.md.inline.tokenize(state)
    state.posMax = outer
