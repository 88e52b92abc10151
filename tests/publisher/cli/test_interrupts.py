"""Commands that work for long stop where it is safe when asked to, and at once if asked twice."""

import signal
import threading
from time import sleep

import pytest

from publisher.cli.exit_codes import Interrupted, stoppable
from publisher.cli.progress import show_progress
from publisher.delivery.transports.base import OutgoingMessage
from publisher.delivery.transports.outbox import StagingArea
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder
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
        with pytest.raises(Interrupted):
            tell("sending", 2, 9)
    assert told == [1, -1]
    assert capsys.readouterr().err == "publisher: stopping after the work that has begun\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_interrupts_at_once_and_afterwards_signals_do_what_they_did(
    number: signal.Signals,
) -> None:
    before = signal.getsignal(number)
    with show_progress():
        assert signal.getsignal(number) != before
        signal.raise_signal(number)
        with pytest.raises(Interrupted):
            signal.raise_signal(number)
    assert signal.getsignal(number) == before


def test_an_interrupted_deliver_leaves_no_mail_in_doubt(
    run: Run, publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(600)))
    issue, main = ready(publication), threading.main_thread().ident
    put, seen = StagingArea.put, list[OutgoingMessage]()

    def asked(self: StagingArea, sender: int, outgoing: OutgoingMessage) -> None:
        put(self, sender, outgoing)
        seen.append(outgoing)
        if len(seen) == 20 and main:
            signal.pthread_kill(main, signal.SIGTERM)
        if len(seen) >= 20:
            sleep(0.05)  # so that work is left when the signal is heard

    monkeypatch.setattr(StagingArea, "put", asked)
    code, _out, err = run("deliver", publication.settings.folders.root)
    # Work is left.
    assert code == 128 + signal.SIGTERM
    assert err.count("publisher: stopping after the work that has begun\n") == 1
    found = counts(publication, issue)
    assert found.keys() == {"sent", "pending"}
    assert len(outbox(publication)) == found["sent"] == len(seen)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "step",
    ["publisher.app.start_checks.open_parts", "publisher.jobs.local_engine.Service.run"],
)
def test_a_service_that_is_stopped_ends_with_exit_code_0_even_while_it_starts(
    run: Run,
    publication: PublicationFolder,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    step: str,
) -> None:
    monkeypatch.setattr(step, lambda *_arguments: signal.raise_signal(number))
    code, out, err = run("run", publication.settings.folders.root)
    # On a server a process says that it leads.
    said = [line for line in err.splitlines() if "this process leads" not in line]
    assert (code, out, said) == (0, "", [])


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_that_is_stopped_says_so_and_its_exit_code_names_the_signal(
    run: Run,
    publication: PublicationFolder,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    step = "publisher.app.start_checks.open_parts"
    monkeypatch.setattr(step, lambda *_arguments: signal.raise_signal(number))
    code, _out, err = run("run", "--once", publication.settings.folders.root)
    assert code == 128 + number  # 130 for Ctrl-C, 143 for SIGTERM
    assert err.endswith(f"publisher: stopped by {number.name}; run it again to continue\n")
