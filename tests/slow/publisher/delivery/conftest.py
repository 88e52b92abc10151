"""Ledgers that are guarded here as well, and the fixtures of leases."""

from tests.publisher.delivery.conftest import empty_database
from tests.publisher.delivery.test_lease_holder import ledger, timer

__all__ = ["empty_database", "ledger", "timer"]
