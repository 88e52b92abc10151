"""What mail clients support: our copy of caniemail, its refresh, and the features of a mail."""

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest

from publisher.gate.css.stylesheet import parse_declarations
from publisher.gate.mail_clients import caniemail
from publisher.gate.mail_clients.caniemail import (
    CANIEMAIL_DATA,
    CANIEMAIL_LICENCES,
    CHECKED_CLIENTS,
    FeatureUse,
    Support,
    client_feature,
    client_names,
    declaration_features,
    feature_slugs,
    used_features,
)
from tests.publisher.gate.pages import DATA, mail_of
from tests.tables import facts
from tools.mail_clients import compact, newest, write

# Bytes, so that a wheel stays small. The package's own file has 650 kB.
MOST_BYTES = 400_000
FEATURES = [client_feature(slug) for slug in feature_slugs()]


def test_the_copy_is_compact_complete_and_dated_with_a_result_for_every_client() -> None:
    data = json.loads(CANIEMAIL_DATA.read_text("utf-8"))
    assert re.fullmatch(r"caniemail \d+\.\d+\.\d+", data["source"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", data["updated"])
    assert CANIEMAIL_DATA.stat().st_size < MOST_BYTES
    assert len(FEATURES) > 300
    assert {feature.category for feature in FEATURES} == {"css", "html", "image", "others"}
    assert set(CHECKED_CLIENTS) < client_names().keys()
    for feature in FEATURES:
        assert feature.support.keys() == client_names().keys()
    names = [client_names()[client] for client in CHECKED_CLIENTS]
    assert names[3:6] == ["Gmail mobile web", "Outlook Windows", "Outlook.com"]
    assert "Yahoo Mail web" in names


def test_results_are_read_with_their_notes_of_which_nearly_all_are_there() -> None:
    named = {
        (f.slug, note) for f in FEATURES for notes in f.note_numbers.values() for note in notes
    }
    written = {(f.slug, note) for f in FEATURES for note in f.notes}
    assert written <= named
    assert len(written) > 0.95 * len(named)
    padding = client_feature("css-padding")
    assert padding.support["outlook.windows"] == Support.PARTLY
    assert padding.note_numbers["outlook.windows"] == ("1", "2")
    assert padding.notes_for("outlook.windows")[0].startswith(
        "Partial. Only supported on table"
    )
    assert padding.support["gmail.desktop-webmail"] == Support.YES


def test_both_holders_of_rights_are_named_beside_the_data() -> None:
    notices = CANIEMAIL_LICENCES.read_text(encoding="utf-8")
    assert "Copyright (c) 2019 HTeuMeuLeu" in notices
    assert "Copyright © Avi Goldman" in notices
    assert "The above copyright notice and this permission notice shall be included" in notices


LICENCE = "MIT License\n\nCopyright © Avi Goldman\n\nPermission is hereby granted"


@pytest.mark.parametrize(("versions", "wanted"), facts(DATA / "clients.tsv", "newest"))
def test_the_newest_version_is_found(versions: str, wanted: str) -> None:
    """Not as strings; a build is newer than a year, and a month than a build of another form."""
    assert newest(versions.split()) == wanted


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


@pytest.mark.parametrize(("style", "slugs"), facts(DATA / "clients.tsv", "style"))
def test_declarations_use_features(style: str, slugs: str) -> None:
    found = {
        slug
        for declared in parse_declarations(style)
        for slug in declaration_features(declared)
    }
    assert found == set(slugs.split())


def uses(html: str) -> list[FeatureUse]:
    return used_features(mail_of(html).document)


@pytest.mark.parametrize(("html", "slug"), facts(DATA / "clients.tsv", "element"))
def test_elements_and_rules_use_features(html: str, slug: str) -> None:
    assert slug in {use.slug for use in uses(f"<html><body>{html}")}


def test_a_use_in_a_style_sheet_has_the_features_around_it() -> None:
    html = "<style>\n@media (prefers-color-scheme:dark) {\n.x { float:left; }\n}</style>"
    (found,) = (use for use in uses(html) if use.slug == "css-float")
    assert found.within == ("html-style", "css-at-media", "css-at-media-prefers-color-scheme")
    assert (found.where, found.line) == ("style", 3)


def test_caniemail_has_every_feature_of_our_tables() -> None:
    named = {
        slug
        for table in (
            caniemail._FUNCTIONS,
            caniemail._WORDS,
            caniemail._MEDIA,
            caniemail._COMBINATORS,
        )
        for slug in table.values()
    }
    named |= set(caniemail._PROPERTIES.values()) | set(caniemail._TAGS.values())
    named |= {slug for slug in caniemail._VALUES.values() if slug}
    named |= {f"html-{name}" for name in caniemail._ATTRIBUTES}
    assert named <= feature_slugs()
