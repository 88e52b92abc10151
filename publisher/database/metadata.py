"""The application's SQLAlchemy metadata, on which each package declares its tables."""

from __future__ import annotations

from sqlalchemy import MetaData

from subscribers.tables import UTCDateTime

# Fixed names of constraints and indexes, for migrations to refer to.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)

__all__ = ["UTCDateTime", "metadata"]
