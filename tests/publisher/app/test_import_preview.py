from collections.abc import Callable

from publisher.app.subscribers import ignored_columns, preview_import, read_subscribers
from tests.publisher.cli.conftest import run
from tests.publisher.conftest import PublicationFolder

__all__ = ["run"]

LIST = "Email Address;First Name;LEID\nann@example.org;Ann;7\nnonsense;;\n"


def test_a_preview_changes_nothing(publication: PublicationFolder) -> None:
    lines = LIST.splitlines(keepends=True)
    found = preview_import(publication.settings, lines)
    assert (found.statuses, found.refused) == ({"active": 1}, 1)
    assert ignored_columns(lines) == ("LEID",)
    assert read_subscribers(publication.database) == []


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
