"""The application's collection of tables, and the kinds of column that they are made of.

Knows no table: each package of the application declares its own upon `metadata`.
"""

from __future__ import annotations

from sqlalchemy import MetaData

from subscribers.tables import UTCDateTime

# Names that a migration can rely on, whatever the database would call things by itself.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)

__all__ = ["UTCDateTime", "metadata"]
