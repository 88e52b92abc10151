"""A crawler reaches every page of a large site in ten languages, and of the demo."""

from datetime import date, timedelta

import pytest

from tests.publisher.conftest import Make
from tests.publisher.lanterns import published
from tests.publisher.printing import public, shown, syndicated
from tests.publisher.site import test_crawling
from tests.sizes import by_lane, only_at_night

# What an article says, in ten languages.
WORDS = {
    "en": "The ferry leaves at eight.",
    "zh-Hans": "渡船八点开船。",
    "zh-Hant": "渡船八點開船。",
    "ar": "تغادر العبارة في الثامنة.",
    "de": "Die Fähre legt um acht ab.",
    "fr": "Le bac part à huit heures.",
    "ja": "渡し船は八時に出ます。",
    "ru": "Паром уходит в восемь.",
    "th": "เรือข้ามฟากออกแปดโมง",
    "fa": "قایق ساعت هشت می‌رود.",
}
STORIES = by_lane(4, 500)


def test_every_page_of_a_large_site_is_reached(new_publication: Make) -> None:
    publication = new_publication(languages=[*WORDS])
    for number in range(STORIES):
        day = date(2026, 1, 8) - timedelta(days=3 * number)
        for tag, words in WORDS.items():
            publication.write(
                f"{tag}/story-{number}.md",
                words * 3,
                title=f"{words[:8]} {number}",
                date=day.isoformat(),
                section=f"Section {number % 3}",
                topics=f"[Topic {number % 7}, Wide]",
                author=f"Author {number % 5}",
            )
    assert shown(publication).problems == []
    assert syndicated(publication)[1] == []
    root = public(publication)
    reached, dead = test_crawling.crawl(root)
    assert dead == []
    assert test_crawling.unreached(root, reached) == []
    assert test_crawling.one_sided(root, reached) == []
    assert len([*root.glob("*/stories/*/index.html")]) == STORIES * len(WORDS)


@only_at_night
def test_every_page_of_the_demo_is_reached(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = published(tmp_path_factory).folder / "public"
    reached, dead = test_crawling.crawl(root)
    assert dead == []
    assert test_crawling.unreached(root, reached) == []
    assert test_crawling.one_sided(root, reached) == []
