"""The address of a database on a server: what of it may be seen."""

from __future__ import annotations

import pytest

from publisher.database import open_database
from publisher.database.dialect.address import parse_address
from publisher.errors import DatabaseError


def test_the_name_of_a_database_may_have_any_character() -> None:
    address = "postgresql://ann@localhost/news%40home%2F%D9%85"
    assert parse_address(address).database == "news@home/م"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:tide@lantern@localhost/news",
        "postgresql://ann:tide@lan/tern@localhost/news",
        "postgresql://an/n:tide-lantern@localhost/news",
        "mysql://ann:tide@lantern@localhost/news",
        "postgresql:ann:tide-lantern@localhost/news",
        "postgresql://ann:tide-lantern@localhost",
    ],
)
def test_no_part_of_a_password_is_repeated(address: str) -> None:
    with pytest.raises(DatabaseError) as caught:
        open_database(address)
    said = str(caught.value)
    assert said.startswith("the database's address ")
    assert "tide" not in said
    assert "tern" not in said
