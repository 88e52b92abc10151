"""Files that are written whole, locks of processes, secrets, and hashes of what was built."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from publisher import files, web_files
from publisher.app.opening import protect_state
from publisher.config import Folders
from publisher.database import open_database
from publisher.delivery.transports.outbox import StagingArea
from publisher.errors import BusyError, ConfigError, DatabaseError
from publisher.leader.process_lock import hold_publication_lock
from publisher.secrets import DEMO_SECRET, load_secret, require_own_secret, store_secret
from tests.databases import database_address
from tests.publisher.config.samples import settings

LONG_AGO = (1_000_000_000, 1_000_000_000)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_new_file_is_written_with_its_folders_which_are_made_once(tmp_path: Path) -> None:
    assert files.write_if_changed(tmp_path / "en" / "weekly" / "index.html", b"one")
    assert names(tmp_path) == {"en/weekly/index.html"}
    assert (tmp_path / "en/weekly/index.html").read_bytes() == b"one"
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_an_unchanged_file_keeps_its_time_and_its_inode(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    files.write_file(path, b"one")
    os.utime(path, LONG_AGO)
    before = path.stat()
    assert not files.write_if_changed(path, b"one")
    assert (path.stat().st_mtime, path.stat().st_ino) == (LONG_AGO[1], before.st_ino)


def test_a_changed_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    files.write_file(path, b"one, and longer")
    with path.open("rb") as reader:
        assert files.write_if_changed(path, b"two")
        assert reader.read() == b"one, and longer", "who reads the old one reads it to its end"
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == {"feed.xml"}


def test_what_an_interrupted_write_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".feed.xml.part").write_bytes(b"half of something lon")
    files.write_file(tmp_path / "feed.xml", b"whole")
    assert names(tmp_path) == {"feed.xml"}
    assert (tmp_path / "feed.xml").read_bytes() == b"whole"


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "feed.xml" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        files.write_file(tmp_path / "feed.xml", b"new")
    assert (tmp_path / "feed.xml" / "in the way").is_dir()


def test_removing_takes_empty_folders_along_but_never_the_top(tmp_path: Path) -> None:
    top = tmp_path / "public"
    files.write_file(top / "en" / "stories" / "one" / "index.html", b"")
    files.remove_file(top / "en" / "stories" / "one" / "index.html", top)
    assert top.is_dir()
    assert not (top / "en").exists()


def test_removing_stops_at_a_folder_that_holds_something(tmp_path: Path) -> None:
    files.write_file(tmp_path / "en" / "one" / "index.html", b"")
    files.write_file(tmp_path / "en" / "two" / "index.html", b"")
    files.remove_file(tmp_path / "en" / "one" / "index.html", tmp_path)
    assert names(tmp_path) == {"en/two/index.html"}
    assert not (tmp_path / "en" / "one").exists()


def test_removing_never_climbs_outside_and_takes_what_is_not_there(tmp_path: Path) -> None:
    files.remove_file(tmp_path / "en" / "gone.html", tmp_path)
    assert tmp_path.is_dir()
    files.write_file(tmp_path / "elsewhere" / "a.html", b"")
    files.remove_file(tmp_path / "elsewhere" / "a.html", tmp_path / "public")
    assert (tmp_path / "elsewhere").is_dir()
    assert names(tmp_path) == set()


def test_what_is_written_through_is_whole_and_replaces_what_was_there(tmp_path: Path) -> None:
    for content in (b"longer than what follows", b"short"):
        files.write_durably(tmp_path / "mail", content)
        assert names(tmp_path) == {"mail"}
        assert (tmp_path / "mail").read_bytes() == content


def test_the_lock_is_free_again_after_use_and_after_an_error(tmp_path: Path) -> None:
    with hold_publication_lock(Folders(tmp_path)):
        pass
    with pytest.raises(ZeroDivisionError), hold_publication_lock(Folders(tmp_path)):
        raise ZeroDivisionError
    with hold_publication_lock(Folders(tmp_path)):
        pass


def test_a_lock_is_held_once_in_a_process(tmp_path: Path) -> None:
    with (
        hold_publication_lock(Folders(tmp_path)),
        pytest.raises(BusyError),
        hold_publication_lock(Folders(tmp_path)),
    ):
        pytest.fail("two held the lock")


def test_two_publications_do_not_hinder_each_other(tmp_path: Path) -> None:
    with (
        hold_publication_lock(Folders(tmp_path / "a")),
        hold_publication_lock(Folders(tmp_path / "b")),
    ):
        held = [path.parts[-3] for path in sorted(tmp_path.glob("*/var/lock"))]
    assert held == ["a", "b"]


def test_a_holder_that_has_not_written_its_name_is_unknown(tmp_path: Path) -> None:
    with hold_publication_lock(Folders(tmp_path)):
        (tmp_path / "var" / "lock").write_text("")
        with (
            pytest.raises(BusyError, match="process unknown"),
            hold_publication_lock(Folders(tmp_path)),
        ):
            pytest.fail("two held the lock")


def test_a_lock_that_cannot_be_kept_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(DatabaseError) as caught, hold_publication_lock(Folders(tmp_path)):
        pytest.fail("there is no lock")
    assert str(caught.value) == f"{tmp_path / 'var'}: can't be locked: File exists"


@pytest.fixture
def no_umask() -> Iterator[None]:
    """A umask that takes no right from anybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(*paths: Path) -> list[str]:
    return [f"{stat.S_IMODE(path.stat().st_mode):o}" for path in paths]


