"""A hub of WebSub on this machine: what it is asked for, what it is told, and what its pushes bring about."""

import hmac
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from publisher.app.operation.page_servers import open_web_state
from publisher.app.source_pushes import ask_hubs
from publisher.polling import store
from publisher.polling.push import PushState, named_hub
from publisher.web.pages.responses import WebContext
from tests.publisher.conftest import NOW, Make, PublicationFolder
from tests.publisher.polling.news_server import NewsServer, Page, news_server
from tests.publisher.polling.polled_publication import DAY, HOUR, Polled
from tests.publisher.webhooks.receiver import Receiver, Reply, receiving

TOPIC = "https://news.example/feed"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server() -> Iterator[NewsServer]:
    with news_server() as server:
        yield server


@pytest.fixture
def hub() -> Iterator[Receiver]:
    with receiving() as hub:
        hub.reply = Reply(202)
        yield hub


@pytest.fixture
def publication(server: NewsServer, new_publication: Make) -> PublicationFolder:
    source = {"kind": "feed", "name": "a/b é", "url": server.url("/feed"), "websub": True}
    return new_publication(sources=[source])


class _Clock:
    def __init__(self, publication: PublicationFolder) -> None:
        self._publication = publication

    def now(self) -> datetime:
        return self._publication.clock.now()


@pytest.fixture
def context(publication: PublicationFolder) -> Iterator[WebContext]:
    with open_web_state(publication.settings) as state:
        yield WebContext(lambda: publication.settings, state, _Clock(publication))


class Pushed:
    """The publication, its hub, and its pages: what the hub would ask and send."""

    def __init__(
        self,
        publication: PublicationFolder,
        server: NewsServer,
        hub: Receiver,
        client: FlaskClient,
    ) -> None:
        self.polled = Polled(publication, server.client)
        self.server, self.hub, self.client = server, hub, client

    def show(self, *titles: str, topic: str = TOPIC) -> None:
        """Let the feed have entries; it names the hub in its header, as most do."""
        items = [{"id": one, "title": one, "content_text": one} for one in titles]
        feed = {"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": items}
        links = f'<{self.hub.url}>; rel="hub", <{topic}>; rel="self"' if topic else ""
        self.server.put("/feed", json.dumps(feed), headers={"Link": links} if links else {})

    def turn(self, after: timedelta = timedelta(), only: str = "a/b é") -> None:
        """Poll, and ask hubs."""
        self.polled.poll(only, after=after)
        self.ask()

    def ask(self, after: timedelta = timedelta()) -> None:
        folder = self.polled.folder
        folder.at(folder.clock.now() + after)
        client = self.server.client
        ask_hubs(folder.settings, folder.database, folder.clock.now(), client, "tests")

    @property
    def asked(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(one.body.decode())) for one in self.hub.requests]

    @property
    def state(self) -> PushState:
        return self.polled.source("a/b é").state.push

    @property
    def path(self) -> str:
        return urlsplit(self.asked[0]["hub.callback"]).path

    def question(self, **fields: str) -> tuple[int, str]:
        """Ask what a hub asks before it pushes; return the answer."""
        asked = {"mode": "subscribe", "topic": TOPIC, "challenge": "c<1>", **fields}
        query = {f"hub.{name}": value for name, value in asked.items()}
        answer = self.client.get(self.path, query_string=query)
        return answer.status_code, answer.text

    def push(self, secret: str = "", algorithm: str = "sha256", path: str = "") -> int:
        body, key = b"<feed/>", secret or self.asked[0]["hub.secret"]
        digest = hmac.digest(key.encode(), body, algorithm).hex()
        signed = {"X-Hub-Signature": f"{algorithm}={digest}"}
        return self.client.post(path or self.path, data=body, headers=signed).status_code

    def is_due(self) -> bool:
        return self.polled.source("a/b é").next_at <= self.polled.folder.clock.now()


@pytest.fixture
def pushed(
    publication: PublicationFolder, server: NewsServer, hub: Receiver, client: FlaskClient
) -> Pushed:
    made = Pushed(publication, server, hub, client)
    made.show("One")
    made.turn()
    return made


def test_a_hub_is_asked_and_what_it_pushes_has_the_feed_asked_at_once(pushed: Pushed) -> None:
    (asked,) = pushed.asked
    assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", TOPIC)
    assert asked["hub.callback"].startswith("https://news.example.org/feedback/websub/")
    assert (len(pushed.path) > 80, 40 < len(asked["hub.secret"]) < 200) == (True, True)
    assert "not confirmed" in pushed.state.reason
    assert pushed.question(lease_seconds="432000") == (200, "c<1>")
    assert (pushed.state.until, pushed.state.reason) == (NOW + 5 * DAY, "")
    pushed.show("One", "Two")
    assert not pushed.is_due()
    assert (pushed.push(), pushed.is_due()) == (200, True)
    assert pushed.polled.poll().new == 1


def test_a_push_without_the_signature_of_its_source_is_left_alone(pushed: Pushed) -> None:
    assert pushed.client.post(pushed.path, data=b"<feed/>").status_code == 200
    for secret, kind in (("another", "sha256"), (pushed.asked[0]["hub.secret"], "md5")):
        # Who guesses is not told that it was wrong.
        assert (pushed.push(secret, kind), pushed.is_due()) == (200, False)
    assert (pushed.push(algorithm="sha1"), pushed.is_due()) == (200, True)


