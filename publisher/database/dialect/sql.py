"""SQL that SQLite and PostgreSQL spell differently: expressions, upserts, ids, options of tables.

A table declares in `info` what it needs, also in a package that can't import this module:

    KEYED              rows are stored in the order of the primary key (SQLite only)
    IDS_NEVER_REUSED   the id of a deleted row is not given again (SQLite; `id_of_its_own` gives PostgreSQL its ids)
    CLEANED_EARLY      rows change several times within minutes (a server would use the space of dead rows again
                       when they are a fifth)
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from subscribers.tables import UTCDateTime

_Inserting = TypeVar("_Inserting", bound=sa.Insert)
_Value = TypeVar("_Value")

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_INSTANT = UTCDateTime()
_ANY_DIALECT = DefaultDialect()

KEYED = {"keyed": True}
IDS_NEVER_REUSED = {"ids_never_reused": True}
CLEANED_EARLY = {"cleaned_early": True}
_TABLE_OPTIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {"keyed": {"with_rowid": False}, "ids_never_reused": {"autoincrement": True}},
    "postgresql": {
        "cleaned_early": {
            "with": {
                "autovacuum_vacuum_scale_factor": "0.02",
                "autovacuum_vacuum_cost_delay": "0",
                "autovacuum_analyze_scale_factor": "0.05",
            }
        }
    },
}
# Whole numbers above 2**31, such as seconds since 1970. SQLite has one type for all.
LargeInteger = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upsert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert:
    """Return an INSERT with `on_conflict_...`, `excluded` and `rowcount`. PostgreSQL needs the key as `index_elements`."""
    return with_rowcount(_inserts(connection.dialect.name)(table))


def _inserts(dialect: str) -> Callable[[sa.Table], sqlite.Insert]:
    if dialect == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql

    # Another class with the same methods; SQLAlchemy has no common one that has them.
    inserts: Any = postgresql.insert
    return inserts  # type: ignore[no-any-return]


def upsert_by_key(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """Return an INSERT that replaces all columns of a row with the same primary key."""
    return _upsert_by_key(connection.dialect.name, table)


@cache
def _upsert_by_key(dialect: str, table: sa.Table) -> sa.Insert:
    # Built once: to build the statement takes ten times as long as to run it.
    statement = _inserts(dialect)(table)
    others = {one.name: statement.excluded[one.name] for one in table.c if not one.primary_key}
    return statement.on_conflict_do_update(index_elements=table.primary_key, set_=others)


def insert_unless_kept(connection: sa.Connection, table: sa.Table, *key: str) -> sa.Insert:
    """Return an INSERT that returns the id, or no row if there is one with the same key, which stays as it is."""
    return _insert_unless_kept(connection.dialect.name, table, key)


@cache
def _insert_unless_kept(dialect: str, table: sa.Table, key: tuple[str, ...]) -> sa.Insert:
    # Built once, as above: its values are parameters.
    return (
        _inserts(dialect)(table)
        .on_conflict_do_nothing(index_elements=key)
        .returning(table.c.id)
    )


def with_rowcount(statement: _Inserting) -> _Inserting:
    return statement.execution_options(preserve_rowcount=True)


def partial_index(where: sa.ColumnElement[bool]) -> Mapping[str, Any]:
    """Return an `Index`'s arguments for some rows only. A query uses it if its condition has literals, not parameters."""
    is_flag = isinstance(where, sa.Column) and isinstance(where.type, sa.Boolean)
    # SQLite has no booleans, and queries compare with 1.
    in_file = sa.text(f"{where.name} = 1") if is_flag else where
    return {"info": {"sqlite": in_file, "postgresql": where}}


def partial_index_on_server(where: sa.ColumnElement[bool]) -> Mapping[str, Any]:
    """Return the arguments of an `Index` of some rows only on PostgreSQL, and of all on SQLite."""
    return {"info": {"postgresql": where}}


# A table or index that is given an option of a database loads the dialect of that one, whichever is
# used. So they have it in `info`, and it becomes an option when the statement is compiled.


@compiles(CreateTable)
def _create_table(element: CreateTable, compiler: DDLCompiler, **options: Any) -> str:
    table, database = element.element, compiler.dialect.name
    for need, values in _TABLE_OPTIONS.get(database, {}).items():
        if table.info.get(need):
            table.dialect_options[database].update(values)
    return str(compiler.visit_create_table(element, **options))  # type: ignore[no-untyped-call]


