"""One object that renders everything a publication shows, with its own templates first.

What a publication's own templates have a say in is made in a process apart. Knows no file but
templates and catalogues; the results are strings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, Literal, ParamSpec, TypeVar

from publisher.errors import RenderingError
from publisher.rendering import custom_templates, pages
from publisher.rendering.catalogues import has_catalogue
from publisher.rendering.environment import Templates
from publisher.rendering.model import (
    ArticleView,
    Digest,
    FeedContent,
    FeedLine,
    FeedTexts,
    HomeContent,
    IssueContent,
    LanguageLink,
    PublicationView,
    SystemMail,
)
from publisher.rendering.shipped import templates_folder

if TYPE_CHECKING:
    from publisher.rendering.sandbox.client import SandboxClient

# Goes up when this package makes other output of equal templates and content.
RENDERING_VERSION = 2

_TEMPLATE_SUFFIXES = frozenset({".html", ".txt", ".css", ".po"})

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Renderer:
    """Renders digests, pages, feed entries and the style of feeds.

    `templates` is the publication's own folder, which goes before the shipped one; it need
    not exist. Every method raises RenderingError, naming the template and line at fault. To be
    closed; what is forgotten ends with the program.
    """

    def __init__(self, templates: Path | None = None) -> None:
        self._own = (templates,) if templates is not None else ()
        self._shipped = Templates(None)
        self._workshop = _workshop(templates) if templates is not None else None

    def close(self) -> None:
        """End the process apart, if there is one."""
        if self._workshop is not None:
            self._workshop.close()

    def _make(
        self,
        function: Callable[Concatenate[Templates, _P], _T],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """Make something: here, unless there is anything in the publication's own folder."""
        look = (
            custom_templates.folder_state(self._own[0])
            if self._own
            else custom_templates.EMPTY_FOLDER
        )
        if self._workshop is None or not look:
            return function(self._shipped, *arguments, **named)
        return self._workshop.make(look, function, *arguments, **named)

    def digest(self, content: IssueContent) -> Digest:
        """Render an issue as a mail."""
        # premailer takes 0.2 seconds to import, and most commands render no mail.
        from publisher.rendering.digest import render_digest

        return self._make(render_digest, content)

    def system_mail(self, mail: SystemMail) -> Digest:
        """Render a mail about a subscription: it asks to confirm, welcomes or says goodbye."""
        from publisher.rendering.system_mail import render_system_mail

        return self._make(render_system_mail, mail)

    def issue_page(self, content: IssueContent, feeds: Sequence[FeedLine]) -> str:
        """Render an issue's copy on the web."""
        return self._make(pages.issue_page, content, feeds)

    def article_page(
        self, house: PublicationView, item: ArticleView, feeds: Sequence[FeedLine]
    ) -> str:
        """Render the page of one article."""
        return self._make(pages.article_page, house, item, feeds)

    def home_page(self, content: HomeContent, feeds: Sequence[FeedLine]) -> str:
        """Render a language's front page, or a newsletter's archive."""
        return self._make(pages.home_page, content, feeds)

    def chooser_page(
        self,
        house: PublicationView,
        links: Sequence[LanguageLink],
        feeds: Sequence[FeedLine] = (),
    ) -> str:
        """Render the page where a reader chooses a language."""
        return self._make(pages.chooser_page, house, links, feeds)

    def letter_page(
        self,
        house: PublicationView,
        kind: Literal["unsubscribe", "preferences"],
        sender_address: str,
        feeds: Sequence[FeedLine] = (),
    ) -> str:
        """Render the page that says how to leave, or to change, by writing to the sender."""
        return self._make(pages.letter_page, house, kind, sender_address, feeds)

    def feed_page(
        self, house: PublicationView, content: FeedContent, feeds: Sequence[FeedLine]
    ) -> str:
        """Render the page that says how to follow a feed."""
        return self._make(pages.feed_page, house, content, feeds)

    def feed_texts(self, item: ArticleView, house: PublicationView) -> FeedTexts:
        """Render what a feed carries for an item."""
        return self._make(pages.feed_texts, house, item)

    def feed_style(self, house: PublicationView) -> str:
        """Render the sheet (CSS) in which browsers show the raw feeds of a language."""
        return self._make(pages.feed_style, house)

    def has_catalogue(self, language: str) -> bool:
        """Say whether our strings exist in a language; where not, they are English."""
        return has_catalogue(language, self._own)

    def fingerprint(self) -> str:
        """Hash all that output depends on besides content: templates, catalogues, this code."""
        hashed = hashlib.sha256(f"rendering {RENDERING_VERSION}".encode())
        for folder in (*self._own, templates_folder()):
            for path in _sources(folder):
                name = path.relative_to(folder).as_posix()
                try:
                    hashed.update(f"\n{name}\n{path.stat().st_size}\n".encode())
                    hashed.update(_content(path))
                except OSError as error:
                    reason = error.strerror or error
                    raise RenderingError(f"templates/{name}: can't be read: {reason}") from None
        return hashed.hexdigest()


def _workshop(templates: Path) -> SandboxClient:
    # The process apart imports this package too, and reads no answers.
    from publisher.rendering.sandbox.client import SandboxClient

    return SandboxClient(templates)


def _sources(folder: Path) -> Iterator[Path]:
    found = (
        path
        for path in folder.rglob("*")
        if path.suffix in _TEMPLATE_SUFFIXES and path.is_file()
    )
    return iter(sorted(found))


def _content(path: Path) -> bytes:
    """Read what a template can hold at most: a larger file is none, whatever it holds."""
    with path.open("rb") as file:
        return file.read(custom_templates.MAX_TEMPLATE_BYTES + 1)
