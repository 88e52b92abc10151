"""The exports of Substack, Medium, Buttondown and Mailchimp: files of texts in a zip file. Lists of subscribers are not read.

Of mails, what belongs to a mail alone is dropped: invitations to read it in a browser, links to unsubscribe, postal
addresses, and names of subscribers to fill in.
"""

import csv
import html
import io
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from lxml.html import HtmlElement

from publisher.imports import model
from publisher.ingest.parsers.document import Dialect
from publisher.ingest.parsers.markup.dialects import markdown_parser
from publisher.polling import foreign_values as foreign
from publisher.polling.foreign_pictures import inner_html
from publisher.polling.model import AnswerError, WebAuthor, WebEntry

# Buttons and forms of Substack.
_SUBSTACK_FURNITURE = re.compile(
    r"button-wrapper|subscription-widget|subscribe-widget|paywall-jump"
)
_MEDIUM_NAME = re.compile(r"(?:\d{4}-\d{2}-\d{2}_)?(.*?)-*(?:[0-9a-f]{10,12})?\.html")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_PUBLIC = frozenset({"", "public"})
_SENT = frozenset({"", "sent", "imported", "in_flight", "throttled"})
_SEND_DATES = ("%b %d, %Y %I:%M %p", "%b %d, %Y %H:%M", "%Y-%m-%d %H:%M:%S")
_FURNITURE = re.compile(r"(?i)pre-?header|footer|mcnFollow|mcnShare|mcnPreviewText|awesomebar")
_PREVIEW = re.compile(r"mcnPreviewText|mc_preview_text|mce-preview", re.IGNORECASE)
_WORDS = re.compile(
    r"(?:view|read|open) (?:this|it|the) .{0,30}in (?:your|a|the) browser|"
    r"you (?:are|were) receiv(?:ing|ed) this|our mailing address|add us to your address book|^copyright ©|\*\|[A-Z_]*(?:UNSUB|"
    r"ARCHIVE|LIST:ADDRESS|UPDATE_PROFILE|FORWARD)",
    re.IGNORECASE,
)
# Of paragraphs with a link: articles may speak of these.
_LINKED_WORDS = re.compile(
    r"unsubscribe|update (?:your|subscription) preferences", re.IGNORECASE
)
# Characters of a paragraph: a longer one is a text in which one of these words stands.
_MOST_OF_FURNITURE = 400
_MERGE_TAG = re.compile(r"\*\|[^|\n]{1,80}\|\*")
_LAYOUT = ("center", "font", "tbody", "thead", "tr", "table")
_BLOCKS = ("p", "div", "td", "li", "h1", "h2", "h3", "h4")


def _decoded(content: bytes) -> str:
    return foreign.without_controls(content.decode("utf-8-sig", "replace"))


def _csv_rows(content: bytes) -> list[Mapping[str, str]]:
    """Return the rows of a table by the names of its columns, in small letters."""
    # Of the whole process: lists of subscribers have shorter cells.
    usual = csv.field_size_limit(10_000_000)
    try:
        read = [*csv.DictReader(io.StringIO(_decoded(content), newline=""))]
    except csv.Error as error:
        raise model.ImportProblemError(f"a table in it can't be read: {error}") from None
    finally:
        csv.field_size_limit(usual)
    return [{str(k).strip().lower(): v or "" for k, v in row.items() if k} for row in read]


def _drop_furniture(body: HtmlElement, furniture: re.Pattern[str]) -> None:
    """Remove the elements that have such a class or id."""
    for one in [*body.iter()]:
        if _is_named(one, furniture):
            one.drop_tree()


def read_substack(files: model.ExportFiles, options: model.ExportWishes) -> model.Export:
    """Read posts.csv, and the text of each post from posts/ID.html."""
    kinds = {"newsletter", "podcast", *options.kinds}
    texts = {one.rpartition("/")[2]: one for one in files.below("posts", ".html")}
    rows = _csv_rows(files.read(files.named("posts.csv")))
    posts = (_substack_post(row, kinds, texts, files, options) for row in rows)
    sounds = sum(row.get("type") == "podcast" for row in rows)
    notes = (f"{sounds} of the type podcast, with their recordings",) if sounds else ()
    return model.Export(system="Substack", posts=tuple(posts), notes=notes, site=options.site)


