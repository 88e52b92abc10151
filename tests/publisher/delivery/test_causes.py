"""Causes: keys that never change, and the sentences that people read."""

from pathlib import Path

import pytest

from publisher.delivery import causes
from publisher.delivery.causes import CAUSES, explain_delivery
from publisher.delivery.states import DeliveryState

REFERENCE = Path(__file__).parents[3] / "docs/reference/delivery.md"
WORDS = "452 4.2.2: no {room}"


def test_the_reference_lists_every_cause_with_its_sentence_and_advice() -> None:
    lines = REFERENCE.read_text("utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    listed = {(row[2], row[-2]) for row in rows if len(row) > 4 and row[2].endswith("`)")}
    assert listed == {(f"{one.sentence} (`{one.key}`)", one.advice) for one in CAUSES.values()}


def test_every_cause_has_a_key_and_an_advice_of_its_own_kind() -> None:
    defined = [one for one in vars(causes).values() if isinstance(one, causes.Cause)]
    assert len(CAUSES) == len(defined)
    assert all(one.advice and one.sentence for one in defined)


@pytest.mark.parametrize(
    ("state", "key", "words", "sentence"),
    [
        ("bounced", "full", WORDS, f"the mailbox is full ({WORDS})"),
        ("bounced", "full", None, "the mailbox is full"),
        ("failed", "full", WORDS, f"given up: the mailbox is full ({WORDS})"),
        ("failed", "unsendable", "no address", "no message can be written: no address"),
        (
            "in_doubt",
            "unanswered",
            "was silent",
            "all of it was sent, but the server was silent",
        ),
        ("pending", "connection-lost", "hung up", "the server hung up"),
        ("bounced", "unknown", "no room", "no room"),
        # A key of a later version.
        ("bounced", "moon-phase", "it is new", "it is new"),
        ("bounced", "moon-phase", None, "no reason is known"),
        ("sent", None, None, None),
    ],
)
def test_a_delivery_is_explained_by_its_state_key_and_words(
    state: str, key: str | None, words: str | None, sentence: str | None
) -> None:
    assert explain_delivery(DeliveryState(state), key, words) == sentence
