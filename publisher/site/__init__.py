"""SHOW: the static pages below `public/`: issues, articles, front pages, archives."""

from publisher.site.renewing import renew_lost
from publisher.site.writing import Written, write_site

__all__ = ["Written", "renew_lost", "write_site"]
