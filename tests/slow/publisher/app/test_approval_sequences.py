"""1,000 random sequences for each language: no mail leaves without its approvals, and none twice."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.publisher.app.approval_moves import GROUPS, play_sequences, scene_of
from tests.publisher.conftest import PublicationFolder

# Of each group; each language is in two of the groups. In parts, for processes at the same time.
SEQUENCES, PARTS = int(os.environ.get("APPROVAL_SEQUENCES", "500")), 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("languages", GROUPS)
def test_no_mail_leaves_without_its_approvals_and_none_twice(
    new_publication: Callable[..., PublicationFolder], languages: tuple[str, ...], part: int
) -> None:
    numbers = range(part, SEQUENCES, PARTS)
    seen = play_sequences(scene_of(new_publication, languages), numbers)
    assert seen.faults == []
    # Enough was sent to show something.
    assert seen.mails > len(numbers) / 2
