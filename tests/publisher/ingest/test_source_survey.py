"""What a look at a source says is what the next pick-up does, and nothing is stored by it."""

from pathlib import Path

import pytest

from publisher.errors import SourceError
from publisher.ingest.reports import source_survey
from publisher.ingest.reports.source_survey import FoundArticle, SourceSurvey, survey_source
from publisher.ingest.tables import source_table
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.ingest.helpers import png

LATER = {"date": "2026-02-01"}


def survey(publication: PublicationFolder) -> SourceSurvey:
    (options,) = publication.settings.sources
    return survey_source(publication.settings, options, publication.database, NOW)


def numbers(found: SourceSurvey) -> tuple[int, ...]:
    return found.new, found.changed, found.moved, found.unchanged, found.gone


def public_files(publication: PublicationFolder) -> set[Path]:
    return {one for one in publication.settings.folders.public.rglob("*") if one.is_file()}


@pytest.fixture
def changed(publication: PublicationFolder) -> PublicationFolder:
    """A folder with everything that can have become of a file since the last pick-up."""
    for name in ("same", "edited", "renamed", "deleted"):
        publication.write(f"en/{name}.md", f"Of {name}.", title=name.title(), date="2026-01-05")
    publication.pick_up()
    publication.write("en/edited.md", "Other words.", title="Edited", date="2026-01-05")
    folder = publication.articles / "en"
    (folder / "renamed.md").rename(folder / "moved.md")
    (folder / "deleted.md").unlink()
    publication.write("ar/new.md", "كلمات.\n\n![صورة](tide.png)", title="جديد", **LATER)
    (publication.articles / "ar/tide.png").write_bytes(png(8, 8))
    publication.write("en/broken.md", "---\ntitle: [\n---\n")
    publication.write("en/twin.md", "Again.", title="Same", key="same", date="2026-01-06")
    publication.write("en/draft.md", "Soon.", title="Draft", draft=True)
    return publication


def test_a_survey_counts_and_names_what_the_next_pick_up_does_and_stores_nothing(
    changed: PublicationFolder,
) -> None:
    rows, files = changed.everything(), public_files(changed)
    assert survey(changed).new == 1
    assert changed.everything() == rows
    assert public_files(changed) == files
    found = survey(changed)
    assert found.languages == {"ar": 1, "en": 1}
    new = next(one for one in found.articles if one.is_new)
    assert isinstance(new, FoundArticle)
    assert (new.file, new.title, new.language) == ("ar/new.md", "جديد", "ar")
    assert new.published_at > NOW
    assert [one.title for one in found.articles if not one.is_new] == ["Edited"]
    found = survey(changed)
    assert numbers(found) == (1, 1, 1, 1, 1)
    (refused, twin) = sorted(found.refused)
    assert refused[0] == "en/broken.md"
    assert twin[0] == "en/twin.md"
    assert "has its en article in en/same.md already" in twin[1]
    assert found.left_out == {"draft": 1}
    assert (found.documents, found.unread, found.is_held) == (7, 0, False)
    done = changed.pick_up()
    assert (done.new, done.changed, done.moved, done.removed) == (1, 1, 1, 1)
    assert {*changed.quarantine()} == {file for file, _reason in found.refused}
    assert dict(found.refused) == changed.quarantine()


def test_a_source_that_was_never_read_is_all_new(publication: PublicationFolder) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    rows = publication.everything()
    assert numbers(survey(publication)) == (1, 0, 0, 0, 0)
    assert publication.everything() == rows
    assert publication.rows(source_table) == []


def test_files_that_are_read_again_for_other_settings_are_unchanged_if_they_say_the_same(
    changed: PublicationFolder,
) -> None:
    changed.pick_up()
    changed.reload(languages=["en", "ar", "fr"])
    found = survey(changed)
    assert (found.new, found.changed, found.unchanged) == (0, 0, 4)


def test_a_survey_ends_after_so_many_files_and_says_how_many_are_left(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_survey, "MOST_READ", 2)
    for number in range(5):
        publication.write(f"en/{number}.md", f"Words {number}.", title=f"Story {number}")
    found = survey(publication)
    assert (found.new, found.unread) == (2, 3)


def test_a_survey_ends_when_its_time_is_over(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_survey, "MOST_SECONDS", 0.0)
    publication.write("en/tides.md", "The tide waits.", title="Tides")
    found = survey(publication)
    assert (found.new, found.unread) == (0, 1)


def test_a_sudden_loss_is_foreseen(publication: PublicationFolder) -> None:
    for number in range(5):
        publication.write(f"en/{number}.md", f"Words {number}.", title=f"Story {number}")
    publication.pick_up()
    for number in range(4):
        (publication.articles / f"en/{number}.md").unlink()
    found = survey(publication)
    assert (found.gone, found.is_held) == (4, True)
    assert publication.pick_up().removed == 0


def test_a_folder_that_is_not_there_is_an_error_that_names_it(
    publication: PublicationFolder,
) -> None:
    publication.articles.rename(publication.articles.with_name("elsewhere"))
    with pytest.raises(SourceError, match="articles: can't be read: No such file"):
        survey(publication)
