"""SHOW: the static pages below `public/`: issues, articles, front pages, archives."""

from publisher.site.invalidation import renew_lost
from publisher.site.writer import PagesWritten, write_site

__all__ = ["PagesWritten", "renew_lost", "write_site"]
