import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.printing import changes, override, pipeline_of, public, shown
from tests.publisher.site.test_writer import text_of, write
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


def test_a_template_that_fails_for_one_article_costs_that_page_its_look_alone(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    mine = override(
        publication,
        "web/article.html",
        '{% if item.article.slug == "maps" %}{{ item.nothing.at.all }}{% endif %}fine',
    )
    written = shown(publication)
    assert written.articles == 3
    (problem,) = written.problems
    assert problem.startswith("templates/web/article.html, line 1")
    assert problem.endswith("; issues that are made meanwhile keep their pages")
    assert text_of(publication, "ar/stories/tides") == "fine"
    assert "<h1>Maps</h1>" in text_of(publication, "en/stories/maps")
    mine.write_text("mended")
    assert shown(publication).articles == 3


@pytest.mark.parametrize("template", ["web/article.html", "web/home.html"])
def test_a_template_that_fails_for_all_pages_is_named_once_and_the_built_in_one_is_used(
    publication: PublicationFolder, template: str
) -> None:
    tides(publication)
    mine = override(publication, template, "{% nonsense %}")
    written = shown(publication)
    assert (written.articles, written.lists > 0) == (3, True)
    assert [one.partition(": ")[0] for one in written.problems] == [
        f"templates/{template}, line 1"
    ]
    mine.unlink()
    assert shown(publication).problems == []


def test_a_cycle_that_writes_no_page_names_a_broken_template_too(
    publication: PublicationFolder,
) -> None:
    tides(publication)
    override(publication, "web/chooser.html", "{{ nothing.at.all }}")
    first, second = (pipeline_of(publication).run().problems for _ in range(2))
    assert first == second
    assert [one.partition(": ")[0] for one in first] == ["templates/web/chooser.html, line 1"]


def test_templates_without_these_links_have_no_page_written_for_them(
    publication: PublicationFolder,
) -> None:
    override(publication, "web/article.html", "{{ item.article.title }}")
    for day in (4, 5):
        write(publication, f"{day}", day)
    shown(publication)
    write(publication, "6", 6)
    assert shown(publication).articles == 1