@compiles(CreateIndex)
def _create_index(element: CreateIndex, compiler: DDLCompiler, **options: Any) -> str:
    index, database = element.element, compiler.dialect.name
    if database in index.info:
        index.dialect_options[database]["where"] = index.info[database]
    return str(compiler.visit_create_index(element, **options))  # type: ignore[no-untyped-call]


def on_server_only(index: sa.Index) -> sa.Index:
    """Return an index that a file does not have, since another one serves there."""
    return index.ddl_if(dialect="postgresql")


def update_statistics(connection: sa.Connection, *names: str) -> None:
    """Update the statistics by which queries of these tables are planned: a server does so a minute after rows were inserted."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.text(f"ANALYZE {', '.join(names)}"))


def counts_in_one_pass(connection: sa.Connection) -> bool:
    """Return whether one pass over all rows counts groups faster than a search for each (`partial_index_on_server`)."""
    return connection.dialect.name != "sqlite"


# --- functions


class _Function(FunctionElement[Any]):
    """A function of `arguments` that is written as `forms` say: in a file, and on a server."""

    inherit_cache = True
    forms: tuple[str, str]

    def __init__(
        self, *arguments: sa.ColumnElement[Any], type_: TypeEngine[Any] | None = None
    ) -> None:
        super().__init__(*arguments)
        if type_ is not None:
            self.type = type_


@compiles(_Function)
def _written(element: _Function, compiler: SQLCompiler, **options: Any) -> str:
    arguments = [compiler.process(one, **options) for one in element.clauses]
    form = element.forms[compiler.dialect.name != "sqlite"]
    return form.format(*arguments, all=", ".join(arguments))


def _function(in_file: str, on_server: str) -> type[_Function]:
    """Return a class for a function, so that statements with different ones are cached apart."""
    return type(
        "_Written", (_Function,), {"inherit_cache": True, "forms": (in_file, on_server)}
    )


_Greatest = _function("max({all})", "greatest({all})")
# A literal, because a statement is planned before its parameters are bound.
_Unlikely = _function("likelihood({0}, 0.0001)", "({0})")
_Likely = _function("likely({0})", "({0})")
_Unindexed = _function("+{0}", "({0})")
_Position = _function("instr({all})", "strpos({all})")


def greatest(one: sa.ColumnElement[_Value], *others: Any) -> sa.ColumnElement[_Value]:
    """Return the greatest of some values, in each row. The result for NULL differs: avoid it."""
    return _Greatest(one, *others, type_=one.type)


def unlikely(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return _Unlikely(condition)


def likely(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return _Likely(condition)


def unindexed(column: sa.ColumnElement[_Value]) -> sa.ColumnElement[_Value]:
    return _Unindexed(column, type_=column.type)


def text_after(value: sa.ColumnElement[str], mark: str) -> sa.ColumnElement[str]:
    """Return what of a text stands behind the first `mark`; all of it if there is none."""
    place = _Position(value, sa.literal_column(f"'{mark}'", sa.Text), type_=sa.Integer())
    return sa.func.substr(value, place + sa.literal_column("1", sa.Integer), type_=sa.Text())


# --- rows and lists as one parameter, which is a JSON array


class _JsonItems(_Function):
    inherit_cache = True
    name = "json_each"
    forms = ("json_each({0})", "jsonb_array_elements(CAST({0} AS JSONB))")


_JsonText = _function("{0}", "({0} #>> '{{}}')")
_JsonNumber = _function("{0}", "CAST(({0} #>> '{{}}') AS BIGINT)")
_JsonItemText = _function("json_extract({0}, '$[{1}]')", "({0} ->> {1})")
_JsonItemNumber = _function("json_extract({0}, '$[{1}]')", "CAST(({0} ->> {1}) AS BIGINT)")


def json_table(array: sa.ColumnElement[str]) -> sa.TableValuedAlias:
    """Return a JSON array as a table with the column `value`; read it with `json_scalar`."""
    return _JsonItems(array).table_valued("value")


def json_scalar(
    value: sa.ColumnElement[Any], type_: TypeEngine[Any], place: int | None = None
) -> sa.ColumnElement[Any]:
    """Return a JSON value, or with `place` that item of a JSON array, as a number or text."""
    is_number = isinstance(type_, sa.Integer)
    if place is None:
        return (_JsonNumber if is_number else _JsonText)(value, type_=type_)
    kind = _JsonItemNumber if is_number else _JsonItemText
    return kind(value, sa.literal_column(str(place), sa.Integer), type_=type_)


def json_list(parameter: str, type_: TypeEngine[Any]) -> sa.Select[Any]:
    """Return a query for the items of a parameter, a JSON array: any number in one value."""
    table = json_table(sa.bindparam(parameter, type_=sa.Text()))
    return sa.select(json_scalar(table.c.value, type_))


def json_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as a JSON array for `json_table`: instants as columns store them, characters that none may store replaced."""
    return json.dumps([[_stored(value) for value in row] for row in rows])


