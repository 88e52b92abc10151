"""Triggers of tests, in the words of SQLite or PostgreSQL."""

from sqlalchemy import Connection

_SQLITE = """
CREATE TRIGGER {name} {event} ON {table} WHEN {condition} BEGIN
    {statement};
END
"""
# A condition of a trigger itself may hold no query there.
_FUNCTION = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {condition} THEN
        {statement};
    END IF;
    RETURN new;
END $$
"""
_POSTGRESQL = "CREATE TRIGGER {name} {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


def react(
    connection: Connection, name: str, event: str, table: str, condition: str, statement: str
) -> None:
    """Run a statement for each row of an event, such as `AFTER UPDATE`, that meets a condition."""
    parts = {"name": name, "event": event, "table": table}
    parts |= {"condition": condition, "statement": statement}
    on_sqlite = connection.dialect.name == "sqlite"
    for wording in [_SQLITE] if on_sqlite else [_FUNCTION, _POSTGRESQL]:
        connection.exec_driver_sql(wording.format(**parts))


def forbid(
    connection: Connection, name: str, event: str, table: str, condition: str, message: str
) -> None:
    """Raise IntegrityError for each row of an event that meets a condition."""
    if connection.dialect.name == "sqlite":
        statement = f"SELECT RAISE(ABORT, '{message}')"
    else:
        statement = f"RAISE integrity_constraint_violation USING MESSAGE = '{message}'"
    react(connection, name, event, table, condition, statement)
