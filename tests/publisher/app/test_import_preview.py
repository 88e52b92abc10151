from collections.abc import Callable

from publisher.accounts import audit
from publisher.app.subscribers import read_subscribers
from tests.publisher.cli.conftest import run
from tests.publisher.conftest import PublicationFolder

__all__ = ["run"]

LIST = "Email Address;First Name;LEID\nann@example.org;Ann;7\nnonsense;;\n"


def test_the_command_says_what_a_file_holds_and_names_ignored_columns(
    run: Callable[..., tuple[int, str, str]], publication: PublicationFolder
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
    assert (code, out) == (0, "1 added, 0 updated, 0 unchanged, 0 kept as they were, 1 bad\n")
    assert "columns that are ignored: LEID" in err


def test_the_command_says_by_which_column_people_get_no_mail(
    run: Callable[..., tuple[int, str, str]], publication: PublicationFolder
) -> None:
    root = publication.settings.folders.root
    file = root / "list.csv"
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
    run: Callable[..., tuple[int, str, str]], publication: PublicationFolder
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
    assert code == 0
    header, row = rejects.read_text("utf-8-sig").splitlines()
    assert header == "line,reason,email,name"
    assert row.startswith("3,")
    assert row.endswith(",nonsense,'=1+1")
    assert rejects.stat().st_mode & 0o777 == 0o600
    with publication.database.reading() as connection:
        last = next(one for _number, one in audit.read_log(connection))
    assert (last.verb, last.actor, last.details["added"]) == (
        "import-subscribers",
        "eve@example.org",
        1,
    )
    code, _out, err = run("subscribers", "import", "--rejects", root, file, root)
    assert code == 2
    assert "can't be written" in err
