"""Read and parse one item of a source: an article of a story, or why there is none now. Stores no row."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from zoneinfo import ZoneInfo

from publisher.articles.model import ArticleStatus, ParsedArticle
from publisher.articles.store import publication_time
from publisher.config import Settings, SourceSettings
from publisher.errors import ArticleError, EmptyArticleError, LanguageError, SourceError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import message, untranslated
from publisher.ingest.parsers import parse_document
from publisher.ingest.pickup.item_state import ItemResult, KnownItem
from publisher.ingest.pickup.story_keys import article_language, language_doubt, story_key
from publisher.ingest.problems import handle_problems, reason_to_hold
from publisher.ingest.sites.base import LeftOutError, LeftOutReason
from publisher.ingest.sources.base import Item, RawItem, Source
from publisher.log import log


@dataclass(frozen=True, slots=True)
class ItemParser:
    """Reads and parses the items of one source.

    With `force`, an item is parsed although its content is the same. Its pictures are put in place if
    `places_files`.
    """

    source: Source
    settings: Settings
    options: SourceSettings
    now: datetime
    force: bool
    places_files: bool = True

    def read(self, item: Item, known: KnownItem | None) -> ItemResult:
        """Read one item; its errors, also of the program, become a reason for quarantine. Raises SourceError."""
        try:
            raw = self.source.read(item)
        except ArticleError as error:
            return ItemResult(item=item, sha256="", reason=str(error))
        sha256 = hashlib.sha256(raw.document.content).hexdigest()
        if known and _same_content(known, sha256) and not self.force:
            return ItemResult(item=item, sha256=sha256, is_unchanged=True)
        result = ItemResult(item=item, sha256=sha256, media=())
        try:
            return self._parse(result, raw)
        except LeftOutError as error:
            result = replace(result, left_out=error.left_out.reason, title=error.title)
        except (ArticleError, LanguageError) as error:
            is_page = isinstance(error, EmptyArticleError) and raw.document.is_page
            reason = {"left_out": LeftOutReason.PAGE} if is_page else {"reason": str(error)}
            result = replace(result, **reason)
        except Exception as error:
            if isinstance(error, SourceError) or stops_all(error):
                raise
            # The item will not change when the disk, or the program, is repaired.
            unsigned = replace(item, signature="")
            result = replace(result, item=unsigned, reason=_explained(error, item))
        return replace(result, media=raw.files.requested)

    def _parse(self, result: ItemResult, raw: RawItem) -> ItemResult:
        """Return the article of an item, and put its pictures in place if `places_files`.

        Raises ArticleError or LanguageError for a document that can't be read, LeftOutError for one
        that is rightly no article, OSError for a picture that can't be put in place.
        """
        path, zone = raw.document.path, self.settings.zone()
        parsed = _dated(parse_document(raw.document, raw.files), raw)
        parsed, language = self._in_language(parsed, path)
        left_out, read_again_at = hold_back(parsed, zone, self.now)
        # What is not shown yet may be unfinished.
        is_shown = left_out is None and parsed.status is ArticleStatus.READY
        problems = handle_problems(parsed.problems, self.options.action_of) if is_shown else ()
        result = replace(
            result, media=raw.files.requested, problems=problems, read_again_at=read_again_at
        )
        if left_out:
            return replace(
                result, left_out=left_out, title=parsed.title, language=language or ""
            )
        if reason := reason_to_hold(problems):
            return replace(result, reason=reason)
        return replace(
            result,
            placed=self._placed(parsed, raw) if is_shown and self.places_files else (),
            parsed=parsed,
            language=language,
            story_key=story_key(parsed, path, self.settings.publication),
            other_key=parsed.other_key or "",
            siblings=() if parsed.is_linked else raw.siblings,
            zone=zone,
            site_url=raw.document.site_url,
        )

    def _in_language(
        self, parsed: ParsedArticle, path: PurePosixPath
    ) -> tuple[ParsedArticle, str]:
        """Return the language of an article, and the article with what speaks against it."""
        publication = self.settings.publication
        default = self.options.language or publication.default_language
        language = article_language(parsed, path, publication, default)
        if doubt := language_doubt(parsed, path, publication, language):
            problem = ArticleProblem(ProblemKind.OTHER_LANGUAGE, None, doubt)
            parsed = replace(parsed, problems=(*parsed.problems, problem))
        return parsed, language

    def _placed(self, parsed: ParsedArticle, raw: RawItem) -> tuple[Path, ...]:
        """Put an article's pictures in place, apart until its date; return the files that are there."""
        folders, published = self.settings.folders, parsed.published
        at = publication_time(published, self.settings.zone()).at if published else self.now
        folder = folders.embargoed if at > self.now else folders.public
        for media in parsed.media:
            raw.files.publish(media, folder)
        files = (folder / media.target for media in parsed.media)
        return tuple(file for file in files if file.exists())


def _explained(error: Exception, item: Item) -> str:
    if isinstance(error, OSError):
        words = untranslated(": ".join(filter(None, (error.filename, error.strerror))))
        return message("its media can't be put in place: %(words)s", words=words)
    log.error(
        "an item is quarantined for a fault of the program", item=item.key, exc_info=error
    )
    return explain_fault(error)


def _same_content(known: KnownItem, sha256: str) -> bool:
    """Return whether parsing again has the same result. An item with pictures is parsed again."""
    return known.sha256 == sha256 and not (known.reason or known.media or known.read_again_at)


def _dated(parsed: ParsedArticle, raw: RawItem) -> ParsedArticle:
    """Return an article with its own date, or that of the source's history, if there is one."""
    if parsed.published is not None:
        return parsed
    since = raw.known_since()
    problem = ArticleProblem(ProblemKind.UNDATED, None, str(since.date()) if since else "")
    return replace(parsed, published=since, problems=(*parsed.problems, problem))


def hold_back(
    parsed: ParsedArticle, zone: ZoneInfo, now: datetime
) -> tuple[LeftOutReason | None, datetime | None]:
    """Return why an article is not shown now, and when that changes by itself. Pure."""
    if parsed.is_draft:
        return LeftOutReason.DRAFT, None
    expires = publication_time(parsed.expires, zone).at if parsed.expires else None
    if expires and expires <= now:
        return LeftOutReason.EXPIRED, None
    held = publication_time(parsed.held_until, zone).at if parsed.held_until else None
    if held and held > now:
        return LeftOutReason.SCHEDULED, held
    return None, expires
