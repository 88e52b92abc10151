"""Alembic's folder: how a schema becomes the next one."""
