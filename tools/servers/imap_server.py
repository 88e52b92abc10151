"""A small IMAP server on the loopback: what `publisher.mailbox.folders` uses of RFC 3501 and RFC 6851."""

import re
import socketserver
import threading
from dataclasses import dataclass, field
from typing import Self

PASSWORD = "correct horse"


@dataclass
class ImapServer:
    """One user with folders of mails. Each mail has a UID; `folders` maps names to them."""

    capabilities: str = "IMAP4rev1 MOVE"
    uid_validity: int = 7
    folders: dict[str, dict[int, bytes]] = field(default_factory=lambda: {"INBOX": {}})
    flags: dict[int, set[str]] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    # The command at which the connection breaks off.
    breaks_at: str = ""

    def __enter__(self) -> Self:
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Session(server, self).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def add(self, content: bytes, folder: str = "INBOX") -> int:
        uid = 1 + max((uid for mails in self.folders.values() for uid in mails), default=0)
        self.folders[folder][uid] = content
        return uid


class _Session:
    def __init__(self, server: ImapServer, handler: socketserver.StreamRequestHandler) -> None:
        self._server, self._in, self._out = server, handler.rfile, handler.wfile
        self._folder: dict[int, bytes] = {}

    def run(self) -> None:
        self._write(b"* OK ready")
        while line := self._in.readline():
            tag, _, rest = line.decode().strip().partition(" ")
            self._server.commands.append(re.sub(r'"correct horse"', "...", rest))
            words = rest.split(" ")
            name = (words[1] if words[0].upper() == "UID" else words[0]).upper()
            if name == self._server.breaks_at:
                return
            answer = self._answer(name, rest)
            self._write(f"{tag} {answer}".encode())
            if name == "LOGOUT":
                return

    def _write(self, line: bytes) -> None:
        self._out.write(line + b"\r\n")

    def _answer(self, name: str, rest: str) -> str:  # noqa: C901, PLR0912  # one case a command
        server = self._server
        uid = int((re.search(r" (\d+)", rest) or [0, 0])[1])
        quoted = re.findall(r'"([^"]*)"', rest)
        match name:
            case "CAPABILITY":
                self._write(f"* CAPABILITY {server.capabilities}".encode())
            case "LOGIN":
                return "OK in" if quoted[-1] == PASSWORD else "NO wrong password"
            case "SELECT":
                if quoted[0] not in server.folders:
                    return "NO no such folder"
                self._folder = server.folders[quoted[0]]
                self._write(f"* {len(self._folder)} EXISTS".encode())
                self._write(f"* OK [UIDVALIDITY {server.uid_validity}]".encode())
            case "SEARCH":
                # `n:*` always has the last mail (RFC 3501 section 6.4.8).
                found = [one for one in self._folder if one >= uid] or [*self._folder][-1:]
                self._write(f"* SEARCH {' '.join(map(str, found))}".encode())
            case "FETCH":
                content = self._folder[uid]
                self._write(b"* 1 FETCH (UID %d BODY[]<0> {%d}" % (uid, len(content)))
                self._out.write(content + b")\r\n")
            case "STORE":
                server.flags.setdefault(uid, set()).update(re.findall(r"\\\w+", rest))
            case "MOVE" | "COPY":
                server.folders[quoted[0]][uid] = self._folder[uid]
                if name == "MOVE":
                    del self._folder[uid]
            case "EXPUNGE":
                for one in [u for u in self._folder if "\\Deleted" in server.flags.get(u, ())]:
                    del self._folder[one]
            case "LOGOUT":
                self._write(b"* BYE")
            case _:
                return "BAD what"
        return "OK done"
