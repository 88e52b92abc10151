"""Replace what MDX adds to Markdown: imports, exports, JSX components and expressions.

Nothing is run. Known components show what `vocabulary` says; of unknown ones the text is kept, with a
problem. An expression is filled in if it is a literal; others leave a hole, which is a problem. Code stays.
https://mdxjs.com/docs/what-is-mdx/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.markup.common import CodeRegions, ProblemLog, span_end
from publisher.ingest.parsers.markup.vocabulary import COMPONENTS, MarkupContext, MarkupTag

_TAG_NAME = re.compile(r"<(?P<closing>/)?\s*(?P<name>[A-Za-z][\w.:-]*)?")
_ATTRIBUTE = re.compile(r"\s*(?P<name>[:@#]?[A-Za-z_][\w:.\[\]-]*)(?P<equals>\s*=\s*)?")
_END = re.compile(r"\s*(?P<single>/)?>")
_STRING = re.compile(r""""[^"]*"|'[^']*'""")
_BARE = re.compile(r"[^\s\"'<>=`{}]+")
_MAX_LENGTH = 10_000  # characters of one tag or expression; real ones have some hundreds
_SKIPPED = re.compile(r"""["'`{}]|/\*""")
_LITERAL = re.compile(
    r""""(?P<double>(?:\\.|[^"\\])*)"|'(?P<one>(?:\\.|[^'\\])*)'|`(?P<tick>(?:\\.|[^`\\$])*)`"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)""",
    re.DOTALL,
)
_NOTHING = frozenset({"", "null", "undefined", "true", "false"})


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
    opening = _TAG_NAME.match(source, start)
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


# A path in `require("./a.png").default`, `useBaseUrl("/img/a.png")` or `{light: "..."}`.
_PATH = re.compile(r"""["']((?:[./@~]|https?:)[^"'\n]*)["']""")
_NAME = re.compile(r"\{\s*([A-Za-z_$][\w$]*)(?:\.(?:src|default|img))*\s*\}")
# Attributes that HTML has, in the spelling of JSX.
_VOID = frozenset(
    {"br", "hr", "img", "input", "source", "wbr", "area", "col", "embed", "track"}
)
_KEPT = {
    name.lower(): name
    for name in "href src alt title id width height lang dir name start colspan rowspan datetime".split()  # noqa: SIM905  # one a line would fill the page
}


def address_of(written: str, imported: Mapping[str, str]) -> str:
    """Return the address in an attribute: as text, or the first path in an expression."""
    if not written.startswith("{"):
        return written
    if name := _NAME.fullmatch(written):
        return imported.get(name[1], "")
    path = _PATH.search(written)
    return path[1] if path else ""


def tag_html(tag: JsxTag, imported: Mapping[str, str]) -> str:
    if tag.closing:
        return f"</{tag.name}>"
    written = []
    for name, value in (tag.attributes or {}).items():
        plain = _KEPT.get(name.lower().lstrip(":"))
        if plain is None:
            continue
        is_address = plain in {"href", "src"}
        text = address_of(value, imported) if is_address else tag.text(name)
        if name.startswith(":"):  # Vue: an expression in quotes
            text = address_of(f"{{{value}}}", imported) if is_address else ""
        if text or plain == "alt":
            written.append(f' {plain}="{escape(text.replace(chr(10), " "))}"')
    opened = f"<{tag.name}{''.join(written)}"
    # HTML closes only these by a slash: `<video />` would take in all that follows.
    if tag.single and tag.name not in _VOID:
        return f"{opened}></{tag.name}>"
    return f"{opened} />" if tag.single else f"{opened}>"


