"""A folder or a database that was put back: what notices it, and what a person can decide."""

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from publisher.app.operation.cycle import deliver_due
from publisher.app.operation.run import open_locked_pipeline
from publisher.app.start_checks import refuse_lost_state, require_whole
from publisher.config import Folders
from publisher.database import open_database
from publisher.delivery.lineage.quarantine import find_quarantine
from publisher.delivery.lineage.witness import second_folder, set_lineage
from publisher.errors import DatabaseError
from publisher.testing import make_publication
from tests.publisher.app.restoring import Scene
from tests.publisher.conftest import NOW, PublicationFolder

# --- a second witness, in the state directory


@pytest.fixture
def state_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def put_back(scene: Scene, snapshot: Path) -> None:
    """Have the whole folder as it was."""
    root = scene.publication.settings.folders.root
    scene.database.close()
    shutil.rmtree(root)
    shutil.copytree(snapshot, root)
    scene.publication.database = open_database(scene.publication.settings.database)


@pytest.mark.sqlite("the file is in the folder")
@pytest.mark.parametrize("finds_home", [True, False])
def test_a_snapshot_of_the_whole_folder_is_noticed_and_sends_nothing_twice(
    publication: PublicationFolder,
    state_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    finds_home: bool,
) -> None:
    scene = Scene(publication)
    scene.cycle()
    scene.database.close()
    snapshot = shutil.copytree(publication.settings.folders.root, tmp_path / "snapshot")
    put_back(scene, snapshot)
    scene.send()
    put_back(scene, snapshot)
    assert f"it is older than {state_home}/publisher/publication-1-" in str(scene.look())
    if not finds_home:
        # As in a shell of another user than the service.
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.delenv("HOME")
    assert scene.recover().is_complete is finds_home
    scene.cycle()
    scene.send()
    assert {*scene.sent.values()} == {1}


@pytest.mark.sqlite("the file is in the folder")
@pytest.mark.usefixtures("state_home")
def test_a_copy_elsewhere_and_a_new_publication_in_its_place_are_no_old_databases(
    publication: PublicationFolder, empty_database: Path, tmp_path: Path
) -> None:
    scene = Scene(publication)
    scene.cycle()
    scene.send()
    scene.database.close()
    here = publication.settings.folders
    copy = replace(publication.settings, folders=Folders(tmp_path / "copy"))
    shutil.copytree(here.root, copy.folders.root)
    for settings in (copy, publication.settings):
        with closing(open_database(settings.database)) as database:
            assert find_quarantine(settings, database, NOW) is None
    shutil.rmtree(here.root)
    shutil.copytree(copy.folders.root, here.root, ignore=shutil.ignore_patterns("var"))
    shutil.rmtree(here.public)
    here.var.mkdir()
    shutil.copyfile(empty_database, here.database)
    with closing(open_database(here.database)) as database:
        with database.writing() as connection:
            set_lineage(connection, incarnation="another")
        assert find_quarantine(publication.settings, database, NOW) is None
        refuse_lost_state(publication.settings, database)


@pytest.mark.parametrize(
    ("variables", "found"),
    [
        ({"STATE_DIRECTORY": "{tmp}/unit:{tmp}/b", "XDG_STATE_HOME": "{tmp}/user"}, "unit"),
        ({"XDG_STATE_HOME": "{tmp}/user", "HOME": "{tmp}/home"}, "user"),
        ({"XDG_STATE_HOME": "user", "HOME": "{tmp}/home"}, "home/.local/state"),
        ({"XDG_STATE_HOME": "{tmp}/lantern/state"}, None),
        ({"XDG_STATE_HOME": "/dev/null/state"}, None),
        ({}, None),
    ],
)
def test_the_state_directory_is_outside_the_publication_or_there_is_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    found: str | None,
) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    settings = make_publication(tmp_path / "lantern")
    second = second_folder(settings)
    assert (second and second.parent) == (found and tmp_path / found / "publisher")
    none = settings.delivery.model_copy(update={"witness": False})
    assert second_folder(replace(settings, delivery=none)) is None
    assert not (tmp_path / "user").exists()


@pytest.mark.parametrize("has_second", [True, False])
def test_a_damaged_witness_counts_as_none_of_this_database_and_is_named(
    publication: PublicationFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    has_second: bool,
) -> None:
    if has_second:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    scene = Scene(publication)
    scene.cycle()
    scene.send()
    witness = publication.settings.folders.var / "witness"
    size = witness.stat().st_size
    witness.write_bytes(bytes(size))
    said = scene.look()
    if has_second:
        assert said is None
    else:
        assert f"{witness} is damaged, and does not say" in str(said)
        assert not scene.recover().is_complete
    assert scene.look() is None
    assert witness.read_bytes().strip(b"\0")


# --- a file that is damaged


@pytest.mark.sqlite("the file")
def test_a_file_that_is_not_whole_after_a_kill_is_refused_before_anything_is_sent_from_it(
    publication: PublicationFolder,
) -> None:
    settings, clock = publication.settings, publication.clock
    publication.database.close()
    with open_locked_pipeline(settings, clock):
        pass
    with settings.folders.database.open("r+b") as file:
        file.seek(-4096, 2)
        file.write(b"\xff" * 4096)
    # After a clean end a start looks through no file: that takes long.
    require_whole(settings, was_killed=False)
    (settings.folders.var / "lock").write_text("4711\n")
    said = r"publisher\.db: is damaged \(.*\), so nothing is sent from it\. .*publisher restore"
    for _ in range(2):
        with pytest.raises(DatabaseError, match=said), open_locked_pipeline(settings, clock):
            pass
        with pytest.raises(DatabaseError, match=said):
            deliver_due(settings, clock)
    (settings.folders.var / "lock").write_text("")
    settings.folders.senders.mkdir(exist_ok=True)
    (settings.folders.senders / "of-a-killed-one.lock").touch()
    with pytest.raises(DatabaseError, match=said):
        deliver_due(settings, clock)
