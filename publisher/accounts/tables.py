"""Tables: accounts, their roles and ways to sign in, sessions, API keys and the audit log.

Of everything that opens a door, only a hash is stored; a passkey's public key opens none.
"""

from typing import Any

import sqlalchemy as sa

from publisher.accounts.model import Role
from publisher.database.dialect import sql
from publisher.database.metadata import UTCDateTime, metadata

_ROLES = ", ".join(f"'{role}'" for role in Role)


def _of_account(**options: Any) -> sa.Column[int]:
    """Return a column with an account, whose rows end with it."""
    return sa.Column("account_id", sa.ForeignKey("account.id", ondelete="CASCADE"), **options)


account_table = sa.Table(
    "account",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    # In small letters.
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("disabled_at", UTCDateTime),
    # Raised when the owner asks for other addresses of private feeds.
    sa.Column("feed_generation", sa.Integer, nullable=False, server_default="0"),
    # When it is told of what by mail: `MailTime` by `StaffMailKind`, as far as its owner has chosen.
    sa.Column("mails", sa.JSON, nullable=False, server_default="{}"),
    info=sql.IDS_NEVER_REUSED,
)

account_role_table = sa.Table(
    "account_role",
    metadata,
    _of_account(primary_key=True),
    sa.Column(
        "role",
        sa.Text,
        sa.CheckConstraint(f"role IN ({_ROLES})", name="role"),
        primary_key=True,
    ),
    # Empty for all languages.
    sa.Column("language", sa.Text, primary_key=True),
    info=sql.KEYED,
)

passkey_table = sa.Table(
    "passkey",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_account(nullable=False, index=True),
    # What the owner calls it.
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("credential_id", sa.LargeBinary, nullable=False, unique=True),
    # COSE (RFC 9052).
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sql.LargeInteger, nullable=False),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("used_at", UTCDateTime),
)

password_table = sa.Table(
    "password",
    metadata,
    _of_account(primary_key=True),
    # Argon2id in its own notation (PHC).
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("changed_at", UTCDateTime, nullable=False),
    # The secret of one-time passwords, sealed with the publication's secret; NULL until it is proved.
    sa.Column("totp_sealed", sa.Text),
    # The last time step whose one-time password was used (RFC 6238): none is good twice.
    sa.Column("totp_step", sql.LargeInteger),
)

# Who the owner is to a provider of OpenID Connect.
openid_table = sa.Table(
    "openid",
    metadata,
    _of_account(primary_key=True),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.UniqueConstraint("issuer", "subject"),
)

recovery_code_table = sa.Table(
    "recovery_code",
    metadata,
    _of_account(primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("used_at", UTCDateTime),
    info=sql.KEYED,
)

# Lines of the console's first page that somebody has put aside, until they say something else.
put_aside_table = sa.Table(
    "put_aside",
    metadata,
    _of_account(primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    info=sql.KEYED,
)

invitation_table = sa.Table(
    "invitation",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _of_account(nullable=False, index=True),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("used_at", UTCDateTime),
    info=sql.KEYED,
)

console_session_table = sa.Table(
    "console_session",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    # What a person sees of it in a list.
    sa.Column("id", sa.Text, nullable=False, unique=True),
    # NULL until it is known who signs in.
    _of_account(index=True),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("seen_at", UTCDateTime, nullable=False),
    # When a factor was last shown; NULL until the sign-in is complete.
    sa.Column("proved_at", UTCDateTime),
    sa.Column("user_agent", sa.Text, nullable=False),
    # Shortened, as in the consent of subscribers.
    sa.Column("network", sa.Text, nullable=False),
    info=sql.KEYED,
)

challenge_table = sa.Table(
    "challenge",
    metadata,
    sa.Column("session_digest", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    info=sql.KEYED,
)

api_key_table = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    _of_account(nullable=False, index=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    # Lists of permissions and languages; NULL for all languages of the account.
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("languages", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UTCDateTime, nullable=False),
    sa.Column("expires_at", UTCDateTime, nullable=False),
    sa.Column("used_at", UTCDateTime),
    sa.Column("revoked_at", UTCDateTime),
    sa.UniqueConstraint("digest"),
    info=sql.IDS_NEVER_REUSED,
)

# Requests with an Idempotency-Key, for a day.
api_answer_table = sa.Table(
    "api_answer",
    metadata,
    sa.Column("api_key_id", sa.ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("client_key", sa.Text, primary_key=True),
    # Of method, path, query and body: the same key with another request is an error.
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("begun_at", UTCDateTime, nullable=False, index=True),
    # When it changed something, NULL if it did not; and its answer, NULL until there is one.
    sa.Column("changed_at", UTCDateTime),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.Text),
    sa.Column("etag", sa.Text),
    info=sql.KEYED,
)

# Append-only: a trigger refuses to change and to delete rows.
audit_entry_table = sa.Table(
    "audit_entry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", UTCDateTime, nullable=False),
    # Who: an account, or what else acts, such as "terminal". Rows outlive accounts.
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    # What changed, without secrets.
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    info=sql.IDS_NEVER_REUSED,
)


@sa.event.listens_for(audit_entry_table, "after_create")
def _refuse_changes(table: sa.Table, connection: sa.Connection, **_options: object) -> None:
    sql.refuse_changes(connection, table.name)
