"""Lines about the processes that run a publication on several machines, its turns, its bucket and its backup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from publisher.cli.common import count_noun, format_local

if TYPE_CHECKING:
    from publisher.app.status import PublicationStatus, SenderStatus


def process_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield what runs on several machines; nothing with a database file, which is on one."""
    yield from _turn_lines(facts)
    yield from explain_held(facts.senders)
    if not facts.processes:
        return
    leads = ", plans and writes files, epoch {}"
    running = (
        f"{one.host} (process {one.pid}{leads.format(one.epoch) if one.epoch else ''})"
        for one in facts.processes
    )
    yield f"Running: {', '.join(running)}"
    if facts.senders:
        yield f"Sending now: {', '.join(f'{one.host} by {one.transport}' for one in facts.senders)}"


def explain_held(senders: Sequence[SenderStatus]) -> Iterator[str]:
    """Yield who has mails that nobody else may send, and until when."""
    for one in senders:
        if one.held:
            mails = count_noun(one.held, "mail")
            yield (
                f"{one.host} holds {mails} by {one.transport} until {one.until:%H:%M:%S} UTC, or longer while it "
                "works. If it has died, another run sends them then"
            )


def _turn_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield the turns that a task engine has, and those that failed."""
    for state, words in (
        ("running", "run"),
        ("waiting", "wait"),
        ("failed", "failed within a day"),
    ):
        found = [one for one in facts.turns if one.state == state]
        if found:
            each = (f"{one.count} {one.name} (since {one.seconds:.0f} s)" for one in found)
            yield f"Turns that {words}: {', '.join(each)}"


def bucket_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield why the bucket lacks files; nothing if it has all, or there is none."""
    if facts.bucket and facts.bucket.problem:
        yield f"The bucket lacks files: {facts.bucket.problem}"


def copies_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield what is wrong with bucket and backups, and that there is no second witness."""
    for one in facts.problems:
        yield f"Problem since {format_local(one.since)}: {one.problem}"
    yield from bucket_lines(facts)
    yield from backup_lines(facts)
    if facts.has_no_second_witness:
        yield (
            "Only files in this folder say what was sent: if a snapshot of it is put back, that is sent again. "
            "Set delivery.witness"
        )


def backup_lines(facts: PublicationStatus) -> Iterator[str]:
    """Yield why the service's last backup failed; nothing if it did not, or there is none."""
    if facts.backup and facts.backup.problem:
        last = facts.backup.made_at
        before = (
            f"the last one is of {last:%Y-%m-%d %H:%M} UTC" if last else "there is none yet"
        )
        yield f"The backup failed, and is tried again the next day ({before}): {facts.backup.problem}"
