"""The most common passwords, as long as ours have to be, are refused."""

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from publisher.accounts.passwords import SHORTEST, password_fault
from tests.publisher.accounts.test_factors import common_passwords


def test_the_three_thousand_most_common_passwords_are_refused() -> None:
    tried = {*common_passwords(3010)}
    assert len(tried) > 3000
    assert [one for one in tried if password_fault(one, []) is None] == []


def test_each_common_password_that_is_long_enough_by_itself_is_refused() -> None:
    long = [one for one in FREQUENCY_LISTS["passwords"] if len(one) >= SHORTEST]
    assert len(long) > 20
    assert [one for one in long if password_fault(one, []) is None] == []
