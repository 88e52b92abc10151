"""The state of one publication: one SQLite file, its transactions and its schema.

Each package declares its own tables; this one opens the file and upgrades the schema.
"""

from publisher.database.engine import Database, open_database
from publisher.database.metadata import metadata

__all__ = ["Database", "metadata", "open_database"]
