"""The export of Ghost: JSON, alone or in a zip file with the pictures. Of its tables, those of members are not read.

Old posts have no HTML; their cards (Lexical, Mobiledoc) are read if each is of a known kind.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from publisher.polling.model import AnswerError, WebAuthor, WebEntry

_ADDRESS = "__GHOST_URL__"
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
    try:
        value = foreign.json_value(content)
    except AnswerError as error:
        raise ImportProblemError(str(error)) from None
    document = next(iter(json_objects(value, "db")), value) if isinstance(value, dict) else {}
    data = next(iter(json_objects(document, "data")), {})
    if "posts" not in data:
        raise ImportProblemError("this JSON is no export of Ghost")
    if _ADDRESS.encode() in content and not options.site:
        raise ImportProblemError("does not say where the site stood; add --site https://...")
    tables = _Tables(data, options)
    kinds = {"post", *options.kinds}
    rows = json_objects(data, "posts")
    wanted = [one for one in rows if _kind(one) in kinds]
    others = len(rows) - len(wanted)
    names = files.below("content/images", "") if files else []
    return Export(
        system="Ghost",
        posts=tuple(map(tables.post, wanted)),
        notes=(f"{others} of the type page left out",) if others else (),
        site=options.site,
        language=tables.setting("locale") or tables.setting("lang"),
        pictures={f"/{one[one.index('content/images') :]}": one for one in names},
        read=files.read if files else lambda _name: b"",
    )


def _kind(row: JsonObject) -> str:
    return json_text(row, "type") or ("page" if row.get("page") == 1 else "post")


@dataclass(slots=True)
class _Tables:
    data: JsonObject
    options: ExportWishes

    def setting(self, name: str) -> str:
        rows = json_objects(self.data, "settings")
        return next((json_text(one, "value") for one in rows if one.get("key") == name), "")

    def _of_post(self, number: str, table: str, key: str, target: str) -> Iterator[JsonObject]:
        """Yield the rows of a table that another one links to a post, in order."""
        rows = {json_text(one, "id"): one for one in json_objects(self.data, target)}
        links = [
            one for one in json_objects(self.data, table) if json_text(one, "post_id") == number
        ]
        for link in sorted(links, key=lambda one: int(json_text(one, "sort_order") or 0)):
            if row := rows.get(json_text(link, key)):
                yield row

    def post(self, row: JsonObject) -> ImportedPost:
        number = json_text(row, "id")
        tags = [*self._of_post(number, "posts_tags", "tag_id", "tags")]
        slugs = (json_text(one, "slug") for one in tags)
        metas = json_objects(self.data, "posts_meta")
        meta = next((one for one in metas if json_text(one, "post_id") == number), {})
        text, reason = self._text(row)
        return ImportedPost(
            entry=self._entry(row, tags, text),
            slug=json_text(row, "slug"),
            story=next((one for one in slugs if one.startswith("hash-story-")), ""),
            alt=json_text(meta, "feature_image_alt"),
            caption=foreign.plain_title(json_text(meta, "feature_image_caption"), is_html=True),
            canonical=foreign.web_address(self._here(json_text(row, "canonical_url"))),
            left_out=_reason(row) or reason,
        )

    def _entry(self, row: JsonObject, tags: list[JsonObject], text: str) -> WebEntry:
        number = json_text(row, "id")
        times = (_time(row, key) for key in ("published_at", "updated_at"))
        published, updated = foreign.entry_times(*times)
        people = self._of_post(number, "posts_authors", "author_id", "users")
        names = (foreign.person_name(json_text(one, "name")) for one in people)
        codes = (_LANGUAGE_TAG.fullmatch(json_text(one, "slug")) for one in tags)
        return WebEntry(
            id=number,
            url=f"{self.options.site.rstrip('/')}/{json_text(row, 'slug')}/",
            title=foreign.plain_title(json_text(row, "title")),
            html=text,
            summary=html.escape(json_text(row, "custom_excerpt")),
            published=published,
            updated=updated,
            language=next((found[1] for found in codes if found), json_text(row, "locale")),
            authors=tuple(WebAuthor(name=name) for name in names if name),
            topics=tuple(json_text(one, "name") for one in tags if not _is_internal(one)),
            picture=self._here(json_text(row, "feature_image")),
        )

    def _here(self, text: str) -> str:
        return text.replace(_ADDRESS, self.options.site.rstrip("/"))

    def _text(self, row: JsonObject) -> tuple[str, str]:
        """Return the text as HTML, and why there is none."""
        try:
            text = json_text(row, "html") or _from_cards(row)
        except (
            ImportProblemError,
            AnswerError,
            RecursionError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            said = (
                str(error)
                if isinstance(error, ImportProblemError)
                else "its cards can't be read"
            )
            return "", said
        return self._here(text), why_unread(text)


def _is_internal(tag: JsonObject) -> bool:
    return json_text(tag, "visibility") == "internal" or json_text(tag, "slug").startswith(
        "hash-"
    )


def _reason(row: JsonObject) -> str:
    status, seen_by = json_text(row, "status"), json_text(row, "visibility")
    if status not in _STATUSES:
        return f"is a {status or 'draft'}"
    return "" if seen_by in {"", "public"} else f"is for {seen_by} only"


def _time(row: JsonObject, key: str) -> datetime | None:
    """Read a time, which old exports write in milliseconds."""
    text = json_text(row, key)
    if text.isdigit():
        return datetime.fromtimestamp(int(text[:13]) / 1000, UTC)
    return foreign.iso_time(text)


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
    tags = {
        "root": "div",
        "paragraph": "p",
        "listitem": "li",
        "quote": "blockquote",
        "aside": "aside",
    }
    if kind in {"heading", "list"}:
        tags[kind] = (
            {"number": "ol"}.get(str(node.get("listType")), "ul")
            if kind == "list"
            else node["tag"]
        )
    if kind in {"link", "autolink"}:
        return f'<a href="{html.escape(str(node["url"]))}">{inside}</a>'
    return f"<{tags[kind]}>{inside}</{tags[kind]}>" if kind in tags else _card(kind, node)


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
