"""Run what a generator runs before it reads the Markdown: templates, shortcodes, components."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from publisher.i18n.article_problems import ProblemKind
from publisher.ingest.parsers.document import Dialect, SourceDocument
from publisher.ingest.parsers.front_matter import YamlValue
from publisher.ingest.parsers.markup.blocks import admonition_title
from publisher.ingest.parsers.markup.common import ProblemLog, code_block, replace_outside_code
from publisher.ingest.parsers.markup.mdx import replace_mdx
from publisher.ingest.parsers.markup.shortcodes import replace_shortcodes
from publisher.ingest.parsers.markup.vocabulary import MarkupContext

_VUE_VALUE = re.compile(r"\{\{\s*\$frontmatter\.")
# An element of VitePress whose braces are shown.
_VERBATIM = re.compile(
    r"<(?P<name>\w{1,20})(?=[^<>\n]{0,200}\sv-pre\b)[^<>\n]{0,500}>(?P<inside>[^<\n]{0,500})</(?P=name)>"
)
# Nunjucks, which Eleventy runs in Markdown if a site says so.
_NUNJUCKS_COMMENT = re.compile(r"\{#(?!\w[\w-]*\})(?:(?!\{#).)*?#\}", re.DOTALL)
_NUNJUCKS_SET = re.compile(r"(?<=\{%)(-?\s*)set(?=\s+\w+\s*=)")
# Docusaurus takes the fence off, which hides MDX from other readers of Markdown.
_MDX_BLOCK = re.compile(
    r"^(?P<fence>`{3,})mdx-code-block[ \t]*\n(?P<inside>(?:(?!```).*\n)*?)(?P=fence)[ \t]*$",
    re.MULTILINE,
)
_SNIPPET = re.compile(r"^<<<[ \t]*@?/?(?P<path>[^\s{\[]+)[^\n]*$", re.MULTILINE)
# A comment with templates or components in it, which show nothing. Tags of Liquid hold for what is behind it.
_COMMENT = re.compile(
    r"<!--(?!\s*@include:)(?:(?!-->)[^<{])*(?!\{%)[<{](?:(?!<!--|-->|(?<!\{)\{%).)*-->",
    re.DOTALL,
)
# Of VitePress: a file of Markdown, or lines or a region of it, which are not told apart.
_INCLUDE = re.compile(r"<!--\s*@include:\s*(?P<path>[^\s{}#<>]{1,300})[^\n<>]{0,100}?-->")
_FRONT_MATTER = re.compile(r"\A---\n(?:(?!---\n).*\n){0,200}---\n")
# Becomes a list of the headings. Pages of articles have none.
_CONTENTS = re.compile(
    r"\[\[_?toc_?\]\]|@\[toc\](?:\([^()\n]*\))?|^(?:\$\{toc\}|\[toc\])[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
# An address of Docusaurus that leads to a file beside its pages.
_STATIC_ADDRESS = re.compile(r"""(?<=[(<"'])pathname://(?=/)""")


def _fill_liquid(*arguments: Any, **options: Any) -> str:
    """Fill in Liquid; see `liquid.fill_liquid`."""
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
    log: ProblemLog,
    to_html: Callable[[str], str],
    language: str | None = None,
) -> str:
    """Return the text of the log with everything filled in that its dialect fills in."""
    in_html = document.path.suffix.lower() in {".html", ".htm"}
    if "<!--" in log.text:
        log = log.reading(replace_outside_code(_COMMENT, _same_lines, log.text))
    values = document.values
    context = MarkupContext(
        fields, values, in_html, to_html, partial(admonition_title, language=language)
    )
    match dialect_of(document, fields):
        case Dialect.KRAMDOWN:
            return _fill_liquid(fields, values, log, to_html, in_html=in_html)
        case Dialect.GOLDMARK:
            return replace_shortcodes(context, document.shortcodes, log)
        case Dialect.DOCUSAURUS:
            mdx: Any = fields.get("mdx")
            if isinstance(mdx, dict) and mdx.get("format") == "md":
                return log.text
            shown = _MDX_BLOCK.sub(r"\n\g<inside>\n", log.text)
            shown = replace_outside_code(_STATIC_ADDRESS, lambda _match: "", shown)
            return replace_mdx(context, log.reading(shown))
        case Dialect.MARKDOWN_IT:
            text = _markdown_it(document, fields, log, to_html)
            return replace_mdx(context, log.reading(text), expressions=False)
        case _:
            return log.text


def _snippet(document: SourceDocument, log: ProblemLog, match: re.Match[str]) -> str:
    """Return the code of a file that a document of VitePress shows."""
    code = document.values.include(match["path"])
    if code is None:
        log.add_near(ProblemKind.MISSING_INCLUDE, match[0].strip(), match[0])
        return ""
    return code_block(code)


def _included(document: SourceDocument, log: ProblemLog, match: re.Match[str]) -> str:
    """Return the Markdown of a file that a document of VitePress includes."""
    text = document.values.include(match["path"])
    if text is None:
        log.add_near(ProblemKind.MISSING_INCLUDE, match[0], match[0])
        return ""
    return f"\n\n{_FRONT_MATTER.sub('', text).strip()}\n\n"


def _shown_braces(match: re.Match[str]) -> str:
    """Return as code what is to be shown as it is written."""
    return f"<code>{match['inside'].replace('{', '&#123;').replace('}', '&#125;')}</code>"


def _same_lines(match: re.Match[str]) -> str:
    """Return nothing on as many lines, so that problems behind it have theirs."""
    return "\n" * match[0].count("\n")


def _markdown_it(
    document: SourceDocument,
    fields: Mapping[str, YamlValue],
    log: ProblemLog,
    to_html: Callable[[str], str],
) -> str:
    """Fill in Liquid (Eleventy) or the values of the page (VitePress), which stay in code."""
    text = replace_outside_code(_CONTENTS, lambda _match: "", log.text)
    text = replace_outside_code(_VERBATIM, _shown_braces, text)
    text = replace_outside_code(_NUNJUCKS_COMMENT, _same_lines, text)
    text = replace_outside_code(_NUNJUCKS_SET, lambda match: f"{match[1]}assign", text)
    if "@include:" in text:
        text = replace_outside_code(_INCLUDE, partial(_included, document, log), text)
    if "<<<" in text:
        text = replace_outside_code(_SNIPPET, partial(_snippet, document, log), text)
    text = replace_outside_code(_VUE_VALUE, lambda _match: "{{ page.", text)
    if "{%" in text:
        return _fill_liquid(fields, document.values, log.reading(text), to_html, bare=True)

    def filled(match: re.Match[str]) -> str:
        part = ProblemLog(match[0], log.line_at(match.start()) - 1, log.found)
        return _fill_liquid(fields, document.values, part, to_html, bare=True)

    return replace_outside_code(re.compile(r"\{\{[^{}\n]*\}\}"), filled, text)
