"""Lists that are imported: what a kill, a busy database and days that pass make of them, and what the command says."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from publisher.accounts.model import Grant, Role, terminal_actor
from publisher.app.editing_state import EditingState
from publisher.app.subscribers import lists
from publisher.app.subscribers.records import read_subscribers
from publisher.app.subscribers.uploaded_lists import (
    ImportState,
    KeptImport,
    delete_expired_imports,
    imports_folder,
)
from publisher.errors import DatabaseError, ForbiddenError, UsageError
from tests.publisher.app.editing import audit_log
from tests.publisher.cli.conftest import Run, run
from tests.publisher.conftest import PublicationFolder, editing_state

ROOT = terminal_actor()
KEY = "0123456789abcdef" * 2
ROWS = b"email\n" + b"".join(b"reader%d@example.com\n" % number for number in range(250))


def kept(state: EditingState) -> KeptImport:
    return lists.find_import(state, ROOT, KEY)


def begun(state: EditingState, content: bytes = ROWS) -> None:
    lists.keep_list(state, ROOT, KEY, io.BytesIO(content))
    lists.begin_import(state, ROOT, KEY)


def test_an_import_that_was_cut_off_is_begun_again_by_another_click_and_stores_the_rest(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = lists.keep_list(state, ROOT, KEY, io.BytesIO(ROWS))
    assert (looked_at.report["added"], read_subscribers(state.database)) == (250, [])

    def killed(done: int, _of: int) -> None:
        if done:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lists, "_bound_rows", killed)
        with pytest.raises(KeyboardInterrupt):
            lists.begin_import(state, ROOT, KEY)
    # What the dry run said is not true any more.
    assert (kept(state).state, kept(state).report) == (ImportState.CHECKED, {})
    assert len(read_subscribers(state.database)) == 100
    lists.begin_import(state, ROOT, KEY)
    ended = kept(state)
    assert ended.state is ImportState.DONE
    assert (ended.report["added"], ended.report["unchanged"]) == (150, 100)
    verbs = [entry.verb for entry in audit_log(state)]
    assert verbs[:3] == ["import-subscribers", "begin-import", "begin-import"]


def test_a_database_that_fails_leaves_the_list_to_be_imported_again(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise DatabaseError("the database is busy")

    def keep() -> None:
        lists.keep_list(state, ROOT, KEY, io.BytesIO(ROWS))

    verbs: dict[str, Callable[[], None]] = {
        "preview_list": keep,
        "import_list": partial(lists.begin_import, state, ROOT, KEY),
    }
    for name, verb in verbs.items():
        with monkeypatch.context() as patched:
            patched.setattr(lists, name, fail)
            with pytest.raises(DatabaseError):
                verb()
        assert kept(state).state is ImportState.CHECKED
        verb()
        assert kept(state).report["added"] == 250


def test_a_list_that_takes_too_long_for_a_browser_is_refused_and_nothing_is_kept(
    state: EditingState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MAX_LIST_ROWS", 249)
    begun(state)
    assert (kept(state).state, read_subscribers(state.database)) == (ImportState.FAILED, [])
    assert "has 250 rows, and the console imports 249 at most" in kept(state).problem
    assert not (imports_folder(state.settings.folders) / KEY / "list.csv").exists()


def test_a_list_that_nobody_imports_is_deleted_after_two_days_and_rejects_after_seven(
    state: EditingState,
) -> None:
    begun(state, ROWS + b"nonsense\n")
    waits = "f" * 32
    lists.keep_list(state, ROOT, waits, io.BytesIO(ROWS))
    settings, now = state.settings, state.clock.now()
    folder = imports_folder(settings.folders)
    assert delete_expired_imports(settings, now + timedelta(days=1, hours=23)) == 0
    assert (folder / waits / "list.csv").exists()
    assert delete_expired_imports(settings, now + timedelta(days=2)) == 1
    assert [one.name for one in folder.iterdir()] == [KEY]
    assert delete_expired_imports(settings, now + timedelta(days=7)) == 1
    assert [*folder.iterdir()] == []


def test_a_finished_import_is_listed_with_what_was_left_out_until_it_is_deleted(
    state: EditingState,
) -> None:
    begun(state, b"email\nnonsense\n")
    rejects = b"".join(lists.read_rejects(state, ROOT, KEY, str)).decode("utf-8-sig")
    assert rejects.splitlines() == ["line,reason,email", "2,email: it has no @-sign,nonsense"]
    assert [one.key for one in lists.list_imports(state, ROOT)] == [KEY]
    for _time in range(2):
        lists.discard_import(state, ROOT, KEY)
    assert lists.list_imports(state, ROOT) == []


def test_only_who_may_change_all_subscribers_imports(state: EditingState) -> None:
    lists.keep_list(state, ROOT, KEY, io.BytesIO(ROWS))
    translator = replace(ROOT, grants=(Grant(Role.TRANSLATOR, "en"),))
    for verb in (lists.begin_import, lists.discard_import):
        with pytest.raises(ForbiddenError):
            verb(state, translator, KEY)
    with pytest.raises(ForbiddenError):
        lists.require_all_subscribers(state, translator)


def test_an_upload_that_was_cut_off_leaves_nothing_for_long(state: EditingState) -> None:
    begun(state)
    rest = imports_folder(state.settings.folders) / ".abc"
    rest.mkdir()
    (rest / "list.csv").write_bytes(ROWS)
    later = timedelta(days=365 * 100)  # the file's time is that of the machine
    delete_expired_imports(state.settings, state.clock.now() + later)
    assert not rest.exists()


@pytest.mark.parametrize("status", [None, "", '{"key": "x"}', '{"of": "another version"}'])
def test_a_deletion_that_was_cut_off_or_an_unknown_status_stops_no_cycle_and_is_deleted(
    state: EditingState, status: str | None
) -> None:
    begun(state)
    folder = imports_folder(state.settings.folders) / ("f" * 32)
    folder.mkdir()
    (folder / "list.csv").write_bytes(ROWS)
    if status is not None:
        (folder / "status.json").write_text(status)
    now = state.clock.now()
    os.utime(folder, (now.timestamp(), now.timestamp()))
    delete_expired_imports(state.settings, now + timedelta(days=6))
    assert [one.key for one in lists.list_imports(state, ROOT)] == [KEY]
    assert (folder / "list.csv").exists()
    delete_expired_imports(state.settings, now + timedelta(days=8))
    assert not folder.exists()


@pytest.mark.parametrize("key", ["", "../secret", "x" * 32, KEY.upper()])
def test_what_is_no_key_is_no_path(state: EditingState, key: str) -> None:
    with pytest.raises(UsageError, match="no such import"):
        lists.keep_list(state, ROOT, key, io.BytesIO(ROWS))


# --- the command


__all__ = ["run"]
LIST = "Email Address;First Name;LEID\nann@example.org;Ann;7\nnonsense;;\n"


def test_the_command_says_what_a_file_holds_names_ignored_columns_and_those_of_who_gets_no_mail(
    run: Run, publication: PublicationFolder
) -> None:
    root = publication.settings.folders.root
    file = root / "list.csv"
    file.write_text(LIST)
    code, out, _err = run("subscribers", "import", "--dry-run", file, root)
    assert code == 0
    assert "Email Address as email, First Name as first name" in out
    assert "Columns that are ignored: LEID\nRows by status: 1 active" in out
    assert "Bad rows: 1\n  line 3: email: " in out
    assert read_subscribers(publication.database) == []
    code, out, err = run("subscribers", "import", file, root)
    assert (code, out) == (1, "1 added, 0 updated, 0 unchanged, 0 kept as they were, 1 bad\n")
    assert "columns that are ignored: LEID" in err
    file.write_text(
        "Email,Emails enabled,type\nann@example.org,true,free\nbob@example.org,false,free\n"
        "cyd@example.org,false,undeliverable\ndee@example.org,false,free\n"
    )
    _code, out, _err = run("subscribers", "import", "--dry-run", file, root)
    assert "Emails enabled as no mail if it is empty or false" in out
    assert "Rows that get no mail: 3 unsubscribed by Emails enabled\n" in out
    run("subscribers", "import", file, root)
    active = [one.email for one in read_subscribers(publication.database) if one.newsletters]
    assert active == ["ann@example.org"]


def test_the_command_writes_what_is_left_out_and_the_audit_log_has_who_imported(
    run: Run, publication: PublicationFolder
) -> None:
    root = publication.settings.folders.root
    file, rejects = root / "list.csv", root / "rejects.csv"
    file.write_text("email,name\nann@example.org,Ann\nnonsense,=1+1\n")
    run("accounts", "add", "eve@example.org", "--role", "administrator", root)
    code, out, _err = run(
        "subscribers", "import", "--dry-run", "--rejects", rejects, file, root
    )
    assert code == 0
    assert "Would be: 1 added, 0 updated, 0 unchanged, 0 suppressed" in out
    rejects.unlink()
    code, _out, _err = run(
        *("subscribers", "import", "--rejects", rejects, "--as", "eve@example.org", file, root)
    )
    assert code == 1  # a row was refused
    header, row = rejects.read_text("utf-8-sig").splitlines()
    assert header == "line,reason,email,name"
    assert row.startswith("3,")
    assert row.endswith(",nonsense,'=1+1")
    assert rejects.stat().st_mode & 0o777 == 0o600
    last = audit_log(editing_state(publication))[0]
    assert (last.verb, last.actor) == ("import-subscribers", "eve@example.org")
    assert last.details["added"] == 1
    code, _out, err = run("subscribers", "import", "--rejects", root, file, root)
    assert code == 2
    assert "can't be written" in err
