"""Random sequences of moves: no mail leaves without its approvals, and none twice."""

from collections.abc import Callable

import pytest

from tests.publisher.app.approval_play import GROUPS, play_sequences, scene_of
from tests.publisher.conftest import PublicationFolder
from tests.sizes import by_lane, night_seed

# Of each group; each language is in two of the groups. In parts, for processes at the same time.
SEQUENCES, PARTS = by_lane((8, 1), (500, 4))


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("languages", GROUPS)
def test_no_mail_leaves_without_its_approvals_and_none_twice(
    new_publication: Callable[..., PublicationFolder], languages: tuple[str, ...], part: int
) -> None:
    numbers = range(night_seed() + part, night_seed() + SEQUENCES, PARTS)
    seen = play_sequences(scene_of(new_publication, languages), numbers)
    assert seen.faults == []
    # Enough was sent to show something.
    assert seen.mails > len(numbers) / 2
