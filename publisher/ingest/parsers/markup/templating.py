"""Run what a generator runs before it reads the Markdown: templates, shortcodes, components.

Hugo's `{{< name arguments >}}` makes HTML, `{{% name %}}` Markdown. Both may be paired, and nested.
Those in code stay; `{{</* name */>}}` shows a shortcode instead of running it. What names stand for
is in `vocabulary`. An unknown shortcode leaves its text, picture or link, and is a problem.
"""

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from publisher.errors import RenderingError
from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import Dialect, ShortcodeRule, SourceDocument
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.markup import common, vocabulary
from publisher.ingest.parsers.markup.mdx import replace_mdx
from publisher.ingest.parsers.markup.vocabulary import MarkupContext

_VUE_VALUE = re.compile(r"\{\{\s*\$frontmatter\.")
# An element of VitePress whose braces are shown.
_VERBATIM = re.compile(
    r"<(?P<name>\w{1,20})(?=[^<>\n]{0,200}\sv-pre\b)[^<>\n]{0,500}>(?P<inside>[^<\n]{0,500})</(?P=name)>"
)
# Template code, but not in the address of a link or in a tag.
_BRACES = re.compile(
    r"\]\([^()\n]*\)|<[^<>\n]*>|(?P<code>(?<![\w\\^{}$])(?:\{\{\s*[\w.\"'/$][^{}\n]{0,200}\}\}|\{%-?\s*\w[^{}\n]{0,200}%\})+)"
)
# Nunjucks, which Eleventy runs in Markdown if a site says so.
_NUNJUCKS_COMMENT = re.compile(r"\{#(?!\w[\w-]*\})(?:(?!\{#).)*?#\}", re.DOTALL)
_NUNJUCKS_SET = re.compile(r"(?<=\{%)(-?\s*)set(?=\s+\w+\s*=)")
# Docusaurus takes the fence off, which hides MDX from other readers of Markdown.
_MDX_BLOCK = re.compile(
    r"^(?P<fence>`{3,})mdx-code-block[ \t]*\n(?P<inside>(?:(?!```).*\n)*?)(?P=fence)[ \t]*$",
    re.MULTILINE,
)
# What VitePress inserts: code of a file, or a file of Markdown.
_INCLUDE = re.compile(
    r"^<<<[ \t]*[^\s<][^\n]*$|<!--\s*@include:[^\n<>]{1,400}-->", re.MULTILINE
)
# Becomes a list of the headings. Pages of articles have none.
_CONTENTS = re.compile(
    r"\[\[_?toc_?\]\]|@\[toc\](?:\([^()\n]*\))?|^(?:\$\{toc\}|\[toc\])[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
# An address of Docusaurus that leads to a file beside its pages.
_STATIC_ADDRESS = re.compile(r"""(?<=[(<"'])pathname://(?=/)""")


def _fill_liquid(*arguments: Any, **options: Any) -> str:
    # The engine takes a fifth of a second to load, and most publications need none.
    from publisher.ingest.parsers.markup import liquid

    return liquid.fill_liquid(*arguments, **options)


def dialect_of(document: SourceDocument, fields: Mapping[str, YamlValue]) -> Dialect:
    """Return the dialect of a document; one with a `layout` and without a site is Jekyll's."""
    if document.dialect is Dialect.PLAIN and fields.get("layout"):
        return Dialect.KRAMDOWN
    return document.dialect


def has_emoji(document: SourceDocument) -> bool:
    """Return whether the site's configuration turns names of emoji on."""
    site = {str(key).lower(): value for key, value in document.values.site.items()}
    # As text: it may be written as anything.
    plugins = str(site.get("plugins") or site.get("gems"))
    return str(site.get("enableemoji")).lower() == "true" or "jemoji" in plugins


def has_typography(document: SourceDocument) -> bool:
    """Return whether quotation marks and dashes are signs of typography: Hugo can turn this off."""
    value: Any = document.values.site
    for key in ("markup", "goldmark", "extensions", "typographer"):
        value = value.get(key) if isinstance(value, Mapping) else None
    is_disabled = isinstance(value, Mapping) and value.get("disable") is True
    return value is not False and not is_disabled


def run_templates(
    document: SourceDocument,
    fields: Mapping[str, YamlValue],
    log: common.ProblemLog,
    to_html: Callable[[str], str],
    language: str | None = None,
) -> str:
    """Return the text of the log with everything filled in that its dialect fills in."""
    in_html = document.path.suffix.lower() in {".html", ".htm"}
    if "<!--" in log.text:
        log = log.reading(common.without_comments(log.text))
    values = document.values
    context = MarkupContext(
        fields, values, in_html, to_html, partial(common.admonition_title, language=language)
    )
    match dialect_of(document, fields):
        case Dialect.KRAMDOWN:
            return _fill_liquid(fields, values, log, to_html, in_html=in_html)
        case Dialect.GOLDMARK:
            filled = replace_shortcodes(context, document.shortcodes, log)
            return _with_literal_braces(filled, in_html)
        case Dialect.DOCUSAURUS:
            mdx: Any = fields.get("mdx")
            if isinstance(mdx, dict) and mdx.get("format") == "md":
                return log.text
            shown = _MDX_BLOCK.sub(r"\n\g<inside>\n", log.text)
            shown = common.replace_outside_code(_STATIC_ADDRESS, lambda _match: "", shown)
            shown = shown if values.has_expressions else common.with_fences(shown)
            filled = replace_mdx(context, log.reading(shown))
            return filled if values.has_expressions else _with_literal_braces(filled, in_html)
        case Dialect.MARKDOWN_IT:
            text = _markdown_it(document, fields, log, to_html)
            return replace_mdx(context, log.reading(text), expressions=False)
        case _:
            return log.text


def _left_out(log: common.ProblemLog, match: re.Match[str]) -> str:
    log.add_near(ProblemKind.MISSING_INCLUDE, match[0].strip(), match[0])
    return ""


def _shown_braces(match: re.Match[str]) -> str:
    """Return as code what is to be shown as it is written."""
    return f"<code>{match['inside'].replace('{', '&#123;').replace('}', '&#125;')}</code>"


def _with_literal_braces(text: str, in_html: bool) -> str:
    """Return a text whose generator runs no templates in prose: what looks like one is code."""

    def shown(match: re.Match[str]) -> str:
        return common.shown_as_code(match[0], in_html=in_html) if match["code"] else match[0]

    return common.replace_outside_code(_BRACES, shown, text) if "{" in text else text


def _markdown_it(
    document: SourceDocument,
    fields: Mapping[str, YamlValue],
    log: common.ProblemLog,
    to_html: Callable[[str], str],
) -> str:
    """Fill in Liquid (Eleventy) or the values of the page (VitePress), which stay in code."""
    text = common.replace_outside_code(_CONTENTS, lambda _match: "", log.text)
    text = common.replace_outside_code(_VERBATIM, _shown_braces, text)
    text = common.replace_outside_code(_NUNJUCKS_COMMENT, common.same_lines, text)
    text = common.replace_outside_code(_NUNJUCKS_SET, lambda match: f"{match[1]}assign", text)
    text = common.replace_outside_code(_INCLUDE, partial(_left_out, log), text)
    text = common.replace_outside_code(_VUE_VALUE, lambda _match: "{{ page.", text)
    if "{%" in text:
        return _fill_liquid(fields, document.values, log.reading(text), to_html, bare=True)

    def filled(match: re.Match[str]) -> str:
        part = common.ProblemLog(match[0], log.line_at(match.start()) - 1, log.found)
        return _fill_liquid(fields, document.values, part, to_html, bare=True)

    return common.replace_outside_code(re.compile(r"\{\{[^{}\n]*\}\}"), filled, text)


_MAX_NESTING = 30  # shortcodes inside each other; themes use three
# A string may hold anything; nothing reads past the next opening, so the time is linear.
_CALL = re.compile(
    r"""\{\{(?P<mark>[<%])\s*(?P<closing>/)?\s*(?P<name>[\w./-]*[\w-])"""
    r"""(?P<arguments>(?:\s(?:"(?:\\.|(?!\{\{[<%])[^"\\])*"|`[^`]*`|(?!\{\{[<%]|/?\s*[>%]\}\})[^"`])*)?)"""
    r"""\s*(?P<single>/)?\s*[>%]\}\}""",
    re.DOTALL,
)
_ESCAPED = re.compile(
    r"\{\{([<%])\s*/\*((?:(?!\{\{[<%]\s*/\*|\*/).)*)\*/\s*([>%])\}\}", re.DOTALL
)
_ARGUMENT = re.compile(
    r"""(?:(?P<key>[\w-]+)\s*=\s*)?(?:"(?P<quoted>(?:\\.|[^"\\])*)"|`(?P<raw>[^`]*)`|(?P<bare>[^\s"`]+))""",
    re.DOTALL,
)


def replace_shortcodes(
    context: MarkupContext, rules: Mapping[str, ShortcodeRule], log: common.ProblemLog
) -> str:
    text = log.text
    if "{{<" not in text and "{{%" not in text:
        return text
    return _ShortcodeReplacer(context, rules, log).run()


@dataclass(slots=True)
class _Open:
    """A shortcode whose end is looked for; `pieces` is what was written since its beginning."""

    match: re.Match[str] | None
    pieces: list[str] = field(default_factory=list)


class _ShortcodeReplacer:
    """Goes through a document once, with a stack of the shortcodes that are open."""

    def __init__(
        self, context: MarkupContext, rules: Mapping[str, ShortcodeRule], log: common.ProblemLog
    ) -> None:
        self._context = context
        self._rules = rules
        self._log = log
        self._stack = [_Open(None)]

    def run(self) -> str:
        text = self._log.text
        regions = common.CodeRegions(text)
        escaped = [match.span() for match in _ESCAPED.finditer(text)]
        calls = [
            call
            for call in _CALL.finditer(text)
            if call.start() not in regions and common.span_end(escaped, call.start()) is None
        ]
        paired = _paired(calls)
        position = 0
        for call in calls:
            self._write(text[position : call.start()])
            position = call.end()
            if call["closing"]:
                self._close(call)
            elif call.start() in paired:
                self._stack.append(_Open(call))
                if len(self._stack) > _MAX_NESTING:
                    what = f"shortcodes are nested more than {_MAX_NESTING} deep"
                    self._log.add(ProblemKind.TEMPLATE_ERROR, what, call.start())
                    return text
            else:
                self._write(self._shown(call, "", call.end()))
        self._write(text[position:])
        return self._with_escaped("".join(self._stack[0].pieces))

    def _with_escaped(self, text: str) -> str:
        """Return a text that shows the shortcodes which are written to be shown: as code."""
        regions = common.CodeRegions(text)

        def shown(match: re.Match[str]) -> str:
            written = f"{{{{{match[1]}{match[2]}{match[3]}}}}}"
            if match.start() in regions or "\n\n" in written:
                return written
            return common.shown_as_code(written, in_html=self._context.in_html)

        return _ESCAPED.sub(shown, text)

    def _write(self, text: str) -> None:
        self._stack[-1].pieces.append(text)

    def _close(self, call: re.Match[str]) -> None:
        opened = self._stack[-1].match
        if opened is None or opened["name"] != call["name"]:
            return  # an end without a beginning shows nothing
        inside = "".join(self._stack.pop().pieces)
        self._write(self._shown(opened, inside, call.end()))

    def _shown(self, match: re.Match[str], inside: str, end: int) -> str:
        """Return what a shortcode shows; as a block of its own if it has its lines to itself."""
        shown = self._result(match, inside, end)
        start = match.start()
        if not self._log.stands_alone(start, end) or not shown.strip():
            return shown
        before = self._log.text[self._log.text.rfind("\n", 0, start) + 1 : start]
        if before.strip():  # the first line of a quote or a list item
            return shown

        def lacks_indentation(line: str) -> bool:
            # What stands between two shortcodes in a list has its own.
            return bool(line.strip()) and not (inside and line.startswith(before))

        return f"\n\n{textwrap.indent(shown.strip(chr(10)), before, lacks_indentation)}\n\n"

    def _result(self, match: re.Match[str], inside: str, end: int) -> str:
        name, start = match["name"], match.start()
        positional, named = _arguments(match["arguments"])
        rule = self._rules.get(name)
        if callable(rule):
            values = {"arguments": positional, "inside": inside, "name": name, "named": named}
            try:
                return rule(values)
            except RenderingError as error:
                self._log.add(ProblemKind.TEMPLATE_ERROR, str(error), start)
                return inside
        if rule is not None:
            return inside if rule == "keep" else ""
        tag = vocabulary.MarkupTag(name, named, positional, inside, self._context)
        shown = vocabulary.SHORTCODES[name](tag) if name in vocabulary.SHORTCODES else None
        written = " ".join(match[0].split())
        if isinstance(shown, ProblemKind):
            self._log.add_missing(shown, written, start, end)
            return ""
        if shown is None:
            self._log.add(ProblemKind.UNKNOWN_SHORTCODE, written, start)
            return vocabulary.shown_by_arguments(tag)
        return shown


def _paired(calls: Sequence[re.Match[str]]) -> frozenset[int]:
    """Return where the shortcodes begin that have an end; pairs don't cross each other."""
    paired: list[int] = []
    opened: list[re.Match[str]] = []
    waiting: dict[str, int] = {}
    for call in calls:
        name = call["name"]
        if call["single"]:
            continue
        if not call["closing"]:
            opened.append(call)
            waiting[name] = waiting.get(name, 0) + 1
            continue
        while waiting.get(name):
            last = opened.pop()
            waiting[last["name"]] -= 1
            if last["name"] == name:
                paired.append(last.start())
                break
    return frozenset(paired)


def _arguments(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    positional: list[str] = []
    named: dict[str, str] = {}
    for match in _ARGUMENT.finditer(text):
        value = match["quoted"]
        if value is not None:
            value = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
        else:
            value = match["raw"] if match["raw"] is not None else match["bare"]
        if match["key"]:
            named[match["key"].lower()] = value
        else:
            positional.append(value)
    return tuple(positional), named
