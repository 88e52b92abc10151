"""The whole way of a mail, from ledger to server, beside what others reach with the same server.

postfix brings both the server, `smtp-sink`, and the fastest client there is, `smtp-source`; they
are measured in turns with ours, all with the same size and connections. Without them, nothing is
measured. nodemailer is measured where npm can install it.

Run as a process of its own for each step: `python -m tools.bench.sending deliver FOLDER`.
"""

import json
import os
import pwd
import shutil
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from rich.table import Table

from publisher.clock import SystemClock
from publisher.config import load_settings
from publisher.database import open_database
from publisher.delivery.dispatcher import Dispatcher
from publisher.delivery.transports import create_transport
from publisher.testing import SECRET
from tools.bench.audience import make_audience
from tools.bench.far_server import far_server
from tools.bench.sizes import SMALLEST, size

COLUMNS = ("Mails a second (median)", "least", "most")
RECIPIENTS = size(50_000, smallest=20)
BYTES = 57_000
CONNECTIONS = 8
ROUNDS = size(3, smallest=1)
# Seconds to a server and back.
ROUND_TRIPS = (0.05, 0.2)
SECONDS_FAR = size(20, smallest=1)
# Slow clients get less to do; a rate is a rate.
FEWER = size(5_000, smallest=16)
# Its whole way, as ours is one; and without composing, which is more than most of its users do.
NODEMAILER = {"nodemailer, pooled": True, "nodemailer, pooled, composed before": False}
# Where packages put programs for administrators.
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
NODE = """
const nodemailer = require('nodemailer');
const [port, count, connections, bytes, composes] = process.argv.slice(2).map(Number);
const transport = nodemailer.createTransport({
  host: '127.0.0.1', port, pool: true, maxConnections: connections, maxMessages: Infinity,
  ignoreTLS: true,
});
const body = ('x'.repeat(74) + '\\r\\n').repeat(bytes / 76);
const [from, to] = ['a@example.com', 'b@example.com'];
const message = composes
  ? { from, to, subject: 'x', html: body }
  : { envelope: { from, to: [to] }, raw: 'Subject: x\\r\\n\\r\\n' + body };
const start = process.hrtime.bigint();
Promise.all(Array.from({ length: count }, () => transport.sendMail(message)))
  .then(() => {
    console.log(count / (Number(process.hrtime.bigint() - start) / 1e9));
    transport.close();
  });
"""


def measure(table: Table) -> None:
    """Measure all of them in turns, as rows of a table."""
    sink, source = (shutil.which(name, path=PATH) for name in ("smtp-sink", "smtp-source"))
    if not sink or not source:
        table.add_row("smtp-sink and smtp-source are not installed (package postfix)")
        return
    rates: dict[str, list[float]] = {"smtp-source": [], "ours": []}
    with tempfile.TemporaryDirectory() as folder, _sink(sink) as port:
        for turn in range(ROUNDS):
            rates["smtp-source"].append(_smtp_source(source, port))
            place = Path(folder) / f"{turn}"
            rates["ours"].append(_ours(place, port))
            shutil.rmtree(place)
        rates["smtplib, sendmail"] = [_smtplib(port)]
        for name, composes in NODEMAILER.items():
            rates[name] = _nodemailer(Path(folder), port, composes=composes)
        far = {round_trip: _far(Path(folder), port, round_trip) for round_trip in ROUND_TRIPS}
    _tell(table, {name: found for name, found in rates.items() if found}, far)


def _tell(table: Table, rates: dict[str, list[float]], far: dict[float, float]) -> None:
    for name, found in rates.items():
        table.add_row(name, *(f"{f(found):,.0f}" for f in (statistics.median, min, max)))
    ours = statistics.median(rates["ours"])
    for other in ("smtp-source", "smtplib, sendmail", *NODEMAILER):
        if other in rates:
            ratio = ours / statistics.median(rates[other])
            table.add_row(f"  ours, beside {other}", f"{ratio:.2f} times")
    for round_trip, rate in far.items():
        # With PIPELINING, a message needs one round trip of its connection.
        share = rate * round_trip / CONNECTIONS
        table.add_row(f"ours, {1000 * round_trip:.0f} ms away", f"{rate:,.0f}")
        table.add_row("  of what pipelining allows", f"{share:.0%}")


