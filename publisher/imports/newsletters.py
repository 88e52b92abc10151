"""The exports of Substack and Medium: files of texts in a zip file, or a folder.

Lists of subscribers that are in them are not read.
"""

import csv
import html
import io
import re
from collections.abc import Iterator, Mapping

from lxml.html import HtmlElement

from publisher.imports.archive import ExportFiles
from publisher.imports.model import (
    Export,
    ExportWishes,
    ImportedPost,
    ImportProblemError,
    inner_html,
    link_paragraph,
    parsed_fragment,
    why_unread,
)
from publisher.polling import foreign_values as foreign
from publisher.polling.model import WebAuthor, WebEntry

# Buttons and forms of Substack.
_SUBSTACK_FURNITURE = re.compile(
    r"button-wrapper|subscription-widget|subscribe-widget|paywall-jump"
)
_MEDIUM_NAME = re.compile(r"(?:\d{4}-\d{2}-\d{2}_)?(.*?)-*(?:[0-9a-f]{10,12})?\.html")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})


def decoded(content: bytes) -> str:
    return foreign.without_controls(content.decode("utf-8-sig", "replace"))


def csv_rows(content: bytes) -> Iterator[Mapping[str, str]]:
    """Yield the rows of a table by the names of its columns, in small letters."""
    csv.field_size_limit(10_000_000)
    try:
        for row in csv.DictReader(io.StringIO(decoded(content), newline="")):
            yield {str(key).strip().lower(): value or "" for key, value in row.items() if key}
    except csv.Error as error:
        raise ImportProblemError(f"a table in it can't be read: {error}") from None


def drop_furniture(body: HtmlElement, furniture: re.Pattern[str]) -> None:
    """Remove the elements that have such a class or id."""
    for one in [*body.iter()]:
        if furniture.search(f"{one.get('class') or ''} {one.get('id') or ''}"):
            one.drop_tree()


def read_substack(files: ExportFiles, options: ExportWishes) -> Export:
    """Read posts.csv, and the text of each post from posts/ID.html."""
    kinds = {"newsletter", "podcast", *options.kinds}
    texts = {one.rpartition("/")[2]: one for one in files.below("posts", ".html")}
    rows = [*csv_rows(files.read(files.named("posts.csv")))]
    posts = (_substack_post(row, kinds, texts, files, options) for row in rows)
    sounds = sum(row.get("type") == "podcast" for row in rows)
    notes = (f"{sounds} of the type podcast, with their recordings",) if sounds else ()
    return Export(system="Substack", posts=tuple(posts), notes=notes, site=options.site)


def _substack_post(
    row: Mapping[str, str],
    kinds: set[str],
    texts: Mapping[str, str],
    files: ExportFiles,
    options: ExportWishes,
) -> ImportedPost:
    number, kind = row.get("post_id", ""), row.get("type", "")
    slug, name = number.partition(".")[2], texts.get(f"{number}.html")
    text = decoded(files.read(name)) if name else ""
    reasons = {
        "is a draft": row.get("is_published", "").lower() != "true",
        "is for those who pay": row.get("audience") not in {"everyone", "only_free", ""},
        f"is a {kind} (--types {kind})": kind not in kinds,
        why_unread(text): True,
    }
    reason = next(one for one, holds in reasons.items() if holds)
    body = parsed_fragment("" if reason else text)
    drop_furniture(body, _SUBSTACK_FURNITURE)
    entry = WebEntry(
        id=number,
        url=f"{options.site.rstrip('/')}/p/{slug}",
        title=foreign.plain_title(row.get("title", ""), is_html=True),
        html=inner_html(body),
        summary=row.get("subtitle", ""),
        published=foreign.iso_time(row.get("post_date", "")),
    )
    return ImportedPost(
        entry=entry, slug=slug, enclosure=row.get("podcast_url", ""), left_out=reason
    )


def read_medium(files: ExportFiles, _options: ExportWishes) -> Export:
    """Read the pages in posts/, which are marked up with h-entry (microformats.org)."""
    names = files.below("posts", ".html")
    return Export(system="Medium", posts=tuple(_medium_post(one, files) for one in names))


def _medium_post(name: str, files: ExportFiles) -> ImportedPost:
    page, short = decoded(files.read(name)), name.rpartition("/")[2]
    if reason := why_unread(page):
        return ImportedPost(entry=WebEntry(id=name, title=short), left_out=reason)
    root = parsed_fragment(page)
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
    return ImportedPost(entry=entry, slug=found[1] if found else "", left_out=reason)


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
        link = parsed_fragment(link_paragraph(address))
        link.tail = one.tail
        one.getparent().replace(one, link)
    return inner_html(body)
