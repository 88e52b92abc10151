"""What screenshots of mails show, and where their pictures come from."""

from __future__ import annotations

from pathlib import Path

from publisher.app.screenshots import Screenshot, contact_sheet_rows, find_in_web_roots
from publisher.screenshots import MAIL_VIEWS


def test_pictures_are_looked_for_in_one_web_root_after_the_other(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for root, name in ((first, "a.png"), (second, "a.png"), (second, "ü b.png")):
        root.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    (tmp_path / "secret.png").write_bytes(b"")
    (second / "out.png").symlink_to(tmp_path / "secret.png")
    roots = [first, second]

    assert find_in_web_roots("a.png?v=1", roots) == (first / "a.png").as_uri()
    assert find_in_web_roots("%C3%BC%20b.png", roots) == (second / "ü b.png").as_uri()
    for lost in ("lost.png", "../secret.png", "%2e%2e/secret.png", "out.png", "a%00.png", ""):
        assert find_in_web_roots(lost, roots) is None


def test_a_sheet_has_a_row_for_each_scheme_and_labels_every_picture() -> None:
    taken = [
        Screenshot(language=language, view=view, picture=b"")
        for language in ("en", "ar")
        for view in MAIL_VIEWS
    ]
    rows = contact_sheet_rows(taken)
    assert [[one.label for one in row] for row in rows] == [
        [
            f"{language}, {scheme}, {width} px"
            for language in ("en", "ar")
            for width in (600, 320)
        ]
        for scheme in ("light", "dark")
    ]
