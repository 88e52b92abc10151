import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.serving.negotiation import _CODINGS, choose_coding

ALL = ("br", "gzip", "identity")


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("gzip, br", "br"),
        ("gzip;q=1.0, br;q=0.9", "gzip"),
        ("gzip;q=0.5, br;q=0.5, identity;q=0.5", "br"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("*;q=0.1, gzip;q=0.2", "gzip"),
        ("br;q=0, *", "gzip"),
        ("*;q=0", None),
        ("*;q=0, identity", "identity"),
        ("*;q=0, identity;q=0.1", "identity"),
        ("identity;q=0", None),
        ("gzip, identity;q=0", "gzip"),
        ("br;q=0.0, gzip;q=0.00, identity", "identity"),
        ("x-gzip", "gzip"),
        ("Br", "br"),
        ("gzip ; q=0.8 ,\tbr ; Q=0.9", "br"),
        ("deflate, zstd", "identity"),
        ("gzip;q=2, br;q=much", "identity"),
        ("gzipped", "identity"),
        (",, gzip,", "gzip"),
    ],
)
def test_the_best_of_what_the_client_takes_is_chosen(header: str, chosen: str) -> None:
    assert choose_coding(header, ALL) == chosen


def test_what_is_not_at_hand_is_not_chosen() -> None:
    assert choose_coding("br, gzip;q=0.5", ("gzip", "identity")) == "gzip"
    assert choose_coding("br, gzip", ("identity",)) == "identity"
    assert choose_coding("br, identity;q=0", ("identity",)) is None
    assert choose_coding("br", ()) is None


@given(st.text(), st.sets(st.sampled_from(_CODINGS)))
def test_nothing_that_a_client_says_gets_what_is_not_there(
    header: str, available: set[str]
) -> None:
    assert choose_coding(header, available) in {None, *available}
