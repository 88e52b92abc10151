"""The pages of a feed's articles: their texts, where the feed has summaries and its source wants the whole."""

from dataclasses import replace

from publisher.errors import SourceError
from publisher.polling.asking import Asking
from publisher.polling.identity import recognise
from publisher.polling.model import WebEntry
from publisher.polling.pages import KnownPage, Website


def with_page_texts(
    asking: Asking, entries: tuple[WebEntry, ...]
) -> tuple[tuple[WebEntry, ...], str]:
    """Return entries with the texts of their pages, as far as they are new or have changed; and what is said of the rest.

    Pages are asked for as those of a site are: as robots.txt allows, so many at a poll. An entry without one keeps what
    its feed says.
    """
    known = asking.known()
    wanted = {
        one.entry.url: KnownPage()
        for one in recognise(entries, known)
        if one.entry.url and (one.key is None or known[one.key].shown != one.marks.shown)
    }
    texts, site, why = dict[str, str](), Website(asking, {}), ""
    try:
        for url in site.due(wanted):
            wanted[url], page = site.read(url, wanted)
            texts[url] = page.html if page else ""
    except SourceError as error:
        why = f" ({error})"
    reasons = sorted({one.problem for one in wanted.values() if one.problem})
    missing = sum(not texts.get(url) for url in wanted)
    why = why or (f" ({'; '.join(reasons[:3])})" if reasons else "")
    note = f"{missing} of its entries have the feed's own text{why}" if missing else ""
    return tuple(replace(one, page=texts.get(one.url, "")) for one in entries), note
