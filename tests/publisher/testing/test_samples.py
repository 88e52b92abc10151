"""What other tests stand on: sample publications and faults."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from publisher.config import load_settings
from publisher.delivery.transports.base import OutgoingMessage, SendStatus
from publisher.errors import ConfigError
from publisher.mail import Message
from publisher.testing import MemoryTransport, make_publication, sample_article
from tests.tools.speaking import CONTENT, RECIPIENT, SENDER, Line, greeted
from tools.servers import (
    Action,
    Behaviour,
    Drop,
    Fault,
    Moment,
    Phase,
    Reply,
    Stall,
    addressed,
    always,
    every,
    first,
)
from tools.servers.mail_server import MailServer

# The public samples.


def test_a_sample_publication_can_be_loaded_again_unless_it_is_invalid(tmp_path: Path) -> None:
    made = make_publication(tmp_path / "deep" / "publication")
    assert made.publication.title("zh-Hans") == "灯笼"
    assert [newsletter.name for newsletter in made.newsletters] == ["weekly"]
    assert (tmp_path / "deep/publication/articles").is_dir()
    assert load_settings(made.folders.root, {}).publication == made.publication
    with pytest.raises(ConfigError, match="colour"):
        make_publication(tmp_path, colour="green")


def test_a_sample_publication_with_changes(tmp_path: Path) -> None:
    monthly = {
        "name": "monthly",
        "schedule": "FREQ=MONTHLY",
        "at": time(7, 30),
        "start": date(2026, 1, 2),
        "max_articles": 3,
    }
    made = make_publication(
        tmp_path,
        title='A "quoted" \\ title',
        languages=["ar"],
        sources=[{"kind": "folder", "path": "texts/new"}],
        newsletters=[monthly],
    )
    assert made.publication.title("ar") == 'A "quoted" \\ title'
    (edition,) = made.editions(made.newsletters[0])
    assert (edition.schedule.at, edition.schedule.start) == (time(7, 30), date(2026, 1, 2))
    assert edition.max_articles == 3
    assert (tmp_path / "texts/new").is_dir()


def test_a_sample_article_is_consistent() -> None:
    at = datetime(2026, 2, 3, 4, tzinfo=UTC)
    one = sample_article(story_id=7, published_at=at, title="T")
    assert (one.id, one.story_key, one.slug, one.title) == (7, "story-7", "story-7", "T")
    assert one.published_at == one.available_at == one.updated_at == at
    assert one.published_on == date(2026, 2, 3)


# The faults of the test mail server.


COMMANDS = {
    Phase.HELLO: "EHLO client.example",
    Phase.MAIL: f"MAIL FROM:<{SENDER}>",
    Phase.RCPT: f"RCPT TO:<{RECIPIENT}>",
    Phase.DATA: "DATA",
    Phase.CONTENT: "Subject: half a mess",
    Phase.DOT: "age\r\n\r\n.",
}
PHASES = [Phase.CONNECT, *COMMANDS]


def reach(line: Line, phase: Phase) -> str:
    """Send commands up to a phase. Return the reply there."""
    reply = line.hear()
    for reached, command in COMMANDS.items():
        if phase is Phase.CONNECT or (reached is Phase.CONTENT and phase is Phase.DOT):
            continue
        reply = line.ask(command)
        if reached is phase:
            break
    return reply


@pytest.mark.parametrize("phase", PHASES)
def test_a_drop_at_each_phase(phase: Phase) -> None:
    with MailServer(first(1, phase, Drop())) as server:
        with Line(server) as line:
            assert reach(line, phase) == ""
        server.wait_for_quiet()
        assert server.messages == []
        with greeted(server) as line:
            assert line.send().startswith("250 ")
        assert [one.connection for one in server.messages] == [2]


@pytest.mark.parametrize("code", ["451", "550"])
@pytest.mark.parametrize("phase", PHASES)
def test_a_refusal_at_each_phase(phase: Phase, code: str) -> None:
    words = f"{code} {code[0]}.7.1 No"
    with MailServer(first(1, phase, Reply(words))) as server:
        with Line(server) as line:
            assert reach(line, phase) == words
            hangs_up = phase in {Phase.CONNECT, Phase.CONTENT}
            assert line.ask("NOOP") == ("" if hangs_up else "250 OK")
        assert server.messages == []
        assert server.refused == {int(code): 1}


def test_a_421_reaches_a_client_that_still_sends() -> None:
    envelope = f"{COMMANDS[Phase.MAIL]}\r\n{COMMANDS[Phase.RCPT]}\r\nDATA\r\n".encode()
    with (
        MailServer(always(Phase.MAIL, Reply("421 4.3.2 Going down"))) as server,
        greeted(server) as line,
    ):
        line.say(envelope * 2000)
        assert line.hear() == "421 4.3.2 Going down"


@pytest.mark.parametrize("phase", PHASES)
def test_a_stall_at_each_phase_lasts_until_released(phase: Phase) -> None:
    with MailServer(always(phase, Stall())) as server, Line(server) as line:
        if phase is not Phase.CONNECT:
            line.hear()
        for reached, command in COMMANDS.items():
            if phase is Phase.CONNECT:
                break
            line.say(command.encode() + b"\r\n")
            if reached is phase:
                break
            if reached is not Phase.CONTENT:
                line.hear()
        server.wait_for_stalls()
        assert server.messages == []
        server.release()
        if phase is Phase.CONTENT:
            line.say(b".\r\n")
        assert line.hear().startswith(("2", "354"))


def test_a_message_is_not_kept_if_the_client_closes_during_a_stall() -> None:
    with MailServer(always(Phase.DOT, Stall())) as server:
        with greeted(server) as line:
            line.address()
            line.say(CONTENT + b".\r\n")
            server.wait_for_stalls()
        server.wait_for_quiet()
        assert server.messages == []


def test_a_drop_can_keep_the_message() -> None:
    with MailServer(first(1, Phase.DOT, Drop(kept=True))) as server:
        with greeted(server) as line:
            assert line.send() == ""
        with greeted(server) as line:
            assert line.send().startswith("250 ")
        assert [one.connection for one in server.messages] == [1, 2]


def test_a_stall_can_keep_the_message_first() -> None:
    with MailServer(always(Phase.DOT, Stall(kept=True))) as server, greeted(server) as line:
        line.address()
        line.say(CONTENT + b".\r\n")
        server.wait_for_stalls()
        assert len(server.messages) == 1
        server.release()
        assert line.hear().startswith("250 ")
        assert len(server.messages) == 1


def test_a_reply_can_close_the_connection() -> None:
    fault = always(Phase.DOT, Reply("250 2.0.0 Ok, and good bye", hangs_up=True))
    with MailServer(fault) as server, greeted(server) as line:
        assert line.send() == "250 2.0.0 Ok, and good bye"
        assert line.hear() == ""
        assert len(server.messages) == 1


def test_each_recipient_can_have_its_own_reply() -> None:
    fault = addressed(
        {
            "gone@example.org": Reply("550 5.1.1 No such user"),
            "FULL@example.org": Reply("452 x"),
        }
    )
    with MailServer(fault) as server, greeted(server) as line:
        line.ask(COMMANDS[Phase.MAIL])
        replies = [
            line.ask(f"RCPT TO:<{name}@example.org>")[:3] for name in ("gone", "full", "ann")
        ]
        assert replies == ["550", "452", "250"]
        assert line.ask("DATA").startswith("354 ")
        line.say(CONTENT + b".\r\n")
        assert line.hear().startswith("250 ")
        assert server.recipients() == {RECIPIENT: 1}
        assert server.refused == {550: 1, 452: 1}


LATER = Reply("451 4.3.0 Later")


@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (first(2, Phase.RCPT, LATER), "451 451 250 250"),
        (every(2, Phase.RCPT, LATER), "250 451 250 451"),
        (always(Phase.RCPT, LATER), "451 451 451 451"),
        (always(Phase.MAIL, LATER), "503 503 503 503"),
    ],
)
def test_first_every_and_always(fault: Fault, codes: str) -> None:
    with MailServer(fault) as server, greeted(server) as line:
        line.ask(COMMANDS[Phase.MAIL])
        assert [line.ask(COMMANDS[Phase.RCPT])[:3] for _ in codes.split()] == codes.split()


def test_a_fault_gets_the_moment_of_the_session() -> None:
    moments: list[Moment] = []

    def recording(moment: Moment) -> Action | None:
        moments.append(moment)
        return None

    with MailServer(recording) as server:
        for _ in range(2):
            with greeted(server) as line:
                line.send()
                line.send("bob@example.org")
    dots = [moment for moment in moments if moment.phase is Phase.DOT]
    assert dots[0] == Moment(Phase.DOT, 1, 1, 1, 1, SENDER, RECIPIENT)
    assert dots[3] == Moment(Phase.DOT, 4, 2, 4, 2, SENDER, "bob@example.org")
    assert moments[0] == Moment(Phase.CONNECT, 1, 1)
    turns = [moment.phase for moment in moments[:7]]
    assert turns == PHASES


def test_the_first_fault_with_an_action_counts() -> None:
    behaviour = Behaviour(
        faults=(first(1, Phase.MAIL, LATER), always(Phase.MAIL, Reply("550 5.7.1 Never")))
    )
    with MailServer(behaviour) as server, greeted(server) as line:
        assert [line.ask(COMMANDS[Phase.MAIL])[:3] for _ in range(2)] == ["451", "550"]


def test_nothing_is_sent_in_memory_without_a_lease_or_after_close() -> None:
    memory, message = MemoryTransport(), Message(1, "m1", b"words")
    one = OutgoingMessage(1, "weekly", "en", None, SENDER, RECIPIENT, message)
    assert memory.connect(1, lambda: False).send(one).status is SendStatus.NOT_SENT
    closed = memory.connect(1, lambda: True)
    closed.close()
    assert not closed.is_open
    assert closed.send(one).status is SendStatus.NOT_SENT
    assert memory.offered == []
