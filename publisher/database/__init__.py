"""The state of one publication: its database, transactions and schema. Each package declares its own tables."""

from publisher.database.engine import Database, open_database
from publisher.database.metadata import metadata

__all__ = ["Database", "metadata", "open_database"]
