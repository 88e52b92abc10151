"""The export of Ghost: JSON, alone or in a zip file with the pictures. Of its tables, those of members are not read.

Old posts have no HTML; their cards (Lexical, Mobiledoc) are read if each is of a known kind.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from publisher.imports.archive import ExportFiles
from publisher.imports.model import (
    Export,
    ExportWishes,
    ImportedPost,
    ImportProblemError,
    figure_html,
    link_paragraph,
    markdown_html,
    why_unread,
)
from publisher.polling import foreign_values as foreign
from publisher.polling.foreign_values import JsonObject, json_objects, json_text
from publisher.polling.ghost import ghost_entry
from publisher.polling.model import AnswerError

_ADDRESS = b"__GHOST_URL__"
_STATUSES = frozenset({"published", "scheduled", "sent"})
# An internal tag with the code of a language.
_LANGUAGE_TAG = re.compile(r"hash-([a-z]{2}(?:-[a-z0-9]{2,8})*)")
# Bits of a text in Lexical.
_FORMATS = (
    (16, "code"),
    (1, "strong"),
    (2, "em"),
    (4, "del"),
    (8, "u"),
    (32, "sub"),
    (64, "sup"),
)
_LEXICAL_TAGS = {
    "root": "div",
    "paragraph": "p",
    "listitem": "li",
    "quote": "blockquote",
    "aside": "aside",
}
_MARKS = frozenset({"b", "strong", "i", "em", "a", "code", "s", "del", "u", "sub", "sup"})
_TEXT_BLOCKS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "aside", "ul", "ol"}
)


def is_ghost(content: bytes) -> bool:
    """Return whether a JSON document begins like an export of Ghost."""
    return re.match(rb'\s*\{\s*"(?:db|meta|data|exported)', content) is not None


def read_ghost(
    content: bytes, options: ExportWishes, files: ExportFiles | None = None
) -> Export:
    """Read an export. Raise ImportProblemError if it is none."""
    if _ADDRESS in content and not options.site:
        raise ImportProblemError("does not say where the site stood; add --site https://...")
    try:
        value = foreign.json_value(content.replace(_ADDRESS, options.site.rstrip("/").encode()))
    except AnswerError as error:
        raise ImportProblemError(str(error)) from None
    document = next(iter(json_objects(value, "db")), value) if isinstance(value, dict) else {}
    data = next(iter(json_objects(document, "data")), {})
    if "posts" not in data:
        raise ImportProblemError("this JSON is no export of Ghost")
    rows, kinds = _joined(data), {"post", *options.kinds}
    wanted = [one for one in rows if _kind(one) in kinds]
    others = len(rows) - len(wanted)
    codes = (
        _LANGUAGE_TAG.fullmatch(json_text(one, "slug")) for one in json_objects(data, "tags")
    )
    languages = {code[0]: code[1] for code in codes if code}
    settings = {
        one.get("key"): json_text(one, "value") for one in json_objects(data, "settings")
    }
    names = files.below("content/images", "") if files else []
    return Export(
        system="Ghost",
        posts=tuple(_imported(one, options.site, languages) for one in wanted),
        notes=(f"{others} of the type page left out",) if others else (),
        site=options.site,
        language=settings.get("locale") or settings.get("lang", ""),
        pictures={f"/{one[one.index('content/images') :]}": one for one in names},
        read=files.read if files else lambda _name: b"",
    )


def _kind(row: JsonObject) -> str:
    return json_text(row, "type") or ("page" if row.get("page") == 1 else "post")


def _joined(data: JsonObject) -> list[JsonObject]:
    """Return the posts with their tags, authors and values of other tables, as the Content API shows them."""
    metas = {json_text(one, "post_id"): one for one in json_objects(data, "posts_meta")}
    tags, people = (
        _links(data, "posts_tags", "tag"),
        _links(data, "posts_authors", "user", "author"),
    )
    joined = []
    for row in json_objects(data, "posts"):
        number = json_text(row, "id")
        own = {"tags": tags.get(number, []), "authors": people.get(number, [])}
        times = {key: _time(row, key) for key in ("published_at", "updated_at")}
        joined.append({**metas.get(number, {}), **row, **own, **times})
    return joined


def _links(
    data: JsonObject, table: str, name: str, key: str = ""
) -> dict[str, list[JsonObject]]:
    """Return rows by the ids of the posts that a table links them to, in its order."""
    rows = {json_text(one, "id"): one for one in json_objects(data, f"{name}s")}
    found: dict[str, list[JsonObject]] = {}
    links = json_objects(data, table)
    for link in sorted(links, key=lambda one: json_text(one, "sort_order").zfill(5)):
        if row := rows.get(json_text(link, f"{key or name}_id")):
            found.setdefault(json_text(link, "post_id"), []).append(row)
    return found


def _time(row: JsonObject, key: str) -> str:
    """Return a time of ISO 8601; old exports write milliseconds."""
    text = json_text(row, key)
    return (
        datetime.fromtimestamp(int(text[:13]) / 1000, UTC).isoformat()
        if text.isdigit()
        else text
    )


def _imported(row: JsonObject, site: str, languages: Mapping[str, str]) -> ImportedPost:
    text, reason = _text(row)
    slug, slugs = json_text(row, "slug"), (json_text(one, "slug") for one in row["tags"])
    entry = ghost_entry({**row, "html": text}, site, languages)
    return ImportedPost(
        entry=replace(
            entry,
            url=f"{site.rstrip('/')}/{slug}/",
            language=entry.language or json_text(row, "locale"),
        ),
        slug=slug,
        story=next((one for one in slugs if one.startswith("hash-story-")), ""),
        alt=json_text(row, "feature_image_alt"),
        caption=foreign.plain_title(json_text(row, "feature_image_caption"), is_html=True),
        canonical=foreign.web_address(json_text(row, "canonical_url")),
        left_out=_reason(row) or reason,
    )


def _reason(row: JsonObject) -> str:
    status, seen_by = json_text(row, "status"), json_text(row, "visibility")
    if status not in _STATUSES:
        return f"is a {status or 'draft'}"
    return "" if seen_by in {"", "public"} else f"is for {seen_by} only"


def _text(row: JsonObject) -> tuple[str, str]:
    """Return the text as HTML, and why there is none."""
    try:
        text = json_text(row, "html") or _from_cards(row)
    except ImportProblemError as error:
        return "", str(error)
    except (RecursionError, LookupError, AttributeError, TypeError, ValueError):
        return "", "its cards can't be read"
    reason = why_unread(text)
    return "" if reason else text, reason


def _from_cards(row: JsonObject) -> str:
    if written := json_text(row, "lexical"):
        return _lexical(json.loads(written)["root"])
    if written := json_text(row, "mobiledoc"):
        return _mobiledoc(json.loads(written))
    return ""


def _lexical(node: Mapping[str, Any]) -> str:
    kind = str(node["type"]).removeprefix("extended-")
    if kind == "text":
        text = html.escape(str(node["text"]))
        for bit, tag in _FORMATS:
            text = f"<{tag}>{text}</{tag}>" if int(node.get("format") or 0) & bit else text
        return text
    if kind == "linebreak":
        return "<br>"
    inside = "".join(map(_lexical, node.get("children") or ()))
    if kind in {"link", "autolink"}:
        return f'<a href="{html.escape(str(node["url"]))}">{inside}</a>'
    shape: Any = _LEXICAL_TAGS.get(kind) or node.get("tag")
    if kind == "list":
        shape = "ol" if node.get("listType") == "number" else "ul"
    return f"<{shape}>{inside}</{shape}>" if shape else _card(kind, node)


def _card(kind: str, card: Mapping[str, Any]) -> str:
    """Return the HTML of a card. Raise ImportProblemError for one of another kind."""
    match kind.removeprefix("card-"):
        case "image":
            caption = foreign.plain_title(str(card.get("caption") or ""), is_html=True)
            return figure_html(str(card["src"]), str(card.get("alt") or ""), caption)
        case "html":
            return str(card["html"])
        case "markdown":
            return markdown_html(str(card["markdown"]))
        case "bookmark":
            return link_paragraph(str(card["url"]))
        case "hr" | "horizontalrule":
            return "<hr>"
        case "code" | "codeblock":
            return f"<pre><code>{html.escape(str(card['code']))}</code></pre>"
    raise ImportProblemError(f"has no HTML, and a card that is not read: {kind}")


def _mobiledoc(document: Mapping[str, Any]) -> str:
    """Return the HTML of a document (https://github.com/bustle/mobiledoc-kit, MOBILEDOC.md, 0.3)."""
    parts = []
    for section in document["sections"]:
        kind, tag = section[0], section[1]
        if kind == 10:  # noqa: PLR2004  # a card
            name, card = document["cards"][tag]
            parts.append(_card(str(name), card))
        elif kind == 2:  # noqa: PLR2004  # a picture
            parts.append(figure_html(str(tag)))
        elif tag in _TEXT_BLOCKS:
            items = section[2] if kind == 3 else [section[2]]  # noqa: PLR2004  # a list
            shown = (_markers(one, document["markups"]) for one in items)
            inside = "".join(f"<li>{one}</li>" if kind == 3 else one for one in shown)  # noqa: PLR2004
            parts.append(f"<{tag}>{inside}</{tag}>")
        else:
            raise ImportProblemError(f"has no HTML, and a section that is not read: {tag}")
    return "".join(parts)


def _markers(markers: list[Any], markups: list[Any]) -> str:
    text, open_tags = "", list[str]()
    for kind, opened, closed, value in markers:
        for number in opened:
            tag, *given = markups[number]
            values = dict(zip(*[iter(given[0] if given else [])] * 2, strict=True))
            address = html.escape(str(values.get("href", "")))
            open_tags.append(tag if tag in _MARKS else "span")
            text += f'<a href="{address}">' if tag == "a" else f"<{open_tags[-1]}>"
        text += html.escape(str(value)) if kind == 0 else "<br>"
        text += "".join(f"</{open_tags.pop()}>" for _ in range(closed))
    return text
