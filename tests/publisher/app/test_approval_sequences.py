"""Whatever happens in whatever order, no mail leaves that was not approved as it is, and none twice.

A few sequences, and what shows that they could find a fault. The slow lane plays 1,000 of each language.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.publisher.app.approval_moves import GROUPS, play_sequences, scene_of
from tests.publisher.conftest import PublicationFolder

Make = Callable[..., PublicationFolder]


@pytest.mark.parametrize("languages", GROUPS)
def test_no_mail_leaves_without_its_approvals_and_none_twice(
    new_publication: Make, languages: tuple[str, ...]
) -> None:
    seen = play_sequences(scene_of(new_publication, languages), range(3))
    assert seen.faults == []
    assert seen.mails


def test_with_its_approvals_an_issue_leaves_and_a_fault_would_be_found(
    new_publication: Make,
) -> None:
    with scene_of(new_publication, GROUPS[0]).begin() as play:
        play.play("approve", ["ann", "bob"], "en")
        play.play("approve", ["cyd"], "ar")
        play.play("approve", ["cyd"], "zh-Hant")
        assert not play.sent
        play.play("due")
        assert (play.is_over, play.faults) == (True, [])
        shown = play.shown("en")
        assert play.model.faults("en", shown) == []
        other = (*shown[:-1], "another page")
        assert play.model.faults("en", other) == ["en: opened with [], edited by []"]
        play.model.verdicts["en"].append(("cyd", "changes", shown))
        assert "somebody asked for changes" in play.model.faults("en", shown)[0]
        play.role("bob")
        assert play.model.faults("en", shown)[0] == "en: opened with ['ann'], edited by []"


def test_a_converted_edition_waits_and_is_approved_anew_when_its_source_changes(
    new_publication: Make,
) -> None:
    with scene_of(new_publication, GROUPS[1]).begin() as play:
        play.play("approve", ["cyd"], "zh-Hant")
        play.play("article", "zh-Hans")
        play.play("due")
        assert (play.sent, play.faults) == (set(), [])
        play.play("approve", ["cyd"], "zh-Hant")
        play.play("due")
        assert {who for who, _issue in play.sent} == {
            "ann-zh-Hant@example.com",
            "bea-zh-hant@example.com",
        }
        assert play.opened["zh-Hant"] == {"Text 1", "Template 0"}
        assert play.faults == []
