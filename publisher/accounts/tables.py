"""Tables: accounts, their roles and ways to sign in, sessions, API keys and the audit log.

Of everything that opens a door, only a hash is stored; a passkey's public key opens none.
"""

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    event,
)

from publisher.accounts.model import Role
from publisher.database.dialect.sql import (
    IDS_NEVER_REUSED,
    KEYED,
    LargeInteger,
    refuse_changes,
)
from publisher.database.metadata import UTCDateTime, metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)

account_table = Table(
    "account",
    metadata,
    Column("id", Integer, primary_key=True),
    # In small letters.
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("disabled_at", UTCDateTime),
    # Raised when the owner asks for other addresses of private feeds.
    Column("feed_generation", Integer, nullable=False, server_default="0"),
    info=IDS_NEVER_REUSED,
)

account_role_table = Table(
    "account_role",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("role", Text, CheckConstraint(f"role IN ({_ROLES})", name="role"), primary_key=True),
    # Empty for all languages.
    Column("language", Text, primary_key=True),
    info=KEYED,
)

passkey_table = Table(
    "passkey",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    # What the owner calls it.
    Column("label", Text, nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    # COSE (RFC 9052).
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", LargeInteger, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
)

password_table = Table(
    "password",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    # Argon2id in its own notation (PHC).
    Column("hash", Text, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    # The secret of one-time passwords, sealed with the publication's secret; NULL until it is proved.
    Column("totp_sealed", Text),
    # The last time step whose one-time password was used (RFC 6238): none is good twice.
    Column("totp_step", LargeInteger),
)

recovery_code_table = Table(
    "recovery_code",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("used_at", UTCDateTime),
    info=KEYED,
)

invitation_table = Table(
    "invitation",
    metadata,
    Column("digest", Text, primary_key=True),
    Column(
        "account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    info=KEYED,
)

console_session_table = Table(
    "console_session",
    metadata,
    Column("digest", Text, primary_key=True),
    # What a person sees of it in a list.
    Column("id", Text, nullable=False, unique=True),
    # NULL until it is known who signs in.
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), index=True),
    Column("created_at", UTCDateTime, nullable=False),
    Column("seen_at", UTCDateTime, nullable=False),
    # When a factor was last shown; NULL until the sign-in is complete.
    Column("proved_at", UTCDateTime),
    Column("user_agent", Text, nullable=False),
    # Shortened, as in the consent of subscribers.
    Column("network", Text, nullable=False),
    info=KEYED,
)

challenge_table = Table(
    "challenge",
    metadata,
    Column("session_digest", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    info=KEYED,
)

api_key_table = Table(
    "api_key",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "account_id", ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("label", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # Lists of permissions and languages; NULL for all languages of the account.
    Column("scopes", JSON, nullable=False),
    Column("languages", JSON(none_as_null=True)),
    Column("created_at", UTCDateTime, nullable=False),
    Column("expires_at", UTCDateTime, nullable=False),
    Column("used_at", UTCDateTime),
    Column("revoked_at", UTCDateTime),
    UniqueConstraint("digest"),
    info=IDS_NEVER_REUSED,
)

# Requests with an Idempotency-Key, for a day.
api_answer_table = Table(
    "api_answer",
    metadata,
    Column("api_key_id", ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True),
    Column("client_key", Text, primary_key=True),
    # Of method, path, query and body: the same key with another request is an error.
    Column("request_hash", Text, nullable=False),
    Column("begun_at", UTCDateTime, nullable=False, index=True),
    # When it changed something, NULL if it did not; and its answer, NULL until there is one.
    Column("changed_at", UTCDateTime),
    Column("status", Integer),
    Column("body", Text),
    Column("etag", Text),
    info=KEYED,
)

# Append-only: a trigger refuses to change and to delete rows.
audit_entry_table = Table(
    "audit_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UTCDateTime, nullable=False),
    # Who: an account, or what else acts, such as "terminal". Rows outlive accounts.
    Column("actor", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("object", Text, nullable=False),
    # What changed, without secrets.
    Column("details", JSON, nullable=False),
    Column("network", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    info=IDS_NEVER_REUSED,
)


@event.listens_for(audit_entry_table, "after_create")
def _refuse_changes(table: Table, connection: Connection, **_options: object) -> None:
    refuse_changes(connection, table.name)
