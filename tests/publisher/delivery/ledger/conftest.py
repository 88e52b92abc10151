import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger.open_ledgers import (
    ANN,
    BOB,
    CYD,
    OpenLedger,
    open_test_ledger,
)


@pytest.fixture
def ledger(publication: PublicationFolder) -> OpenLedger:
    """A ledger of three subscribers, and one lease."""
    return open_test_ledger(publication, ANN, BOB, CYD)
