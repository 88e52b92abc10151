"""A server that is some way off: what it says arrives after a round trip."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

_PIECE = 2**16


@contextmanager
def far_server(port: int, round_trip: float) -> Iterator[int]:
    """Stand between clients and a server of this machine; gives the port for clients.

    Each piece that the server writes is passed on `round_trip` seconds later.
    """
    loop = asyncio.new_event_loop()
    accept = partial(_relay, port=port, round_trip=round_trip)
    relay = loop.run_until_complete(asyncio.start_server(accept, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield relay.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(relay.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _relay(
    client: asyncio.StreamReader, answers: asyncio.StreamWriter, *, port: int, round_trip: float
) -> None:
    server, requests = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_pass_on(client, requests, 0.0), _pass_on(server, answers, round_trip))


async def _pass_on(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, delay: float
) -> None:
    """Pass on all pieces, each so many seconds after it came."""
    loop = asyncio.get_running_loop()
    while piece := await source.read(_PIECE):
        if delay:
            loop.call_later(delay, target.write, piece)
        else:
            target.write(piece)
            await target.drain()
    loop.call_later(delay, target.close)
