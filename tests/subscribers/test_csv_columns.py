"""Columns and cells of uploaded lists."""

from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from subscribers.consent_records import load_consent_records
from subscribers.errors import BadFileError, BadRow
from subscribers.lists.cells import read_cells, write_cells
from subscribers.lists.import_export import read_columns
from subscribers.lists.rows import ListPublication, SubscriberRow, parse_rows
from subscribers.tables import subscription
from tests.subscribers.conftest import NOW
from tests.subscribers.importing import import_csv

# Lists as other programs export them.


OPTIONS: dict[str, Any] = {
    "languages": {"en": "en", "de": "de", "de_DE": "de"}.get,
    "newsletters": ["weekly"],
}


def rows(content: str | bytes) -> list[SubscriberRow | BadRow]:
    lines = content.splitlines(keepends=True)
    publication = ListPublication(default_language="en", **OPTIONS)
    return list(parse_rows(read_cells(lines), publication))


def only(content: str | bytes) -> SubscriberRow:
    (row,) = rows(content)
    assert isinstance(row, SubscriberRow), row
    return row


def statuses(content: str) -> list[str]:
    return [
        row.subscriber.status if isinstance(row, SubscriberRow) else str(row)
        for row in rows(content)
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_of_excel_are_read(delimiter: str, encoding: str) -> None:
    text = 'email,name\r\nann@example.org,"Ännchen\r\nਆ Example"\r\n'.replace(",", delimiter)
    row = only(text.encode(encoding))
    assert (row.subscriber.email, row.subscriber.name) == (
        "ann@example.org",
        "Ännchen ਆ Example",
    )


def test_lines_of_excel_formulas_and_bytes_that_are_no_text_are_read_as_they_are() -> None:
    row = only("sep=;\r\nemail;name\r\nann@example.org;Ann\r\n")
    assert (row.line, row.subscriber.name) == (3, "Ann")
    assert list(read_cells(["=1\n"])) == [(1, ["=1"])]
    lines = "a,Zo\u00eb\n".encode("latin-1") + "b,Zo\u00eb\n".encode()
    assert list(read_cells(BytesIO(lines))) == [(1, ["a", "Zo\udceb"]), (2, ["b", "Zo\u00eb"])]


def test_a_false_mark_of_utf_16_and_an_unreadable_time_are_told() -> None:
    with pytest.raises(BadFileError, match="not UTF-16"):
        rows("email\n".encode("utf-16") + b"x")
    (bad,) = rows("email,consented\nann@example.org,12/3/19\n")
    assert str(bad) == "line 2: consented: '12/3/19' is no time such as 2026-01-09 12:00:00"


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_can_t_be_true_leaves_out_its_row_alone(time: str) -> None:
    bad, good = rows(f"email,consented\nann@example.org,{time}\nbob@example.org,2026-01-09\n")
    assert str(bad) == f"line 2: consented: '{time}' is no time such as 2026-01-09 12:00:00"
    assert isinstance(good, SubscriberRow)


def test_a_list_of_thousands_of_columns_is_refused_before_they_are_read() -> None:
    with pytest.raises(BadFileError, match="more than 200 columns"):
        rows("email" + "," * 3_000_000)
    assert len(rows("email" + "," * 199 + "\nann@example.org" + "," * 199)) == 1


def test_names_keep_joiners_and_lose_what_hides_or_turns_others() -> None:
    row = only("email,name\nann@example.org,\u202eA\u200bnn نام\u200cه\u200f\n")
    assert row.subscriber.name == "Ann نام\u200cه\u200f"


MAILCHIMP = (
    '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,'
    "CONFIRM_IP,LATITUDE,TIMEZONE,{column},LAST_CHANGED,LEID,EUID,NOTES,TAGS\n"
    'ann@example.org,Ann,Example,2,"2019-03-11 10:00:00",192.0.2.7,"2019-03-12 10:22:31",'
    '198.51.100.77,52.5,Europe/Berlin,{value},"2020-01-01 00:00:00",1,a1,,"""a"",""b"""\n'
)


def test_subscribed_contacts_of_mailchimp() -> None:
    content = MAILCHIMP.format(column="LONGITUDE", value="13.4")
    row = only(content)
    assert (row.subscriber.name, row.subscriber.status) == ("Ann Example", "active")
    assert row.subscriber.timezone == "Europe/Berlin"
    assert row.consented_at == datetime(2019, 3, 12, 10, 22, 31, tzinfo=UTC)
    assert row.network == "198.51.100.0/24"
    ignored = read_columns(content.splitlines(keepends=True)).ignored
    assert ignored == (
        *("MEMBER_RATING", "LATITUDE", "LONGITUDE", "LAST_CHANGED", "LEID", "EUID"),
        *("NOTES", "TAGS"),
    )


def test_readers_of_substack() -> None:
    content = (
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n"
        "ann@example.org,false,,other,false,2021-05-06T07:08:09.123Z,\n"
        "bob@example.org,true,2022-01-01T00:00:00.000Z,yearly,true,2021-05-06T07:08:09.123Z,\n"
    )
    assert statuses(content) == ["active", "unsubscribed"]
    (ann, _bob) = rows(content)
    assert isinstance(ann, SubscriberRow)
    assert ann.consented_at is not None
    assert ann.consented_at.year == 2021


# The columns of the dashboard of Substack, of which `Sections` has those that are mailed.
DASHBOARD = (
    "Email,Name,Stripe plan,Cancel date,Start date,Emails received (6mo),Emails dropped (6mo),"
    "num_emails_opened,Last email open,Subscriptions gifted,Activity,Type,{column}\n"
    'ann@example.org,Ann,,2024-02-01,2021-05-06T07:08:09.123Z,3,1,0,,0,5,free,"{value}"\n'
)


PLAIN = "address,{column}\nann@example.org,{value}\n"
LISTMONK = 'email,status,{column}\nann@example.org,enabled,"{value}"\n'


@pytest.mark.parametrize(
    ("file", "column", "value", "status"),
    [
        (MAILCHIMP, "UNSUB_TIME", "2021-01-01 00:00:00", "unsubscribed"),
        (MAILCHIMP, "CLEAN_TIME", "2021-01-01 00:00:00", "bounced"),
        (DASHBOARD, "Sections", "Weekly,Notes, ", "active"),
        (DASHBOARD, "Sections", "", "unsubscribed"),
        (DASHBOARD, "Emails enabled", "true", "active"),
        (DASHBOARD, "Emails enabled", "false", "unsubscribed"),
        (DASHBOARD, "Emails enabled", "", "unsubscribed"),
        (DASHBOARD, "digest_enabled", "false", "active"),
        (PLAIN, "delivery_status", "by_user", "unsubscribed"),
        (PLAIN, "delivery_status", "by_bounces", "bounced"),
        (PLAIN, "nomail", "off", "active"),
        (PLAIN, "nomail", "[B]", "bounced"),
        (PLAIN, "email_disabled", "", "active"),
        (PLAIN, "Unsubscribed at", "2024-01-01", "unsubscribed"),
        (PLAIN, "undeliverability_reason", "no such mailbox", "bounced"),
        (PLAIN, "UNSUB_REASON", "NORMAL", "unsubscribed"),
        (PLAIN, "Opted out", "0000-00-00 00:00:00", "active"),
        (PLAIN, "Opted out", "yes", "unsubscribed"),
        (PLAIN, "Marked as spam", "1", "complained"),
        (PLAIN, "Email Marketing Status", "Subscribed", "active"),
        (PLAIN, "Contact Status", "Archived", "unsubscribed"),
        (PLAIN, "Newsletter consent given", "2024-01-01", "active"),
        (PLAIN, "unsubscribe_url", "https://example.org/u/1", "active"),
        (PLAIN, "bounce_count", "3", "active"),
        (LISTMONK, "lists", "weekly", "active"),
        (LISTMONK, "lists", "[{S: 'unsubscribed'}]", "unsubscribed"),
        (LISTMONK, "lists", "[{S: 'unsubscribed'}, {S: 'confirmed'}]", "active"),
        (LISTMONK, "lists", "[{S: 'unconfirmed', 'optin': 'double'}]", "pending"),
        (LISTMONK, "lists", "[{S: 'unconfirmed', 'optin': 'single'}]", "active"),
        (LISTMONK, "lists", "[1, null]", "active"),
    ],
)
def test_no_column_that_says_that_there_is_no_mail_is_ignored(
    file: str, column: str, value: str, status: str
) -> None:
    cell = value.replace("S:", "'subscription_status':").replace("'", '""')
    assert statuses(file.format(column=column, value=cell)) == [status]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Contact Status", "Non-Subscribed"),
        ("role", "nonmember"),
        ("Accepts Email Marketing", "perhaps"),
        ("delivery_status", "by_the_moon"),
    ],
)
def test_people_who_never_subscribed_and_unknown_words_are_refused(
    column: str, value: str
) -> None:
    (bad,) = rows(f"email,{column}\nann@example.org,{value}\n")
    assert isinstance(bad, BadRow)
    assert value.casefold() in str(bad).casefold()


