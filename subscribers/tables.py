"""The tables of subscribers and the column type of instants.

`metadata` belongs to this package; the application combines it with its own. Every constraint and
index has a name here, because migrations are written by hand and use these names.
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
        """Turn an aware datetime into text."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise NaiveDatetimeError(value)
        naive = value.astimezone(UTC).replace(tzinfo=None)
        return naive.isoformat(timespec="seconds") + "Z"

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 -- the signature is SQLAlchemy's
        """Turn text into a datetime in UTC."""
        return None if value is None else datetime.fromisoformat(value)


subscribers_metadata: Final = sa.MetaData()


def _ends_with_subscriber(table: str) -> sa.ForeignKeyConstraint:
    """Return the constraint that deletes a table's rows with their subscriber."""
    name = f"fk_{table}_subscriber_id"
    return sa.ForeignKeyConstraint(
        ["subscriber_id"], ["subscriber.id"], name=name, ondelete="CASCADE"
    )


subscriber: Final = sa.Table(
    "subscriber",
    subscribers_metadata,
    sa.Column("id", sa.Integer, autoincrement=True),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("updated_at", UTCDateTime, nullable=False),
    # Is in the signature of every personal link; links of an earlier generation have ended, except
    # those that unsubscribe.
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    # The same for the address of the subscriber's own feed.
    sa.Column("feed_generation", sa.Integer, nullable=False, server_default="0"),
    sa.PrimaryKeyConstraint("id", name="pk_subscriber"),
    sa.UniqueConstraint("email", name="uq_subscriber_email"),
    sa.CheckConstraint(
        "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
        name="ck_subscriber_status",
    ),
    # An id is never reused: ledger rows of an erased subscriber must not become another's.
    # The application turns this, and `keyed` below, into options of its database.
    info={"ids_never_reused": True},
)

