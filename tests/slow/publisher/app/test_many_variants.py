"""A larger audience with many different choices: everybody gets exactly what was chosen."""

from collections.abc import Callable
from itertools import product
from typing import Any

from publisher.delivery.tables import delivery
from publisher.issues.tables import issue_variant_table
from subscribers import TextLength
from tests.publisher.app.reading import Reading, title
from tests.publisher.conftest import PublicationFolder

LANGUAGES = ("en", "zh-Hant", "ar")
ORDERS = [("en",), ("en", "ar"), ("zh-Hant", "en"), ("ar", "zh-Hant", "en"), ("ar",)]
TOPICS: list[tuple[str, ...]] = [(), ("Harbour",), ("Art",), ("Harbour", "Art")]
LENGTHS = [None, TextLength.FULL]
# Which languages each story has, and its topic.
STORIES: dict[int, tuple[tuple[str, ...], str]] = {
    1: (("en", "ar"), "Harbour"),
    2: (("en",), "Art"),
    3: (("zh-Hant",), "Harbour"),
    4: (("ar", "zh-Hant"), "Other"),
    5: (("zh-Hant", "en", "ar"), "Art"),
}


def expected(languages: tuple[str, ...], topics: tuple[str, ...]) -> set[str]:
    found = set()
    for story, (written, topic) in STORIES.items():
        best = next((tag for tag in languages if tag in written), None)
        if best and (not topics or topic in topics):
            found.add(title(story, best))
    return found


def test_three_hundred_subscribers_with_forty_profiles_get_what_they_chose(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    newsletters = [{"name": "daily", "schedule": "0 8 * * *"}]
    reading = Reading(new_publication(languages=LANGUAGES, newsletters=newsletters))
    wanted = {}
    choices = list(product(ORDERS, TOPICS, LENGTHS))
    assert len(choices) == 40
    for number in range(300):
        languages, topics, length = choices[number % len(choices)]
        chosen: dict[str, Any] = {"topics": topics, "length": length}
        reading.join(f"reader.{number}", *languages, **chosen)
        wanted[f"reader.{number}"] = expected(languages, topics)
    for story, (written, topic) in STORIES.items():
        reading.write(story, *written, topics=f"[{topic}]")
    report = reading.run()
    assert report.problems == []
    assert {name: set(mail.split(", ")) for name, (mail,) in reading.read.items()} == {
        name: titles for name, titles in wanted.items() if titles
    }
    assert len(reading.publication.rows(delivery)) == 300
    # Some profiles come to the same.
    assert 20 < len(reading.publication.rows(issue_variant_table)) < len(choices)
    assert reading.next_day().sent.messages == 0
