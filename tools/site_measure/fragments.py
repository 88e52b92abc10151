"""What a document holds that must not be lost: pictures, links, frames, code, tables, sentences.

Counted by a plain CommonMark parser after template code was taken out, so that the counts are at
most what is there.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.site_measure.documents import SourceFile, letters

# Letters of a text that is looked for in the page; shorter ones prove nothing.
_MIN_LETTERS = 24
_CODE = r"(?P<code>^(?P<fence>[ ]{0,3}(?:```+|~~~+)).*?(?:^[ ]*(?P=fence)\s*?$|\Z)|`[^`\n]+`)"
_COMMENT = (
    r"<!--.*?-->|\{/\*.*?\*/\}|\{%-?\s*comment.*?endcomment\s*-?%\}|\{\{[<%]/\*.*?\*/[>%]\}\}"
    r"|^\{::comment\}.*?\{:/(?:comment)?\}|\{\{[<%]\s*comment\s*[%>]\}\}.*?/comment\s*[%>]\}\}"
    # A statement of MDX goes to the next empty line.
    r"|^(?:import\s[^\n]*\bfrom\s*['\"]|export\s(?:const|let|default|function)\b)[^\n]*(?:\n[^\n]+)*"
)
_OUTSIDE_CODE = re.compile(f"{_CODE}|{_COMMENT}", re.DOTALL | re.MULTILINE)
_HOME = re.compile(r"\{\{\s*site\.(?:base)?url\s*\}\}")
_RAW = re.compile(r"\{%-?\s*(?:raw|highlight).*?end(?:raw|highlight)\s*-?%\}", re.DOTALL)
_ELEMENT = re.compile(r"<(img|iframe|video|audio|embed|table|pre|a)\b([^>]*)", re.IGNORECASE)
_ADDRESS = re.compile(r"\b(?:src|href)\s*=\s*[\"']([^\"'{}]+)", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"\{[{%<:][^\n]*|:\w+:|%[0-9A-F]{2}|\[[\^!]|\*\[|\{#|^\{?\w+=\"", re.MULTILINE
)


@dataclass
class Fragments:
    """The parts of one document. Addresses are as they are written."""

    links: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    frames: list[str] = field(default_factory=list)
    code_blocks: int = 0
    tables: int = 0
    sentences: list[str] = field(default_factory=list)


def fragments_of(document: SourceFile) -> Fragments:
    """Return what must arrive of a document, or be a problem of it."""
    found = Fragments()
    body = _OUTSIDE_CODE.sub(lambda match: match["code"] or "", document.body)
    # A sentence around it is in two parts.
    body = _RAW.sub("{% raw %}", body)
    # A definition of a link has no spaces in its address.
    body = _HOME.sub("", body)
    if document.path.suffix == ".html":
        _add_html(body, found)
        return found
    parser = MarkdownIt("commonmark").enable("table")
    if document.path.suffix == ".mdx":
        parser.disable("code")
    for token in _flat(parser.parse(body)):
        _add(token, found)
    return found


def plain_text(document: SourceFile) -> str:
    """Return the words outside code as CommonMark alone would show them."""
    tokens = _flat(MarkdownIt("commonmark").parse(document.body))
    return " ".join(token.content for token in tokens if token.type == "text")


def _flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or [])


def _add(token: Token, found: Fragments) -> None:
    if token.type == "link_open":
        found.links.append(str(token.attrs["href"]))
    elif token.type == "image":
        found.pictures.append(str(token.attrs["src"]))
    elif token.type == "fence":
        found.code_blocks += 1
    elif token.type == "table_open":
        found.tables += 1
    elif token.type in {"html_block", "html_inline"}:
        _add_html(token.content, found)
    elif token.type == "text" and _is_plain(token.content):
        found.sentences.append(token.content)


def _is_plain(text: str) -> bool:
    """Return whether a text is long enough to be looked for, and has nothing that changes."""
    return len(letters(text)) >= _MIN_LETTERS and not _TEMPLATE.search(text)


def _add_html(text: str, found: Fragments) -> None:
    for name, attributes in _ELEMENT.findall(text):
        address = _ADDRESS.search(attributes)
        where = html.unescape(address[1]) if address else ""
        match name.lower():
            case "img":
                found.pictures.append(where)
            case "table":
                found.tables += 1
            case "pre":
                found.code_blocks += 1
            case "a":
                found.links.extend([where] if where else [])
            case _:
                found.frames.extend([where] if where else [])


# Forms of links that generators resolve themselves.
TEMPLATE_LINKS = re.compile(
    r"\{%-?\s*(?:post_url|link)\s+([^\s%}]+)\s*-?%\}"
    r"|\{\{[<%]\s*(?:rel)?ref\s+(?:path=)?[\"`]?([^\s\"`>%]+)"
)


def template_links(document: SourceFile) -> list[str]:
    """Return the names in `post_url`, `link`, `ref` and `relref`, outside code."""
    body = _OUTSIDE_CODE.sub("", document.body)
    return [one or other for one, other in TEMPLATE_LINKS.findall(_RAW.sub("", body))]
