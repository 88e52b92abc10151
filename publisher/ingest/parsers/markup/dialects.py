"""One set-up of the Markdown parser for each generator's reading of Markdown, and its smaller plugins.

CommonMark with tables, strikethrough, footnotes, task lists, alerts and heading ids is read in all;
each generator adds what it reads by default. Headings get the ids that are written (`{#id}`), else those that
generators make. A link by reference whose definition is missing keeps its text, and is a problem. Dashes,
ellipses, quotation marks and names of emoji are replaced where the generator does so; code, addresses and HTML
stay as they are. Emphasis and line breaks are read beside Chinese and Japanese characters, too.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.parser_inline import RuleFuncInlineType
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin
from mdit_py_plugins.gfm_autolink.index import _email_rule, _protocol_rule, _www_inline_rule

from publisher.articles.content.text import UNSPACED_CHARACTER, joins_without_space
from publisher.errors import ArticleError
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import Dialect
from publisher.ingest.parsers.markup import common, kramdown
from publisher.ingest.sanitise import MAX_ELEMENT_DEPTH

# `{#id}`, `{: #id .class}`, and in MDX `{/* #id */}`.
_WRITTEN = re.compile(
    r"""\s*\{(?::\s*|/\*\s*)?(?P<list>(?:[#.][^\s{}"'/]+|[\w-]+=(?:"[^"]*"|\S+)|\s)+?)(?:\s*\*/)?\}\s*$"""
)
_ID = re.compile(r"#([^\s{}.#\"'/]+)")
# Categories of characters in ids, beside letters. Python's `\w` has no marks, which are vowels in Hindi.
_NUMBERS = frozenset({"Nd", "Nl", "Pc"})
_MARKS = frozenset({"Mn", "Mc", "Me"})
# Of mdit-vue: what becomes a hyphen, and the accents that go.
_SPECIAL = re.compile(r"""[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+""")
_ACCENT = re.compile(r"[\u0300-\u036f\x00-\x1f]")


def heading_ids_plugin(md: MarkdownIt, dialect: Dialect = Dialect.PLAIN) -> None:
    """Take written ids off headings, and give ids to the others when the text was parsed."""
    slug = _SLUGS.get(dialect, _github_slug)

    def take(state: StateCore) -> None:
        for opening, inline in _headings(state):
            found = _WRITTEN.search(inline.content)
            if found:
                inline.content = inline.content[: found.start()]
                if identifier := _ID.search(found["list"]):
                    opening.attrSet("id", identifier[1])

    def fill(state: StateCore) -> None:
        used = {str(opening.attrGet("id")) for opening, _inline in _headings(state)}
        last: dict[str, int] = {}
        for opening, inline in _headings(state):
            if not opening.attrGet("id"):
                identifier = _unused(slug(_text(inline)), used, last)
                used.add(identifier)
                opening.attrSet("id", identifier)

    md.core.ruler.before("inline", "written_ids", take)
    md.core.ruler.push("heading_ids", fill)


def _headings(state: StateCore) -> list[tuple[Token, Token]]:
    return [pair for pair in pairwise(state.tokens) if pair[0].type == "heading_open"]


def _text(inline: Token) -> str:
    children = inline.children or []
    return "".join(child.content for child in children if child.type in {"text", "code_inline"})


def _unused(slug: str, used: set[str], last: dict[str, int]) -> str:
    """Return an id that no heading has; `last` is the number of each slug that was given last."""
    if slug and slug not in used:
        return slug
    number = last.get(slug, 0) + 1
    while f"{slug}-{number}" in used:
        number += 1
    last[slug] = number
    return f"{slug}-{number}"


def _github_slug(text: str, kept: frozenset[str] = _NUMBERS | _MARKS) -> str:
    """Return an id as GitHub, Docusaurus and kramdown's GFM make it."""
    signs = ((sign, unicodedata.category(sign)) for sign in text.strip().lower())
    kept_signs = (one for one, kind in signs if one in "- " or kind[0] == "L" or kind in kept)
    return "".join(kept_signs).replace(" ", "-")


def _vitepress_slug(text: str) -> str:
    folded = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    return re.sub(r"^(\d)", r"_\1", _SPECIAL.sub("-", folded).strip("-").lower())


# Hugo leaves marks out itself.
_SLUGS: dict[Dialect, Callable[[str], str]] = {
    Dialect.GOLDMARK: partial(_github_slug, kept=_NUMBERS),
    Dialect.MARKDOWN_IT: _vitepress_slug,
}

# `array[0][1]` is no link: a name with two subscripts right behind it.
_SUBSCRIPTED = re.compile(r"[A-Za-z0-9_)\]]")
_SUBSCRIPT = re.compile(r"[A-Za-z0-9_+*-]{1,20}")


def _missing_reference(state: StateInline, silent: bool) -> bool:
    """Read `[text][label]`, `[text][]`, or such an image, without a definition as the text.

    CommonMark 0.31 section 6.3. The environment of a text has its log under `log`.
    """
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
    log: common.ProblemLog | None = state.env.get("log")
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


_SIGNS = {"...": "…", "---": "—", "--": "–", "<<": "«", ">>": "»"}  # longest first
_SIGN = re.compile(r"\.\.\.|(?<!-)---?(?!-)|<<|>>")
_EMOJI_NAME = re.compile(r":[a-z0-9_+-]{2,40}:")


def smart_punctuation_plugin(md: MarkdownIt) -> None:
    """Write `--`, `---`, `...`, `<<`, `>>` and straight quotes as signs of typography."""
    md.options["typographer"] = True
    md.enable("smartquotes")
    _on_texts(md, "smart_signs", lambda text: _SIGN.sub(lambda sign: _SIGNS[sign[0]], text))


def _with_emoji(text: str) -> str:
    """Return a text with the names of emoji (`:tada:`) as emoji; unknown names stay."""
    if not _EMOJI_NAME.search(text):
        return text
    import emoji  # its names take a tenth of a second to load

    return str(emoji.emojize(text, language="alias"))


def _on_texts(md: MarkdownIt, name: str, change: Callable[[str], str]) -> None:
    def rule(state: StateCore) -> None:
        for token in state.tokens:
            links = 0
            for child in token.children or []:
                links += child.nesting if child.info == "auto" else 0
                if child.type == "text" and not links:
                    child.content = change(child.content)

    md.core.ruler.before("smartquotes", name, rule)


def east_asian_plugin(md: MarkdownIt) -> None:
    """Read `*` without spaces around it, and join lines without a space."""
    md.inline.ruler.at("emphasis", _emphasis)
    md.core.ruler.push("join_lines", _join_lines)


def _join_lines(state: StateCore) -> None:
    """Remove line breaks between Chinese or Japanese characters: they are no spaces."""
    for token in state.tokens:
        before: Token | None = None
        pending: Token | None = None
        for child in token.children or []:
            if child.type == "softbreak":
                pending = child
            elif child.content and child.type != "html_inline":
                if pending and before and joins_without_space(before.content, child.content):
                    pending.type = "text"
                before, pending = child, None


def _emphasis(state: StateInline, silent: bool) -> bool:
    """Read `*` and `_`; beside a Chinese or Japanese character, `*` needs no space.

    By CommonMark (0.31 section 6.2) the second mark in `**重点：**说明` closes nothing, because
    it stands between a colon and a letter.
    """
    marker = state.src[state.pos]
    if silent or marker not in {"*", "_"}:
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    end = state.pos + scanned.length
    before = state.src[state.pos - 1 : state.pos]
    after = state.src[end : min(end + 1, state.posMax)]
    beside = UNSPACED_CHARACTER.match(before) or UNSPACED_CHARACTER.match(after)
    free = marker == "*" and bool(beside)
    for _mark in range(scanned.length):
        state.push("text", "", 0).content = marker
        delimiter = Delimiter(
            marker=ord(marker),
            length=scanned.length,
            token=len(state.tokens) - 1,
            end=-1,
            # The beginning and the end of a text count as spaces.
            open=scanned.can_open or (free and bool(after.strip())),
            close=scanned.can_close or (free and bool(before.strip())),
        )
        state.delimiters.append(delimiter)
    state.pos = end
    return True


# In one paragraph. The parser's time grows with their square: 5,000 cost a hundredth of a second.
_MAX_BRACKETS = 5_000
# The end of what stands before the colon of an address, and its longest length.
_PROTOCOL = re.compile(r"(?:\A|[ \t\r\n*_~(])(?:https?|mailto|xmpp)\Z")
_PROTOCOL_LENGTH = 7
_MAX_ADDRESS = 8_192  # characters of an address that is read as a link: what servers take


@lru_cache(maxsize=16)
def markdown_parser(
    dialect: Dialect, *, emoji: bool = False, typography: bool = True
) -> MarkdownIt:
    """Return the parser for a dialect; with `emoji`, names such as `:tada:` are read.

    Without `typography`, goldmark's quotation marks and dashes stay as they are written.
    """
    md = _common()
    match dialect:
        case Dialect.KRAMDOWN:
            _kramdown(md)
        case Dialect.GOLDMARK:
            _goldmark(md, typography)
        case Dialect.DOCUSAURUS:
            _docusaurus(md)
        case Dialect.MARKDOWN_IT:
            _markdown_it(md)
        case _:
            pass
    if dialect is not Dialect.PLAIN:
        # On what the rules for links and images left.
        md.inline.ruler.after("image", "missing_reference", _missing_reference)
    if emoji or dialect in {Dialect.DOCUSAURUS, Dialect.MARKDOWN_IT}:
        _on_texts(md, "emoji", _with_emoji)
    heading_ids_plugin(md, dialect)
    return md


def _common() -> MarkdownIt:
    options = {"html": True, "maxNesting": MAX_ELEMENT_DEPTH, "tasklists": True}
    md = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    md.use(footnote_plugin)
    east_asian_plugin(md)
    md.core.ruler.after("block", "alerts", common.read_alerts)
    md.core.ruler.push("empty_heads", common.remove_empty_heads)
    md.core.ruler.before("inline", "tasks", _check_boxes)
    md.core.ruler.before("inline", "check_brackets", _check_brackets)
    return md


def _kramdown(md: MarkdownIt) -> None:
    md.use(deflist_plugin)
    kramdown.attribute_lists_plugin(md)
    kramdown.footnote_ends_plugin(md)
    kramdown.html_blocks_plugin(md)
    md.core.ruler.after("inline", "abbreviations", kramdown.mark_abbreviations)
    smart_punctuation_plugin(md)


def _goldmark(md: MarkdownIt, typography: bool) -> None:
    md.use(deflist_plugin)
    _autolinks(md)
    kramdown.attribute_lists_plugin(md, kramdown=False, spans=False)
    if typography:
        smart_punctuation_plugin(md)


def _docusaurus(md: MarkdownIt) -> None:
    _autolinks(md)
    common.containers_plugin(md)
    md.disable("code")  # MDX has no code by indentation


def _markdown_it(md: MarkdownIt) -> None:
    _autolinks(md)
    kramdown.attribute_lists_plugin(md, kramdown=False)
    common.containers_plugin(md)
    kramdown.trailing_lists_plugin(md)


def _autolinks(md: MarkdownIt) -> None:
    """Read addresses as links. The plugin's rules read the rest of the paragraph at each; these do not."""
    md.use(gfm_autolink_plugin)
    rules = {"www": _www_inline_rule, "protocol": _protocol_link, "email": _email_rule}
    for name, rule in rules.items():
        md.inline.ruler.at(f"gfm_autolink_{name}", partial(_within_reach, rule))


def _within_reach(rule: RuleFuncInlineType, state: StateInline, silent: bool) -> bool:
    end = state.posMax
    state.posMax = min(end, state.pos + _MAX_ADDRESS)
    try:
        return rule(state, silent)
    finally:
        state.posMax = end


def _protocol_link(state: StateInline, silent: bool) -> bool:
    tail = state.pending[-_PROTOCOL_LENGTH:]
    if silent or state.src[state.pos] != ":" or not _PROTOCOL.search(tail):
        return False
    # What comes before is a text of its own: joined again when all is read.
    state.pending = state.pending[:-_PROTOCOL_LENGTH]
    if state.pending:
        state.pushPending()
    state.pending = tail
    return _protocol_rule(state, silent)


def _check_boxes(state: StateCore) -> None:
    """Write the boxes of task lists as characters: mails have no form fields."""
    box = ""
    for token in state.tokens:
        if token.type == "list_item_open":
            checked = token.meta.pop("checked", None)
            box = "" if checked is None else "☑ " if checked else "☐ "
        elif token.type == "inline" and box:
            token.content = box + token.content
            box = ""


def _check_brackets(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.content.count("[") > _MAX_BRACKETS:
            raise ArticleError.saying(
                "a paragraph holds more than %(most)s square brackets", most=_MAX_BRACKETS
            )
