"""Alembic's way in: runs migrations on the connection that it is handed, in its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
