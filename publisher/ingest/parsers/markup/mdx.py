"""Replace what MDX adds to Markdown: imports, exports, JSX components and expressions.

Known components of layout keep what is inside them; of unknown ones the text is kept, with a
problem. An expression is filled in if it is a literal, a value of the front matter or an exported
constant that is a literal; others leave a hole, which is a problem. Code stays. https://mdxjs.com/docs/what-is-mdx/
"""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.markup.common import CodeRegions, ProblemLog, span_end
from publisher.ingest.parsers.markup.components import (
    COMPONENTS,
    Component,
    JsxTag,
    literal_value,
    parse_tag,
    skip_braces,
    tag_html,
    value_at,
)

_MODULE = re.compile(
    r"""^import\s+(?:(?P<names>[\w$*{][\w$*{},\s]{0,400}?)\s+from\s+)?(?P<mark>['"])(?P<path>[^'"\n]+)(?P=mark)\s*;?[ \t]*$\n?"""
    r"""|^export\s+(?:const|let|var|function|default|class|async|\{|\*)(?:[^\n]|\n(?![ \t]*\n|\n))*\n?""",
    re.MULTILINE,
)
# An export of one value, which expressions may show.
_CONSTANT = re.compile(
    r"^export\s+(?:const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*(?::\s*\w+\s*)?=\s*"
    r"""(?P<value>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\$])*`|-?\d+(?:\.\d+)?)[ \t]*;?[ \t]*$""",
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
# Partials that include each other.
_MAX_INCLUDES = 10


@dataclass(frozen=True, slots=True)
class MdxValues:
    """What expressions and components of a document can show.

    Documents of VitePress have components, but neither `expressions` in braces nor modules.
    """

    fields: Mapping[str, Any]
    include: Callable[[str], str | None]
    admonition_title: Callable[[str], str]
    expressions: bool = True


def replace_mdx(values: MdxValues, log: ProblemLog, depth: int = 0) -> str:
    """Return the text of the log as Markdown without MDX."""
    return _MdxReplacer(values, log, depth).run()


class _MdxReplacer:
    """Goes through a document once, from one tag or expression to the next."""

    def __init__(self, values: MdxValues, log: ProblemLog, depth: int) -> None:
        self._values = values
        self._log = log
        self._depth = depth
        self._regions = CodeRegions(log.text)
        # Braces in formulas are no expressions.
        self._formulas = [match.span() for match in _FORMULA.finditer(log.text)]
        # The files that names were imported from.
        self._imported: dict[str, str] = {}
        # What plain literals that are exported show, by their names.
        self._constants: dict[str, str] = {}
        self._text = self._without_modules() if values.expressions else log.text
        self._next = _NEXT if values.expressions else _NEXT_TAG
        self._pieces: list[str] = []
        # Components with their opening tags, innermost last.
        self._opened: list[tuple[str, Component]] = []
        # Where tags close blocks of one line, and how far those are indented.
        self._separated: dict[int, str] = {}
        self._dropping = 0
        self._unclosed = 0

    def _without_modules(self) -> str:
        """Return the text without imports and exports, whose characters become spaces."""

        def blank(match: re.Match[str]) -> str:
            if match.start() in self._regions:
                return match[0]
            name = _DEFAULT_NAME.match(match["names"] or "")
            if name and match["path"]:
                self._imported[name[1]] = match["path"]
            for constant in _CONSTANT.finditer(match[0]):
                self._constants[constant["name"]] = literal_value(constant["value"]) or ""
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
        return "".join(self._pieces)

    def _read(self, start: int) -> int:
        """Read an expression or a tag, and return where it ends; what never ends is text."""
        end = None
        if self._unclosed < _MAX_UNCLOSED:
            end = self._expression(start) if self._text[start] == "{" else self._tag(start)
        if end is None:
            self._unclosed += (
                self._text[start] == "{" or self._text[start + 1 : start + 2].isalpha()
            )
            self._write(self._text[start])
            return start + 1
        return end

    def _write(self, text: str) -> None:
        if not self._dropping:
            self._pieces.append(text)

    def _expression(self, start: int) -> int | None:
        if attributes := _ATTRIBUTES.match(self._text, start):
            self._write(attributes[0])
            return attributes.end()
        end = skip_braces(self._text, start)
        if end is None:
            return None
        source = self._text[start + 1 : end - 1].strip()
        if not source.startswith("/*"):
            self._write(self._value(source, start, end))
        return end

    def _value(self, source: str, start: int, end: int) -> str:
        value = literal_value(source)
        if value is None:
            value = value_at(source, self._values.fields)
        if value is None:
            value = self._constants.get(source)
        if value is None:
            what = f"{{{' '.join(source.split())}}}"
            if not self._dropping:
                self._log.add_missing(ProblemKind.UNKNOWN_COMPONENT, what, start, end)
            return ""
        return value

    def _tag(self, start: int) -> int | None:
        tag = parse_tag(self._text, start)
        if tag is None:
            return None
        alone = self._log.stands_alone(start, tag.end)
        if tag.name and tag.name[0].islower() and tag.name not in COMPONENTS:
            shown = tag_html(tag, self._imported)
            indentation = self._separated.get(start, self._separation(start, tag))
            if indentation is not None:
                # A paragraph is made by its lines alone.
                shown = "" if tag.name == "p" else shown
                self._write(f"\n\n{indentation}{shown}\n\n{indentation}")
            else:
                self._write(f"\n\n{shown}\n\n" if alone and _is_block(tag) else shown)
        elif tag.closing:
            self._close(tag)
        else:
            self._open(tag)
        return tag.end

    def _separation(self, start: int, tag: JsxTag) -> str | None:
        """Return how far a block is indented that is one line with Markdown in it, else None.

        CommonMark reads no Markdown in such a line; MDX does.
        """
        line = self._text.rfind("\n", 0, start) + 1
        indentation = self._text[line:start]
        if not self._values.expressions or tag.closing or tag.single or not _is_block(tag):
            return None
        end = self._text.find("\n", tag.end)
        close = self._text.find(f"</{tag.name}>", tag.end, end if end >= 0 else None)
        if indentation.strip() or close < 0 or not _MARK.search(self._text, tag.end, close):
            return None
        self._separated[close] = indentation
        return indentation

    def _open(self, tag: JsxTag) -> None:
        component = COMPONENTS.get(tag.name)
        if component is None:
            component = self._partial(tag) or Component()
        opening = component.opening(tag, self._imported, self._values.admonition_title)
        self._write(opening)
        if not tag.single:
            self._opened.append((tag.name, component))
            self._dropping += component.drops

    def _close(self, tag: JsxTag) -> None:
        if tag.name not in {name for name, _component in self._opened}:
            return
        while self._opened:
            name, component = self._opened.pop()
            self._dropping -= component.drops
            self._write(component.closing)
            if name == tag.name:
                return

    def _partial(self, tag: JsxTag) -> Component | None:
        """Return a component that shows an imported document; an unknown one is a problem."""
        path = self._imported.get(tag.name.partition(".")[0], "")
        written = " ".join(self._text[tag.start : tag.end].split())
        if not path.endswith((".md", ".mdx")):
            if tag.name and not self._dropping:
                self._log.add(ProblemKind.UNKNOWN_COMPONENT, written, tag.start)
            return None
        source = self._values.include(posixpath.normpath(path))
        if source is None or self._depth >= _MAX_INCLUDES:
            self._log.add_missing(ProblemKind.MISSING_INCLUDE, written, tag.start, tag.end)
            return Component()
        inner = ProblemLog(source)
        shown = replace_mdx(self._values, inner, self._depth + 1)
        line = self._log.line_at(tag.start)
        self._log.found += [type(one)(one.kind, line, one.what) for one in inner.found]
        return Component(lambda _tag, _imported, _title: f"\n\n{shown}\n\n")


# HTML elements inside which MDX reads Markdown, if they have a line to themselves.
_MARK = re.compile(r"[*_`\[]")
_BLOCKS = frozenset(
    "article aside center div dl dd dt figure figcaption footer header main ol ul li p section "  # noqa: SIM905  # one a line would fill the page
    "blockquote".split()
)


def _is_block(tag: JsxTag) -> bool:
    return tag.name in _BLOCKS
