"""Lists of values cut to what one statement takes."""

from __future__ import annotations

import pytest

from publisher.database.portions import PARAMETERS, portions


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (PARAMETERS, [PARAMETERS]),
        (PARAMETERS + 1, [PARAMETERS, 1]),
        (3 * PARAMETERS, [PARAMETERS] * 3),
    ],
)
def test_a_list_is_cut_into_portions_that_lose_nothing(count: int, sizes: list[int]) -> None:
    values = list(range(count))
    cut = list(portions(values))
    assert [len(portion) for portion in cut] == sizes
    assert [value for portion in cut for value in portion] == values
