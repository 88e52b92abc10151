"""Lists that come in and go out."""

from collections.abc import Iterable
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from sqlalchemy import Connection, Engine, delete, func, select

from subscribers.consent import WITHDRAWN_STATUSES
from subscribers.consent_records import load_consent_records
from subscribers.errors import BadFileError, BadRow, RowReason
from subscribers.lists import import_export
from subscribers.lists.batches import merge_row
from subscribers.lists.columns import OWN_COLUMNS
from subscribers.lists.import_export import ImportReport, Reject, export_csv
from subscribers.lists.rows import SubscriberRow
from subscribers.model import Subscriber, SubscriberStatus
from subscribers.store import find_subscriber, list_subscribers
from subscribers.tables import subscriber, subscription
from tests.subscribers.conftest import LATER, NEWSLETTERS, NOW, a_subscriber, add
from tests.subscribers.importing import import_csv

REPEATED = RowReason("same address as line 2")


def imported(connection: Connection, content: str | Iterable[bytes]) -> ImportReport:
    file = StringIO(content, newline="") if isinstance(content, str) else content
    return import_csv(connection, file, now=LATER)


def exported(connection: Connection) -> str:
    out = StringIO(newline="")
    export_csv(connection, out)
    return out.getvalue()


def counts(report: ImportReport) -> tuple[int, ...]:
    return (report.added, report.updated, report.unchanged, report.kept, report.refused)


def test_good_rows_are_imported_and_bad_ones_reported_with_their_lines(
    connection: Connection,
) -> None:
    content = (
        "email,name,newsletters\r\n"
        'ann@example.org,"Ann\r\nExample",weekly\r\n'
        "nonsense,Bob,weekly\r\n"
        "carl@example.org,Carl,daily\r\n"
        "dora@example.org,Dora,hourly\r\n"
    )
    report = imported(connection, BytesIO(content.encode()))
    assert counts(report) == (2, 0, 0, 0, 2)
    assert [(row.line, row.column) for row in report.bad] == [(4, "email"), (6, "newsletters")]
    assert [r.email for r in list_subscribers(connection)] == [
        "ann@example.org",
        "carl@example.org",
    ]


def test_a_repeated_address_is_a_bad_row_also_in_a_later_portion(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_export, "FIRST_PORTION", 2)
    monkeypatch.setattr(import_export, "BATCH_ROWS", 2)
    names = ("r0", "R0", "r1", "r2", "r3", "r0", "r4")
    lines = [f"{name}@example.org" for name in names]
    report = imported(connection, "\n".join(["email", *lines, "nonsense"]))
    assert counts(report) == (5, 0, 0, 0, 3)
    assert report.bad[:2] == [BadRow(3, "email", REPEATED), BadRow(7, "email", REPEATED)]


def test_a_subscriber_on_record_is_corrected(connection: Connection) -> None:
    add(connection, a_subscriber(newsletters=("daily", "weekly"), declined=("monthly",)))
    report = imported(
        connection,
        "email,name,language,timezone,newsletters\n"
        "ann@example.org,Ann B.,ar,Asia/Dubai,weekly\n",
    )
    assert counts(report) == (0, 1, 0, 0, 0)
    assert find_subscriber(connection, "ann@example.org") == a_subscriber(
        id=1,
        name="Ann B.",
        language="ar",
        timezone="Asia/Dubai",
        newsletters=("weekly",),
        declined=("monthly",),
    )
    times = connection.execute(select(subscriber.c.created_at, subscriber.c.updated_at)).one()
    assert tuple(times) == (NOW, LATER)


def test_an_unchanged_subscriber_keeps_its_update_time(connection: Connection) -> None:
    add(connection, a_subscriber())
    assert counts(imported(connection, exported(connection))) == (0, 0, 1, 0, 0)
    assert connection.execute(select(subscriber.c.updated_at)).scalar() == NOW


def test_a_file_broken_at_its_end_changes_nothing(engine: Engine) -> None:
    content = b"email\nann@example.org\n\0\n"
    with pytest.raises(BadFileError, match="line 3: a NUL byte"), engine.begin() as connection:
        imported(connection, BytesIO(content))
    with engine.begin() as connection:
        assert list(list_subscribers(connection)) == []
        assert imported(connection, "email\nann@example.org\n").added == 1


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf", b"\n\r\n"])
def test_an_empty_file_is_an_error(connection: Connection, content: bytes) -> None:
    with pytest.raises(BadFileError, match="line 1: the file is empty"):
        imported(connection, BytesIO(content))


