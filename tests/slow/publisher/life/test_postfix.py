"""Mail that Postfix takes, and mail that it returns."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from tests.postfix import postfix_is_available, running_postfix
from tests.processes import publisher
from tests.slow.publisher.life.publication import BOUNCES, lay_out

pytestmark = pytest.mark.skipif(
    not postfix_is_available(), reason="needs Debian's package postfix, and root"
)

ANN = "ann@readers.example"
LIST = f"email,language,newsletters\n{ANN},ar,weekly\ngone@readers.example,en,weekly\n"
FRIDAY = "2026-01-09T06:00:00Z"


def test_postfix_delivers_a_digest_and_returns_mail_for_an_unknown_mailbox(
    tmp_path: Path,
) -> None:
    with running_postfix([ANN, BOUNCES]) as server:
        folder = lay_out(tmp_path / "lantern", server, "https://news.example.org")
        (folder / "list.csv").write_text(LIST)
        assert publisher("subscribers", "import", folder / "list.csv", folder).code == 0
        assert publisher("run", "--once", "--now", "2026-01-08T06:00:00Z", folder).code == 0
        done = publisher("run", "--once", "--now", FRIDAY, folder)
        assert done.code == 0, done.err
        (digest,) = server.messages(ANN, 1)
        (returned,) = server.messages(BOUNCES, 1)
    read = email.message_from_bytes(digest, policy=email.policy.default)
    assert (read["To"], read["Content-Language"]) == (ANN, "ar")
    report = email.message_from_bytes(returned, policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert b"gone@readers.example" in returned