_MODULE = re.compile(
    r"""^import\s+(?:(?P<names>[\w$*{][\w$*{},\s]{0,400}?)\s+from\s+)?(?P<mark>['"])(?P<path>[^'"\n]+)(?P=mark)\s*;?[ \t]*$\n?"""
    r"""|^export\s+(?:const|let|var|function|default|class|async|\{|\*)(?:[^\n]|\n(?![ \t]*\n|\n))*\n?""",
    re.MULTILINE,
)
_DEFAULT_NAME = re.compile(r"\s*(?:\*\s*as\s+)?([A-Za-z_$][\w$]*)")
# Of a heading (`{#low-tide}`) or of a `:::` block (`{.wide}`); no expression begins so.
_ATTRIBUTES = re.compile(r"\{[#.][^{}\n]{1,200}\}")
_FORMULA = re.compile(r"\$\$[^$]+\$\$|(?<![\w\\$])\$(?=[^\s$])[^$\n]{0,300}[^\s$\\]\$(?![\w$])")
_NEXT = re.compile(r"[<{\\]")
_NEXT_TAG = re.compile(r"[<\\]")
# Braces and tags that never end. For each, some thousand characters were read in vain.
_MAX_UNCLOSED = 50


# Elements of HTML that are handled as components; what is inside the others of these is dropped, with
# lists of other pages, and what is only for the head of the site's page.
_ELEMENTS = frozenset({"details", "summary"})
_DROPPED = frozenset("head script style tocinline doccardlist redirect".split())  # noqa: SIM905
_MAX_NESTING = 30  # components inside each other


def replace_mdx(context: MarkupContext, log: ProblemLog, *, expressions: bool = True) -> str:
    """Return the text of the log as Markdown without MDX.

    Documents of VitePress have components, but neither `expressions` in braces nor modules.
    """
    return _MdxReplacer(context, log, expressions).run()


@dataclass(slots=True)
class _OpenComponent:
    """A component whose end is looked for; `pieces` is what was written since its beginning."""

    tag: JsxTag
    pieces: list[str] = field(default_factory=list)
    drops: bool = False


