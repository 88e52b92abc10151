from __future__ import annotations

import pytest

from subscribers import errors
from subscribers.errors import BadRow, SubscribersError
from subscribers.reasons import RowReason


def test_the_tree_in_the_docstring_names_every_error() -> None:
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, SubscribersError)
    }
    drawn = {word for word in (errors.__doc__ or "").split() if word.endswith("Error")}
    assert drawn == defined


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (BadRow(3, "email", RowReason("it is empty")), "line 3: email: it is empty"),
        (BadRow(3, "", RowReason("it is empty")), "line 3: it is empty"),
    ],
)
def test_bad_row_reads_as_one_line(row: BadRow, text: str) -> None:
    assert str(row) == text
