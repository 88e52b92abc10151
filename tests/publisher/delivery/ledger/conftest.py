from __future__ import annotations

import pytest

from tests.publisher.conftest import House
from tests.publisher.delivery.ledger.books import ANN, BOB, CYD, Book, open_book


@pytest.fixture
def book(house: House) -> Book:
    """A ledger of three readers, and one sender."""
    return open_book(house, ANN, BOB, CYD)