def test_the_strongest_of_several_columns_counts() -> None:
    content = (
        "email,status,email_disabled,Opted out,bounced\n"
        "ann@example.org,enabled,,,\n"
        "bob@example.org,enabled,true,,yes\n"
        "cyd@example.org,spam,true,,\n"
        "dee@example.org,pending,,,yes\n"
    )
    assert statuses(content) == ["active", "unsubscribed", "complained", "bounced"]


@pytest.mark.parametrize("column", ["Sprache", "langue", "Idioma", "语言", "語言", "言語"])
def test_the_column_of_languages_has_its_name_in_several_languages(column: str) -> None:
    assert only(f"email;{column}\nann@example.org;de\n").subscriber.language == "de"


def test_members_of_ghost() -> None:
    content = (
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,"
        "created_at,deleted_at,labels,tiers\n"
        "1,ann@example.org,Ann,,true,false,,2022-01-02T03:04:05.000Z,,,\n"
        "2,bob@example.org,Bob,,false,false,,2022-01-02T03:04:05.000Z,,,\n"
        "3,cyd@example.org,Cyd,,perhaps,false,,2022-01-02T03:04:05.000Z,,,\n"
    )
    assert statuses(content)[:2] == ["active", "unsubscribed"]
    assert "neither true nor false" in statuses(content)[2]


