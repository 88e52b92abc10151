from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from publisher.gate.mail_clients.caniemail import CANIEMAIL_LICENCES
from publisher.gate.mail_clients.refresh import compact, newest, write

LICENCE = "MIT License\n\nCopyright © Avi Goldman\n\nPermission is hereby granted"


@pytest.mark.parametrize(
    ("versions", "wanted"),
    [
        (["2019-02", "2021-11", "2020-05"], "2021-11"),
        (["2007", "2013", "2019", "2016"], "2019"),
        # Strings would put these the other way round.
        (["78.10", "149.0.1"], "149.0.1"),
        (["2.51.1", "4.38.0", "4.2352.0"], "4.2352.0"),
        (["10.3", "5.1", "12.2"], "12.2"),
        # Numbers alone would prefer a year to a build.
        (["2011", "2016", "16.80"], "16.80"),
        (["2019-02", "16.80"], "16.80"),
        (["2021-09", "5.2543.1"], "5.2543.1"),
        (["2016", "16.80", "2024-02"], "2024-02"),
        (["5.0.10.2", "2024-10"], "2024-10"),
    ],
)
def test_the_newest_version_is_found(versions: list[str], wanted: str) -> None:
    assert newest(versions) == wanted


def a_feature(**changes: Any) -> dict[str, Any]:
    return {
        "slug": "css-padding",
        "title": "padding ",
        "category": "css",
        "last_test_date": "2019-07-25",
        "stats": {
            "gmail": {
                "ios": {"2019-07": "y"},
                "android": {"2019-07": "n", "2020-01": "a #2 #1"},
            },
            "outlook": {"windows": {"2007": "a #3", "2019": "n"}, "macos": {}},
        },
        "notes_by_num": {"1": "One.", "2": "Two.", "3": "Three."},
    } | changes


def a_source(*features: dict[str, Any]) -> dict[str, Any]:
    return {
        "last_update_date": "2026-05-13 14:45:41 +0000",
        "nicenames": {"family": {"gmail": "Gmail", "outlook": "Outlook", "yahoo": "Yahoo"}},
        "data": list(features),
    }


def test_a_feature_keeps_its_newest_results_and_their_notes() -> None:
    other = a_feature(slug="css-float", stats={"yahoo": {"ios": {"1": "u"}}}, notes_by_num=None)
    made = compact(a_source(a_feature(), other), "1.2.3")
    assert made["source"] == "caniemail 1.2.3"
    assert made["updated"] == "2026-05-13"
    assert made["clients"] == ["gmail.android", "gmail.ios", "outlook.windows", "yahoo.ios"]
    assert list(made["features"]) == ["css-float", "css-padding"]
    assert made["features"]["css-padding"] == {
        "title": "padding",
        "category": "css",
        "tested": "2019-07-25",
        "verdicts": "a2,1 y n -",
        "notes": {"1": "One.", "2": "Two."},
    }
    assert made["features"]["css-float"]["verdicts"] == "- - - u"


def test_an_invalid_result_is_an_error_with_its_feature() -> None:
    wrong = a_feature(stats={"gmail": {"ios": {"2019-07": "perhaps"}}})
    with pytest.raises(ValueError, match="css-padding: 'perhaps' is not a result"):
        compact(a_source(wrong), "1.2.3")


def archive(folder: Path, licence: str = LICENCE, **changes: bytes) -> Path:
    members = {
        "package.json": b'{"version": "1.2.3"}',
        "LICENSE": licence.encode(),
        "data/caniemail.json": json.dumps(a_source(a_feature())).encode(),
    } | changes
    with tarfile.open(folder / "caniemail.tgz", "w:gz") as package:
        for name, content in members.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(content)
            package.addfile(info, io.BytesIO(content))
    return folder / "caniemail.tgz"


def test_an_archive_becomes_a_file_with_a_feature_a_line(tmp_path: Path) -> None:
    data = tmp_path / "caniemail.json"
    assert write(archive(tmp_path), data) == "caniemail 1.2.3 of 2026-05-13: 1 features"
    written = data.read_text(encoding="utf-8")
    assert json.loads(written) == compact(a_source(a_feature()), "1.2.3")
    assert sum(line.startswith('"css-') for line in written.splitlines()) == 1


def test_a_new_holder_of_rights_must_be_named_first(tmp_path: Path) -> None:
    package = archive(tmp_path, f"{LICENCE}\nCopyright © A New Holder\n")
    with pytest.raises(
        ValueError, match=f"{CANIEMAIL_LICENCES.name} lacks 'Copyright © A New Holder'"
    ):
        write(package, tmp_path / "caniemail.json")
    assert not (tmp_path / "caniemail.json").exists()