@pytest.mark.usefixtures("no_umask")
@pytest.mark.sqlite("the file's rights")
@pytest.mark.parametrize(
    ("before", "folder", "file"),
    [
        *((None, "700", "600"), (0o755, "700", "600"), (0o2770, "2770", "660")),
        (0o750, "750", "640"),
    ],
)
def test_others_read_neither_database_nor_messages_and_a_group_that_was_let_in_still_does(
    tmp_path: Path, before: int | None, folder: str, file: str
) -> None:
    publication = settings(tmp_path)
    var, outbox = publication.folders.var, publication.folders.outbox
    for one in (var, outbox):
        if before is not None:
            one.mkdir()
            one.chmod(before)
    database = var / "publisher.db"
    protect_state(publication)
    # Also a database that was made while everybody could read it.
    for _turn in range(2):
        with closing(open_database(publication.database)) as opened, opened.writing():
            beside = [var / f"publisher.db{suffix}" for suffix in ("", "-wal", "-shm")]
            assert modes(*beside) == [file] * 3
        if before is None or before == 0o755:
            database.chmod(0o644)
    StagingArea(outbox).open(1)
    assert modes(var, outbox) == [folder, folder]


GIVEN = "a secret of the environment"


def test_the_environments_secret_goes_first_and_another_is_made_once_for_each_publication(
    tmp_path: Path,
) -> None:
    assert load_secret(settings(tmp_path, {"PUBLISHER_SECRET": GIVEN})) == GIVEN
    assert not (tmp_path / "var").exists()
    first = load_secret(settings(tmp_path))
    assert len(first) >= 32
    assert load_secret(settings(tmp_path)) == first
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret"]
    load_secret(settings(tmp_path))
    assert stat.S_IMODE((tmp_path / "var" / "secret").stat().st_mode) == 0o600
    assert load_secret(settings(tmp_path / "a")) != load_secret(settings(tmp_path / "b"))


def test_the_demo_s_secret_signs_nothing_that_leaves_this_machine(tmp_path: Path) -> None:
    demo = settings(tmp_path)
    store_secret(demo, DEMO_SECRET)
    assert load_secret(demo) == DEMO_SECRET
    require_own_secret(demo, "127.0.0.1")
    require_own_secret(demo, "[::1]")
    with pytest.raises(
        ConfigError, match=r"pages are served at 0\.0\.0\.0: anybody could sign"
    ):
        require_own_secret(demo, "0.0.0.0")
    sending = replace(demo, delivery=demo.delivery.model_copy(update={"transport": "smtp"}))
    with pytest.raises(ConfigError, match=r'delivery\.transport is "smtp": anybody could sign'):
        load_secret(sending)
    demo.folders.var.joinpath("secret").unlink()
    require_own_secret(demo, "0.0.0.0")
    assert load_secret(sending) != DEMO_SECRET


def test_processes_that_create_the_key_at_the_same_time_use_the_same_one(
    tmp_path: Path,
) -> None:
    publication = settings(tmp_path)
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: load_secret(publication), range(64)))
    assert len(made) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 64])
def test_a_damaged_secret_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "var" / "secret"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"secret: damaged; restore it .* PUBLISHER_SECRET$"):
        load_secret(settings(tmp_path))
    assert path.read_bytes() == content


def test_a_secret_that_cannot_be_kept_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    with pytest.raises(ConfigError) as caught:
        load_secret(settings(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path / 'var' / 'secret'}: can't be stored: File exists; set PUBLISHER_SECRET"
    )


@pytest.mark.parametrize("show", [repr, str])
def test_secrets_print_as_stars(tmp_path: Path, show: object) -> None:
    publication = settings(tmp_path, {"PUBLISHER_SECRET": GIVEN})
    assert callable(show)
    assert GIVEN not in show(publication)
    assert "**********" in show(publication)


def test_the_last_stored_hash_is_returned(tmp_path: Path) -> None:
    database = open_database(database_address(tmp_path / "publisher.db"))
    with database.writing() as connection:
        assert web_files.cached_hash(connection, "feeds/en") is None
        web_files.store_hash(connection, "feeds/en", "first")
        web_files.store_hash(connection, "feeds/ar", "other")
        web_files.store_hash(connection, "feeds/en", "second")
    with database.reading() as connection:
        assert web_files.cached_hash(connection, "feeds/en") == "second"
        assert web_files.cached_hash(connection, "feeds/ar") == "other"
    database.close()


def test_hashes_differ_for_different_inputs_only_and_take_lone_surrogates() -> None:
    assert web_files.hash_inputs("a", 1) == web_files.hash_inputs("a", 1)
    different = [(), ("a",), ("a", 1), ("a1",), ("a", "1"), (("a", 1),), (1, "a"), ("灯",)]
    assert len({web_files.hash_inputs(*inputs) for inputs in different}) == len(different)
    assert len(web_files.hash_inputs("\ud800")) == 64
