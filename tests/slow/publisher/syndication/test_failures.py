"""What becomes of feeds when a turn is cut off, a disk is full, files are lost, an article is bad."""

from tests.publisher.conftest import House
from tests.publisher.printing import json_feed, override, syndicated
from tests.publisher.syndication.test_failures import told, with_hub


def test_a_page_that_fails_keeps_no_hub_from_being_told_later(house: House) -> None:
    with_hub(house)
    house.write("en/fog.md", title="Fog", date="2026-01-05")
    broken = override(house, "web/feed.html", "{{ nothing.at.all }}")
    assert syndicated(house)[1] != []
    broken.unlink()
    assert syndicated(house)[1] == []
    assert {"en.rss.xml", "en.atom.xml", "en.json"} <= told(house)


def test_an_article_that_the_template_fails_for_stops_no_feed(house: House) -> None:
    house.write("en/fog.md", "Words.", title="Fog", date="2026-01-05")
    house.write("en/tide.md", "Words.", title="Tide", date="2026-01-06", summary="Short.")
    override(
        house,
        "feed/entry.html",
        "{% if item.article.title == 'Tide' %}{{ 1 / 0 }}{% endif %}<p>x</p>",
    )
    problems = syndicated(house)[1]
    assert [problem.partition(":")[0] for problem in problems] == ["en/tide"]
    items = json_feed(house, "en")["items"]
    assert [item["title"] for item in items] == ["Tide", "Fog"]
    assert "content_html" not in items[0]
    assert items[0]["summary"] == "Short."
