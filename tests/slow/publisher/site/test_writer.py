import pytest

from publisher.site import writer
from tests.publisher.conftest import House
from tests.publisher.printing import changes, override, public, shown
from tests.publisher.site.test_writer import text_of, tides


def test_a_custom_template_changes_the_pages(house: House) -> None:
    tides(house)
    shown(house)
    override(
        house,
        "web/article.html",
        '{% extends "shipped/web/article.html" %}{% block title %}Mine{% endblock %}',
    )
    with changes(public(house)) as found:
        assert shown(house).articles == 3
    assert {path for path in found if "/stories/" in path} == found
    assert "<title>Mine</title>" in text_of(house, "en/stories/tides")


def test_a_template_that_fails_for_one_article_does_not_stop_others(house: House) -> None:
    tides(house)
    mine = override(
        house,
        "web/article.html",
        '{% if item.article.slug == "maps" %}{{ item.nothing.at.all }}{% endif %}fine',
    )
    written = shown(house)
    assert written.articles == 2
    (problem,) = written.problems
    assert problem.startswith("en/maps: templates/web/article.html, line 1")
    assert text_of(house, "ar/stories/tides") == "fine"
    mine.write_text("mended")
    assert shown(house).articles == 3


def test_a_template_that_fails_for_all_articles_is_tried_for_one_portion(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAGES_PER_TRANSACTION", 2)
    tides(house)
    override(house, "web/article.html", "{% nonsense %}")
    written = shown(house)
    assert len(written.problems) == 2
    assert (written.articles, written.lists > 0) == (0, True)


def test_a_broken_list_template_does_not_stop_article_pages(house: House) -> None:
    tides(house)
    mine = override(house, "web/home.html", "{{ nothing.at.all }}")
    written = shown(house)
    assert (written.articles, written.lists) == (3, 0)
    (problem,) = written.problems
    assert problem.startswith("templates/web/home.html, line 1")
    mine.unlink()
    assert shown(house).lists > 0
