"""The tables of subscribers and the column type of instants.

`subscribers_metadata` belongs to this package; the application combines it with its own. It gives
every constraint and index a name, because migrations are written by hand and use these names.
"""

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from subscribers.errors import NaiveDatetimeError


class UTCDateTime(sa.TypeDecorator[datetime]):
    """An instant, stored as the text `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC, whole seconds).

    Such text sorts by time, is the same in every database and cannot lose its zone. Microseconds
    are dropped. A naive value raises `NaiveDatetimeError`.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- the signature is SQLAlchemy's
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveDatetimeError(value)
        naive = value.astimezone(UTC).replace(tzinfo=None)
        return naive.isoformat(timespec="seconds") + "Z"

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the signature is SQLAlchemy's
        return None if value is None else datetime.fromisoformat(value)


subscribers_metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_subscriber(**options: Any) -> sa.Column[int]:
    """Return a column with a subscriber's id, whose rows are deleted with the subscriber."""
    key = sa.ForeignKey("subscriber.id", ondelete="CASCADE")
    return sa.Column("subscriber_id", sa.Integer, key, nullable=False, **options)


subscriber: Final = sa.Table(
    "subscriber",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    # Values of the publication's own fields, by name; NULL for none.
    sa.Column("fields", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("updated_at", UTCDateTime, nullable=False),
    # Is in the signature of every personal link; links of an earlier generation have ended, except
    # those that unsubscribe.
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    # The same for the address of the subscriber's own feed.
    sa.Column("feed_generation", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint(
        "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
        name="status",
    ),
    # An id is never reused: ledger rows of an erased subscriber must not become another's.
    # The application turns this, and `keyed` below, into options of its database.
    info={"ids_never_reused": True},
)

subscription: Final = sa.Table(
    "subscription",
    subscribers_metadata,
    _of_subscriber(primary_key=True),
    sa.Column("newsletter", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("consented_at", UTCDateTime),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("cadence", sa.Text),  # a `preferences.Cadence`; NULL for each issue
    sa.Column("cadence_at", UTCDateTime),  # when it was changed last; NULL if never
    sa.CheckConstraint("status IN ('pending', 'active', 'unsubscribed')", name="status"),
    info={"keyed": True},
)

# Former names of newsletters. Links in older mails name them.
newsletter_alias: Final = sa.Table(
    "newsletter_alias",
    subscribers_metadata,
    sa.Column("former", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    info={"keyed": True},
)

# What a subscriber chose; without a row, the defaults of `preferences.Preferences`.
preference: Final = sa.Table(
    "preference",
    subscribers_metadata,
    _of_subscriber(primary_key=True),
    # Language tags after `subscriber.language`, best first.
    sa.Column("more_languages", sa.JSON, nullable=False),
    sa.Column("length", sa.Text),
    sa.Column("machine_translations", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("topics", sa.JSON, nullable=False),
    sa.Column("authors", sa.JSON, nullable=False),
    sa.Column("hour", sa.Integer),
    sa.Column("paused_at", UTCDateTime),
    sa.Column("paused_until", UTCDateTime),
    # What of this changes the content of issues (`preferences`); NULL if nothing does.
    sa.Column("profile", sa.Text),
)

# What happened to a subscriber's consent. It is erased with the subscriber.
subscriber_event: Final = sa.Table(
    "subscriber_event",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("at", UTCDateTime, nullable=False),
    # NULL for a change of the subscriber's own status, which concerns all newsletters.
    sa.Column("newsletter", sa.Text),
    # The status before and after; NULL where there was no subscription, or is none any more.
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
)

# The last count of a large list (`numbers.ListNumbers`), in one row.
list_numbers: Final = sa.Table(
    "list_numbers",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("numbers", sa.Text, nullable=False),
)

# Addresses that were erased, as keyed hashes, so that no import adds them again.
erased_address: Final = sa.Table(
    "erased_address",
    subscribers_metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("erased_at", UTCDateTime, nullable=False),
    # An `store.ErasureReason`.
    sa.Column("reason_key", sa.Text, nullable=False, server_default="erased"),
    info={"keyed": True},
)

# A change of an address. Rows are deleted seven days after the confirmation, with the old address.
address_change: Final = sa.Table(
    "address_change",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("old_address", sa.Text, nullable=False),
    sa.Column("new_address", sa.Text, nullable=False),
    sa.Column("requested_at", UTCDateTime, nullable=False),
    # The link to the new address is valid until then.
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("confirmed_at", UTCDateTime),
    sa.Column("undone_at", UTCDateTime),
    # Signed links hold the id.
    info={"ids_never_reused": True},
)

# Ids of subscribers who were merged into others. Ledger rows and old links keep the former id.
subscriber_alias: Final = sa.Table(
    "subscriber_alias",
    subscribers_metadata,
    sa.Column("former_id", sa.Integer, autoincrement=False, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("merged_at", UTCDateTime, nullable=False),
)

# A newsletter's articles that became available in (since, until] may not have reached a subscriber.
interruption: Final = sa.Table(
    "interruption",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("newsletter", sa.Text, nullable=False),
    sa.Column("since", UTCDateTime, nullable=False),
    sa.Column("until", UTCDateTime, nullable=False),
)

# A mailed link and a code that start a session. Each is used once.
access_request: Final = sa.Table(
    "access_request",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("code_digest", sa.Text, nullable=False),  # a keyed hash
    # Wrong codes that were entered.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("used_at", UTCDateTime),
    info={"ids_never_reused": True},
)

# Browsers that proved a subscriber's mailbox, by the SHA-256 of their cookie.
subscriber_session: Final = sa.Table(
    "subscriber_session",
    subscribers_metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    info={"keyed": True},
)

# Somebody entered an address and asked for newsletters. It is valid until `expires_at`, and ends
# earlier by a confirmation or a cancellation.
join_request: Final = sa.Table(
    "join_request",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("newsletters", sa.JSON, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("requested_at", UTCDateTime, nullable=False, index=True),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    # A keyed hash of the code in the mail; empty once it was used.
    sa.Column("code_digest", sa.Text, nullable=False),
    sa.Column("code_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reminded_at", UTCDateTime),
    sa.Column("confirmed_at", UTCDateTime),
    sa.Column("cancelled_at", UTCDateTime),
    # The id is part of signed links: it must not become another request's.
    info={"ids_never_reused": True},
)

# The texts that people agreed to, as they were shown.
consent_wording: Final = sa.Table(
    "consent_wording",
    subscribers_metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # SHA-256 of the text
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    info={"keyed": True},
)

# Proof of consent (GDPR, article 7.1). Rows are only added, and erased with the subscriber.
consent_record: Final = sa.Table(
    "consent_record",
    subscribers_metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_subscriber(index=True),
    sa.Column("at", UTCDateTime, nullable=False, index=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("newsletters", sa.JSON, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("wording_digest", sa.ForeignKey("consent_wording.digest")),
    sa.Column("page", sa.Text, nullable=False),
    # Shortened by the caller to /24 or /48; never a whole address.
    sa.Column("network", sa.Text, nullable=False),
    # Of the mail that asked for the confirmation.
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)

# Finds what changed in some weeks, and after an issue.
sa.Index(None, subscriber_event.c.at)
# Counts subscribers by language without reading their rows.
sa.Index(None, *subscriber.c["status", "language", "id"])
# Lists the subscribers of a newsletter at a cadence by id, so that an audience needs no sorting.
sa.Index(
    "ix_subscription_newsletter_status_cadence_subscriber_id",
    *subscription.c["newsletter", "status", "cadence", "subscriber_id", "cadence_at"],
)


def insert_row(connection: sa.Connection, table: sa.Table, **values: Any) -> int:
    row = sa.insert(table).values(values).returning(table.c.id)
    return int(connection.execute(row).scalar_one())
