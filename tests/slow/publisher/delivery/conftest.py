"""Ledgers that are guarded here as well."""

from tests.publisher.delivery.conftest import empty_database

__all__ = ["empty_database"]
