from __future__ import annotations

import pytest

from tests.publisher.conftest import House
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    OpenLedger,
    open_test_ledger,
)


@pytest.fixture
def ledger(house: House) -> OpenLedger:
    """A ledger of three subscribers, and one lease."""
    return open_test_ledger(house, ANN, BOB, CYD)