def _substack_post(
    row: Mapping[str, str],
    kinds: set[str],
    texts: Mapping[str, str],
    files: model.ExportFiles,
    options: model.ExportWishes,
) -> model.ImportedPost:
    number, kind = row.get("post_id", ""), row.get("type", "")
    slug, name = number.partition(".")[2], texts.get(f"{number}.html")
    text = _decoded(files.read(name)) if name else ""
    reasons = {
        "is a draft": row.get("is_published", "").lower() != "true",
        "is for those who pay": row.get("audience") not in {"everyone", "only_free", ""},
        f"is a {kind} (--types {kind})": kind not in kinds,
        "": True,
    }
    reason = next(one for one, holds in reasons.items() if holds)
    body = model.parsed_fragment("" if model.why_unread(text) else text)
    _drop_furniture(body, _SUBSTACK_FURNITURE)
    entry = WebEntry(
        id=number,
        url=f"{options.site.rstrip('/')}/p/{slug}",
        title=foreign.plain_title(row.get("title", ""), is_html=True),
        html=inner_html(body),
        summary=row.get("subtitle", ""),
        published=foreign.iso_time(row.get("post_date", "")),
    )
    return model.ImportedPost(
        entry=entry,
        slug=slug,
        enclosure=row.get("podcast_url", ""),
        left_out=reason,
        unread=model.why_unread(text),
    )


def read_medium(files: model.ExportFiles, _options: model.ExportWishes) -> model.Export:
    """Read the pages in posts/, which are marked up with h-entry (microformats.org)."""
    names = files.below("posts", ".html")
    return model.Export(system="Medium", posts=tuple(_medium_post(one, files) for one in names))


def _medium_post(name: str, files: model.ExportFiles) -> model.ImportedPost:
    page, short = _decoded(files.read(name)), name.rpartition("/")[2]
    if reason := model.why_unread(page):
        return model.ImportedPost(entry=WebEntry(id=name, title=short), unread=reason)
    root = model.parsed_fragment(page)
    address = next((one.get("href") or "" for one in root.find_class("p-canonical")), "")
    time = next((one.get("datetime") or "" for one in root.find_class("dt-published")), "")
    title, body = _first_text(root, "p-name"), next(iter(root.find_class("e-content")), None)
    subtitle = _first_text(root, "p-summary")
    text = "" if body is None else _medium_text(body, title, subtitle)
    is_comment = body is not None and _is_comment(body, title)
    entry = WebEntry(
        id=name,
        url=foreign.web_address(address),
        title=foreign.plain_title(title),
        html=text,
        summary=html.escape(subtitle),
        published=foreign.iso_time(time),
        authors=tuple(
            WebAuthor(name=foreign.person_name(one.text_content()))
            for one in root.find_class("p-author")
        ),
        topics=tuple(one.text_content().strip() for one in root.find_class("p-tag")),
    )
    reason = "is a draft" if not address or short.startswith("draft_") else ""
    reason = reason or ("is a reply to a post" if is_comment else "")
    found = _MEDIUM_NAME.fullmatch(short)
    return model.ImportedPost(entry=entry, slug=found[1] if found else "", left_out=reason)


def _first_text(root: HtmlElement, name: str) -> str:
    return next((" ".join(one.text_content().split()) for one in root.find_class(name)), "")


def _is_comment(body: HtmlElement, title: str) -> bool:
    """Return whether a text begins with its title and has no heading, as replies are exported."""
    text = " ".join(body.text_content().split())
    has_heading = any(one.tag in _HEADINGS for one in body.iter())
    return bool(title) and not has_heading and text.startswith(title.rstrip("….").strip())


def _medium_text(body: HtmlElement, title: str, subtitle: str) -> str:
    """Return the text without title and subtitle, which are said elsewhere, and without the line above it."""
    for one in [*body.iter("hr", *_HEADINGS)]:
        is_said = one.tag == "hr" or " ".join(one.text_content().split()) in {title, subtitle}
        if is_said and not one.xpath("boolean(preceding::p or preceding::figure)"):
            one.drop_tree()
    for one in body.find_class("graf--mixtapeEmbed"):
        address = next((link.get("href") or "" for link in one.iter("a")), "")
        link = model.parsed_fragment(model.link_paragraph(address))
        link.tail = one.tail
        one.getparent().replace(one, link)
    return inner_html(body)


def read_buttondown(files: model.ExportFiles, options: model.ExportWishes) -> model.Export:
    """Read emails.json or emails.csv, and the text of each mail from emails/SLUG.md."""
    rows: list[Any]
    if name := files.named("emails.json"):
        try:
            rows = foreign.json_objects({"": foreign.json_value(files.read(name))}, "")
        except AnswerError as error:
            raise model.ImportProblemError(f"{name}: {error}") from None
    else:
        rows = [dict(row) for row in _csv_rows(files.read(files.named("emails.csv")))]
    texts = {
        one.rpartition("/")[2].removesuffix(".md"): one for one in files.below("emails", ".md")
    }
    posts = tuple(_buttondown_post(row, texts, files, options) for row in rows)
    return model.Export(system="Buttondown", posts=posts, site=options.site)


