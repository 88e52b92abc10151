"""Returned mail: how much of a corpus is understood, and how many are taken in per second.

The corpus lies beside the project; without it, one report is taken in again and again.
"""

import logging
import tempfile
import time
from contextlib import closing
from pathlib import Path

import structlog
from rich.table import Table

from publisher.bounces.intake import receive_bounce
from publisher.bounces.report import read_report
from publisher.database import open_database
from publisher.mail.signed_addresses import BounceAddresses
from publisher.testing import SECRET, make_publication
from tests.publisher.bounces.bounce_corpus import CORPUS, compare_with_corpus, corpus_mails
from tests.publisher.bounces.mails import a_status_report
from tests.publisher.conftest import NOW
from tests.subscribers.importing import import_csv
from tools.bench.sizes import size

COLUMNS = ("figure", "at least")
SUBSCRIBERS = size(2_000, smallest=5)
# Mails that one transaction takes in.
BATCH = 50


def measure(table: Table) -> None:
    """Compare with the corpus, and take mails in."""
    if CORPUS.exists():
        figures = compare_with_corpus()
        found = figures.addresses / figures.recipients
        table.add_row("the failed address is found", f"{found:.1%}", "82 %")
        table.add_row('precision of "dead"', f"{figures.precision:.1%}", "95 %")
        table.add_row('dead mailboxes called "dead"', f"{figures.recall:.1%}", "63 %")
        table.add_row("dead mailboxes scored", f"{figures.scored:.1%}", "80 %")
        table.add_row("mails of the corpus read per second", f"{_reading_rate():,.0f}", "")
    table.add_row("reports taken in per second", f"{_intake_rate():,.0f}", "500")


def _reading_rate() -> float:
    mails = [*corpus_mails().values()]
    started = time.process_time()
    for raw in mails:
        read_report(raw)
    return len(mails) / (time.process_time() - started)


def _intake_rate() -> float:
    """Return the reports per second of processor time, read, attributed, scored and committed."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_publication(Path(folder))
        settings.folders.var.mkdir(exist_ok=True)
        addresses = BounceAddresses(SECRET, "bounces@lantern.example", "+")
        with closing(open_database(settings.database)) as database:
            lines = ["email,name,language,timezone,newsletters,status\n"]
            lines += [f"ann{n}@example.com,,en,,weekly,active\n" for n in range(SUBSCRIBERS)]
            with database.writing() as connection:
                import_csv(
                    connection,
                    lines,
                    languages=lambda tag: tag,
                    newsletters=["weekly"],
                    now=NOW,
                )
            mails = [
                a_status_report(
                    to=addresses.address_for(n + 1), recipient=f"ann{n}@example.com"
                )
                for n in range(SUBSCRIBERS)
            ]
            structlog.configure(
                wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING)
            )
            started = time.process_time()
            for start in range(0, len(mails), BATCH):
                with database.writing() as connection:
                    for raw in mails[start : start + BATCH]:
                        receive_bounce(connection, settings, SECRET, raw, NOW, "mailbox")
            return len(mails) / (time.process_time() - started)
