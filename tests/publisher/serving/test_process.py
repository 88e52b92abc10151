import os
import signal
import socket
from pathlib import Path

import pytest

from publisher.errors import UsageError
from publisher.serving import serve_site
from tests.publisher.serving.samples import make_site


def stop(_host: str, _port: int) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_reaches_no_other_handler(
    tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    serve_site(
        make_site(tmp_path), port=0, ready=lambda _host, _port: os.kill(os.getpid(), number)
    )

    assert signal.getsignal(number) is before


def test_it_listens_before_it_says_so(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []

    def ready(host: str, port: int) -> None:
        socket.create_connection((host, port)).close()
        told.append((host, port))
        stop(host, port)

    serve_site(make_site(tmp_path), "localhost", port=0, ready=ready)

    assert told[0][0] in {"127.0.0.1", "::1"}
    assert told[0][1] > 0


def test_an_address_that_cannot_be_bound_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--host: 'not an address' is no address"):
        serve_site(make_site(tmp_path), "not an address")
