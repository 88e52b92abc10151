from __future__ import annotations

import json
import re

from publisher.gate.mail_clients.caniemail import (
    CANIEMAIL_DATA,
    CANIEMAIL_LICENCES,
    CHECKED_CLIENTS,
    Support,
    client_feature,
    client_names,
    feature_slugs,
)

# Bytes, so that a wheel stays small. The package's own file has 650 kB.
MOST_BYTES = 400_000
FEATURES = [client_feature(slug) for slug in feature_slugs()]


def test_the_copy_has_a_version_and_a_date() -> None:
    data = json.loads(CANIEMAIL_DATA.read_text("utf-8"))
    assert re.fullmatch(r"caniemail \d+\.\d+\.\d+", data["source"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", data["updated"])


def test_the_copy_is_compact_and_complete() -> None:
    assert CANIEMAIL_DATA.stat().st_size < MOST_BYTES
    assert len(FEATURES) > 300
    assert {feature.category for feature in FEATURES} == {"css", "html", "image", "others"}


def test_every_feature_has_a_result_for_every_client() -> None:
    assert set(CHECKED_CLIENTS) < client_names().keys()
    for feature in FEATURES:
        assert feature.support.keys() == client_names().keys()


def test_nearly_every_note_of_a_result_is_there() -> None:
    named = {
        (f.slug, note) for f in FEATURES for notes in f.note_numbers.values() for note in notes
    }
    written = {(f.slug, note) for f in FEATURES for note in f.notes}
    assert written <= named
    assert len(written) > 0.95 * len(named)


def test_results_are_read_with_their_notes() -> None:
    padding = client_feature("css-padding")
    assert padding.support["outlook.windows"] == Support.PARTLY
    assert padding.note_numbers["outlook.windows"] == ("1", "2")
    assert padding.notes_for("outlook.windows")[0].startswith(
        "Partial. Only supported on table"
    )
    assert padding.support["gmail.desktop-webmail"] == Support.YES


def test_clients_have_their_usual_names() -> None:
    names = [client_names()[client] for client in CHECKED_CLIENTS]
    assert names[3:6] == ["Gmail mobile web", "Outlook Windows", "Outlook.com"]
    assert "Yahoo Mail web" in names


def test_both_holders_of_rights_are_named_beside_the_data() -> None:
    notices = CANIEMAIL_LICENCES.read_text(encoding="utf-8")
    assert "Copyright (c) 2019 HTeuMeuLeu" in notices
    assert "Copyright © Avi Goldman" in notices
    assert "The above copyright notice and this permission notice shall be included" in notices