def test_subscribers_of_listmonk() -> None:
    content = (
        "uuid,email,name,attributes,status,created_at,updated_at\n"
        '1,ann@example.org,Ann,"{""language"": ""de_DE""}",enabled,2023-01-02T03:04:05Z,\n'
        "2,bob@example.org,Bob,{},blocklisted,2023-01-02T03:04:05Z,\n"
        "3,cyd@example.org,Cyd,{},limbo,2023-01-02T03:04:05Z,\n"
    )
    assert statuses(content)[:2] == ["active", "unsubscribed"]
    assert "'limbo' is none of pending" in statuses(content)[2]
    (ann, *_others) = rows(content)
    assert isinstance(ann, SubscriberRow)
    assert ann.subscriber.language == "de"


def test_subscribers_of_buttondown() -> None:
    words = {
        "regular": "active",
        "premium": "active",
        "unactivated": "pending",
        "unsubscribed": "unsubscribed",
        "removed": "unsubscribed",
        "undeliverable": "bounced",
        "complained": "complained",
    }
    header = "email_address,notes,tags,subscriber_type,creation_date,ip_address,source\n"
    line = "{0}@example.org,,,{0},2024-01-02T03:04:05Z,2001:db8:1:2::3,form\n"
    found = rows(header + "".join(map(line.format, words)))
    people = [row for row in found if isinstance(row, SubscriberRow)]
    assert [row.subscriber.status for row in people] == [*words.values()]
    assert {row.network for row in people} == {"2001:db8:1::/48"}


def test_members_of_mailman() -> None:
    lines = 'Ann Example <ann@example.org>\nbob@example.org\n\n"Cole, Cyd" <cyd@example.org>\n'
    found = rows(lines)
    assert all(isinstance(row, SubscriberRow) for row in found)
    people = [row.subscriber for row in found if isinstance(row, SubscriberRow)]
    assert [one.email[:3] for one in people] == ["ann", "bob", "cyd"]
    assert [one.name for one in people] == ["Ann Example", "", "Cole, Cyd"]
    assert only("address,display_name\nann@example.org,Ann\n").subscriber.name == "Ann"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('"Cole, Cyd" <ann@example.org>', "Cole, Cyd"),
        ('"Ann Example <ann@example.org>"', "Ann Example"),
        ('"""Cole, Cyd"" <ann@example.org>"', "Cole, Cyd"),
        (r'"Ann \"Q\" Example" <ann@example.org>', 'Ann "Q" Example'),
        ("Cole, Cyd <ann@example.org>", "Cole, Cyd"),
        ('"ann@example.org"', ""),
    ],
)
def test_a_list_of_members_may_begin_with_a_quote(line: str, name: str) -> None:
    first, second = rows(f"{line}\nbob@example.org\n")
    assert isinstance(first, SubscriberRow)
    assert isinstance(second, SubscriberRow)
    assert (first.subscriber.email, first.subscriber.name) == ("ann@example.org", name)


