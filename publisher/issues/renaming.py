"""Move the issues and the plans of a newsletter, or of a digest, to another name."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from publisher.issues.tables import edition_table, issue_table, occurrence_change_table


def has_issues(connection: Connection, name: str) -> bool:
    """Return whether a newsletter or a digest has issues, made or planned."""
    query = select(issue_table.c.id).where(issue_table.c.newsletter == name).limit(1)
    return connection.execute(query).first() is not None


def rename_editions(connection: Connection, former: str, name: str) -> None:
    """Move issues, with their pages to be written at the new address, and what is planned.

    The new name must have no issues.
    """
    table = edition_table.c.newsletter
    has_former = connection.execute(select(table).where(table == former).limit(1)).first()
    if has_former:
        connection.execute(delete(edition_table).where(table == name))
        connection.execute(update(edition_table).where(table == former).values(newsletter=name))
        changed = occurrence_change_table.c.newsletter
        connection.execute(delete(occurrence_change_table).where(changed == name))
        connection.execute(
            update(occurrence_change_table).where(changed == former).values(newsletter=name)
        )
    connection.execute(
        update(issue_table)
        .where(issue_table.c.newsletter == former)
        .values(newsletter=name, page_hash=None)
    )
