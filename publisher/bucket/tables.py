"""Whether the bucket has what the web root has."""

from sqlalchemy import Column, Table, Text

from publisher.database.dialect.sql import KEYED
from publisher.database.metadata import SentenceText, UTCDateTime, metadata

bucket_state = Table(
    "bucket_state",
    metadata,
    # There is one row, `public`.
    Column("name", Text, primary_key=True),
    # Why files were not put there last time.
    Column("problem", SentenceText),
    # The instant of the last turn whose files it has all.
    Column("complete_at", UTCDateTime),
    info=KEYED,
)
