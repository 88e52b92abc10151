"""Read and parse one item of a source: an article of a story, or why there is none now. Stores no row."""

import hashlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from publisher.articles.model import ArticleStatus, ParsedArticle
from publisher.articles.store import publication_time
from publisher.config import Settings, SourceSettings
from publisher.errors import ArticleError, EmptyArticleError, LanguageError, SourceError
from publisher.fault_isolation import explain_fault, stops_all
from publisher.i18n.article_problems import ArticleProblem, ProblemKind
from publisher.i18n.messages import message, untranslated
from publisher.ingest.parsers import parse_document
from publisher.ingest.parsers.document import SourceDocument
from publisher.ingest.pickup.item_state import ItemResult, KnownItem
from publisher.ingest.pickup.story_keys import article_language, language_doubt, story_key
from publisher.ingest.problems import handle_problems, reason_to_hold
from publisher.ingest.sites.base import LeftOutError, LeftOutReason
from publisher.ingest.sources.base import Item, RawItem, Source

log = structlog.get_logger()


def read_item(  # noqa: PLR0913  # what one pick-up knows
    source: Source,
    item: Item,
    known: KnownItem | None,
    settings: Settings,
    options: SourceSettings,
    now: datetime,
    *,
    force: bool,
    places_files: bool = True,
) -> ItemResult:
    """Read one item; its errors, also of the program, become a reason for quarantine. Raises SourceError.

    With `force`, it is parsed although its content is the same. Its pictures are put in place if
    `places_files`.
    """
    try:
        raw = source.read(item)
    except ArticleError as error:
        return ItemResult(item=item, sha256="", reason=str(error))
    sha256 = hashlib.sha256(raw.document.content).hexdigest()
    if known and _same_content(known, sha256) and not force:
        return ItemResult(item=item, sha256=sha256, is_unchanged=True)
    try:
        return parse_item(item, sha256, raw, settings, options, now, places_files=places_files)
    except (LeftOutError, ArticleError, LanguageError) as error:
        left_out, title, reason = _failure(error, raw.document)
    except OSError as error:
        words = untranslated(": ".join(filter(None, (error.filename, error.strerror))))
        reason = message("its media can't be put in place: %(words)s", words=words)
        left_out, title = None, ""
        item = replace(item, signature="")  # it will not change when the disk is repaired
    except Exception as error:
        if isinstance(error, SourceError) or stops_all(error):
            raise
        log.exception("an item is quarantined for a fault of the program", item=item.key)
        left_out, title, reason = None, "", explain_fault(error)
        item = replace(item, signature="")  # the same: of the program
    return ItemResult(
        item=item,
        sha256=sha256,
        reason=reason,
        left_out=left_out,
        title=title,
        media=raw.files.requested,
    )


def _failure(error: Exception, document: SourceDocument) -> tuple[str | None, str, str | None]:
    """Return why a document is rightly no article and its title, or the reason for its quarantine."""
    if isinstance(error, LeftOutError):
        return error.left_out.reason, error.title, None
    if isinstance(error, EmptyArticleError) and document.is_page:
        return LeftOutReason.PAGE, "", None
    return None, "", str(error)


def _same_content(known: KnownItem, sha256: str) -> bool:
    """Return whether parsing again has the same result. An item with pictures is parsed again."""
    return known.sha256 == sha256 and not (known.reason or known.media or known.read_again_at)


def _in_language(
    parsed: ParsedArticle,
    raw: RawItem,
    settings: Settings,
    options: SourceSettings,
) -> tuple[ParsedArticle, str]:
    """Return the language of an article, and the article with what speaks against it."""
    publication, path = settings.publication, raw.document.path
    default = options.language or publication.default_language
    language = article_language(parsed, path, publication, default)
    if doubt := language_doubt(parsed, path, publication, language):
        problem = ArticleProblem(ProblemKind.OTHER_LANGUAGE, None, doubt)
        parsed = replace(parsed, problems=(*parsed.problems, problem))
    return parsed, language


def parse_item(  # noqa: PLR0913  # what one pick-up knows
    item: Item,
    sha256: str,
    raw: RawItem,
    settings: Settings,
    options: SourceSettings,
    now: datetime,
    *,
    places_files: bool = True,
) -> ItemResult:
    """Return the article of an item, and put its pictures in place if `places_files`.

    Raises ArticleError or LanguageError for a document that can't be read, LeftOutError for one
    that is rightly no article, OSError for a picture that can't be put in place.
    """
    publication, path = settings.publication, raw.document.path
    parsed = _dated(parse_document(raw.document, raw.files), raw)
    parsed, language = _in_language(parsed, raw, settings, options)
    left_out, read_again_at = hold_back(parsed, settings.zone(), now)
    # What is not shown yet may be unfinished.
    is_shown = left_out is None and parsed.status is ArticleStatus.READY
    problems = handle_problems(parsed.problems, options.action_of) if is_shown else ()
    result = ItemResult(
        item=item,
        sha256=sha256,
        media=raw.files.requested,
        problems=problems,
        left_out=left_out,
        read_again_at=read_again_at,
    )
    if left_out:
        return replace(result, title=parsed.title, language=language or "")
    if reason := reason_to_hold(problems):
        return replace(result, reason=reason)
    return replace(
        result,
        placed=_placed(parsed, raw, settings, now) if is_shown and places_files else (),
        parsed=parsed,
        language=language,
        story_key=story_key(parsed, path, publication),
        other_key=parsed.other_key or "",
        siblings=() if parsed.is_linked else raw.siblings,
        zone=settings.zone(),
        site_url=raw.document.site_url,
    )


def _placed(
    parsed: ParsedArticle, raw: RawItem, settings: Settings, now: datetime
) -> tuple[Path, ...]:
    """Put an article's pictures in place, apart until its date; return the files that are there."""
    published = parsed.published
    is_embargoed = published and publication_time(published, settings.zone()).at > now
    folder = settings.folders.embargoed if is_embargoed else settings.folders.public
    for media in parsed.media:
        raw.files.publish(media, folder)
    files = (folder / media.target for media in parsed.media)
    return tuple(file for file in files if file.exists())


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
