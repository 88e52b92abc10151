"""Blocks that generators add to Markdown: notes and warnings, and tables without a head.

Alerts of GitHub (`> [!NOTE]`) and `:::` blocks of Docusaurus and VitePress become quotes that begin with their
title. Without one, the title is the kind of the note in the article's language, as the generators translate it.
Tables without a head are kramdown's (`| a | b |` lines alone), and those whose head is empty.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import escapedSplit
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.container import container_plugin

_ALERT = re.compile(r"\[!(?P<kind>[A-Za-z][\w-]*)\][+-]?[ \t]*(?P<title>[^\n]*)\n?")
_KINDS = {
    "note": "note",
    "info": "info",
    "tip": "tip",
    "hint": "tip",
    "success": "tip",
    "important": "important",
    "warning": "warning",
    "warn": "warning",
    "caution": "caution",
    "attention": "caution",
    "danger": "danger",
    "error": "danger",
}
# `:::` blocks that only arrange what is in them.
_ARRANGING = frozenset({"code-group", "raw", "v-pre", "tabs", "columns", "steps"})
_OPENING = re.compile(r"\s*(?P<kind>[A-Za-z][\w-]*)(?P<label>\[[^\n]*\])?(?P<rest>[^\n]*)")
_COLONS = re.compile(r"[ \t]*:{3,}[ \t]*")
_ATTRIBUTES = re.compile(r"\{[^{}]*\}\s*$")
_ORDER = ("note", "tip", "info", "important", "warning", "caution", "danger")
# In the same order.
_WORDS = {
    "ar": "ملاحظة نصيحة معلومة مهم تحذير تنبيه خطر",
    "cs": "Poznámka Tip Informace Důležité Varování Upozornění Nebezpečí",
    "de": "Hinweis Tipp Information Wichtig Warnung Vorsicht Gefahr",
    "en": "Note Tip Info Important Warning Caution Danger",
    "es": "Nota Consejo Información Importante Aviso Precaución Peligro",
    "fr": "Remarque Astuce Info Important Attention Prudence Danger",
    "it": "Nota Suggerimento Informazione Importante Avviso Attenzione Pericolo",
    "ja": "備考 ヒント 情報 重要 警告 注意 危険",
    "ko": "노트 팁 정보 중요 경고 주의 위험",
    "pl": "Uwaga Wskazówka Informacja Ważne Ostrzeżenie Przestroga Zagrożenie",
    "pt": "Nota Dica Informação Importante Aviso Cuidado Perigo",
    "ru": "Примечание Совет Информация Важно Предупреждение Осторожно Опасность",
    "tr": "Not İpucu Bilgi Önemli Uyarı Dikkat Tehlike",
    "uk": "Примітка Порада Інформація Важливо Попередження Обережно Небезпека",
    "zh-Hans": "备注 提示 信息 重要 警告 注意 危险",
    "zh-Hant": "備註 提示 資訊 重要 警告 注意 危險",
}


def admonition_title(kind: str, language: str | None) -> str:
    """Return the word for a kind of note in a language; English where the language has none."""
    known = _KINDS.get(kind.lower())
    if known is None:
        return "" if kind.lower() in _ARRANGING | {"details"} else kind.capitalize()
    tag = language or "en"
    words = _WORDS.get(tag) or _WORDS.get(tag.split("-")[0]) or _WORDS["en"]
    return words.split()[_ORDER.index(known)]


def read_alerts(state: StateCore) -> None:
    """Read the alerts of GitHub, with or without a title: `> [!WARNING] Low tide`."""
    kept: list[Token] = []
    tokens = state.tokens
    for index, token in enumerate(tokens):
        before = [one.type for one in tokens[max(0, index - 2) : index]]
        alert = None
        if before == ["blockquote_open", "paragraph_open"] and token.type == "inline":
            alert = _ALERT.match(token.content)
        if alert is None:
            kept.append(token)
            continue
        title = alert["title"] or admonition_title(alert["kind"], state.env.get("language"))
        opening = kept.pop()
        kept += _title(opening, title)
        rest = token.content[alert.end() :]
        if rest.strip():
            kept += [opening, token.copy(content=rest)]
        else:  # the paragraph's end follows
            tokens[index + 1].hidden = True
            kept.append(opening.copy(hidden=True))
    state.tokens = kept


def _title(like: Token, text: str) -> list[Token]:
    """Return the tokens of a paragraph that has a title in bold; `like` begins a paragraph."""
    inline = Token("inline", "", 0, content=f"**{text}**", children=[], level=like.level + 1)
    closing = Token("paragraph_close", "p", -1, level=like.level, block=True)
    return [like.copy(hidden=False), inline, closing]


def containers_plugin(md: MarkdownIt) -> None:
    """Read `:::` blocks with any name: `:::tip[Title]`, `::: warning Title`."""
    container_plugin(
        md, "note", validate=lambda params, _markup: bool(_OPENING.fullmatch(params))
    )
    stops: RuleOptionsType = {"alt": ["paragraph", "list"]}
    md.block.ruler.after("container_note", "stray_colons", _stray_colons, stops)
    md.core.ruler.after("block", "containers", _read_containers)


def _stray_colons(state: StateBlock, line: int, _end: int, silent: bool) -> bool:
    """Skip a line of colons that ends no block."""
    text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
    if not _COLONS.fullmatch(text):
        return False
    if not silent:
        state.line = line + 1
    return True


def _read_containers(state: StateCore) -> None:
    """Make quotes of `:::` blocks; those that only arrange leave what is in them."""
    kept: list[Token] = []
    for token in state.tokens:
        if token.type not in {"container_note_open", "container_note_close"}:
            kept.append(token)
            continue
        found = _OPENING.fullmatch(token.info)
        if found:  # the opening
            arranges = found["kind"] in _ARRANGING
            token.type, token.tag, token.hidden = "blockquote_open", "blockquote", arranges
            state.env.setdefault("containers", []).append(arranges)
            kept += [token, *_container_title(state, token, found)]
        else:
            arranges = state.env["containers"].pop()
            token.type, token.tag, token.hidden = "blockquote_close", "blockquote", arranges
            kept.append(token)
    state.tokens = kept


def _container_title(state: StateCore, opening: Token, found: re.Match[str]) -> list[Token]:
    if opening.hidden:
        return []
    label = (found["label"] or "").removeprefix("[").removesuffix("]")
    written = label or _ATTRIBUTES.sub("", found["rest"]).strip()
    title = written or admonition_title(found["kind"], state.env.get("language"))
    if not title:
        return []
    paragraph = Token("paragraph_open", "p", 1, level=opening.level + 1, block=True)
    return _title(paragraph, title)


_SEPARATOR = re.compile(r"\|?[ \t]*[-:=+|][-:=+| \t]*\|?[ \t]*$")
# As markdown-it limits the cells that it adds.
_MAX_CELLS = 65_536
# In the parser's environment: the line at which a refused table ends.
_REFUSED_UNTIL = "headless_table_refused_until"


def _row(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def headless_table(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read rows of cells without a head as a table."""
    if state.is_code_block(start) or not _row(state, start).startswith("|"):
        return False
    # The rows of a table that was refused are read as paragraphs, and must not be counted again at each line.
    if start < state.env.get(_REFUSED_UNTIL, 0):
        return False
    line = start
    while line < end and _row(state, line).startswith("|"):
        if state.sCount[line] < state.blkIndent:
            break
        line += 1
    lines = [_row(state, number) for number in range(start, line)]
    rows = [row for row in lines if not _SEPARATOR.match(row)]
    columns = max(map(_count_cells, rows), default=0)
    if columns == 0 or columns * len(rows) > _MAX_CELLS:
        state.env[_REFUSED_UNTIL] = line
        return False
    if not silent:
        has_head = bool(lines[1:] and _SEPARATOR.match(lines[1]))
        head = rows.pop(0) if has_head else "|"
        _push_table(state, [_padded(head, columns), "|-" * columns, *rows], (start, line))
        state.line = line
    return True


