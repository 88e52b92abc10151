"""A publication for a site that is there: asked nothing, published by the next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.app.new import check_free_folder
from publisher.app.pipeline import open_pipeline
from publisher.app.site_publication import create_from_site
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.config.sources import FolderSourceSettings
from publisher.errors import UsageError
from tests.databases import at_database
from tests.publisher.conftest import NOW
from tests.publisher.ingest.sites.helpers import build, page

HUGO = """
baseURL = "https://tidewatch.example/"
title = "Tide \\"watch\\", daily"
timeZone = "Europe/Paris"
[languages.en]
contentDir = "content/en"
[languages.fr]
contentDir = "content/fr"
"""


def french(**fields: str) -> str:
    """Return a document with another text: a copy of the English one would not count as translated."""
    return page(**fields).replace("The tide comes in.", "La marée monte.")


def hugo_site(folder: Path) -> Path:
    return build(
        folder,
        {
            "hugo.toml": HUGO,
            "content/en/posts/tide.md": page(title="Tide", date="2026-01-08"),
            "content/en/posts/ebb.md": page(title="Ebb"),
            "content/fr/posts/tide.md": french(title="Marée", date="2026-01-08"),
            "content/en/posts/off.md": page(title="Off", draft="true"),
            "content/en/posts/bad.md": "---\ntitle: [\n---\nText.\n",
            "content/en/_index.md": page(title="Home"),
        },
    )


def test_a_site_is_understood_and_its_settings_are_written(tmp_path: Path) -> None:
    survey = create_from_site(tmp_path / "mine", hugo_site(tmp_path / "site"))
    assert (survey.generator, survey.url) == ("hugo", "https://tidewatch.example")
    assert dict(survey.languages) == {"en": 2, "fr": 1}
    assert (len(survey.stories), survey.linked, survey.undated) == (2, 1, 1)
    assert survey.held_back == {"draft": 1}
    ((unreadable, reason),) = survey.unreadable
    assert unreadable == "content/en/posts/bad.md"
    assert "front matter, line" in reason
    settings = load_settings(tmp_path / "mine")
    publication = settings.publication
    assert publication.title("en") == 'Tide "watch", daily'
    assert publication.url == "https://tidewatch.example"
    assert publication.languages == ("en", "fr")
    assert publication.timezone == "Europe/Paris"
    (source,) = settings.sources
    assert isinstance(source, FolderSourceSettings)
    assert (source.path, source.site) == ("../site", "hugo")


def test_the_next_command_publishes_it(tmp_path: Path) -> None:
    create_from_site(tmp_path / "mine", hugo_site(tmp_path / "site"))
    settings = at_database(load_settings(tmp_path / "mine"))
    with open_pipeline(settings, FixedClock(NOW)) as pipeline:
        report = pipeline.run()
    assert (report.picked_up.new, report.picked_up.quarantined) == (3, 1)


@pytest.mark.parametrize(
    ("files", "languages"),
    [
        ({"en/a.md": page(title="A"), "fr/a.md": french(title="A")}, {"en": 1, "fr": 1}),
        ({"a.md": page(title="A"), "a.zh-TW.md": french(title="A")}, {"en": 1, "zh-Hant": 1}),
        ({"a.md": page(title="A", lang="de"), "art/b.md": page(title="B")}, {"en": 1, "de": 1}),
    ],
)
def test_a_plain_folder_has_the_languages_of_its_names(
    tmp_path: Path, files: dict[str, str], languages: dict[str, int]
) -> None:
    survey = create_from_site(tmp_path / "mine", build(tmp_path / "texts", files))
    assert survey.generator == "plain"
    assert dict(survey.languages) == languages
    assert load_settings(tmp_path / "mine").publication.languages == tuple(languages)


def test_what_is_no_site_is_refused_with_what_to_do(tmp_path: Path) -> None:
    site = build(tmp_path / "site", {"x.css": ""})
    with pytest.raises(UsageError, match="no article was found"):
        create_from_site(tmp_path / "mine", site)
    with pytest.raises(UsageError, match="is not a folder"):
        create_from_site(tmp_path / "mine", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="choose a folder beside"):
        create_from_site(site / "mine", site)
    assert not (tmp_path / "mine").exists()


def test_a_folder_with_files_is_not_taken(tmp_path: Path) -> None:
    check_free_folder(tmp_path / "mine")
    create_from_site(tmp_path / "mine", hugo_site(tmp_path / "site"))
    with pytest.raises(UsageError, match="is there already"):
        check_free_folder(tmp_path / "mine")
    with pytest.raises(UsageError, match="is not an empty folder"):
        check_free_folder(tmp_path / "site")


def test_entities_in_the_title_of_a_site_are_characters(tmp_path: Path) -> None:
    files = {"_config.yml": 'title: "Caf&eacute; &amp; Co"\n', "_posts/2026-01-09-a.md": page()}
    create_from_site(tmp_path / "mine", build(tmp_path / "site", files))
    assert load_settings(tmp_path / "mine").publication.title("en") == "Café & Co"
