"""Feeds after a failed page and a failed article, with templates of the publication."""

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import json_feed, override, public, shown, syndicated
from tests.publisher.syndication.test_failures import queued, with_hub


def test_hubs_are_notified_after_a_page_failed(publication: PublicationFolder) -> None:
    with_hub(publication)
    publication.write("en/fog.md", title="Fog", date="2026-01-05")
    broken = override(publication, "web/feed.html", "{{ nothing.at.all }}")
    assert syndicated(publication)[1] != []
    broken.unlink()
    assert syndicated(publication)[1] == []
    assert {"en.rss.xml", "en.atom.xml", "en.json"} <= queued(publication)


def test_a_withdrawn_article_is_removed_also_if_the_templates_for_its_place_are_wrong(
    publication: PublicationFolder,
) -> None:
    file = publication.write("en/fog.md", "Words.", title="Fog", date="2026-01-05")
    assert syndicated(publication)[1] == shown(publication).problems == []
    for name in ("feed/withdrawn.txt", "web/withdrawn.html"):
        override(publication, name, "{{ nothing.at.all }}")
    file.unlink()
    assert any("withdrawn" in one for one in syndicated(publication)[1])
    (left,) = json_feed(publication, "en")["items"]
    assert left["title"] == "This article was withdrawn."
    assert any("withdrawn" in one for one in shown(publication).problems)
    assert not (public(publication) / "en/stories/fog/index.html").exists()


def test_an_entry_that_fails_in_the_template_is_made_by_the_built_in_one(
    publication: PublicationFolder,
) -> None:
    publication.write("en/fog.md", "Words.", title="Fog", date="2026-01-05")
    publication.write("en/tide.md", "Words.", title="Tide", date="2026-01-06", summary="Short.")
    override(
        publication,
        "feed/entry.html",
        "{% if item.article.title == 'Tide' %}{{ 1 / 0 }}{% endif %}<p>x</p>",
    )
    problems = syndicated(publication)[1]
    assert [one.partition(":")[0] for one in problems] == ["templates/feed/entry.html, line 1"]
    items = json_feed(publication, "en")["items"]
    assert [item["title"] for item in items] == ["Tide", "Fog"]
    assert "Words." in items[0]["content_html"]
    assert items[1]["content_html"] == "<p>x</p>"