subscription: Final = sa.Table(
    "subscription",
    subscribers_metadata,
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("newsletter", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("consented_at", UTCDateTime),
    sa.Column("source", sa.Text, nullable=False),
    # A `preferences.Cadence`; NULL for each issue.
    sa.Column("cadence", sa.Text),
    # When it was changed last; NULL if never.
    sa.Column("cadence_at", UTCDateTime),
    sa.PrimaryKeyConstraint("subscriber_id", "newsletter", name="pk_subscription"),
    _ends_with_subscriber("subscription"),
    sa.CheckConstraint(
        "status IN ('pending', 'active', 'unsubscribed')", name="ck_subscription_status"
    ),
    info={"keyed": True},
)

# Former names of newsletters. Links in older mails name them.
newsletter_alias: Final = sa.Table(
    "newsletter_alias",
    subscribers_metadata,
    sa.Column("former", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("former", name="pk_newsletter_alias"),
    info={"keyed": True},
)

# What a subscriber chose; without a row, the defaults of `preferences.Preferences`.
preference: Final = sa.Table(
    "preference",
    subscribers_metadata,
    sa.Column("subscriber_id", sa.Integer, autoincrement=False),
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
    sa.PrimaryKeyConstraint("subscriber_id", name="pk_preference"),
    _ends_with_subscriber("preference"),
)

# What happened to a subscriber's consent. It is erased with the subscriber.
subscriber_event: Final = sa.Table(
    "subscriber_event",
    subscribers_metadata,
    sa.Column("id", sa.Integer),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("at", UTCDateTime, nullable=False),
    # NULL for a change of the subscriber's own status, which concerns all newsletters.
    sa.Column("newsletter", sa.Text),
    # The status before and after; NULL where there was no subscription, or is none any more.
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.PrimaryKeyConstraint("id", name="pk_subscriber_event"),
    _ends_with_subscriber("subscriber_event"),
)

# Addresses that were erased, as keyed hashes, so that no import adds them again.
erased_address: Final = sa.Table(
    "erased_address",
    subscribers_metadata,
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("erased_at", UTCDateTime, nullable=False),
    # An `store.ErasureReason`.
    sa.Column("reason_key", sa.Text, nullable=False, server_default="erased"),
    sa.PrimaryKeyConstraint("digest", name="pk_erased_address"),
    info={"keyed": True},
)

# A change of an address. Rows are deleted seven days after the confirmation, with the old address.
address_change: Final = sa.Table(
    "address_change",
    subscribers_metadata,
    sa.Column("id", sa.Integer, autoincrement=True),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("old_address", sa.Text, nullable=False),
    sa.Column("new_address", sa.Text, nullable=False),
    sa.Column("requested_at", UTCDateTime, nullable=False),
    # The link to the new address is valid until then.
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("confirmed_at", UTCDateTime),
    sa.Column("undone_at", UTCDateTime),
    sa.PrimaryKeyConstraint("id", name="pk_address_change"),
    _ends_with_subscriber("address_change"),
    # Signed links hold the id.
    info={"ids_never_reused": True},
)

# Ids of subscribers who were merged into others. Ledger rows and old links keep the former id.
subscriber_alias: Final = sa.Table(
    "subscriber_alias",
    subscribers_metadata,
    sa.Column("former_id", sa.Integer, autoincrement=False),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("merged_at", UTCDateTime, nullable=False),
    sa.PrimaryKeyConstraint("former_id", name="pk_subscriber_alias"),
    _ends_with_subscriber("subscriber_alias"),
)

# A newsletter's articles that became available in (since, until] may not have reached a subscriber.
interruption: Final = sa.Table(
    "interruption",
    subscribers_metadata,
    sa.Column("id", sa.Integer),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("newsletter", sa.Text, nullable=False),
    sa.Column("since", UTCDateTime, nullable=False),
    sa.Column("until", UTCDateTime, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_interruption"),
    _ends_with_subscriber("interruption"),
)

# A mailed link and a code that start a session. Each is used once.
access_request: Final = sa.Table(
    "access_request",
    subscribers_metadata,
    sa.Column("id", sa.Integer, autoincrement=True),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    # A keyed hash.
    sa.Column("code_digest", sa.Text, nullable=False),
    # Wrong codes that were entered.
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("used_at", UTCDateTime),
    sa.PrimaryKeyConstraint("id", name="pk_access_request"),
    _ends_with_subscriber("access_request"),
    info={"ids_never_reused": True},
)

# Browsers that proved a subscriber's mailbox, by the SHA-256 of their cookie.
subscriber_session: Final = sa.Table(
    "subscriber_session",
    subscribers_metadata,
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.PrimaryKeyConstraint("digest", name="pk_subscriber_session"),
    _ends_with_subscriber("subscriber_session"),
    info={"keyed": True},
)

# Somebody entered an address and asked for newsletters. It is valid until `expires_at`, and ends
# earlier by a confirmation or a cancellation.
join_request: Final = sa.Table(
    "join_request",
    subscribers_metadata,
    sa.Column("id", sa.Integer, autoincrement=True),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("newsletters", sa.JSON, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("requested_at", UTCDateTime, nullable=False),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    # A keyed hash of the code in the mail; empty once it was used.
    sa.Column("code_digest", sa.Text, nullable=False),
    sa.Column("code_attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reminded_at", UTCDateTime),
    sa.Column("confirmed_at", UTCDateTime),
    sa.Column("cancelled_at", UTCDateTime),
    sa.PrimaryKeyConstraint("id", name="pk_join_request"),
    _ends_with_subscriber("join_request"),
    # The id is part of signed links: it must not become another request's.
    info={"ids_never_reused": True},
)

# The texts that people agreed to, as they were shown.
consent_wording: Final = sa.Table(
    "consent_wording",
    subscribers_metadata,
    # SHA-256 of the text.
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("digest", name="pk_consent_wording"),
    info={"keyed": True},
)

# Proof of consent (GDPR, article 7.1). Rows are only added, and erased with the subscriber.
consent_record: Final = sa.Table(
    "consent_record",
    subscribers_metadata,
    sa.Column("id", sa.Integer),
    sa.Column("subscriber_id", sa.Integer, nullable=False),
    sa.Column("at", UTCDateTime, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("newsletters", sa.JSON, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("wording_digest", sa.Text),
    sa.Column("page", sa.Text, nullable=False),
    # Shortened by the caller to /24 or /48; never a whole address.
    sa.Column("network", sa.Text, nullable=False),
    # Of the mail that asked for the confirmation.
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_consent_record"),
    _ends_with_subscriber("consent_record"),
    sa.ForeignKeyConstraint(
        ["wording_digest"], ["consent_wording.digest"], name="fk_consent_record_wording_digest"
    ),
)

# The first index counts subscribers by language without reading their rows. The second lists the
# subscribers of a newsletter at a cadence by id, so that an audience needs no sorting.
sa.Index(
    "ix_subscriber_status_language_id",
    subscriber.c.status,
    subscriber.c.language,
    subscriber.c.id,
)
sa.Index(
    "ix_subscription_newsletter_status_cadence_subscriber_id",
    subscription.c.newsletter,
    subscription.c.status,
    subscription.c.cadence,
    subscription.c.subscriber_id,
    subscription.c.cadence_at,
)
sa.Index("ix_subscriber_event_subscriber_id", subscriber_event.c.subscriber_id)
for _table in (
    address_change,
    subscriber_alias,
    access_request,
    subscriber_session,
    interruption,
):
    sa.Index(f"ix_{_table.name}_subscriber_id", _table.c.subscriber_id)
sa.Index("ix_join_request_subscriber_id", join_request.c.subscriber_id)
sa.Index("ix_join_request_requested_at", join_request.c.requested_at)
sa.Index("ix_consent_record_subscriber_id", consent_record.c.subscriber_id)
sa.Index("ix_consent_record_at", consent_record.c.at)


def insert_row(connection: sa.Connection, table: sa.Table, **values: Any) -> int:
    """Store a row, and return its id."""
    row = sa.insert(table).values(values).returning(table.c.id)
    return int(connection.execute(row).scalar_one())
