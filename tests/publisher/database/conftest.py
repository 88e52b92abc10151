"""Databases as the migrations make them."""

import pytest


@pytest.fixture(autouse=True)
def _tables_are_made_quickly() -> None:
    """Leave them to the migrations, which are tested here."""