def test_consent_of_new_subscribers_is_stored_with_its_time_and_network(
    connection: Connection,
) -> None:
    content = "email,consented,network\nann@example.org,2024-01-02T03:04:05Z,192.0.2.9\n"
    lines = content.splitlines(keepends=True)
    import_csv(connection, lines, **OPTIONS, now=NOW)
    since = connection.execute(subscription.select()).one().consented_at
    (record,) = load_consent_records(connection, 1)
    assert since == record.at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (record.network, record.event, record.source) == (
        "192.0.2.0/24",
        "imported",
        "import",
    )
    assert import_csv(connection, lines, **OPTIONS, now=NOW).unchanged == 1
    assert len(load_consent_records(connection, 1)) == 1


def test_a_dry_run_counts_rows_lists_the_bad_ones_and_stores_nothing(
    connection: Connection,
) -> None:
    content = (
        "email,status,language,phone\nann@example.org,cleaned,de,1\nANN@example.org,,,\n"
        "nonsense,,,\nbob@example.org,,xx,\n"
    )
    lines = content.splitlines(keepends=True)
    found = import_csv(connection, lines, **OPTIONS, now=NOW, dry_run=True)
    assert found.columns.ignored == ("phone",)
    assert (found.statuses, found.languages) == ({"bounced": 1}, {"de": 1})
    assert (found.added, found.refused, found.consented) == (1, 3, 0)
    assert found.without_mail == {("bounced", "status"): 1}
    assert [row.line for row in found.bad] == [3, 4, 5]
    assert connection.execute(subscription.select()).all() == []


# NUL is refused in a file, and a row of white space alone counts as empty.
CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.lists(CELL, min_size=2, max_size=4).filter(lambda row: "".join(row).strip()))


def written(*rows: list[str]) -> str:
    out = StringIO(newline="")
    write_cells(rows, out)
    return out.getvalue()


@given(ROWS)
def test_cells_are_read_as_they_were_written(rows: list[list[str]]) -> None:
    content = written(*rows).encode()
    assert [cells for _, cells in read_cells(BytesIO(b"\xef\xbb\xbf" + content))] == rows


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1", "''@"])
def test_formulas_are_escaped(cell: str) -> None:
    assert written([cell]).lstrip('"').startswith(f"'{cell}")


@pytest.mark.parametrize("cell", ["'Abd", "a=1", "O'Example", "''", ""])
def test_other_cells_are_not_changed(cell: str) -> None:
    assert written(["x", cell]) == f"x,{cell}\r\n"


def test_rows_are_numbered_by_lines_of_the_file() -> None:
    lines = b'a,b\r\n\r\n"two\r\nlines",c\n , \nd,e'
    assert list(read_cells(BytesIO(lines))) == [
        (1, ["a", "b"]),
        (3, ["two\r\nlines", "c"]),
        (6, ["d", "e"]),
    ]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"email\nann\0@example.org\n", 2, "NUL"),
        ("email\n".encode("utf-16-le"), 1, "NUL"),
        (b'email\na\n"b\nc\nd\n', 3, "never closed"),
        (b'email\n"a"b\n', 2, "follows a closing quote"),
        (b"email\ra@example.org\rb@example.org\r", 1, "CR alone"),
        (b'email\n"' + b"x\n" * 100_000, 2, "128 KiB"),
        (b"PK\x03\x04", 1, "this is a ZIP archive or a spreadsheet; save the list as CSV"),
        (b"\x1f\x8b", 1, "this is a compressed file; unpack it first"),
        (b"%PDF-1.7\nemail\n", 1, "this is a PDF; save the list as CSV"),
    ],
)
def test_a_file_that_is_not_csv_is_an_error_with_its_line(
    content: bytes, line: int, reason: str
) -> None:
    with pytest.raises(BadFileError, match=reason) as caught:
        list(read_cells(BytesIO(content)))
    assert caught.value.line == line
