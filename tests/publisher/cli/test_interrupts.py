"""Commands that work for long stop where it is safe when asked to, and at once if asked twice."""

from __future__ import annotations

import signal
import threading

import pytest

from publisher.cli.interrupts import stoppable
from publisher.cli.progress import show_progress
from publisher.delivery.transports.base import OutgoingMessage
from publisher.delivery.transports.staging import StagingArea
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import House
from tests.publisher.delivery.mailing import counts, outbox, ready, subscribe

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_work_ends_where_it_next_tells_how_far_it_is(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[int] = []
    with stoppable(lambda _step, done, _of, _note="", /: told.append(done)) as tell:
        tell("sending", 1, 9)
        signal.raise_signal(number)
        told.append(-1)
        with pytest.raises(KeyboardInterrupt):
            tell("sending", 2, 9)
    assert told == [1, -1]
    assert capsys.readouterr().err == "publisher: stopping, once what was begun is done\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_who_asks_twice_waits_for_nothing(number: signal.Signals) -> None:
    with show_progress():
        signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_afterwards_signals_do_what_they_did() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with show_progress():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_who_stops_deliver_leaves_nobody_in_doubt(
    run: Run, house: House, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    subscribe(house, *((f"reader.{n}@example.com", "en") for n in range(600)))
    issue, main = ready(house), threading.main_thread().ident
    put, seen = StagingArea.put, list[OutgoingMessage]()

    def asked(self: StagingArea, sender: int, outgoing: OutgoingMessage) -> None:
        put(self, sender, outgoing)
        seen.append(outgoing)
        if len(seen) == 20 and main:
            signal.pthread_kill(main, number)

    monkeypatch.setattr(StagingArea, "put", asked)
    code, _out, err = run("deliver", house.settings.folders.root)
    assert code == 130
    assert err.count("publisher: stopping, once what was begun is done\n") == 1
    found = counts(house, issue)
    assert found.keys() == {"sent", "pending"}
    assert len(outbox(house)) == found["sent"] == len(seen)
