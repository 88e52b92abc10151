"""`publisher status` says which processes run, which of them leads, and who is sending."""

from __future__ import annotations

import json

import pytest

from publisher.cli import main
from publisher.config import SETTINGS_FILE
from publisher.database.dialect.job_queue import JobQueue
from publisher.delivery.ledger import leases
from publisher.leader import store
from publisher.leader.store import Process
from tests.databases import database_address, on_postgresql
from tests.publisher.conftest import PublicationFolder

ALPHA, BETA = Process("1", "alpha", 11, "alpha/var"), Process("2", "beta", 22, "beta/var")


def status(publication: PublicationFolder, *options: str) -> None:
    main(["status", *options, str(publication.settings.folders.root)])


def test_status_shows_the_processes_of_all_hosts(
    publication: PublicationFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    database = publication.database
    with database.writing() as connection:
        now = database.timer.time()
        for process in (ALPHA, BETA):
            store.report_running(connection, process, now)
        assert store.take_or_renew(connection, BETA, None, now) == 1
        leases.create_lease(connection, "smtp", "ambiguous", "x", now + 60, "alpha/boot/1/2")
        leases.create_lease(connection, "smtp", "ambiguous", "y", now - 1, "gone/boot/1/2")
    status(publication)
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "Running: alpha (process 11), beta (process 22, plans and writes files, epoch 1)"
        in shown
    )
    assert "Sending now: alpha by smtp" in shown
    assert "gone" not in shown
    status(publication, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["processes"] == [
        {"host": "alpha", "pid": 11, "epoch": None},
        {"host": "beta", "pid": 22, "epoch": 1},
    ]
    assert found["senders"] == [{"host": "alpha", "transport": "smtp"}]


def test_status_shows_the_turns_of_a_task_engine(
    publication: PublicationFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    if not on_postgresql():
        pytest.skip("needs the server of --database=postgresql")
    file = publication.settings.folders.root / SETTINGS_FILE
    edited = file.read_text("utf-8").replace(
        '"timezone"', '"engine" = "procrastinate", "timezone"'
    )
    file.write_text(edited, "utf-8")
    status(publication)
    assert "Turns" not in capsys.readouterr().out
    queue = JobQueue(str(database_address(publication.settings.folders.database)), "one")
    with publication.database.writing() as connection:
        queue.create_tables(connection)
        for name in ("deliver", "deliver", "notify"):
            queue.enqueue(connection, name)
        connection.exec_driver_sql(
            "UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'notify'"
        )
    status(publication)
    shown = " ".join(capsys.readouterr().out.split())
    assert "Turns that run: 1 notify (since " in shown
    assert "Turns that wait: 1 deliver (since " in shown
    status(publication, "--json")
    found = json.loads(capsys.readouterr().out)["turns"]
    assert [(one["turn"], one["state"], one["count"]) for one in found] == [
        ("deliver", "waiting", 1),
        ("notify", "running", 1),
    ]
