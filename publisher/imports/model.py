"""What an export holds, whatever its format: posts as values, and what is to be said of the rest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from lxml import html as lxml_html

from publisher.errors import PublisherError
from publisher.polling.foreign_values import harmless_tags
from publisher.polling.model import WebEntry

# Bytes of a file, and of all that is read of an export. Sites of ten years have exports of 100 MB.
MAX_EXPORT_BYTES = 500_000_000
_MAX_TEXT = 5_000_000  # bytes of one text that is parsed as HTML


class ImportProblemError(PublisherError):
    """A file that is no export that is read, or one that is too large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPost:
    """One post. Its entry has the text as HTML; the picture is the one that stands for it.

    Posts with the same `story` are translations of each other. `left_out` says why it is not for everybody, and
    `unread` why it can't be read.
    """

    entry: WebEntry
    slug: str = ""
    story: str = ""
    alt: str = ""
    caption: str = ""
    # The address of a recording; behind it, each in a line, its length and media type if they are known.
    enclosure: str = ""
    canonical: str = ""  # the first of several copies, on another site
    left_out: str = ""
    unread: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What a file holds. `site` is where its site stood, `language` that of posts that state none.

    `picture` returns the one with an address, if the export has it.
    """

    system: str
    posts: tuple[ImportedPost, ...] = ()
    notes: tuple[str, ...] = ()
    site: str = ""
    language: str = ""
    picture: Callable[[str], bytes | None] = lambda _address: None


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """Names of files with `/` between folders, and what reads one. `read` raises ImportProblemError."""

    names: tuple[str, ...]
    read: Callable[[str], bytes]

    def below(self, folder: str, *endings: str) -> list[str]:
        """Return the names of files in a folder, wherever that is, with one of these endings."""
        return sorted(
            one
            for one in self.names
            if f"/{folder}/" in f"/{one}" and one.lower().endswith(endings)
        )

    def named(self, name: str) -> str:
        """Return the whole name of a file; empty if there is none, or are several."""
        found = [one for one in self.names if one.rpartition("/")[2] == name]
        return found[0] if len(found) == 1 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportWishes:
    """What somebody wants of an export.

    `into` is the folder below that of the publication, empty for that of its only source; `kinds` are further types
    of posts, such as `page`; `languages` are tags by what the export writes; `site` is where the site stood.
    """

    into: str = ""
    kinds: frozenset[str] = frozenset()
    languages: Mapping[str, str] = field(default_factory=dict)
    site: str = ""
    pictures: Literal["copy", "link", "none"] = "copy"
    is_dry_run: bool = False


def why_unread(html: str) -> str:
    """Return why no parser should read a text; empty for one that it may read."""
    is_long = len(html) > _MAX_TEXT
    return f"its text is longer than {_MAX_TEXT:,} characters" if is_long else ""


def parsed_fragment(html: str) -> lxml_html.HtmlElement:
    """Return HTML in a `div`, without comments."""
    parser = lxml_html.HTMLParser(remove_comments=True, remove_pis=True, encoding="utf-8")
    return lxml_html.fragment_fromstring(
        harmless_tags(html).encode("utf-8", "replace"), create_parent="div", parser=parser
    )


def figure_html(address: str, alt: str = "", caption: str = "") -> str:
    """Return a picture with its caption, which is plain text."""
    below = f"<figcaption>{escape(caption, quote=False)}</figcaption>" if caption else ""
    return f'<figure><img src="{escape(address)}" alt="{escape(alt)}">{below}</figure>'


def link_paragraph(address: str) -> str:
    """Return a paragraph with a link that shows its address."""
    return f'<p><a href="{escape(address)}">{escape(address, quote=False)}</a></p>'
