from __future__ import annotations

import re

from publisher.gate.mail_clients.caniemail import DATA, JUDGED, LICENCES, Support, Verdict, load

# So that a wheel stays small; the package's own file has 650 kB.
MOST_BYTES = 400_000


def test_the_copy_says_of_what_and_of_when_it_is() -> None:
    assert re.fullmatch(r"caniemail \d+\.\d+\.\d+", load().source)
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", load().updated)


def test_the_copy_is_compact_and_whole() -> None:
    assert DATA.stat().st_size < MOST_BYTES
    assert len(load().features) > 300
    categories = {feature.category for feature in load().features.values()}
    assert categories == {"css", "html", "image", "others"}


def test_every_feature_has_a_verdict_of_every_program() -> None:
    data = load()
    assert set(JUDGED) < data.names.keys()
    for feature in data.features.values():
        assert feature.verdicts.keys() == data.names.keys()


def test_every_note_that_a_verdict_names_is_there_or_was_never_written() -> None:
    features = load().features.values()
    named = {(f.slug, note) for f in features for v in f.verdicts.values() for note in v.notes}
    written = {(f.slug, note) for f in features for note in f.notes}
    assert written <= named
    assert len(written) > 0.95 * len(named)


def test_verdicts_are_read_with_their_notes() -> None:
    padding = load().features["css-padding"]
    assert padding.verdicts["outlook.windows"] == Verdict(Support.PARTLY, ("1", "2"))
    assert padding.verdicts["gmail.desktop-webmail"] == Verdict(Support.YES)
    assert padding.notes["1"] == "Partial. Only supported on table cells."


def test_programs_are_called_as_people_call_them() -> None:
    names = [load().names[client] for client in JUDGED]
    assert names[:6] == [
        "Gmail web",
        "Gmail iOS",
        "Gmail Android",
        "Gmail mobile web",
        "Outlook Windows",
        "Outlook.com",
    ]
    assert "Yahoo Mail web" in names


def test_both_holders_of_rights_are_named_beside_the_data() -> None:
    notices = LICENCES.read_text(encoding="utf-8")
    assert "Copyright (c) 2019 HTeuMeuLeu" in notices
    assert "Copyright © Avi Goldman" in notices
    assert "The above copyright notice and this permission notice shall be included" in notices