def _stored(value: Any) -> Any:
    if isinstance(value, str):
        return _NOT_STORABLE.sub("\ufffd", value)
    if isinstance(value, datetime):
        return _INSTANT.process_bind_param(value, _ANY_DIALECT)
    return value


def refuse_changes(connection: sa.Connection, table: str) -> None:
    """Let the database refuse to change or delete rows of a table, by a trigger. For migrations."""
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
            )
        return
    connection.exec_driver_sql(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION 'rows of {table} are never changed'; END$$"
    )
    connection.exec_driver_sql(
        f"CREATE TRIGGER {table}_no_changes BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )


def id_of_its_own(connection: sa.Connection) -> dict[str, int]:
    """Return a random id on a server, where a failover may lose the last numbers of sequences; nothing in a file, which counts."""
    return {} if connection.dialect.name == "sqlite" else {"id": secrets.randbits(63)}


_LOST_IDS = 10_000_000  # more than a database gives out between a backup and its loss


def skip_lost_ids(connection: sa.Connection, table: sa.Table) -> None:
    """Give no new row of a table an id that a database may have given after this copy of it was made."""
    highest = connection.execute(
        sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))
    ).scalar_one()
    values = {"table": table.name, "last": highest + _LOST_IDS}
    if connection.dialect.name != "sqlite":
        sequence = sa.text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
        connection.execute(sequence, values)
        return
    # A table of which no row was ever inserted has no line.
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :table"), values)
    connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES (:table, :last)"), values)


_IN_FILE = sa.text("SELECT name, seq FROM sqlite_sequence")
_SET_IN_FILE = (
    sa.text("DELETE FROM sqlite_sequence WHERE name = :name"),
    sa.text(
        "INSERT INTO sqlite_sequence (name, seq) SELECT name, :last FROM sqlite_master"
        " WHERE type = 'table' AND name = :name AND sql LIKE '%AUTOINCREMENT%'"
    ),
)
# Sequences, with the tables and columns that they number.
_ON_SERVER = sa.text(
    "SELECT numbered.relname, attname, numbers.relname,"
    " (SELECT last_value FROM pg_sequences WHERE schemaname = current_schema()"
    " AND sequencename = numbers.relname)"
    " FROM pg_class AS numbers JOIN pg_depend ON objid = numbers.oid AND deptype IN ('a', 'i')"
    " JOIN pg_class AS numbered ON numbered.oid = refobjid"
    " JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid"
    " WHERE numbers.relkind = 'S' AND numbers.relnamespace = current_schema()::regnamespace"
)


def last_ids(connection: sa.Connection) -> dict[str, int]:
    if connection.dialect.name == "sqlite":
        return {name: int(last) for name, last in connection.execute(_IN_FILE)}
    rows = connection.execute(_ON_SERVER)
    return {table: last for table, _column, _sequence, last in rows if last is not None}


def set_last_ids(connection: sa.Connection, wanted: Mapping[str, int]) -> None:
    """Let each table give ids above `wanted`, and above those of its rows."""
    if connection.dialect.name == "sqlite":
        known = last_ids(connection)
        for name, last in wanted.items():
            for statement in _SET_IN_FILE:
                values = {"name": name, "last": max(last, known.get(name, 0))}
                connection.execute(statement, values)
        return
    for table, column, sequence, _last in connection.execute(_ON_SERVER).all():
        greatest = connection.scalar(sa.text(f'SELECT max("{column}") FROM "{table}"'))  # noqa: S608  # names of the catalogue
        if last := max(greatest or 0, wanted.get(table, 0)):
            connection.execute(
                sa.text("SELECT setval(:name, :last)"), {"name": sequence, "last": last}
            )
