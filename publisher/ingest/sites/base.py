"""The interface of a site: what a file is by its name, and what its front matter means.

A site knows names and its own configuration. It reads no documents and no database, so asking it
about every file at every cycle costs little.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

from publisher.articles.model import ParsedArticle
from publisher.ingest.parsers import Dialect, SiteValues
from publisher.ingest.parsers.front_matter import YamlValue


class LeftOutReason(StrEnum):
    """Why a file is no article, although nothing is wrong with it."""

    HIDDEN = "hidden"
    FOLDER = "folder"
    README = "readme"
    ENDING = "unknown ending"
    UNWATCHED = "unwatched"
    EXCLUDED = "excluded"
    PAGE = "page"
    LIST = "list"
    TEMPLATE = "template"
    DRAFT = "draft"
    UNLISTED = "unlisted"
    EXPIRED = "expired"
    SCHEDULED = "scheduled"
    UNTRANSLATED = "untranslated"

    @property
    def is_on_site(self) -> bool:
        """Whether a file that is left out by its name may be a page of the site."""
        return self in {self.PAGE, self.LIST, self.README, self.EXCLUDED}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is no article; `group` says which of its kind it belongs to, such as `docs`."""

    reason: LeftOutReason
    group: str = ""


class LeftOutError(Exception):
    """The front matter of a document says that it is no article now."""

    def __init__(self, reason: LeftOutReason, group: str = "", title: str = "") -> None:
        super().__init__(reason)
        self.left_out = LeftOut(reason, group)
        self.title = title


class PageKind(StrEnum):
    """What a document is by its name: an article, one if it has a date, or a page of the site."""

    POST = "post"
    DATED = "dated"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class SitePage:
    """A document that may be an article, as far as its name says.

    `path` is relative to the source folder. `language` is a tag, None if the document or the
    source has to say it; `story` the story's key, None if it follows from permalink or path.
    `date` is the one in its name, `title` that of a document without any. `group` is the section, for counting what is left out. A relative
    picture that is not beside the document may be in one of the folders `beside`.
    """

    path: PurePosixPath
    language: str | None = None
    story: str | None = None
    date: date | None = None
    dialect: Dialect = Dialect.PLAIN
    kind: PageKind = PageKind.POST
    group: str = ""
    title: str = ""
    beside: tuple[PurePosixPath, ...] = ()


class Site(Protocol):
    """A folder as its generator reads it."""

    @property
    def generator(self) -> str:
        """The name of the generator, as in the setting `site`."""
        ...

    @property
    def title(self) -> str:
        """The site's title; empty if it is not known."""
        ...

    @property
    def language(self) -> str:
        """The language of what states none."""
        ...

    @property
    def declared(self) -> tuple[str, ...]:
        """The languages that the site's configuration lists."""
        ...

    @property
    def timezone(self) -> str:
        """The zone of dates without one, as the site states it; empty if it states none."""
        ...

    @property
    def url(self) -> str:
        """The address at which the site stands today, without a slash; empty if unknown.

        Permalinks and aliases are paths below it.
        """
        ...

    @property
    def static(self) -> tuple[PurePosixPath, ...]:
        """The folders whose files stand at the root of the site."""
        ...

    @property
    def generated(self) -> tuple[str, ...]:
        """Patterns of the addresses of pages that no file stands for: feeds, lists by tag.

        In the form of `publisher.ingest.sites.patterns`; `**` if nobody can tell.
        """
        ...

    def looks_into(self, folder: PurePosixPath) -> bool:
        """Return whether a folder may have articles, pictures or attachments."""
        ...

    def classify(self, path: PurePosixPath) -> SitePage | LeftOut:
        """Return what a file is, by its name."""
        ...

    def describe(self, page: SitePage, fields: Mapping[str, YamlValue]) -> ParsedArticle:
        """Return the article without a body that front matter describes.

        Language, key, date and permalink are those that the generator would say. Raises
        ArticleError for a value that can't be read, LeftOutError for a document that is held back.
        """
        ...

    def values(self, page: SitePage) -> SiteValues:
        """Return what templates in a document may show of the site."""
        ...


# Groups of files that are left out, per source; and characters of the name of one.
_MAX_GROUPS, _MAX_GROUP = 100, 60


def left_out_as_text(left_out: Mapping[LeftOut, int]) -> str:
    """Return what is left out as it is stored: the most frequent reasons and groups."""
    most = sorted(left_out.items(), key=lambda pair: (-pair[1], pair[0].reason, pair[0].group))
    rows = [(one.reason, one.group[:_MAX_GROUP], number) for one, number in most[:_MAX_GROUPS]]
    return json.dumps(rows) if rows else ""
