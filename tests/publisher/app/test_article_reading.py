"""Articles as programs read them."""

from __future__ import annotations

from publisher.app.article_reading import address_of_article, list_article_page
from tests.publisher.conftest import PublicationFolder, editing_state

LANGUAGES = ("en", "ar")


def test_pages_of_articles_follow_each_other(publication: PublicationFolder) -> None:
    for number in range(5):
        for language in LANGUAGES:
            # Two on each day.
            name, day = f"{language}/tides-{number}.md", f"2026-01-0{1 + number // 2}"
            publication.write(name, "The tide waits.", title="Tides", date=day)
    publication.pick_up()
    state = editing_state(publication)
    found: list[tuple[str, str]] = []
    before = None
    for _page in range(5):
        page, has_more = list_article_page(state, LANGUAGES, before, 3)
        found += [(one.story, one.language) for one in page]
        before = (page[-1].published_at, page[-1].id)
        if not has_more:
            break
    assert len(found) == len({*found}) == 10
    assert len(list_article_page(state, ("ar",), None, 50)[0]) == 5
    assert list_article_page(state, (), None, 50) == ([], False)


def test_an_article_has_its_own_address_or_that_of_its_page(
    publication: PublicationFolder,
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    publication.pick_up()
    state = editing_state(publication)
    ((one,), _more) = list_article_page(state, ("en",), None, 50)
    url = publication.settings.publication.url
    assert address_of_article(state, one) == f"{url}/en/stories/tides/"
