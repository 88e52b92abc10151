import shutil
from collections.abc import Callable

import pytest

from publisher.app.lost_state import has_state, refuse_lost_state
from publisher.app.run import open_locked_pipeline
from publisher.errors import LostStateError
from tests.publisher.cli.conftest import run
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe
from tests.publisher.printing import pipeline_of

__all__ = ["run"]


@pytest.fixture
def published(new_publication: Callable[..., PublicationFolder]) -> PublicationFolder:
    return _publish(new_publication())


def _publish(publication: PublicationFolder) -> PublicationFolder:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    subscribe(publication, ("ann@example.com", "en"))
    assert pipeline_of(publication).run().sent.messages == 1
    return publication


@pytest.mark.parametrize("folder", ["public", "outbox"])
def test_an_empty_database_beside_published_files_is_refused(
    published: PublicationFolder, publication: PublicationFolder, folder: str
) -> None:
    root = publication.settings.folders.root
    shutil.copytree(published.settings.folders.root / folder, root / folder)
    # Subscribers that were imported again are no record of what was sent.
    subscribe(publication, ("ann@example.com", "en"))
    with (
        pytest.raises(LostStateError, match=rf"{folder}/.* was written.*--new-start"),
        open_locked_pipeline(publication.settings, publication.clock),
    ):
        pass
    with open_locked_pipeline(
        publication.settings, publication.clock, new_start=True
    ) as pipeline:
        pipeline.run()
    with open_locked_pipeline(publication.settings, publication.clock):
        pass


def test_messages_in_a_maildir_were_published_too(publication: PublicationFolder) -> None:
    message = publication.settings.folders.outbox / "new" / "1.example"
    message.parent.mkdir(parents=True)
    message.write_text("Subject: Tides\n")
    with pytest.raises(LostStateError, match=r"new/1\.example was written"):
        refuse_lost_state(publication.settings, publication.database)


def test_a_first_start_beside_own_files_and_test_mails_is_none_of_a_lost_database(
    publication: PublicationFolder,
) -> None:
    folders = publication.settings.folders
    for file in (
        folders.public / "favicon.ico",
        folders.outbox / "weekly/en/test/1.eml",
        folders.outbox / "notices/1.eml",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    refuse_lost_state(publication.settings, publication.database)


def test_a_known_publication_starts(
    published: PublicationFolder, publication: PublicationFolder
) -> None:
    refuse_lost_state(published.settings, published.database)
    known = []
    for one in (published, publication):
        with one.database.reading() as connection:
            known.append(has_state(connection))
    assert known == [True, False]


def test_the_command_names_the_file_and_the_option(
    run: Callable[..., tuple[int, str, str]], publication: PublicationFolder
) -> None:
    root = publication.settings.folders.root
    index = root / "public/feeds/index.opml"
    index.parent.mkdir(parents=True)
    index.write_text("<opml/>")
    code, _out, err = run("run", "--once", root)
    assert code == 1
    assert f"{index} was written" in err
    assert run("run", "--once", "--new-start", root)[0] == 0
    assert run("run", "--once", root)[0] == 0