def _count_cells(row: str) -> int:
    cells = escapedSplit(row)[1:]
    return len(cells) - bool(cells and not cells[-1].strip())


def _padded(row: str, columns: int) -> str:
    is_open = bool(escapedSplit(row)[-1].strip())
    return row + "|" * (columns - _count_cells(row) + is_open)


def _push_table(state: StateBlock, rows: Sequence[str], lines: tuple[int, int]) -> None:
    """Have a table read with a head, which may be empty."""
    tokens: list[Token] = []
    # This rule must not read them again.
    env = {**state.env, _REFUSED_UNTIL: len(rows)}
    state.md.block.parse("\n".join(rows), state.md, env, tokens)
    for token in tokens:
        token.level += state.level
        token.map = token.map and list(lines)
    state.tokens += tokens


def remove_empty_heads(state: StateCore) -> None:
    """Remove heads of tables in which no cell has a text."""
    tokens = state.tokens
    if not any(token.type == "thead_open" for token in tokens):
        return
    kept: list[Token] = []
    start = 0
    for token in tokens:
        if token.type == "thead_open":
            start = len(kept)
        kept.append(token)
        if token.type == "thead_close":
            inside = kept[start:]
            if not any(cell.type == "inline" and cell.content.strip() for cell in inside):
                del kept[start:]
    state.tokens = kept
