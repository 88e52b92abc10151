"""Parse the document of one item: an article of a story, or why there is none now."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from publisher.articles.model import ArticleStatus, ParsedArticle
from publisher.articles.store import publication_time
from publisher.config import Settings, SourceSettings
from publisher.ingest.item_state import ItemResult
from publisher.ingest.parsers import parse_document
from publisher.ingest.problems import (
    ArticleProblem,
    ProblemKind,
    handle_problems,
    reason_to_hold,
)
from publisher.ingest.sites.base import LeftOutReason
from publisher.ingest.sources.base import Item, RawItem
from publisher.ingest.story_keys import article_language, story_key


def _language(
    parsed: ParsedArticle,
    raw: RawItem,
    settings: Settings,
    options: SourceSettings,
) -> str:
    default = options.language or settings.publication.default_language
    return article_language(parsed, raw.document.path, settings.publication, default)


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
    language = _language(parsed, raw, settings, options)
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
