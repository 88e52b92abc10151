from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import changes, override, public, rss, syndicated
from tests.publisher.syndication.test_publish import documents, tides


def test_a_mended_template_changes_the_feeds(publication: PublicationFolder) -> None:
    tides(publication)
    syndicated(publication)
    broken = override(publication, "feed/entry.html", "{{ item.article.nothing.at.all }}")
    with changes(public(publication)) as found:
        _changed, problems = syndicated(publication)
    # The built-in template makes what it made before.
    assert documents(found) == set()
    assert [one.partition(":")[0] for one in problems] == ["templates/feed/entry.html, line 1"]
    broken.write_text("<p>Short.</p>")
    assert syndicated(publication)[1] == []
    assert rss(publication, "en").entries[0].content[0].value == "<p>Short.</p>"
