"""What a folder holds, before it is a source: its generator, its languages, and what is left out.

Only front matter is parsed, so that a large site takes some seconds. Documents of a story with the same
text in two languages are counted as one article and untranslated copies of it, as a pick-up does.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from publisher.articles.model import ArticleStatus, ParsedArticle
from publisher.errors import ArticleError
from publisher.ingest.media.document_media import FolderFiles
from publisher.ingest.parsers.document import decode_document
from publisher.ingest.parsers.front_matter import split_front_matter
from publisher.ingest.sites import base as sites
from publisher.ingest.sites.configuration import ConfigurationFiles
from publisher.ingest.sites.detect import open_site
from publisher.ingest.sources.folder import document_of_site, scan_folder

_NO_TIME = 0  # nanoseconds: nothing is remembered, so it does not matter when a file changed


@dataclass(slots=True)
class SiteSurvey:
    """What is understood of a site.

    `languages` are articles by language, the main one first; those that have only copies have none.
    `declared` are the languages that the site's configuration lists.
    """

    generator: str
    url: str
    title: str
    timezone: str
    declared: tuple[str, ...] = ()
    languages: Counter[str] = field(default_factory=Counter)
    # Languages of each story, by its key.
    stories: dict[str, set[str]] = field(default_factory=dict)
    undated: int = 0
    held_back: Counter[str] = field(default_factory=Counter)
    left_out: Counter[sites.LeftOut] = field(default_factory=Counter)
    # Path and reason of each document that can't be read.
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def linked(self) -> int:
        """The number of stories in several languages."""
        return sum(len(languages) > 1 for languages in self.stories.values())


@dataclass(frozen=True, slots=True)
class _Found:
    """An article that may be shown, with the hash of its text, empty if it has none."""

    key: str
    language: str
    text: bytes
    is_undated: bool


def survey_site(folder: Path) -> SiteSurvey:
    """Return what a folder holds. Raises SourceError if it can't be read."""
    site = open_site(ConfigurationFiles(folder), sites.SiteOptions())
    survey = SiteSurvey(site.generator, site.url, site.title, site.timezone, site.declared)
    scan = scan_folder(folder, _NO_TIME, site)
    survey.left_out = scan.left_out
    paths = (PurePosixPath(item.key) for item in scan.items if item.is_document)
    found = [_read(survey, site, folder, path) for path in paths]
    # An article in the main language is the original of its copies.
    _count(survey, sorted(filter(None, found), key=lambda one: one.language != site.language))
    ordered = survey.languages.most_common()
    ordered.sort(key=lambda pair: pair[0] != site.language)
    survey.languages = Counter(dict(ordered))
    return survey


def _read(
    survey: SiteSurvey, site: sites.Site, folder: Path, path: PurePosixPath
) -> _Found | None:
    """Return the article of one document, or note why there is none."""
    try:
        content = FolderFiles(folder).read(path)
        document = document_of_site(site, path, content or b"")
        parts = split_front_matter(decode_document(document))
        parsed = document.describe(parts.fields or {})
        text = parts.body.strip()
    except sites.LeftOutError as error:
        survey.held_back[error.left_out.reason] += 1
    except ArticleError as error:
        survey.unreadable.append((str(path), str(error)))
    except OSError as error:
        survey.unreadable.append((str(path), error.strerror or str(error)))
    else:
        if not parsed.is_draft and parsed.status is ArticleStatus.READY:
            one = _in_language(parsed, path)
            sha256 = hashlib.sha256(text.encode()).digest() if text else b""
            key = one.key or str(path)
            return _Found(key, one.language or "", sha256, parsed.published is None)
        survey.held_back[sites.LeftOutReason.DRAFT if parsed.is_draft else parsed.status] += 1
    return None


def _count(survey: SiteSurvey, found: Sequence[_Found]) -> None:
    """Add articles to what is understood; those with the text of an earlier one are its copies."""
    originals: dict[tuple[str, bytes], str] = {}
    for one in found:
        original = originals.setdefault((one.key, one.text), one.language)
        is_copy = bool(one.text) and original != one.language
        # A language with nothing but copies is one of the site, too.
        survey.languages[one.language] += not is_copy
        if is_copy:
            survey.held_back[sites.LeftOutReason.UNTRANSLATED] += 1
        else:
            survey.stories.setdefault(one.key, set()).add(one.language)
            survey.undated += one.is_undated


def _in_language(parsed: ParsedArticle, path: PurePosixPath) -> ParsedArticle:
    """Return an article with language and key, as `story_keys` would find them in a plain folder."""
    declared = sites.tag_of(parsed.language) if parsed.language else None
    if parsed.key and declared:
        return replace(parsed, language=declared)
    names = (*path.parts[:-1][:1], path.stem.rpartition(".")[2])
    codes = [name for name in names if sites.is_language_code(name)]
    languages = sites.SiteLanguages.of(codes, sites.SiteOptions().language)
    language = declared or next(filter(None, map(languages.tag, codes)), languages.default)
    key = parsed.key or languages.without(str(path.with_suffix("")), language)
    return replace(parsed, language=language, key=key)
