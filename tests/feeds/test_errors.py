import re

from feeds import DuplicateEntryError, FeedsError, errors
from feeds.errors import InvalidChannelError, InvalidEntryError, InvalidIdentifierError


def test_tree_in_the_docstring_names_every_error() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", errors.__doc__ or ""))
    defined = {name for name in vars(errors) if name.endswith("Error")}

    assert drawn == defined


def test_every_error_is_a_feeds_error() -> None:
    for name in vars(errors):
        if name.endswith("Error"):
            assert issubclass(getattr(errors, name), FeedsError)


def test_errors_carry_what_they_name() -> None:
    duplicate = DuplicateEntryError("tag:c", "tag:e")

    assert InvalidIdentifierError("x y", "is odd").value == "x y"
    assert InvalidEntryError("tag:e", "is odd").entry_id == "tag:e"
    assert InvalidChannelError("tag:c", "is odd").channel_id == "tag:c"
    assert (duplicate.channel_id, duplicate.entry_id) == ("tag:c", "tag:e")


def test_messages_say_what_and_where() -> None:
    assert str(InvalidIdentifierError("x y", "is odd")) == "'x y' is odd"
    assert str(InvalidEntryError("tag:e", "is odd")) == "entry tag:e: is odd"
    assert str(DuplicateEntryError("tag:c", "tag:e")) == (
        "channel tag:c: two entries have the id tag:e"
    )
