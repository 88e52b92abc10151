"""One object that renders everything a publication shows, with its own templates first.

Knows no file but templates and catalogues; the results are strings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from publisher.rendering import pages
from publisher.rendering.catalogues import has_catalogue
from publisher.rendering.environment import Templates
from publisher.rendering.model import (
    Digest,
    FeedContent,
    FeedLine,
    FeedTexts,
    HomeContent,
    House,
    IssueContent,
    Item,
    LanguageLink,
)
from publisher.rendering.shipped import templates_folder

# Goes up when this package makes other output of equal templates and content.
RENDERING_VERSION = 1

SOURCES = frozenset({".html", ".txt", ".css", ".po"})


class Renderer:
    """Renders digests, pages, feed entries and the style of feeds.

    `templates` is the publication's own folder, which goes before the shipped one; it need
    not exist. Every method raises RenderingError, naming the template and line at fault.
    """

    def __init__(self, templates: Path | None = None) -> None:
        self._templates = Templates(templates)

    def digest(self, content: IssueContent) -> Digest:
        """Render an issue as a mail."""
        # premailer takes a fifth of a second to load, and most commands send nothing.
        from publisher.rendering.digest import compose

        return compose(self._templates, content)

    def issue_page(self, content: IssueContent, feeds: Sequence[FeedLine]) -> str:
        """Render an issue's copy on the web."""
        return pages.issue(self._templates, content, feeds)

    def article_page(self, house: House, item: Item, feeds: Sequence[FeedLine]) -> str:
        """Render the page of one article."""
        return pages.article(self._templates, house, item, feeds)

    def home_page(self, content: HomeContent, feeds: Sequence[FeedLine]) -> str:
        """Render a language's front page, or a newsletter's archive."""
        return pages.home(self._templates, content, feeds)

    def chooser_page(
        self, house: House, links: Sequence[LanguageLink], feeds: Sequence[FeedLine] = ()
    ) -> str:
        """Render the page where a reader chooses a language."""
        return pages.chooser(self._templates, house, links, feeds)

    def letter_page(
        self,
        house: House,
        kind: Literal["unsubscribe", "preferences"],
        sender_address: str,
        feeds: Sequence[FeedLine] = (),
    ) -> str:
        """Render the page that says how to leave, or to change, by writing to the sender."""
        return pages.letter(self._templates, house, kind, sender_address, feeds)

    def feed_page(self, house: House, content: FeedContent, feeds: Sequence[FeedLine]) -> str:
        """Render the page that says how to follow a feed."""
        return pages.feed(self._templates, house, content, feeds)

    def feed_texts(self, item: Item, house: House) -> FeedTexts:
        """Render what a feed carries for an item."""
        return pages.feed_texts(self._templates, house, item)

    def feed_style(self, house: House) -> str:
        """Render the sheet (CSS) in which browsers show the raw feeds of a language."""
        return pages.feed_style(self._templates, house)

    def has_catalogue(self, language: str) -> bool:
        """Say whether our strings exist in a language; where not, they are English."""
        return has_catalogue(language, self._templates.own)

    def fingerprint(self) -> str:
        """Hash all that output depends on besides content: templates, catalogues, this code."""
        hashed = hashlib.sha256(f"rendering {RENDERING_VERSION}".encode())
        for folder in (*self._templates.own, templates_folder()):
            for path in _sources(folder):
                name = path.relative_to(folder).as_posix()
                hashed.update(f"\n{name}\n{path.stat().st_size}\n".encode())
                hashed.update(path.read_bytes())
        return hashed.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    found = (path for path in folder.rglob("*") if path.suffix in SOURCES and path.is_file())
    return iter(sorted(found))
