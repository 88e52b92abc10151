"""Ways to a server that can be cut: nothing gets through meanwhile, and nobody is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

# A Unix socket, or host and port.
Place = Path | tuple[str, int]


class Link:
    """A port that leads to a server. What is on its way when it is cut arrives afterwards."""

    def __init__(self, place: Place, host: str = "127.0.0.1") -> None:
        self.place = place
        self._is_whole = Event()
        self._is_whole.set()
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def cut(self) -> Iterator[None]:
        """Let nothing through in either direction; connections stay open."""
        self._is_whole.clear()
        try:
            yield
        finally:
            self._is_whole.set()

    def close(self) -> None:
        """Accept no more connections."""
        self._is_whole.set()
        # Closing alone would not wake the thread.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._is_whole.wait()
        with ExitStack() as stack, suppress(OSError):
            stack.enter_context(client)
            server = stack.enter_context(_connected(self.place))
            answers = Thread(target=self._pass_on, args=(server, client), daemon=True)
            answers.start()
            self._pass_on(client, server)
            answers.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._is_whole.wait()
                sink.sendall(data)
        self._is_whole.wait()
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _connected(place: Place) -> socket.socket:
    if isinstance(place, tuple):
        return socket.create_connection(place)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(str(place))
    except OSError:
        server.close()
        raise
    return server
