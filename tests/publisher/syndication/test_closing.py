from hypothesis import given
from hypothesis import strategies as st

from publisher.syndication.closing import fitting, leaving, lots, runs


def test_what_there_is_room_for_stays() -> None:
    assert fitting([10] * 30, most=50, most_bytes=1000) == 30
    assert leaving(30, fit=30) == 0


def test_a_document_holds_its_limit_of_entries() -> None:
    assert fitting([10] * 80, most=50, most_bytes=10_000) == 50


def test_a_document_holds_its_limit_of_bytes() -> None:
    assert fitting([400, 400, 400], most=50, most_bytes=1000) == 2


def test_an_entry_that_is_larger_than_the_limit_still_has_a_document() -> None:
    assert fitting([5000], most=50, most_bytes=1000) == 1


def test_an_entry_that_is_larger_than_the_limit_drives_no_other_out() -> None:
    assert fitting([10, 5000, 10, 980, 10], most=50, most_bytes=1000) == 4


def test_after_a_large_lot_the_subscription_document_is_full() -> None:
    assert leaving(137, fit=50) == 87


def test_a_single_surplus_entry_takes_others_along() -> None:
    assert leaving(51, fit=50) == 10


def test_where_few_fit_few_leave_together() -> None:
    assert leaving(11, fit=10) == 2
    assert leaving(4, fit=3) == 1


def test_the_newest_entry_never_leaves() -> None:
    assert leaving(2, fit=1) == 1
    assert leaving(1, fit=1) == 0


def test_a_feed_of_one_entry_closes_one_at_a_time() -> None:
    assert leaving(2, fit=1) == 1


def test_lots_are_nearly_equal() -> None:
    assert lots(87, 50) == [44, 43]
    assert lots(51, 50) == [26, 25]
    assert lots(10, 50) == [10]
    assert lots(0, 50) == []


def test_a_lot_is_divided_where_its_bytes_exceed_the_limit() -> None:
    assert runs([400, 400, 400, 100], 1000) == [2, 2]
    assert runs([5000, 10, 10], 1000) == [1, 2]
    assert runs([10, 5000, 10], 1000) == [1, 1, 1]
    assert runs([], 1000) == []


@given(sizes=st.lists(st.integers(0, 500)), most=st.integers(1, 600))
def test_runs_hold_everything_and_fit(sizes: list[int], most: int) -> None:
    found, start = runs(sizes, most), 0
    assert sum(found) == len(sizes)
    for length in found:
        run = sizes[start : start + length]
        assert length == 1 or sum(run) <= most
        start += length


@given(count=st.integers(1, 2000), most=st.integers(1, 120), share=st.floats(0, 1))
def test_nothing_is_lost_and_no_document_exceeds_its_limit(
    count: int, most: int, share: float
) -> None:
    fit = max(1, min(count, round(most * share)))
    left = leaving(count, fit)
    assert sum(lots(left, most)) == left
    assert all(0 < lot <= most for lot in lots(left, most))
    assert 1 <= count - left <= fit
