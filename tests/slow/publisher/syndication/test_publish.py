from tests.publisher.conftest import House
from tests.publisher.printing import (
    changes,
    override,
    public,
    rss,
    syndicated,
)
from tests.publisher.syndication.test_publish import documents, tides


def test_a_broken_template_leaves_feeds_unchanged(house: House) -> None:
    tides(house)
    syndicated(house)
    broken = override(house, "feed/entry.html", "{{ item.article.nothing.at.all }}")
    with changes(public(house)) as found:
        _changed, problems = syndicated(house)
    assert documents(found) == set()
    names = [problem.partition(":")[0] for problem in problems]
    assert names == ["feeds/en", "feeds/ar", "feeds/all"]
    assert "templates/feed/entry.html, line 1" in problems[0]
    broken.write_text("<p>Short.</p>")
    assert syndicated(house)[1] == []
    assert rss(house, "en").entries[0].content[0].value == "<p>Short.</p>"
