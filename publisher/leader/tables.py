"""The leader's row, and the processes that run. Instants are seconds since the epoch."""

from sqlalchemy import Column, Float, Integer, Table, Text

from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import metadata

leader = Table(
    "leader",
    metadata,
    # What is led: there is one row, `publication`.
    Column("name", Text, primary_key=True),
    # The process's id, and where its locks count (`process_lock.lock_scope`).
    Column("holder", Text, nullable=False),
    Column("scope", Text, nullable=False),
    # Grows with each change of leader. What a former one writes is refused by it.
    Column("epoch", Integer, nullable=False),
    # Another process may lead after this instant.
    Column("until", Float, nullable=False),
    # The last epoch whose leader wrote files. The folder that it wrote to has the number as well.
    Column("files_epoch", Integer, nullable=False),
    info=KEYED,
)

running_process = Table(
    "running_process",
    metadata,
    Column("id", Text, primary_key=True),
    # The name of its machine or container, and its number there.
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    # It runs no more if this is past.
    Column("until", Float, nullable=False),
    info=KEYED,
)