def test_addresses_that_were_not_made_here_and_topics_that_nobody_asked_for_are_not_found(
    pushed: Pushed,
) -> None:
    before = pushed.state
    name, _, key = pushed.path.strip("/").rpartition(".")
    other = "f" if key[0] != "f" else "0"
    for path in (
        f"/{name}.{other}{key[1:]}/",
        f"/{name}/",
        "/feedback/websub/x.y/",
        "/feedback/websub/é/",
    ):
        assert pushed.push(path=path) == 404
        assert (
            pushed.client.get(path, query_string={"hub.mode": "subscribe"}).status_code == 404
        )
    for wrong in (
        {"topic": f"{TOPIC}/2"},
        {"mode": "publish"},
        {"mode": "unsubscribe"},
        {"topic": ""},
    ):
        assert pushed.question(**wrong)[0] == 404
    assert pushed.client.post(pushed.path, data=b"x" * 1_000_001).status_code == 413
    assert pushed.state == before


def test_many_pushes_have_a_feed_asked_once_a_minute(pushed: Pushed) -> None:
    pushed.question()
    folder, start = pushed.polled.folder, pushed.polled.folder.clock.now()
    asked = []
    for second in range(0, 150, 10):
        folder.at(start + timedelta(seconds=second))
        pushed.push()
        asked.append(pushed.polled.poll().asked)
    assert sum(asked) == 3
    assert asked[0] == asked[6] == asked[12] == 1


def test_a_push_does_not_hurry_a_source_that_fails_has_to_wait_or_is_paused(
    pushed: Pushed,
) -> None:
    for answer in ({"status": 500}, {"status": 429, "headers": {"Retry-After": "7200"}}):
        pushed.server.put("/feed", "", **answer)
        pushed.polled.poll("a/b é", after=MINUTE)
        assert (pushed.push(), pushed.is_due()) == (200, False)
    pushed.show("One", "Two")
    pushed.polled.poll("a/b é", after=MINUTE)
    with pushed.polled.database.writing() as connection:
        store.pause(connection, "a/b é", NOW, is_paused=True)
    assert (pushed.push(), pushed.is_due()) == (200, False)


def test_a_lease_is_renewed_at_four_fifths_and_counts_for_fourteen_days_at_most(
    pushed: Pushed,
) -> None:
    pushed.question(lease_seconds=str(10**12))
    assert pushed.state.until == NOW + 14 * DAY
    pushed.ask(after=11 * DAY)
    assert len(pushed.asked) == 1
    pushed.ask(after=5 * HOUR)
    again = pushed.asked[1]
    assert again == pushed.asked[0]
    # It goes on while the hub takes its time.
    assert pushed.state.until == NOW + 14 * DAY
    now = pushed.polled.folder.clock.now()
    pushed.question(lease_seconds="864000")
    assert (pushed.state.until, pushed.state.errors) == (now + 10 * DAY, 0)
    pushed.question(lease_seconds="1")
    assert pushed.state.next_at == now + HOUR


def test_a_hub_that_fails_or_refuses_is_asked_less_and_less_and_polls_go_on(
    pushed: Pushed,
) -> None:
    pushed.hub.reply = Reply(500)
    times = []
    for _hour in range(30):
        pushed.ask(after=HOUR)
        times.append(len(pushed.asked))
    assert times[-1] == 5
    assert pushed.state.reason == "answered 500"
    pushed.show("One", "Two")
    assert pushed.polled.poll("a/b é").new == 1
    assert pushed.question(mode="denied", reason="not\x1b here") == (200, "c<1>")
    assert pushed.state.reason == "refuses: not\ufffd here"


@pytest.mark.parametrize("change", ["paused", "other topic", "no hub", "removed", "off"])
def test_what_nobody_wants_any_more_is_ended_at_the_hub(pushed: Pushed, change: str) -> None:
    pushed.question()
    wanted = "https://news.example/other" if change == "other topic" else ""
    source = {"kind": "feed", "name": "a/b é", "url": pushed.server.url("/feed")}
    if change == "paused":
        with pushed.polled.database.writing() as connection:
            store.pause(connection, "a/b é", NOW, is_paused=True)
    elif change in {"removed", "off"}:
        left = source if change == "off" else {"kind": "folder", "path": "articles"}
        pushed.polled.folder.reload(sources=[left])
    else:
        pushed.show("One", "Two", topic=wanted)
    pushed.turn(after=DAY)
    last = pushed.asked[-1]
    assert (last["hub.mode"], last["hub.topic"]) == ("unsubscribe", TOPIC)
    assert pushed.question(mode="unsubscribe") == (200, "c<1>")
    assert pushed.question()[0] == 404
    pushed.ask()
    assert [one["hub.topic"] for one in pushed.asked[2:]] == [wanted] * bool(wanted)


def test_header_fields_name_the_hub_before_the_document_does() -> None:
    document = ("https://h.example/", "https://t.example/")
    two = '<https://a.example/,x>; rel=hub, <https://b.example/>; title="x"; rel="next self"'
    for link, found in {
        "": document,
        two: ("https://a.example/,x", "https://b.example/"),
        "<https://a.example/>; REL=Hub": ("https://a.example/", document[1]),
        "<file:///etc/passwd>; rel=hub": ("", ""),
        "<>; rel=hub; <, , rel=": ("", ""),
    }.items():
        assert named_hub({"Link": link}, *document) == found


def test_a_push_that_comes_while_its_feed_is_asked_has_it_asked_once_more(
    pushed: Pushed,
) -> None:
    pushed.show("a")
    pushed.turn()
    pushed.question()
    page = pushed.server.pages.pop("/feed")

    def answer(_path: str) -> Page:
        pushed.push()
        return page

    pushed.server.answer = answer
    pushed.polled.poll("a/b é", after=HOUR)
    now = pushed.polled.folder.clock.now()
    assert pushed.polled.source("a/b é").next_at <= now + MINUTE