def test_progress_is_reported_after_each_portion(connection: Connection) -> None:
    lines = (f"r{number}@example.org,weekly daily\n".encode() for number in range(2_000))
    seen: list[int] = []
    report = import_csv(
        connection,
        (line for part in ([b"email,newsletters\n"], lines) for line in part),
        now=NOW,
        progress=lambda done, of: seen.append(done) if of == 2_000 else None,
    )
    assert report.added == 2_000
    assert seen == sorted({*seen})
    assert (seen[0], seen[-1]) == (0, 2_000)
    assert connection.execute(select(func.count()).select_from(subscription)).scalar() == 4_000
    assert export_csv(connection, StringIO(newline="")) == 2_000


def test_a_report_lists_a_limited_number_of_bad_rows(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_export, "_MAX_REPORTED", 2)
    report = imported(connection, "email\n" + "nonsense\n" * 7)
    assert report.refused == 7
    assert [row.line for row in report.bad] == [2, 3]


def test_an_export_has_the_columns_of_an_import_and_escapes_formulas(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(name='=HYPERLINK("x")', pending=("daily",)))
    assert exported(connection) == (
        "email,name,language,timezone,newsletters,status\r\n"
        'ann@example.org,"\'=HYPERLINK(""x"")",en,,?daily weekly,active\r\n'
    )


NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    st.from_regex(r"'{0,2}[=+\-@＝][a-z\",;]{0,4}", fullmatch=True),
)
LOCALS = st.from_regex(r"[A-Za-z0-9=+'\-]{1,10}", fullmatch=True)


@st.composite
def subscriber_lists(draw: DrawFn) -> list[Subscriber]:
    locals_ = draw(st.lists(LOCALS, unique_by=str.lower, max_size=6))
    return [draw(subscribers_with(f"{local}@example.org")) for local in locals_]


@st.composite
def subscribers_with(draw: DrawFn, address: str) -> Subscriber:
    status = draw(st.sampled_from(SubscriberStatus))
    live = [SubscriberStatus.PENDING, SubscriberStatus.ACTIVE, SubscriberStatus.UNSUBSCRIBED]
    wish = (
        st.just(SubscriberStatus.UNSUBSCRIBED)
        if status in WITHDRAWN_STATUSES
        else st.sampled_from(live)
    )
    return a_subscriber(
        address,
        name=draw(NAMES),
        language=draw(st.sampled_from(["en", "zh-Hans", "ar"])),
        timezone=draw(st.sampled_from([None, "Asia/Shanghai", "Etc/GMT+3"])),
        status=status,
    ).with_subscriptions(draw(st.dictionaries(st.sampled_from(NEWSLETTERS), wish)))


def without_ids(connection: Connection) -> list[Subscriber]:
    return [replace(person, id=0) for person in list_subscribers(connection)]


@given(known=subscriber_lists())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_imported_export_gives_the_same_subscribers(
    engine: Engine, known: list[Subscriber]
) -> None:
    # The first import normalises the names.
    with engine.connect() as connection:
        add(connection, *known)
        tidy = exported(connection)
        connection.execute(delete(subscriber))
        assert imported(connection, tidy).refused == 0
        before, text = without_ids(connection), exported(connection)
        assert counts(imported(connection, text))[2] == len(known)
        connection.execute(delete(subscriber))
        assert counts(imported(connection, text))[0] == len(known)
        assert without_ids(connection) == before
        assert exported(connection) == text
        connection.rollback()


def test_a_portion_follows_the_time_of_the_last_and_is_never_tiny() -> None:
    next_portion = import_export._next_portion
    assert next_portion(300, 0.06) == 100
    assert next_portion(300, 0.001) == 600
    assert next_portion(900, 0.001) == 1_000
    assert next_portion(100, 10) == 50


def test_each_row_that_is_left_out_comes_with_its_cells_and_the_reason(
    connection: Connection,
) -> None:
    add(connection, a_subscriber(status=SubscriberStatus.UNSUBSCRIBED))
    content = f"email,name\nnobody,N\n{a_subscriber().email},A\n\nnew@example.org,x,y\nb@example.org,B\n"
    seen: list[Reject] = []
    import_csv(connection, content.splitlines(keepends=True), now=NOW, rejected=seen.append)
    assert [(one.line, one.cells) for one in seen] == [
        (2, ["nobody", "N"]),
        (3, [a_subscriber().email, "A"]),
        (5, ["new@example.org", "x", "y"]),
    ]
    assert seen[0].reason.startswith("email: ")
    assert "unsubscribed stays unsubscribed" in seen[1].reason
    assert seen[2].reason == "3 cells below 2 columns"


