import re

from feeds import DuplicateEntryError, FeedsError, errors
from feeds.errors import InvalidChannelError, InvalidEntryError, InvalidIdentifierError


def test_the_tree_in_the_docstring_is_complete() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or ""))
    defined = {name for name in vars(errors) if name.endswith("Error")}

    assert drawn == defined
    assert all(issubclass(getattr(errors, name), FeedsError) for name in defined)


def test_errors_carry_ids_and_values() -> None:
    duplicate = DuplicateEntryError("tag:c", "tag:e")

    assert InvalidIdentifierError("x y", "is odd").value == "x y"
    assert InvalidEntryError("tag:e", "is odd").entry_id == "tag:e"
    assert InvalidChannelError("tag:c", "is odd").channel_id == "tag:c"
    assert (duplicate.channel_id, duplicate.entry_id) == ("tag:c", "tag:e")
