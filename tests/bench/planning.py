"""The plan of an issue: who would get it, and why others would not, counted among a million.

With `--full` a million, otherwise a tenth. A third of them has chosen something, or gets nothing.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import closing
from pathlib import Path

from rich.table import Table
from sqlalchemy import text

from publisher.app.audience_plan import plan_audience
from publisher.app.editing_state import EditingState
from publisher.clock import FixedClock
from publisher.database import open_database
from publisher.testing import SECRET
from tests.bench.audience import make_audience
from tests.bench.sizes import size
from tests.publisher.conftest import NOW
from tests.publisher.delivery.mailing import DAY

COLUMNS = ("Seconds of a core",)
SUBSCRIBERS = size(100_000, smallest=50, full=1_000_000)
RUNS = size(3, smallest=1)
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
