"""Our own server, nginx and Caddy, and a client that asks just what it is told.

nginx runs what we print for it, and Caddy the example of deploy/, listening on a socket in a folder of the
test's instead of the internet's ports.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIApplication

from publisher.config import Settings
from publisher.serving.nginx_site import nginx_config
from publisher.serving.server import WebServer, WebSite, running
from publisher.serving.static_site import StaticSite
from tests.sizes import PATIENCE

REPOSITORY = Path(__file__).resolve().parents[2]
# What is of the moment or of the connection, not of the document.
UNSTEADY = {"transfer-encoding", "date", "connection", "keep-alive", "server"}
NGINX_MAIN = """
{modules}
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    """What came back; headers by names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Server:
    """A server that runs, and where its publication is."""

    name: str
    connect: Callable[[], socket.socket]
    prefix: str
    host: str
    brotli: bool = True

    def ask(self, path: str, method: str = "GET", **fields: str) -> Answer:
        """Ask for a path below the web root; `if_none_match` is If-None-Match."""
        return self.ask_host(f"{self.prefix}/{path}", method, **fields)

    def ask_host(self, path: str, method: str = "GET", **fields: str) -> Answer:
        """Ask for a path of the host."""
        connection = HTTPConnection(self.host)
        connection.sock = self.connect()
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            connection.putheader("Host", self.host)
            for name, value in fields.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            response = connection.getresponse()
            headers: dict[str, str] = {}
            for name, value in response.getheaders():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else value
            return Answer(response.status, headers, response.read())
        finally:
            connection.close()


def steady(answer: Answer, but: Collection[str] = ()) -> dict[str, str]:
    """Give the headers that are of the document, but for some."""
    return {
        name: value
        for name, value in answer.headers.items()
        if name not in UNSTEADY and name not in but
    }


@contextmanager
def own_server(settings: Settings, _folder: Path) -> Iterator[Server]:
    """Run our own, in a thread: all of it but the signals, which test_server is about."""
    with web_server(StaticSite(lambda: settings)) as address:
        yield _server("own", settings, lambda: socket.create_connection(address))


@contextmanager
def web_server(
    application: WSGIApplication, *, max_body_bytes: int = 64 * 1024, **options: Any
) -> Iterator[tuple[str, int]]:
    """Serve an application in a thread, with options of `WebSite`; give its address."""
    site = WebSite(application, "127.0.0.1", 0, max_body_bytes=max_body_bytes, **options)
    with closing(WebServer([site])) as server, running(server, grace=0):
        yield server.addresses[0]


@contextmanager
def nginx_server(settings: Settings, folder: Path) -> Iterator[Server]:
    """Run nginx by our configuration, with brotli if it has the module."""
    module = _brotli_module()
    text = nginx_config(settings, brotli=module is not None)
    text = re.sub(r" *listen \[::\].*\n| *ssl_certificate.*\n", "", text)
    text = text.replace("/var/log/nginx/access.log", f"{folder}/access.log")
    text = text.replace("listen 80;", f"listen unix:{folder}/plain;")
    text = text.replace("listen 443 ssl;", f"listen unix:{folder}/server;")
    (folder / "site.conf").write_text(text)
    modules = f"load_module {module};" if module else ""
    main = NGINX_MAIN.format(folder=folder, modules=modules)
    (folder / "nginx.conf").write_text(main)
    log = folder / "error.log"
    command = [
        str(found("nginx")),
        "-c",
        f"{folder}/nginx.conf",
        "-p",
        str(folder),
        "-e",
        str(log),
    ]
    with _running(command) as process:
        _wait_for(folder / "server", process)
        yield _server("nginx", settings, _unix(folder / "server"), brotli=bool(module))


@contextmanager
def caddy_server(settings: Settings, folder: Path) -> Iterator[Server]:
    """Run Caddy by the example, whose hosts and ports are those of the settings."""
    text = (REPOSITORY / "deploy" / "Caddyfile").read_text("utf-8")
    for example, own in (
        ("news.example.org", settings.publication.host),
        ("console.example.org", settings.console.name),
        ("/srv/lantern/public", str(settings.folders.public)),
        ("127.0.0.1:8100", settings.web.address),
        ("127.0.0.1:8090", settings.console.address),
    ):
        assert example in text
        text = text.replace(example, own)
    at_socket = rf"http://\1 {{\n\tbind unix/{folder}/server"
    text = re.sub(r"(?m)^(\S+\.\S+) \{$", at_socket, text)
    options = f"{{\n\tadmin off\n\tstorage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(options + text)
    command = [str(found("caddy")), "run", "--config", f"{folder}/Caddyfile"]
    # It keeps a copy of its configuration at home.
    with _running(
        [*command, "--adapter", "caddyfile"], HOME=str(folder), XDG_CONFIG_HOME=str(folder)
    ) as process:
        _wait_for(folder / "server", process)
        yield _server("caddy", settings, _unix(folder / "server"))


def missing(program: str) -> bool:
    """Say if a program is not on this machine."""
    return found(program) is None


def found(program: str) -> str | None:
    """Find a program; servers may be where only root looks."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/local/sbin:/usr/sbin")


def _server(
    name: str, settings: Settings, connect: Callable[[], socket.socket], *, brotli: bool = True
) -> Server:
    publication = settings.publication
    prefix = publication.url.partition(publication.host)[2]
    return Server(name, connect, prefix, publication.host, brotli)


def _unix(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        opened = socket.socket(socket.AF_UNIX)
        try:
            opened.connect(str(path))
        except OSError:
            opened.close()
            raise
        return opened

    return connect


@contextmanager
def _running(command: list[str], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
    )
    try:
        yield process
    finally:
        # They have nothing to save, and would take half a second to find that out.
        process.kill()
        process.wait(PATIENCE)


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not _answers(path):
        assert process.poll() is None, "it did not start"
        assert time.monotonic() < end, "it does not listen"
        time.sleep(0.01)


def _answers(path: Path) -> bool:
    try:
        _unix(path)().close()
    except OSError:
        return False
    return True


def _brotli_module() -> Path | None:
    """Find the module where this nginx looks for its modules."""
    told = subprocess.run(
        [str(found("nginx")), "-V"], capture_output=True, text=True, check=True
    ).stderr
    folder = re.search(r"--modules-path=(\S+)", told)
    module = Path(folder[1] if folder else "modules") / "ngx_http_brotli_static_module.so"
    return module if module.is_file() else None
