"""The renderer: mails, web pages and feed entries of a publication, from its templates.

Where a publication has templates of its own, everything is rendered in the sandbox, a process apart.
Results are strings; the caller writes files.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

from publisher.errors import RenderingError, SandboxError
from publisher.languages import catalogues
from publisher.log import log
from publisher.rendering import environment, model, structured_data, template_files
from publisher.rendering.model import LanguageLink, PublicationView

if TYPE_CHECKING:
    from publisher.articles.model import Picture
    from publisher.rendering.announcement import AnnouncementContent
    from publisher.rendering.sandbox.client import SandboxClient

RENDERING_VERSION = 6  # goes up when equal templates and content give other output

_MAX_FAULTS = 100  # That are named. More would tell nobody more.

_TEMPLATE_SUFFIXES = (".html", ".txt", ".css", ".js", ".po")
_LINE_BREAKS = re.compile("[ \t\r\n\f\v\u0085\u2028\u2029]+")

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Renderer:
    """Renders digests, system mails, pages, feed entries and the style of feeds.

    `templates` is the publication's own folder, which need not exist; its templates replace shipped ones of the same
    name. If one of them fails, a page or an entry is made by the shipped ones, and `take_faults` tells why; a mail is
    not made. In place of a catalogue that can't be read stands the shipped one, in mails too. Methods raise
    RenderingError with the template and line. Call `close` to end the sandbox; otherwise it ends with the program.
    """

    def __init__(self, templates: Path | None = None) -> None:
        # An ordered set: each fault is named once, for however many pages.
        self._faults: dict[str, None] = {}
        self._folders = (templates,) if templates is not None else ()
        self._shipped = environment.Templates(None)
        self._sandbox = _sandbox(templates) if templates is not None else None

    def close(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()

    def _call(
        self,
        function: Callable[Concatenate[environment.Templates, _P], _T],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """Call a function with the templates: in the sandbox if the folder holds anything."""
        state = self._own_state()
        if self._sandbox is None or not state:
            return function(self._shipped, *arguments, **named)
        return self._sandbox.call(state, function, *arguments, **named)

    def _own_state(self) -> template_files.FolderState:
        own = self._folders[:1]
        return template_files.folder_state(*own) if own else template_files.EMPTY_FOLDER

    def _shown(
        self,
        function: Callable[Concatenate[environment.Templates, _P], _T],
        *arguments: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """Call a function for a page or an entry: with the shipped templates if own ones fail."""
        try:
            return self._call(function, *arguments, **named)
        except SandboxError:
            # A page made without its template would count as written, and stay when the machine is less busy.
            raise
        except RenderingError as error:
            try:
                made = function(self._shipped, *arguments, **named)
            except RenderingError:
                raise error from None
            self._note(f"{error}; {environment.FALLS_BACK}")
            return made

    def _note(self, fault: str) -> None:
        if fault not in self._faults and len(self._faults) < _MAX_FAULTS:
            log.error("a template of the publication's own can't be used", reason=fault)
            self._faults[fault] = None

    def note_faults(self) -> None:
        """Look for what is wrong with own templates of pages and with catalogues, for `take_faults`."""
        for fault in self._call(environment.Templates.faults):
            self._note(fault)

    @property
    def has_own_templates(self) -> bool:
        return bool(self._own_state())

    def take_faults(self) -> list[str]:
        """Return why own templates and catalogues were not used since the last call."""
        found, self._faults = [*self._faults], {}
        return found

    def digest(self, content: model.IssueContent) -> model.Digest:
        # premailer takes 0.2 seconds to import, and most commands render no mail.
        from publisher.rendering.digest import render_digest

        return self._call(render_digest, self._with_cadence(content))

    def system_mail(self, mail: model.SystemMail) -> model.Digest:
        """Render a mail about a subscription: to confirm it, a welcome or a goodbye."""
        from publisher.rendering.digest import render_system_mail

        return self._call(render_system_mail, mail)

    def issue_page(self, content: model.IssueContent) -> str:
        """Render an issue's copy on the web: the stories of the mail in its order, at its lengths.

        It recommends nothing: an article that is withdrawn later would stay recommended here.
        """
        from publisher.rendering.digest_stories import page_layout

        items = tuple(replace(item, related=()) for item in content.items)
        content = self._with_cadence(replace(content, items=items))
        layout = page_layout(content) if items else None
        shown = [layout.lead.item, *items] if layout else []
        picture = next((item.article.picture for item in shown if item.article.picture), None)
        return self._site_page(
            "web/issue.html",
            content.publication,
            content.web_url,
            content.sisters,
            picture=picture,
            data=structured_data.issue_data(content, picture),
            issue=content,
            digest=layout,
        )

    def announcement(self, content: AnnouncementContent) -> model.Digest:
        from publisher.rendering.announcement import render_announcement

        return self._call(render_announcement, content)

    def announcement_page(self, content: AnnouncementContent) -> str:
        from publisher.rendering.announcement import render_announcement_page

        return self._shown(render_announcement_page, content)

    def test_mark(self, publication: PublicationView) -> str:
        """Return the word that marks the subject of a test mail."""
        return _line(self._page("email/test.txt", publication))

    def _with_cadence(self, content: model.IssueContent) -> model.IssueContent:
        """Return the content of a digest with the cadence in the newsletter's title."""
        if not content.cadence:
            return content
        title = self._page("email/digest/title.txt", content.publication, issue=content)
        return replace(content, title=_line(title))

    def article_page(self, publication: PublicationView, item: model.ArticleView) -> str:
        return self._site_page(
            "web/article.html",
            publication,
            item.url,
            item.translations,
            picture=item.article.picture,
            data=structured_data.article_data(publication, item),
            item=item,
        )

    def home_page(self, content: model.HomeContent) -> str:
        publication = content.publication
        is_front = content.url == f"{publication.url}/{publication.language}/"
        pictures = (item.article.picture for item in content.articles)
        return self._site_page(
            "web/home.html",
            publication,
            content.url,
            content.sisters,
            picture=next(filter(None, pictures), None),
            data=structured_data.home_data(content, is_front_page=is_front),
            home=content,
        )

    def archive_page(self, publication: PublicationView, content: model.ArchiveContent) -> str:
        """Render a list of articles: of a month, section, topic or author, of all of these; or the search."""
        name = "web/search.html" if content.kind == "search" else "web/archive.html"
        data = structured_data.list_data(publication, content)
        return self._site_page(
            name, publication, content.url, content.sisters, data=data, archive=content
        )

    def search_script(self, publication: PublicationView) -> str:
        """Render the script of the search, which is the same in all languages."""
        return self._page("web/search.js", publication)

    def chooser_page(self, publication: PublicationView, links: Sequence[LanguageLink]) -> str:
        """Render the page at the root, where a visitor chooses a language."""
        data = structured_data.site_data(publication)
        return self._site_page(
            "web/chooser.html", publication, f"{publication.url}/", data=data, links=links
        )

    def missing_page(
        self, publication: PublicationView, links: Sequence[LanguageLink] = ()
    ) -> str:
        """Render what servers answer where nothing is; `links` are front pages in other languages."""
        return self._site_page("web/missing.html", publication, links=links)

    def letter_page(
        self,
        publication: PublicationView,
        kind: Literal["subscribe", "unsubscribe", "preferences"],
        sender_address: str,
    ) -> str:
        """Render the page on subscribing, leaving or changing preferences by writing to the sender."""
        return self._site_page("web/letter.html", publication, kind=kind, sender=sender_address)

    def moved_page(self, publication: PublicationView, url: str) -> str:
        """Render what stands at a former address: it sends browsers to the present one at `url`."""
        return self._page("web/moved.html", publication, url=url)

    def subscriber_page(self, name: str, publication: PublicationView, **values: Any) -> str:
        """Render a page or style sheet below `web/subscriber`, which `publisher web` serves."""
        return self._page(name, publication, **values)

    def feed_page(self, publication: PublicationView, content: model.FeedContent) -> str:
        return self._site_page(
            "web/feed.html", publication, content.url, content.sisters, feed=content
        )

    def feed_texts(
        self, item: model.ArticleView, publication: PublicationView, *, full: bool = True
    ) -> model.FeedTexts:
        """Render the texts of a feed's entry; every URL in its HTML is absolute. Only a `full` one has HTML."""
        names = ("feed/title.txt", "feed/summary.txt", *(("feed/entry.html",) if full else ()))
        values = {"item": item, "publication": publication}
        title, summary, *content = self._shown(
            environment.Templates.render_each, names, publication.language, values
        )
        return model.FeedTexts(
            title=_line(title), summary=_line(summary), content_html="".join(content).strip()
        )

    def withdrawn_texts(self, publication: PublicationView) -> model.FeedTexts:
        """Render what stands in feeds in place of a withdrawn article."""
        title = self._page("feed/withdrawn.txt", publication)
        content = self._page("feed/withdrawn.html", publication)
        return model.FeedTexts(title=_line(title), summary="", content_html=content.strip())

    def withdrawn_page(self, publication: PublicationView) -> str:
        return self._site_page("web/withdrawn.html", replace(publication, feeds=()))

    def issue_texts(self, content: model.IssueContent) -> model.FeedTexts:
        title = self._page("feed/issue.txt", content.publication, issue=content)
        html = self._page("feed/issue.html", content.publication, issue=content)
        summary = " · ".join(item.article.title for item in content.items) or content.preheader
        return model.FeedTexts(title=_line(title), summary=summary, content_html=html.strip())

    def feed_name(self, publication: PublicationView, newsletter: str) -> str:
        """Return the title of the feed of a newsletter's issues, or of recordings if it is empty."""
        return _line(self._page("feed/name.txt", publication, newsletter=newsletter))

    def feed_note(
        self, publication: PublicationView, page_url: str, lines: Sequence[model.FeedNoteLine]
    ) -> str:
        """Render what a browser shows of a raw feed; `page_url` is the page on how to follow it."""
        return self._page("feed/note.html", publication, page_url=page_url, lines=lines).strip()

    def feed_style(self, publication: PublicationView) -> str:
        """Render the sheet (CSS) in which browsers show the raw feeds of a language."""
        return self._page("feed/style.css", publication)

    def shortcode(self, name: str, language: str, values: Mapping[str, Any]) -> str:
        """Render what a template of the publication's shows for a shortcode of a site."""
        return self._call(environment.render_shortcode, name, language, values)

    def _site_page(
        self,
        name: str,
        publication: PublicationView,
        url: str | None = None,
        sisters: Sequence[LanguageLink] = (),
        picture: Picture | None = None,
        data: Mapping[str, Any] | None = None,
        **values: Any,
    ) -> str:
        """Render a page of the site; `sisters` are the same page in other languages."""
        head = structured_data.page_head(publication, url, sisters, picture, data)
        values |= {"feeds": publication.feeds, "url": url, "sisters": sisters, "head": head}
        return self._page(name, publication, **values)

    def _page(self, name: str, publication: PublicationView, **values: Any) -> str:
        values["publication"] = publication
        # What people agree to is kept as proof: it is the publication's own, or none.
        is_page = (
            name.startswith(environment.PAGE_FOLDERS) and name != "web/subscriber/consent.txt"
        )
        call = self._shown if is_page else self._call
        return call(environment.Templates.render, name, publication.language, values)

    def has_catalogue(self, language: str) -> bool:
        """Return whether the program's own words are translated; if not, they are English."""
        return catalogues.has_catalogue(language, self._folders)

    def fingerprint(self) -> str:
        return templates_fingerprint(*self._folders)


