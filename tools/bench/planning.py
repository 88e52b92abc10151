"""Whom an issue goes to, among a million: its plan, how far it is while it is sent, and its report.

With `--full` a million, otherwise a tenth. A third of them has chosen something, or gets nothing.
"""

import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rich.table import Table
from sqlalchemy import text

from publisher.app.editing_state import EditingState
from publisher.app.issues.audience_plan import plan_audience
from publisher.app.issues.deliveries import report_issue
from publisher.app.issues.sending import MAX_AGE, SendingWatch
from publisher.clock import FixedClock
from publisher.database import open_database
from publisher.testing import SECRET
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import DAY
from tools.bench.audience import make_audience
from tools.bench.sizes import size

COLUMNS = ("Seconds of a core",)
SUBSCRIBERS = size(100_000, smallest=50, full=1_000_000)
RUNS = size(3, smallest=1)
# Looks at an issue, two seconds from one to the next.
LOOKS = size(15, smallest=2)
# Half of the mails are sent: then most is to be counted.
ROWS = """
    INSERT INTO delivery (issue_id, subscriber_id, state, due_at, next_at, changed_at)
    SELECT 1, id, CASE WHEN id % 2 = 0 THEN 'sent' ELSE 'pending' END,
           '2026-01-09T12:00:00Z', '2026-01-09T12:00:00Z', '2026-01-09T12:00:00Z'
    FROM subscriber
"""
CHANGES = (
    """UPDATE subscriber SET
       email = 'reader' || id || '@' || CASE WHEN id % 10 < 5 THEN 'gmail.com'
               WHEN id % 10 < 8 THEN 'outlook.com' ELSE 'mail' || (id % 3000) || '.example' END,
       language = CASE id % 7 WHEN 0 THEN 'ar' WHEN 1 THEN 'zh-Hans' WHEN 2 THEN 'fr' ELSE 'en' END,
       status = CASE id % 29 WHEN 0 THEN 'bounced' WHEN 1 THEN 'pending' ELSE 'active' END""",
    "UPDATE subscription SET cadence = 'monthly' WHERE subscriber_id % 13 = 0",
    "UPDATE subscription SET status = 'unsubscribed' WHERE subscriber_id % 17 = 0",
    """INSERT INTO preference
       (subscriber_id, more_languages, machine_translations, topics, authors, hour,
        paused_until, profile)
       SELECT id, '[]', true, '[]', '[]', CASE WHEN id % 20 = 0 THEN 7 END,
              CASE WHEN id % 40 = 0 THEN '2026-03-01T00:00:00Z' END,
              CASE WHEN id % 30 = 0 THEN '{"topics": ["t' || (id % 400) || '"]}' END
       FROM subscriber WHERE id % 10 = 0""",
)


def measure(table: Table) -> None:
    """Measure the plan of all languages, and of a digest that comes at subscribers' hours."""
    with tempfile.TemporaryDirectory() as folder:
        settings = make_audience(Path(folder) / "publication", SUBSCRIBERS, 1_000)
        with closing(open_database(settings.database)) as database:
            with database.writing() as connection:
                for change in CHANGES:
                    connection.execute(text(change))
            state = EditingState(
                settings=settings, database=database, secret=SECRET, clock=FixedClock(NOW)
            )
            for newsletter, day in (("weekly", DAY), ("weekly.monthly", None)):
                seconds = []
                for _run in range(RUNS):
                    start = time.process_time()
                    plan = plan_audience(state, newsletter, day)
                    seconds.append(time.process_time() - start)
                count = sum(plan.recipients.values())
                name = f"{newsletter}: {count:,} of {plan.subscribers:,} subscribers get it"
                table.add_row(name, f"{min(seconds):.2f}")
            _measure_sending(table, state)


def _measure_sending(table: Table, state: EditingState) -> None:
    """Measure 20 people who look at an issue that is being sent, each every two seconds; and its report."""
    with state.database.writing() as connection:
        connection.execute(text(ROWS))
        connection.execute(text("UPDATE issue SET state = 'sending'"))
    watch, start = SendingWatch(), time.process_time()
    for number in range(LOOKS):
        later = FixedClock(NOW + number * MAX_AGE)
        for _watcher in range(20):
            watch.look(replace(state, clock=later), f"weekly-en-{DAY}")
    seconds = LOOKS * MAX_AGE.total_seconds()
    used = (time.process_time() - start) / seconds
    table.add_row(f"20 watchers of {SUBSCRIBERS:,} mails, each second", f"{used:.3f}")
    start = time.process_time()
    report_issue(state, f"weekly-en-{DAY}")
    table.add_row("its report", f"{time.process_time() - start:.2f}")
