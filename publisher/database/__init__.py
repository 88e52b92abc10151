"""The state of one publication: one SQLite file, its transactions and its schema.

Tables are declared beside the code that owns them; this package opens the file, keeps its
schema up to date and knows nothing of what the rows mean.
"""

from publisher.database.engine import Database, open_database
from publisher.database.metadata import metadata

__all__ = ["Database", "metadata", "open_database"]
