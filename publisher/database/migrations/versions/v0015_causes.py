"""A delivery has a key for its cause; the column `reason` keeps the words that differ.

Until now `reason` was a sentence: `the mailbox is full (452 4.2.2: no room)`. The sentences that
this reads are those of the versions before, whatever they are called now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

# Bounce categories: `sentence` or `sentence (words)`.
BOUNCES = (
    ("no-mailbox", "there is no such mailbox"),
    ("not-known", "the mailbox is not available: unknown, closed to us, or not yet set up"),
    ("no-domain", "the recipient's domain does not exist or accepts no mail"),
    ("bad-address", "the server does not accept this as an address"),
    ("moved", "the recipient has moved to another address"),
    ("switched-off", "the mailbox is switched off"),
    ("full", "the mailbox is full"),
    ("crowded", "the recipient gets more mail at present than the mailbox accepts"),
    ("greylisted", "the server asks new senders to try again later (greylisting)"),
    ("too-fast", "too much mail at once, or too many complaints"),
    ("allowance-used", "our account has sent as much as it may for now"),
    ("too-large", "the message is larger than the server accepts"),
    ("spam", "the message is classified as spam"),
    ("malformed", "the server considers the message malformed"),
    ("policy", "the server's policy forbids it"),
    ("blocked", "our server is on a block list"),
    ("reputation", "our server or domain has a bad reputation there"),
    ("no-ptr", "the sending host's address has no name that leads back to it (PTR)"),
    ("no-spf", "the sender's domain does not list the sending host (SPF)"),
    ("no-tls", "the mail came without TLS"),
    ("no-dkim", "the signature is missing or wrong (DKIM)"),
    ("no-dmarc", "the sender's domain has no DMARC record"),
    (
        "not-aligned",
        "the sender's domain is neither the one that signed nor the one of SPF (DMARC)",
    ),
    ("unproven", "the mail does not prove who sent it (SPF, DKIM, DMARC)"),
    ("sender-refused", "the sender's address is refused"),
    ("host-refused", "the server refuses our host, or the name in its EHLO"),
    ("login-needed", "the server requires a login"),
    ("login-refused", "the login is refused"),
    ("tls-needed", "the server requires TLS"),
    ("not-relayed", "the server relays no mail for us"),
    ("not-ours", "our account may not send in this sender's name"),
    ("suspended", "our account is suspended"),
    (
        "session-over",
        "the server has ended the connection, as it does after some time or some messages",
    ),
    ("busy", "the server is busy or about to stop"),
    ("trouble", "the server has an internal problem"),
    ("no-way", "the server finds no route to the recipient's server"),
    ("misunderstood", "the server does not understand a command"),
    ("not-now", "the server does not accept it now"),
    ("not-taken", "the server does not accept it"),
)
# Sentences without words.
PLAIN = (
    ("unsubscribed", "no longer subscribed"),
    ("cancelled", "the issue was cancelled"),
    ("marked-sent", "believed to have been taken"),
    ("interrupted", "the program was stopped while it was being sent, before the answer came"),
    ("program-failed", "the program failed while the message was being sent"),
    ("connection-closed", "the connection was closed"),
    ("connection-closed", "the connection is closed"),
    ("lease-lost", "the lease is lost"),
)
# What comes before the words.
BEFORE = (
    ("unsendable", "no message can be written: "),
    ("unanswered", "all of it was sent, but the server "),
)
# What the server did when a connection was lost: after "the server ".
LOSSES = (
    "sent ",
    "did not complete a reply",
    "closed the connection",
    "was silent for ",
    "broke off the connection",
    "broke TLS",
    "can't be reached any more",
    "expected another message",
    "has ended the connection",
)
# The words are the whole reason.
FOLDERS = ("%: can't be written: %", "%: is on another file system than %")

_TABLE = sa.table("delivery", sa.column("reason", sa.Text), sa.column("reason_key", sa.Text))
_REASON = _TABLE.c.reason


def upgrade() -> None:
    """Add the column and fill it: each statement reads the rows that have a reason once."""
    op.add_column("delivery", sa.Column("reason_key", sa.Text(), nullable=True))
    has_reason = sa.update(_TABLE).where(_REASON.is_not(None))
    op.execute(
        has_reason.where(_REASON.like("given up after %")).values(reason=_not_given_up())
    )
    op.execute(has_reason.values(reason_key=_key()))
    op.execute(has_reason.values(reason=_words()))


def _begins(text: str) -> sa.ColumnElement[bool]:
    return sa.func.substr(_REASON, 1, len(text)) == text


def _is(text: str) -> sa.ColumnElement[bool]:
    return _REASON.in_([text])


def _not_given_up() -> sa.ColumnElement[str]:
    """Return the reason without `given up after 48 hours: `, which the state says."""
    first = len("given up after ") + 1
    return sa.case(
        *(
            (
                sa.func.substr(_REASON, end, len(unit)) == unit,
                sa.func.substr(_REASON, end + len(unit)),
            )
            for end in range(first + 1, first + 6)
            for unit in (" hours: ", " hour: ")
        ),
        else_=_REASON,
    )


def _key() -> sa.ColumnElement[str]:
    return sa.case(
        *((_is(text) | _begins(f"{text} ("), key) for key, text in BOUNCES),
        *((_is(text), key) for key, text in PLAIN),
        *((_begins(text), key) for key, text in BEFORE),
        *((_begins(f"the server {text}"), "connection-lost") for text in LOSSES),
        *((_REASON.like(pattern), "folder") for pattern in FOLDERS),
        else_="unknown",
    )


def _words() -> sa.ColumnElement[str | None]:
    size = sa.func.length(_REASON)
    after = {key: len(text) for key, text in BEFORE} | {"connection-lost": len("the server ")}
    return sa.case(
        *(
            (
                _TABLE.c.reason_key == key,
                sa.case(
                    (
                        size > len(text),
                        sa.func.substr(_REASON, len(text) + 3, size - len(text) - 3),
                    ),
                ),
            )
            for key, text in BOUNCES
        ),
        *((_TABLE.c.reason_key == key, sa.null()) for key in dict(PLAIN)),
        *(
            (_TABLE.c.reason_key == key, sa.func.substr(_REASON, n + 1))
            for key, n in after.items()
        ),
        else_=_REASON,
    )
