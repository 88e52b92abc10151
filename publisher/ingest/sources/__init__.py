"""Kinds of sources, one module each, behind the protocol in `base`."""

from __future__ import annotations

from publisher.config import Settings, SourceSettings
from publisher.config.sources import SOURCE_KINDS
from publisher.ingest.sources.base import Source


def open_source(options: SourceSettings, settings: Settings) -> Source:
    """Return the source of one table [[source]]."""
    source: Source = SOURCE_KINDS[options.kind].load()(options, settings)
    return source
