from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.serving.conditional_requests import (
    Validators,
    evaluate_preconditions,
    requested_range,
)
from tests.publisher.serving.samples import AFTER, BEFORE, CHANGED, LAST_MODIFIED

STATE = Validators('"now"', int(CHANGED.timestamp()))
OK, KNOWN, FAILED = HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.PRECONDITION_FAILED


def test_last_modified_is_an_http_date() -> None:
    assert STATE.last_modified == LAST_MODIFIED


def test_a_variant_has_a_tag_of_its_own() -> None:
    variant = STATE.of_variant("page")

    assert variant == Validators('"now-page"', STATE.modified)
    assert evaluate_preconditions({"if-none-match": '"now"'}, variant) is OK


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, OK),
        ({"if-none-match": '"now"'}, KNOWN),
        ({"if-none-match": 'W/"now"'}, KNOWN),
        ({"if-none-match": '"then", "now"'}, KNOWN),
        ({"if-none-match": '"then","a, b",W/"now"'}, KNOWN),
        ({"if-none-match": " * "}, KNOWN),
        ({"if-none-match": '"*"'}, OK),
        ({"if-none-match": "now"}, OK),
        ({"if-none-match": '"now'}, OK),
        ({"if-none-match": ""}, OK),
        ({"if-modified-since": LAST_MODIFIED}, KNOWN),
        ({"if-modified-since": AFTER}, KNOWN),
        ({"if-modified-since": BEFORE}, OK),
        ({"if-modified-since": "Friday, 09-Jan-26 12:30:00 GMT"}, KNOWN),
        ({"if-modified-since": "Fri Jan  9 12:30:00 2026"}, KNOWN),
        ({"if-modified-since": "Fri, 99 Foo 2026 12:30:00 GMT"}, OK),
        ({"if-modified-since": "Fri, 31 Feb 99999 12:30:00 GMT"}, OK),
        ({"if-modified-since": "yesterday"}, OK),
        ({"if-none-match": '"then"', "if-modified-since": AFTER}, OK),
        ({"if-none-match": '"now"', "if-modified-since": BEFORE}, KNOWN),
        ({"if-match": '"now"'}, OK),
        ({"if-match": "*"}, OK),
        ({"if-match": '"then"'}, FAILED),
        ({"if-match": 'W/"now"'}, FAILED),
        ({"if-match": '"now"', "if-none-match": '"now"'}, KNOWN),
        ({"if-match": '"now"', "if-unmodified-since": BEFORE}, OK),
        ({"if-unmodified-since": LAST_MODIFIED}, OK),
        ({"if-unmodified-since": BEFORE}, FAILED),
        ({"if-unmodified-since": "some day"}, OK),
    ],
    ids=str,
)
def test_preconditions_are_taken_in_their_order(
    fields: dict[str, str], status: HTTPStatus
) -> None:
    assert evaluate_preconditions(fields, STATE) is status


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-5", range(2, 6)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("Bytes= 2-5 ", range(2, 6)),
        ("bytes=10-", range(10, 10)),
        ("bytes=-0", range(10, 10)),
        ("bytes=5-2", None),
        ("bytes=0-1,4-5", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("lines=1-2", None),
        ("bytes=" + 5000 * "9" + "-", None),
    ],
)
def test_one_part_can_be_wanted(value: str, wanted: range | None) -> None:
    assert requested_range({"range": value}, STATE, 10) == wanted


@pytest.mark.parametrize(
    ("condition", "whole"),
    [
        ('"now"', False),
        (LAST_MODIFIED, False),
        ('"then"', True),
        ('W/"now"', True),
        (AFTER, True),
    ],
)
def test_a_part_of_another_state_is_not_given(condition: str, whole: bool) -> None:
    found = requested_range({"range": "bytes=2-5", "if-range": condition}, STATE, 10)

    assert found == (None if whole else range(2, 6))


NAMES = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range")


@given(st.dictionaries(st.sampled_from(NAMES), st.text()), st.text())
def test_no_nonsense_is_an_error(fields: dict[str, str], wanted: str) -> None:
    evaluate_preconditions(fields, STATE)
    found = requested_range(fields | {"range": f"bytes={wanted}"}, STATE, 10)

    assert found is None or found.stop <= 10
