"""A page that is kept for many shows each subscriber the own values, and nothing of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from publisher.web.kept_pages import KeptPages
from tests.publisher.conftest import PublicationFolder


class Template:
    """A page with a name and a link, which counts how often it is rendered."""

    def __init__(self) -> None:
        self.rendered = 0

    def __call__(self, own: Mapping[str, str]) -> str:
        self.rendered += 1
        return f'<p>{own["name"]}</p><a href="/?t={own["token"]}">{own["name"]}</a>'


def test_everybody_has_the_own_values_in_a_page_that_is_rendered_once(
    publication: PublicationFolder,
) -> None:
    pages, template = KeptPages(), Template()
    for name, shown in (("Ann", "Ann"), ("<b>&", "&lt;b&gt;&amp;"), ("", "")):
        own = {"name": name, "token": f"v2.{len(name)}"}
        assert pages.fill(publication.settings, "key", own, template) == (
            f'<p>{shown}</p><a href="/?t=v2.{len(name)}">{shown}</a>'
        )
    assert template.rendered == 1


def test_another_choice_and_other_settings_have_a_page_of_their_own(
    publication: PublicationFolder,
) -> None:
    pages, template = KeptPages(), Template()
    own = {"name": "Ann", "token": "v2"}
    for settings in (publication.settings, replace(publication.settings)):
        for key in ("one", "other", "one"):
            pages.fill(settings, key, own, template)
    assert template.rendered == 4


def test_no_more_pages_are_kept_than_fit(publication: PublicationFolder) -> None:
    pages, template = KeptPages(), Template()
    own = {"name": "Ann", "token": "v2"}
    for key in range(1000):
        pages.fill(publication.settings, key, own, template)
    pages.fill(publication.settings, 0, own, template)
    assert template.rendered == 1001
