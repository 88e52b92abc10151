"""The exports of Buttondown and Mailchimp: mails as they were written. What belongs to a mail alone is dropped.

That are invitations to read it in a browser, links to unsubscribe, postal addresses, and names of subscribers to fill in.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from lxml.html import HtmlElement

from publisher.imports.archive import ExportFiles
from publisher.imports.model import (
    Export,
    ExportWishes,
    ImportedPost,
    ImportProblemError,
    inner_html,
    markdown_html,
    parsed_fragment,
    why_unread,
)
from publisher.imports.newsletters import csv_rows, decoded, drop_furniture
from publisher.polling import foreign_values as foreign
from publisher.polling.foreign_values import JsonObject, json_objects, json_text
from publisher.polling.model import AnswerError, WebEntry

_PUBLIC = frozenset({"", "public"})
_SENT = frozenset({"", "sent", "imported", "in_flight", "throttled"})
_SEND_DATES = ("%b %d, %Y %I:%M %p", "%b %d, %Y %H:%M", "%Y-%m-%d %H:%M:%S")
_FURNITURE = re.compile(r"(?i)pre-?header|footer|mcnFollow|mcnShare|mcnPreviewText|awesomebar")
_PREVIEW = re.compile(r"mcnPreviewText|mc_preview_text|mce-preview", re.IGNORECASE)
_WORDS = re.compile(
    r"(?:view|read|open) (?:this|it|the) .{0,30}in (?:your|a|the) browser|unsubscribe|update (?:your|subscription) preferences|"
    r"you (?:are|were) receiv(?:ing|ed) this|our mailing address|add us to your address book|^copyright ©|\*\|[A-Z_]*(?:UNSUB|"
    r"ARCHIVE|LIST:ADDRESS|UPDATE_PROFILE|FORWARD)",
    re.IGNORECASE,
)
# Characters of a paragraph: a longer one is a text in which one of these words stands.
_MOST_OF_FURNITURE = 400
_MERGE_TAG = re.compile(r"\*\|[^|\n]{1,80}\|\*")
_LAYOUT = ("center", "font", "tbody", "thead", "tr", "table")
_BLOCKS = ("p", "div", "td", "li", "h1", "h2", "h3", "h4")


def read_buttondown(files: ExportFiles, options: ExportWishes) -> Export:
    """Read emails.json or emails.csv, and the text of each mail from emails/SLUG.md."""
    rows: list[Any]
    if name := files.named("emails.json"):
        try:
            rows = json_objects({"": foreign.json_value(files.read(name))}, "")
        except AnswerError as error:
            raise ImportProblemError(f"{name}: {error}") from None
    else:
        rows = [*csv_rows(files.read(files.named("emails.csv")))]
    texts = {
        one.rpartition("/")[2].removesuffix(".md"): one for one in files.below("emails", ".md")
    }
    posts = tuple(_buttondown_post(row, texts, files, options) for row in rows)
    return Export(system="Buttondown", posts=posts, site=options.site)


def _buttondown_post(
    row: JsonObject, texts: Mapping[str, str], files: ExportFiles, options: ExportWishes
) -> ImportedPost:
    slug = json_text(row, "slug")
    name = texts.get(slug) or texts.get(json_text(row, "id"), "")
    text = json_text(row, "body") or (decoded(files.read(name)) if name else "")
    status, kind = json_text(row, "status"), json_text(row, "email_type")
    date = json_text(row, "publish_date")
    reason = "" if status in _SENT and date else f"is a {status or 'draft'}"
    reason = reason or ("" if kind in _PUBLIC else f"is {kind}") or why_unread(text)
    is_html = "buttondown-editor-mode: fancy" in text[:200]
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.DOTALL).lstrip()
    entry = WebEntry(
        id=json_text(row, "id"),
        url=f"{options.site.rstrip('/')}/archive/{slug}/",
        title=foreign.plain_title(json_text(row, "subject")),
        html="" if reason else (text if is_html else markdown_html(text)),
        summary=json_text(row, "description"),
        published=foreign.iso_time(date),
        picture=foreign.web_address(json_text(row, "image")),
    )
    return ImportedPost(
        entry=entry,
        slug=slug,
        canonical=foreign.web_address(json_text(row, "canonical_url")),
        left_out=reason,
    )


def read_mailchimp(files: ExportFiles, _options: ExportWishes) -> Export:
    """Read the mails in campaigns_content/; campaigns.csv says when each was sent."""
    table = files.named("campaigns.csv")
    rows = [*csv_rows(files.read(table))] if table else []
    sent = {
        _plain(row[key]): row for row in rows for key in ("title", "subject") if row.get(key)
    }
    names = files.below("campaigns_content", ".html", ".htm") or files.below(
        "campaigns", ".html"
    )
    posts = tuple(_campaign(one, decoded(files.read(one)), sent) for one in names)
    return Export(system="Mailchimp", posts=posts)


def _plain(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.casefold()))


def _campaign(name: str, page: str, sent: Mapping[str, Mapping[str, str]]) -> ImportedPost:
    short = re.sub(r"^\d+[_-]", "", name.rpartition("/")[2].rpartition(".")[0])
    if reason := why_unread(page):
        return ImportedPost(entry=WebEntry(id=name, title=short), left_out=reason)
    stated = re.search(r"<title[^<>]*>([^<]{0,500})</title", page, re.IGNORECASE)
    title = _MERGE_TAG.sub("", foreign.plain_title(stated[1] if stated else "", is_html=True))
    row = sent.get(_plain(title)) or sent.get(_plain(short), {})
    body = parsed_fragment(page)
    preview = next((one for one in body.iter() if _is_named(one, _PREVIEW)), None)
    entry = WebEntry(
        id=name,
        title=row.get("subject") or title or short.replace("-", " ").replace("_", " "),
        summary="" if preview is None else _MERGE_TAG.sub("", preview.text_content()).strip(),
        html=_letter(body),
        published=_send_date(row.get("send date", "")),
    )
    is_unsent = bool(sent) and not row
    reason = "campaigns.csv does not say that it was sent" if is_unsent else ""
    return ImportedPost(entry=entry, slug=_plain(short), left_out=reason)


def _send_date(text: str) -> datetime | None:
    for form in _SEND_DATES:
        with suppress(ValueError):
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
    return foreign.iso_time(text)


def _is_named(element: HtmlElement, names: re.Pattern[str]) -> bool:
    return bool(names.search(f"{element.get('class') or ''} {element.get('id') or ''}"))


def _letter(body: HtmlElement) -> str:
    """Return the text of a mail without the tables that place it, and without what belongs to a mail alone."""
    drop_furniture(body, _FURNITURE)
    for one in [*body.iter()]:
        style = (one.get("style") or "").replace(" ", "").lower()
        if "display:none" in style or one.tag in {"style", "script", "title", "meta", "head"}:
            one.drop_tree()
    for one in [*body.iterdescendants(*_BLOCKS)]:
        text = " ".join(one.text_content().split())
        is_inner = next(one.iterdescendants(*_BLOCKS), None) is None
        if is_inner and len(text) <= _MOST_OF_FURNITURE and _WORDS.search(text):
            one.drop_tree()
    layout = [one for one in body.iter(*_LAYOUT) if not _is_of_data(one)]
    cells = [one for one in body.iter("td") if not _is_of_data(one)]
    for one in layout:
        one.drop_tag()
    for one in cells:
        one.tag = "div"
    return _MERGE_TAG.sub("", inner_html(body))


def _is_of_data(element: HtmlElement) -> bool:
    """Return whether an element is a table that has a head, or is in one."""
    table = element if element.tag == "table" else next(element.iterancestors("table"), None)
    return table is not None and bool(table.xpath("./tr/th|./*/tr/th"))
