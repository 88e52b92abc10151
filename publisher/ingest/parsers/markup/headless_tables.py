"""Tables without a head: kramdown's (`| a | b |` lines alone), and those whose head is empty."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore

_SEPARATOR = re.compile(r"\|?[ \t]*[-:=+|][-:=+| \t]*\|?[ \t]*$")
# As markdown-it limits the cells that it adds.
_MAX_CELLS = 65_536
# In the parser's environment: the line at which a refused table ends.
_REFUSED_UNTIL = "headless_table_refused_until"


def headless_tables_plugin(md: MarkdownIt) -> None:
    """Read rows of cells without a head as a table."""
    stops: RuleOptionsType = {"alt": ["paragraph", "reference"]}
    md.block.ruler.after("table", "headless_table", _table, stops)


def empty_heads_plugin(md: MarkdownIt) -> None:
    """Remove heads of tables in which no cell has a text."""
    md.core.ruler.push("empty_heads", _remove_empty_heads)


def _row(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.is_code_block(start) or not _row(state, start).startswith("|"):
        return False
    # The rows of a table that was refused are read as paragraphs, and must not be counted again at each line.
    if start < state.env.get(_REFUSED_UNTIL, 0):
        return False
    line = start
    rows: list[tuple[int, list[str]]] = []
    while line < end and _row(state, line).startswith("|"):
        if state.sCount[line] < state.blkIndent:
            break
        text = _row(state, line)
        if not _SEPARATOR.match(text):
            rows.append((line, _cells(text)))
        line += 1
    columns = max((len(cells) for _line, cells in rows), default=0)
    if columns == 0 or columns * len(rows) > _MAX_CELLS:
        state.env[_REFUSED_UNTIL] = line
        return False
    if not silent:
        has_head = line > start + 1 and bool(_SEPARATOR.match(_row(state, start + 1)))
        _push_table(state, rows, columns, (start, line), has_head=has_head)
        state.line = line
    return True


def _cells(text: str) -> list[str]:
    cells = escapedSplit(text)[1:]
    return [cell.strip() for cell in (cells[:-1] if cells and not cells[-1].strip() else cells)]


def _push_table(
    state: StateBlock,
    rows: list[tuple[int, list[str]]],
    columns: int,
    lines: tuple[int, int],
    *,
    has_head: bool,
) -> None:
    state.push("table_open", "table", 1).map = list(lines)
    if has_head:
        _push_rows(state, "thead", "th", rows[:1], columns)
    if body := rows[has_head:]:
        _push_rows(state, "tbody", "td", body, columns)
    state.push("table_close", "table", -1)


def _push_rows(
    state: StateBlock, group: str, cell: str, rows: list[tuple[int, list[str]]], columns: int
) -> None:
    state.push(f"{group}_open", group, 1)
    for line, cells in rows:
        state.push("tr_open", "tr", 1)
        for text in cells + [""] * (columns - len(cells)):
            state.push(f"{cell}_open", cell, 1)
            token = state.push("inline", "", 0)
            token.content, token.map, token.children = text, [line, line + 1], []
            state.push(f"{cell}_close", cell, -1)
        state.push("tr_close", "tr", -1)
    state.push(f"{group}_close", group, -1)


def _remove_empty_heads(state: StateCore) -> None:
    tokens = state.tokens
    if not any(token.type == "thead_open" for token in tokens):
        return
    kept = []
    index = 0
    while index < len(tokens):
        if tokens[index].type == "thead_open":
            end = index
            while tokens[end].type != "thead_close":
                end += 1
            inside = tokens[index:end]
            if not any(token.type == "inline" and token.content.strip() for token in inside):
                index = end + 1
                continue
        kept.append(tokens[index])
        index += 1
    state.tokens = kept
