"""A Postfix of its own on loopback, which delivers to Maildirs and to nowhere else. Needs root.

Mail to a known address of its domains goes to that address' Maildir; mail to an unknown one is
accepted and returned to its envelope sender (RFC 3464). All other domains are refused.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
"""
_SECONDS = 30.0


@dataclass(frozen=True)
class Postfix:
    """A running server: where it listens, and where it puts mail."""

    host: str
    port: int
    folder: Path

    @property
    def mailboxes(self) -> Path:
        """The folder that holds the Maildirs."""
        return self.folder / "mailboxes"

    def maildir(self, address: str) -> Path:
        """Return the Maildir of an address."""
        return self.mailboxes / address

    def messages(self, address: str, number: int) -> list[bytes]:
        """Return the messages of an address, oldest first, once there are so many."""
        end = time.monotonic() + _SECONDS
        while True:
            paths = sorted((self.maildir(address) / "new").glob("*"), key=_arrival)
            if len(paths) >= number:
                return [path.read_bytes() for path in paths]
            if time.monotonic() > end:
                raise TimeoutError(f"{address} has {len(paths)} messages of {number}")
            time.sleep(0.05)

    def set_mailboxes(self, addresses: Sequence[str]) -> None:
        """Have these mailboxes from now on, and no others; their domains stay."""
        _write_settings(self.folder, addresses)
        _postfix(self.folder, "reload")


def postfix_is_available() -> bool:
    """Return whether Postfix is installed, and may be started."""
    return shutil.which("postfix") is not None and os.geteuid() == 0


@contextmanager
def running_postfix(addresses: Sequence[str]) -> Iterator[Postfix]:
    """Run Postfix with a Maildir for each address, and stop it at the end."""
    # Its programs run as other users, who may not enter the folders of pytest.
    folder = Path(tempfile.mkdtemp(prefix="publisher-postfix-"))
    folder.chmod(0o755)
    try:
        port = free_port()
        _configure(folder, port, addresses)
        _postfix(folder, "start")
        try:
            _wait_until_it_listens(port)
            yield Postfix("127.0.0.1", port, folder)
        finally:
            _postfix(folder, "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, port: int, addresses: Sequence[str]) -> None:
    owner = pwd.getpwnam("postfix")
    for name in ("etc", "spool", "data", "mailboxes"):
        (folder / name).mkdir(mode=0o755)
    for name in ("data", "mailboxes"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    (folder / "etc/master.cf").write_text(_SERVICES.format(port=port))
    domains = sorted({address.rpartition("@")[2] for address in addresses})
    (folder / "etc/domains").write_text("".join(f"{domain} x\n" for domain in domains))
    _write_settings(folder, addresses)


def _write_settings(folder: Path, addresses: Sequence[str]) -> None:
    owner = pwd.getpwnam("postfix")
    boxes = " ".join(f"{{{address} = {address}/}}" for address in addresses)
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": folder / "spool",
        "data_directory": folder / "data",
        "maillog_file": "/dev/null",
        "maillog_file_prefixes": "/dev",
        "myhostname": "mx.example.net",
        "mydestination": "",
        "inet_interfaces": "loopback-only",
        "inet_protocols": "ipv4",
        "mynetworks": "127.0.0.0/8",
        "smtpd_peername_lookup": "no",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "smtpd_reject_unlisted_recipient": "no",
        "recipient_delimiter": "+",
        "alias_maps": "",
        "local_recipient_maps": "",
        # Nothing leaves this machine.
        "default_transport": "error:this server delivers to its own domains only",
        "relay_transport": "$default_transport",
        "local_transport": "error:no local mail",
        "virtual_mailbox_domains": f"texthash:{folder}/etc/domains",
        "virtual_mailbox_base": folder / "mailboxes",
        "virtual_mailbox_maps": f"inline:{{ {boxes} }}",
        "virtual_minimum_uid": "1",
        "virtual_uid_maps": f"static:{owner.pw_uid}",
        "virtual_gid_maps": f"static:{owner.pw_gid}",
        "default_destination_concurrency_limit": "20",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (folder / "etc/main.cf").write_text(lines)


def _postfix(folder: Path, verb: str) -> None:
    command = ["postfix", "-c", str(folder / "etc"), verb]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"postfix {verb}: {done.stderr or done.stdout}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(port: int) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                if connection.recv(4).startswith(b"220"):
                    return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("Postfix does not answer")


def _arrival(path: Path) -> tuple[float, str]:
    return path.stat().st_mtime, path.name
