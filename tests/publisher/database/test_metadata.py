from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, MetaData, Table

from publisher.database.metadata import NAMING_CONVENTION, UTCDateTime, metadata
from subscribers import tables


def test_every_constraint_and_index_has_a_name_that_migrations_can_use() -> None:
    for table in metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints), table.name
        assert all(index.name for index in table.indexes), table.name


def test_names_are_made_of_what_they_are_about() -> None:
    collection = MetaData(naming_convention=NAMING_CONVENTION)
    Table("lamp", collection, Column("id", Integer, primary_key=True))
    light = Table(
        "light",
        collection,
        Column("id", Integer, primary_key=True),
        Column("lamp_id", ForeignKey("lamp.id"), index=True),
        Column("colour", Integer, CheckConstraint("colour > 0", name="colour"), unique=True),
    )
    of_columns = [one for column in light.columns for one in column.constraints]
    names = {str(constraint.name) for constraint in [*light.constraints, *of_columns]}
    assert names == {"pk_light", "fk_light_lamp_id_lamp", "ck_light_colour", "uq_light_colour"}
    assert [index.name for index in light.indexes] == ["ix_light_lamp_id"]


def test_instants_are_kept_in_the_same_way_everywhere() -> None:
    assert UTCDateTime is tables.UTCDateTime


def test_no_table_of_one_collection_has_the_name_of_one_in_the_other() -> None:
    assert not metadata.tables.keys() & tables.subscribers_metadata.tables.keys()
