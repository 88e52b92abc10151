"""The files that posts become, below a folder source: their names, front matter and text. Pure.

The translations of a story have one name, with the language before the ending. A text is Markdown where that
keeps all of it, else HTML: both are read as the source reads them, and compared.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import yaml
from markdownify import MarkdownConverter

from publisher.articles.model import ParsedArticle
from publisher.config.publication import Publication
from publisher.errors import ArticleError, LanguageError
from publisher.imports import model
from publisher.ingest.media.document_media import MediaLibrary
from publisher.ingest.parsers.document import SourceDocument, parse_document
from publisher.ingest.sites.base import NEVER_POSTS
from publisher.languages import normalise
from publisher.polling.foreign_pictures import inner_html, pictures_of, with_pictures
from publisher.polling.foreign_values import PICTURE_NAME, plain_title, web_address
from publisher.polling.identity import bare_link
from publisher.urls import story_slug

# Characters of a name that is made from a title, and of a title that is made from a text.
_MAX_NAME, _MAX_TITLE = 80, 80
# Names of files about a repository, which folder sources leave out.
_RESERVED = NEVER_POSTS | {"readme"}
# Elements that say the same, or that Markdown writes in another way.
_SAME = {"b": "strong", "i": "em", "strike": "del", "s": "del"}
_UNCOUNTED = frozenset({"p", "br", "span", "div", "section", "article", "center", "font"})
# That tell more than how something looks.
_ATTRIBUTES = frozenset(
    "href src alt title width height lang dir id colspan rowspan scope start type reversed datetime cite data".split()  # noqa: SIM905  # one a line would fill the page
)
# Markdown has no signs for them.
_INLINE = ("sup", "sub", "cite", "small", "u", "ins", "abbr", "kbd", "q", "mark")
_BLOCKS = ("table", "figure", "iframe", "video", "audio", "object", "embed", "details", "dl")
_MEDIA_TYPE = re.compile(r"[a-z]+/[\w.+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A post with the file that it becomes; `stem` is its name without ending, and `left_out` why it becomes none."""

    post: model.ImportedPost
    language: str = ""
    stem: str = ""
    name: str = ""
    words: int = 0
    left_out: str = ""
    content: bytes = b""

    @property
    def is_refused(self) -> bool:
        """Whether a post that is for everybody became no file, and none was there."""
        return bool(self.left_out) and not (self.post.left_out or self.name)

    @property
    def pictures(self) -> tuple[str, ...]:
        return pictures_of(self.post.entry, is_full=True)


def plan_files(
    export: model.Export, options: model.ExportWishes, publication: Publication, default: str
) -> list[PlannedFile]:
    """Return each post with its language, and with a name that no other one has; `default` is the folder's language."""
    planned = [_in_language(one, export, options, publication, default) for one in export.posts]
    leads: dict[str, str] = {}
    taken, members = set[str](), set[tuple[str, str]]()
    # The name of a story is that of its article in the folder's language.
    for place, one in sorted(enumerate(planned), key=lambda pair: pair[1].language != default):
        if one.left_out:
            continue
        story, member = one.post.story, (one.post.story, one.language)
        stem = leads.get(story, "") if story and member not in members else ""
        stem = stem or _free_name(one.post, taken)
        members.add(member)
        taken.add(stem)
        leads.setdefault(story, stem)
        name = stem if one.language == default else f"{stem}.{one.language}"
        planned[place] = replace(one, stem=name)
    return planned


def _in_language(
    post: model.ImportedPost,
    export: model.Export,
    options: model.ExportWishes,
    publication: Publication,
    default: str,
) -> PlannedFile:
    written = post.entry.language or export.language
    written = options.languages.get(written, written) or default
    try:
        tag = publication.serves(normalise(written))
    except LanguageError:
        tag = None
    reason = post.left_out or post.unread
    if not tag and not reason:
        has = ", ".join(publication.languages)
        reason = f"its language is {written}; the publication has {has} (--language-map)"
    return PlannedFile(post=post, language=tag or written, left_out=reason)


def _free_name(post: model.ImportedPost, taken: Collection[str]) -> str:
    name = story_slug((post.slug or post.entry.title)[:_MAX_NAME].removesuffix(".html"))
    if name in taken or name in _RESERVED:
        name = f"{name}-{story_slug(post.entry.id)}"
    free = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(one for one in free if one not in taken)


def with_content(
    planned: PlannedFile,
    export: model.Export,
    links: Mapping[str, str],
    place_of: Callable[[str], str],
    library: MediaLibrary,
    now: datetime,
) -> PlannedFile:
    """Return a file with its content, or with why it can't be read.

    `links` are names of files by addresses of their posts, and `place_of` says where a picture stands: empty for
    one that is left out.
    """
    entry = planned.post.entry
    base = entry.url or export.site
    html = _tidy(with_pictures(entry.html, base, place_of), base, links)
    head = _front_matter(planned, html, place_of, now)
    page = f"{head}<article>\n{html}\n</article>\n"
    try:
        shown = _read("page.html", page, library)
        # The second has a backslash before each sign that Markdown could take for one of its own.
        written = (f"{head}{_markdown(html, escapes=escapes)}\n" for escapes in (False, True))
        markdown = next((one for one in written if _is_same(shown, one, library)), "")
    except ArticleError as error:
        return replace(planned, left_out=str(error))
    ending, content = (".md", markdown) if markdown else (".html", page)
    return replace(
        planned,
        name=planned.stem + ending,
        content=content.encode("utf-8", "replace"),
        words=len(re.findall(r"[^\W_]+", shown.text)),
    )


