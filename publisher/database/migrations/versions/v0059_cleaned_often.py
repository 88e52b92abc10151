"""Tables whose rows change several times within minutes are cleaned and counted earlier on a server."""

from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    """Set the limits of autovacuum: shares of a table's rows, and no pauses.

    By default a fifth of the ledger's rows have to be dead before their space is used again.
    """
    if op.get_bind().dialect.name != "sqlite":
        for table in ("delivery", "notice"):
            op.execute(
                f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02, "
                "autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.05)"
            )
