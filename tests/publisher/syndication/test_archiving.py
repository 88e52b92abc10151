from hypothesis import given
from hypothesis import strategies as st

from publisher.syndication.archiving import (
    count_fitting,
    count_leaving,
    split_by_size,
    split_evenly,
)


def test_entries_that_fit_stay() -> None:
    assert count_fitting([10] * 30, most=50, most_bytes=1000) == 30
    assert count_leaving(30, fit=30) == 0


def test_a_document_has_at_most_its_number_of_entries() -> None:
    assert count_fitting([10] * 80, most=50, most_bytes=10_000) == 50


def test_a_document_has_at_most_its_number_of_bytes() -> None:
    assert count_fitting([400, 400, 400], most=50, most_bytes=1000) == 2


def test_an_entry_larger_than_the_limit_fits() -> None:
    assert count_fitting([5000], most=50, most_bytes=1000) == 1


def test_an_entry_larger_than_the_limit_does_not_push_others_out() -> None:
    assert count_fitting([10, 5000, 10, 980, 10], most=50, most_bytes=1000) == 4


def test_after_many_entries_left_the_subscription_document_is_full() -> None:
    assert count_leaving(137, fit=50) == 87


def test_a_single_surplus_entry_leaves_with_others() -> None:
    assert count_leaving(51, fit=50) == 10


def test_if_few_entries_fit_few_leave_together() -> None:
    assert count_leaving(11, fit=10) == 2
    assert count_leaving(4, fit=3) == 1


def test_the_newest_entry_never_leaves() -> None:
    assert count_leaving(2, fit=1) == 1
    assert count_leaving(1, fit=1) == 0


def test_a_document_of_one_entry_archives_one_at_a_time() -> None:
    assert count_leaving(2, fit=1) == 1


def test_archive_documents_are_nearly_equal() -> None:
    assert split_evenly(87, 50) == [44, 43]
    assert split_evenly(51, 50) == [26, 25]
    assert split_evenly(10, 50) == [10]
    assert split_evenly(0, 50) == []


def test_entries_are_divided_where_their_bytes_exceed_the_limit() -> None:
    assert split_by_size([400, 400, 400, 100], 1000) == [2, 2]
    assert split_by_size([5000, 10, 10], 1000) == [1, 2]
    assert split_by_size([10, 5000, 10], 1000) == [1, 1, 1]
    assert split_by_size([], 1000) == []


@given(sizes=st.lists(st.integers(0, 500)), most=st.integers(1, 600))
def test_divided_entries_are_complete_and_fit(sizes: list[int], most: int) -> None:
    found, start = split_by_size(sizes, most), 0
    assert sum(found) == len(sizes)
    for length in found:
        run = sizes[start : start + length]
        assert length == 1 or sum(run) <= most
        start += length


@given(count=st.integers(1, 2000), most=st.integers(1, 120), share=st.floats(0, 1))
def test_no_entry_is_lost_and_no_document_exceeds_its_limit(
    count: int, most: int, share: float
) -> None:
    fit = max(1, min(count, round(most * share)))
    left = count_leaving(count, fit)
    assert sum(split_evenly(left, most)) == left
    assert all(0 < lot <= most for lot in split_evenly(left, most))
    assert 1 <= count - left <= fit
