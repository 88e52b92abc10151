"""Claims for tests that need no ledger."""

from __future__ import annotations

from publisher.delivery.ledger.claims import Claim
from subscribers import Recipient
from tests.publisher.conftest import NOW


def a_claim(number: int = 1, *, epoch: int = 1, issue_id: int = 1) -> Claim:
    recipient = Recipient(number, f"reader{number}@example.com", "Ann", "en", None)
    return Claim(issue_id, recipient, epoch, 0, NOW, None)


def claims(count: int, first: int = 1) -> list[Claim]:
    return [a_claim(number) for number in range(first, first + count)]
