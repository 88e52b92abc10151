"""Write the static pages below `public/`: issues, articles, home pages, archives."""

from publisher.site.writer import SiteReport, mark_all_pages_due, write_site

__all__ = ["SiteReport", "mark_all_pages_due", "write_site"]
