"""Thousands of tries against one account in an hour."""

from datetime import timedelta
from functools import partial

import pytest

from publisher.app import console_access as access
from publisher.app.editing_state import open_editing_state
from publisher.app.own_sessions import Browser
from tests.publisher.app.editing import ANN, at, invite, reason, who
from tests.publisher.app.test_console_access import counted_hashes
from tests.publisher.conftest import PublicationFolder
from tests.sizes import by_lane

TRIES = by_lane(1_000, 10_000)


def test_any_number_of_tries_costs_a_hundred_hashes_at_most_and_lock_nobody_out(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = counted_hashes(monkeypatch)
    with open_editing_state(publication.settings, publication.clock) as state:
        ann = invite(state, ANN)
        ann.enrol_passkey()
        for number in range(TRIES):
            moment = at(state, number * timedelta(hours=1) / TRIES)
            where = Browser("", f"198.{number // 250}.{number % 250}.0/24")
            step = partial(access.begin_by_password, moment, where, ANN, "no")
            assert reason(step) in {"wrong", "wait"}
        assert 20 <= len(hashes) <= 100
        assert who(state, ann.sign_in(state)) == ANN
