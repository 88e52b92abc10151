"""Sentences that keep their template and values, through errors and the database."""

from __future__ import annotations

import copy
import pickle

import pytest

from publisher.errors import GateError, IssueError
from publisher.messages import Sentence, counted, joined, message, packed, unpacked


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


def test_somebody_s_own_words_stay_as_they_are() -> None:
    for words in (
        "late",
        '{"template": "x"}',
        '{"template": 3, "values": {}}',
        '{"template": ',
    ):
        assert unpacked(packed(words)) == unpacked(words) == words


@pytest.mark.parametrize(
    "text",
    [
        '{"template": "a", "values": 3}',
        '{"template": "%(a)2000000000s", "values": {"a": "x"}}',
        '{"template": 5}',
        '{"template": ' + "[" * 5000,
    ],
)
def test_words_of_a_person_that_look_like_a_stored_message_stay_as_they_are(text: str) -> None:
    assert unpacked(packed(text)) == text
    # As they were stored before.
    assert len(unpacked(text)) <= len(text)


def test_a_number_decides_between_the_forms_of_a_sentence() -> None:
    for number, text in ((0, "0 days"), (1, "1 day"), (2, "2 days"), (1200, "1,200 days")):
        one = counted("%(count)s day", "%(count)s days", number)
        again = unpacked(packed(joined(one, "left")))
        assert (one, again) == (text, f"{text}; left")
        assert isinstance(again, Sentence)
        assert copy.copy(one).plural == "%(count)s days"


def test_a_stored_sentence_without_its_number_is_shown_as_it_is() -> None:
    for values in ('{"count": "many"}', "{}"):
        stored = f'{{"template": "a day", "plural": "days", "values": {values}}}'
        assert unpacked(stored) == stored
