"""The IMAP side, against a server on the loopback."""

from typing import Any

import pytest

from publisher.config.delivery import MailboxSettings
from publisher.errors import MailboxError
from publisher.mailbox.folders import ImapMailbox
from tools.servers.imap_server import PASSWORD, ImapServer


def mailbox(server: ImapServer, password: str = PASSWORD, **changes: Any) -> ImapMailbox:
    values = {"kind": "imap", "host": "localhost", "port": server.port, "tls": "none"}
    settings = MailboxSettings.model_validate(values | {"user": "news"} | changes)
    return ImapMailbox(settings, password)


def test_mails_after_the_mark_are_read_in_order_and_stay_unseen() -> None:
    with ImapServer() as server:
        for content in (b"one\r\n", b"two\r\n", b"three\r\n"):
            server.add(content)
        with mailbox(server) as box:
            assert box.uid_validity == 7
            assert [*box.waiting(1)] == [(2, b"two\r\n"), (3, b"three\r\n")]
            assert [*box.waiting(3)] == []
        assert server.flags == {}


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ("IMAP4rev1 MOVE", "UID MOVE 1"),
        ("IMAP4rev1 UIDPLUS", "UID EXPUNGE 1"),
        ("IMAP4rev1", "EXPUNGE"),
    ],
)
def test_a_mail_that_was_handled_is_moved_to_the_archive(
    capabilities: str, expected: str
) -> None:
    with ImapServer(capabilities, folders={"INBOX": {}, "Done": {}}) as server:
        uid = server.add(b"one\r\n")
        server.add(b"two\r\n")
        with mailbox(server, archive="Done") as box:
            box.put_away(uid)
        assert server.folders["Done"] == {1: b"one\r\n"}
        assert server.folders["INBOX"] == {2: b"two\r\n"}
        assert any(command.startswith(expected) for command in server.commands)


def test_without_an_archive_it_is_marked_as_seen() -> None:
    with ImapServer() as server:
        uid = server.add(b"one\r\n")
        with mailbox(server) as box:
            box.put_away(uid)
        assert server.flags == {1: {"\\Seen"}}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"password": "wrong"}, "wrong password"),
        ({"folder": "None such"}, "no such folder"),
        ({"archive": "x"}, "MOVE|socket|EOF"),
        ({"tls": "starttls"}, "TLS not supported"),
    ],
)
def test_a_mailbox_that_cannot_be_read_says_why(options: dict[str, str], match: str) -> None:
    with ImapServer(breaks_at="MOVE") as server:
        server.add(b"one\r\n")
        with pytest.raises(MailboxError, match=match), mailbox(server, **options) as box:
            box.put_away(1)


def test_a_server_that_is_not_there_is_named() -> None:
    with ImapServer() as server:
        pass
    with pytest.raises(MailboxError, match="localhost"), mailbox(server):
        pass
