from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import (
    changes,
    override,
    public,
    rss,
    syndicated,
)
from tests.publisher.syndication.test_publish import documents, tides


def test_a_broken_template_leaves_feeds_unchanged(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    broken = override(publication, "feed/entry.html", "{{ item.article.nothing.at.all }}")
    with changes(public(publication)) as found:
        _changed, problems = syndicated(publication)
    assert documents(found) == set()
    names = [problem.partition(":")[0] for problem in problems]
    assert names == ["feeds/en", "feeds/ar", "feeds/all"]
    assert "templates/feed/entry.html, line 1" in problems[0]
    broken.write_text("<p>Short.</p>")
    assert syndicated(publication)[1] == []
    assert rss(publication, "en").entries[0].content[0].value == "<p>Short.</p>"
