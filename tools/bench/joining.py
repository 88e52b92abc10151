"""The time that a request to subscribe takes, by who has the address: it must tell nobody."""

import statistics
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.table import Table
from sqlalchemy import update
from structlog.testing import capture_logs

from publisher.app.subscribers.joining import SubscriptionRequest, request_subscription
from publisher.database import Database, open_database
from publisher.testing import make_publication
from subscribers.addresses import normalise_address
from subscribers.consent_records import ConsentChannel, ConsentOrigin
from subscribers.joining import add_pending
from subscribers.model import JoinWish
from subscribers.tables import subscriber
from tests.publisher.conftest import NOW
from tools.bench.sizes import size

COLUMNS = ("ms (mean)", "standard deviation")
RUNS = size(1_000, smallest=4)
KINDS = ("active", "unsubscribed", "bounced", "complained")
WISH = JoinWish(("weekly",), "en")
ORIGIN = ConsentOrigin(source=ConsentChannel.MAIL, wording="I agree")


def measure(table: Table) -> None:
    """Measure requests for addresses of each kind in turn, each in a transaction."""
    took: dict[str, list[float]] = defaultdict(list)
    with TemporaryDirectory() as folder, capture_logs():
        settings = make_publication(Path(folder) / "publication")
        free = {"in_all": 10**6, "per_domain": 10**6}
        settings = replace(settings, joining=settings.joining.model_copy(update=free))
        settings.folders.var.mkdir(exist_ok=True)
        with closing(open_database(settings.database, "normal")) as database:
            _add_people(database)
            for number in range(RUNS):
                for kind in ("unknown", *KINDS):
                    request = SubscriptionRequest(_address(kind, number), WISH, ORIGIN)
                    begun = time.perf_counter()
                    with database.writing() as connection:
                        request_subscription(connection, settings, request, NOW)
                    took[kind].append(1000 * (time.perf_counter() - begun))
    for kind, times in took.items():
        mean, deviation = statistics.mean(times), statistics.stdev(times)
        table.add_row(kind, f"{mean:.2f}", f"{deviation:.2f}")


def _address(kind: str, number: int) -> str:
    return f"{kind}{number}@example.org"


def _add_people(database: Database) -> None:
    with database.writing() as connection:
        for number in range(RUNS):
            for kind in KINDS:
                address = normalise_address(_address(kind, number))
                person = add_pending(connection, address, WISH, NOW)
                connection.execute(
                    update(subscriber).where(subscriber.c.id == person).values(status=kind)
                )
