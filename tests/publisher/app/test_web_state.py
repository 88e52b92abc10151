"""What subscribers' pages work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import insert, select

from publisher.app.web_state import open_web_state
from publisher.errors import DatabaseError
from publisher.request_limits import rate_limit
from tests.publisher.conftest import PublicationFolder


def test_pages_write_through_the_writer_only(publication: PublicationFolder) -> None:
    row = insert(rate_limit).values(key="one", tat=1.0)
    with open_web_state(publication.settings) as state:
        state.writer.run(lambda connection: connection.execute(row).rowcount)
        with state.database.reading() as connection:
            assert connection.execute(select(rate_limit.c.key)).scalars().all() == ["one"]
        with (
            pytest.raises(DatabaseError, match=r"read-?only"),
            state.database.writing() as connection,
        ):
            connection.execute(insert(rate_limit).values(key="two", tat=1.0))


@pytest.mark.sqlite("the file")
def test_pages_need_a_database_that_the_service_has_made(
    new_publication: Callable[..., PublicationFolder],
) -> None:
    settings = replace(new_publication().settings, database_address=None)
    settings.folders.database.unlink()
    with pytest.raises(DatabaseError, match="`publisher run`"), open_web_state(settings):
        pass
    assert not settings.folders.database.exists()