def _read(name: str, content: str, library: MediaLibrary) -> ParsedArticle:
    document = SourceDocument(PurePosixPath(name), content.encode("utf-8", "replace"))
    return parse_document(document, library)


def _is_same(shown: ParsedArticle, markdown: str, library: MediaLibrary) -> bool:
    """Return whether a text says the same as Markdown: its letters, elements and links."""
    try:
        other = _read("page.md", markdown, library)
    except ArticleError:
        return False
    return _shape(shown) == _shape(other)


def _shape(article: ParsedArticle) -> tuple[str, Counter[str], list[str]]:
    body = model.parsed_fragment(article.html)
    tags = (
        str(one.tag) for one in body.iter() if one.tag != "code" or one.getparent().tag != "pre"
    )
    names = (_SAME.get(tag, tag) for tag in tags)
    counts = Counter(name for name in names if name not in _UNCOUNTED)
    places = [one.get("href") or one.get("src") or "" for one in body.iter("a", "img")]
    return re.sub(r"[\W_]+", "", article.text), counts, places


class _Markdown(MarkdownConverter):
    """Keeps what Markdown has no signs for as HTML, each element in one line."""

    def as_html(self, element: Any, _text: str, parent_tags: Collection[str]) -> str:
        line = re.sub(r"\s*\n\s*", "&#10;" if element.find("pre") else " ", str(element))
        is_inline = element.name in _INLINE or "_inline" in parent_tags
        return line if is_inline else f"\n\n{line}\n\n"


for _name in (*_INLINE, *_BLOCKS):
    setattr(_Markdown, f"convert_{_name}", _Markdown.as_html)


def _markdown(html: str, *, escapes: bool) -> str:
    converter = _Markdown(
        heading_style="atx",
        bullets="-",
        strip=["script", "style"],
        newline_style="backslash",
        escape_misc=escapes,
    )
    markdown: str = converter.convert(html)
    return markdown.strip("\n")


def _tidy(html: str, base: str, links: Mapping[str, str]) -> str:
    """Return HTML without what looks of a site; links lead to files where they led to posts.

    A link around a picture to its larger file is gone: it would lead to the former site.
    """
    body = model.parsed_fragment(html)
    for one in [*body.iter("a")]:
        written = (one.get("href") or "").strip()
        address = "" if written.startswith("#") else web_address(written, base)
        if one.find(".//img") is not None and PICTURE_NAME.search(written):
            one.drop_tag()
        elif address:
            place, _, part = address.partition("#")
            name = links.get(bare_link(place))
            one.set("href", f"{name}#{part}".rstrip("#") if name else address)
    for one in body.iter():
        for name in set(one.attrib) - _ATTRIBUTES:
            del one.attrib[name]
    return inner_html(body)


def file_links(planned: Sequence[PlannedFile]) -> dict[str, str]:
    """Return addresses of files by those of their posts, as links between documents are written."""
    return {
        bare_link(one.post.entry.url): _old_path(one.post.entry.url)
        for one in planned
        if one.stem and _old_path(one.post.entry.url)
    }


def _old_path(url: str) -> str:
    """Return the path at which a page stood; empty for one that no file can stand for, as `/?p=12`."""
    parts = urlsplit(url)
    return parts.path if parts.path.strip("/") and not parts.query else ""


def _front_matter(
    planned: PlannedFile, html: str, place_of: Callable[[str], str], now: datetime
) -> str:
    post, entry = planned.post, planned.post.entry
    published = entry.published
    values = {
        "title": entry.title or _title(html),
        "date": _moment(published),
        "updated": _moment(entry.updated) if entry.updated != published else None,
        "lang": planned.language,
        "authors": [
            {"name": one.name, "affiliation": one.affiliation}
            if one.affiliation
            else {"name": one.name}
            for one in entry.authors
        ],
        "summary": plain_title(entry.summary, is_html=True),
        "topics": [one.replace(",", " ") for one in entry.topics],
        "image": _image(post, place_of),
        "enclosure": _enclosure(post.enclosure, entry.url),
        "aliases": [path] if (path := _old_path(entry.url)) else [],
        "canonical_url": post.canonical,
        "archive": True if published is None or published <= now else None,
    }
    stated = {key: value for key, value in values.items() if value}
    lines = yaml.safe_dump(stated, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{lines}---\n\n"


def _title(html: str) -> str:
    text = " ".join(model.parsed_fragment(html).text_content().split())
    return plain_title(text, limit=_MAX_TITLE)


def _moment(time: datetime | None) -> str | None:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def _image(post: model.ImportedPost, place_of: Callable[[str], str]) -> dict[str, str] | None:
    place = place_of(post.entry.picture) if post.entry.picture else ""
    values = {"src": place, "alt": post.alt, "caption": post.caption}
    return {key: value for key, value in values.items() if value} if place else None


def _enclosure(written: str, base: str) -> str | None:
    """Return the three lines of WordPress as far as they can be read."""
    first, length, kind = (*written.split("\n"), "", "", "")[:3]
    address = web_address(first, base) if first.strip() else ""
    length, kind = length.strip(), kind.strip().lower()
    parts = (address, length if length.isdigit() else "0", kind)
    return "\n".join(parts[: 3 if _MEDIA_TYPE.fullmatch(kind) else 2]) if address else None
