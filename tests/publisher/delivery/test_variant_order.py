"""Mails of a variant are made one after another, so that each variant is compiled once."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import insert, update

from publisher.delivery.job import JobBuilder
from publisher.delivery.ledger.opening import open_ledger
from publisher.delivery.tables import delivery
from publisher.issues import digests
from publisher.issues import store as issues
from publisher.issues.model import Issue, IssueState
from publisher.issues.tables import issue_variant_table
from publisher.mail import CompiledMail
from publisher.testing import MemoryTransport
from tests.publisher.conftest import NOW, PublicationFolder
from tests.publisher.delivery.mailing import ready, send, subscribe

VARIANTS, EACH = 30, 4


def test_each_variant_is_compiled_once_though_few_are_kept(
    publication: PublicationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(publication, *((f"reader.{n}@example.com", "en") for n in range(VARIANTS * EACH)))
    _open_with_variants(publication, ready(publication))
    compiled: Counter[int] = Counter()
    plain = JobBuilder._compile_variant

    def counting(self: JobBuilder, issue: Issue, number: int) -> CompiledMail:
        compiled[number] += 1
        return plain(self, issue, number)

    monkeypatch.setattr(JobBuilder, "_compile_variant", counting)
    monkeypatch.setattr("publisher.delivery.job._KEPT_VARIANTS", 2)
    transport = MemoryTransport()
    assert send(publication, transport).messages == VARIANTS * EACH
    assert len(compiled) == VARIANTS
    assert set(compiled.values()) == {1}


def _open_with_variants(publication: PublicationFolder, issue: Issue) -> None:
    """Open the ledger, with the rows of each variant spread over all subscribers."""
    with publication.database.writing() as connection:
        open_ledger(connection, publication.settings, issue, NOW)
        issues.move_issue(connection, issue, IssueState.SENDING)
        digest = digests.digest_of(connection, issue)
        parts = {
            name: getattr(digest, name) for name in ("subject", "preheader", "html", "text")
        }
        for number in range(1, VARIANTS + 1):
            values = {"id": number, "issue_id": issue.id, "key": str(number), "more": 0}
            row = insert(issue_variant_table).values(**values, **parts, sha256="0")
            connection.execute(row)
        of = delivery.c.subscriber_id % VARIANTS + 1
        connection.execute(update(delivery).values(variant_id=of))
