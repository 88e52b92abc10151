"""Few requests run at once, and those that wait for a commit hold nobody up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from threading import Event, Semaphore
from typing import Any, TypeVar

from publisher.mail.signed_links import sign_link
from publisher.testing import SECRET
from publisher.web.application import create_app
from publisher.web.concurrency import ConcurrencyLimit
from publisher.web.context import JobRunner, WebContext
from tests.publisher.conftest import PublicationFolder
from tests.publisher.delivery.mailing import subscribe

_T = TypeVar("_T")

# Seconds after which a test fails instead of waiting on.
PATIENCE = 30
# More than run at once.
CLIENTS = 8


class HeldWriter:
    """The writer, as it is while another process holds the lock: jobs arrive and wait."""

    def __init__(self, writer: JobRunner) -> None:
        self._writer = writer
        self.arrived, self.may_go_on = Semaphore(0), Event()

    def run(self, job: Callable[[Any], _T]) -> _T:
        self.arrived.release()
        assert self.may_go_on.wait(PATIENCE)
        return self._writer.run(job)


def test_a_page_is_shown_while_many_requests_wait_for_their_commit(
    context: WebContext, publication: PublicationFolder
) -> None:
    subscribe(publication, ("ann@example.org", "en"))
    writer = HeldWriter(context.writer)
    app = create_app(replace(context, writer=writer))
    host = {"HTTP_HOST": publication.settings.publication.host}
    leave = f"/en/unsubscribe/?t={sign_link(SECRET, 'unsubscribe', 1, newsletter='weekly')}"
    page = f"/en/preferences/?t={sign_link(SECRET, 'preferences', 1)}"
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        posts = [
            pool.submit(lambda: app.test_client().post(leave, environ_overrides=host))
            for _ in range(CLIENTS)
        ]
        try:
            assert all(writer.arrived.acquire(timeout=PATIENCE) for _ in posts)
            shown = pool.submit(lambda: app.test_client().get(page, environ_overrides=host))
            assert shown.result(PATIENCE).status_code == 200
            assert not any(one.done() for one in posts)
        finally:
            writer.may_go_on.set()
        assert {one.result().status_code for one in posts} == {200}


def test_no_more_run_at_once_than_may() -> None:
    limit, entered = ConcurrencyLimit(), Semaphore(0)

    def enter(leave: Event) -> None:
        with limit.held():
            entered.release()
            assert leave.wait(PATIENCE)

    leave = Event()
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as at_end:
        at_end.callback(leave.set)
        for _ in range(CLIENTS):
            pool.submit(enter, leave)
        assert entered.acquire(timeout=PATIENCE)
        running = 1
        while entered.acquire(timeout=0.1):
            running += 1
        assert running < CLIENTS