def _buttondown_post(
    row: foreign.JsonObject,
    texts: Mapping[str, str],
    files: model.ExportFiles,
    options: model.ExportWishes,
) -> model.ImportedPost:
    slug = foreign.json_text(row, "slug")
    name = texts.get(slug) or texts.get(foreign.json_text(row, "id"), "")
    text = foreign.json_text(row, "body") or (_decoded(files.read(name)) if name else "")
    status, kind = foreign.json_text(row, "status"), foreign.json_text(row, "email_type")
    date = foreign.json_text(row, "publish_date")
    reason = "" if status in _SENT and date else f"is a {status or 'draft'}"
    reason = reason or ("" if kind in _PUBLIC else f"is {kind}")
    unread = model.why_unread(text)
    is_html = "buttondown-editor-mode: fancy" in text[:200]
    text = re.sub(r"<!--.*?(?:-->|\Z)", "", text, flags=re.DOTALL).lstrip()
    entry = WebEntry(
        id=foreign.json_text(row, "id"),
        url=f"{options.site.rstrip('/')}/archive/{slug}/",
        title=foreign.plain_title(foreign.json_text(row, "subject")),
        html="" if unread else text if is_html else markdown_parser(Dialect.PLAIN).render(text),
        summary=foreign.json_text(row, "description"),
        published=foreign.iso_time(date),
        picture=foreign.web_address(foreign.json_text(row, "image")),
    )
    return model.ImportedPost(
        entry=entry,
        slug=slug,
        canonical=foreign.web_address(foreign.json_text(row, "canonical_url")),
        left_out=reason,
        unread=unread,
    )


def read_mailchimp(files: model.ExportFiles, _options: model.ExportWishes) -> model.Export:
    """Read the mails in campaigns_content/; campaigns.csv says when each was sent."""
    table = files.named("campaigns.csv")
    rows = _csv_rows(files.read(table)) if table else []
    sent = {
        _plain(row[key]): row for row in rows for key in ("title", "subject") if row.get(key)
    }
    names = files.below("campaigns_content", ".html", ".htm") or files.below(
        "campaigns", ".html"
    )
    posts = tuple(_campaign(one, _decoded(files.read(one)), sent) for one in names)
    return model.Export(system="Mailchimp", posts=posts)


def _plain(text: str) -> str:
    return "-".join(re.findall(r"\w+", text.casefold()))


def _campaign(
    name: str, page: str, sent: Mapping[str, Mapping[str, str]]
) -> model.ImportedPost:
    short = re.sub(r"^\d+[_-]", "", name.rpartition("/")[2].rpartition(".")[0])
    if reason := model.why_unread(page):
        return model.ImportedPost(entry=WebEntry(id=name, title=short), unread=reason)
    stated = re.search(r"<title[^<>]*>([^<]{0,500})</title", page, re.IGNORECASE)
    title = _MERGE_TAG.sub("", foreign.plain_title(stated[1] if stated else "", is_html=True))
    row = sent.get(_plain(title)) or sent.get(_plain(short), {})
    body = model.parsed_fragment(page)
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
    return model.ImportedPost(entry=entry, slug=_plain(short), left_out=reason)


def _send_date(text: str) -> datetime | None:
    for form in _SEND_DATES:
        with suppress(ValueError):
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
    return foreign.iso_time(text)


def _is_named(element: HtmlElement, names: re.Pattern[str]) -> bool:
    return bool(names.search(f"{element.get('class') or ''} {element.get('id') or ''}"))


def _letter(body: HtmlElement) -> str:
    """Return the text of a mail without the tables that place it, and without what belongs to a mail alone."""
    _drop_furniture(body, _FURNITURE)
    for one in [*body.iter()]:
        style = (one.get("style") or "").replace(" ", "").lower()
        if "display:none" in style or one.tag in {"style", "script", "title", "meta", "head"}:
            one.drop_tree()
    for one in [*body.iterdescendants(*_BLOCKS)]:
        text = " ".join(one.text_content().split())
        is_short = len(text) <= _MOST_OF_FURNITURE
        is_inner = next(one.iterdescendants(*_BLOCKS), None) is None
        has_link = next(one.iter("a"), None) is not None
        is_said = _WORDS.search(text) or (has_link and _LINKED_WORDS.search(text))
        if is_inner and is_short and is_said:
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