@contextmanager
def _sink(program: str) -> Iterator[int]:
    """Run a server that takes everything and keeps nothing; gives its port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # As root it wants to be somebody else.
    user = ["-u", "nobody"] if os.getuid() == 0 and _is_known("nobody") else []
    process = subprocess.Popen(
        [program, *user, f"127.0.0.1:{port}", "1000"], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=10)


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no server at port {port}")


def _smtp_source(program: str, port: int) -> float:
    words = [program, "-s", CONNECTIONS, "-l", BYTES, "-m", RECIPIENTS]
    envelope = ["-f", "a@example.com", "-t", "b@example.com", f"127.0.0.1:{port}"]
    start = time.perf_counter()
    subprocess.run([*map(str, words), *envelope], check=True)
    return RECIPIENTS / (time.perf_counter() - start)


def _far(folder: Path, port: int, round_trip: float) -> float:
    """Return our mails a second to a server that is some way off."""
    count = int(SECONDS_FAR * CONNECTIONS / round_trip)
    place = folder / "far"
    with far_server(port, round_trip) as relay:
        rate = _ours(place, relay, count)
    shutil.rmtree(place)
    return rate


def _ours(folder: Path, port: int, recipients: int = RECIPIENTS) -> float:
    delivery = (
        '\n[delivery]\ntransport = "smtp"\n'
        f'[delivery.smtp]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n'
        f"connections = {CONNECTIONS}\n"
    )
    # What is encoded, and the fields, make up the rest of the size.
    make_audience(folder, recipients, int(BYTES * 0.93), delivery)
    command = [sys.executable, "-m", "tools.bench.sending", "deliver", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if found["messages"] != recipients or found["problems"]:
        raise RuntimeError(f"not sent: {found}")
    return float(recipients / found["seconds"])


def _deliver(folder: Path) -> None:
    settings = load_settings(folder, {"PUBLISHER_SECRET": SECRET})
    transport = create_transport(settings)
    database = open_database(settings.folders.database, settings.delivery.durability)
    with closing(database):
        start = time.perf_counter()
        sent = Dispatcher(settings, database, transport, SECRET, SystemClock()).deliver()
        seconds = time.perf_counter() - start
    found = {"messages": sent.messages, "problems": sent.problems, "seconds": seconds}
    sys.stdout.write(f"{json.dumps(found)}\n")


def _smtplib(port: int) -> float:
    content = "Subject: x\r\n\r\n" + ("x" * 74 + "\r\n") * (BYTES // 76)

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", port) as client:
            for _ in range(FEWER // CONNECTIONS):
                client.sendmail("a@example.com", ["b@example.com"], content)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return FEWER / (time.perf_counter() - start)


def _nodemailer(folder: Path, port: int, *, composes: bool) -> list[float]:
    """Measure nodemailer's pool; nothing where node or the package can't be had."""
    if SMALLEST or not shutil.which("npm") or not shutil.which("node"):
        return []
    install = ["npm", "install", "--silent", "--no-save", "--prefix", str(folder), "nodemailer"]
    if subprocess.run(install, capture_output=True, check=False, timeout=300).returncode:
        return []
    script = folder / "send.js"
    script.write_text(NODE, "utf-8")
    words = ["node", script, port, FEWER, CONNECTIONS, BYTES, int(composes)]
    done = subprocess.run([*map(str, words)], check=True, capture_output=True, text=True)
    return [float(done.stdout)]


if __name__ == "__main__":
    _deliver(Path(sys.argv[2]))
