import pytest

from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.ledger import open_ledgers


@pytest.fixture
def ledger(publication: PublicationFolder) -> open_ledgers.OpenLedger:
    """A ledger of three subscribers, and one lease."""
    return open_ledgers.open_test_ledger(
        publication, open_ledgers.ANN, open_ledgers.BOB, open_ledgers.CYD
    )