def templates_fingerprint(*folders: Path) -> str:
    """Return a hash of what output depends on besides content: templates, catalogues, code."""
    hashed = hashlib.sha256(f"rendering {RENDERING_VERSION}".encode())
    hashed.update(_shipped_hash(catalogues.shipped_templates_folder()))
    for folder in folders:
        _add_folder(hashed, folder)
    return hashed.hexdigest()


def _sandbox(templates: Path) -> SandboxClient:
    # The sandbox's own process imports this module too, and needs no client.
    from publisher.rendering.sandbox.client import SandboxClient

    return SandboxClient(templates)


def _line(text: str) -> str:
    """Write a text on one line; no-break and ideographic spaces stay."""
    return _LINE_BREAKS.sub(" ", text).strip(" ")


def _add_folder(hashed: hashlib._Hash, folder: Path) -> None:
    """Hash the templates and catalogues below a folder. Raises RenderingError."""
    for name in _sources(folder):
        path = folder / name
        try:
            hashed.update(f"\n{name}\n{path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                # As much as a template may have: a larger file is refused whatever it holds.
                hashed.update(file.read(template_files.MAX_TEMPLATE_BYTES + 1))
        except OSError as error:
            reason = error.strerror or error
            raise RenderingError(f"templates/{name}: can't be read: {reason}") from None


@cache
def _shipped_hash(folder: Path) -> bytes:
    """Return a hash of the program's own templates, which change with the program alone."""
    hashed = hashlib.sha256()
    _add_folder(hashed, folder)
    return hashed.digest()


def _sources(folder: Path) -> list[str]:
    """Return the names below a folder of what subscribers' output depends on: nothing of the shipped console."""
    is_shipped = folder == catalogues.shipped_templates_folder()
    found = []
    for place, folders, files in os.walk(folder):
        if is_shipped and "console" in folders:
            folders.remove("console")
        below = place[len(str(folder)) + 1 :]
        names = (f"{below}/{name}" if below else name for name in files)
        found += [name for name in names if name.endswith(_TEMPLATE_SUFFIXES)]
    return sorted(found, key=lambda name: name.split("/"))
