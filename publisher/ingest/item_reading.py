"""Read one item of a source: what it holds, or a reason why it is no article. Stores no row."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime

from publisher.config import Settings, SourceSettings
from publisher.errors import ArticleError, EmptyArticleError, LanguageError
from publisher.ingest.item_parsing import parse_item
from publisher.ingest.item_state import ItemResult, KnownItem
from publisher.ingest.parsers import SourceDocument
from publisher.ingest.sites.base import LeftOutError, LeftOutReason
from publisher.ingest.sources.base import Item, Source
from publisher.messages import message, untranslated


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
    """Read one item; its errors become a reason for quarantine. Raises SourceError.

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
        # The item will not change when the disk is repaired, so it must be read again.
        item = replace(item, signature="")
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