def test_a_subscription_that_was_imported_says_so_whatever_the_list_says_of_consent(
    connection: Connection,
) -> None:
    imported(
        connection,
        "email,newsletters,consented\nann@example.org,weekly,\nbob@example.org,weekly,2026-01-02\n",
    )
    query = select(subscription.c.source, subscription.c.consented_at)
    rows = connection.execute(query.order_by(subscription.c.subscriber_id)).all()
    assert {row.source for row in rows} == {"import"}
    assert [row.consented_at is None for row in rows] == [True, False]
    assert [len(load_consent_records(connection, number)) for number in (1, 2)] == [0, 1]


def test_reasons_are_counted_by_kind(connection: Connection) -> None:
    rows = "ann@example.org,en\nANN@example.org,en\nann@EXAMPLE.org,en\nb@example.org,'x\nc@example.org,yy\n"
    report = imported(connection, f"email,language\n{rows}")
    assert report.reasons == {
        "email: same address as line …": 2,
        "language: … is no language of this publication": 2,
    }


def row(*given: str, **changes: Any) -> SubscriberRow:
    return SubscriberRow(2, a_subscriber(**changes), frozenset({"email", *given}))


def test_what_a_row_does_not_give_changes_nothing() -> None:
    known = a_subscriber(timezone="Asia/Dubai", language="ar", pending=("daily",))
    assert merge_row(known, row(name="", newsletters=("monthly",))) == (known, ())
    known = a_subscriber(status=SubscriberStatus.PENDING)
    assert merge_row(known, row("name")) == (known, ())


def test_a_newsletter_that_the_subscriber_left_is_not_restored() -> None:
    known = a_subscriber(newsletters=(), declined=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("daily", "weekly")))
    assert (merged.subscriber.newsletters, merged.subscriber.declined) == (
        ("daily",),
        ("weekly",),
    )
    (note,) = merged.notes
    assert note.startswith("weekly: unsubscribed stays unsubscribed")


def test_an_import_may_confirm_or_unsubscribe_but_not_unconfirm() -> None:
    known = a_subscriber(newsletters=("daily",), pending=("weekly",))
    merged = merge_row(known, row("newsletters", newsletters=("weekly",), pending=("daily",)))
    assert merged.subscriber.newsletters == ("daily", "weekly")
    assert merged.notes == ("daily: active stays active: an import may not make it pending",)
    merged = merge_row(
        known, row("status", status=SubscriberStatus.UNSUBSCRIBED, newsletters=())
    )
    assert merged.subscriber.status is SubscriberStatus.UNSUBSCRIBED
    assert merged.subscriber.declined == ("daily", "weekly")
    known = a_subscriber(newsletters=("weekly",), pending=("daily",), declined=("monthly",))
    merged = merge_row(known, row("newsletters", newsletters=()))
    assert merged.subscriber.subscriptions == {"monthly": SubscriberStatus.UNSUBSCRIBED}


@pytest.mark.parametrize(
    "status",
    [SubscriberStatus.UNSUBSCRIBED, SubscriberStatus.BOUNCED, SubscriberStatus.COMPLAINED],
)
@pytest.mark.parametrize("given", [OWN_COLUMNS, ("name",)])
@pytest.mark.parametrize("wanted", [SubscriberStatus.ACTIVE, SubscriberStatus.PENDING])
def test_a_closed_record_is_not_changed(
    status: SubscriberStatus, given: tuple[str, ...], wanted: SubscriberStatus
) -> None:
    known = a_subscriber(status=status, newsletters=())
    merged = merge_row(known, row(*given, name="Someone", status=wanted))
    assert merged.subscriber == known
    assert len(merged.notes) == 1


def test_a_row_with_the_same_closed_status_corrects_a_record() -> None:
    known = a_subscriber(status=SubscriberStatus.BOUNCED)
    merged = merge_row(
        known, row("name", "status", name="Ann B.", status=SubscriberStatus.BOUNCED)
    )
    assert merged == (replace(known, name="Ann B."), ())
