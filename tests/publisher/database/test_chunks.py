"""Lists of values cut to what one statement takes."""

from __future__ import annotations

import pytest

from publisher.database.engine import MAX_SQL_PARAMETERS, chunks


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (MAX_SQL_PARAMETERS, [MAX_SQL_PARAMETERS]),
        (MAX_SQL_PARAMETERS + 1, [MAX_SQL_PARAMETERS, 1]),
        (3 * MAX_SQL_PARAMETERS, [MAX_SQL_PARAMETERS] * 3),
    ],
)
def test_a_list_is_cut_into_portions_that_lose_nothing(count: int, sizes: list[int]) -> None:
    values = list(range(count))
    cut = list(chunks(values))
    assert [len(portion) for portion in cut] == sizes
    assert [value for portion in cut for value in portion] == values