class _MdxReplacer:
    """Goes through a document once, from one tag or expression to the next."""

    def __init__(self, context: MarkupContext, log: ProblemLog, expressions: bool) -> None:
        self._context = context
        self._expressions = expressions
        self._log = log
        self._regions = CodeRegions(log.text)
        # Braces in formulas are no expressions.
        self._formulas = [match.span() for match in _FORMULA.finditer(log.text)]
        # The files that names were imported from.
        self._imported: dict[str, str] = {}
        self._text = self._without_modules() if expressions else log.text
        self._next = _NEXT if expressions else _NEXT_TAG
        self._pieces: list[str] = []
        # The components that are open, innermost last.
        self._opened: list[_OpenComponent] = []
        # Where tags close blocks of one line, and how far those are indented.
        self._separated: dict[int, str] = {}
        self._unclosed = 0

    def _without_modules(self) -> str:
        """Return the text without imports and exports, whose characters become spaces."""

        def blank(match: re.Match[str]) -> str:
            if match.start() in self._regions:
                return match[0]
            name = _DEFAULT_NAME.match(match["names"] or "")
            if name and match["path"]:
                self._imported[name[1]] = match["path"]
            return re.sub(r"[^\n]", " ", match[0])

        return _MODULE.sub(blank, self._log.text)

    def run(self) -> str:
        text, position = self._text, 0
        while found := self._next.search(text, position):
            start = found.start()
            self._write(text[position:start])
            code_end = self._regions.end_at(start) or span_end(self._formulas, start)
            if code_end is not None:
                self._write(text[start:code_end])
                position = code_end
            elif text[start] == "\\":
                self._write(text[start : start + 2])
                position = start + 2
            else:
                position = self._read(start)
        self._write(text[position:])
        while self._opened:
            self._close_last()
        return "".join(self._pieces)

    def _read(self, start: int) -> int:
        """Read an expression or a tag, and return where it ends; what never ends is text."""
        end = None
        if self._unclosed < _MAX_UNCLOSED:
            end = self._expression(start) if self._text[start] == "{" else self._tag(start)
        if end is None:
            is_tag = self._text[start + 1 : start + 2].isalpha()
            self._unclosed += is_tag or self._text[start] == "{"
            self._write(self._text[start])
            return start + 1
        return end

    def _write(self, text: str) -> None:
        (self._opened[-1].pieces if self._opened else self._pieces).append(text)

    @property
    def _is_dropping(self) -> bool:
        return any(component.drops for component in self._opened)

    def _expression(self, start: int) -> int | None:
        if attributes := _ATTRIBUTES.match(self._text, start):
            self._write(attributes[0])
            return attributes.end()
        if self._is_prose_of_mdx_1(start):
            self._write("{")
            return start + 1
        end = skip_braces(self._text, start)
        if end is None:
            return None
        source = self._text[start + 1 : end - 1].strip()
        if not source.startswith("/*"):
            self._write(self._value(source, start, end))
        return end

    def _is_prose_of_mdx_1(self, start: int) -> bool:
        """Return whether MDX 1 shows braces: outside a block that begins with a tag."""
        if self._context.values.has_expressions:
            return False
        block = self._text.rfind("\n\n", 0, start) + 1
        return not self._text[block:start].lstrip().startswith("<")

    def _value(self, source: str, start: int, end: int) -> str:
        value = literal_value(source)
        if value is None and not self._is_dropping:
            what = f"{{{' '.join(source.split())}}}"
            self._log.add_missing(ProblemKind.UNKNOWN_COMPONENT, what, start, end)
        return value or ""

    def _tag(self, start: int) -> int | None:
        tag = parse_tag(self._text, start)
        if tag is None:
            return None
        alone = self._log.stands_alone(start, tag.end)
        if tag.name and tag.name[0].islower() and tag.name not in _ELEMENTS | _DROPPED:
            shown = tag_html(tag, self._imported)
            indentation = self._separated.get(start, self._separation(start, tag))
            if indentation is not None:
                # A paragraph is made by its lines alone.
                shown = "" if tag.name == "p" else shown
                self._write(f"\n\n{indentation}{shown}\n\n{indentation}")
            else:
                self._write(f"\n\n{shown}\n\n" if alone and _is_block(tag) else shown)
        elif tag.closing:
            if tag.name in {component.tag.name for component in self._opened}:
                while self._close_last() != tag.name:
                    pass
        else:
            self._open(tag)
        return tag.end

    def _separation(self, start: int, tag: JsxTag) -> str | None:
        """Return how far a block is indented that is one line with Markdown in it, else None.

        CommonMark reads no Markdown in such a line; MDX does.
        """
        line = self._text.rfind("\n", 0, start) + 1
        indentation = self._text[line:start]
        if not self._expressions or tag.closing or tag.single or not _is_block(tag):
            return None
        end = self._text.find("\n", tag.end)
        close = self._text.find(f"</{tag.name}>", tag.end, end if end >= 0 else None)
        if indentation.strip() or close < 0 or not _MARK.search(self._text, tag.end, close):
            return None
        self._separated[close] = indentation
        return indentation

    def _open(self, tag: JsxTag) -> None:
        name = tag.name.lower()
        is_known = name in COMPONENTS or name in _DROPPED
        if not is_known or len(self._opened) >= _MAX_NESTING:
            if tag.name and not self._is_dropping:
                self._add_unknown(tag)
            return
        self._opened.append(_OpenComponent(tag, drops=name in _DROPPED))
        if tag.single:
            self._close_last()

    def _close_last(self) -> str:
        """Write what the innermost component shows, and return its name."""
        opened = self._opened.pop()
        jsx = opened.tag
        if opened.drops:
            return jsx.name
        named = {
            name.lower(): jsx.text(name) or address_of(written, self._imported)
            for name, written in (jsx.attributes or {}).items()
        }
        tag = MarkupTag(jsx.name.lower(), named, (), "".join(opened.pieces), self._context)
        shown = COMPONENTS[tag.name](tag)
        if isinstance(shown, str):
            self._write(shown)
        elif not self._is_dropping:
            self._add_unknown(jsx)
            self._write(tag.inside)
        return jsx.name

    def _add_unknown(self, tag: JsxTag) -> None:
        written = " ".join(self._text[tag.start : tag.end].split())
        self._log.add(ProblemKind.UNKNOWN_COMPONENT, written, tag.start)


# HTML elements inside which MDX reads Markdown, if they have a line to themselves.
_MARK = re.compile(r"[*_`\[]")
_BLOCKS = frozenset(
    "article aside center div dl dd dt figure figcaption footer header main ol ul li p section "  # noqa: SIM905  # one a line would fill the page
    "blockquote".split()
)


def _is_block(tag: JsxTag) -> bool:
    return tag.name in _BLOCKS
