"""What is sent to one receiver, killed with -9 at any step of enqueuing and sending it: nothing is lost.

Each kind is enqueued and sent in a process of its own. A step is a statement that writes, or a commit.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest
from sqlalchemy import Connection, delete

from publisher.accounts.mails import enqueue_staff_mail
from publisher.accounts.model import Grant, Role
from publisher.accounts.store import NewAccount, add_account
from publisher.app.editing_state import EditingState, open_editing_state
from publisher.app.staff_mails import send_staff_mails
from publisher.clock import FixedClock
from publisher.config import load_settings
from publisher.database.retry_queue import queue_item
from publisher.delivery.transports import create_transport
from publisher.notices.kinds import NoticeKind
from publisher.notices.ledger import enqueue_notice
from publisher.notices.sender import send_notices
from publisher.rendering import Renderer
from publisher.syndication.websub import enqueue_pings
from publisher.syndication.websub_client import notify_hubs
from publisher.testing import SECRET
from publisher.webhooks.client import Caller
from publisher.webhooks.events import EventType
from publisher.webhooks.sender import WebhookSender
from publisher.webhooks.store import Event, insert_webhook, queue_events
from tests.databases import environment_of
from tests.killing import die_at
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.notices.people import add_person
from tests.publisher.webhooks.receiver import receiving
from tests.sizes import by_lane
from tests.slow.publisher.delivery.crashes.scene import PATIENCE, say
from tools.servers.websub_hub import running

# Of so many steps one is killed.
STEPS = by_lane(3, 1)
# Longer than any lease.
LATER = timedelta(minutes=16)
TOPIC = "https://news.example.org/feeds/en.json"
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


def _enqueue(kind: str, connection: Connection, target: str) -> None:
    match kind:
        case "notice":
            enqueue_notice(connection, NoticeKind.LINKS, 1, NOW)
        case "staff":
            enqueue_staff_mail(connection, 1, {"lines": {"held": []}}, NOW)
        case "webhook":
            queue_events(connection, Event(EventType.ISSUE_SENT, {}))
        case _:
            enqueue_pings(connection, [target], [TOPIC], NOW)


def _send(kind: str, state: EditingState, target: str) -> None:
    settings, database, clock = state.settings, state.database, state.clock
    parts = settings, database, create_transport(settings), SECRET, clock, Renderer()
    match kind:
        case "notice":
            send_notices(*parts)
        case "staff":
            send_staff_mails(*parts[:-1])
        case "webhook":
            WebhookSender(database, clock, Caller(allow_loopback=True), SECRET).run()
        case _:
            notify_hubs(database, [target], clock.now())


def _in_process(
    kind: str, folder: Path, environment: dict[str, str], target: str, step: int | None
) -> None:
    os.environ.update(environment)
    now: datetime = NOW if step else NOW + LATER
    with open_editing_state(load_settings(folder), FixedClock(now)) as state:
        if step:
            die_at(step)
            with state.database.writing() as connection:
                _enqueue(kind, connection, target)
        _send(kind, state, target)


def is_killed(made: PublicationFolder, kind: str, target: str, step: int | None) -> bool:
    """Enqueue and send, killed at a step; without one, send what is due later."""
    folder = made.settings.folders.root
    environment = environment_of(folder) | {"PUBLISHER_SECRET": SECRET}
    made.database.close()
    arguments = kind, folder, environment, target, step
    process = _processes.Process(target=_in_process, args=arguments)
    process.start()
    process.join(PATIENCE)
    code = process.exitcode
    process.close()
    assert code in {0, -signal.SIGKILL}, f"step {step}: ended with {code}"
    return code != 0


@contextmanager
def receiver_of(
    kind: str, publication: PublicationFolder
) -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """Yield the address to which a kind is sent, and what has arrived, by its ids."""
    outbox = publication.settings.folders.outbox
    with receiving() as receiver, running() as hub:
        with publication.database.writing() as connection:
            insert_webhook(connection, SECRET, receiver.url, [], NOW)
        arrived: dict[str, Callable[[], list[Any]]] = {
            "webhook": lambda: [
                (one.headers["webhook-id"], one.body) for one in receiver.requests
            ],
            "websub": lambda: hub.topics,
        }
        yield (
            hub.url,
            arrived.get(kind, lambda: [file.read_bytes() for file in outbox.rglob("*.eml")]),
        )


@pytest.mark.parametrize("kind", ["notice", "staff", "webhook", "websub"])
def test_what_is_killed_at_any_step_arrives_under_one_id_or_was_never_enqueued(
    publication: PublicationFolder, kind: str
) -> None:
    add_person(publication)
    new = NewAccount("omar@example.org", "Omar", "en", (Grant(Role.TRANSLATOR),))
    with publication.database.writing() as connection:
        add_account(connection, new, NOW)
    with receiver_of(kind, publication) as (target, arrived):
        for step in count(1, STEPS):
            before = len(arrived())
            killed = is_killed(publication, kind, target, step)
            is_enqueued = bool(publication.rows(queue_item))
            is_killed(publication, kind, target, None)
            new_ones = arrived()[before:]
            assert (len(new_ones) in {1, 2}) == is_enqueued, f"step {step}: {new_ones}"
            assert len({*new_ones}) == is_enqueued
            states = {row["state"] for row in publication.rows(queue_item)}
            assert states <= {"sent", "delivered", "accepted"}
            if not killed:
                break
            with publication.database.writing() as connection:
                connection.execute(delete(queue_item))
            rmtree(publication.settings.folders.outbox, ignore_errors=True)
    say(kind, step // STEPS, "kills")
    assert step > 2 * STEPS
