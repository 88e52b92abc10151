import pytest

from publisher.site import writer
from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import changes, override, public, shown
from tests.publisher.site.test_writer import text_of
from tests.publisher.syndication.test_publish import tides


def test_a_custom_template_changes_the_pages(publication: PublicationFolder) -> None:
    tides(publication)
    shown(publication)
    override(
        publication,
        "web/article.html",
        '{% extends "shipped/web/article.html" %}{% block title %}Mine{% endblock %}',
    )
    with changes(public(publication)) as found:
        assert shown(publication).articles == 3
    assert {path for path in found if "/stories/" in path} == found
    assert "<title>Mine</title>" in text_of(publication, "en/stories/tides")


def test_a_template_that_fails_for_one_article_does_not_stop_others(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    mine = override(
        publication,
        "web/article.html",
        '{% if item.article.slug == "maps" %}{{ item.nothing.at.all }}{% endif %}fine',
    )
    written = shown(publication)
    assert written.articles == 2
    (problem,) = written.problems
    assert problem.startswith("en/maps: templates/web/article.html, line 1")
    assert text_of(publication, "ar/stories/tides") == "fine"
    mine.write_text("mended")
    assert shown(publication).articles == 3


def test_a_template_that_fails_for_all_articles_is_tried_for_one_portion(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES_PER_TRANSACTION", 2)
    tides(publication)
    override(publication, "web/article.html", "{% nonsense %}")
    written = shown(publication)
    assert len(written.problems) == 2
    assert (written.articles, written.lists > 0) == (0, True)


def test_a_broken_list_template_stops_its_own_pages_alone(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    mine = override(publication, "web/home.html", "{{ nothing.at.all }}")
    written = shown(publication)
    assert written.articles == 3
    assert {one.partition(": ")[0] for one in written.problems} == {
        "templates/web/home.html, line 1"
    }
    mine.unlink()
    assert shown(publication).lists > 0
