"""Sentences that keep their template and values, through errors and the database."""

from __future__ import annotations

import copy
import pickle

from publisher.errors import GateError, IssueError
from publisher.messages import Sentence, joined, message, packed, unpacked


def test_a_message_is_its_english_text_and_an_error_keeps_its_template() -> None:
    one = message("%(count)s of %(whole)s: %(words)s", count=1200, whole=3, words=["a", "b"])
    assert one == "1,200 of 3: a, b"
    kept = str(IssueError(one))
    assert isinstance(kept, Sentence)
    assert kept.values == {"count": 1200, "whole": 3, "words": ("a", "b")}
    assert isinstance(str(GateError("weekly", 1, "no alt")), Sentence)


def test_a_message_survives_being_stored_copied_and_sent_to_a_process() -> None:
    one = joined(message("%(n)s left", n=2), "100 % of plain words", message("done"))
    assert one == "2 left; 100 % of plain words; done"
    for again in (
        unpacked(packed(one)),
        copy.copy(one),
        pickle.loads(pickle.dumps(one)),
    ):  # our own
        assert isinstance(again, Sentence)
        assert (again, again.template) == (one, "%(first)s; %(then)s")


def test_somebody_s_own_words_are_stored_as_they_are() -> None:
    for words in (
        "late",
        '{"template": "x"}',
        '{"template": 3, "values": {}}',
        '{"template": ',
    ):
        assert packed(words) == words
        assert unpacked(words) == words
