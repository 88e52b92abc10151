"""The tables [[source]]: the settings of each kind of source, and the list of kinds."""

import difflib
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from publisher.config.values import (
    ConfigTable,
    Duration,
    FetchedAddress,
    IntranetRange,
    Kind,
    LanguageTag,
    SettingProblem,
    WebAddress,
    wrong,
)
from publisher.i18n.article_problems import PROBLEM_TEXTS, ProblemAction, ProblemKind

# A document without an article, and a list that is full, are no choice.
_SETTABLE_KINDS = [
    kind.value
    for kind in ProblemKind
    if kind not in {ProblemKind.NO_ARTICLE, ProblemKind.MORE_PROBLEMS}
]


def _kinds(values: object) -> object:
    for key in values if isinstance(values, dict) else ():
        if key not in _SETTABLE_KINDS:
            close = difflib.get_close_matches(str(key), _SETTABLE_KINDS, 1)
            remedy = f"did you mean {close[0]}?" if close else ", ".join(_SETTABLE_KINDS)
            raise ValueError(f"{key!r} is no kind of problem that can be set; {remedy}")
    return values


ProblemActions = Annotated[dict[ProblemKind, ProblemAction], BeforeValidator(_kinds)]

FirstImport = Literal["auto", "archive", "news"]


class SourceSettings(ConfigTable):
    """What the tables [[source]] of all kinds have; each kind adds its own keys."""

    kind: str
    # Under this name the source's articles are stored. Sources must have different names.
    name: str = Field(min_length=1)
    language: LanguageTag | None = None  # the language of articles that state none
    # Whether issues carry what is there at the first import. "auto": not what a site has published.
    first_import: FirstImport = "auto"
    # Whether pages that lead to the articles stand at the addresses that the site had.
    addresses: Literal["keep", "new"] = "keep"
    problem_actions: ProblemActions = Field(default_factory=dict, alias="problems")
    # Of the places of an issue (`max_articles`), how many this source may fill.
    max_share: float = Field(default=1, gt=0, le=1)

    # Keys that change nothing of what a document or an entry is read as.
    unread: ClassVar[frozenset[str]] = frozenset({"max_share"})

    def action_of(self, kind: ProblemKind) -> ProblemAction:
        return self.problem_actions.get(kind, PROBLEM_TEXTS[kind].action)

    @property
    def place(self) -> str:
        """Where it looks, as the settings say it; kinds override it."""
        return ""

    def problems(  # kinds override it
        self,
        root: Path,  # noqa: ARG002
        outputs: Sequence[Path],  # noqa: ARG002
    ) -> Iterator[SettingProblem]:
        """Yield what does not fit the publication in folder `root`, which writes to `outputs`."""
        yield from ()

    def seen_from_elsewhere(self, root: Path) -> Self:  # noqa: ARG002  # kinds override it
        """Return settings for the same source that do not depend on the publication's folder."""
        return self


SiteGenerator = Literal[
    "auto", "plain", "jekyll", "hugo", "docusaurus", "eleventy", "vitepress"
]


def _shortcode_rule(value: str) -> str:
    parts = value.split("/")
    if value in {"keep", "drop"} or (value.endswith(".html") and not {"", ".."} & {*parts}):
        return value
    remedy = 'write "keep", "drop", or a template below templates/, like "box.html"'
    problem = f"{value!r} is nothing that can become of a shortcode; {remedy}"
    raise PydanticCustomError("shortcode", "{problem}", {"problem": problem})


ShortcodeSetting = Annotated[str, AfterValidator(_shortcode_rule)]


