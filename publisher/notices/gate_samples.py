"""Samples of notices for the gate: the same message for everybody, so that one check is enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from publisher.assembly.gate_run import SAMPLE_RECIPIENT, GateRun
from publisher.gate.findings import Finding
from publisher.gate.mail import CheckedMail
from publisher.notices.kinds import ALLOWED_VALUES, REQUIRED_VALUES, NoticeKind
from publisher.notices.ledger import QueuedNotice

# Any instant: it becomes the Date field.
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
# Ten digits, as the sample recipient's: links grow with it.
_NUMBER: Final = SAMPLE_RECIPIENT.id
# What differs between recipients.
_PERSONAL: Final[dict[str, Any]] = {
    "number": _NUMBER,
    "code": "000000",
    "changed": "s•••@example.com",
}
# Samples whose findings are kept. Each is some 40 KB.
_KEPT: Final = 64


def sample_notices(newsletters: Iterable[str], language: str) -> Iterator[QueuedNotice]:
    """Yield a notice of each kind, with all values that it can have; a welcome and links in both their forms."""
    values = {"newsletters": [*newsletters], "again": True, **_PERSONAL}
    shapes = [(kind, ALLOWED_VALUES[kind]) for kind in NoticeKind]
    shapes += [(kind, REQUIRED_VALUES[kind]) for kind in (NoticeKind.WELCOME, NoticeKind.LINKS)]
    for kind, names in shapes:
        content = {name: values[name] for name in sorted(names)}
        yield QueuedNotice(
            id=_NUMBER,
            kind=kind,
            content=content,
            due_at=_AT,
            next_at=_AT,
            tried_at=None,
            attempts=0,
            epoch=0,
            was_resent=False,
            language=language,
            recipient=replace(SAMPLE_RECIPIENT, language=language),
            has_own_address=True,
        )


def sample_of(row: QueuedNotice) -> QueuedNotice:
    """Return a notice to the invented recipient instead of its own, with invented values."""
    content = {name: _PERSONAL.get(name, value) for name, value in row.content.items()}
    recipient = replace(SAMPLE_RECIPIENT, language=row.language)
    return replace(row, id=_NUMBER, content=content, due_at=_AT, recipient=recipient)


def check_sample(sample: CheckedMail) -> GateRun:
    """Return what the gate finds in a sample."""
    # Imported late: the checks load tables of mail clients.
    from publisher.gate.checks import check_mail

    return GateRun(sample, check_mail(sample))


def sample_errors(sample: CheckedMail) -> tuple[Finding, ...]:
    """Return the errors that the gate finds in a sample. An equal sample is not checked again."""
    return _errors(sample.content, sample.language, sample.hosts, sample.address)


@lru_cache(maxsize=_KEPT)
def _errors(
    content: bytes, language: str, hosts: frozenset[str], address: str
) -> tuple[Finding, ...]:
    sample = CheckedMail(
        content=content,
        language=language,
        hosts=hosts,
        preheader="",
        address=address,
        is_about_subscription=True,
    )
    return check_sample(sample).report.errors
