"""A transport is one module, its settings, and one line where the kinds are listed."""

import ast
import json
from collections.abc import Collection
from pathlib import Path

import pytest

import publisher
from publisher.config import load_settings
from publisher.config.delivery import TRANSPORT_KINDS, TransportKind
from publisher.delivery.transports import create_transport
from publisher.delivery.transports.base import MessageKey
from publisher.errors import ConfigError
from tests.publisher.cli.conftest import Run
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import Interrupted, outbox, ready, send, subscribe
from tests.publisher.delivery.transports.spool_transport import SpoolSettings, SpoolTransport

PACKAGE = Path(publisher.__file__).parent
HERE = "tests.publisher.delivery.transports.spool_transport"
SPOOL = '[delivery]\ntransport = "spool"\n[delivery.spool]\nfolder = "spool"\n[delivery.smtp]\nport = 1025\n'
TWO = (("ann@example.com", "en"), ("bob@example.com", "en"))


@pytest.fixture
def folder(publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch) -> Path:
    """List the kind, and use it in a publication with an issue for two subscribers."""
    kind = TransportKind(SpoolSettings, f"{HERE}:open_spool", leftovers="spool/staged")
    monkeypatch.setitem(TRANSPORT_KINDS, "spool", kind)
    subscribe(publication, *TWO)
    ready(publication)
    _append(publication, SPOOL)
    return publication.settings.folders.root


def _append(publication: PublicationFolder, text: str) -> None:
    with (publication.settings.folders.root / "publication.toml").open("a") as file:
        file.write(text)


class Killed(SpoolTransport):
    """Dies after the commit, before a message is in its place."""

    def on_committed(self, lease_id: int, keys: Collection[MessageKey]) -> None:  # noqa: ARG002  # as the protocol has it
        if keys:
            raise Interrupted


def spooled(folder: Path) -> list[bytes]:
    return [one.read_bytes() for one in sorted((folder / "spool").glob("*-*"))]


def test_issues_and_test_messages_go_through_a_new_transport_and_status_shows_it(
    run: Run, publication: PublicationFolder, folder: Path
) -> None:
    publication.write("en/tides.md", "The tide waits.", title="Tides", date="2026-01-05")
    code, out, _err = run("send", "weekly", "--to", "editor@example.org", folder)
    assert (code, "sent to editor@example.org" in out) == (0, True)
    (message,) = spooled(folder)
    assert b"To: editor@example.org\r\n" in message
    assert run("deliver", folder) == (0, "2 mails sent, 1 issue done\n", "")
    assert len(spooled(folder)) == 3
    assert outbox(publication) == {}
    (issue,) = json.loads(run("status", "--json", folder)[1])["issues"]
    assert (issue["state"], issue["deliveries"]["sent"]) == ("sent", 2)


def test_what_a_killed_process_left_is_finished_also_by_a_run_of_another_transport(
    publication: PublicationFolder, folder: Path
) -> None:
    with pytest.raises(Interrupted):
        send(publication, Killed(folder / "spool"))
    assert spooled(folder) == []
    send(publication, create_transport(publication.settings, "outbox"))
    assert len(spooled(folder)) + len(outbox(publication)) == 2
    assert len(spooled(folder)) >= 1


def test_mistakes_in_the_settings_of_a_new_transport_are_explained(folder: Path) -> None:
    file = folder / "publication.toml"
    text = file.read_text()
    for before, after, problem in (
        ('"spool"\n[', '"pigeon"\n[', "input should be 'outbox', 'smtp' or 'spool'"),
        ('folder = "spool"', 'foldr = "a"', "spool.foldr: unknown key; did you mean folder?"),
        ('folder = "spool"', "folder = 3", "spool.folder: 3 won't do"),
        ("[delivery.spool]", "[delivery.spol]", "spol: unknown key; did you mean spool?"),
    ):
        file.write_text(text.replace(before, after))
        with pytest.raises(ConfigError) as caught:
            load_settings(folder, {})
        assert problem in str(caught.value)


def test_no_other_module_names_a_transport() -> None:
    # The folder of the outbox is one of the publication's.
    allowed = {"config/delivery.py", "config/publication.py", "demo/__init__.py"}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and node.value in {"outbox", "smtp"}
    }
    assert {one for one in found if not one.startswith("delivery/transports/")} <= allowed
