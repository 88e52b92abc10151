"""The same expression, spelled for each database; and the names of constraints."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from publisher.database.dialect import sql
from publisher.database.engine import MAX_SQL_PARAMETERS, chunks
from publisher.database.metadata import NAMING_CONVENTION, UTCDateTime, metadata
from subscribers import tables
from tests.publisher.conftest import PublicationFolder

LAMP = sa.Table(
    "lamp",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("colour", sa.Text),
    sa.Column("lit", sa.Boolean(create_constraint=False), nullable=False),
    info=sql.KEYED,
)
LIT = sa.Index("ix_lit", LAMP.c.id, **sql.partial_index(LAMP.c.lit))
RED = sa.Index("ix_red", LAMP.c.id, **sql.partial_index(LAMP.c.colour == "red"))
FREE = sa.Index("ix_free", LAMP.c.id, **sql.partial_index_on_server(LAMP.c.colour == "red"))
NUMBERED = sa.Table(
    "numbered",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    info=sql.IDS_NEVER_REUSED,
)
ROWS = sql.json_table(sa.bindparam("rows", type_=sa.Text())).alias("row")


# SQLAlchemy has no types for them.
DIALECTS: list[Any] = [sqlite.dialect(), postgresql.dialect()]  # type: ignore[no-untyped-call]


def spelled(element: sa.ClauseElement) -> tuple[str, str]:
    """Give a statement as SQLite and as PostgreSQL have it, on one line."""
    compiled = (element.compile(dialect=dialect) for dialect in DIALECTS)
    one, other = (" ".join(str(statement).split()) for statement in compiled)
    return one, other


@pytest.mark.parametrize(
    ("expression", "in_file", "on_server"),
    [
        (
            sql.greatest(LAMP.c.id, LAMP.c.id + 1),
            "max(lamp.id, lamp.id + ?)",
            "greatest(lamp.id, lamp.id + %(id_1)s::INTEGER)",
        ),
        (
            sql.unlikely(LAMP.c.id == LAMP.c.lit),
            "likelihood(lamp.id = lamp.lit, 0.0001)",
            "(lamp.id = lamp.lit)",
        ),
        (
            sql.likely(LAMP.c.id == LAMP.c.lit),
            "likely(lamp.id = lamp.lit)",
            "(lamp.id = lamp.lit)",
        ),
        (sql.unindexed(LAMP.c.id), "+lamp.id", "(lamp.id)"),
        (
            sql.json_scalar(ROWS.c.value, sa.Integer(), 1),
            "json_extract(\"row\".value, '$[1]')",
            "CAST((row.value ->> 1) AS BIGINT)",
        ),
        (sql.json_scalar(ROWS.c.value, sa.Text()), '"row".value', "(row.value #>> '{}')"),
    ],
)
def test_an_expression_is_compiled_for_the_database(
    expression: sa.ClauseElement, in_file: str, on_server: str
) -> None:
    one, other = spelled(expression)
    assert one == in_file
    assert other.replace('"', "") == on_server


def test_a_partial_index_is_partial_on_both() -> None:
    assert spelled(CreateIndex(LIT)) == (
        "CREATE INDEX ix_lit ON lamp (id) WHERE lit = 1",
        "CREATE INDEX ix_lit ON lamp (id) WHERE lit",
    )
    assert {*spelled(CreateIndex(RED))} == {
        "CREATE INDEX ix_red ON lamp (id) WHERE colour = 'red'"
    }
    assert spelled(CreateIndex(FREE)) == (
        "CREATE INDEX ix_free ON lamp (id)",
        "CREATE INDEX ix_free ON lamp (id) WHERE colour = 'red'",
    )


def test_what_a_table_says_of_itself_becomes_an_option_of_the_database() -> None:
    in_file, on_server = spelled(CreateTable(LAMP))
    assert in_file.endswith("WITHOUT ROWID")
    assert "ROWID" not in on_server
    in_file, on_server = spelled(CreateTable(NUMBERED))
    assert "PRIMARY KEY AUTOINCREMENT" in in_file
    assert "id SERIAL NOT NULL" in on_server


def test_an_upsert_counts_the_rows_that_it_inserted(publication: PublicationFolder) -> None:
    database = publication.database
    with database.writing() as connection:
        LAMP.create(connection)
        connection.execute(sa.insert(LAMP).values(id=1, colour="red", lit=True))
        row = sql.upsert(connection, LAMP).values(id=1, colour="blue", lit=False)
        kept = row.on_conflict_do_nothing(index_elements=["id"])
        assert connection.execute(kept).rowcount == 0
        assert connection.execute(kept.values(id=2)).rowcount == 1
        changed = row.on_conflict_do_update(
            index_elements=["id"], set_={"colour": row.excluded.colour}
        )
        connection.execute(changed)
        assert connection.execute(sa.select(LAMP).order_by(LAMP.c.id)).all() == [
            (1, "blue", True),
            (2, "blue", False),
        ]
        listed = sa.select(LAMP.c.colour).where(
            LAMP.c.id.in_(sql.json_list("ids", sa.Integer()))
        )
        assert connection.execute(listed, {"ids": "[2, 3]"}).scalars().all() == ["blue"]
        sql.update_statistics(connection, "lamp")


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (MAX_SQL_PARAMETERS, [MAX_SQL_PARAMETERS]),
        (MAX_SQL_PARAMETERS + 1, [MAX_SQL_PARAMETERS, 1]),
        (3 * MAX_SQL_PARAMETERS, [MAX_SQL_PARAMETERS] * 3),
    ],
)
def test_a_list_is_cut_into_portions_that_lose_nothing(count: int, sizes: list[int]) -> None:
    values = list(range(count))
    cut = list(chunks(values))
    assert [len(portion) for portion in cut] == sizes
    assert [value for portion in cut for value in portion] == values


def test_every_table_has_a_name_of_its_own_and_constraints_have_names() -> None:
    for table in metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name
        assert all(index.name for index in table.indexes), table.name
    assert not metadata.tables.keys() & tables.subscribers_metadata.tables.keys()
    assert UTCDateTime is tables.UTCDateTime


def test_names_are_made_of_what_they_are_about() -> None:
    collection = sa.MetaData(naming_convention=NAMING_CONVENTION)
    sa.Table("lamp", collection, sa.Column("id", sa.Integer, primary_key=True))
    light = sa.Table(
        "light",
        collection,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lamp_id", sa.ForeignKey("lamp.id"), index=True),
        sa.Column(
            "colour", sa.Integer, sa.CheckConstraint("colour > 0", name="colour"), unique=True
        ),
    )
    of_columns = [one for column in light.columns for one in column.constraints]
    names = {str(constraint.name) for constraint in [*light.constraints, *of_columns]}
    assert names == {"pk_light", "fk_light_lamp_id_lamp", "ck_light_colour", "uq_light_colour"}
    assert [index.name for index in light.indexes] == ["ix_light_lamp_id"]


def test_a_row_with_a_key_that_is_there_stays_as_it_is_on_both() -> None:
    for dialect in DIALECTS:
        insertion = sql._insert_unless_kept(dialect.name, LAMP, ("colour",))
        assert "ON CONFLICT (colour) DO NOTHING" in str(insertion.compile(dialect=dialect))
