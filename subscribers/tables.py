"""The tables of subscribers and the column type of instants.

`metadata` belongs to this package; the application combines it with its own. Every constraint and
index has a name here, because migrations are written by hand and use these names.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

from subscribers.errors import NaiveDatetimeError


class UTCDateTime(TypeDecorator[datetime]):
    """An instant, stored as the text `YYYY-MM-DDTHH:MM:SSZ` (RFC 3339, UTC, whole seconds).

    Such text sorts by time, is the same in every database and cannot lose its zone. Microseconds
    are dropped. A naive value raises `NaiveDatetimeError`.
    """

    impl = Text
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


subscribers_metadata: Final = MetaData()


def _ends_with_subscriber(table: str) -> ForeignKeyConstraint:
    """Return the constraint that deletes a table's rows with their subscriber."""
    name = f"fk_{table}_subscriber_id"
    return ForeignKeyConstraint(
        ["subscriber_id"], ["subscriber.id"], name=name, ondelete="CASCADE"
    )


subscriber: Final = Table(
    "subscriber",
    subscribers_metadata,
    Column("id", Integer, autoincrement=True),
    Column("email", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("language", Text, nullable=False),
    Column("timezone", Text),
    Column("status", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("updated_at", UTCDateTime, nullable=False),
    # Is in the signature of every personal link; links of an earlier generation have ended, except
    # those that unsubscribe.
    Column("generation", Integer, nullable=False, server_default="0"),
    # The same for the address of the subscriber's own feed.
    Column("feed_generation", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("id", name="pk_subscriber"),
    UniqueConstraint("email", name="uq_subscriber_email"),
    CheckConstraint(
        "status IN ('pending', 'active', 'unsubscribed', 'bounced', 'complained')",
        name="ck_subscriber_status",
    ),
    # An id is never reused: ledger rows of an erased subscriber must not become another's.
    # The application turns this, and `keyed` below, into options of its database.
    info={"ids_never_reused": True},
)

subscription: Final = Table(
    "subscription",
    subscribers_metadata,
    Column("subscriber_id", Integer, nullable=False),
    Column("newsletter", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("consented_at", UTCDateTime),
    Column("source", Text, nullable=False),
    # A `preferences.Cadence`; NULL for each issue.
    Column("cadence", Text),
    # When it was changed last; NULL if never.
    Column("cadence_at", UTCDateTime),
    PrimaryKeyConstraint("subscriber_id", "newsletter", name="pk_subscription"),
    _ends_with_subscriber("subscription"),
    CheckConstraint(
        "status IN ('pending', 'active', 'unsubscribed')", name="ck_subscription_status"
    ),
    info={"keyed": True},
)

# Former names of newsletters. Links in older mails name them.
newsletter_alias: Final = Table(
    "newsletter_alias",
    subscribers_metadata,
    Column("former", Text, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("former", name="pk_newsletter_alias"),
    info={"keyed": True},
)

# What a subscriber chose; without a row, the defaults of `preferences.Preferences`.
preference: Final = Table(
    "preference",
    subscribers_metadata,
    Column("subscriber_id", Integer, autoincrement=False),
    # Language tags after `subscriber.language`, best first.
    Column("more_languages", JSON, nullable=False),
    Column("length", Text),
    Column("machine_translations", Boolean(create_constraint=False), nullable=False),
    Column("topics", JSON, nullable=False),
    Column("authors", JSON, nullable=False),
    Column("hour", Integer),
    Column("paused_at", UTCDateTime),
    Column("paused_until", UTCDateTime),
    # What of this changes the content of issues (`preferences`); NULL if nothing does.
    Column("profile", Text),
    PrimaryKeyConstraint("subscriber_id", name="pk_preference"),
    _ends_with_subscriber("preference"),
)

# What happened to a subscriber's consent. It is erased with the subscriber.
subscriber_event: Final = Table(
    "subscriber_event",
    subscribers_metadata,
    Column("id", Integer),
    Column("subscriber_id", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    # NULL for a change of the subscriber's own status, which concerns all newsletters.
    Column("newsletter", Text),
    # The status before and after; NULL where there was no subscription, or is none any more.
    Column("before", Text),
    Column("after", Text),
    Column("source", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("id", name="pk_subscriber_event"),
    _ends_with_subscriber("subscriber_event"),
)

# Addresses that were erased, as keyed hashes, so that no import adds them again.
erased_address: Final = Table(
    "erased_address",
    subscribers_metadata,
    Column("digest", Text, nullable=False),
    Column("erased_at", UTCDateTime, nullable=False),
    # An `store.ErasureReason`.
    Column("reason_key", Text, nullable=False, server_default="erased"),
    PrimaryKeyConstraint("digest", name="pk_erased_address"),
    info={"keyed": True},
)

# A change of an address. Rows are deleted seven days after the confirmation, with the old address.
address_change: Final = Table(
    "address_change",
    subscribers_metadata,
    Column("id", Integer, autoincrement=True),
    Column("subscriber_id", Integer, nullable=False),
    Column("old_address", Text, nullable=False),
    Column("new_address", Text, nullable=False),
    Column("requested_at", UTCDateTime, nullable=False),
    # The link to the new address is valid until then.
    Column("expires_at", UTCDateTime, nullable=False),
    Column("confirmed_at", UTCDateTime),
    Column("undone_at", UTCDateTime),
    PrimaryKeyConstraint("id", name="pk_address_change"),
    _ends_with_subscriber("address_change"),
    # Signed links hold the id.
    info={"ids_never_reused": True},
)

# Ids of subscribers who were merged into others. Ledger rows and old links keep the former id.
subscriber_alias: Final = Table(
    "subscriber_alias",
    subscribers_metadata,
    Column("former_id", Integer, autoincrement=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("merged_at", UTCDateTime, nullable=False),
    PrimaryKeyConstraint("former_id", name="pk_subscriber_alias"),
    _ends_with_subscriber("subscriber_alias"),
)

# A newsletter's articles that became available in (since, until] may not have reached a subscriber.
interruption: Final = Table(
    "interruption",
    subscribers_metadata,
    Column("id", Integer),
    Column("subscriber_id", Integer, nullable=False),
    Column("newsletter", Text, nullable=False),
    Column("since", UTCDateTime, nullable=False),
    Column("until", UTCDateTime, nullable=False),
    PrimaryKeyConstraint("id", name="pk_interruption"),
    _ends_with_subscriber("interruption"),
)

# A mailed link and a code that start a session. Each is used once.
access_request: Final = Table(
    "access_request",
    subscribers_metadata,
    Column("id", Integer, autoincrement=True),
    Column("subscriber_id", Integer, nullable=False),
    # A keyed hash.
    Column("code_digest", Text, nullable=False),
    # Wrong codes that were entered.
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    PrimaryKeyConstraint("id", name="pk_access_request"),
    _ends_with_subscriber("access_request"),
    info={"ids_never_reused": True},
)

# Browsers that proved a subscriber's mailbox, by the SHA-256 of their cookie.
subscriber_session: Final = Table(
    "subscriber_session",
    subscribers_metadata,
    Column("digest", Text, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_subscriber_session"),
    _ends_with_subscriber("subscriber_session"),
    info={"keyed": True},
)

# Somebody entered an address and asked for newsletters. It is valid until `expires_at`, and ends
# earlier by a confirmation or a cancellation.
join_request: Final = Table(
    "join_request",
    subscribers_metadata,
    Column("id", Integer, autoincrement=True),
    Column("subscriber_id", Integer, nullable=False),
    Column("newsletters", JSON, nullable=False),
    Column("language", Text, nullable=False),
    Column("requested_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    # A keyed hash of the code in the mail; empty once it was used.
    Column("code_digest", Text, nullable=False),
    Column("code_attempts", Integer, nullable=False, server_default="0"),
    Column("reminded_at", UTCDateTime),
    Column("confirmed_at", UTCDateTime),
    Column("cancelled_at", UTCDateTime),
    PrimaryKeyConstraint("id", name="pk_join_request"),
    _ends_with_subscriber("join_request"),
    # The id is part of signed links: it must not become another request's.
    info={"ids_never_reused": True},
)

# The texts that people agreed to, as they were shown.
consent_wording: Final = Table(
    "consent_wording",
    subscribers_metadata,
    # SHA-256 of the text.
    Column("digest", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("digest", name="pk_consent_wording"),
    info={"keyed": True},
)

# Proof of consent (GDPR, article 7.1). Rows are only added, and erased with the subscriber.
consent_record: Final = Table(
    "consent_record",
    subscribers_metadata,
    Column("id", Integer),
    Column("subscriber_id", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("event", Text, nullable=False),
    Column("newsletters", JSON, nullable=False),
    Column("language", Text, nullable=False),
    Column("wording_digest", Text),
    Column("page", Text, nullable=False),
    # Shortened by the caller to /24 or /48; never a whole address.
    Column("network", Text, nullable=False),
    # Of the mail that asked for the confirmation.
    Column("message_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    PrimaryKeyConstraint("id", name="pk_consent_record"),
    _ends_with_subscriber("consent_record"),
    ForeignKeyConstraint(
        ["wording_digest"], ["consent_wording.digest"], name="fk_consent_record_wording_digest"
    ),
)

# The first index counts subscribers by language without reading their rows. The second lists the
# subscribers of a newsletter at a cadence by id, so that an audience needs no sorting.
Index(
    "ix_subscriber_status_language_id",
    subscriber.c.status,
    subscriber.c.language,
    subscriber.c.id,
)
Index(
    "ix_subscription_newsletter_status_cadence_subscriber_id",
    subscription.c.newsletter,
    subscription.c.status,
    subscription.c.cadence,
    subscription.c.subscriber_id,
    subscription.c.cadence_at,
)
Index("ix_subscriber_event_subscriber_id", subscriber_event.c.subscriber_id)
for _table in (
    address_change,
    subscriber_alias,
    access_request,
    subscriber_session,
    interruption,
):
    Index(f"ix_{_table.name}_subscriber_id", _table.c.subscriber_id)
Index("ix_join_request_subscriber_id", join_request.c.subscriber_id)
Index("ix_join_request_requested_at", join_request.c.requested_at)
Index("ix_consent_record_subscriber_id", consent_record.c.subscriber_id)
Index("ix_consent_record_at", consent_record.c.at)