class FolderSourceSettings(SourceSettings):
    """A folder with files, named by its path unless it has a name."""

    path: str = Field(min_length=1)
    # Whose rules say which files are articles. "auto" finds out by the files that are there.
    site: SiteGenerator = "auto"
    # Folders in it whose files stand at the root of the site, beside those of the generator.
    static: tuple[str, ...] = ()
    # Patterns of paths in it: what is an article instead of what the generator says, and what is none.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    # What becomes of the site's own shortcodes: "keep" what is inside, "drop" it, or a template.
    shortcodes: dict[str, ShortcodeSetting] = Field(default_factory=dict)
    # Where the site stands today, for links to what is not picked up.
    url: WebAddress | None = None
    editable: bool = False
    git_commit: bool = False  # whether files that are written into it are committed

    unread = SourceSettings.unread | {"editable", "git_commit"}

    @property
    def place(self) -> str:
        return self.path

    @model_validator(mode="before")
    @classmethod
    def _named_by_path(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        path = values.get("path")
        # An unusable path is reported itself, so that the name must not be.
        default = path if isinstance(path, str) and path else "folder"
        return {"name": default} | values

    def problems(self, root: Path, outputs: Sequence[Path]) -> Iterator[SettingProblem]:
        yield from _own_files(self.path, root, outputs)

    def seen_from_elsewhere(self, root: Path) -> Self:
        return self.model_copy(update={"path": str(root / self.path)})


def _own_files(path: str, root: Path, outputs: Sequence[Path]) -> Iterator[SettingProblem]:
    place = (root / path).resolve()
    if any(place.is_relative_to(our) or our.is_relative_to(place) for our in outputs):
        problem = f"{path!r} holds the program's own files"
        remedy = 'keep the articles in a folder of their own, like "articles"'
        yield SettingProblem("path", problem, remedy)


_SHORTEST, _LONGEST = timedelta(minutes=15), timedelta(days=1)


def name_of(url: str) -> str:
    return url.partition("://")[2].rstrip("/") or "feed"


class PolledSourceSettings(SourceSettings):
    """What sources on the web have, whatever their kind; named by their address unless they have a name."""

    url: FetchedAddress  # of a feed, or of the site
    # How often it is asked; None for as often as it has something new, as far as it can be told.
    every: Annotated[
        Duration | None, BeforeValidator(lambda value: None if value == "adaptive" else value)
    ] = None
    # How long an entry has to stay the same before it is news.
    settle: Duration = timedelta(minutes=15)
    # Of what is there at the first poll, how much counts as news.
    backfill: Duration = timedelta()
    # What articles have of an entry: a summary that leads to the site, or its whole text, on a page of ours.
    content: Literal["summary", "full"] = "summary"
    # Pictures are copied, which mails need, or stay at their own addresses, where mails show none.
    pictures: Literal["copy", "link", "none"] = "none"
    # Of an intranet, which nothing else that is fetched may reach.
    networks: tuple[IntranetRange, ...] = ()
    # Entries that become news on one day; None for any number.
    max_per_day: int | None = Field(default=None, ge=1)
    # Languages by the beginnings of paths or by hosts.
    languages: dict[str, LanguageTag] = Field(default_factory=dict)

    unread: ClassVar[frozenset[str]] = SourceSettings.unread | {
        *("every", "settle", "backfill", "networks", "max_per_day")
    }

    @property
    def address(self) -> str:
        """What is asked; a source with another one begins anew."""
        return self.url

    @property
    def place(self) -> str:
        return self.address

    def action_of(self, kind: ProblemKind) -> ProblemAction:
        # Braces in a text are what the site shows: nobody has left them there.
        usual = {ProblemKind.TEMPLATE_LEFTOVER: ProblemAction.IGNORE}
        return self.problem_actions.get(kind, usual.get(kind, super().action_of(kind)))

    @model_validator(mode="before")
    @classmethod
    def _named_by_address(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        listed = values.get("urls")
        url = values.get("url") or (listed[0] if isinstance(listed, list) and listed else "")
        # An unusable address is reported itself.
        path = values.get("path")
        name = path if isinstance(path, str) and path else name_of(str(url))
        return {"name": name} | values

    def problems(self, root: Path, outputs: Sequence[Path]) -> Iterator[SettingProblem]:  # noqa: ARG002
        """Yield a problem for an interval that no server should have to bear, or that is no use."""
        if self.every is not None and not _SHORTEST <= self.every <= _LONGEST:
            yield SettingProblem(
                "every", "is under 15m or over 24h", 'write "30m", or leave it out'
            )

    @property
    def reads_pages(self) -> bool:
        """Whether texts come from the pages of entries; for feeds that have summaries alone."""
        return False

    @property
    def is_full(self) -> bool:
        return self.content != "summary"

    def language_of(self, url: str) -> str | None:
        """Return the language that the settings give an address, the longest match first; None for none."""
        target = urlsplit(url)
        for start in sorted(self.languages, key=len, reverse=True):
            is_path = start.startswith("/")
            if target.path.startswith(start) if is_path else target.hostname == start:
                return self.languages[start]
        return None


class FeedSourceSettings(PolledSourceSettings):
    """A feed: RSS, RDF, Atom or JSON Feed."""

    # Also "page": the text is that of the page to which an entry leads.
    content: Literal["summary", "full", "page"] = "summary"  # type: ignore[assignment]  # one more
    # Whether its hub is asked to say when it changes; `publisher web` has to be reachable for that.
    websub: bool = False

    unread = PolledSourceSettings.unread | {"websub"}

    @property
    def reads_pages(self) -> bool:
        return self.content == "page"


class WordpressSourceSettings(PolledSourceSettings):
    """A site made with WordPress, by its address."""


def _variable(value: str) -> str:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        # The value is not shown: it may be the key.
        problem = (
            "names no environment variable, such as GHOST_KEY; the key itself stands there"
        )
        raise PydanticCustomError("variable", "{problem}", {"problem": problem})
    return value


class GhostSourceSettings(PolledSourceSettings):
    """A site made with Ghost, by its address or that of its administration."""

    # The environment variable with a key of its Content API.
    key: Annotated[str, AfterValidator(_variable)]
    # Languages by slugs of internal tags.
    language_tags: dict[str, LanguageTag] = Field(default_factory=dict)

    unread = PolledSourceSettings.unread | {"key", "language_tags"}


class PagesSourceSettings(PolledSourceSettings):
    """Pages of a site: those of its sitemap, of a list, or of a folder with what a generator has built."""

    url: FetchedAddress = ""  # A sitemap. There is one of this, `urls` and `path`.
    urls: tuple[FetchedAddress, ...] = ()
    path: str = ""
    # Where the files below `path` stand on the web, if they do not say so themselves.
    base: WebAddress | None = None
    # Patterns of paths, such as "/news/*": what is read, and is an article if it has text; and what is not read.
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    select: str = ""  # a CSS selector of an article's text, where it is not found

    @property
    def address(self) -> str:
        return self.url or self.path or "".join(self.urls[:1])

    def problems(self, root: Path, outputs: Sequence[Path]) -> Iterator[SettingProblem]:
        yield from super().problems(root, outputs)
        if sum(map(bool, (self.url, self.urls, self.path))) != 1:
            remedy = "name a sitemap (url), pages (urls), or a folder of built HTML (path)"
            yield SettingProblem("url", "is not the one place of the pages", remedy)
        if self.path:
            yield from _own_files(self.path, root, outputs)

    def seen_from_elsewhere(self, root: Path) -> Self:
        return self.model_copy(update={"path": str(root / self.path)}) if self.path else self


# The kinds of sources. A factory gets the source's settings, those of the publication, its database and the time,
# and returns a `publisher.ingest.sources.base.Source`.
_ENTRIES = "publisher.ingest.sources.entries:EntrySource"
SOURCE_KINDS: dict[str, Kind] = {
    "folder": Kind(FolderSourceSettings, "publisher.ingest.sources.folder:FolderSource"),
    "feed": Kind(FeedSourceSettings, _ENTRIES),
    "wordpress": Kind(WordpressSourceSettings, _ENTRIES),
    "ghost": Kind(GhostSourceSettings, _ENTRIES),
    "pages": Kind(PagesSourceSettings, _ENTRIES),
}


def table_of_kind(kind: object) -> type[SourceSettings]:
    """Return the settings table of a kind; what all kinds have if there is no such kind."""
    known = SOURCE_KINDS.get(kind) if isinstance(kind, str) else None
    table: Any = known.settings if known else SourceSettings
    return table  # type: ignore[no-any-return]


def _source(values: object) -> SourceSettings:
    if isinstance(values, SourceSettings):
        return values
    if isinstance(values, dict):
        if "kind" not in values:
            raise PydanticCustomError("missing", "missing", {"key": "kind"})
        if values["kind"] not in list(SOURCE_KINDS):
            raise wrong("kind", _unknown_kind(values["kind"]))
        return table_of_kind(values["kind"]).model_validate(values)
    return SourceSettings.model_validate(values)


def _unknown_kind(kind: object) -> str:
    close = difflib.get_close_matches(str(kind), SOURCE_KINDS, 1)
    remedy = f"did you mean {close[0]}?" if close else f"there are: {', '.join(SOURCE_KINDS)}"
    return f"{kind!r} is no kind of source; {remedy}"


# pydantic adds the place in the file to the errors of the kind's own table.
AnySource = Annotated[SourceSettings, PlainValidator(_source)]
