"""The application's SQLAlchemy metadata, on which each package declares its tables."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, MetaData, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from publisher.i18n.messages import packed, unpacked
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

__all__ = ["SentenceObjects", "SentenceText", "UTCDateTime", "metadata"]


class SentenceText(TypeDecorator[str]):
    """A sentence: a `Sentence` is stored with its template and values, any other text as it is."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else packed(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else unpacked(value)


class SentenceObjects(TypeDecorator[list[dict[str, Any]]]):
    """A list of objects in JSON; their texts are stored as those of `SentenceText`."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  # as above
        return None if value is None else [_with_texts(one, packed) for one in value]

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002  # as above
        return None if value is None else [_with_texts(one, unpacked) for one in value]


def _with_texts(data: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    return {key: change(one) if isinstance(one, str) else one for key, one in data.items()}
