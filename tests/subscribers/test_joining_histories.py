"""Histories of requests, confirmations, leaving, complaints, refusals, erasures and imports.

A model says after each step who gets what: only her own confirmation subscribes, and nothing but it
brings back somebody who left, was erased or refused.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from subscribers import (
    JoinAnswer,
    JoinWish,
    SubscriberStatus,
    confirm_request,
    delete_unconfirmed,
    erase,
    find_request,
    find_subscriber,
    refuse_request,
    suppress,
    unsubscribe,
)
from tests.subscribers.conftest import NOW, PUBLICATION
from tests.subscribers.importing import import_csv
from tests.subscribers.test_joining import ANN, DAILY, LINK, WEEKLY, ask, digest

STEPS = st.sampled_from(
    [
        "request weekly",
        "request weekly",
        "request daily",
        "confirm first",
        "confirm last",
        "confirm last",
        "refuse last",
        "leave weekly",
        "leave all",
        "complain",
        "bounce",
        "erase",
        "import",
        "wait an hour",
        "wait an hour",
        "wait four days",
        "wait a month",
    ]
)
WAITS = {
    "wait an hour": timedelta(hours=1),
    "wait four days": timedelta(days=4),
    "wait a month": timedelta(days=31),
}


@dataclass
class Asked:
    """A request as the model knows it."""

    number: int
    newsletter: str
    at: datetime
    is_dead: bool = False
    is_confirmed: bool = False


@dataclass
class Model:
    """What must be true of one address."""

    now: datetime = NOW
    status: str | None = None
    gets: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    is_erased: bool = False
    is_refused: bool = False
    mails: list[datetime] = field(default_factory=list)
    requests: list[Asked] = field(default_factory=list)

    def may_be_mailed(self) -> bool:
        """Whether a request is answered by a mail."""
        ten, day = timedelta(minutes=10), timedelta(days=1)
        recent = [at for at in self.mails if at > self.now - day]
        if self.is_refused or self.status == "complained":
            return False
        return len(recent) < 3 and not any(at > self.now - ten for at in recent)

    def forget(self) -> None:
        """Let nothing be stored of her."""
        self.status = None
        self.gets, self.left = set(), set()
        self.mails, self.requests = [], []

    def close(self, status: str) -> None:
        """End everything."""
        self.status = status
        self.left |= self.gets | {one.newsletter for one in self.requests}
        self.gets = set()
        for one in self.requests:
            one.is_dead = True


def step_request(connection: Connection, model: Model, wish: JoinWish) -> None:
    (newsletter,) = wish.newsletters
    answer, request = ask(connection, wish, model.now)
    if not model.may_be_mailed():
        assert answer is JoinAnswer.NOTHING
        return
    model.mails.append(model.now)
    if model.status == "active" and newsletter in model.gets:
        assert answer is JoinAnswer.ALREADY_SUBSCRIBED
        return
    assert answer is JoinAnswer.CONFIRM
    assert request is not None
    model.status = model.status or "pending"
    model.requests.append(Asked(request.id, newsletter, model.now))


def step_confirm(connection: Connection, model: Model, one: Asked) -> None:
    request = find_request(connection, one.number)
    assert request is not None
    done = confirm_request(connection, request, digest, LINK, model.now)
    is_open = not one.is_dead and model.now < one.at + timedelta(hours=72)
    assert done == (one.is_confirmed or is_open)
    if is_open and not one.is_confirmed:
        one.is_confirmed = True
        model.status = "active"
        model.gets.add(one.newsletter)
        model.left.discard(one.newsletter)
        model.is_erased = False


def step_refuse(connection: Connection, model: Model, one: Asked) -> None:
    request = find_request(connection, one.number)
    assert request is not None
    refused = refuse_request(connection, request, digest, LINK, model.now)
    assert refused == (model.status != "active")
    for other in model.requests:
        other.is_dead = other.is_dead or not other.is_confirmed
    if refused:
        model.is_refused = True
        if model.status == "pending":
            model.forget()
        elif model.status != "complained":
            model.close("unsubscribed")


def step_close(connection: Connection, model: Model, step: str) -> None:
    if model.status is None:
        return
    if step == "leave all":
        unsubscribe(connection, ANN, None, model.now)
        model.close("complained" if model.status == "complained" else "unsubscribed")
    elif step == "leave weekly":
        unsubscribe(connection, ANN, "weekly", model.now)
        model.gets.discard("weekly")
        for one in model.requests:
            one.is_dead = one.is_dead or one.newsletter == "weekly"
    elif step == "complain":
        suppress(connection, ANN, SubscriberStatus.COMPLAINED, model.now)
        model.close("complained")
    elif step == "bounce":
        suppress(connection, ANN, SubscriberStatus.BOUNCED, model.now)
        if model.status in {"pending", "active"}:
            model.status = "bounced"
    elif step == "erase":
        erase(connection, ANN, digest, model.now)
        model.is_erased = True
        model.forget()


def step_import(connection: Connection, model: Model) -> None:
    rows = ["email,newsletters\n", f"{ANN},weekly\n"]
    before = find_subscriber(connection, ANN)
    report = import_csv(connection, rows, digest=digest, now=model.now, **PUBLICATION)
    person = find_subscriber(connection, ANN)
    if model.is_erased or model.is_refused:
        assert report.added == 0
        if before is None:
            assert person is None
    if model.status in {"unsubscribed", "bounced", "complained"}:
        assert person == before


def step_wait(connection: Connection, model: Model, step: str) -> None:
    model.now += WAITS[step]
    old = model.now - timedelta(days=30)
    gone = delete_unconfirmed(connection, model.now)
    model.requests = [one for one in model.requests if one.is_confirmed or one.at > old]
    if gone:
        assert model.status in {"pending", "bounced"}
        assert not model.gets
        model.forget()


def run(connection: Connection, steps: list[str]) -> None:
    model = Model()
    for step in steps:
        if step.startswith("request"):
            step_request(connection, model, WEEKLY if "weekly" in step else DAILY)
        elif step.startswith(("confirm", "refuse")) and model.requests:
            one = model.requests[0 if "first" in step else -1]
            (step_refuse if "refuse" in step else step_confirm)(connection, model, one)
        elif step in WAITS:
            step_wait(connection, model, step)
        elif step == "import" and (
            model.status is not None or model.is_erased or model.is_refused
        ):
            if model.status not in {"pending", "active"}:
                step_import(connection, model)
        else:
            step_close(connection, model, step)
        person = find_subscriber(connection, ANN)
        assert (person.status if person else None) == model.status
        active = person is not None and person.status is SubscriberStatus.ACTIVE
        assert (set(person.newsletters) if person and active else set()) == (
            model.gets if model.status == "active" else set()
        )


@given(st.lists(STEPS, min_size=12, max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_only_her_own_confirmation_subscribes(engine: Engine, steps: list[str]) -> None:
    with engine.connect() as connection, connection.begin() as transaction:
        run(connection, steps)
        transaction.rollback()
